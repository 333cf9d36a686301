"""The one condition that finds the todos that people refer to: `12`, or the first characters of a uuid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from todo_cli.models.tables import Todo
from todo_cli.query.references import NumberReference, Reference, UuidReference


def refers_to(references: Iterable[Reference], todos: Any = Todo) -> ColumnElement[bool]:
    """Return the condition on `Todo`, or an alias of it, for those that the references name."""
    references = list(references)
    uuids = [reference for reference in references if isinstance(reference, UuidReference)]
    prefixes = [reference for reference in uuids if not reference.is_exact]
    return or_(
        col(todos.id).in_([reference.number for reference in references if isinstance(reference, NumberReference)]),
        col(todos.uuid).in_([reference.first for reference in uuids if reference.is_exact]),
        *(and_(col(todos.uuid) >= reference.first, col(todos.uuid) <= reference.last) for reference in prefixes),
    )
