"""The one place that makes SQL of filters and of sort orders, the same on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import assert_never

from sqlalchemy import ColumnElement, and_, case, false, not_, or_, select, true
from sqlmodel import col

from todo_cli.db.statements import Ordering, Viewer
from todo_cli.models.tables import Project, Tag, Todo, TodoTag
from todo_cli.models.text import fold
from todo_cli.models.values import NO_DUE_KEY, Priority, Status, When
from todo_cli.query import filters
from todo_cli.query.dates import start_of_day
from todo_cli.query.sorting import SortKey

_ZONES_APART = timedelta(days=3)
"""No two zones are further apart than 26 hours: the writer's date lies at most two days from the reader's."""


def make_condition(tree: filters.Filter, viewer: Viewer) -> ColumnElement[bool]:
    """Return the filter as a condition on `Todo`. Whose todos they are is not part of it."""
    match tree:
        case filters.And(parts):
            return and_(true(), *(make_condition(part, viewer) for part in parts))
        case filters.Or(parts):
            return or_(false(), *(make_condition(part, viewer) for part in parts))
        case filters.Not(part):
            return not_(make_condition(part, viewer))
        case filters.ContainsText(text):
            return _contains_text(fold(text))
        case filters.HasStatus(status):
            return col(Todo.status) == status.value
        case filters.InProject(name):
            return _in_project(project_or_nested(name), viewer)
        case filters.InArchivedProject():
            return _in_project(col(Project.archived_at).is_not(None), viewer)
        case filters.HasTag(name):
            return _has_tag(name, viewer)
        case filters.HasPriority(priority):
            return col(Todo.priority) == priority.value
        case filters.DueBefore(when):
            return _due_before(when, viewer.now)
        case filters.DueAfter(when):
            return _due_after(when, viewer.now)
        case filters.IsOverdue():
            return and_(col(Todo.status) == Status.OPEN.value, _is_past(viewer.now))
    assert_never(tree)


def project_or_nested(name: str) -> ColumnElement[bool]:
    """Return the condition on `Project` for that project and all that are nested in it."""
    key = fold(name)
    # '/' follows '.', and keys compare by code point: everything that begins with "home." and nothing else
    return or_(col(Project.key) == key, and_(col(Project.key) > f"{key}.", col(Project.key) < f"{key}/"))


def make_order(keys: Iterable[SortKey]) -> list[Ordering]:
    """Return by what to sort; rows that are equal in all keys are sorted by number, so that pages never overlap."""
    keys = list(keys)
    order = [ordering for key in keys for ordering in _order_by(key)]
    return order if any(key.key == "id" for key in keys) else [*order, Ordering(col(Todo.id))]


def _contains_text(folded: str) -> ColumnElement[bool]:
    return or_(
        col(Todo.title_folded).contains(folded, autoescape=True),
        and_(
            col(Todo.description_folded).is_not(None),
            col(Todo.description_folded).contains(folded, autoescape=True),
        ),
    )


def _in_project(condition: ColumnElement[bool], viewer: Viewer) -> ColumnElement[bool]:
    projects = select(col(Project.id)).where(col(Project.user_id) == viewer.user_id, condition)
    # Without the first half NOT would drop todos without a project, since NULL is neither in nor outside.
    return and_(col(Todo.project_id).is_not(None), col(Todo.project_id).in_(projects))


def _has_tag(name: str, viewer: Viewer) -> ColumnElement[bool]:
    tagged = (
        select(col(TodoTag.todo_id))
        .join(Tag, col(Tag.id) == col(TodoTag.tag_id))
        .where(col(Tag.user_id) == viewer.user_id, col(Tag.key) == fold(name))
    )
    return col(Todo.id).in_(tagged)


# Each of these begins with a plain bound on `due_key`, which an index can serve; what follows is exact.


def _due_before(when: When, now: datetime) -> ColumnElement[bool]:
    instant = when.at or start_of_day(when.on, now)
    return and_(
        col(Todo.due_key) < _shifted(when, _ZONES_APART),
        case((col(Todo.due_at).is_(None), col(Todo.due_key) < when.on.isoformat()), else_=col(Todo.due_at) < instant),
    )


def _due_after(when: When, now: datetime) -> ColumnElement[bool]:
    later = col(Todo.due_at) > when.at if when.at else col(Todo.due_at) >= _start_of_next_day(when.on, now)
    return and_(
        col(Todo.due_key) > _shifted(when, -_ZONES_APART),
        col(Todo.due_key) < NO_DUE_KEY,
        case((col(Todo.due_at).is_(None), col(Todo.due_key) > f"{when.on.isoformat()}~"), else_=later),
    )


def _is_past(now: datetime) -> ColumnElement[bool]:
    today = now.date()
    return and_(
        col(Todo.due_key) < _shifted(When(today), _ZONES_APART),
        case((col(Todo.due_at).is_(None), col(Todo.due_key) < today.isoformat()), else_=col(Todo.due_at) < now),
    )


def _start_of_next_day(on: date, now: datetime) -> datetime:
    return start_of_day(on + timedelta(days=1), now)


def _shifted(when: When, by: timedelta) -> str:
    try:
        return (when.on + by).isoformat()
    except OverflowError:
        return NO_DUE_KEY if by > timedelta() else ""


def _order_by(key: SortKey) -> list[Ordering]:
    down = key.descending
    match key.key:
        case "due":
            missing_last = [Ordering(case((col(Todo.due_key) == NO_DUE_KEY, 1), else_=0))] if down else []
            return [*missing_last, Ordering(col(Todo.due_key), down)]
        case "priority":  # from low to high, stored the other way round
            missing_last = [] if down else [Ordering(case((col(Todo.priority) == Priority.NONE.value, 1), else_=0))]
            return [*missing_last, Ordering(col(Todo.priority), not down)]
        case "project":
            return [Ordering(col(Project.key), down, nulls_last=True)]
        case "status":
            rank = case({status.value: number for number, status in enumerate(Status)}, value=col(Todo.status))
            return [Ordering(rank, down)]
        case "completed":
            return [Ordering(col(Todo.completed_at), down, nulls_last=True)]
        case "deleted":
            return [Ordering(col(Todo.deleted_at), down, nulls_last=True)]
    plain = {
        "id": col(Todo.id),
        "title": col(Todo.title_folded),
        "created": col(Todo.created_at),
        "updated": col(Todo.updated_at),
    }
    return [Ordering(plain[key.key], down)]
