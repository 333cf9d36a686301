"""Races on PostgreSQL at critical moments: another session holds the lock that commands need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import OpenDatabase
from tests.waits import until_blocked
from todo_cli.db.connection.postgresql import connect
from todo_cli.db.connection.target import PostgresTarget, Target
from todo_cli.db.database import Database
from todo_cli.errors import NotFoundError
from todo_cli.query.filter.ast import And
from todo_cli.query.references import parse_references
from todo_cli.services import projects, tags
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.todos import NewTodo, TodoChanges, add_todo, modify_todos

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)  # SQLite has one writer at a time
ONE = parse_references(["1"])


async def while_locked(target: Target, lock: str, *commands: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Start the commands one after the other while the rows are locked, then release the locks; return all results."""
    assert isinstance(target, PostgresTarget)
    holder = await connect(target)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute(lock)
    running: list[asyncio.Future[Any]] = []
    for command in commands:
        running.append(asyncio.ensure_future(command()))
        await until_blocked(holder, running)
    await transaction.rollback()
    results = await asyncio.gather(*running, return_exceptions=True)
    await holder.close()
    return results


async def check_history(db: Database, target: Target) -> None:
    """Assert that the tables agree with the latest history of each todo's project and tags."""
    assert isinstance(target, PostgresTarget)
    connection = await connect(target)
    changes = await connection.fetch("SELECT entity_uuid, field, old, new FROM todo.changes ORDER BY id")
    names = dict(await connection.fetch("SELECT uuid, name FROM todo.projects UNION SELECT uuid, name FROM todo.tags"))
    removed = [row["entity_uuid"] for row in changes if row["field"] == "exists" and row["new"] is None]
    await connection.close()
    assert len(removed) == len(set(removed)), "something was deleted twice"
    for todo in (await list_todos(db, ListQuery(And(())))).todos:
        project = None
        carried: set[str] = set()
        for row in changes:
            if row["entity_uuid"] != todo.uuid:
                continue
            if row["field"] == "project":
                assert project == (row["old"] and json.loads(row["old"])), "the old value is not what was there"
                project = row["new"] and json.loads(row["new"])
            if row["field"] == "tag":
                carried ^= {json.loads(row["old"] or row["new"])}
        by_text = {str(uuid): name for uuid, name in names.items()}
        assert todo.project == (project and by_text[project])
        assert set(todo.tags) == {by_text[uuid] for uuid in carried}


@pytest.fixture
async def filled(db: Database) -> Database:
    await add_todo(db, NewTodo("one", project="p", tags=("t",)))
    return db


LOCK_TODO = "SELECT 1 FROM todo.todos WHERE id = 1 FOR UPDATE"


@pytest.mark.parametrize("what", ["project", "tag"])
async def test_deleting_a_name_that_is_being_assigned(
    filled: Database, open_db: OpenDatabase, target: Target, what: str
) -> None:
    delete = projects.delete_project if what == "project" else tags.delete_tag
    name = "p" if what == "project" else "t"
    results = await while_locked(
        target,
        LOCK_TODO,
        lambda: delete(open_db("alex"), name),
        lambda: add_todo(open_db("alex"), NewTodo("two", project="p", tags=("t",))),
    )
    assert not [result for result in results if isinstance(result, BaseException)]
    await check_history(filled, target)


@pytest.mark.parametrize("what", ["project", "tag"])
async def test_deleting_twice_happens_once(filled: Database, open_db: OpenDatabase, target: Target, what: str) -> None:
    delete = projects.delete_project if what == "project" else tags.delete_tag
    name = "p" if what == "project" else "t"
    results = await while_locked(target, LOCK_TODO, *[lambda: delete(open_db("alex"), name)] * 2)
    assert sorted(type(result) is NotFoundError for result in results) == [False, True]
    await check_history(filled, target)


async def test_deleting_a_name_that_is_being_renamed(filled: Database, open_db: OpenDatabase, target: Target) -> None:
    renamed, deleted = await while_locked(
        target,
        "SELECT 1 FROM todo.projects FOR UPDATE",
        lambda: projects.rename_project(open_db("alex"), "p", "q"),
        lambda: projects.delete_project(open_db("alex"), "p"),
    )
    assert renamed == [("p", "q")]
    assert isinstance(deleted, NotFoundError)
    assert [project.name for project in await projects.list_projects(filled)] == ["q"]


async def test_a_todo_is_read_completely_after_waiting(filled: Database, open_db: OpenDatabase, target: Target) -> None:
    first, second, third = await while_locked(
        target,
        LOCK_TODO,
        lambda: modify_todos(open_db("alex"), ONE, TodoChanges(project="p2")),
        lambda: modify_todos(open_db("alex"), ONE, TodoChanges(title="zz", tags=("u",))),
        lambda: modify_todos(open_db("alex"), ONE, TodoChanges(project="p3")),
    )
    changed, moved = second[0].todo, third[0].todo  # either of two waiting commands may come first
    assert (first[0].todo.project, moved.project) == ("p2", "p3")
    assert changed.project == ("p2" if changed.version < moved.version else "p3")
    assert (changed.title, changed.tags) == ("zz", ("t", "u"))
    assert sorted([first[0].todo.version, changed.version, moved.version]) == [2, 3, 4]
    await check_history(filled, target)
