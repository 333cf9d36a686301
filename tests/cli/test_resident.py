"""`todo resident` starts and stops the background process, without side effects."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.fixture
def runtime() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="todo-"))  # short enough for the path of a socket
    yield folder
    for pid in _find_processes(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


def _find_processes(runtime: Path) -> list[int]:
    """Return the residents with their socket in that folder, and their workers."""
    found = []
    marker = f"XDG_RUNTIME_DIR={runtime}".encode()
    for process in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(process.name)
            is_resident = b"resident.server" in (process / "cmdline").read_bytes()
            if is_resident and marker in (process / "environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def test_status_and_stop_start_no_resident(fresh_cli: Cli, runtime: Path) -> None:
    own = {"XDG_RUNTIME_DIR": str(runtime), "TODO_RESIDENT": "on", "TODO_RESIDENT_PATIENCE": "30"}
    assert fresh_cli("resident", "status", **own).out == "running\tno\n"
    assert not _find_processes(runtime)
    assert fresh_cli("resident", "start", **own).out.startswith("running\tyes\n")
    started = _find_processes(runtime)
    assert started
    stopped = fresh_cli("resident", "stop", **own)
    assert (stopped.code, stopped.err) == (0, "Stopped.\n")
    assert set(_find_processes(runtime)) <= set(started)
    assert fresh_cli("--json", "resident", "stop", **own).out == '{\n  "stopped": false\n}\n'
    assert set(_find_processes(runtime)) <= set(started)
