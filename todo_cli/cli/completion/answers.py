"""Answers to the completion scripts in `shells/`.

A script runs `todo` without arguments and with the command line up to the cursor in `_TODO_COMPLETE_LINE`. The answer
is data, which shells must not evaluate: one candidate per line, followed by a tab and its description, if any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from todo_cli.cli.completion import typer_scripts
from todo_cli.rendering.format.escaping import neutralize

LINE = "_TODO_COMPLETE_LINE"

Candidate = tuple[str, str]
"""A word and its description, which may be empty; neither contains control characters."""


def answer(environment: Mapping[str, str], program: TyperGroup) -> str | None:
    """Return the output for a shell that requests completion in its environment; None if none does."""
    if LINE in environment:
        return "".join(
            f"{word}\t{description}\n" if description else f"{word}\n"
            for word, description in find_candidates(environment[LINE], program)
        )
    return typer_scripts.answer(environment, lambda line: find_candidates(line, program))


def find_candidates(line: str, program: TyperGroup) -> list[Candidate]:
    """Return the completions of the last word of a command line."""
    words = split_line(line)
    found = _offer(program, words[1:-1], words[-1])
    # A word with control characters cannot be typed as it is shown.
    return [(word, neutralize(description)) for word, description in found if word and word == neutralize(word)]


def split_line(line: str) -> list[str]:
    """Return the words of a command line without quotes; the last one, which is being typed, may be empty.

    Nothing is expanded. An open quote ends with the line.
    """
    words, quote, escaped = [""], "", False
    in_word = False
    for character in line:
        if escaped:
            words[-1] += character if quote != '"' or character in '"\\$`' else f"\\{character}"
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = in_word = True
        elif quote:
            quote, words[-1] = ("", words[-1]) if character == quote else (quote, words[-1] + character)
        elif character in "'\"":
            quote, in_word = character, True
        elif character.isspace():
            if in_word:
                words.append("")
            in_word = False
        else:
            words[-1] += character
            in_word = True
    return words


def _offer(program: TyperGroup, words: Sequence[str], incomplete: str) -> Iterator[Candidate]:
    """Yield the completions of `incomplete` after these words, which follow the program's name."""
    found = _resolve(program, words)
    if found is None:
        return
    context, words = found
    options = [each for each in context.command.get_params(context) if isinstance(each, TyperOption)]
    name, equals, value = incomplete.partition("=")
    parameter: TyperOption | TyperArgument | None = None
    if "--" not in words:
        if equals and name.startswith("--"):
            parameter, incomplete = _taking_value(options, name), value
        elif incomplete.startswith("-"):
            yield from _texts(context.command.shell_complete(context, incomplete))
            return
        elif words:
            parameter = _taking_value(options, words[-1])
    if parameter is None and isinstance(context.command, TyperGroup):
        yield from _texts(context.command.shell_complete(context, incomplete))
    elif parameter := parameter or _unfilled(context):
        yield from _texts(parameter.shell_complete(context, incomplete))


def _resolve(program: TyperGroup, words: Sequence[str]) -> tuple[typer.Context, Sequence[str]] | None:
    """Return the context of the command that the words name and the words after its name; None if there is none."""
    command: TyperCommand | TyperGroup = program
    name, context = "todo", None
    try:
        while True:
            made = command.make_context(name, list(words), parent=context, resilient_parsing=True)
            context = cast("typer.Context", made)
            if not isinstance(command, TyperGroup):
                return context, words
            _, rest, _ = command.make_parser(context).parse_args(list(words))
            if not rest:
                return context, words
            name, *words = rest
            if (found := command.get_command(context, name)) is None:
                return None
            command = cast("TyperCommand | TyperGroup", found)
    except (typer.Exit, typer.TyperException):  # an invalid command line has no completions
        return None


def _taking_value(options: Sequence[TyperOption], name: str) -> TyperOption | None:
    return next((each for each in options if name in each.opts and not each.is_flag), None)


def _unfilled(context: typer.Context) -> TyperArgument | None:
    """Return the first argument that accepts another word."""
    for each in context.command.get_params(context):
        source = context.get_parameter_source(each.name)
        if isinstance(each, TyperArgument) and (each.nargs == -1 or source is None or source.name != "COMMANDLINE"):
            return each
    return None


def _texts(items: Iterable[Any]) -> Iterator[Candidate]:
    return ((item.value, item.help or "") for item in items)
