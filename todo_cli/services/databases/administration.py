"""Administration of the database: creating, upgrading, inspecting and dropping its tables."""

from __future__ import annotations

import asyncio

from todo_cli.db.connection.target import SqliteTarget, Target
from todo_cli.db.database import Database
from todo_cli.db.initialisation import initialize
from todo_cli.db.schema import revisions as schema
from todo_cli.db.schema.inspection import inspect
from todo_cli.models.values import DatabaseStatus


async def init_database(db: Database) -> bool:
    """Create or upgrade the tables and the first user; return whether anything changed."""
    return await initialize(db.target, db.user_name, db.now, db.waiting)


def expected_revision() -> str:
    """Return the revision that this program uses."""
    return schema.HEAD


async def migrate_database(db: Database, revision: str | None) -> tuple[str, bool]:
    """Migrate the tables to a revision, by default this program's; return it and whether anything changed."""
    revision = revision or schema.HEAD
    return revision, await schema.migrate(db.target, revision, db.waiting)


def migration_sql(target: Target, revision: str | None) -> str:
    """Return the SQL that creates the tables in an empty database."""
    return schema.migration_sql(target, revision or schema.HEAD)


async def reset_database(db: Database) -> None:
    """Drop all tables with everything in them."""
    await schema.drop_everything(db.target, db.waiting)


async def find_damage(db: Database) -> list[str]:
    """Return descriptions of the damage in an SQLite file; empty for a server, which checks its own files."""
    if not isinstance(db.target, SqliteTarget) or not db.target.exists():
        return []
    from todo_cli.db.schema.sqlite_check import find_damage

    return await asyncio.to_thread(find_damage, db.target)


async def inspect_database(db: Database) -> DatabaseStatus:
    """Return the status of the database, without creating or upgrading anything."""
    return await inspect(db.target, db.user_name, db.waiting)
