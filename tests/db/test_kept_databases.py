"""Databases of the first revision, upgraded to the present one without losing anything.

`tests/kept/README.md` describes their contents.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection, MetaData, select, text

from tests.conftest import NOW, Cli, Here
from tests.db.test_migrations import apply, describe
from todo_cli.db.connection.target import SqliteTarget, Target, parse_target
from todo_cli.db.database import Database
from todo_cli.db.schema import revisions as schema
from todo_cli.models.tables import SCHEMA, Base
from todo_cli.services.todos import NewTodo, add_todo

KEPT = Path(__file__).parents[1] / "kept"
REPOSITORY = Path(__file__).parents[2]
FIRST = "0001"
HIGHEST = 35
"""The highest number that was used. Its todo was removed permanently."""

MODELS = {str(model.__tablename__): model for model in Base.__subclasses__()}

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def url(dialect: str, empty_url: str, tmp_path: Path) -> str:
    """A database with the first tables."""
    if dialect == "sqlite":
        shutil.copyfile(KEPT / "first.db", tmp_path / "todo.db")
    else:
        connection = await asyncpg.connect(empty_url)
        try:
            await connection.execute((KEPT / "first.sql").read_text("utf-8"))
        finally:
            await connection.close()
    return empty_url


def read_tables(connection: Connection) -> Tables:
    """Return the rows of all existing tables, in key order."""
    there = SCHEMA if connection.dialect.name == "postgresql" else None
    found = MetaData()
    found.reflect(connection, schema=there)
    return {
        table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
        for table in found.tables.values()
    }


def check_kept(before: Tables, after: Tables) -> None:
    """Check that old columns have kept their values, and that new columns have their initial values."""
    for name in before.keys() - {schema.version_table.name}:
        columns = before[name][0].keys()
        assert [{column: row[column] for column in columns} for row in after[name]] == before[name], name
        for column in after[name][0].keys() - columns:
            begins = MODELS[name].model_fields[column].default
            assert {row[column] for row in after[name]} == {begins}, f"{name}.{column}"


def check_links(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":  # PostgreSQL has checked them on insertion
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]


def open_with_todays_program(todo: Callable[..., Any], target: Target) -> None:
    """Upgrade the tables as people do: a file by using it, a server with `db migrate`."""
    if target.dialect == "postgresql":
        refused = todo("--user", "alex", "list")
        assert (refused.code, refused.out) == (1, "")
        assert "todo db migrate" in refused.err
        assert todo("db", "migrate").code == 0
    assert todo("--user", "alex", "list").code == 0


async def test_the_kept_databases_have_the_described_contents(target: Target) -> None:
    tables = await apply(target, read_tables)
    todos = tables["todos"]
    assert [row["version_num"] for row in tables["alembic_version"]] == [FIRST]
    assert {row["status"] for row in todos} == {"open", "done", "cancelled"}
    assert {row["priority"] for row in todos} == {1, 2, 3, 4}
    assert {row["user_id"] for row in todos} == {1, 2}
    assert max(len(row["title"]) for row in todos) == 10_000
    assert "\x1b[31mred\x1b[0m\ttab\nnew line\r\n" in todos[4]["title"]
    assert max(row["id"] for row in todos) < HIGHEST
    assert all(tables.values())


async def test_upgrading_loses_nothing(cli: Cli, target: Target) -> None:
    before = await apply(target, read_tables)
    open_with_todays_program(cli, target)
    after = await apply(target, read_tables)
    check_kept(before, after)
    assert after["alembic_version"] == [{"version_num": schema.HEAD}]
    await apply(target, check_links)
    if isinstance(target, SqliteTarget):
        [path] = target.path.parent.glob(f"*.revision-{FIRST}.bak")
        copy = parse_target(f"sqlite:///{path}")
        assert await apply(copy, read_tables) == before


async def test_upgraded_tables_equal_new_ones(cli: Cli, target: Target, make_url: Callable[[], str]) -> None:
    await schema.migrate(target)
    assert await apply(target, describe) == await apply(parse_target(make_url()), describe)
    check = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(REPOSITORY / "alembic.ini"), "check"],
        env={**cli.environment, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
    )
    assert "No new upgrade operations detected" in check.stdout, check.stdout + check.stderr
    assert check.returncode == 0


async def test_downgrade_and_upgrade_again(target: Target) -> None:
    before, tables = await apply(target, read_tables), await apply(target, describe)
    assert await schema.migrate(target)
    assert await schema.migrate(target, FIRST)
    assert await apply(target, read_tables) == before
    assert await apply(target, describe) == tables
    await apply(target, check_links)
    assert await schema.migrate(target)
    check_kept(before, await apply(target, read_tables))
    await apply(target, check_links)
    async with Database(target, now=NOW, user_name="alex") as db:
        assert (await add_todo(db, NewTodo("next"))).todo.id == HIGHEST + 1


def test_commands_work_on_old_todos(todo: Here, target: Target) -> None:
    before = asyncio.run(apply(target, read_tables))
    projects = {row["id"]: row for row in before["projects"]}
    archived = {number for number, row in projects.items() if row["archived_at"]}
    mine = [row for row in before["todos"] if row["user_id"] == 1]
    kept = [row for row in mine if not row["deleted_at"]]
    listed = {row["id"] for row in kept if row["status"] == "open" and row["project_id"] not in archived}
    trash = {row["id"] for row in mine if row["deleted_at"]}
    names = {row["name"] for row in projects.values() if row["user_id"] == 1}
    open_with_todays_program(todo, target)

    def alex(*arguments: str) -> Any:
        """Run a command as alex and return its JSON."""
        result = todo("--user", "alex", "--json", *arguments)
        assert result.code == 0, result.err
        return json.loads(result.out)

    assert {row["id"] for row in alex("list")} == listed
    assert {row["id"] for row in alex("trash", "list")} == trash
    assert {row["name"] for row in alex("project", "list", "--all")} == names
    for row in mine:
        shown = alex("show", str(row["id"]))
        for field in ("id", "title", "description", "status", "version"):
            assert shown[field] == row[field], f"{field} of {row['id']}"
        assert shown["project"] == (projects[row["project_id"]]["name"] if row["project_id"] else None)
        assert not shown["due"] or shown["due"][:10] == str(row["due_at"] or row["due_on"])[:10]

    assert todo("--user", "alex", "done", "3").code == 0
    assert todo("--user", "alex", "modify", "6", "--title", "Later", "--untag", "тег_1", "-p", "Arbeit.API").code == 0
    assert todo("--user", "alex", "restore", "12-13").code == 0
    assert todo("--user", "blair", "reopen", "24").code == 0
    changed = {row["id"]: row for row in alex("list", "--status", "all")}
    assert changed[3]["status"] == "done"
    assert (changed[6]["title"], changed[6]["tags"], changed[6]["project"]) == ("Later", [], "Arbeit.API")
    assert (changed[12]["status"], changed[13]["status"]) == ("open", "done")
    assert alex("trash", "list") == []
    assert alex("add", "Next")["id"] == HIGHEST + 1
    asyncio.run(apply(target, check_links))
