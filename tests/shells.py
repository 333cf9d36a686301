"""Real shells in a pseudo-terminal, with `todo` on their path and their own home folder."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

import pytest

PATIENCE = 120
"""Seconds to wait for a shell to show the expected text."""

_SEQUENCE = re.compile(
    r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78cDEHMNZ])|[\x0e\x0f]"
)

_PROGRAM = """#!/bin/sh
case "$_TODO_COMPLETE_LINE$_TODO_COMPLETE$1" in
?*\\ * | complete_* | --*) exec {python} -m todo_cli "$@" ;;
esac
printf '%s\\n' "$@" >"$HOME/arguments"
"""

_COMMANDS = {
    "zsh": ["zsh", "-i"],
    "bash": ["bash", "--noprofile", "-i"],
    "fish": ["fish", "-i"],
}


def require(shell: str) -> None:
    """Skip the test if the shell is not installed; in CI, fail it."""
    if not shutil.which(shell):
        assert "CI" not in os.environ, f"{shell} is not installed"
        pytest.skip(f"{shell} is not installed")


def make_program(home: Path) -> dict[str, str]:
    """Create a `todo` and a `neon-todo` for a user with that home, and return the environment variables for them.

    They complete like ours; any other command line only writes its arguments to a file.
    """
    programs = home / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("todo", "neon-todo"):
        program = programs / name
        program.write_text(_PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
    return {
        "HOME": str(home),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }


class Shell:
    """An interactive shell; tests can wait for what it has written since the last `type`."""

    def __init__(self, name: str, home: Path, environment: dict[str, str]) -> None:
        require(name)
        self._marks = 0
        self._unread = ""
        environment = {
            **{key: value for key, value in environment.items() if key not in ("NO_COLOR", "ZDOTDIR")},
            **make_program(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PS1": "$ ",
        }
        pid, self._terminal = pty.fork()
        if pid == 0:
            os.chdir(home)
            os.execvpe(_COMMANDS[name][0], _COMMANDS[name], environment)
        self._pid = pid
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 200, 0, 0))
        self.run("true")

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self._pid, 0)

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def wait_for(self, *texts: str) -> str:
        """Wait until all texts have been written, and return the output without terminal sequences."""
        end = time.monotonic() + PATIENCE
        while True:
            shown = _SEQUENCE.sub("", self._unread)
            if all(text in shown for text in texts):
                self._unread = ""
                return shown
            missing = [text for text in texts if text not in shown]
            assert time.monotonic() < end, f"{missing} not shown: {self._unread!r}"
            if select.select([self._terminal], [], [], 1)[0]:
                self._unread += os.read(self._terminal, 65536).decode(errors="replace")

    def run(self, command: str) -> str:
        """Run a command and return its output."""
        self._marks += 1
        self.type(f"{command}; echo end''{self._marks}\r")
        return self.wait_for(f"end{self._marks}")

    def complete(self, line: str, *offered: str) -> str:
        """Press Tab at the end of the line until all expected candidates are offered, then clear the line.

        Return all output.
        """
        self.type(f"{line}\t")
        shown = self.wait_for(*offered)
        self.type("\x15")
        return shown + self.run("true")
