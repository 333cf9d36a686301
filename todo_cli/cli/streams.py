"""The standard streams of a command: preparing them at the start, and handling a reader that closes the output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import todo_cli


def prepare_streams() -> None:
    """Open closed streams, and make sure that text which the terminal cannot show never makes a command fail."""
    # If a stream is closed (`>&-`), a database could get its descriptor, and output would be written into it.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        else:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


class OutputClosed(Exception):  # noqa: N818 - not an error: the reader stopped early
    """The reader closed the output."""


@contextmanager
def quiet_when_closed() -> Iterator[None]:
    """Turn a closed pipe into `OutputClosed`, because Typer would turn it into an error."""
    try:
        yield
    except BrokenPipeError:
        raise OutputClosed from None


def drop_output() -> None:
    """Prevent the interpreter from writing output again at exit that could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_version() -> None:
    """Print the version of the program."""
    with quiet_when_closed():
        sys.stdout.write(f"todo {todo_cli.__version__}\n")
