"""What a process that was ready before it got its command has prepared for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from todo_cli.db.connection.spare import Spare
    from todo_cli.db.connection.target import PostgresTarget


@dataclass(slots=True)
class Session:
    """The event loop for the command's work, and a connection to a server that may have been opened in it already.

    `server` is the one that the command has used, if it did.
    """

    runner: asyncio.Runner
    spare: Spare | None = None
    server: PostgresTarget | None = None
