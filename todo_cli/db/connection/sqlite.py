"""Opening an SQLite file: what is refused before it is touched, and how it is read where nothing can be written."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from todo_cli.db.connection.backups import find_backups
from todo_cli.db.connection.target import SqliteTarget
from todo_cli.errors import DamagedError, DatabaseUnavailableError, SchemaMissingError

BUSY_SECONDS = 30
APPLICATION_ID = int.from_bytes(b"todo")
"""Marks our files (https://sqlite.org/pragma.html#pragma_application_id); whoever makes the tables writes it."""

_MAGIC = b"SQLite format 3\x00"  # https://sqlite.org/fileformat.html#the_database_header
_HEADER_SIZE = 100

_CANNOT_WRITE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def primary_code(error: BaseException) -> int | None:
    """Return SQLite's result code of an error without its detail (https://sqlite.org/rescode.html), if it has one."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def open_file(
    target: SqliteTarget, *, foreign_keys: bool = True, new: bool = False, unchanged: bool = False
) -> sqlite3.Connection:
    """Open a list's file; no transaction is begun by itself.

    Where nothing can be written (no rights, a read-only file system, a full disk) it is opened for reading only, and
    nothing is written beside it. Raises SchemaMissingError where there is no file, DamagedError or
    DatabaseUnavailableError for one that is not a list. With `new` it is an empty file that is to become one; with
    `unchanged` not even its journal mode is set.
    """
    if not new:
        _check_header(target)
    try:
        return _open(target, "mode=rw", foreign_keys=foreign_keys, new=new, unchanged=unchanged)
    except sqlite3.Error as error:
        if new or primary_code(error) not in _CANNOT_WRITE:
            raise
        return _open_to_read(target, error)
    except UnicodeDecodeError:  # a message of SQLite's that repeats a damaged name
        raise DamagedError(f"{target} is damaged: its tables cannot be read", find_backups(target.path)) from None


def _open_to_read(target: SqliteTarget, cause: sqlite3.Error) -> sqlite3.Connection:
    if _has_content(target, "-journal"):  # a write that was cut short, which has to be taken back first
        raise cause
    if _has_content(target, "-wal"):
        # Without the shared memory file beside it the log is read by one connection alone, which locks nothing.
        vfs = "win32-none" if os.name == "nt" else "unix-none"
        return _open(target, f"mode=ro&vfs={vfs}", alone=True, unchanged=True)
    return _open(target, "mode=ro&immutable=1", alone=True, unchanged=True)


def _open(
    target: SqliteTarget,
    options: str,
    *,
    foreign_keys: bool = True,
    new: bool = False,
    alone: bool = False,
    unchanged: bool = False,
) -> sqlite3.Connection:
    # The driver would begin transactions by itself, and too late: two commands that read and then write lose
    # an update. With None it leaves them to the `begin` event of the engine.
    path = "/" + target.path.as_posix() if os.name == "nt" else os.fsencode(target.path)
    address = f"file://{quote(path)}?{options}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        with closing(connection.cursor()) as cursor:
            if alone:
                cursor.execute("PRAGMA locking_mode = EXCLUSIVE")
            if not new:
                _refuse_foreign_file(cursor, target)
            cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
            cursor.execute("PRAGMA cell_size_check = ON")  # notices more kinds of damage, at no cost
            # What is acknowledged survives a power cut: in WAL mode only FULL syncs on every commit.
            cursor.execute("PRAGMA synchronous = FULL")
            if unchanged:
                cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1")
            else:
                _use_write_ahead_log(cursor)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign_file(cursor: sqlite3.Cursor, target: SqliteTarget) -> None:
    """Raise DatabaseUnavailableError for a file that another program made, before anything in it is touched."""
    cursor.execute("PRAGMA application_id")
    if cursor.fetchone()[0] != APPLICATION_ID:
        raise DatabaseUnavailableError(f"{target} belongs to another program", "give the list a file of its own")


def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Let readers and the writer not wait for each other (https://sqlite.org/wal.html).

    Once set it stays with the file. Changing the mode does not wait for others as other statements do, so that
    several commands that find a file without it have to try again.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _check_header(target: SqliteTarget) -> None:
    """Refuse what is not a file of SQLite, before SQLite makes a new list of it."""
    try:
        if not stat.S_ISREG(target.path.stat().st_mode):
            raise DatabaseUnavailableError(f"{target} is not a file", "give the list a file of its own")
        with target.path.open("rb") as file:
            header = file.read(_HEADER_SIZE)
    except FileNotFoundError:
        raise SchemaMissingError(str(target)) from None
    if not header:
        raise DamagedError(f"{target} is empty", find_backups(target.path))
    if len(header) < _HEADER_SIZE or not header.startswith(_MAGIC):
        raise DamagedError(f"{target} is not an intact SQLite file", find_backups(target.path))


def _has_content(target: SqliteTarget, suffix: str) -> bool:
    with suppress(OSError):
        return Path(f"{target.path}{suffix}").stat().st_size > 0
    return False
