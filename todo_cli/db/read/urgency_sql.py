"""Urgency as an SQL expression for sorting, equivalent to `query/urgency.py`.

Both calculate with double precision, in the same order of operations, so that the results are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from math import ceil
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Date, Double, Integer, SQLColumnExpression, and_, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from todo_cli.db.read.filter_sql import IS_OPEN, blocks_open, depends_on_open, has_come, is_hidden
from todo_cli.db.read.names_sql import has_name
from todo_cli.db.read.queries import Request
from todo_cli.models.fields import FIELDS
from todo_cli.models.tables import TODO_TAGS, TODOS
from todo_cli.models.values import Priority
from todo_cli.query.urgency import DUE_LATEST, DUE_LEAST, OVERDUE_MOST, TAG_FACTORS, Coefficients

_MAX_DAYS = 700_000
"""A number of days that is within the calendar and longer than the age of any todo."""


class _DaysBetween(FunctionElement[int]):
    """The number of days from the first to the second date."""

    type = Integer()
    inherit_cache = True


@compiles(_DaysBetween, "sqlite")
def _count_by_julian_days(element: _DaysBetween, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(julianday({second}) - julianday({first}) AS INTEGER)"


@compiles(_DaysBetween, "postgresql")
def _subtract_dates(element: _DaysBetween, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({second} - {first})"


class _UtcDate(FunctionElement[Any]):
    """The date of an instant in UTC."""

    type = Date()
    inherit_cache = True


@compiles(_UtcDate, "sqlite")
def _take_date(element: _UtcDate, compiler: Any, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)})"  # they are stored as text in UTC


@compiles(_UtcDate, "postgresql")
def _convert_to_date(element: _UtcDate, compiler: Any, **options: Any) -> str:
    return f"CAST(({compiler.process(element.clauses, **options)}) AT TIME ZONE 'UTC' AS DATE)"


def make_urgency(request: Request, coefficients: Coefficients) -> ColumnElement[float]:
    """Return the urgency of a todo; 0 if it is closed or in the trash."""
    terms = reduce(add, _terms(request, coefficients), _number(0))
    return case((and_(IS_OPEN, TODOS.c.deleted_at.is_(None)), terms), else_=_number(0))


def _terms(request: Request, coefficients: Coefficients) -> Iterator[ColumnElement[float]]:
    """Yield the terms whose coefficients are not 0, in the order of the sum."""
    if coefficients.due:
        yield _due_factor(request) * _number(coefficients.due)
    yield _by_priority(coefficients)
    yield from _if(has_come(request.now), coefficients.scheduled)
    yield from _if(TODOS.c.started_at.is_not(None), coefficients.active)
    if coefficients.age:
        yield _age_factor(request, coefficients.age_max) * _number(coefficients.age)
    if coefficients.tags:
        yield _by_number_of_tags(coefficients.tags)
    yield from _if(TODOS.c.project_id.is_not(None), coefficients.projects)
    yield from _if(blocks_open(), coefficients.blocking)
    yield from _if(depends_on_open(), coefficients.blocked)
    yield from _if(is_hidden(request.now), coefficients.waiting)
    for key, coefficient in sorted(coefficients.tag.items()):
        yield from _if(has_name(FIELDS["tag"], request, key), coefficient)
    for key, coefficient in sorted(coefficients.project.items()):
        yield from _if(has_name(FIELDS["project"], request, key), coefficient)


def _number(value: float) -> ColumnElement[float]:
    return literal(float(value), Double())


def _if(condition: ColumnElement[bool], coefficient: float) -> Iterator[ColumnElement[float]]:
    if coefficient:
        yield case((condition, _number(coefficient)), else_=_number(0))


def _due_factor(request: Request) -> ColumnElement[float]:
    on, today = TODOS.c.due_on, request.now.date()
    overdue: SQLColumnExpression[int] = _DaysBetween(on, literal(today, Date()))
    span = OVERDUE_MOST - DUE_LATEST
    between = (overdue - DUE_LATEST) * _number(1 - DUE_LEAST) / _number(span) + _number(DUE_LEAST)
    return case(
        (on.is_(None), _number(0)),
        (on <= today - timedelta(days=OVERDUE_MOST), _number(1)),
        (on > today - timedelta(days=DUE_LATEST), _number(DUE_LEAST)),
        else_=between,
    )


def _age_factor(request: Request, most: float) -> ColumnElement[float]:
    """Return the factor. Days are counted only for todos that are neither new nor older than the maximum."""
    today = request.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    created: SQLColumnExpression[datetime] = TODOS.c.created_at
    days: SQLColumnExpression[int] = _DaysBetween(_UtcDate(created), literal(today.date(), Date()))
    oldest = today - timedelta(days=ceil(min(max(most, 0), _MAX_DAYS)) - 1)
    return case((created >= today, _number(0)), (created < oldest, _number(1)), else_=days / _number(most))


def _by_priority(coefficients: Coefficients) -> ColumnElement[float]:
    added = {priority.value: _number(coefficients.of_priority(priority)) for priority in Priority}
    return case(added, value=TODOS.c.priority, else_=_number(0))


def _by_number_of_tags(coefficient: float) -> ColumnElement[float]:
    number = select(func.count()).where(TODO_TAGS.c.todo_id == TODOS.c.id).correlate(TODOS).scalar_subquery()
    most = len(TAG_FACTORS) - 1
    added = {count: _number(factor * coefficient) for count, factor in enumerate(TAG_FACTORS[:most])}
    return case(added, value=number, else_=_number(TAG_FACTORS[most] * coefficient))
