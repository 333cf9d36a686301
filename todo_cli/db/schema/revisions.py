"""Bringing a database's tables to a revision, with Alembic."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sqlalchemy import (
    Column,
    MetaData,
    NullPool,
    ScalarSelect,
    String,
    Table,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import DropTable

import todo_cli
from todo_cli.db.connection.engine import make_migration_engine
from todo_cli.db.connection.error_translation import explain_damage, is_failure, translate
from todo_cli.db.connection.locks import MIGRATION_LOCK
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target, milliseconds
from todo_cli.db.connection.waiting import Waiting
from todo_cli.errors import (
    ForeignSchemaError,
    InvalidInputError,
    LockedError,
    SchemaMissingError,
    SchemaOutdatedError,
    SchemaTooNewError,
    SchemaUnclearError,
    StorageError,
)
from todo_cli.models.tables import SCHEMA, Base, Todo

if TYPE_CHECKING:
    import sqlite3

    from alembic.config import Config
    from sqlalchemy import Connection

MIGRATION_PATIENCE = 60
"""Seconds for which another migration is waited for, unless other locks are waited for longer."""

Fill = Callable[[AsyncConnection], Awaitable[bool]]
"""Writes what new tables hold from the start; returns whether anything was written."""

HEAD = "0004"
"""The revision that this program works with. Revisions are numbered, so that older and newer can be told apart."""

version_table = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))

REVISION: ScalarSelect[str] = select(func.aggregate_strings(version_table.c.version_num, ",")).scalar_subquery()
"""The revision of the tables; several, joined by commas, where something went wrong; NULL where there is none."""

_OURS = re.compile(r"[0-9]{4}")


def check_revision(target: Target, found: str | None) -> None:
    """Raise what is wrong with tables of that revision, as `REVISION` gives it."""
    if not found:
        raise SchemaMissingError(str(target))
    refuse_foreign_revision(target, found)
    if found < HEAD:
        raise SchemaOutdatedError(str(target), found, HEAD)
    if found > HEAD:
        raise SchemaTooNewError(str(target), found, HEAD)


def refuse_foreign_revision(target: Target, found: str) -> None:
    """Raise what is wrong with a revision that cannot be one of this program, older or newer."""
    if "," in found:
        raise SchemaUnclearError(str(target), found.split(","))
    if not _OURS.fullmatch(found):
        raise ForeignSchemaError(SCHEMA, str(target))


def migrations_folder() -> Path:
    """Return where the migrations are: inside the installed package, or beside it in a checkout."""
    package = Path(todo_cli.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


async def create(target: Target, fill: Fill, waiting: Waiting = nullcontext) -> bool:
    """Make or upgrade the tables, and `fill` them, in one transaction; return whether anything was written.

    An SQLite file is made under another name, so that it is there as a whole or not at all, and backed up beside
    itself before it is upgraded.
    """
    if isinstance(target, SqliteTarget) and not target.exists() and await _make_file(target, fill):
        return True
    return await _migrate(target, HEAD, waiting, fill)


async def _make_file(target: SqliteTarget, fill: Fill) -> bool:
    """Make a new list; return False where another command made one meanwhile, which stays."""
    from todo_cli.db.schema.sqlite_backup import unfinished_file
    from todo_cli.files import put_in_place

    path = target.real_path
    try:
        with unfinished_file(path) as unfinished:
            new = SqliteTarget(unfinished)
            _make_tables(new)
            async with begin(make_migration_engine(new), target) as connection:
                await fill(connection)
            put_in_place(unfinished, path)
    except FileExistsError:
        return False
    except (SQLAlchemyError, OSError) as error:
        raise translate(error, target) from error
    return True


def _make_tables(target: SqliteTarget) -> None:
    """Make the tables in an empty file. Nothing else runs meanwhile: two runs of Alembic cannot be interleaved."""
    from todo_cli.db.connection.sqlite import open_file

    def connect() -> sqlite3.Connection:
        return open_file(target, foreign_keys=False, new=True)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _run_alembic(connection, HEAD, True)
        connection.exec_driver_sql("COMMIT")


async def migrate(target: Target, revision: str = HEAD, waiting: Waiting = nullcontext) -> bool:
    """Bring existing tables to the revision, up or down; returns whether anything was written.

    Raises SchemaMissingError where there are no tables yet, InvalidInputError for a revision that does not exist.
    """
    _check_revision(revision)
    return await _migrate(target, revision, waiting)


def _check_revision(revision: str) -> None:
    if revision not in (known := known_revisions()):
        raise InvalidInputError(f"there is no revision {revision!r}", f"revisions: {', '.join(known)}")


def known_revisions() -> list[str]:
    """Return the revisions of this program, oldest first."""
    from alembic.script import ScriptDirectory

    return sorted(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def migration_sql(target: Target, revision: str = HEAD) -> str:
    """Return the SQL statements that make the tables from nothing, up to the revision."""
    import io

    from alembic import command

    _check_revision(revision)
    output = io.StringIO()
    config = _config(output)
    config.attributes["dialect"] = target.dialect
    command.upgrade(config, revision, sql=True)
    return output.getvalue()


async def find_revision(connection: AsyncConnection, target: Target) -> str | None:
    """Return the revision of the tables, None where there are none. The transaction stays usable.

    Raises SchemaUnclearError for several, ForeignSchemaError for one that is another program's.
    """
    schema = schema_of(connection)

    def look(sync_connection: Connection) -> str | None:
        if not sync_connection.dialect.has_table(sync_connection, version_table.name, schema=schema):
            return None
        translated = sync_connection.execution_options(schema_translate_map={None: schema})
        return translated.scalar(select(REVISION))

    found = await connection.run_sync(look)
    if found is not None:
        refuse_foreign_revision(target, found)
    return found


async def drop_everything(target: Target, waiting: Waiting = nullcontext) -> None:
    """Remove all tables, and on PostgreSQL their schema, in one transaction."""
    async with begin(make_migration_engine(target, waiting), target) as connection:
        await _wait_for_others(connection, target)
        if connection.dialect.name == "postgresql":
            await _refuse_foreign_schema(connection, target, await find_revision(connection, target))
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
            return
        for table in (*reversed(Base.metadata.sorted_tables), version_table):
            await connection.execute(DropTable(table, if_exists=True))


async def _migrate(target: Target, revision: str, waiting: Waiting, fill: Fill | None = None) -> bool:
    async with begin(make_migration_engine(target, waiting), target) as connection:
        await _wait_for_others(connection, target)
        found = await find_revision(connection, target)
        if found is None and fill is None:
            raise SchemaMissingError(str(target))
        await _refuse_foreign_schema(connection, target, found)
        if found is not None and found > HEAD:
            raise SchemaTooNewError(str(target), found, HEAD)
        if found != revision:
            if isinstance(target, SqliteTarget):
                await _prepare_file(connection, target, found)
            await connection.run_sync(_run_alembic, revision, found is None or found < revision)
            await _check_foreign_keys(connection)
        filled = fill is not None and await fill(connection)
        return found != revision or filled


@asynccontextmanager
async def begin(engine: AsyncEngine, target: Target) -> AsyncIterator[AsyncConnection]:
    """Give a connection in a transaction that is committed at the end, and put failures into our words."""
    try:
        async with engine.begin() as connection:
            yield connection
    except Exception as error:
        if is_failure(error):
            raise translate(error, target) from error
        raise
    finally:
        await engine.dispose()


async def _wait_for_others(connection: AsyncConnection, target: Target) -> None:
    """Let one migration at a time go on. On SQLite the transaction itself sees to that; the lock ends with it.

    A migration takes its time, so that it is waited for longer than for other locks. So do its statements; only a
    line that is dead ends them.
    """
    if not isinstance(target, PostgresTarget):
        return
    line: Any = (await connection.get_raw_connection()).driver_connection
    line.limits = replace(line.limits, answer=None)
    patience = max(MIGRATION_PATIENCE, target.lock_timeout)
    try:
        await connection.execute(text(f"SET LOCAL lock_timeout = '{milliseconds(patience)}'"))
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    except DBAPIError as error:
        if isinstance(translate(error, target), LockedError):
            raise LockedError(str(target), patience, "another 'todo db init' or 'todo db migrate'") from error
        raise
    await connection.execute(text(f"SET LOCAL lock_timeout = '{milliseconds(target.lock_timeout)}'"))


async def _refuse_foreign_schema(connection: AsyncConnection, target: Target, revision: str | None) -> None:
    """Raise ForeignSchemaError for a schema of our name that holds something, but not our tables and a revision."""
    if not isinstance(target, PostgresTarget):
        return
    there = text(
        "SELECT to_regclass(:todos) IS NOT NULL AS ours, EXISTS ("
        "SELECT 1 FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass"
        " AND refobjid = to_regnamespace(:schema)::oid AND objid IS DISTINCT FROM to_regclass(:versions)::oid"
        ") AS anything"
    )
    names = {
        name: f"{SCHEMA}.{table}" for name, table in (("todos", Todo.__tablename__), ("versions", version_table.name))
    }
    found = (await connection.execute(there, {"schema": SCHEMA, **names})).one()
    if (revision or found.anything) and not (revision and found.ours):
        raise ForeignSchemaError(SCHEMA, str(target))


def schema_of(connection: AsyncConnection) -> str | None:
    return SCHEMA if connection.dialect.name == "postgresql" else None


def _run_alembic(connection: Connection, revision: str, upwards: bool) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    (command.upgrade if upwards else command.downgrade)(config, revision)


def _config(output: TextIO | None = None) -> Config:
    from alembic.config import Config

    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


async def _prepare_file(connection: AsyncConnection, target: SqliteTarget, revision: str | None) -> None:
    """Back a file up that is about to be migrated; raise DamagedError for one that has lost its revision."""
    from todo_cli.db.schema.sqlite_backup import keep_before_migration

    if revision is not None:
        await asyncio.to_thread(keep_before_migration, target.path, revision)
        return
    tables = await connection.run_sync(lambda it: it.dialect.get_table_names(it))
    if set(tables) & Base.metadata.tables.keys():
        raise explain_damage(target, "its tables have no revision")


async def _check_foreign_keys(connection: AsyncConnection) -> None:
    if connection.dialect.name == "sqlite":
        dangling = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()
        if dangling:
            raise StorageError(f"the migration would leave {len(dangling)} links dangling; nothing was changed")
