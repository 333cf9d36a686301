"""What the command-line parser complains about, in our words."""

from __future__ import annotations

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
"""What other programs call our commands."""


def translate_usage(error: typer.TyperException) -> TodoError:
    """Return what the command-line parser complains about, in the words and form of our own errors."""
    message = error.format_message()
    message = message[:1].lower() + message[1:]
    message, _, possible = message.partition(" (Possible options: ")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "todo"
    hint = f"'{command} --help' shows how"
    if possible:
        hint = f"did you mean {possible.rstrip(')')}?"
    elif " Did you mean " in message:
        message, _, meant = message.partition(" Did you mean ")
        hint = f"did you mean {meant}"
    elif message.startswith("no such option"):
        hint = {
            "todo": "options of the list stand after 'list': todo list …",
            "todo modify": "a tag is taken off with untag:NAME; words that begin with '-' stand after '--'",
            "todo list": "a tag that must not be there is 'not +shop'; words that begin with '-' stand after '--'",
        }.get(command, "words that begin with '-' stand after '--'")
    elif message.startswith("got unexpected extra argument") and command in ("todo undo", "todo redo"):
        hint = f"how many steps stands after -n: {command} -n 3"
    elif context and (message.startswith("missing command") or (context.parent and "no such command" in message)):
        hint = f"commands: {', '.join(context.command.list_commands(context))}"
    elif message.startswith("no such command"):
        hint = _KNOWN_ELSEWHERE.get(message.split("'")[1], "a new todo begins with 'add': todo add Buy milk")
    if command == "todo db connect":  # pieces of a URL that was not quoted
        message, _, extra = message.partition(" (")
        hint = "put the URL in quotes" if extra else hint
    message = message.replace("invalid value for ", "").replace(": Input should be", " should be")
    return InvalidInputError(" ".join(message.split()).rstrip("."), hint)
