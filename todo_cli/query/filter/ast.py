"""The syntax tree of a filter, made of frozen values; `db/read/filter_sql.py` translates it to SQL.

Nodes refer to fields by their names in the registry (`models/fields.py`). There is one node for each kind of
comparison, whatever the field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from todo_cli.models.values import Status, When
from todo_cli.query.references import Reference

Relation = Literal["on", "before", "after", "by", "since"]
"""The relation of a date to a day, or to the minute of a `When` with a time: within it, before its start, after its
end, before its end, or not before its start."""

Comparison = Literal["equal", "above", "below"]

SUBTASKS, COMMENTS = "subtasks", "comments"
"""Names that `Has` accepts in addition to fields."""


@dataclass(frozen=True, slots=True)
class And:
    """All parts match; without parts, every todo matches."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part matches; without parts, no todo matches."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class ContainsText:
    """The field contains the text, regardless of case; without a field, the title or description does."""

    text: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class HasStatus:
    """The todo has that status; None matches any status, and turns off the default condition of lists."""

    status: Status | None


@dataclass(frozen=True, slots=True)
class HasName:
    """The field has that name or, if names are nested, one nested in it."""

    field: str
    name: str


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """The choice is one of these labels. For a field that can be empty, the last label means no value."""

    field: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compares:
    """The date has that relation to a day or minute; a missing date never matches.

    A date without a time is compared by day.
    """

    field: str
    relation: Relation
    when: When


@dataclass(frozen=True, slots=True)
class ComparesNumber:
    """The number, or duration in seconds, is equal to, above or below this one; a missing one never matches."""

    field: str
    comparison: Comparison
    number: float


@dataclass(frozen=True, slots=True)
class Has:
    """The field has a value, or the todo has `SUBTASKS` or `COMMENTS`.

    A series that has ended, and todos in the trash, do not count. Subtasks are those that `Links` counts.
    """

    field: str


@dataclass(frozen=True, slots=True)
class RefersTo:
    """The todo matches one of the references."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class LinksTo:
    """The field refers to a todo that matches one of the references; in a set, todos in the trash do not count."""

    field: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class IsOverdue:
    """The todo is open and was due before now; without a time, it is overdue from the next day on."""


@dataclass(frozen=True, slots=True)
class IsWaiting:
    """The todo is open and hidden from lists until later."""


@dataclass(frozen=True, slots=True)
class IsExpired:
    """The todo is open, and its `until` has passed."""


@dataclass(frozen=True, slots=True)
class IsBlocked:
    """The todo is open and depends on an open todo."""


@dataclass(frozen=True, slots=True)
class IsBlocking:
    """The todo is open, and an open todo depends on it."""


@dataclass(frozen=True, slots=True)
class IsReady:
    """The todo is open, neither blocked nor waiting nor expired, and not scheduled for later."""


@dataclass(frozen=True, slots=True)
class IsActive:
    """The todo is open and in progress."""


@dataclass(frozen=True, slots=True)
class InArchivedProject:
    """The todo is in an archived project."""


InState = IsOverdue | IsWaiting | IsExpired | IsBlocked | IsBlocking | IsReady | IsActive
"""States of open todos."""

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
    """Yield the conditions in the tree, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from conditions_of(part)
        case Not(part):
            yield from conditions_of(part)
        case _:
            yield tree
