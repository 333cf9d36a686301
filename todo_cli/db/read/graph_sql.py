"""The graph of todos in SQL, for both databases: transitive subtasks and dependencies.

A set of todos is always a single list of ids: for `this OR id IN (…)`, PostgreSQL uses no index and reads all rows.
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
"""The descendants to include: open ones, those not in the trash, or those deleted together with their parent."""


def in_subtree(named: ColumnElement[bool], scope: Scope, subtree: Subtree) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that match `named` and their subtrees.

    With the subtree `trashed`, this includes ancestors in the trash.
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
    """Return the `id` of the todos that `start` selects and of all their descendants that are not in the trash."""
    below = start.with_only_columns(TODOS.c.id).cte("below", recursive=True)
    child = TODOS.alias("child")
    return below.union(
        select(child.c.id).join(below, child.c.parent_id == below.c.id).where(child.c.deleted_at.is_(None))
    )


def is_related(named: ColumnElement[bool], scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that match `named`, their subtrees, and linked todos.

    Linked todos are those that their fields refer to and those that they block. Todos in the trash are excluded unless
    they match `named`.
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
    """Return the `id` of the todos that `start` selects and of all their direct and indirect dependencies."""
    found = start.cte("dependencies_of", recursive=True)
    [number] = found.c
    further = select(DEPENDENCIES.c.depends_on_id).join(found, DEPENDENCIES.c.todo_id == number)
    return found.union(further)


def select_ancestors(start: Select[Any]) -> CTE:
    """Return the `id` of the todos that `start` selects and of all their ancestors."""
    found = start.cte("ancestors", recursive=True)
    [number] = found.c
    further = select(TODOS.c.parent_id).join(found, TODOS.c.id == number).where(TODOS.c.parent_id.is_not(None))
    return found.union(further)


def select_descendants(start: Select[Any]) -> CTE:
    """Return the `id` of the todos that `start` selects and of all todos below them: subtasks and dependencies."""
    found = start.cte("below", recursive=True)
    child, edge = TODOS.alias("child"), DEPENDENCIES.alias("edge")
    # A recursive query can refer to itself only once, so it follows both kinds of edges together. A union of both
    # tables would be scanned; with a join for each kind, indexes find the edges.
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
    """Return whether the todo depends on an open todo, other than those whose ids `besides` selects."""
    first = TODOS.alias("first")
    found = (
        select(first.c.id)
        .join(DEPENDENCIES, DEPENDENCIES.c.depends_on_id == first.c.id)
        .where(DEPENDENCIES.c.todo_id == todos.c.id, is_live(first))
    )
    return exists(found if besides is None else found.where(first.c.id.not_in(besides))).correlate(todos)


def list_ready(todos: FromClause, closing: Select[Any]) -> ColumnElement[str]:
    """Return the open todos that depend on this one and become ready once the todos that `closing` selects are closed.

    The result is a JSON array of their numbers and titles.
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
