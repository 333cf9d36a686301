"""Backups of an SQLite file, made and restored with SQLite's backup API, which is safe with concurrent writers."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from todo_cli.db.connection.backups import drop_old_revisions, find_backups, name_backup
from todo_cli.db.connection.error_translation import explain_damage, translate
from todo_cli.db.connection.sqlite import BUSY_SECONDS, open_file, primary_code
from todo_cli.db.connection.target import SqliteTarget
from todo_cli.db.schema.sqlite_check import find_damage
from todo_cli.errors import (
    ConflictError,
    DamagedError,
    DatabaseUnavailableError,
    NotFoundError,
    SchemaMissingError,
    SchemaTooNewError,
)
from todo_cli.files import create_private_file, put_in_place, sync_folder

STALE_SECONDS = 3600
"""The age at which unfinished files of killed commands are removed."""

_BESIDE = ("", "-wal", "-shm", "-journal")


@contextmanager
def unfinished_file(path: Path) -> Iterator[Path]:
    """Provide an empty private file beside `path`, which is removed afterwards unless it was moved."""
    _remove_stale(path)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex[:12]}.new")
    os.close(create_private_file(unfinished))
    try:
        yield unfinished
    finally:
        for suffix in _BESIDE:
            with suppress(OSError):
                Path(f"{unfinished}{suffix}").unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    prefix = f".{path.name}."
    with suppress(OSError):
        for file in path.parent.iterdir():
            if file.name.startswith(prefix) and file.suffix.startswith(".new"):
                with suppress(OSError):
                    if time.time() - file.stat().st_mtime > STALE_SECONDS:
                        file.unlink()


def back_up(target: SqliteTarget, destination: Path) -> None:
    """Write all committed data into a new file, and verify it; raises ConflictError if the file exists."""
    try:
        with unfinished_file(destination) as unfinished:
            with closing(open_file(target)) as source:
                _copy_into(source, unfinished)
            if found := find_damage(SqliteTarget(unfinished)):
                raise explain_damage(target, found[0])
            _make_plain(unfinished)
            try:
                put_in_place(unfinished, destination)
            except FileExistsError:
                raise ConflictError(f"{destination} already exists", "choose another file") from None
    except (sqlite3.Error, OSError) as error:
        raise translate(error, target) from error


def keep_before_migration(path: Path, revision: str) -> None:
    """Back up the file before a migration; the caller holds its write lock."""
    backup = name_backup(path, f"revision-{revision}")
    back_up(SqliteTarget(path), backup)
    drop_old_revisions(path, backup)


def restore_file(target: SqliteTarget, source: Path, newest_revision: str) -> Path | None:
    """Replace the list with a backup; return the file that keeps the replaced list, None if there was none.

    Raises DamagedError or DatabaseUnavailableError for an invalid backup, SchemaTooNewError for one of a newer program,
    and ConflictError if the backup is the list itself; in that case, the list is unchanged.
    """
    path = target.real_path
    backup = SqliteTarget(source)
    if path.exists() and source.exists() and path.samefile(source):
        raise ConflictError(f"{source} is the list in use", "give a backup file instead")
    try:
        with unfinished_file(path) as unfinished:
            with closing(open_file(backup, unchanged=True)) as opened:
                _copy_into(opened, unfinished)
            if found := find_damage(SqliteTarget(unfinished)):
                raise DamagedError(f"{source} is damaged: {found[0]}", find_backups(target.path))
            _make_plain(unfinished)
            _check_revision(unfinished, backup, newest_revision)
            if path.exists():
                return _replace(SqliteTarget(path), unfinished)
            put_in_place(unfinished, path)
            return None
    except SchemaMissingError:
        raise NotFoundError(f"{source} does not exist") from None
    except (sqlite3.Error, OSError) as error:
        raise translate(error, target) from error


def _copy_into(source: sqlite3.Connection, unfinished: Path) -> None:
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
        source.backup(copy)


def _make_plain(copy: Path) -> None:
    """Turn off write-ahead logging, so that the copy is a single file that is readable on a read-only disk."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _check_revision(copy: Path, backup: SqliteTarget, newest: str) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        [(revision,)] = connection.execute("SELECT version_num FROM alembic_version")
    if revision > newest:
        raise SchemaTooNewError(str(backup), revision, newest)


def _replace(target: SqliteTarget, restored: Path) -> Path:
    kept = name_backup(target.path, "replaced")
    try:
        _replace_content(target, restored, kept)
    except (sqlite3.DatabaseError, DatabaseUnavailableError) as error:
        if isinstance(error, sqlite3.Error) and primary_code(error) not in _BROKEN:
            raise
        _replace_file(target.path, restored, kept)
    return kept


_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _replace_content(target: SqliteTarget, restored: Path, kept: Path) -> None:
    """Copy the content of a file to `kept` and replace it, under an exclusive lock."""
    with closing(open_file(target)) as connection, unfinished_file(kept) as unfinished:
        _lock_out_others(connection)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
            connection.backup(copy)
        put_in_place(unfinished, kept)
        with closing(sqlite3.connect(restored, isolation_level=None)) as source:
            source.backup(connection)


def _lock_out_others(connection: sqlite3.Connection) -> None:
    """Lock the file exclusively until the connection is closed; wait for other connections to close."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _replace_file(path: Path, restored: Path, kept: Path) -> None:
    """Move a file that SQLite cannot read aside, and put the restored one in its place."""
    try:
        os.link(path, kept)
    except OSError:
        path.rename(kept)
    if Path(f"{path}-wal").exists():
        Path(f"{path}-wal").rename(f"{kept}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    restored.replace(path)
    sync_folder(path.parent)
