"""Status, start and stop of the resident process."""

from __future__ import annotations

import marshal
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from todo_cli.handoff import protocol
from todo_cli.handoff.client import connect, request
from todo_cli.handoff.launch import launch

START_SECONDS = 15.0
END_SECONDS = 5.0
_PAUSE, _PATIENCE = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class ResidentStatus:
    """The status of a running resident; `memory` is in bytes, `since` in UTC."""

    pid: int
    worker_pids: list[int]
    since: datetime
    served: int
    memory: int
    spare_host: str | None
    spare_since: datetime | None


def find_resident() -> ResidentStatus | None:
    """Return the status of this user's resident for this installation, None if none responds."""
    return _ask(protocol.STATUS)


def start_resident() -> ResidentStatus | None:
    """Start a resident unless there is one, and wait until it responds; return None if it does not."""
    deadline = time.monotonic() + START_SECONDS
    if found := find_resident():
        return found
    while time.monotonic() < deadline:
        launch()  # repeatedly, because an old one may be about to exit; a second one exits at once
        again_at = time.monotonic() + _PATIENCE
        while time.monotonic() < again_at:
            if found := find_resident():
                return found
            time.sleep(_PAUSE)
    return None


def stop_resident() -> ResidentStatus | None:
    """Stop the resident and wait until it has exited; return its last status, None if there was none.

    Running commands are completed.
    """
    found = _ask(protocol.STOP)
    if found is None:
        return None
    deadline = time.monotonic() + END_SECONDS
    while _is_alive(found.pid) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _ask(kind: str) -> ResidentStatus | None:
    place = protocol.folder()
    connection = connect(place) if place else None
    if connection is None:
        return None
    try:
        connection.settimeout(protocol.patience() * protocol.BUSY_FACTOR)
        connection.sendall(request(kind))
        content = b""
        while part := connection.recv(65536):
            content += part
        status = marshal.loads(content[1:])  # noqa: S302 - from a process of this user, as the system confirmed
    except (OSError, EOFError, ValueError, TypeError):
        return None
    finally:
        connection.close()
    spare = status["spare"]
    return ResidentStatus(
        pid=status["pid"],
        worker_pids=status["workers"],
        since=datetime.fromtimestamp(status["since"], UTC),
        served=status["served"],
        memory=status["memory"],
        spare_host=spare[0] if spare else None,
        spare_since=datetime.fromtimestamp(spare[1], UTC) if spare else None,
    )
