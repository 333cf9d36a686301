"""Translation of sort keys to SQL, the same on both databases."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import case

from todo_cli.db.read.columns import column_names, column_of
from todo_cli.db.read.comparisons_sql import has_value
from todo_cli.db.read.linked_sql import joined_names
from todo_cli.db.read.queries import Ordering, Request
from todo_cli.db.read.urgency_sql import make_urgency
from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.tables import TODOS
from todo_cli.models.values import NO_DUE_KEY
from todo_cli.query.sorting import SortKey
from todo_cli.query.urgency import Coefficients


def make_order(keys: Iterable[SortKey], request: Request, coefficients: Coefficients) -> list[Ordering]:
    """Return the ordering. Rows that are equal in all keys are sorted by number, so that pages never overlap."""
    keys = list(keys)
    order = [ordering for key in keys for ordering in _order_by(key, request, coefficients)]
    return order if any(key.key == "id" for key in keys) else [*order, Ordering(TODOS.c.id)]


def _order_by(key: SortKey, request: Request, coefficients: Coefficients) -> list[Ordering]:
    field, down = FIELDS[key.key], key.descending
    if field.name == "urgency":
        return [Ordering(make_urgency(request, coefficients), down)]
    if field.name == "due":  # `due_key` has an index
        missing_last = [Ordering(case((TODOS.c.due_key == NO_DUE_KEY, 1), else_=0))] if down else []
        return [*missing_last, Ordering(TODOS.c.due_key, down)]
    match field.kind:
        case Kind.CHOICE:
            return _order_by_choice(field, down=down)
        case Kind.WHEN:  # within a day by time, then those without a time, as in `due_key`
            on, at = (TODOS.c[name] for name in column_names(field))
            has_no_time = case((at.is_(None), 1), else_=0)
            return [
                Ordering(on, down, nulls_last=True),
                Ordering(has_no_time, down),
                Ordering(at, down, nulls_last=True),
            ]
        case Kind.NAME:
            return [Ordering(joined_names(field).c.key, down, nulls_last=True)]
        case Kind.TEXT:
            column = TODOS.c[f"{field.attribute}_folded"]
            return [Ordering(column, down, nulls_last=bool(column.nullable))]
    column = column_of(field)
    return [Ordering(column, down, nulls_last=bool(column.nullable))]  # without NULLS LAST, an index can be used


def _order_by_choice(field: Field, *, down: bool) -> list[Ordering]:
    """Return the order of a choice by its labels. If the field can be empty, the greatest label comes first."""
    column, greatest_first = column_of(field), field.is_emptyable
    ranks = {label: rank for rank, label in enumerate(field.choices, start=1)}
    rank = column if field.is_ranked else case(ranks, value=column, else_=len(ranks))
    missing_last = [Ordering(case((has_value(field), 0), else_=1))] if greatest_first and not down else []
    may_be_null = field.is_ranked and bool(column.nullable)
    return [*missing_last, Ordering(rank, down != greatest_first, nulls_last=may_be_null)]
