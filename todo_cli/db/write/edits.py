"""The change that a command makes to each of several todos, as a value."""

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
from todo_cli.query.links import LinkChange
from todo_cli.query.references import Reference, are_countable


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of fields, by name as in the history; the project and tags to set, and the tags to remove, by name.

    A todo that already has the new value of the field `unless` is not changed at all, so a done todo keeps its time of
    completion. `trashed` includes todos in the trash. With `if_version`, a todo at another version is a conflict.
    `recurring` says how recurring todos are handled: like others (`same`), by creating the next occurrence (`succeed`),
    likewise but refusing other todos (`only`), or by refusing open ones (`refuse`). `ends_series` ends the series of
    each todo. `only_open` skips todos that are not open; with `refuses_closed`, they are a conflict.

    `depends` are dependencies to add, `undepends` dependencies to remove; `parent` is the new parent. `kin` says which
    descendants get the fields `kin_fields` as well; with `trashed`, so do ancestors in the trash. With `waits`, blocked
    todos are refused; with `whole`, todos with open subtasks are refused, and todos that become ready are reported.

    `links` changes the other names and references of the todos, by field; only the transaction does that.
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
    links: Mapping[str, LinkChange] = field(default_factory=dict)

    @property
    def binds(self) -> bool:
        """Return whether it adds dependencies or parents."""
        return bool(self.depends or self.parent)

    @property
    def is_countable(self) -> bool:
        """Return whether the number of todos found shows that none of its references is missing."""
        return are_countable(self.depends) and (self.undepends == "all" or are_countable(self.undepends))

    def spares(self, todo: Todo | Row[Any]) -> bool:
        """Return whether the todo is not changed, because of `unless` or `only_open`."""
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
    """Open and in the trash; it is restored instead of created again."""
    GONE = "gone"
    """Done or cancelled, and in the trash; it stays there and is not created again."""

    @classmethod
    def of(cls, todo: Todo) -> Later:
        """Return the state of a later occurrence."""
        if todo.deleted_at is None:
            return cls.KEPT
        return cls.TRASHED if todo.status == Status.OPEN.value else cls.GONE


@dataclass(frozen=True, slots=True)
class Plan:
    """Writes that were calculated from todos at these versions, by uuid, and that require the todos to be unchanged.

    `series` has the new series and `successors` the next occurrences of a todo, both by its uuid. The rows are in no
    session. Of a next occurrence, only the uuid, the dates and the occurrence are used; the rest is copied.
    """

    versions: Mapping[UUID, int]
    series: Mapping[UUID, Series] = field(default_factory=dict)
    successors: Mapping[UUID, Sequence[Todo]] = field(default_factory=dict)
