"""Comparisons of fields as conditions on `todos`, once for each kind of field, the same on both databases.

A condition must be true or false, never NULL: NOT NULL is NULL, and the todo would match neither the filter nor its
opposite.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, case, or_, true

from todo_cli.db.read.columns import column_names, column_of
from todo_cli.models.fields import Field, Kind
from todo_cli.models.tables import TODOS, as_stored
from todo_cli.models.text import fold
from todo_cli.models.values import NO_DUE_KEY, When
from todo_cli.query.dates import start_of_day
from todo_cli.query.filter.ast import Comparison, Relation

_ZONES_APART = timedelta(days=3)
"""Time zones differ by at most 26 hours, so the writer's date is at most two days from the reader's."""

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


def has_value(field: Field) -> ColumnElement[bool]:
    """Return whether a field in a column of `todos` has a value."""
    if field.name == "due":
        return TODOS.c.due_key < NO_DUE_KEY  # uses an index
    column = column_of(field)
    return column.is_not(None) if field.empty is None else column != as_stored(field.empty)


def contains_text(field: Field, text: str) -> ColumnElement[bool]:
    """Return whether the field contains the text, regardless of case. URLs are ASCII."""
    column = TODOS.c[f"{field.attribute}_folded"] if field.kind is Kind.TEXT else column_of(field)
    contains = column.icontains if field.kind is Kind.URL else column.contains
    return _and_present(column, contains(fold(text), autoescape=True))


def is_one_of(field: Field, labels: tuple[str, ...]) -> ColumnElement[bool]:
    """Return whether the choice is one of these labels; if the field can be empty, the last label means no value."""
    column, values = column_of(field), [as_stored(field.choice(label)) for label in labels]
    stored = _and_present(column, _is_in(column, [value for value in values if value is not None]))
    return or_(stored, column.is_(None)) if None in values else stored


def _is_in(column: Column[Any], values: list[Any]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def compare_number(field: Field, comparison: Comparison, number: float) -> ColumnElement[bool]:
    """Return the comparison of a number or duration."""
    column = column_of(field)
    conditions: dict[Comparison, ColumnElement[bool]] = {
        "equal": column == number,
        "above": column > number,
        "below": column < number,
    }
    return _and_present(column, conditions[comparison])


def compare_date(field: Field, relation: Relation, when: When, now: datetime) -> ColumnElement[bool]:
    """Return whether a date or instant has that relation to a day or minute."""
    start = when.at or start_of_day(when.on, now)
    end = when.at + _MINUTE if when.at else start_of_day(when.on + _DAY, now)
    column = column_of(field)
    if field.kind is Kind.INSTANT:
        return _and_present(column, _lies(column, relation, start, end))
    by_day = _lies(column, relation, when.on, when.on + _DAY)
    if field.kind is Kind.DATE:
        return _and_present(column, by_day)
    at = TODOS.c[column_names(field)[1]]
    exact = case((at.is_(None), by_day), else_=_lies(at, relation, start, end))
    is_near = _due_key_is_near(relation, when) if field.name == "due" else true()
    return and_(column.is_not(None), is_near, exact)


def _and_present(column: Column[Any], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(column.is_not(None), condition) if column.nullable else condition


def _lies(column: Any, relation: Relation, start: object, end: object) -> ColumnElement[bool]:
    conditions: dict[Relation, ColumnElement[bool]] = {
        "on": and_(column >= start, column < end),
        "before": column < start,
        "after": column >= end,
        "by": column < end,
        "since": column >= start,
    }
    return conditions[relation]


def _due_key_is_near(relation: Relation, when: When) -> ColumnElement[bool]:
    """Return simple bounds on `due_key`, which use an index and include every match."""
    low = TODOS.c.due_key > _shifted(when, -_ZONES_APART)
    high = TODOS.c.due_key < _shifted(when, _ZONES_APART)
    match relation:
        case "on":
            return and_(low, high)
        case "before" | "by":
            return high
        case "after" | "since":
            return and_(low, TODOS.c.due_key < NO_DUE_KEY)


def _shifted(when: When, by: timedelta) -> str:
    try:
        return (when.on + by).isoformat()
    except OverflowError:
        return NO_DUE_KEY if by > timedelta() else ""
