# Completion of todo for fish: a file named todo.fish in fish's folder of completions.
#
# What the program prints (one candidate a line, a tab, a description) is data: nothing here evaluates it.

function __todo_complete
    set -lx _TODO_COMPLETE_LINE (commandline --current-process --cut-at-cursor)
    set -l candidates (command todo </dev/null 2>/dev/null)
    if set -q candidates[1]
        set -l option (string match --regex -- '^--[^=]+=' (commandline --current-token --cut-at-cursor))
        printf '%s\n' "$option"$candidates
    else
        __fish_complete_path (commandline --current-token --cut-at-cursor)
    end
end

complete --command todo --erase
complete --command todo --no-files --keep-order --arguments '(__todo_complete)'
