"""What history tells, as plain values: steps, and what each of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from todo_cli.models.values import Priority, TodoPublic, When

FieldValue = str | int | bool | datetime | When | Priority | UUID | None
"""The value of a field: projects and tags are their names, todos their numbers, or uuids if they are gone for good."""


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """One field that a step changed. `id` is the number of a todo that there is still; `name` its title of today.

    Of a project or tag `name` is the name that it had last, of a comment and a series that of nothing. The field
    `exists` is True from when something is made, and None once it is removed.
    """

    entity: str
    uuid: UUID
    id: int | None
    name: str | None
    field: str
    old: FieldValue
    new: FieldValue


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """What one command wrote. `at` is aware, in UTC; `undone` tells whether it has been undone since."""

    uuid: UUID
    at: datetime
    user: str
    command: str
    undone: bool
    changes: Sequence[HistoryChange]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of history, the last step first; `total` as in `TodoPage`."""

    steps: Sequence[HistoryStep]
    total: int | None
    number: int = 1
    size: int | None = None


@dataclass(frozen=True, slots=True)
class StepName:
    """Which step it is. `at` is aware, in UTC."""

    uuid: UUID
    at: datetime
    command: str


@dataclass(frozen=True, slots=True)
class RevertedSteps:
    """Steps that were undone, or done again, at once, and what that changed, in its order."""

    steps: Sequence[StepName]
    changes: Sequence[HistoryChange]


@dataclass(frozen=True, slots=True)
class UndoOutcome:
    """What `undo` or `redo` did, what was reverted first at first, and the todos that it changed as they are now."""

    direction: Literal["undo", "redo"]
    reverted: Sequence[RevertedSteps]
    todos: Sequence[TodoPublic]
