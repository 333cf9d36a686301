"""The database itself: its tables, made, upgraded, looked at and dropped."""

from __future__ import annotations

import asyncio

from todo_cli.db.connection.target import SqliteTarget, Target
from todo_cli.db.database import Database
from todo_cli.db.initialisation import initialise
from todo_cli.db.schema import revisions as schema
from todo_cli.db.schema.inspection import inspect
from todo_cli.models.values import DatabaseStatus


async def init_database(db: Database) -> bool:
    """Make or upgrade the tables and the first user; return False where all was there."""
    return await initialise(db.target, db.user_name, db.now, db.waiting)


def expected_revision() -> str:
    """Return the revision that this program works with."""
    return schema.HEAD


async def migrate_database(db: Database, revision: str | None) -> tuple[str, bool]:
    """Bring the tables to the revision, by default this program's; return it, and whether anything was changed."""
    revision = revision or schema.HEAD
    return revision, await schema.migrate(db.target, revision, db.waiting)


def migration_sql(target: Target, revision: str | None) -> str:
    """Return the SQL that makes the tables from nothing, without touching the database."""
    return schema.migration_sql(target, revision or schema.HEAD)


async def reset_database(db: Database) -> None:
    """Drop all tables with everything in them."""
    await schema.drop_everything(db.target, db.waiting)


async def find_damage(db: Database) -> list[str]:
    """Return what is wrong with an SQLite file, if there is one; a server looks after its own files."""
    if not isinstance(db.target, SqliteTarget) or not db.target.exists():
        return []
    from todo_cli.db.schema.sqlite_check import find_damage

    return await asyncio.to_thread(find_damage, db.target)


async def inspect_database(db: Database) -> DatabaseStatus:
    """Return what there is in the database, without making or upgrading anything."""
    return await inspect(db.target, db.user_name, db.waiting)
