"""Engines that make the two databases behave alike. All differences between connections are handled here."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, NullPool, event
from sqlalchemy.dialects import registry
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from todo_cli.db.connection.compiled import COMPILED
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target
from todo_cli.db.connection.waiting import Waiting
from todo_cli.models.tables import SCHEMA

if TYPE_CHECKING:
    from todo_cli.db.connection.spare import Spare

WRITING = "todo_writing"
"""Execution option: the transactions of this connection write."""


# Imported where it is used.
registry.register("sqlite.plain", "todo_cli.db.connection.sqlite_dialect", "PlainSqliteDialect")


def make_engine(target: Target, waiting: Waiting = nullcontext, spare: Spare | None = None) -> AsyncEngine:
    """Return an engine for one command; on a server, `spare` is a connection that was opened ahead."""
    if isinstance(target, PostgresTarget):
        from todo_cli.db.connection.postgresql import make_postgresql_engine  # with its driver

        engine = make_postgresql_engine(target, waiting, spare=spare)
        return engine.execution_options(schema_translate_map={None: SCHEMA}, compiled_cache=COMPILED)
    return _make_sqlite_engine(target, foreign_keys=True)


def make_migration_engine(target: Target, waiting: Waiting = nullcontext) -> AsyncEngine:
    """Return an engine whose transactions change tables.

    SQLite alters a table by rebuilding it. Dropping the old table would delete referring rows, so foreign keys are
    turned off before the transaction; the migration checks them at its end. For Neon, the engine uses the direct host,
    because the pooler would keep a migration's session settings for other clients.
    """
    if isinstance(target, PostgresTarget):
        from todo_cli.db.connection.postgresql import make_postgresql_engine

        return make_postgresql_engine(target.direct, waiting, reflecting=True)
    return _make_sqlite_engine(target, foreign_keys=False).execution_options(**{WRITING: True})


def _make_sqlite_engine(target: SqliteTarget, *, foreign_keys: bool) -> AsyncEngine:
    import sqlite3

    from aiosqlite import Connection as DriverConnection

    from todo_cli.db.connection.sqlite import open_file

    async def connect(*_arguments: object, **_options: object) -> DriverConnection:
        # The driver opens the file in its thread, together with all settings before the first statement.
        failures: list[Exception] = []

        def open_here() -> sqlite3.Connection:
            try:
                return open_file(target, foreign_keys=foreign_keys)
            except Exception as error:  # noqa: BLE001 - raised below, once the driver's thread has ended in order
                failures.append(error)
                return sqlite3.connect(":memory:")

        connection = DriverConnection(open_here, 64)
        thread: Any = getattr(connection, "_thread", connection)  # before aiosqlite 0.22 it was a thread itself
        thread.daemon = True
        await connection
        if failures:
            await connection.close()
            raise failures[0]
        return connection

    dialect = (
        "plain" if foreign_keys else "aiosqlite"
    )  # a migration inspects tables, for which the dialect needs its usual queries
    engine = create_async_engine(f"sqlite+{dialect}://", poolclass=NullPool, async_creator=connect)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine.execution_options(compiled_cache=COMPILED) if foreign_keys else engine


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE acquires the write lock before anything is read, so that nobody writes in between.
    kind = "IMMEDIATE" if connection.get_execution_options().get(WRITING) else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")
