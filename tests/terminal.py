"""Runs a command as at a terminal: its output goes to a real pseudo-terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Sequence

from tests.conftest import Result


def at_terminal(
    arguments: Sequence[str], environment: dict[str, str], *, width: int = 80, height: int = 24, typed: str = ""
) -> Result:
    """Return what stood on the terminal (stdout and stderr together), after typing what is to be typed."""
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
    except OSError:  # the other end is closed: the process has ended
        pass
    os.close(parent)
    return Result(output.decode().replace("\r\n", "\n"), "", process.wait(timeout=60))
