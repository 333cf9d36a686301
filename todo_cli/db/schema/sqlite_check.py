"""Integrity check of an SQLite file: its structure, its foreign keys and every value."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, Table
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from todo_cli.db.connection.sqlite import open_file
from todo_cli.db.connection.target import SqliteTarget
from todo_cli.models.tables import Base

MAX_FOUND = 5
_ROWS_AT_ONCE = 1_000
_JSON = ("changes.old", "changes.new")

Process = Callable[[Any], Any]


def find_damage(target: SqliteTarget) -> list[str]:
    """Return descriptions of the first few problems; an empty list for an intact file. Nothing is changed.

    Raises DatabaseUnavailableError for a file that is not a list, and sqlite3.Error if it cannot be read for another
    reason.
    """
    with closing(open_file(target, unchanged=True)) as connection:
        connection.execute("BEGIN")  # a consistent snapshot
        return list(islice(_check(connection), MAX_FOUND))


def _check(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        for (line,) in connection.execute(f"PRAGMA integrity_check({MAX_FOUND})"):
            if line != "ok":
                yield " ".join(str(line).split())
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} refers to a row of {parent} that does not exist"
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' LIMIT 1").fetchone():
            return  # `db reset` removed all tables
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if len(revisions) != 1 or not str(revisions[0][0]).isdigit():
            yield f"its tables have {len(revisions)} revisions" if len(revisions) != 1 else "its revision is invalid"
        for table in Base.metadata.sorted_tables:
            yield from _check_values(connection, table)
    except sqlite3.Error as error:
        if _is_other(error):
            raise
        yield str(error)
    except UnicodeDecodeError:  # SQLite's message contains a damaged name
        yield "its tables have names that cannot be read"


def _is_other(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM)


def _check_values(connection: sqlite3.Connection, table: Table) -> Iterator[str]:
    """Yield the values of a table that are invalid for their column."""
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
    if not present:
        return  # an older revision
    columns = [column for column in table.columns if column.name in present]
    for column in columns:
        wrong = f"typeof({column.name}) NOT IN ('null', '{_stored_as(column)}')"
        if f"{table.name}.{column.name}" in _JSON:
            wrong += f" OR ({column.name} IS NOT NULL AND NOT json_valid({column.name}))"
        for (row,) in connection.execute(f"SELECT rowid FROM {table.name} WHERE {wrong} LIMIT 1"):  # noqa: S608
            yield f"{column.name} of row {row} of {table.name} is not readable"
    processes = _processes(columns)
    names = ", ".join(column.name for column in columns)
    found = connection.execute(f"SELECT rowid, {names} FROM {table.name}")  # noqa: S608 - names of our own tables
    while rows := found.fetchmany(_ROWS_AT_ONCE):  # the driver decodes text, and refuses what is not UTF-8
        for row in rows:
            for place, name, process in processes:
                if not _is_readable(process, row[place]):
                    yield f"{name} of row {row[0]} of {table.name} is not readable"


def _stored_as(column: Column[Any]) -> str:
    match column.type:
        case Integer() | Boolean():
            return "integer"
        case Float():
            return "real"
    return "text"


def _processes(columns: list[Column[Any]]) -> list[tuple[int, str, Process]]:
    """Return SQLAlchemy's result processors with their columns' names and positions in a row."""
    dialect = SQLiteDialect_aiosqlite()
    found: list[tuple[int, str, Process]] = []
    for place, column in enumerate(columns, start=1):
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None and not isinstance(column.type, Boolean):
            found.append((place, column.name, process))
    return found


def _is_readable(process: Process, value: object) -> bool:
    try:
        process(value)
    except (ValueError, TypeError, OverflowError, AttributeError, LookupError):
        return False
    return True
