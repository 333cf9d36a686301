"""The graph of todos in SQL, for both databases: subtasks and dependencies, followed as far as they lead.

A set of todos is always one list of ids: PostgreSQL uses no index for `this OR id IN (…)`, and would read all rows.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, FromClause, Select, and_, exists, func, literal, or_, select, true, union_all

from todo_cli.db.read.columns import links_of
from todo_cli.db.read.json_sql import json_rows
from todo_cli.db.scope import Scope, owned
from todo_cli.models.fields import FIELDS, Kind
from todo_cli.models.tables import DEPENDENCIES, TODOS
from todo_cli.models.values import Status

Subtree = Literal["open", "kept", "trashed"]
"""Which subtasks: those that are open, those not in the trash, or those put into the trash with their parent."""


def in_subtree(named: ColumnElement[bool], scope: Scope, subtree: Subtree) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that `named` finds and their subtrees.

    With `trashed` that includes the ancestors that are in the trash.
    """
    start = select(TODOS.c.id, TODOS.c.deleted_at).where(owned(TODOS, scope), named)
    if subtree != "trashed":
        found = TODOS.c.id.in_(select(_select_kept(start).c.id))
        return and_(found, or_(named, TODOS.c.status == Status.OPEN.value)) if subtree == "open" else found
    thrown = start.cte("below", recursive=True)
    child = TODOS.alias("child")
    children = select(child.c.id, child.c.deleted_at).join(thrown, child.c.parent_id == thrown.c.id)
    thrown = thrown.union(children.where(child.c.deleted_at == thrown.c.deleted_at))
    above = select(TODOS.c.parent_id).where(owned(TODOS, scope), named).cte("above", recursive=True)
    parent = TODOS.alias("older")
    older = select(parent.c.parent_id).join(above, parent.c.id == above.c.parent_id)
    above = above.union(older.where(parent.c.deleted_at.is_not(None)))
    trashed = select(parent.c.id).join(above, parent.c.id == above.c.parent_id).where(parent.c.deleted_at.is_not(None))
    return TODOS.c.id.in_(union_all(select(thrown.c.id), trashed))


def _select_kept(start: Select[Any]) -> CTE:
    """Return the `id` of the todos that `start` selects, and of all their subtasks that are not in the trash."""
    below = start.with_only_columns(TODOS.c.id).cte("below", recursive=True)
    child = TODOS.alias("child")
    return below.union(
        select(child.c.id).join(below, child.c.parent_id == below.c.id).where(child.c.deleted_at.is_(None))
    )


def is_related(named: ColumnElement[bool], scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that `named` finds, their subtrees, and the todos linked to them.

    These are the todos that their fields refer to, and those that they block. Todos in the trash are left out, unless
    they are named.
    """
    numbers = select(TODOS.c.id).where(owned(TODOS, scope), named).correlate(None)
    sets, singles = FIELDS.find(kind=Kind.REFERENCES), FIELDS.find(kind=Kind.REFERENCE)
    found = union_all(
        select(_select_kept(numbers).c.id),
        *(select(links_of(each).c[each.refers]).where(links_of(each).c.todo_id.in_(numbers)) for each in sets),
        select(DEPENDENCIES.c.todo_id).where(DEPENDENCIES.c.depends_on_id.in_(numbers)),
        *(numbers.with_only_columns(TODOS.c[each.refers]) for each in singles),
    )
    return and_(TODOS.c.id.in_(found), or_(named, TODOS.c.deleted_at.is_(None)))


def select_dependencies(start: Select[Any]) -> CTE:
    """Return the `id` of the todos that `start` selects, and of all that they depend on, directly or not."""
    found = start.cte("dependencies_of", recursive=True)
    [number] = found.c
    further = select(DEPENDENCIES.c.depends_on_id).join(found, DEPENDENCIES.c.todo_id == number)
    return found.union(further)


def select_ancestors(start: Select[Any]) -> CTE:
    """Return the ids of the todos that `start` selects, and of all that they belong to."""
    found = start.cte("ancestors", recursive=True)
    [number] = found.c
    further = select(TODOS.c.parent_id).join(found, TODOS.c.id == number).where(TODOS.c.parent_id.is_not(None))
    return found.union(further)


def select_descendants(start: Select[Any]) -> CTE:
    """Return the `id` of the todos that `start` selects, and of all their subtasks and dependencies."""
    found = start.cte("below", recursive=True)
    child, edge = TODOS.alias("child"), DEPENDENCIES.alias("edge")
    # A recursive query refers to itself once, so it follows both kinds of edges at a time. A union of both tables would
    # be read as a whole; with a join for each kind, edges are found by index.
    kind = union_all(select(literal(0).label("is_child")), select(literal(1))).subquery("kind")
    further = (
        select(func.coalesce(edge.c.depends_on_id, child.c.id))
        .select_from(found.join(kind, true()))
        .outerjoin(edge, and_(kind.c.is_child == 0, edge.c.todo_id == found.c.id))
        .outerjoin(child, and_(kind.c.is_child == 1, child.c.parent_id == found.c.id))
    )
    return found.union(further.where(or_(edge.c.depends_on_id.is_not(None), child.c.id.is_not(None))))


def is_linked(todos: FromClause) -> ColumnElement[bool]:
    """Return whether the todo depends on an open todo, blocks one, or is the parent or a subtask of one."""
    other = TODOS.alias("other_end")
    edges = DEPENDENCIES.c
    ends = or_(
        and_(edges.todo_id == todos.c.id, edges.depends_on_id == other.c.id),
        and_(edges.depends_on_id == todos.c.id, edges.todo_id == other.c.id),
    )
    related = or_(other.c.parent_id == todos.c.id, other.c.id == todos.c.parent_id)
    depends = exists().where(ends, is_live(other)).correlate(todos)
    return or_(depends, exists().where(related, is_live(other)).correlate(todos))


def is_live(todos: FromClause) -> ColumnElement[bool]:
    """Return whether the todo is open and not in the trash."""
    return and_(todos.c.status == Status.OPEN.value, todos.c.deleted_at.is_(None))


def is_blocked(todos: FromClause, besides: Select[Any] | None = None) -> ColumnElement[bool]:
    """Return whether the todo depends on an open one, other than those whose ids `besides` selects."""
    first = TODOS.alias("first")
    found = (
        select(first.c.id)
        .join(DEPENDENCIES, DEPENDENCIES.c.depends_on_id == first.c.id)
        .where(DEPENDENCIES.c.todo_id == todos.c.id, is_live(first))
    )
    return exists(found if besides is None else found.where(first.c.id.not_in(besides))).correlate(todos)


def list_ready(todos: FromClause, closing: Select[Any]) -> ColumnElement[str]:
    """Return the open todos that depend on this one and become ready when all those that `closing` selects are closed.

    It is a list in JSON of their numbers and titles.
    """
    after = TODOS.alias("after")
    found = (
        select(json_rows(after.c.id, after.c.title))
        .select_from(after.join(DEPENDENCIES, DEPENDENCIES.c.todo_id == after.c.id))
        .where(
            DEPENDENCIES.c.depends_on_id == todos.c.id,
            is_live(after),
            after.c.id.not_in(closing),
            ~is_blocked(after, closing),
        )
    )
    return found.correlate(todos).scalar_subquery()
