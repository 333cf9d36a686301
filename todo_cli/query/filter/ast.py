"""The tree that a filter is parsed into, a plain frozen value; `db/read/filter_sql.py` turns it into SQL.

Fields are named as in the registry (`models/fields.py`). There is one node for each kind of comparison, for all fields
that can be compared so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from todo_cli.models.values import Status, When
from todo_cli.query.references import Reference

Relation = Literal["on", "before", "after", "by", "since"]
"""Where a date lies in relation to a span of time: within it, before its start, from its end on, before its end, from
its start on. A `When` stands for its whole day, or with a time for that minute."""

Comparison = Literal["equal", "above", "below"]

SUBTASKS, COMMENTS = "subtasks", "comments"
"""What a todo can have besides its fields."""


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts match; without parts, every todo does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the parts matches; without parts, no todo does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class ContainsText:
    """The field contains the text, in any case; without a field, the title or the description does."""

    text: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class HasStatus:
    """The todo has that status; without one, it has any, which keeps a list from showing open todos only."""

    status: Status | None


@dataclass(frozen=True, slots=True)
class HasName:
    """The field has that name, or, if its names are nested, one below it."""

    field: str
    name: str


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """The choice is one of these labels. The last label of an emptyable field matches where there is no value."""

    field: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compares:
    """The date has that relation to a day or minute; a missing date has none.

    Days are compared where only the day is known, in a date without a time.
    """

    field: str
    relation: Relation
    when: When


@dataclass(frozen=True, slots=True)
class ComparesNumber:
    """The number, or the duration in seconds, is equal to, above or below this one; a missing one is not."""

    field: str
    comparison: Comparison
    number: float


@dataclass(frozen=True, slots=True)
class Has:
    """The field has a value, or there are `SUBTASKS` or `COMMENTS`.

    A series that has ended is not a recurrence, and a set does not count todos in the trash. Subtasks are counted as
    `Links` counts them.
    """

    field: str


@dataclass(frozen=True, slots=True)
class RefersTo:
    """The todo is one of those that the references name."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class LinksTo:
    """The field refers to one of the todos that the references name; in a set, todos in the trash do not count."""

    field: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class IsOverdue:
    """Open, and due before now; a date without a time is overdue from the day after."""


@dataclass(frozen=True, slots=True)
class IsWaiting:
    """Open, and hidden from lists until later."""


@dataclass(frozen=True, slots=True)
class IsExpired:
    """Open, and past the date until which it is listed."""


@dataclass(frozen=True, slots=True)
class IsBlocked:
    """Open, and depends on an open todo."""


@dataclass(frozen=True, slots=True)
class IsBlocking:
    """Open, and an open todo depends on it."""


@dataclass(frozen=True, slots=True)
class IsReady:
    """Open and actionable: neither blocked nor waiting nor expired, and not scheduled for later."""


@dataclass(frozen=True, slots=True)
class IsActive:
    """Open, and started."""


@dataclass(frozen=True, slots=True)
class InArchivedProject:
    """The todo is in an archived project."""


InState = IsOverdue | IsWaiting | IsExpired | IsBlocked | IsBlocking | IsReady | IsActive
"""States that only open todos have."""

Condition = (
    ContainsText
    | HasStatus
    | HasName
    | IsOneOf
    | Compares
    | ComparesNumber
    | Has
    | RefersTo
    | LinksTo
    | InArchivedProject
    | InState
)
Filter = And | Or | Not | Condition


def conditions_of(tree: Filter) -> Iterator[Condition]:
    """Yield the conditions that the tree combines, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from conditions_of(part)
        case Not(part):
            yield from conditions_of(part)
        case _:
            yield tree
