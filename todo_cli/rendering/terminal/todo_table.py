"""Tables of todos on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

from todo_cli.models.fields import Kind
from todo_cli.models.values import TodoPublic
from todo_cli.query.columns import MARK, Columns, fields_by_column
from todo_cli.query.trees import measure_depths
from todo_cli.rendering.terminal.cells import Score, describe_subtasks, make_cell

GAP = 2
"""Columns of the terminal between two columns of the table."""

_MIN_TITLE_WIDTH, _MIN_WIDTH = 20, 5
_INDENTATION, _MAX_DEPTH = 2, 8
"""The indentation of a subtask for each level, and the maximum number of levels."""


def make_table(
    todos: Sequence[TodoPublic],
    columns: Columns,
    now: datetime,
    width: int,
    score: Score,
    *,
    one_line_each: bool = False,
) -> Table:
    """Return the todos as a table; omit empty columns unless the user has chosen them."""
    found = [(name, [make_cell(name, todo, now, score) for todo in todos]) for name in columns.names]
    for name, cells in found:
        if name == "title":
            for todo, depth, cell in zip(todos, measure_depths(todos), cells, strict=True):
                _place(cell, todo, depth)
    shown = [(name, cells) for name, cells in found if columns.chosen or name == "title" or any(cells)]
    made = {name: _make_column(name, width, one_line_each=one_line_each) for name, _ in shown}
    for spare in ("tags", "project", "waits_for"):
        if _fit(made, dict(shown), width) > 0 and not columns.chosen:
            made.pop(spare, None)
            shown = [(name, cells) for name, cells in shown if name != spare]
    if one_line_each and "title" in made:
        others = [(made[name], cells) for name, cells in shown if name != "title"]
        taken = sum(
            min(column.max_width or width, max(map(cell_len, map(str, [column.header, *cells]))))
            for column, cells in others
        )
        room = width - taken - GAP * len(others)
        for title in dict(shown)["title"]:
            title.truncate(max(_MIN_TITLE_WIDTH, room), overflow="ellipsis")
    table = plain_table(*made.values())
    for row in zip(*(cells for _, cells in shown), strict=True):
        table.add_row(*row)
    return table


def _fit(made: dict[str, Column], cells: dict[str, list[Text]], width: int) -> int:
    """Narrow the columns that may be truncated, the widest first, if the table is wider than the terminal.

    Rich would narrow all columns alike, even numbers and dates. Return the excess width.
    """
    natural = {
        name: min(column.max_width or width, max(map(cell_len, map(str, [column.header, *cells[name]]))))
        for name, column in made.items()
    }
    if "title" in natural:
        natural["title"] = min(natural["title"], made["title"].min_width or width)
    excess = sum(natural.values()) + GAP * len(natural) - width
    flexible = [name for name in natural if made[name].max_width]
    while excess > 0 and flexible and max(natural[name] for name in flexible) > _MIN_WIDTH:
        widest = max(flexible, key=natural.__getitem__)
        natural[widest] -= 1
        made[widest].max_width = natural[widest]
        excess -= 1
    if excess > 0 and "title" in made:
        narrowed = max(_MIN_TITLE_WIDTH // 2, natural["title"] - excess)
        excess -= natural["title"] - narrowed
        made["title"].min_width = narrowed
    return excess


def _place(title: Text, todo: TodoPublic, depth: int) -> None:
    """Indent the title of a subtask; add the number of done subtasks to the title of a parent."""
    if depth:
        title.pad_left(min(depth, _MAX_DEPTH) * _INDENTATION)
    if subtasks := describe_subtasks(todo):
        title.append(f"  {subtasks}", style="id")


def plain_table(*columns: Column) -> Table:
    """Return a table without lines."""
    return Table(*columns, box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="faint")


def _make_column(name: str, width: int, *, one_line_each: bool) -> Column:
    # Limit other columns to a fifth of the width, so that titles keep enough room.
    short: dict[str, Any] = {"overflow": "ellipsis", "max_width": max(8, width // 5)}
    head = "" if name == MARK else name.replace("_", " ")
    if name == "title":
        return Column(head, ratio=1, min_width=min(_MIN_TITLE_WIDTH, width // 2), overflow="fold")
    if name in ("id", "urgency"):
        return Column(head, justify="right", no_wrap=True)
    match fields_by_column()[name].kind if name != MARK else None:
        case Kind.NUMBER | Kind.DURATION:
            return Column(head, justify="right", no_wrap=True)
        case Kind.NAME | Kind.REFERENCES | Kind.IDENTITY | Kind.URL:
            return Column(head, no_wrap=True, **short)
        case Kind.COMPUTED if name == "waits_for":
            return Column(head, no_wrap=True, **short)
        case Kind.NAMES | Kind.RECURRENCE | Kind.COMPUTED:
            return Column(head, no_wrap=one_line_each, **short)
        case Kind.TEXT:
            return Column(head, no_wrap=one_line_each, overflow="ellipsis" if one_line_each else "fold")
    return Column(head, no_wrap=True)
