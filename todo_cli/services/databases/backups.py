"""Backups of a list: SQLite files with SQLite's backup API, servers by copying into a file and back."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from todo_cli import config
from todo_cli.db.connection.backups import name_backup
from todo_cli.db.connection.target import SqliteTarget
from todo_cli.db.database import Database
from todo_cli.db.schema.inspection import inspect
from todo_cli.db.schema.revisions import HEAD
from todo_cli.errors import ConflictError, NotFoundError, UserNotNamedError
from todo_cli.files import make_private_folder, put_in_place
from todo_cli.models.values import CopyResult
from todo_cli.services.databases.copying import copy_todos


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of `db restore`: the file that keeps the replaced list, or what was copied to a server."""

    kept: Path | None = None
    copied: CopyResult | None = None


async def back_up(db: Database, file: Path | None) -> Path:
    """Write the list into a new file of mode 0600, by default beside the list; return its path.

    The backup of a server holds all data of the user. Raises ConflictError if the file exists, NotFoundError if there
    is no list, and DamagedError if it is damaged.
    """
    from todo_cli.db.schema import sqlite_backup

    if not isinstance(db.target, SqliteTarget):
        return await _back_up_server(db, file)
    if not db.target.exists():
        raise NotFoundError(f"there is no list in {db.target}", "run 'todo db status' to see the database in use")
    file = file or name_backup(db.target.real_path)
    await asyncio.to_thread(sqlite_backup.back_up, db.target, file)
    return file


async def _back_up_server(db: Database, file: Path | None) -> Path:
    from todo_cli.db.schema.sqlite_backup import unfinished_file

    if file is None:
        folder = config.embedded_path().parent
        make_private_folder(folder)
        file = name_backup(folder / db.target.name.replace("/", "_"))
    if file.exists():
        raise ConflictError(f"{file} already exists", "choose another file")
    found = await inspect(db.target, db.user_name, db.waiting)
    if found.users and found.user is None and db.user_name is None:
        raise UserNotNamedError(found.users)
    with unfinished_file(file) as unfinished:
        unfinished.unlink()
        async with Database(SqliteTarget(unfinished), now=db.now, user_name=found.user or db.user_name) as copy:
            await copy_todos(db, copy)
        try:
            put_in_place(unfinished, file)
        except FileExistsError:
            raise ConflictError(f"{file} already exists", "choose another file") from None
    return file


async def restore(db: Database, file: Path) -> Restored:
    """Restore a backup.

    It replaces a list in an SQLite file, which is kept beside it. Into a server it is copied; existing data is kept.
    Raises NotFoundError if the backup does not exist, and DamagedError or DatabaseUnavailableError if it is invalid.
    """
    from todo_cli.db.schema import sqlite_backup

    if isinstance(db.target, SqliteTarget):
        return Restored(kept=await asyncio.to_thread(sqlite_backup.restore_file, db.target, file, HEAD))
    with tempfile.TemporaryDirectory(prefix="todo-restore-") as folder:  # upgrade a copy, not the backup itself
        copy = SqliteTarget(Path(folder) / file.name)
        await asyncio.to_thread(sqlite_backup.restore_file, copy, file, HEAD)
        user = db.user_name if _count_users(copy.path) > 1 else None
        async with Database(copy, now=db.now, user_name=user) as source:
            return Restored(copied=await copy_todos(source, db))


def _count_users(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])
