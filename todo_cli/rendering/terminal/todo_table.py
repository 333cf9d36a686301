"""Todos as rows of a table at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

from todo_cli.models.values import Priority, Status, TodoPublic
from todo_cli.query.columns import MARK, Columns
from todo_cli.query.trees import measure_depths
from todo_cli.rendering.format.dates import (
    describe_due,
    describe_recurrence,
    format_end,
    format_instant,
    format_start,
    format_when,
)
from todo_cli.rendering.format.escaping import neutralise

GAP = 2
"""Cells between two columns."""

_MARKS = {Priority.HIGH: "!!!", Priority.MEDIUM: "!!", Priority.LOW: "!", Priority.NONE: ""}
_STATUS_MARKS = {Status.DONE: "✓", Status.CANCELLED: "✗"}
ACTIVE = "▶"
_HIGH, _MEDIUM = 15.0, 10.0
"""From so much on urgency has a colour: with the usual coefficients what matters and is due, and what is either."""

_NARROWEST_TITLE, _NARROWEST = 20, 5
_INDENTATION, _DEEPEST = 2, 8
"""Cells by which a subtask is indented, and how often."""

Score = Callable[[TodoPublic], float]
"""Gives the urgency of a todo."""


def make_table(
    todos: Sequence[TodoPublic],
    columns: Columns,
    now: datetime,
    width: int,
    score: Score,
    *,
    one_line_each: bool = False,
) -> Table:
    """Return the todos as a table; columns that nobody chose and that would be empty are left out."""
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
            title.truncate(max(_NARROWEST_TITLE, room), overflow="ellipsis")
    table = plain_table(*made.values())
    for row in zip(*(cells for _, cells in shown), strict=True):
        table.add_row(*row)
    return table


def _fit(made: dict[str, Column], cells: dict[str, list[Text]], width: int) -> int:
    """Narrow what may be cut, the widest first, where the columns together are wider than the terminal.

    Rich would narrow all of them alike, numbers and dates too. Returns by how much they are still too wide.
    """
    natural = {
        name: min(column.max_width or width, max(map(cell_len, map(str, [column.header, *cells[name]]))))
        for name, column in made.items()
    }
    if "title" in natural:
        natural["title"] = min(natural["title"], made["title"].min_width or width)
    excess = sum(natural.values()) + GAP * len(natural) - width
    flexible = [name for name in natural if made[name].max_width]
    while excess > 0 and flexible and max(natural[name] for name in flexible) > _NARROWEST:
        widest = max(flexible, key=natural.__getitem__)
        natural[widest] -= 1
        made[widest].max_width = natural[widest]
        excess -= 1
    if excess > 0 and "title" in made:
        narrowed = max(_NARROWEST_TITLE // 2, natural["title"] - excess)
        excess -= natural["title"] - narrowed
        made["title"].min_width = narrowed
    return excess


def _place(title: Text, todo: TodoPublic, depth: int) -> None:
    """Indent the title of a subtask, and let one that has subtasks tell how many are done."""
    if depth:
        title.pad_left(min(depth, _DEEPEST) * _INDENTATION)
    if subtasks := describe_subtasks(todo):
        title.append(f"  {subtasks}", style="todo.subtasks")


def plain_table(*columns: Column) -> Table:
    """Return a table without lines."""
    return Table(*columns, box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="todo.head")


def make_cell(name: str, todo: TodoPublic, now: datetime, score: Score = lambda _: 0.0) -> Text:
    """Return what stands in the column of that name, empty where there is nothing."""
    match name:
        case "id":
            return Text(str(todo.id), style="todo.id")
        case "mark":
            return _mark(todo)
        case "title":
            return Text(neutralise(todo.title), style="todo.title" if todo.status is Status.OPEN else "todo.closed")
        case "project":
            return Text(todo.project or "", style="todo.project")
        case "tags":
            return make_tags(todo)
        case "due":
            return _due(todo, now)
        case "priority":
            label = todo.priority.label or ""
            return Text(label, style=f"priority.{label}" if label else "")
        case "status":
            return Text(todo.status.value, style="" if todo.status is Status.OPEN else f"status.{todo.status.value}")
        case "every" | "recurrence":
            return Text(_describe_recurrence(name, todo), style="todo.recurrence")
        case "urgency":
            return make_urgency(score(todo))
        case "description":
            return Text(neutralise((todo.description or "").partition("\n")[0]))
        case "uuid":
            return Text(str(todo.uuid), style="todo.faint")
        case "depends" | "waits_for" | "parent":
            return Text(", ".join(map(str, _numbers(name, todo))), style="todo.id")
    return Text(_date(name, todo, now))


def describe_subtasks(todo: TodoPublic) -> str:
    """Return how many of its subtasks are done, `2/5`; an empty text if it has none."""
    return f"{todo.links.subtasks_done}/{todo.links.subtasks}" if todo.links.subtasks else ""


def _describe_recurrence(name: str, todo: TodoPublic) -> str:
    if todo.recurrence is None:
        return ""
    return (
        todo.recurrence.rrule if name == "recurrence" else describe_recurrence(todo.recurrence).removeprefix("every ")
    )


def _numbers(name: str, todo: TodoPublic) -> Sequence[int]:
    links = todo.links
    parent = () if links.parent is None else (links.parent,)
    return {"depends": links.depends, "waits_for": links.waits_for, "parent": parent}[name]


def make_urgency(urgency: float) -> Text:
    """Return the score, in the colour of how much it is."""
    nearness = "high" if urgency >= _HIGH else "medium" if urgency >= _MEDIUM else "low"
    return Text(f"{urgency:.1f}", style=f"urgency.{nearness}")


def make_tags(todo: TodoPublic) -> Text:
    """Return the tags, as they are shown."""
    return Text(" ".join(f"#{tag}" for tag in todo.tags), style="todo.tag")


def _date(name: str, todo: TodoPublic, now: datetime) -> str:
    match name:
        case "scheduled":
            return format_when(todo.scheduled, now) if todo.scheduled else ""
        case "wait":
            return format_start(todo.wait_until, now) if todo.wait_until else ""
        case "until":
            return format_end(todo.expires_at, now) if todo.expires_at else ""
    instant = {"created": todo.created_at, "updated": todo.updated_at, "completed": todo.completed_at}[name]
    return format_instant(instant, now) if instant else ""


def _mark(todo: TodoPublic) -> Text:
    if todo.status in _STATUS_MARKS:
        return Text(_STATUS_MARKS[todo.status], style=f"status.{todo.status.value}")
    mark = Text(ACTIVE if todo.started_at else "", style="todo.active")
    return mark.append(_MARKS[todo.priority], style=f"priority.{todo.priority.label}" if todo.priority.label else "")


def _due(todo: TodoPublic, now: datetime) -> Text:
    if todo.due is None:
        return Text("")
    if todo.status is not Status.OPEN or todo.deleted_at:
        return Text(format_when(todo.due, now, weekday=False), style="todo.faint")
    words, nearness = describe_due(todo.due, now)
    cell = Text(words, style=f"due.{nearness}")
    return cell.append(" ↻", style="todo.recurrence") if todo.recurrence else cell


def _make_column(name: str, width: int, *, one_line_each: bool) -> Column:
    # A fifth of the width is enough for each of the others; beyond that they would squeeze the titles.
    short: dict[str, Any] = {"overflow": "ellipsis", "max_width": max(8, width // 5)}
    match name:
        case "id" | "urgency":
            return Column(name, justify="right", no_wrap=True)
        case "title":
            return Column("title", ratio=1, min_width=min(_NARROWEST_TITLE, width // 2), overflow="fold")
        case "project" | "uuid" | "depends" | "waits_for":
            return Column(name.replace("_", " "), no_wrap=True, **short)
        case "tags" | "every" | "recurrence":
            return Column(name, no_wrap=one_line_each, **short)
        case "description":
            return Column(name, no_wrap=one_line_each, overflow="ellipsis" if one_line_each else "fold")
        case _:
            return Column("" if name == MARK else name, no_wrap=True)
