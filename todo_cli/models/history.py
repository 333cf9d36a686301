"""The history as plain values: steps and their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal
from uuid import UUID

from todo_cli.models.values import TodoPublic, When

FieldValue = str | int | bool | datetime | When | Enum | UUID | None
"""A value of a field: the name of a project or tag; the number of a todo, or its uuid if it was removed permanently."""


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """A field that a step changed. `id` is the number of a todo that still exists.

    `name` is the present title of a todo, or the last name of a project or tag; comments and series have none. The
    field `exists` becomes True when an entity is created and None when it is removed.
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
    """Everything that one command wrote. `at` is aware, in UTC; `undone` is true if it was undone later."""

    uuid: UUID
    at: datetime
    user: str
    command: str
    undone: bool
    changes: Sequence[HistoryChange]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of history, newest step first; `total` is as in `TodoPage`."""

    steps: Sequence[HistoryStep]
    total: int | None
    number: int = 1
    size: int | None = None


@dataclass(frozen=True, slots=True)
class StepName:
    """Identifies a step. `at` is aware, in UTC."""

    uuid: UUID
    at: datetime
    command: str


@dataclass(frozen=True, slots=True)
class RevertedSteps:
    """Steps that were undone or redone together, and the resulting changes, in order."""

    steps: Sequence[StepName]
    changes: Sequence[HistoryChange]


@dataclass(frozen=True, slots=True)
class UndoOutcome:
    """The result of `undo` or `redo`: the reverted steps, in order, and the changed todos in their present state."""

    direction: Literal["undo", "redo"]
    reverted: Sequence[RevertedSteps]
    todos: Sequence[TodoPublic]
