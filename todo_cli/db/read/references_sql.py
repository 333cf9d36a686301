"""Conditions on todos by references, such as `12` or a uuid prefix, and by the todos that fields refer to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, FromClause, and_, exists, or_, select

from todo_cli.db.read.columns import links_of
from todo_cli.db.scope import Scope, owned
from todo_cli.models.fields import Field
from todo_cli.models.tables import TODOS
from todo_cli.query.references import NumberReference, Reference, UuidReference


def refers_to(references: Iterable[Reference], todos: FromClause = TODOS) -> ColumnElement[bool]:
    """Return the condition on `todos`, or an alias of it, for those that match the references."""
    references = list(references)
    uuids = [reference for reference in references if isinstance(reference, UuidReference)]
    prefixes = [reference for reference in uuids if not reference.is_exact]
    return or_(
        todos.c.id.in_([reference.number for reference in references if isinstance(reference, NumberReference)]),
        todos.c.uuid.in_([reference.first for reference in uuids if reference.is_exact]),
        *(and_(todos.c.uuid >= reference.first, todos.c.uuid <= reference.last) for reference in prefixes),
    )


def are_named(references: Iterable[Reference], scope: Scope, todos: FromClause = TODOS) -> ColumnElement[bool]:
    """Return the condition on `todos`, or an alias of it, for those of the owner that match the references."""
    return and_(owned(todos, scope), refers_to(references, todos))


def links_to(field: Field, references: Iterable[Reference], scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `todos` for those whose field refers to one of these todos.

    In a set, todos in the trash do not count.
    """
    other = TODOS.alias()
    is_meant = are_named(references, scope, other)
    if not field.is_set:
        column = TODOS.c[field.refers]
        return and_(column.is_not(None), column.in_(select(other.c.id).where(is_meant)))
    links = links_of(field)
    joined = and_(links.c[field.refers] == other.c.id, other.c.deleted_at.is_(None), is_meant)
    return TODOS.c.id.in_(select(links.c.todo_id).where(joined))


def has_link(field: Field) -> ColumnElement[bool]:
    """Return the condition on `todos` for those whose set is not empty; todos in the trash do not count."""
    links = links_of(field)
    if field.names:
        return exists().where(links.c.todo_id == TODOS.c.id)
    other = TODOS.alias()
    joined = and_(links.c[field.refers] == other.c.id, other.c.deleted_at.is_(None))
    return exists().where(links.c.todo_id == TODOS.c.id, joined)
