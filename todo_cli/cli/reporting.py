"""Turns whatever ended a command into one of our errors, and prints it as text or as JSON."""

from __future__ import annotations

import sys
from contextlib import suppress

from todo_cli.errors import ExpressionError, InterruptedByUserError, TodoError
from todo_cli.redaction import conceal, conceal_arguments, mask


def translate(error: BaseException) -> TodoError:
    """Return what ended a command in the words and form of our own errors."""
    import typer

    from todo_cli.cli.parsing.usage import translate_usage

    match error:
        case TodoError():
            return error
        case KeyboardInterrupt() | typer.Abort():
            return InterruptedByUserError()
        case typer.TyperException():
            return translate_usage(error)
        case OSError():
            where = f" {error.filename}" if error.filename else ""
            return TodoError(f"cannot read or write{where}: {error.strerror or error}")
        case _:
            return TodoError(
                f"this should not have happened: {type(error).__name__}",
                "run it again with --debug and report what it says",
            )


def print_traceback(raised: BaseException, arguments: list[str]) -> None:
    """Print the traceback for `--debug`, in which exceptions of drivers and parsers may repeat a password."""
    import traceback

    from todo_cli.rendering.format.escaping import neutralise

    lines = "".join(traceback.format_exception(raised)).splitlines()
    with suppress(OSError):
        for line in lines:
            print(neutralise(conceal(conceal_arguments(line, arguments))), file=sys.stderr)  # noqa: T201


def report(error: TodoError, arguments: list[str], *, as_json: bool) -> None:
    from todo_cli.rendering.format.escaping import neutralise, point_at, write_json

    message = conceal_arguments(error.message, arguments)
    hint = conceal_arguments(error.hint, arguments) if error.hint else None
    place = error if isinstance(error, ExpressionError) else None
    expression = mask(conceal_arguments(place.expression, arguments)) if place else ""
    if as_json:
        told: dict[str, object] = {"error": message, "hint": hint, "exit_code": error.exit_code}
        if place:
            told |= {"expression": expression, "position": place.start}
        with suppress(OSError):
            write_json(told, sys.stderr)
        return
    text = neutralise(f"error: {message}")
    if place:
        from textwrap import indent

        text += "\n" + indent(point_at(expression, place.start, place.end), "  ")
    if hint:
        text += "\n" + neutralise(f"hint: {hint}")
    with suppress(OSError):  # where nobody listens, the exit code has to do
        print(text, file=sys.stderr)  # noqa: T201 - errors go to stderr
