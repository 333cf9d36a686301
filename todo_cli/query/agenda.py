"""The agenda: overdue todos, and todos by day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from todo_cli.models.values import Status, TodoPublic, When
from todo_cli.query.filter.ast import And, Compares, Filter, HasStatus, Or


@dataclass(frozen=True, slots=True)
class Day:
    """A day and its todos: those with a time first, then due ones, then scheduled ones, each sorted by priority."""

    on: date
    todos: tuple[TodoPublic, ...]


@dataclass(frozen=True, slots=True)
class Agenda:
    """Overdue todos, and the days from today on, including empty ones.

    `hidden` is the number of todos that the context hides; see `TodoPage`.
    """

    overdue: tuple[TodoPublic, ...]
    days: tuple[Day, ...]
    context: str | None = None
    hidden: int = 0

    @property
    def todos(self) -> tuple[TodoPublic, ...]:
        """All todos, in chronological order."""
        return (*self.overdue, *(todo for day in self.days for todo in day.todos))


def due_or_scheduled(last: date) -> Filter:
    """Return the filter for open todos that are due or scheduled by the end of that day."""
    until = When(last)
    dated = Or((Compares("due", "by", until), Compares("scheduled", "by", until)))
    return And((HasStatus(Status.OPEN), dated))


def make_agenda(
    todos: Iterable[TodoPublic], now: datetime, days: int, *, context: str | None = None, hidden: int = 0
) -> Agenda:
    """Return the todos by day. Each is listed once, on its due date or else on its scheduled date.

    Scheduled dates in the past count as today. `now` is aware, in the reader's zone.
    """
    today = now.date()
    last = today + timedelta(days=days - 1)
    overdue: list[TodoPublic] = []
    found: dict[date, list[TodoPublic]] = {today + timedelta(days=number): [] for number in range(days)}
    for todo in todos:
        if todo.due and is_past(todo.due, now):
            overdue.append(todo)
            continue
        when = anchor(todo, now, last)
        if when and (on := max(local_date(when, now), today)) in found:
            found[on].append(todo)

    def order(todo: TodoPublic) -> tuple[datetime, bool, int, int]:
        when = anchor(todo, now, last)
        return (when.at if when and when.at else _LAST, when != todo.due, todo.priority.value, todo.id)

    late = sorted(overdue, key=lambda todo: (local_date(todo.due, now) if todo.due else today, order(todo)))
    return Agenda(
        tuple(late), tuple(Day(on, tuple(sorted(each, key=order))) for on, each in found.items()), context, hidden
    )


_LAST = datetime.max.replace(tzinfo=UTC)


def anchor(todo: TodoPublic, now: datetime, last: date) -> When | None:
    """Return the date of a todo in an agenda up to that day: its due date, or else its scheduled date."""
    return todo.due if todo.due and local_date(todo.due, now) <= last else todo.scheduled


def local_date(when: When, now: datetime) -> date:
    """Return the day of a date or instant in the reader's zone."""
    return when.at.astimezone(now.tzinfo).date() if when.at else when.on


def is_past(due: When, now: datetime) -> bool:
    """Return whether an open todo with that due date is overdue; without a time, this is so from the next day on."""
    return due.at <= now if due.at else due.on < now.date()
