"""Engines, and what the two databases need to behave alike. Everything that differs in a connection stands here."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, NullPool, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from todo_cli.db.target import PostgresTarget, SqliteTarget, Target
from todo_cli.errors import DatabaseUnavailableError
from todo_cli.models.tables import SCHEMA

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

SQLITE_BUSY_SECONDS = 30
SQLITE_APPLICATION_ID = int.from_bytes(b"todo")
"""Marks our files (https://sqlite.org/pragma.html#pragma_application_id); whoever makes the tables writes it."""

Waiting = Callable[[], AbstractContextManager[object]]
"""Makes a context that is held while a server is waited for, so that a person can be told."""

WRITING = "todo_writing"
"""Execution option: this connection's transactions write."""


def make_engine(target: Target, waiting: Waiting = nullcontext) -> AsyncEngine:
    """Return an engine for one command."""
    if isinstance(target, PostgresTarget):
        from todo_cli.db.postgresql import make_postgresql_engine  # with its driver

        return make_postgresql_engine(target, waiting).execution_options(schema_translate_map={None: SCHEMA})
    return _make_sqlite_engine(target, foreign_keys=True)


def make_migration_engine(target: Target, waiting: Waiting = nullcontext) -> AsyncEngine:
    """Return an engine whose transactions change tables.

    On SQLite a table is altered by being built anew, and dropping the old one would delete what refers to it, so
    foreign keys are off, which has to be said before the transaction. Whoever migrates checks them at its end.
    With Neon it is the direct host: the pooler's servers keep what a migration sets for others.
    """
    if isinstance(target, PostgresTarget):
        from todo_cli.db.postgresql import make_postgresql_engine

        return make_postgresql_engine(target.direct, waiting, reflecting=True)
    return _make_sqlite_engine(target, foreign_keys=False).execution_options(**{WRITING: True})


def _make_sqlite_engine(target: SqliteTarget, *, foreign_keys: bool) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(target.path)),
        poolclass=NullPool,
        # The driver would begin transactions by itself, and too late: two commands that read and then write lose
        # an update. With None it leaves them to the `begin` event below.
        connect_args={"isolation_level": None, "timeout": SQLITE_BUSY_SECONDS},
    )

    def prepare(connection: DBAPIConnection, _record: object) -> None:
        with closing(connection.cursor()) as cursor:
            _refuse_foreign_file(cursor, target)
            cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
            # What is acknowledged survives a power cut: in WAL mode only FULL syncs on every commit.
            cursor.execute("PRAGMA synchronous = FULL")
            _use_write_ahead_log(cursor)

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _refuse_foreign_file(cursor: Any, target: SqliteTarget) -> None:
    """Raise DatabaseUnavailableError for a file that another program made, before anything in it is touched."""
    # In this order: tables and mark come together, in the transaction that makes them.
    cursor.execute("SELECT count(*) FROM sqlite_master")
    if cursor.fetchone()[0]:
        cursor.execute("PRAGMA application_id")
        if cursor.fetchone()[0] != SQLITE_APPLICATION_ID:
            raise DatabaseUnavailableError(f"{target} belongs to another program", "give the list a file of its own")


def _use_write_ahead_log(cursor: Any) -> None:
    """Let readers and the writer not wait for each other (https://sqlite.org/wal.html).

    Once set it stays with the file. Changing the mode of a new file does not wait for others as other statements
    do, so that several first commands at once have to try again.
    """
    import sqlite3

    deadline = time.monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the right to write before anything is read, so that nobody writes in between.
    kind = "IMMEDIATE" if connection.get_execution_options().get(WRITING) else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")
