"""Opening an SQLite file after checking it; works on read-only file systems."""

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
"""The mark of our files (https://sqlite.org/pragma.html#pragma_application_id), written with the tables."""

_MAGIC = b"SQLite format 3\x00"  # https://sqlite.org/fileformat.html#the_database_header
_HEADER_SIZE = 100

_CANNOT_WRITE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def primary_code(error: BaseException) -> int | None:
    """Return the primary result code of an SQLite error (https://sqlite.org/rescode.html), if it has one."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def open_file(
    target: SqliteTarget, *, foreign_keys: bool = True, new: bool = False, unchanged: bool = False
) -> sqlite3.Connection:
    """Open the file of a list; no transaction starts implicitly.

    If it cannot be written (no permission, a read-only file system, a full disk), it is opened for reading, and nothing
    is written beside it. Raises SchemaMissingError if it does not exist, and DamagedError or DatabaseUnavailableError
    if it is not a list. `new` opens an empty file that will become a list; `unchanged` keeps even the journal mode.
    """
    if not new:
        _check_header(target)
    try:
        return _open(target, "mode=rw", foreign_keys=foreign_keys, new=new, unchanged=unchanged)
    except sqlite3.Error as error:
        if new or primary_code(error) not in _CANNOT_WRITE:
            raise
        return _open_to_read(target, error)
    except UnicodeDecodeError:  # SQLite's message contains a damaged name
        raise DamagedError(f"{target} is damaged: its tables cannot be read", find_backups(target.path)) from None


def _open_to_read(target: SqliteTarget, cause: sqlite3.Error) -> sqlite3.Connection:
    if _has_content(target, "-journal"):  # an interrupted write, which must be rolled back first
        raise cause
    if _has_content(target, "-wal"):
        # Without its shared-memory file, the log can be read by one connection, which locks nothing.
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
    # The driver's implicit transactions start too late, so that two commands that read and then write lose an
    # update. With None, the `begin` event of the engine starts them.
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
            cursor.execute("PRAGMA cell_size_check = ON")  # detects more kinds of damage at no cost
            # Committed changes survive a power cut: in WAL mode, only FULL syncs on every commit.
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
    """Raise DatabaseUnavailableError for a file of another program, before anything in it is changed."""
    cursor.execute("PRAGMA application_id")
    if cursor.fetchone()[0] != APPLICATION_ID:
        raise DatabaseUnavailableError(f"{target} belongs to another program", "use a separate file for the list")


def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Turn on write-ahead logging, so that readers and the writer do not block each other (https://sqlite.org/wal.html).

    The mode is stored in the file. Changing it fails immediately if the file is busy, so that concurrent commands must
    retry.
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
    """Raise an error for a file that is not an SQLite file, before SQLite turns it into a new database."""
    try:
        if not stat.S_ISREG(target.path.stat().st_mode):
            raise DatabaseUnavailableError(f"{target} is not a file", "use a separate file for the list")
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
