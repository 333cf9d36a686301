"""Filters evaluated in plain Python, without a database; random filters and their text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from uuid import UUID

from hypothesis import strategies as st

from tests.conftest import BERLIN
from todo_cli.models.text import fold
from todo_cli.models.values import Priority, Status, TodoPublic, When
from todo_cli.query.filter.ast import (
    And,
    Compares,
    ContainsText,
    Filter,
    Has,
    HasName,
    HasStatus,
    InArchivedProject,
    IsActive,
    IsBlocked,
    IsBlocking,
    IsExpired,
    IsOneOf,
    IsOverdue,
    IsReady,
    IsWaiting,
    LinksTo,
    Not,
    Or,
    RefersTo,
    Relation,
)
from todo_cli.query.filter.conditions import DATE_FIELDS
from todo_cli.query.references import NumberReference, Reference, UuidReference

FIELDS = {
    "every": "recurrence",
    "wait": "wait_until",
    "until": "expires_at",
    **{name: f"{name}_at" for name in ("created", "updated", "completed")},
}


@dataclass(frozen=True)
class World:
    """Facts that a todo does not contain: archived projects, todos with comments, and the uuids of all todos."""

    archived: Collection[str] = ()
    commented: Collection[int] = ()
    uuids: Mapping[int, UUID] = field(default_factory=dict)


def matches(tree: Filter, todo: TodoPublic, now: datetime, world: World) -> bool:  # noqa: C901
    """Return whether the todo matches the filter."""
    match tree:
        case And(parts):
            return all(matches(part, todo, now, world) for part in parts)
        case Or(parts):
            return any(matches(part, todo, now, world) for part in parts)
        case Not(part):
            return not matches(part, todo, now, world)
        case ContainsText(text, within):
            texts = {"title": todo.title, "description": todo.description or ""}
            return any(fold(text) in fold(texts[field]) for field in ([within] if within else texts))
        case HasStatus(status):
            return status in (None, todo.status)
        case HasName("project", name):
            return f"{fold(todo.project or '')}.".startswith(f"{fold(name)}.")
        case InArchivedProject():
            return todo.project in world.archived
        case HasName("tag", name):
            return fold(name) in map(fold, todo.tags)
        case IsOneOf("priority", labels):
            return (todo.priority.label or "none") in labels
        case Compares(name, relation, when):
            return compares(getattr(todo, FIELDS.get(name, name)), relation, when, now)
        case Has("tag"):
            return bool(todo.tags)
        case Has("priority"):
            return todo.priority is not Priority.NONE
        case Has("comments"):
            return todo.id in world.commented
        case Has("parent"):
            return todo.links.parent is not None
        case Has("subtasks"):
            return todo.links.subtasks > 0
        case Has("depends"):
            return bool(todo.links.depends)
        case Has(name):
            return getattr(todo, FIELDS.get(name, name)) is not None
        case RefersTo(references):
            return is_named(references, todo.id, todo.uuid)
        case LinksTo("depends", references):
            return any(is_named(references, number, world.uuids[number]) for number in todo.links.depends)
        case LinksTo("parent", references):
            parent = todo.links.parent
            return parent is not None and is_named(references, parent, world.uuids[parent])
        case IsOverdue():
            if todo.status is not Status.OPEN or todo.due is None:
                return False
            return todo.due.at < now if todo.due.at else todo.due.on < now.date()
        case IsWaiting():
            return todo.is_waiting(now)
        case IsExpired():
            return todo.is_expired(now)
        case IsBlocked():
            return todo.links.blocked
        case IsBlocking():
            return todo.status is Status.OPEN and bool(todo.links.blocks)
        case IsActive():
            return todo.status is Status.OPEN and todo.started_at is not None
        case IsReady():
            later = todo.scheduled and (
                todo.scheduled.at > now if todo.scheduled.at else todo.scheduled.on > now.date()
            )
            stopped = todo.links.blocked or todo.is_waiting(now) or todo.is_expired(now) or later
            return todo.status is Status.OPEN and not stopped
    raise AssertionError(f"{tree} is not among the filters at random")


def is_named(references: Iterable[Reference], number: int, uuid: UUID) -> bool:
    return any(
        number == each.number if isinstance(each, NumberReference) else str(uuid).startswith(each.text)
        for each in references
    )


def compares(value: When | datetime | None, relation: Relation, when: When, now: datetime) -> bool:
    if value is None:
        return False
    there: Any = value.at or value.on if isinstance(value, When) else value
    start: Any
    end: Any
    if not isinstance(there, datetime):
        start = when.on
        end = start + timedelta(days=1)
    elif when.at:
        start = when.at
        end = start + timedelta(minutes=1)
    else:
        start, end = (
            datetime.combine(on, time(), now.tzinfo).astimezone(UTC) for on in (when.on, when.on + timedelta(days=1))
        )
    lies: dict[Relation, bool] = {
        "on": start <= there < end,
        "before": there < start,
        "after": there >= end,
        "by": there < end,
        "since": there >= start,
    }
    return lies[relation]


DAYS = st.dates(date(2026, 11, 18), date(2026, 11, 28))
TIMES = st.sampled_from([time(0), time(10), time(11), time(12), time(18), time(23, 59)])
WHENS = st.builds(When, DAYS) | st.builds(lambda on, at: When(on, datetime.combine(on, at, BERLIN)), DAYS, TIMES)
TEXTS = st.sampled_from(["rye bread", "mum", "É", "100%", "_", "don't", "or", "due:today", "+x", "(", '6"', "a", "\\"])
PROJECTS = st.sampled_from(["home", "home.flat", "HOME", "hom", "work", "old"])
TAGS = st.sampled_from(["shop", "Soon", "sho", "bills"])
REFERENCES = st.builds(NumberReference, st.integers(1, 11)) | st.sampled_from("0123456789abcdef").map(
    lambda digit: UuidReference(f"{digit}00d", *(UUID(f"{digit}00d".ljust(32, end)) for end in "0f"))
)

PRIORITIES = {
    **{f"priority:{priority.name.lower()}": (priority.name.lower(),) for priority in Priority},
    "priority.above:low": ("high", "medium"),
    "priority.above:none": ("high", "medium", "low"),
    "priority.below:medium": ("low", "none"),
}
PRESENT = (
    *("description", "project", "tag", "priority", "every", "parent", "subtasks", "depends", "comments"),
    *sorted(DATE_FIELDS),
)

SOME_REFERENCES = st.lists(REFERENCES, min_size=1, max_size=3, unique=True).map(tuple)
TYPED: st.SearchStrategy[Filter] = st.one_of(
    st.builds(ContainsText, TEXTS, st.sampled_from([None, "title", "description"])),
    st.builds(HasStatus, st.sampled_from([None, *Status])),
    st.builds(HasName, st.just("project"), PROJECTS),
    st.builds(HasName, st.just("tag"), TAGS),
    st.builds(IsOneOf, st.just("priority"), st.sampled_from(sorted(PRIORITIES.values()))),
    st.builds(Compares, st.sampled_from(sorted(DATE_FIELDS)), st.sampled_from(get_args(Relation)), WHENS),
    st.builds(Has, st.sampled_from(PRESENT)),
    st.builds(RefersTo, SOME_REFERENCES),
    st.builds(LinksTo, st.sampled_from(["depends", "parent"]), SOME_REFERENCES),
    st.sampled_from([IsOverdue(), IsWaiting(), IsExpired(), IsBlocked(), IsBlocking(), IsReady(), IsActive()]),
)
"""Conditions that people can type."""


def trees(conditions: st.SearchStrategy[Filter], fewest: int = 0) -> st.SearchStrategy[Filter]:
    """Return filters made of these conditions, with at least this many parts in AND and OR."""

    def combine(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, min_size=fewest, max_size=3).map(tuple)
        return st.builds(Not, parts) | st.builds(And, several) | st.builds(Or, several)

    return st.recursive(conditions, combine, max_leaves=12)


def type_out(tree: Filter) -> str:  # noqa: C901
    """Return an expression for the filter."""
    match tree:
        case And(parts):
            return f"({' '.join(map(type_out, parts))})"
        case Or(parts):
            return f"({' or '.join(map(type_out, parts))})"
        case Not(part):
            return f"not {type_out(part)}"
        case ContainsText(text, within):
            quote = "'" if '"' in text else '"'
            return f"{within or ''}{':' if within else ''}{quote}{text}{quote}"
        case HasStatus(status):
            return f"status:{status or 'all'}"
        case HasName("project", name):
            return f"project:{name}"
        case HasName("tag", name):
            return f"+{name}"
        case IsOneOf("priority", labels):
            return next(typed for typed, meant in PRIORITIES.items() if meant == labels)
        case Compares(name, relation, when):
            date_ = f"{when.at.astimezone(BERLIN):%Y-%m-%dT%H:%M}" if when.at else when.on.isoformat()
            return f"{name}{'' if relation == 'on' else f'.{relation}'}:{date_}"
        case Has(name):
            return f"has:{name}"
        case RefersTo(references):
            return f"id:{','.join(map(str, references))}"
        case LinksTo(name, references):
            return f"{name}:{','.join(map(str, references))}"
        case IsOverdue():
            return "is:overdue"
        case IsWaiting():
            return "is:waiting"
        case IsExpired():
            return "is:expired"
        case IsBlocked():
            return "is:blocked"
        case IsBlocking():
            return "is:blocking"
        case IsReady():
            return "is:ready"
        case IsActive():
            return "is:active"
        case InArchivedProject():
            raise AssertionError("nobody can type this")
    raise AssertionError(f"{tree} is not among the filters at random")
