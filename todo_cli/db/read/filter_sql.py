"""Translation of filters to SQL, the same on both databases; comparisons are in `comparisons_sql.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, assert_never

from sqlalchemy import ColumnElement, and_, case, exists, false, not_, or_, select, true

from todo_cli.db.read.comparisons_sql import compare_date, compare_number, contains_text, has_value, is_one_of
from todo_cli.db.read.names_sql import has_name, in_archived_project, narrows, narrows_by_set
from todo_cli.db.read.queries import Request
from todo_cli.db.read.references_sql import has_link, links_to, refers_to
from todo_cli.db.scope import owned
from todo_cli.models.fields import FIELDS, Kind
from todo_cli.models.tables import (
    COMMENTS,
    DEPENDENCIES,
    SERIES,
    TODOS,
)
from todo_cli.models.values import Status, When
from todo_cli.query.filter import ast as filters

IS_OPEN = TODOS.c.status == Status.OPEN.value


def make_condition(tree: filters.Filter, request: Request) -> ColumnElement[bool]:
    """Return the filter as a condition on `todos`, without the condition on their owner."""
    return _make(tree, request, negated=False, leads=narrows(tree))[0]


def _make(tree: filters.Filter, request: Request, *, negated: bool, leads: bool) -> tuple[ColumnElement[bool], int]:
    """Return the condition, or its opposite, and the depth of the parser's stack that its nesting requires.

    SQLite's parser holds 100 symbols (YYSTACKDEPTH). Therefore the deepest part comes first: there, a parenthesis costs
    one symbol; after another part, it costs three. NOT is pushed down to the leaves (De Morgan), where it is free.
    With `leads`, the database may start from the todos with a tag in this part of the tree.
    """
    match tree:
        case filters.Not(part):
            return _make(part, request, negated=not negated, leads=False)
        case filters.Or((filters.HasName(name), *_) as parts) if names := _names(parts, name):
            has_one = has_name(FIELDS[name], request, *names)
            return not_(has_one) if negated else has_one, 0
        case filters.And(parts) | filters.Or(parts):
            leading = () if not leads else parts if isinstance(tree, filters.Or) else _first_in_set(parts)
            made = sorted(
                (_make(part, request, negated=negated, leads=part in leading) for part in parts),
                key=itemgetter(1),
                reverse=True,
            )
            conditions = [condition for condition, _ in made]
            held = max((symbols + (3 if place else 1) for place, (_, symbols) in enumerate(made)), default=0)
            is_and = isinstance(tree, filters.And) is not negated
            return and_(true(), *conditions) if is_and else or_(false(), *conditions), held
        case _:
            leaf = _make_leaf(tree, request, leads=leads)
            return not_(leaf) if negated else leaf, 0


def _names(parts: Sequence[filters.Filter], field: str) -> list[str]:
    """Return the names if all parts are names of the same single-valued field, such as the project.

    A single lookup of all names uses an index; OR may not.
    """
    names = [part.name for part in parts if isinstance(part, filters.HasName) and part.field == field]
    return names if len(names) == len(parts) and not FIELDS[field].is_set else []


def _first_in_set(parts: Sequence[filters.Filter]) -> tuple[filters.Filter, ...]:
    return tuple(part for part in parts if narrows_by_set(part))[:1]


def _make_leaf(condition: filters.Condition, request: Request, *, leads: bool) -> ColumnElement[bool]:
    match condition:
        case filters.ContainsText(text, name):
            return or_(*(contains_text(FIELDS[each], text) for each in ([name] if name else ("title", "description"))))
        case filters.HasStatus(status):
            return true() if status is None else TODOS.c.status == status.value
        case filters.HasName(field, name):
            return has_name(FIELDS[field], request, name, leads=leads)
        case filters.InArchivedProject():
            return in_archived_project(request)
        case filters.IsOneOf(name, labels):
            return is_one_of(FIELDS[name], labels)
        case filters.Compares(name, relation, when):
            return compare_date(FIELDS[name], relation, when, request.now)
        case filters.ComparesNumber(name, comparison, number):
            return compare_number(FIELDS[name], comparison, number)
        case filters.Has(name):
            return _has(name, request)
        case filters.RefersTo(references):
            return refers_to(references)
        case filters.LinksTo(field, references):
            return links_to(FIELDS[field], references, request.scope)
    return _is_in_state(condition, request)


def _is_in_state(state: filters.InState, request: Request) -> ColumnElement[bool]:
    """Return the condition for a state of open todos."""
    match state:
        case filters.IsOverdue():
            present = When(request.now.date(), request.now)
            return and_(IS_OPEN, compare_date(FIELDS["due"], "before", present, request.now))
        case filters.IsWaiting():
            return and_(IS_OPEN, is_hidden(request.now))
        case filters.IsExpired():
            return and_(IS_OPEN, _is_over(request.now))
        case filters.IsBlocked():
            return and_(IS_OPEN, depends_on_open())
        case filters.IsBlocking():
            return and_(IS_OPEN, blocks_open())
        case filters.IsActive():
            return and_(IS_OPEN, TODOS.c.started_at.is_not(None))
        case filters.IsReady():
            now = request.now
            is_later = and_(TODOS.c.scheduled_on.is_not(None), not_(has_come(now)))
            return and_(IS_OPEN, not_(depends_on_open()), not_(is_hidden(now)), not_(_is_over(now)), not_(is_later))
    assert_never(state)


def depends_on_open() -> ColumnElement[bool]:
    """Return the condition on `todos` for those that depend on an open todo."""
    return _is_linked(DEPENDENCIES.c.todo_id, DEPENDENCIES.c.depends_on_id)


def blocks_open() -> ColumnElement[bool]:
    """Return the condition on `todos` for those that an open todo depends on."""
    return _is_linked(DEPENDENCIES.c.depends_on_id, DEPENDENCIES.c.todo_id)


def is_hidden(now: datetime) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that are hidden until later."""
    return and_(TODOS.c.wait_until.is_not(None), TODOS.c.wait_until > now)


def has_come(now: datetime) -> ColumnElement[bool]:
    """Return the condition on `todos` for those whose start date has come."""
    at = TODOS.c.scheduled_at
    come = case((at.is_(None), TODOS.c.scheduled_on <= now.date()), else_=at <= now)
    return and_(TODOS.c.scheduled_on.is_not(None), come)


def _is_over(now: datetime) -> ColumnElement[bool]:
    return and_(TODOS.c.expires_at.is_not(None), TODOS.c.expires_at <= now)


def _is_linked(own: Any, others: Any) -> ColumnElement[bool]:
    """Return whether a dependency links the todo, in the column `own`, to an open todo that is not in the trash."""
    other = TODOS.alias()
    joined = and_(others == other.c.id, other.c.deleted_at.is_(None), other.c.status == Status.OPEN.value)
    return exists().where(own == TODOS.c.id, joined)


def _has(name: str, request: Request) -> ColumnElement[bool]:
    match name:
        case filters.SUBTASKS:
            child = TODOS.alias()
            counts = and_(child.c.deleted_at.is_(None), child.c.status != Status.CANCELLED.value)
            return exists().where(child.c.parent_id == TODOS.c.id, counts)
        case filters.COMMENTS:
            return exists().where(COMMENTS.c.todo_id == TODOS.c.id)
    match FIELDS[name].kind:
        case Kind.NAMES | Kind.REFERENCES:
            return has_link(FIELDS[name])
        case Kind.RECURRENCE:
            recurring = TODOS.alias()
            numbers = (
                select(recurring.c.id)
                .join(SERIES, SERIES.c.id == recurring.c.series_id)
                .where(owned(SERIES, request.scope), SERIES.c.ended_at.is_(None))
            )
            # The first half lets PostgreSQL expect few rows, the second lets SQLite start from the right table.
            return and_(TODOS.c.series_id.is_not(None), TODOS.c.id.in_(numbers))
    return has_value(FIELDS[name])
