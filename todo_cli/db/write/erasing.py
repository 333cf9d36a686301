"""The history of todos that are removed permanently: their removal, and what other todos lost with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from todo_cli.db.read.json_sql import json_of_uuid, uuid_of_json
from todo_cli.models.tables import CHANGES, DEPENDENCIES, TODOS, Comment, Todo


def is_erasure(lines: FromClause = CHANGES) -> ColumnElement[bool]:
    """Return the condition on history entries for those that record the permanent removal of a todo."""
    return and_(lines.c.entity == Todo.entity, lines.c.field == "exists", lines.c.new.is_(None))


def select_bound(erased: Select[Any]) -> CompoundSelect[Any]:
    """Return the ids of the todos that depend on these or are their subtasks, possibly including these."""
    child = TODOS.alias("child")
    return union_all(
        select(child.c.id).where(child.c.parent_id.in_(erased)),
        select(DEPENDENCIES.c.todo_id).where(DEPENDENCIES.c.depends_on_id.in_(erased)),
    )


def is_about(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition on history entries for those about these todos and their comments."""
    about = CHANGES.alias("about")
    remarked = exists().where(
        about.c.entity_uuid == CHANGES.c.entity_uuid,
        about.c.field == "todo",
        TODOS.c.uuid == uuid_of_json(func.coalesce(about.c.new, about.c.old)),
        condition,
    )
    is_theirs = exists().where(TODOS.c.uuid == CHANGES.c.entity_uuid, condition)
    return or_(is_theirs, and_(CHANGES.c.entity == Comment.entity, remarked))


def tell_erasure(step_id: int, condition: ColumnElement[bool], erased: Select[Any]) -> Iterator[Select[Any]]:
    """Yield statements for the history of the removal: entries of related todos, then of the removed todos."""

    def line(uuid: ColumnElement[UUID], field: str, old: ColumnElement[str]) -> Select[Any]:
        names = literal(step_id, CHANGES.c.step_id.type), literal(Todo.entity, Text()), uuid, literal(field, Text())
        return select(*names, old, cast(null(), Text()))

    todo, gone = TODOS.alias("bound_todo"), TODOS.alias("gone")
    stays = and_(gone.c.id.in_(erased), todo.c.id.not_in(erased))
    bindings = {
        "depends": todo.join(DEPENDENCIES, DEPENDENCIES.c.todo_id == todo.c.id).join(
            gone, gone.c.id == DEPENDENCIES.c.depends_on_id
        ),
        "parent": todo.join(gone, gone.c.id == todo.c.parent_id),
    }
    for field, bound in bindings.items():
        lines = line(todo.c.uuid, field, json_of_uuid(gone.c.uuid)).select_from(bound)
        yield lines.where(stays).order_by(todo.c.id, gone.c.id)
    yield line(TODOS.c.uuid, "exists", literal("true", Text())).where(condition).order_by(TODOS.c.id)
