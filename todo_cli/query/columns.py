"""Columns of lists: parse `id,title,due`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.suggestions import choose

MARK = "mark"
"""A column, on a terminal only, of marks for priority, todos in progress and closed todos."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a list, in order.

    If the user has chosen them, a pipe gets these fields. Otherwise a terminal omits empty columns, and a pipe gets its
    default fields.
    """

    names: tuple[str, ...]
    chosen: bool = False

    def extended_by(self, name: str) -> Columns:
        """Return the columns with one more at the end."""
        return Columns((*self.names, name), self.chosen)


USUAL = Columns(("id", MARK, "title", "project", "tags", "due"))


def fields_by_column() -> dict[str, Field]:
    """Return the fields that lists can show, by the name of their column."""
    return {field.column: field for field in FIELDS.values() if field.is_column}


def parse_columns(names: Iterable[str]) -> Columns:
    """Return the columns with these names, in any case; raises InvalidInputError for an unknown or repeated name."""
    columns: list[str] = []
    for name in names:
        column = choose(name.strip(), fields_by_column(), "column", "columns")
        if column in columns:
            raise InvalidInputError(f"the column {column!r} is given twice")
        columns.append(column)
    return Columns(tuple(columns), chosen=True)


def duration_columns(columns: Columns) -> tuple[str, ...]:
    """Return the names of the fields among the columns that are durations."""
    shown = (field for name, field in fields_by_column().items() if name in columns.names)
    return tuple(field.name for field in shown if field.kind is Kind.DURATION)
