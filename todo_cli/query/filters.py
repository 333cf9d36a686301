"""A filter is a value: a small frozen tree. `db/conditions.py` makes SQL of it."""

from __future__ import annotations

from dataclasses import dataclass

from todo_cli.models.values import Priority, Status, When


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
    """The text stands in the title or in the description, in any case."""

    text: str


@dataclass(frozen=True, slots=True)
class HasStatus:
    status: Status


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
class DueBefore:
    when: When


@dataclass(frozen=True, slots=True)
class DueAfter:
    when: When


@dataclass(frozen=True, slots=True)
class IsOverdue:
    """Open, and due before now; a date without a time is overdue from the day after."""


@dataclass(frozen=True, slots=True)
class InArchivedProject:
    """In a project that was put away."""


Filter = (
    And
    | Or
    | Not
    | ContainsText
    | HasStatus
    | InProject
    | HasTag
    | HasPriority
    | DueBefore
    | DueAfter
    | IsOverdue
    | InArchivedProject
)
