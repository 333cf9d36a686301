"""What a command does to each of several todos, as a value: the same for the session and for the one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row

from todo_cli.db.read.graph_sql import Subtree
from todo_cli.models.tables import Series, Todo
from todo_cli.models.values import Status
from todo_cli.query.references import Reference, are_countable


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of fields, by name as in history; a project and tags to have, tags to be without, each by name.

    A todo whose field `unless` is as wanted already stays as it is altogether: what is done keeps the moment when it
    was done. `trashed` takes todos in the trash as well. With `if_version` a todo of another version is a conflict.
    `recurring` tells what becomes of a todo that recurs: it is like any other (`same`), the next occurrence is made
    (`succeed`), also with nothing but recurring todos allowed (`only`), or the command is refused while it is open.
    `ends_series` lets the series of each todo make no more of them. `only_open` leaves others as they are, and with
    `refuses_closed` one that would be changed is a conflict.

    `depends` are todos that each is to depend on, `undepends` those that none of them is to depend on any more;
    `parent` is the one that they are to belong to. `kin` tells which subtasks of the todos get the fields
    `kin_fields` as well; with `trashed`, so do ancestors in the trash. With `waits` a todo that depends on an open one
    is refused, with `whole` one that has open subtasks, and it is told what does not wait any more.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    project: str | None = None
    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    unless: Literal["status", "deleted_at", "started_at"] | None = None
    trashed: bool = False
    if_version: int | None = None
    recurring: Literal["same", "succeed", "only", "refuse"] = "same"
    ends_series: bool = False
    only_open: bool = False
    refuses_closed: bool = False
    depends: tuple[Reference, ...] = ()
    undepends: tuple[Reference, ...] | Literal["all"] = ()
    parent: Reference | None = None
    kin: Subtree | None = None
    kin_fields: tuple[str, ...] = ()
    waits: bool = False
    whole: bool = False

    @property
    def binds(self) -> bool:
        """Return whether todos come to depend on, or to belong to, others."""
        return bool(self.depends or self.parent)

    @property
    def is_countable(self) -> bool:
        """Return whether the number of todos found tells that none of what it names besides is missing."""
        return are_countable(self.depends) and (self.undepends == "all" or are_countable(self.undepends))

    def spares(self, todo: Todo | Row[Any]) -> bool:
        """Return whether the todo stays as it is because of `unless`, or since it is not open and should be."""
        if self.only_open and todo.status != Status.OPEN.value:
            return True
        if self.unless is None:
            return False
        old, new = getattr(todo, self.unless), self.fields[self.unless]
        return bool(old == new) if self.unless == "status" else (old is None) == (new is None)


class Later(StrEnum):
    """The state of a later occurrence of a series."""

    KEPT = "kept"
    TRASHED = "trashed"
    """Open, and in the trash: it is taken out rather than made again."""
    GONE = "gone"
    """Done or cancelled, and in the trash: it stays there, and does not come again."""

    @classmethod
    def of(cls, todo: Todo) -> Later:
        """Return what a row is as a later occurrence."""
        if todo.deleted_at is None:
            return cls.KEPT
        return cls.TRASHED if todo.status == Status.OPEN.value else cls.GONE


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from todos as they were read: it is written only if each is at the version of then, by its uuid.

    `series` has the series that a todo begins, `successors` the occurrences that come after it, both by the uuid of
    that todo. The rows are in no session; of a successor only what differs from its predecessor is read: its uuid,
    dates and occurrence.
    """

    versions: Mapping[UUID, int]
    series: Mapping[UUID, Series] = field(default_factory=dict)
    successors: Mapping[UUID, Sequence[Todo]] = field(default_factory=dict)
