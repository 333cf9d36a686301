"""Translation of exceptions into our errors, and their output as text or JSON."""

from __future__ import annotations

import sys
from contextlib import suppress

from todo_cli.errors import ExpressionError, InterruptedByUserError, NotConfirmedError, TodoError
from todo_cli.redaction import conceal, conceal_arguments, mask


def translate(error: BaseException) -> TodoError:
    """Return any exception as one of our errors."""
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
                f"internal error: {type(error).__name__}",
                "run the command again with --debug and report the output",
            )


def print_traceback(raised: BaseException, arguments: list[str]) -> None:
    """Print the traceback for `--debug`, without passwords, which exceptions of drivers and parsers may repeat."""
    import traceback

    from todo_cli.rendering.format.escaping import neutralize

    lines = "".join(traceback.format_exception(raised)).splitlines()
    with suppress(OSError):
        for line in lines:
            print(neutralize(conceal(conceal_arguments(line, arguments))), file=sys.stderr)  # noqa: T201


def report(error: TodoError, arguments: list[str], *, as_json: bool) -> None:
    """Print an error and its hint to stderr, without the secrets of the command line."""
    from todo_cli.rendering.format.escaping import neutralize, point_at, write_json

    message = conceal_arguments(error.message, arguments)
    hint = conceal_arguments(error.hint, arguments) if error.hint else None
    place = error if isinstance(error, ExpressionError) else None
    expression = mask(conceal_arguments(place.expression, arguments)) if place else ""
    if as_json:
        record: dict[str, object] = {"error": message, "hint": hint, "exit_code": error.exit_code}
        if place:
            record |= {"expression": expression, "position": place.start}
        with suppress(OSError):
            write_json(record, sys.stderr)
        return
    text = neutralize(message if isinstance(error, NotConfirmedError) else f"error: {message}")
    if place:
        from textwrap import indent

        text += "\n" + indent(point_at(expression, place.start, place.end), "  ")
    if hint:
        text += "\n" + neutralize(f"hint: {hint}")
    with suppress(OSError):  # stderr is closed; the exit code remains
        print(text, file=sys.stderr)  # noqa: T201 - errors go to stderr
