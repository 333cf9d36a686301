# Completion of todo and neon-todo for bash (3.2 and later): eval "$(todo --show-completion bash)", or source this file.
#
# Program output (one candidate per line: word, tab, description) is data and is never evaluated. The program is called
# by one of its two names, never by the word on the line, which may be any path.

_todo() { _todo_complete todo; }
_neon_todo() { _todo_complete neon-todo; }

_todo_complete() {
    local line value
    COMPREPLY=()
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        case ${COMP_WORDS[COMP_CWORD]} in
            [\'\"]*) # bash inserts the candidate into the quotes as it is
                case $value in *[\'\"\\\$\`!]*) continue ;; esac ;;
            *) printf -v value %q "$value" ;;
        esac
        COMPREPLY+=("$value")
    done < <(_TODO_COMPLETE_LINE=${COMP_LINE:0:COMP_POINT} command "$1" </dev/null 2>/dev/null)
}

complete -o default -o nosort -F _todo todo 2>/dev/null || complete -o default -F _todo todo
complete -o default -o nosort -F _neon_todo neon-todo 2>/dev/null || complete -o default -F _neon_todo neon-todo
