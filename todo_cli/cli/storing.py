"""Output after a change is stored, which can no longer change the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from todo_cli.cli.invocation import Invocation
from todo_cli.cli.reporting import print_traceback
from todo_cli.cli.streams import drop_output
from todo_cli.errors import TodoError
from todo_cli.redaction import conceal
from todo_cli.rendering.format.escaping import write_json


@contextmanager
def after_storing(invocation: Invocation, numbers: str = "") -> Iterator[None]:
    """Report errors in this context as warnings, because the change is already stored.

    It encloses everything after a write, including the output. `numbers` are those of the changed todos.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe
        raise
    except Exception as error:  # noqa: BLE001 - an error would suggest to repeat the command
        if invocation.debug:
            print_traceback(error, sys.argv[1:])
        _warn(invocation, f"stored{f' ({numbers})' if numbers else ''}, but cannot show the result: {_describe(error)}")
        drop_output()


def _describe(error: Exception) -> str:
    if isinstance(error, TodoError):
        return conceal(error.message)
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _warn(invocation: Invocation, message: str) -> None:
    hint = "do not repeat the command"
    if invocation.json:
        with suppress(OSError):
            write_json({"warning": message, "hint": hint}, sys.stderr)
    else:
        invocation.note(f"warning: {message}")
        invocation.note(f"hint: {hint}")
