"""The standard streams of a command: made usable at its start, and left alone once nobody reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import todo_cli


def prepare_streams() -> None:
    """Let text that the terminal or the locale cannot show never end a command halfway."""
    # With a closed stream (`>&-`) a database could be opened under its number, and be written into.
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


class OutputClosed(Exception):  # noqa: N818 - it is no error: whoever read the output had enough of it
    """Nobody reads the output any more."""


@contextmanager
def quiet_when_closed() -> Iterator[None]:
    """Turn a closed pipe into `OutputClosed`, which passes through Typer, that would end with an error."""
    try:
        yield
    except BrokenPipeError:
        raise OutputClosed from None


def drop_output() -> None:
    """Keep the interpreter from trying once more, at its exit, to write what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_version() -> None:
    """Print what `--version` prints."""
    with quiet_when_closed():
        sys.stdout.write(f"todo {todo_cli.__version__}\n")
