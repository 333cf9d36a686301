"""Start of the resident process, after a command that ran without it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import todo_cli
from todo_cli.handoff import protocol

_PRIVATE = (b"TODO_", b"PG", b"DATABASE_URL")
"""Variables that may hold a password or apply to one command; a worker gets them from its client."""


def launch_if_allowed() -> None:
    """Start a resident unless the settings forbid it."""
    from todo_cli import config
    from todo_cli.errors import TodoError

    with suppress(TodoError, OSError):  # the next command that reads the settings reports the error
        if config.resolve({})["resident"].value != "off":
            launch()


def launch() -> bool:
    """Start a resident in the background unless there is one; return whether one was started.

    Nothing waits for it, and errors are not reported, since commands also run without it.
    """
    with suppress(OSError):
        place = protocol.folder()
        if place is not None and _prepare(place) and not _is_running(f"{protocol.socket_path(place)}.lock"):
            _spawn()
            return True
    return False


def _prepare(place: str) -> bool:
    """Create the folder for the socket if needed; return whether it is private."""
    if protocol.is_private(place):
        return True
    if not os.environ.get("XDG_RUNTIME_DIR"):  # the system creates that one
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        os.mkdir(place, 0o700)
        os.chmod(place, 0o700)  # regardless of the umask
    return protocol.is_private(place)


def _is_running(lock: str) -> bool:
    import fcntl

    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _spawn() -> None:
    root = os.path.dirname(os.path.dirname(todo_cli.__file__))
    program = (
        "import sys; sys.path = [path for path in sys.path if path]\n"
        f"{root!r} in sys.path or sys.path.append({root!r})\n"
        "from todo_cli.resident.server import run; run()"
    )
    environment = {name: value for name, value in os.environb.items() if not name.startswith(_PRIVATE)}
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    arguments = [sys.executable, *protocol.interpreter_options(), "-c", program]
    # Reset the signals that the starting command ignores or blocks.
    usual = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGCHLD]
    os.posix_spawn(sys.executable, arguments, environment, file_actions=nowhere, setsigmask=(), setsigdef=usual)
