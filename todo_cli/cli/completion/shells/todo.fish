# Completion of todo and neon-todo for fish: two files, todo.fish and neon-todo.fish, in fish's folder of completions.
#
# Program output (one candidate per line: word, tab, description) is data and is never evaluated. The program is called
# by one of its two names, never by the word on the line, which may be any path.

function __todo_complete --argument-names program
    set -lx _TODO_COMPLETE_LINE (commandline --current-process --cut-at-cursor)
    set -l candidates (command $program </dev/null 2>/dev/null)
    if set -q candidates[1]
        set -l option (string match --regex -- '^--[^=]+=' (commandline --current-token --cut-at-cursor))
        printf '%s\n' "$option"$candidates
    else
        __fish_complete_path (commandline --current-token --cut-at-cursor)
    end
end

for program in todo neon-todo
    complete --command $program --erase
    complete --command $program --no-files --keep-order --arguments "(__todo_complete $program)"
end
