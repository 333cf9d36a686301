"""A connection that is opened ahead of the command that uses it, and used only if it is certainly still valid.

    spare = await connect_ahead(target)                # in the loop in which the command will run
    Database(target, now=now, spare=spare)             # uses it, or a new connection

Nothing is sent over it until then, so that it does not keep a server awake.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from todo_cli.db.connection.target import PostgresTarget, Target

if TYPE_CHECKING:
    from todo_cli.db.connection.line import WatchedConnection

LIFETIME = 120.0
"""Seconds to keep a spare connection; less than the time after which an idle server is suspended."""
TOLERANCE = 2.0
"""Seconds by which two clocks may diverge; a greater difference means that the machine slept or its clock was set."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """A moment by several clocks, in seconds; `monotonic` stops while the machine sleeps."""

    monotonic: float
    wall: float
    boot: float | None

    def has_jumped_since(self, before: Clocks) -> bool:
        """Return whether the machine slept, or its clock was set."""
        passed = self.monotonic - before.monotonic
        others = [self.wall - before.wall]
        if self.boot is not None and before.boot is not None:
            others.append(self.boot - before.boot)
        return any(abs(other - passed) > TOLERANCE for other in others)


def read_clocks() -> Clocks:
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return Clocks(time.monotonic(), time.time(), None if boot is None else time.clock_gettime(boot))


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that determines a connection and its user: equal values lead to equivalent sessions."""

    target: Target
    environment: Mapping[str, str]
    files: Mapping[str, tuple[int, int, int] | None]

    @classmethod
    def now(cls, target: Target) -> Access:
        """Return the current value for the target in this process."""
        environment = {
            name: value for name, value in os.environ.items() if name.startswith(("PG", "SSL_CERT_")) or name == "HOME"
        }
        paths = [environment.get(name) for name in ("PGPASSFILE", "SSL_CERT_FILE", "SSL_CERT_DIR")]
        paths.append(str(Path(environment.get("HOME", "~")).expanduser() / ".pgpass"))
        if isinstance(target, PostgresTarget):
            paths += [target.password_file, target.root_certificates, target.client_certificate, target.client_key]
        return cls(target, environment, {path: _stamp(path) for path in paths if path})


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Spare:
    """A connection for one command, which must use or close it."""

    def __init__(
        self, access: Access, connection: WatchedConnection, clocks: Callable[[], Clocks] = read_clocks
    ) -> None:
        self.access = access
        self.connection: WatchedConnection | None = connection
        self.opened_at = clocks()
        self._clocks = clocks

    @property
    def age(self) -> float:
        """Seconds since it was opened, without the time that the machine slept."""
        return self._clocks().monotonic - self.opened_at.monotonic

    async def take(self, target: Target) -> WatchedConnection | None:
        """Return the connection if it leads to the target and is valid, else close it. This can be called once."""
        connection = self.connection
        if connection is None:
            return None
        if self._is_current(target):
            await asyncio.sleep(0)  # process what was received meanwhile
            if not connection.is_closed() and not _is_readable(connection):
                self.connection = None
                connection.is_untried = True
                return connection
        self.close()
        return None

    def close(self) -> None:
        """Close the connection, unless it was taken."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None

    def _is_current(self, target: Target) -> bool:
        now = self._clocks()
        is_fresh = now.monotonic - self.opened_at.monotonic <= LIFETIME and not now.has_jumped_since(self.opened_at)
        return is_fresh and Access.now(target) == self.access


def _is_readable(connection: WatchedConnection) -> bool:
    """Return whether unexpected data was received, such as a final error of the server, or the end of the stream."""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(connection.socket, selectors.EVENT_READ)
            return bool(selector.select(0))
    except ValueError:  # it was closed at this moment
        return True
