"""Inspection of a database: its kind, its connection and its contents. Nothing is created or changed."""

from __future__ import annotations

import sqlite3
import ssl
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from todo_cli.db.connection.engine import make_engine
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target
from todo_cli.db.connection.waiting import Waiting
from todo_cli.db.schema.revisions import HEAD, begin, find_revision
from todo_cli.models.tables import SCHEMA, TODOS, USERS
from todo_cli.models.text import fold
from todo_cli.models.values import DatabaseStatus

PINGS = 3


async def inspect(target: Target, user_name: str | None = None, waiting: Waiting = nullcontext) -> DatabaseStatus:
    """Return the status of the database and the user called `user_name`; None means the only user."""
    nothing = DatabaseStatus(str(target), target.dialect, None, HEAD)
    if isinstance(target, SqliteTarget):
        nothing = replace(nothing, server_version=f"SQLite {sqlite3.sqlite_version}")
        return await _read_contents(make_engine(target), target, nothing, user_name) if target.exists() else nothing
    from todo_cli.db.connection.postgresql import make_postgresql_engine, make_tls_context

    context = make_tls_context(target)
    engine = make_postgresql_engine(target, waiting, context=context)
    nothing = replace(nothing, host=target.host, pooled=target.is_pooled)
    nothing = await _ask_server(engine, target, nothing)
    if context and context.session:
        verified = context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
        nothing = replace(nothing, tls=context.session.version(), tls_verified=verified)
    engine = engine.execution_options(schema_translate_map={None: SCHEMA})
    return await _read_contents(engine, target, nothing, user_name)


async def _read_contents(
    engine: AsyncEngine, target: Target, nothing: DatabaseStatus, user_name: str | None
) -> DatabaseStatus:
    async with begin(engine, target) as connection:
        revision = await find_revision(connection, target)
        if revision != HEAD:
            return replace(nothing, revision=revision)
        users = (await connection.execute(select(USERS.c.name).order_by(USERS.c.key))).scalars().all()
        count = select(func.count()).select_from(TODOS).where(TODOS.c.deleted_at.is_(None))
        todos = await connection.scalar(count)
    named = [name for name in users if user_name is None or fold(name) == fold(user_name)]
    return replace(nothing, revision=revision, users=users, user=named[0] if len(named) == 1 else None, todos=todos)


async def _ask_server(engine: AsyncEngine, target: PostgresTarget, nothing: DatabaseStatus) -> DatabaseStatus:
    """Add the server's version, the shortest of several round trips in milliseconds, and the clock difference."""
    async with begin(engine, target) as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        trips = []
        for _ in range(PINGS):
            started = time.perf_counter()
            with driver.answering():
                await driver.execute("SELECT 1")  # without parameters it is one round trip
            trips.append(time.perf_counter() - started)
        before = datetime.now(UTC)
        with driver.answering():
            theirs = await driver.fetchval("SELECT clock_timestamp()")
        middle = before + (datetime.now(UTC) - before) / 2
        return replace(
            nothing,
            server_version=f"PostgreSQL {driver.get_settings().server_version}",
            latency_ms=round(min(trips) * 1000, 1),
            clock_skew=round((theirs - middle).total_seconds(), 1),
        )
