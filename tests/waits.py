"""Wait for conditions. No test measures time: these limits only end tests that hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

HANGING = 300
"""Seconds after which to give up waiting, on a machine of any speed and load."""


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + HANGING
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def until_blocked(connection: Any, tasks: Collection[asyncio.Future[Any]]) -> None:
    """Return once each task has ended or is waiting for a lock in PostgreSQL; the connection is to that server."""
    waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(HANGING):
        while await connection.fetchval(waiting) < sum(not task.done() for task in tasks):
            await asyncio.sleep(0.01)
