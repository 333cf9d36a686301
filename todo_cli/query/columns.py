"""Columns of lists: `id,title,due` in, their names out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from todo_cli.errors import InvalidInputError
from todo_cli.suggestions import choose

COLUMNS = (
    "id",
    "title",
    "project",
    "tags",
    "due",
    "scheduled",
    "wait",
    "until",
    "every",
    "recurrence",
    "urgency",
    "depends",
    "waits_for",
    "parent",
    "priority",
    "status",
    "created",
    "updated",
    "completed",
    "description",
    "uuid",
)
MARK = "mark"
"""The column of a terminal that has the marks of priority, or of what is closed."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a list shows of each todo, in this order.

    Where somebody chose it, a pipe gets these fields; else a terminal leaves out what would be empty, and a pipe gets
    the fields that it gets always.
    """

    names: tuple[str, ...]
    chosen: bool = False

    def extended_by(self, name: str) -> Columns:
        """Return these and one more, the last."""
        return Columns((*self.names, name), self.chosen)


USUAL = Columns(("id", MARK, "title", "project", "tags", "due"))


def parse_columns(names: Iterable[str]) -> Columns:
    """Return the columns of these names, in any case; raises InvalidInputError for others, and for one named twice."""
    columns: list[str] = []
    for name in names:
        column = choose(name.strip(), COLUMNS, "column", "columns")
        if column in columns:
            raise InvalidInputError(f"the column {column} is named twice")
        columns.append(column)
    return Columns(tuple(columns), chosen=True)
