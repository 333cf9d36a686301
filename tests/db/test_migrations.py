"""Migrations: up, down and up again with data, rebuilt tables, kills, unknown revisions, backups."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from tests.conftest import NOW, Cli, OpenDatabase, Server
from tests.replay import check_replay
from tests.waits import wait_until
from todo_cli.db import initialisation
from todo_cli.db.connection.engine import make_engine, make_migration_engine
from todo_cli.db.connection.target import Target, parse_target
from todo_cli.db.database import Database
from todo_cli.db.schema import inspection
from todo_cli.db.schema import revisions as schema
from todo_cli.errors import SchemaMissingError, SchemaOutdatedError, SchemaTooNewError
from todo_cli.models.fields import FIELDS, Settable
from todo_cli.models.tables import SCHEMA, Base, complete_tables
from todo_cli.models.values import When
from todo_cli.query.filter.ast import And
from todo_cli.query.kinds import InputContext, parse_value
from todo_cli.query.references import parse_references
from todo_cli.services.comments import add_comment
from todo_cli.services.editing.recurring import Every
from todo_cli.services.history import HistoryQuery, list_history
from todo_cli.services.listing import ListQuery, get_todos, list_todos
from todo_cli.services.todos import NewTodo, add_todo, complete_todos, delete_todos, empty_trash, start_todos
from todo_cli.services.undoing import undo_steps

REBUILD = Path(__file__).parent / "rebuild"


async def apply(target: Target, work: Callable[[Connection], Any]) -> Any:
    """Run work on a connection that may change tables, like a migration."""
    engine = make_migration_engine(target)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


async def run(target: Target, revision: str, *, down: bool = False) -> None:
    """Migrate to a revision, including those in the folder `rebuild`."""

    def work(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(schema.migrations_folder()))
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", f"{schema.migrations_folder() / 'versions'}{os.pathsep}{REBUILD}")
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)

    await apply(target, work)


def describe(connection: Connection) -> dict[str, Any]:
    """Return everything that the database knows about its tables, including names of constraints."""
    on_server = connection.dialect.name == "postgresql"
    inspector = inspect(connection)
    options: dict[str, Any] = {"schema": SCHEMA} if on_server else {}
    found: dict[str, Any] = {}
    for table in sorted({*inspector.get_table_names(**options)} - {schema.version_table.name}):
        found[table] = {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table, **options)],
            "key": inspector.get_pk_constraint(table, **options),
            "unique": sorted(map(str, inspector.get_unique_constraints(table, **options))),
            # On SQLite, SQLAlchemy does not find the name of a constraint that was added together with its column.
            "foreign": sorted(
                str({**key, "name": key["name"] if on_server else None})
                for key in inspector.get_foreign_keys(table, **options)
            ),
            "checks": sorted(str(c["name"]) for c in inspector.get_check_constraints(table, **options)),
            "indexes": sorted(map(_describe_index, inspector.get_indexes(table, **options))),
        }
    if not on_server:
        rows = connection.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' ORDER BY name"))
        found["autoincrement"] = list(rows.scalars())
    return found


def _describe_index(index: Any) -> str:
    where = index["dialect_options"].get("sqlite_where", index["dialect_options"].get("postgresql_where"))
    return f"{index['name']} {index['column_names']} {index['unique']} {where}"


async def test_the_migrated_tables_equal_the_models(empty_url: str, tmp_path: Path) -> None:
    target = parse_target(empty_url)
    await initialisation.initialize(target, "alex", NOW)
    migrated = await apply(target, describe)
    await schema.drop_everything(target)

    def create(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
            connection = connection.execution_options(schema_translate_map={None: SCHEMA})
        complete_tables(connection.dialect.name)
        Base.metadata.create_all(connection)

    await apply(target, create)
    assert migrated == await apply(target, describe)


async def test_alembic_finds_nothing_to_change(url: str, cli: Cli) -> None:
    environment = {**cli.environment, "PYTHONWARNINGS": "error"}
    ini = Path(__file__).parents[2] / "alembic.ini"
    check = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ini), "check"], env=environment, capture_output=True, text=True
    )
    assert "No new upgrade operations detected" in check.stdout, check.stdout + check.stderr
    assert check.returncode == 0


async def test_down_and_up_again_with_data_in_place(db: Database, target: Target) -> None:
    await add_todo(db, NewTodo("a", project="p", tags=("t",)))
    await run(target, "base", down=True)
    with pytest.raises(SchemaMissingError):
        await schema.migrate(target)
    assert await initialisation.initialize(target, "alex", NOW)
    assert (await list_todos(db, ListQuery(And(())))).todos == []


def has_series(connection: Connection) -> bool:
    return inspect(connection).has_table("series", schema=SCHEMA if connection.dialect.name == "postgresql" else None)


async def test_tables_of_the_first_revision_are_upgraded(db: Database, target: Target) -> None:
    at = NOW.astimezone(UTC)
    for title in ("kept", "also kept", "gone"):
        await add_todo(db, NewTodo(title, description="text", project="p", tags=("t", "u"), due=When(at.date(), at)))
    await delete_todos(db, parse_references(["3"]))
    await empty_trash(db)
    before = (await list_todos(db, ListQuery(And(())))).todos
    assert await schema.migrate(target, "0001")
    assert not await apply(target, has_series)
    if target.dialect == "postgresql":
        with pytest.raises(SchemaOutdatedError):
            await list_todos(db, ListQuery(And(())))
        assert await schema.migrate(target)
    assert (await list_todos(db, ListQuery(And(())))).todos == before  # a file is upgraded automatically
    added = await add_todo(db, NewTodo("next", every=Every("day")))
    assert added.todo.id == 4
    assert [todo.occurrence for todo in (await complete_todos(db, parse_references(["4"])))[0].next] == ["2026-11-23"]


@pytest.mark.parametrize("revision", ["0002", "0001"])
async def test_a_downgrade_records_what_it_removes(db: Database, target: Target, revision: str) -> None:
    at = NOW.astimezone(UTC)
    one, two = parse_references(["1", "2"])
    await add_todo(db, NewTodo("a", every=Every("day"), due=When(at.date()), scheduled=When(at.date(), at)))
    new = NewTodo("b", depends=(one,), parent=one, scheduled=When(at.date()), wait_until=at, expires_at=at)
    await add_todo(db, new)
    await start_todos(db, [one])
    await add_comment(db, two, 'é "quoted"\n\\')
    await add_todo(db, NewTodo("untouched", project="p", tags=("t",)))
    versions = [todo.version for todo in await get_todos(db, parse_references(["1-3"]))]
    assert await schema.migrate(target, revision)
    if target.dialect == "postgresql":
        assert await schema.migrate(target)
    found = await get_todos(db, parse_references(["1-3"]))
    steps = 1 if revision == "0002" else 2
    assert [todo.version - before for todo, before in zip(found, versions, strict=True)] == [steps, steps, 0]
    await check_replay(db)
    [step, *_] = (await list_history(db, HistoryQuery(two))).steps
    assert step.command == "db downgrade"
    undone = await undo_steps(db)
    assert [step.command for each in undone.reverted for step in each.steps] == ["add"]
    await check_replay(db)


async def test_a_downgrade_records_the_value_of_every_field(db: Database, target: Target) -> None:
    """Fields that the first revision lacks are lost; the others, and the todo itself, are the same after an upgrade."""
    fields = [field for field in FIELDS.settable(Settable.ADD) if field.is_simple]
    values = {field.attribute: parse_value(field, field.example, InputContext(NOW)) for field in fields}
    (one,) = parse_references(["1"])
    before = (await add_todo(db, NewTodo("a", values))).todo
    await add_todo(db, NewTodo("untouched"))
    assert await schema.migrate(target, "0001")
    if target.dialect == "postgresql":
        assert await schema.migrate(target)
    after, untouched = await get_todos(db, parse_references(["1-2"]))
    lost = {field.attribute: field.get(before) for field in fields if field.get(after) != field.get(before)}
    assert {"estimate": 90 * 60, "url": "https://example.com"}.items() <= lost.items()
    assert "priority" not in lost
    assert [field.get(after) for field in fields if field.attribute in lost] == [None] * len(lost)
    assert (after.title, after.uuid, untouched.version) == (before.title, before.uuid, 1)
    assert after.version > before.version
    steps = [step for step in (await list_history(db, HistoryQuery(one))).steps if step.command == "db downgrade"]
    assert {change.field: change.old for step in steps for change in step.changes} == lost
    assert {change.new for step in steps for change in step.changes} == {None}
    await check_replay(db)


async def test_a_rebuilt_table_keeps_links_numbers_and_its_counter(db: Database, target: Target) -> None:
    for title in ("kept", "also kept", "gone"):
        await add_todo(db, NewTodo(title, project="p", tags=("t", "u")))
    await delete_todos(db, parse_references(["3"]))
    await empty_trash(db)
    before = (await list_todos(db, ListQuery(And(())))).todos
    tables = await apply(target, describe)

    await run(target, "9001")
    rebuilt = await apply(target, describe)
    assert ("score", "INTEGER", True) in rebuilt["todos"]["columns"]
    if target.dialect == "sqlite":
        assert rebuilt["autoincrement"] == tables["autoincrement"]
    await run(target, schema.HEAD, down=True)
    assert (await list_todos(db, ListQuery(And(())))).todos == before
    assert await apply(target, describe) == tables
    assert (await add_todo(db, NewTodo("next"))).todo.id == 4


async def test_a_failed_migration_changes_nothing(
    db: Database, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_todo(db, NewTodo("a", tags=("t",)))
    before = await apply(target, describe)
    monkeypatch.setenv("TODO_TEST_REBUILD", "fail")
    with pytest.raises(RuntimeError, match="on purpose"):
        await run(target, "9001")
    assert await apply(target, describe) == before
    assert (await list_todos(db, ListQuery(And(())))).todos[0].tags == ("t",)
    monkeypatch.delenv("TODO_TEST_REBUILD")
    await run(target, "9001")


KILLED = """
import asyncio, sys
from tests.db.test_migrations import run
from todo_cli.db.connection.target import parse_target
asyncio.run(run(parse_target(sys.argv[1]), "9001"))
"""


async def test_a_killed_migration_changes_nothing(db: Database, target: Target, url: str, tmp_path: Path) -> None:
    await add_todo(db, NewTodo("a", tags=("t",)))
    before = await apply(target, describe)
    reached = tmp_path / "reached"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, url],
        env={**os.environ, "TODO_TEST_REBUILD": str(reached)},
        cwd=Path(__file__).parents[2],
    )
    wait_until(lambda: reached.exists() or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert await apply(target, describe) == before
    assert (await list_todos(db, ListQuery(And(())))).todos[0].tags == ("t",)
    await run(target, "9001")


async def set_revision(target: Target, revision: str) -> None:
    table = "alembic_version" if target.dialect == "sqlite" else f"{SCHEMA}.alembic_version"
    await apply(target, lambda connection: connection.execute(text(f"UPDATE {table} SET version_num = '{revision}'")))


async def test_newer_tables_are_refused(db: Database, target: Target) -> None:
    await set_revision(target, "0999")
    with pytest.raises(SchemaTooNewError, match="newer than this program") as caught:
        await list_todos(db, ListQuery(And(())))
    assert caught.value.hint == "install a newer version of todo, as its README describes"
    for operation in (schema.migrate(target), initialisation.initialize(target, "alex", NOW)):
        with pytest.raises(SchemaTooNewError):
            await operation


async def test_older_tables_on_a_server_are_refused(server: Server, open_db: OpenDatabase) -> None:
    server.fresh("older")
    target = parse_target(server.url("older"))
    await set_revision(target, "0000")
    async with Database(target, now=NOW) as db:
        with pytest.raises(SchemaOutdatedError, match="older than this program") as caught:
            await list_todos(db, ListQuery(And(())))
    assert caught.value.hint == "run 'todo db migrate'"


async def test_a_server_database_without_tables_is_not_changed(server: Server) -> None:
    server.create("untouched")
    target = parse_target(server.url("untouched"))
    async with Database(target, now=NOW) as db:
        for service in (list_todos(db, ListQuery(And(()))), add_todo(db, NewTodo("a"))):
            with pytest.raises(SchemaMissingError) as caught:
                await service
            assert "todo db init" in str(caught.value.hint)
    assert server.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'todo'", "untouched") == []


async def test_the_tables_share_a_server_database_with_others_of_the_same_name(server: Server) -> None:
    server.create("shared")
    server.execute("CREATE TABLE users (id int, secret text)", "shared")
    target = parse_target(server.url("shared"))
    await initialisation.initialize(target, "alex", NOW)
    async with Database(target, now=NOW) as db:
        await add_todo(db, NewTodo("a"))
    await schema.drop_everything(target)
    rows = server.execute("SELECT table_schema, table_name FROM information_schema.tables", "shared")
    assert ("public", "users") in [tuple(row) for row in rows]
    assert not [row for row in rows if row[0] == "todo"]


async def test_an_embedded_file_is_backed_up_and_upgraded(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest revision is the one in the folder `rebuild`, as in a later release."""
    path = tmp_path / "todo.db"
    shutil.copy(sqlite_template, path)
    target = parse_target(f"sqlite:///{path}")
    async with Database(target, now=NOW) as db:
        await add_todo(db, NewTodo("from before", tags=("t",)))

    folder = tmp_path / "migrations"
    shutil.copytree(schema.migrations_folder(), folder)
    shutil.copy(REBUILD / "9001_rebuild_todos.py", folder / "versions")
    monkeypatch.setattr(schema, "migrations_folder", lambda: folder)
    today = schema.HEAD
    monkeypatch.setattr(schema, "HEAD", "9001")
    monkeypatch.setattr("todo_cli.db.database.HEAD", "9001")
    async with Database(target, now=NOW) as db:
        [todo] = (await list_todos(db, ListQuery(And(())))).todos
    assert (todo.title, todo.tags) == ("from before", ("t",))
    [copy] = tmp_path.glob(f"todo.db.*.revision-{today}.bak")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (today,)
        assert connection.execute("SELECT title FROM todos").fetchall() == [("from before",)]
    assert sorted(file.name for file in tmp_path.glob(".todo.db*")) == []


async def test_initializing_twice_at_once_creates_one_user(empty_url: str) -> None:
    import asyncio

    target = parse_target(empty_url)
    results = await asyncio.gather(*(initialisation.initialize(target, "alex", NOW) for _ in range(4)))
    assert sorted(results) == [False, False, False, True]
    assert (await inspection.inspect(target)).users == ["alex"]


async def test_head_is_the_newest_revision() -> None:
    assert schema.known_revisions()[-1] == schema.HEAD


async def test_the_engine_for_commands_names_no_schema_on_sqlite(url: str) -> None:
    engine = make_engine(parse_target(url))
    translate = engine.sync_engine.get_execution_options().get("schema_translate_map")
    assert translate == (None if url.startswith("sqlite") else {None: SCHEMA})
    await engine.dispose()
