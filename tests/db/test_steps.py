"""The write path: each command is one step with its history, written at most once."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from tests.conftest import OpenDatabase
from todo_cli.db.database import Database
from todo_cli.db.read.queries import make_request, select_scope
from todo_cli.db.write.step import Step, Transaction
from todo_cli.models.tables import Change, Project, Todo
from todo_cli.models.tables import Step as StepRow
from todo_cli.models.values import Priority, TodoPublic, When
from todo_cli.query.references import parse_references
from todo_cli.services import projects, tags, todos, users
from todo_cli.services.todos import NewTodo, TodoChanges


async def steps(db: Database) -> list[tuple[str, list[tuple[str, str, Any, Any]]]]:
    """Return every step after `db init`: its command, and its changes as (entity, field, old, new)."""

    async def work(transaction: Transaction) -> list[tuple[str, list[tuple[str, str, Any, Any]]]]:
        found = []
        for step in (await transaction.session.execute(select(StepRow).order_by(col(StepRow.id)))).scalars().all():
            changes = select(Change).where(col(Change.step_id) == step.id).order_by(col(Change.id))
            rows = (await transaction.session.execute(changes)).scalars().all()
            found.append((step.command, [(r.entity, r.field, _load(r.old), _load(r.new)) for r in rows]))
        return found[1:]

    return await db.read(work)


def _load(value: str | None) -> Any:
    return None if value is None else json.loads(value)


async def test_adding_records_the_todo_and_the_names_it_created(db: Database) -> None:
    outcome = await todos.add_todo(
        db, NewTodo("Pay rent", project="home", tags=("bills",), priority=Priority.HIGH, due=When(date(2026, 11, 30)))
    )
    [(command, changes)] = await steps(db)
    assert command == "add"
    assert [(entity, field) for entity, field, _, _ in changes] == [
        ("project", "exists"),
        ("project", "name"),
        ("tag", "exists"),
        ("tag", "name"),
        ("todo", "exists"),
        ("todo", "title"),
        ("todo", "priority"),
        ("todo", "project"),
        ("todo", "due"),
        ("todo", "tag"),
    ]
    by_field = {(entity, field): (old, new) for entity, field, old, new in changes}
    assert by_field["todo", "exists"] == (None, True)
    assert by_field["todo", "title"] == (None, "Pay rent")
    assert by_field["todo", "due"] == (None, "2026-11-30")
    UUID(by_field["todo", "project"][1])
    assert outcome.todo.version == 1


async def test_changing_records_each_field_with_its_old_value(db: Database) -> None:
    todo = (await todos.add_todo(db, NewTodo("Pay rent", tags=("bills",)))).todo
    reference = parse_references([str(todo.id)])
    await todos.modify_todos(db, reference, TodoChanges(title="Pay the rent", untag=("bills",)))
    [outcome] = await todos.complete_todos(db, reference)
    (_, modified), (_, finished) = (await steps(db))[1:]
    assert modified[0] == ("todo", "title", "Pay rent", "Pay the rent")
    assert modified[1][1] == "tag"
    assert modified[1][3] is None
    assert finished == [
        ("todo", "status", "open", "done"),
        ("todo", "completed_at", None, "2026-11-22T11:00:00Z"),
    ]
    assert outcome.todo.version == 3


async def test_a_command_that_changes_nothing_writes_no_step(db: Database) -> None:
    todo = (await todos.add_todo(db, NewTodo("Pay rent", tags=("bills",), project="home"))).todo
    reference = parse_references([str(todo.id)])
    before = await steps(db)
    await todos.modify_todos(db, reference, TodoChanges(title="Pay rent", tags=("BILLS",), project="HOME"))
    await todos.reopen_todos(db, reference)
    await todos.restore_todos(db, reference)
    await projects.unarchive_project(db, "home")
    assert await todos.empty_trash(db) == 0
    assert await steps(db) == before
    assert (await db.read(lambda transaction: transaction.session.scalar(select(Todo.version)))) == 1


async def test_a_step_that_was_stored_changes_nothing(db: Database) -> None:
    uuid = uuid4()
    titles = []

    async def attempt() -> bool:
        async with db._connect(writing=True) as connection:
            from sqlalchemy.ext.asyncio import AsyncSession

            async with AsyncSession(connection) as session:
                step = Step(session, db.now, "add", uuid)
                opened = await step.open(select_scope(make_request("alex", db.now)))
                if opened:
                    step.create(Todo(title="once", created_at=step.now, updated_at=step.now))
                    await step.close()
            await connection.commit()
            return opened

    assert [await attempt() for _ in range(3)] == [True, False, False]
    titles = await db.read(_titles)
    assert titles == ["once"]


async def _titles(transaction: Transaction) -> list[str]:
    return list((await transaction.session.execute(select(Todo.title))).scalars())


async def test_a_failed_step_writes_nothing(db: Database) -> None:
    async def work(step: Step) -> None:
        await step.get_or_create(Project, "home")
        step.create(Todo(title="half", created_at=step.now, updated_at=step.now))
        await step.flush()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await db.write("add", work)
    assert await db.read(_titles) == []
    assert await projects.list_projects(db) == []
    assert await steps(db) == []


async def test_every_command_that_writes_is_one_step(db: Database) -> None:
    todo = (await todos.add_todo(db, NewTodo("a", project="p", tags=("t",)))).todo
    reference = parse_references([str(todo.id)])
    await todos.complete_todos(db, reference)
    await todos.reopen_todos(db, reference)
    await todos.cancel_todos(db, reference)
    await todos.modify_todos(db, reference, TodoChanges(clear=frozenset({"project"})))
    await todos.delete_todos(db, reference)
    await todos.restore_todos(db, reference)
    await projects.rename_project(db, "p", "q")
    await projects.archive_project(db, "q")
    await projects.unarchive_project(db, "q")
    await projects.delete_project(db, "q")
    await tags.rename_tag(db, "t", "u")
    await tags.delete_tag(db, "u")
    await users.add_user(db, "sam")
    await users.rename_user(db, "sam", "samira")
    assert [command for command, _ in await steps(db)] == [
        *("add", "done", "reopen", "cancel", "modify", "delete", "restore"),
        *("project rename", "project archive", "project unarchive", "project delete"),
        *("tag rename", "tag delete", "user add", "user rename"),
    ]


async def test_deleting_a_tag_or_project_records_its_fields_and_todos(db: Database) -> None:
    await todos.add_todo(db, NewTodo("a", project="p", tags=("t",)))
    await tags.delete_tag(db, "t")
    await projects.delete_project(db, "p")
    (_, tag_changes), (_, project_changes) = (await steps(db))[1:]
    assert [(entity, field) for entity, field, _, _ in tag_changes] == [
        ("todo", "tag"),
        ("tag", "name"),
        ("tag", "exists"),
    ]
    assert project_changes[0][:2] == ("todo", "project")
    assert project_changes[1] == ("project", "name", "p", None)
    assert project_changes[2] == ("project", "created_at", "2026-11-22T11:00:00Z", None)
    assert project_changes[3] == ("project", "exists", True, None)


async def test_emptying_the_trash_removes_the_history_of_its_todos(db: Database) -> None:
    kept: TodoPublic = (await todos.add_todo(db, NewTodo("kept"))).todo
    gone = (await todos.add_todo(db, NewTodo("gone", tags=("t",)))).todo
    await todos.delete_todos(db, parse_references([str(gone.id)]))
    assert await todos.empty_trash(db) == 1

    async def leftovers(transaction: Transaction) -> int:
        statement = select(Change).where(col(Change.entity_uuid) == gone.uuid)
        return len((await transaction.session.execute(statement)).scalars().all())

    assert await db.read(leftovers) == 1  # that it was removed
    assert [command for command, _ in await steps(db)] == ["add", "add", "delete", "trash empty"]
    assert await db.read(_titles) == ["kept"]
    again = (await todos.add_todo(db, NewTodo("next"))).todo
    assert again.id > gone.id > kept.id


async def test_the_foreign_keys_are_enforced(db: Database, open_db: OpenDatabase) -> None:
    from todo_cli.errors import StorageError

    async def work(step: Step) -> None:
        await step.session.execute(text("INSERT INTO " + _table(db, "todo_tags") + " (todo_id, tag_id) VALUES (1, 1)"))

    with pytest.raises(StorageError):
        await db.write("add", work)


def _table(db: Database, name: str) -> str:
    return name if db.target.dialect == "sqlite" else f"todo.{name}"
