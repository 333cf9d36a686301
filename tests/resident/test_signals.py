"""Signals and job control work as if the client ran the command itself."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.resident.conftest import Home, is_alive, wait_until


@pytest.fixture
def locked(warm: Home, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Holds the write lock of the database, so that `add` waits in the middle of its work."""
    with closing(sqlite3.connect(tmp_path / "todo.db", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def begin(home: Home, *arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command that will wait for the database; return it with the worker that runs it."""
    process = home.start(*arguments)
    found: list[int] = []

    def has_begun() -> bool:
        found[:] = [pid for pid in home.status().worker_pids if has_open(pid, home.home.parent / "todo.db")]
        return bool(found)

    wait_until(has_begun, "a worker has the database open")
    return process, found[0]


def has_open(pid: int, path: Path) -> bool:
    with suppress(OSError):
        return any(entry.readlink() == path for entry in Path(f"/proc/{pid}/fd").iterdir())
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_fatal_signal_ends_both(warm: Home, locked: sqlite3.Connection, number: int) -> None:
    process, worker = begin(warm, "add", "Never stored")
    process.send_signal(number)
    process.communicate()
    assert process.returncode == -number
    wait_until(lambda: not is_alive(worker), "the worker has ended")


def test_an_interruption_before_storing(warm: Home, locked: sqlite3.Connection) -> None:
    process, worker = begin(warm, "add", "Never stored")
    before = wake_ups(worker)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: not is_alive(worker) or wake_ups(worker) > before, "the worker has noticed")
    locked.execute("ROLLBACK")  # SQLite's wait for the lock, in a thread, cannot be interrupted
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == b"error: interrupted\n"
    wait_until(lambda: not is_alive(worker), "the worker has ended")
    assert warm("list").out == ""


def wake_ups(pid: int) -> int:
    """Return how often the main thread of a process has waited and been woken; 0 if the process has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/task/{pid}/status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                return int(line.split()[1])
    return 0


def test_the_worker_of_a_killed_client_ends(warm: Home, locked: sqlite3.Connection) -> None:
    process, worker = begin(warm, "add", "Never stored")
    process.kill()
    process.communicate()
    wait_until(lambda: not is_alive(worker), "the worker has ended")
    locked.execute("ROLLBACK")
    assert warm("list").out == ""


@pytest.mark.exhaustive  # the resident looks every half a minute
def test_a_suspended_worker_of_a_killed_client_ends(warm: Home, locked: sqlite3.Connection) -> None:
    process, worker = begin(warm, "add", "Never stored")
    os.kill(worker, signal.SIGSTOP)
    process.kill()
    process.communicate()
    wait_until(lambda: not is_alive(worker), "the worker has ended")
    locked.execute("ROLLBACK")
    assert warm("list").out == ""


def test_a_killed_worker_is_reported(warm: Home, locked: sqlite3.Connection) -> None:
    process, worker = begin(warm, "add", "Perhaps stored")
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate()
    assert process.returncode == 5
    assert err.startswith(b"error: the process that ran this command ended unexpectedly")


class Shell:
    """An interactive bash on its own terminal, with job control."""

    def __init__(self, home: Home) -> None:
        self._parent, child = pty.openpty()
        environment = {name: value for name, value in home.environment.items() if name not in ("COLUMNS", "LINES")}
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"],
            stdin=child,
            stdout=child,
            stderr=child,
            env={**environment, "PS1": "ready> ", "TERM": "dumb", "HISTFILE": ""},
            cwd=home.home.parent,
        )
        os.close(child)
        self.output = ""
        self._seen = 0
        self.expect("ready> ")
        self.type(f"alias todo='{sys.executable} -m todo_cli'\n")
        self.expect("ready> ")

    def expect(self, pattern: str) -> str:
        """Wait for a pattern in the new output, and return everything up to its end."""

        def found() -> re.Match[str] | None:
            return re.compile(pattern).search(self.output, self._seen)

        def read() -> bool:
            if found():
                return True
            os.set_blocking(self._parent, False)
            with suppress(BlockingIOError):
                self.output += os.read(self._parent, 65536).decode()
            return found() is not None

        wait_until(read, f"{pattern!r} is shown")
        match = found()
        assert match
        shown = self.output[self._seen : match.end()]
        self._seen = match.end()
        return shown

    def type(self, text: str) -> None:
        os.write(self._parent, text.encode())

    def close(self) -> None:
        os.close(self._parent)
        self._process.kill()
        self._process.wait()


@pytest.fixture
def shell(warm: Home) -> Iterator[Shell]:
    shell = Shell(warm)
    yield shell
    shell.close()


def test_ctrl_c_at_a_question(warm: Home, shell: Shell) -> None:
    warm.here("add", "One")
    warm.here("delete", "1")
    served = warm.served()
    shell.type("todo trash empty\n")
    shell.expect(r"\[y/N\]: ")
    shell.type("\x03")
    assert "error: interrupted" in shell.expect("ready> ")
    shell.type("echo code $?\n")
    shell.expect("code 130\r\n")
    assert warm.served() == served + 1


@pytest.mark.parametrize("resident", ["on", "off"])
def test_ctrl_z_and_fg(warm: Home, shell: Shell, resident: str) -> None:
    """The shell gets the terminal back at once and receives what is typed, while the question waits."""
    warm.here("add", "One")
    warm.here("delete", "1")
    shell.type(f"export TODO_RESIDENT={resident}; todo trash empty\n")
    shell.expect(r"\[y/N\]: ")
    shell.type("\x1a")
    shell.expect(r"Stopped.*\r\n")
    shell.expect("ready> ")
    shell.type("echo still $((40 + 2))\n")
    shell.expect("still 42\r\n")
    shell.type("bg\n")  # a background job may not read from the terminal, and stops again
    shell.expect("ready> ")
    shell.type("until jobs | grep -q Stopped; do sleep 0.01; done; echo also $((40 + 3))\n")
    shell.expect("also 43\r\n")
    shell.expect("ready> ")
    shell.type("fg\n")
    shell.expect("trash empty")
    shell.type("y\n")
    shell.expect("ready> ")
    shell.type("echo code $?\n")
    shell.expect("code 0\r\n")
    assert warm("trash", "list").out == ""


def test_a_background_command_runs_without_the_resident(warm: Home, shell: Shell) -> None:
    served = warm.served()
    shell.type("todo add In the background & wait\n")
    shell.expect("1 In the background|1\t")
    assert warm.served() == served


def test_a_resized_window(warm: Home, shell: Shell) -> None:
    import struct

    warm.here("add", "word " * 60)
    for width in (40, 120):
        fcntl.ioctl(shell._parent, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
        shell.type("NO_COLOR=1 TERM=xterm todo list\n")
        shell.expect(r"list\r\n")
        shown = re.sub(r"\x1b\[[0-9;]*m", "", shell.expect("ready> "))
        longest = max(len(line.rstrip()) for line in shown.splitlines() if "ready" not in line)
        assert longest <= width, shown
