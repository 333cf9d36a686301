"""The one place that makes SQL of sort orders, the same on both databases."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import case
from sqlmodel import col

from todo_cli.db.read.queries import Ordering, Request
from todo_cli.db.read.urgency_sql import make_urgency
from todo_cli.models.tables import Project, Todo
from todo_cli.models.values import NO_DUE_KEY, Priority, Status
from todo_cli.query.sorting import SortKey
from todo_cli.query.urgency import Coefficients


def make_order(keys: Iterable[SortKey], request: Request, coefficients: Coefficients) -> list[Ordering]:
    """Return by what to sort; rows that are equal in all keys are sorted by number, so that pages never overlap."""
    keys = list(keys)
    order = [ordering for key in keys for ordering in _order_by(key, request, coefficients)]
    return order if any(key.key == "id" for key in keys) else [*order, Ordering(col(Todo.id))]


def _order_by(key: SortKey, request: Request, coefficients: Coefficients) -> list[Ordering]:
    down = key.descending
    match key.key:
        case "due":
            missing_last = [Ordering(case((col(Todo.due_key) == NO_DUE_KEY, 1), else_=0))] if down else []
            return [*missing_last, Ordering(col(Todo.due_key), down)]
        case "priority":  # from low to high, stored the other way round
            missing_last = [] if down else [Ordering(case((col(Todo.priority) == Priority.NONE.value, 1), else_=0))]
            return [*missing_last, Ordering(col(Todo.priority), not down)]
        case "urgency":
            return [Ordering(make_urgency(request, coefficients), down)]
        case "status":
            rank = case({status.value: number for number, status in enumerate(Status)}, value=col(Todo.status))
            return [Ordering(rank, down)]
        case "scheduled":  # of one day: by time, those without a time last, as they do by `due_key`
            has_no_time = case((col(Todo.scheduled_at).is_(None), 1), else_=0)
            return [
                Ordering(col(Todo.scheduled_on), down, nulls_last=True),
                Ordering(has_no_time, down),
                Ordering(col(Todo.scheduled_at), down, nulls_last=True),
            ]
    always_there = {
        "id": col(Todo.id),
        "title": col(Todo.title_folded),
        "created": col(Todo.created_at),
        "updated": col(Todo.updated_at),
    }
    if key.key in always_there:
        return [Ordering(always_there[key.key], down)]  # as plain as an index
    may_be_missing = {
        "project": col(Project.key),
        "wait": col(Todo.wait_until),
        "until": col(Todo.expires_at),
        "completed": col(Todo.completed_at),
        "deleted": col(Todo.deleted_at),
    }
    return [Ordering(may_be_missing[key.key], down, nulls_last=True)]
