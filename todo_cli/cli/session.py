"""The state that a worker of the resident prepares before it receives a command."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from todo_cli.db.connection.spare import Spare
    from todo_cli.db.connection.target import PostgresTarget


@dataclass(slots=True)
class Session:
    """An event loop for the command, and a connection to a server that may already be open in it.

    `server` is set by the command to the server that it used, if any.
    """

    runner: asyncio.Runner
    spare: Spare | None = None
    server: PostgresTarget | None = None
