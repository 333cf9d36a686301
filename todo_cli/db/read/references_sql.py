"""The one condition that finds the todos that people refer to: `12`, or the first characters of a uuid."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, FromClause, and_, or_

from todo_cli.models.tables import TODOS
from todo_cli.query.references import NumberReference, Reference, UuidReference


def refers_to(references: Iterable[Reference], todos: FromClause = TODOS) -> ColumnElement[bool]:
    """Return the condition on `todos`, or an alias of it, for those that the references name."""
    references = list(references)
    uuids = [reference for reference in references if isinstance(reference, UuidReference)]
    prefixes = [reference for reference in uuids if not reference.is_exact]
    return or_(
        todos.c.id.in_([reference.number for reference in references if isinstance(reference, NumberReference)]),
        todos.c.uuid.in_([reference.first for reference in uuids if reference.is_exact]),
        *(and_(todos.c.uuid >= reference.first, todos.c.uuid <= reference.last) for reference in prefixes),
    )
