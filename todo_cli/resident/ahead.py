"""The server of the last command, to which a waiting worker connects ahead of the next command."""

from __future__ import annotations

import asyncio
import marshal
import os
import pickle
from typing import TYPE_CHECKING

from todo_cli.cli.session import Session

if TYPE_CHECKING:
    from todo_cli.db.connection.target import PostgresTarget


def pack_server(server: PostgresTarget) -> bytes:
    """Return the server and its environment as bytes, which the resident passes on without reading them.

    They contain the password, and are passed between processes of this user but never stored.
    """
    from todo_cli.db.connection.spare import Access

    return marshal.dumps((server.host, pickle.dumps((server, dict(Access.now(server).environment)))))


def host_of(packed: bytes) -> str:
    """Return the host name, which is not secret."""
    host: str = marshal.loads(packed)[0]  # noqa: S302 - from a process of our own
    return host


def connect_to(packed: bytes, session: Session) -> None:
    """Give the session a spare connection to the server, if it can be reached."""
    from todo_cli.db.connection.postgresql import connect_ahead
    from todo_cli.errors import TodoError

    server, environment = pickle.loads(marshal.loads(packed)[1])  # noqa: S301, S302 - from a process of our own
    os.environ.update(environment)
    try:
        session.spare = session.runner.run(connect_ahead(server))
    except (TodoError, asyncio.CancelledError):
        session.spare = None  # the next command reports the problem


def seconds_left(session: Session) -> float | None:
    """Return how long the spare connection may wait for a command, None if there is none."""
    from todo_cli.db.connection.spare import LIFETIME

    return None if session.spare is None else max(0.0, LIFETIME - session.spare.age)
