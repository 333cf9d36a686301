#compdef -p todo neon-todo
# Completion of todo and neon-todo for zsh: a file named _todo on fpath, or eval "$(todo --show-completion zsh)" after
# compinit.
#
# Program output (one candidate per line: word, tab, description) is data and is never evaluated. The program is called
# by one of its two names, never by the word on the line, which may be any path. The patterns (-p) take precedence
# over zsh's own completion for devtodo's todo, wherever this file is on fpath.

_todo() {
  local program=todo
  [[ ${words[1]:t} == neon-todo ]] && program=neon-todo
  local tab=$'\t' line width=0
  local -a values shown expl

  while IFS= read -r line; do
    values+=("${line%%$tab*}")
    [[ $line == *$tab* ]] && shown+=("${line#*$tab}") || shown+=('')
    (( ${(m)#values[-1]} > width )) && width=${(m)#values[-1]}
  done < <(_TODO_COMPLETE_LINE="${(j: :)words[1,CURRENT-1]} $IPREFIX$QIPREFIX$PREFIX" \
    command $program </dev/null 2>/dev/null)

  _compskip=all
  if (( ! $#values )); then
    _files
    return
  fi
  [[ $PREFIX == --*=* ]] && compset -P '*='
  if [[ -z ${(j::)shown} ]]; then
    _wanted -V todo expl 'todo' compadd -a values
    return
  fi
  # Each line is as wide as the screen: one candidate a line. (compadd -l would read % in a title as a format.)
  local -i each
  for (( each = 1; each <= $#values; each++ )); do
    line="${(mr:width:)values[each]}  ${shown[each]}"
    shown[each]="${(mr:COLUMNS - 1:)line}"
  done
  _wanted -V todo expl 'todo' compadd -d shown -a values
}

if [[ $funcstack[1] == _todo ]]; then
  _todo "$@"
elif (( $+functions[compdef] )); then
  compdef _todo todo neon-todo
else
  print -u2 'todo: completion needs compinit: put "autoload -Uz compinit; compinit" before it'
fi
