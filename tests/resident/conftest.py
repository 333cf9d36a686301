"""A separate resident for each test process, and ways to see which process ran a command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest

from tests.conftest import Cli, Result
from todo_cli.handoff.control import ResidentStatus, find_resident

PATIENT = {"TODO_RESIDENT": "on", "TODO_RESIDENT_PATIENCE": "30", "TODO_CONNECT_AHEAD": "yes"}
"""Keeps commands from running on their own merely because the machine is busy."""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fail if it takes longer than any working program needs."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def residents(home: Home) -> set[int]:
    """Return the residents and workers in this folder."""
    found = set()
    marker = f"XDG_RUNTIME_DIR={home.runtime}".encode()
    for process in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(process.name)
            is_resident = b"resident.server" in (process / "cmdline").read_bytes()
            if is_resident and marker in (process / "environ").read_bytes().split(b"\0") and is_alive(pid):
                found.add(pid)
    return found


def main_residents(home: Home) -> list[int]:
    """Return the residents in this folder, without their workers."""
    found = residents(home)
    with suppress(OSError):
        return [pid for pid in found if parent(pid) not in found]
    return []


class Home(Cli):
    """The `todo` process with its own folder for the socket of the resident."""

    def __init__(self, runtime: Path, home: Path, **environment: str) -> None:
        super().__init__(home, XDG_RUNTIME_DIR=str(runtime), **{**PATIENT, **environment})
        self.runtime = runtime
        self.environment.pop("CI", None)
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def folder(self) -> Path:
        return self.runtime / "neon-todo"

    @property
    def sockets(self) -> list[Path]:
        return list(self.folder.glob("*.sock")) if self.folder.exists() else []

    def find(self) -> ResidentStatus | None:
        with mock.patch.dict(os.environ, self.environment):
            return find_resident()

    def status(self) -> ResidentStatus:
        status = self.find()
        assert status, "no resident answers"
        return status

    @property
    def pid(self) -> int:
        return self.status().pid

    def served(self) -> int:
        return self.status().served

    def serve(self, *arguments: str, **environment: str) -> Result:
        """Run a command and check that the resident ran it."""
        before = self.served()
        result = self(*arguments, **environment)
        assert self.served() == before + 1, "it ran in its own process"
        return result

    def cold(self, *arguments: str, **environment: str) -> Result:
        """Run a command and check that the resident did not run it."""
        before = self.served()
        result = self(*arguments, **environment)
        assert self.served() == before, "the resident ran it"
        return result

    def start_resident(self, idle_seconds: float | None = None) -> int:
        """Start a resident with a given idle timeout, for which there is no option, and return its process id."""
        if idle_seconds is None:
            self("resident", "start")
            return self.pid
        self.folder.mkdir(mode=0o700, exist_ok=True)
        program = f"from todo_cli.resident.server import run; run({idle_seconds})"
        process = subprocess.Popen([sys.executable, "-c", program], env=self.environment, cwd=self.home.parent)
        self.processes.append(process)
        wait_until(lambda: bool(self.sockets) or process.poll() is not None, "the resident listens")
        return process.pid

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for pid in sorted(residents(self)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="todo-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def alone(runtime: Path, tmp_path: Path, sqlite_template: Path) -> Iterator[Home]:
    """The `todo` process without a resident, for tests that start, break and stop their own."""
    shutil.copy(sqlite_template, tmp_path / "todo.db")
    home = Home(runtime, tmp_path / "home", TODO_DATABASE_URL=f"sqlite:///{tmp_path / 'todo.db'}")
    yield home
    home.close()


@pytest.fixture(scope="session")
def shared_runtime() -> Iterator[Path]:
    """The folder of the resident that most tests in this process share."""
    folder = Path(tempfile.mkdtemp(prefix="todo-"))
    home = Home(folder, folder)
    home.start_resident()
    yield folder
    home.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def warm(shared_runtime: Path, tmp_path: Path, sqlite_template: Path) -> Home:
    """The `todo` process with a running resident, on an initialized database."""
    shutil.copy(sqlite_template, tmp_path / "todo.db")
    return Home(shared_runtime, tmp_path / "home", TODO_DATABASE_URL=f"sqlite:///{tmp_path / 'todo.db'}")


def end(pid: int, by: int = signal.SIGKILL) -> None:
    os.kill(pid, by)
    wait_until(lambda: not is_alive(pid), f"process {pid} has ended")
