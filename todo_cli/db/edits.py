"""What a command does to each of several todos, as a value: the same for the session and for the one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from todo_cli.models.tables import Todo


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of fields, by name as in history; a project and tags to have, tags to be without, each by name.

    A todo whose field `unless` is as wanted already stays as it is altogether: what is done keeps the moment when it
    was done. `trashed` takes todos in the trash as well. With `if_version` a todo of another version is a conflict.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    project: str | None = None
    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    unless: Literal["status", "deleted_at"] | None = None
    trashed: bool = False
    if_version: int | None = None

    def spares(self, todo: Todo) -> bool:
        """Return whether the todo stays as it is because of `unless`."""
        if self.unless is None:
            return False
        old, new = getattr(todo, self.unless), self.fields[self.unless]
        return (old is None) == (new is None) if self.unless == "deleted_at" else bool(old == new)
