"""Run a command on a terminal of a given width: a real pseudo-terminal, or a screen in this process."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence
from unittest import mock

from tests.conftest import Result
from tests.waits import HANGING


def at_terminal(
    arguments: Sequence[str],
    environment: dict[str, str],
    *,
    width: int = 80,
    height: int = 24,
    typed: str = "",
    reaction: tuple[str, Callable[[], object]] | None = None,
) -> Result:
    """Return the contents of the terminal (stdout and stderr together) after typing the input.

    A reaction is a text and what to do as soon as it appears.
    """
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    environment = {key: value for key, value in environment.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        arguments, stdin=child, stdout=child, stderr=child, env={"TERM": "xterm-256color", **environment}
    )
    os.close(child)
    os.write(parent, typed.encode())
    output = bytearray()
    try:
        while chunk := os.read(parent, 65536):
            output += chunk
            if reaction and reaction[0] in output.decode(errors="replace"):
                reaction[1]()
                reaction = None
    except OSError:  # the other end is closed: the process has ended
        pass
    os.close(parent)
    return Result(output.decode().replace("\r\n", "\n"), "", process.wait(timeout=HANGING))


class Screen(io.TextIOWrapper):
    """The screen of a terminal: what a command writes to either stream, in order."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.bytes.getvalue().decode().splitlines())


def on_screen(*arguments: str, width: int = 80, height: int = 24, **environment: str) -> list[str]:
    """Run a command in this process and return the lines on the screen, without colours."""
    from todo_cli.cli.main import main

    screen = Screen()
    environment = {"TERM": "dumb", "COLUMNS": str(width), "LINES": str(height), **environment}
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch("todo_cli.rendering.format.spinner.PATIENCE", 600),  # a slow machine shows a spinner
        mock.patch("sys.stdout", screen),
        mock.patch("sys.stderr", screen),
    ):
        main(arguments)
    return screen.text().splitlines()
