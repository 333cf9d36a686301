"""Urgency: a number for how much a todo matters now. It is a sum of terms, so that it can be explained.

Each term is a factor, mostly from 0 to 1, times a coefficient from the configuration. Days are calendar days.
`db/read/urgency_sql.py` computes the same in SQL, operation by operation, so that the sort order and the displayed
numbers agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from todo_cli.config.defaults import COEFFICIENTS
from todo_cli.models.text import fold
from todo_cli.models.values import Priority, Status, TodoPublic, When
from todo_cli.query.names import parse_name

OVERDUE_MOST, DUE_LATEST, DUE_LEAST = 7, -14, 0.2
"""The number of days overdue for the full factor, and the number of days before the due date for the lowest one."""

TAG_FACTORS = (0.0, 0.8, 0.9, 1.0)
"""Factors by number of tags; more than three count as three."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The coefficients of urgency; `age_max` is in days.

    `tags` and `projects` apply to any tags or project; `tag` and `project` hold those of single ones, by folded name.
    """

    due: float = COEFFICIENTS["due"]
    priority_high: float = COEFFICIENTS["priority.high"]
    priority_medium: float = COEFFICIENTS["priority.medium"]
    priority_low: float = COEFFICIENTS["priority.low"]
    scheduled: float = COEFFICIENTS["scheduled"]
    active: float = COEFFICIENTS["active"]
    age: float = COEFFICIENTS["age"]
    age_max: float = COEFFICIENTS["age_max"]
    tags: float = COEFFICIENTS["tags"]
    projects: float = COEFFICIENTS["projects"]
    blocking: float = COEFFICIENTS["blocking"]
    blocked: float = COEFFICIENTS["blocked"]
    waiting: float = COEFFICIENTS["waiting"]
    tag: Mapping[str, float] = field(default_factory=dict)
    project: Mapping[str, float] = field(default_factory=dict)

    def of_priority(self, priority: Priority) -> float:
        """Return the coefficient of that priority."""
        return {
            Priority.HIGH: self.priority_high,
            Priority.MEDIUM: self.priority_medium,
            Priority.LOW: self.priority_low,
            Priority.NONE: 0.0,
        }[priority]


USUAL = Coefficients()
"""The default coefficients."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the urgency of a todo."""

    name: str
    factor: float
    coefficient: float

    @property
    def value(self) -> float:
        return self.factor * self.coefficient


def score(todo: TodoPublic, now: datetime, coefficients: Coefficients = USUAL) -> float:
    """Return the urgency of a todo, 0 unless it is open. `now` is aware, in the reader's zone."""
    total = 0.0
    for term in explain(todo, now, coefficients):
        total += term.value  # in the order of the database, because `sum` rounds differently
    return total


def explain(todo: TodoPublic, now: datetime, coefficients: Coefficients = USUAL) -> list[Term]:
    """Return the terms that are not 0, in order; none for a todo that is closed or in the trash."""
    if todo.status is not Status.OPEN or todo.deleted_at:
        return []
    return [term for term in _terms(todo, now, coefficients) if term.value]


def _terms(todo: TodoPublic, now: datetime, coefficients: Coefficients) -> Iterator[Term]:
    links, today = todo.links, now.date()
    yield Term("due", _due_factor(todo.due, today), coefficients.due)
    if todo.priority.label:
        yield Term(f"priority.{todo.priority.label}", 1.0, coefficients.of_priority(todo.priority))
    yield Term("scheduled", float(_has_come(todo.scheduled, now)), coefficients.scheduled)
    yield Term("active", float(todo.started_at is not None), coefficients.active)
    age = (now.astimezone(UTC).date() - todo.created_at.astimezone(UTC).date()).days
    yield Term("age", _age_factor(age, coefficients.age_max), coefficients.age)
    yield Term("tags", TAG_FACTORS[min(len(todo.tags), 3)], coefficients.tags)
    yield Term("projects", float(todo.project is not None), coefficients.projects)
    yield Term("blocking", float(bool(links.blocks)), coefficients.blocking)
    yield Term("blocked", float(links.blocked), coefficients.blocked)
    yield Term("waiting", float(todo.is_waiting(now)), coefficients.waiting)
    tags, project = {fold(tag) for tag in todo.tags}, f"{fold(todo.project or '')}."
    for key, coefficient in sorted(coefficients.tag.items()):
        yield Term(f"tag.{key}", float(key in tags), coefficient)
    for key, coefficient in sorted(coefficients.project.items()):
        yield Term(f"project.{key}", float(project.startswith(f"{key}.")), coefficient)


def _due_factor(due: When | None, today: date) -> float:
    if due is None:
        return 0.0
    overdue = (today - due.on).days
    if overdue >= OVERDUE_MOST:
        return 1.0
    if overdue < DUE_LATEST:
        return DUE_LEAST
    return (overdue - DUE_LATEST) * (1 - DUE_LEAST) / (OVERDUE_MOST - DUE_LATEST) + DUE_LEAST


def _age_factor(days: int, most: float) -> float:
    if days <= 0:
        return 0.0
    return 1.0 if days >= most else days / most


def _has_come(when: When | None, now: datetime) -> bool:
    if when is None:
        return False
    return when.at <= now if when.at else when.on <= now.date()


def read_coefficients(table: Mapping[str, float]) -> Coefficients:
    """Return coefficients from a table with keys such as `due`, `priority.high` and `tag.next`.

    Missing keys get the defaults. Raises InvalidInputError for an invalid tag or project name.
    """
    plain = {name.replace(".", "_"): value for name, value in table.items() if name in COEFFICIENTS}
    return Coefficients(**plain, tag=_read_names(table, "tag"), project=_read_names(table, "project"))


def _read_names(table: Mapping[str, float], kind: str) -> dict[str, float]:
    prefix = f"{kind}."
    return {
        fold(parse_name(name.removeprefix(prefix), kind)): value
        for name, value in table.items()
        if name.startswith(prefix)
    }
