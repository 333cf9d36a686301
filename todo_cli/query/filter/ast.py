"""A filter is a value: a small frozen tree. `db/read/filter_sql.py` makes SQL of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from todo_cli.models.values import Priority, Status, When
from todo_cli.query.references import Reference

TextField = Literal["title", "description"]

DateField = Literal["due", "scheduled", "wait", "until", "created", "updated", "completed"]
"""`due` and `scheduled` are days, some with a time; the others are instants."""

Field = Literal[
    DateField, "description", "project", "tag", "priority", "recurrence", "parent", "subtasks", "depends", "comments"
]

Relation = Literal["on", "before", "after", "by", "since"]
"""How a date lies to a span of time: within it, before its start, from its end on, before its end, from its start on.

A `When` stands for its whole day, or with a time for that minute.
"""


@dataclass(frozen=True, slots=True)
class And:
    """All of these; without parts, every todo."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these; without parts, none."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class ContainsText:
    """The text stands in that field, in any case; without a field, in the title or in the description."""

    text: str
    within: TextField | None = None


@dataclass(frozen=True, slots=True)
class HasStatus:
    """Of that status; without one, of any, which tells a list not to keep to open todos."""

    status: Status | None


@dataclass(frozen=True, slots=True)
class InProject:
    """In the project, or in one that is nested in it."""

    name: str


@dataclass(frozen=True, slots=True)
class HasTag:
    name: str


@dataclass(frozen=True, slots=True)
class HasPriority:
    priority: Priority


@dataclass(frozen=True, slots=True)
class Compares:
    """The date lies so to that day or minute; one that is missing does not.

    Where only days are known, in a date without a time, days are compared.
    """

    field: DateField
    relation: Relation
    when: When


@dataclass(frozen=True, slots=True)
class Has:
    """There is something in the field; a series that has ended is no recurrence.

    What is in the trash is not depended on. Subtasks are counted as `Links` counts them.
    """

    field: Field


@dataclass(frozen=True, slots=True)
class RefersTo:
    """One of the todos that the references name."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class DependsOn:
    """Depending on one of the todos that the references name, which is not in the trash."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class BelongsTo:
    """Directly a subtask of one of the todos that the references name."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class IsOverdue:
    """Open, and due before now; a date without a time is overdue from the day after."""


@dataclass(frozen=True, slots=True)
class IsWaiting:
    """Open, and hidden from lists until later."""


@dataclass(frozen=True, slots=True)
class IsExpired:
    """Open, though it should be listed no more."""


@dataclass(frozen=True, slots=True)
class IsBlocked:
    """Open, and depending on one that is open."""


@dataclass(frozen=True, slots=True)
class IsBlocking:
    """Open, and depended on by one that is open."""


@dataclass(frozen=True, slots=True)
class IsReady:
    """Open, and to be done now: neither blocked nor waiting nor expired, and not scheduled for later."""


@dataclass(frozen=True, slots=True)
class IsActive:
    """Open, and begun."""


@dataclass(frozen=True, slots=True)
class InArchivedProject:
    """In a project that was put away."""


InState = IsOverdue | IsWaiting | IsExpired | IsBlocked | IsBlocking | IsReady | IsActive
"""What only open todos are in."""

Condition = (
    ContainsText
    | HasStatus
    | InProject
    | HasTag
    | HasPriority
    | Compares
    | Has
    | RefersTo
    | DependsOn
    | BelongsTo
    | InArchivedProject
    | InState
)
Filter = And | Or | Not | Condition


def conditions_of(tree: Filter) -> Iterator[Condition]:
    """Yield the conditions that the tree puts together, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from conditions_of(part)
        case Not(part):
            yield from conditions_of(part)
        case _:
            yield tree
