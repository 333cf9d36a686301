"""The indexes that serve a page of a list.

SQLite keeps no statistics, so its plan is the same for every list. PostgreSQL plans for the actual list: here 5,000
todos, with 50 in each project and 50 with each tag.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, insert, select, text
from sqlmodel import col

from tests.conftest import FilledOnce
from todo_cli.db.database import Database
from todo_cli.db.scope import owner_values
from todo_cli.db.write.step import Step
from todo_cli.models.tables import Project, Tag, Todo, TodoTag
from todo_cli.models.values import Status
from todo_cli.query.filter.ast import And, Filter, HasName, HasStatus, Not, Or
from todo_cli.services.listing import ListQuery, list_todos

TODOS, NAMES = 5_000, 100

OPEN = HasStatus(Status.OPEN)
LIST, PROJECT, TAG, TRASH = "ix_todos_list", "ix_todos_project", "ix_todo_tags_tag_id_todo_id", "ix_todos_trash"


async def _fill(db: Database) -> None:
    async def work(step: Step) -> None:
        names = [{"uuid": uuid4(), "name": f"n{n}", "key": f"n{n}"} for n in range(NAMES)]
        for model, more in ((Project, {"created_at": db.now}), (Tag, {})):
            await step.session.execute(
                insert(model), [{**owner_values(model, step.scope), **row, **more} for row in names]
            )
        projects = (await step.session.execute(select(col(Project.id)))).scalars().all()
        tags = (await step.session.execute(select(col(Tag.id)))).scalars().all()
        common = {**owner_values(Todo, step.scope), "created_at": db.now, "updated_at": db.now, "version": 1}
        todos = [
            {
                **common,
                "uuid": uuid4(),
                "project_id": projects[n % NAMES],
                "title": f"todo {n}",
                "title_folded": f"todo {n}",
                "status": "open",
                "priority": 1 + n % 4,
                "due_key": f"{n % 365:04}",
            }
            for n in range(TODOS)
        ]
        await step.session.execute(insert(Todo), todos)
        numbers = (await step.session.execute(select(col(Todo.id)))).scalars().all()
        links = [{"todo_id": number, "tag_id": tags[place % NAMES]} for place, number in enumerate(numbers)]
        await step.session.execute(insert(TodoTag), links)
        if step.session.get_bind().dialect.name == "postgresql":
            await step.session.execute(text("ANALYZE"))
        step.keep()

    await db.write("add", work)


async def explain(db: Database, query: ListQuery) -> str:
    """Return the query plan of a list."""
    sent: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        await list_todos(db, query)
    finally:
        event.remove(Engine, "before_cursor_execute", keep)
    [(statement, parameters)] = [each for each in sent if "AS page" in each[0]]
    async with db._connect() as connection:
        how = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        return "\n".join(str(row) for row in await connection.exec_driver_sql(f"{how} {statement}", parameters))


@pytest.mark.parametrize(
    ("condition", "used", "unused"),
    [
        (OPEN, {LIST}, set()),
        (And((OPEN, HasName("project", "n7"))), {PROJECT}, {LIST}),
        (And((OPEN, HasName("tag", "n7"))), {TAG}, {LIST}),
        (And((HasName("tag", "n7"), HasName("project", "n7"), OPEN)), {TAG}, {LIST}),
        (And((OPEN, Or((HasName("project", "n7"), HasName("project", "n8"))))), {PROJECT}, {LIST}),
        (And((OPEN, Not(HasName("project", "n7")))), {LIST}, set()),
        (And((OPEN, Not(HasName("tag", "n7")))), {LIST}, set()),
        (And((OPEN, Or((OPEN, HasName("tag", "n7"))))), {LIST}, set()),
    ],
    ids=["all", "project", "tag", "project and tag", "two projects", "not project", "not tag", "open or tag"],
)
async def test_a_page_uses_the_index_of_its_filter(
    filled_once: FilledOnce, condition: Filter, used: set[str], unused: set[str]
) -> None:
    plan = await explain(await filled_once(_fill), ListQuery(condition, size=20))
    assert {name for name in (LIST, PROJECT, TAG) if name in plan} & (used | unused) == used, plan


async def test_a_project_in_the_trash_uses_the_index_of_the_trash(filled_once: FilledOnce) -> None:
    plan = await explain(await filled_once(_fill), ListQuery(HasName("project", "n7"), size=20, trashed=True))
    assert TRASH in plan, plan
