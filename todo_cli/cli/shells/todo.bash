# Completion of todo for bash (3.2 and later): eval "$(todo --show-completion bash)", or source this file.
#
# What the program prints (one candidate a line, a tab, a description) is data: nothing here evaluates it.

_todo() {
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
    done < <(_TODO_COMPLETE_LINE=${COMP_LINE:0:COMP_POINT} command todo </dev/null 2>/dev/null)
}

complete -o default -o nosort -F _todo todo 2>/dev/null || complete -o default -F _todo todo
