"""Translation of the command-line parser's errors into ours."""

from __future__ import annotations

import re

import typer

from todo_cli.errors import InvalidInputError, TodoError

_KNOWN_ELSEWHERE = {
    word: f"did you mean '{command}'?"
    for command, words in {
        "add": ("new", "create"),
        "delete": ("rm", "remove", "del"),
        "done": ("do", "complete", "finish", "check"),
        "modify": ("change", "update", "mod"),
        "list": ("search", "find", "grep", "all"),
        "show": ("info", "view", "get"),
        "--help": ("help",),
        "--version": ("version",),
    }.items()
    for word in words
}
"""Names that other programs give to our commands."""

_CONSTRAINTS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "a valid integer, unable to parse string as an integer": "a whole number",
}
_INVALID = re.compile(f"invalid value for '(.+?)': Input should be ({'|'.join(_CONSTRAINTS)}) ?(.*)")


def translate_usage(error: typer.TyperException) -> TodoError:
    """Return an error of the command-line parser as one of ours."""
    message = error.format_message()
    message = message[:1].lower() + message[1:]
    message, _, possible = message.partition(" (Possible options: ")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "todo"
    hint = f"run '{command} --help'"
    if possible:
        hint = f"did you mean {possible.rstrip(')')}?"
    elif " Did you mean " in message:
        message, _, meant = message.partition(" Did you mean ")
        hint = f"did you mean {meant}"
    elif message.startswith("no such option"):
        hint = {
            "todo": "put options of the list after 'list': todo list …",
            "todo modify": "to remove a tag, write untag:NAME; put words that begin with '-' after '--'",
            "todo list": "to exclude a tag, write 'not +shop'; put words that begin with '-' after '--'",
        }.get(command, "put words that begin with '-' after '--'")
    elif message.startswith("got unexpected extra argument") and command in ("todo undo", "todo redo"):
        hint = f"give the number of steps with -n: {command} -n 3"
    elif context and (message.startswith("missing command") or (context.parent and "no such command" in message)):
        hint = f"commands: {', '.join(context.command.list_commands(context))}"
    elif message.startswith("no such command"):
        hint = _KNOWN_ELSEWHERE.get(message.split("'")[1], "to add a todo, write 'add' first: todo add Buy milk")
    if command == "todo db connect":  # pieces of a URL that was not quoted
        message, _, extra = message.partition(" (")
        hint = "quote the URL" if extra else hint
    if invalid := _INVALID.fullmatch(message):
        option, rule, bound = invalid.groups()
        message = f"{option} must be {_CONSTRAINTS[rule]} {bound}"
    message = message.replace("invalid value for ", "")
    return InvalidInputError(" ".join(message.split()).rstrip("."), hint)
