"""The database refuses invalid rows; a violated constraint becomes one of our errors."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import CheckConstraint, insert, select
from sqlmodel import col

from todo_cli.db.connection.error_translation import explain_check
from todo_cli.db.database import Database
from todo_cli.db.scope import owner_values
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import ConflictError, InvalidInputError, StorageError, TodoError
from todo_cli.models.fields import FIELDS, Kind
from todo_cli.models.tables import TODOS, Project, Tag, Todo, User
from todo_cli.models.values import DESCRIPTION_LENGTH, NAME_LENGTH, TITLE_LENGTH, URL_LENGTH


def todo_row(step: Step, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        **owner_values(Todo, step.scope),
        "title": "t",
        "created_at": step.now,
        "updated_at": step.now,
        "due_key": "~",
    }
    row |= {"title_folded": "t", "status": "open", "priority": 4, "version": 1, "uuid": _uuid()}
    return row | values


def _uuid() -> Any:
    from uuid import uuid4

    return uuid4()


async def insert_todo(db: Database, **values: Any) -> None:
    """Write a row directly, bypassing the checks in Python."""

    async def work(step: Step) -> None:
        await step.session.execute(insert(Todo).values(todo_row(step, **values)))

    await db.write("add", work)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"title": ""}, InvalidInputError),
        ({"title": "   "}, InvalidInputError),
        ({"title": "x" * (TITLE_LENGTH + 1)}, InvalidInputError),
        ({"description": "x" * (DESCRIPTION_LENGTH + 1)}, InvalidInputError),
        ({"status": "finished"}, InvalidInputError),
        ({"url": "x" * (URL_LENGTH + 1)}, InvalidInputError),
        ({"estimate": -1}, InvalidInputError),
        ({"priority": 0}, InvalidInputError),
        ({"priority": 5}, InvalidInputError),
        *(
            ({field.attribute: 0 if field.is_ranked else "?"}, InvalidInputError)
            for field in FIELDS.find(kind=Kind.CHOICE)
        ),
        ({"status": "done"}, StorageError),  # without a time
        ({"version": 0}, StorageError),
        ({"user_id": 4711}, StorageError),
        ({"project_id": 4711}, StorageError),
    ],
)
async def test_invalid_todos(db: Database, values: dict[str, Any], error: type[TodoError]) -> None:
    with pytest.raises(error):
        await insert_todo(db, **values)
    assert await db.read(_count) == 0


def test_a_violated_check_of_a_field_is_explained() -> None:
    assert explain_check("ck_todos_title_not_blank") == "the title is blank"
    assert explain_check("ck_todos_estimate_not_negative") == "the estimate is negative"
    assert explain_check("ck_todos_priority_known") == "the priority is not one of high, medium, low"
    assert explain_check("ck_todos_status_known") == "the status is not one of open, done, cancelled"
    names = {str(each.name) for each in TODOS.constraints if isinstance(each, CheckConstraint)}
    assert {name for name in names if not explain_check(name)} == {
        *("ck_todos_due_time_has_date", "ck_todos_scheduled_time_has_date", "ck_todos_done_is_completed"),
        *("ck_todos_version_positive", "ck_todos_occurrence_of_series", "ck_todos_parent_is_another"),
    }


async def test_the_longest_title(db: Database) -> None:
    await insert_todo(db, title="ß" * TITLE_LENGTH, title_folded="ss" * TITLE_LENGTH)


async def _count(transaction: Transaction) -> int:
    return len((await transaction.session.execute(select(col(Todo.id)))).all())


@pytest.mark.parametrize("model", [Project, Tag])
async def test_names_are_unique_for_each_user(db: Database, model: type[Any]) -> None:
    async def work(step: Step) -> None:
        extra = {"created_at": step.now} if model is Project else {}
        for _ in range(2):
            owner = owner_values(model, step.scope)
            row = {**owner, "uuid": _uuid(), "name": "home", "key": "home", **extra}
            await step.session.execute(insert(model).values(row))

    with pytest.raises(ConflictError, match="with that name already exists"):
        await db.write("add", work)


async def test_user_names_are_unique_not_blank_and_limited(db: Database) -> None:
    async def add(name: str, key: str) -> None:
        async def work(step: Step) -> None:
            row = {"name": name, "key": key, "uuid": _uuid(), "created_at": step.now}
            await step.session.execute(insert(User).values(row))

        await db.write("user add", work)

    with pytest.raises(ConflictError):
        await add("ALEX", "alex")
    for name in ("", " ", "x" * (NAME_LENGTH + 1)):
        with pytest.raises(StorageError):
            await add(name, name)


async def test_uuids_are_unique(db: Database) -> None:
    uuid = _uuid()

    async def work(step: Step) -> None:
        for _ in range(2):
            await step.session.execute(insert(Todo).values(todo_row(step, uuid=uuid)))

    with pytest.raises(ConflictError, match="uuid"):
        await db.write("add", work)
