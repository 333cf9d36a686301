"""Operations on a whole series: ending it, and listing its next dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Row, func, or_, select

from todo_cli.db.database import Database, Shortcut
from todo_cli.db.read.queries import Request
from todo_cli.db.read.references_sql import are_named, refers_to
from todo_cli.db.scope import owned
from todo_cli.db.write.edits import Edit, Plan
from todo_cli.db.write.step import Step
from todo_cli.errors import ConflictError
from todo_cli.models.tables import TODOS
from todo_cli.models.values import Status, TodoOutcome, When
from todo_cli.query.references import Reference, refer_to
from todo_cli.services.editing.editing import Editing, lock_series, public_row
from todo_cli.services.editing.recurring import find_upcoming
from todo_cli.services.listing import get_todos
from todo_cli.services.lookup import find_todos, load_todos, match_references, publish


async def delete_series(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """End the series of the todos and move its open occurrences to the trash; return these.

    Closed occurrences are kept. Raises NotFoundError, and ConflictError for a todo that does not repeat.
    """
    edit = Edit({"deleted_at": db.now}, trashed=True, ends_series=True)
    editing = Editing(db, "delete", references, edit)

    async def work(step: Step) -> list[TodoOutcome]:
        named = await find_todos(step, references, locked=True, trashed=True)
        series = await lock_series(step, named)
        for todo in named:
            if todo.uuid not in series:
                raise _does_not_repeat(todo.id)
        numbers = {row.id for row in series.values()}
        statement = load_todos(step, TODOS.c.series_id.in_(numbers), _IS_OPEN).with_for_update()
        open_ = (await step.session.execute(statement.execution_options(populate_existing=True))).scalars().all()
        for row in series.values():
            step.change(row, ended_at=step.now)
        for todo in open_:
            step.change(todo, deleted_at=step.now)
        await step.flush()
        return [TodoOutcome(todo, changed=True) for todo in (await publish(step, open_)).values()]

    async def recall(step: Step) -> list[TodoOutcome]:
        changed = await step.find_changed()
        found = (await step.session.execute(load_todos(step, TODOS.c.uuid.in_(changed)))).scalars()
        return [TodoOutcome(todo, changed=True) for todo in (await publish(step, found)).values()]

    def make(request: Request, step: UUID) -> Executable:
        from todo_cli.db.write.edit_at_once import edit_at_once

        condition = _is_in_series(request, references)
        mine = owned(TODOS, request.scope)
        expected = select(func.count()).select_from(TODOS).where(mine, condition).scalar_subquery()
        return edit_at_once(request, step, "delete", condition, expected, edit, looks=True)

    def read(rows: Sequence[Row[Any]]) -> Shortcut[list[TodoOutcome]] | None:
        todos = [public_row(row) for row in rows]
        if any(todo.recurrence is None for todo in match_references(references, todos, trashed=True)):
            return None
        open_ = [todo for todo in todos if todo.status is Status.OPEN and not todo.deleted_at]
        if not open_:
            return None
        plan = Plan({todo.uuid: todo.version for todo in open_})
        return replace(replace(editing, references=refer_to(open_)).write_planned(plan), recall=recall)

    return await db.write("delete", work, shortcut=Shortcut(make, read, recall))


_IS_OPEN = (TODOS.c.status == Status.OPEN.value) & TODOS.c.deleted_at.is_(None)


def _is_in_series(request: Request, references: Sequence[Reference]) -> ColumnElement[bool]:
    """Return the condition on `todos` for the referenced todos and the open todos of their series."""
    theirs = select(TODOS.c.series_id).where(are_named(references, request.scope)).correlate(None)
    return or_(refers_to(references), TODOS.c.series_id.in_(theirs) & _IS_OPEN)


async def list_upcoming(db: Database, reference: Reference, count: int) -> list[When]:
    """Return the due dates of the next `count` occurrences, from today on; fewer at the end of the series.

    If the series counts from completion, each occurrence is assumed to be done on its due date. Raises NotFoundError,
    and ConflictError for a todo that does not repeat.
    """
    [todo] = await get_todos(db, [reference])
    if todo.recurrence is None:
        raise _does_not_repeat(todo.id)
    return find_upcoming(todo, todo.recurrence, db.now, count)


def _does_not_repeat(number: int | None) -> ConflictError:
    return ConflictError(f"todo {number} does not repeat", f"run 'todo modify {number} every:…' to make it repeat")
