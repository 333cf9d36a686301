"""Creating and migrating the tables of a database with Alembic."""

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
"""Seconds to wait for another migration, unless the lock timeout is longer."""

Fill = Callable[[AsyncConnection], Awaitable[bool]]
"""A function that inserts the initial rows; returns whether it wrote anything."""

HEAD = "0005"
"""The revision that this program uses. Revisions are numbered, so that they can be compared."""

version_table = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))

REVISION: ScalarSelect[str] = select(func.aggregate_strings(version_table.c.version_num, ",")).scalar_subquery()
"""The revision of the tables; several, separated by commas, if the table is corrupt; NULL if there is none."""

_OURS = re.compile(r"[0-9]{4}")


def check_revision(target: Target, found: str | None) -> None:
    """Raise an error unless the tables are at this program's revision; `found` is the value of `REVISION`."""
    if not found:
        raise SchemaMissingError(str(target))
    refuse_foreign_revision(target, found)
    if found < HEAD:
        raise SchemaOutdatedError(str(target), found, HEAD)
    if found > HEAD:
        raise SchemaTooNewError(str(target), found, HEAD)


def refuse_foreign_revision(target: Target, found: str) -> None:
    """Raise an error for a value that is not a revision of any version of this program."""
    if "," in found:
        raise SchemaUnclearError(str(target), found.split(","))
    if not _OURS.fullmatch(found):
        raise ForeignSchemaError(SCHEMA, str(target))


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside the installed package, or beside it in a checkout."""
    package = Path(todo_cli.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


async def create(target: Target, fill: Fill, waiting: Waiting = nullcontext) -> bool:
    """Create or upgrade the tables, and `fill` them, in one transaction; return whether anything was written.

    A new SQLite file appears atomically; an existing one is backed up before it is upgraded.
    """
    if isinstance(target, SqliteTarget) and not target.exists() and await _make_file(target, fill):
        return True
    return await _migrate(target, HEAD, waiting, fill)


async def _make_file(target: SqliteTarget, fill: Fill) -> bool:
    """Create a new list; return False if another command has created one meanwhile, which is kept."""
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
    """Create the tables in an empty file. It is synchronous, because runs of Alembic must not be interleaved."""
    from todo_cli.db.connection.sqlite import open_file

    def connect() -> sqlite3.Connection:
        return open_file(target, foreign_keys=False, new=True)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _run_alembic(connection, HEAD, True)
        connection.exec_driver_sql("COMMIT")


async def migrate(target: Target, revision: str = HEAD, waiting: Waiting = nullcontext) -> bool:
    """Upgrade or downgrade existing tables to a revision; return whether anything was written.

    Raises SchemaMissingError if there are no tables, and InvalidInputError for an unknown revision.
    """
    _check_revision(revision)
    return await _migrate(target, revision, waiting)


def _check_revision(revision: str) -> None:
    if revision not in (known := known_revisions()):
        raise InvalidInputError(f"unknown revision {revision!r}", f"revisions: {', '.join(known)}")


def known_revisions() -> list[str]:
    """Return the revisions of this program, oldest first."""
    from alembic.script import ScriptDirectory

    return sorted(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def migration_sql(target: Target, revision: str = HEAD) -> str:
    """Return the SQL statements that create the tables in an empty database, up to a revision."""
    import io

    from alembic import command

    _check_revision(revision)
    output = io.StringIO()
    config = _config(output)
    config.attributes["dialect"] = target.dialect
    command.upgrade(config, revision, sql=True)
    return output.getvalue()


async def find_revision(connection: AsyncConnection, target: Target) -> str | None:
    """Return the revision of the tables, None if there are no tables. The transaction remains usable.

    Raises SchemaUnclearError for several revisions, and ForeignSchemaError for one of another program.
    """
    schema = schema_of(connection)

    def read_revision(sync_connection: Connection) -> str | None:
        if not sync_connection.dialect.has_table(sync_connection, version_table.name, schema=schema):
            return None
        translated = sync_connection.execution_options(schema_translate_map={None: schema})
        return translated.scalar(select(REVISION))

    found = await connection.run_sync(read_revision)
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
    """Provide a connection in a transaction that is committed at the end, and translate errors."""
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
    """Serialize migrations with a lock that ends with the transaction. On SQLite, the transaction itself is enough.

    The lock has a longer timeout than others, since migrations take long. For the same reason, their statements have no
    timeout and end only with the connection.
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
    """Raise ForeignSchemaError for a schema with our name that is not empty and lacks our tables or a revision."""
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
    """Back up a file before its migration; raises DamagedError for one with tables but no revision."""
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
