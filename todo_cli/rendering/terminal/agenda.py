"""The agenda on a terminal: a heading for each day, with its todos below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby

from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from todo_cli.models.values import TodoPublic
from todo_cli.query.agenda import Agenda, Day, anchor
from todo_cli.rendering.format.dates import describe_due, format_date, format_when
from todo_cli.rendering.terminal.cells import NEARNESS_STYLES, make_cell
from todo_cli.rendering.terminal.todo_table import GAP

_INDENT = 2
_COLUMNS = ("when", "id", "mark", "title", "project", "tags")
_MIN_TITLE_WIDTH = 20


def draw_agenda(agenda: Agenda, now: datetime, width: int) -> Iterator[RenderableType]:
    """Yield the days, with aligned columns; consecutive days without todos are a single line."""
    last = agenda.days[-1].on
    rows = {todo.id: _make_row(todo, now, last) for todo in agenda.todos}
    widths = _measure(list(rows.values()), width - _INDENT)
    line = min(width, _INDENT + sum(widths) + GAP * (sum(map(bool, widths)) - 1)) if rows else 0

    def draw_todos(todos: Sequence[TodoPublic]) -> RenderableType:
        table = Table.grid(*(_make_column(name, size) for name, size in _sized(widths)), padding=(0, GAP, 0, 0))
        for todo in todos:
            table.add_row(*(rows[todo.id][_COLUMNS.index(name)] for name, _ in _sized(widths)))
        return Padding(table, (0, 0, 0, _INDENT), expand=False)

    if agenda.overdue:
        yield _make_head("Overdue", "overdue", line)
        yield draw_todos(agenda.overdue)
    for is_empty, days in groupby(agenda.days, key=lambda day: not day.todos and day.on != now.date()):
        if is_empty:
            yield _make_gap(list(days), now)
            continue
        for day in days:
            style = "today" if day.on == now.date() else "heading"
            yield _make_head(_name_day(day.on, now), style, line)
            yield draw_todos(day.todos) if day.todos else Text("  nothing", style="faint")


def _name_day(on: date, now: datetime) -> str:
    name = {0: "Today · ", 1: "Tomorrow · "}.get((on - now.date()).days, "")
    return f"{name}{format_date(on, now)}"


def _make_head(name: str, style: str, width: int) -> Text:
    return Text.assemble((name, style), (f" {'─' * max(0, width - cell_len(name) - 1)}", "faint"))


def _make_gap(days: Sequence[Day], now: datetime) -> Text:
    first, last = (format_date(day.on, now) for day in (days[0], days[-1]))
    return Text(f"{first} – {last}  nothing" if len(days) > 1 else f"{first}  nothing", style="faint")  # noqa: RUF001


def _make_row(todo: TodoPublic, now: datetime, last: date) -> list[Text]:
    """Return the cells of a todo; one that is listed on its start date is marked `start` and shows its due date."""
    cells = {name: make_cell(name, todo, now) for name in ("id", "mark", "title", "project", "tags")}
    when = anchor(todo, now, last)
    time = f"{when.at.astimezone(now.tzinfo):%H:%M}" if when and when.at else ""
    if todo.recurrence:
        cells["title"].append(" ↻", style="recurrence")
    if todo.due is None or when != todo.due:
        if todo.due:
            cells["title"].append(f" · due {format_when(todo.due, now, weekday=False)}", style="faint")
        return [Text(f"start {time}".rstrip(), style="faint"), *cells.values()]
    words, nearness = describe_due(todo.due, now)
    return [
        Text(words.removesuffix(" overdue") if nearness == "overdue" else time, NEARNESS_STYLES[nearness]),
        *cells.values(),
    ]


def _measure(rows: Sequence[Sequence[Text]], width: int) -> list[int]:
    """Return the widths of the columns, 0 for one that is omitted; the title gets the remaining width."""
    widths = [max((cell.cell_len for cell in column), default=0) for column in zip(*rows, strict=True)]
    widths = widths or [0] * len(_COLUMNS)
    title = _COLUMNS.index("title")
    for name in ("project", "tags"):
        place = _COLUMNS.index(name)
        widths[place] = min(widths[place], max(8, width // 5))

    def room() -> int:
        others = [size for place, size in enumerate(widths) if size and place != title]
        return width - sum(others) - GAP * len(others)

    for name in ("tags", "project"):  # omitted on a narrow terminal, the least important first
        if room() < _MIN_TITLE_WIDTH:
            widths[_COLUMNS.index(name)] = 0
    widths[title] = max(1, min(widths[title], room()))
    return widths


def _sized(widths: Sequence[int]) -> list[tuple[str, int]]:
    return [(name, size) for name, size in zip(_COLUMNS, widths, strict=True) if size]


def _make_column(name: str, width: int) -> Column:
    right = name in ("when", "id")
    return Column(
        width=width,
        justify="right" if right else "left",
        no_wrap=name != "title",
        overflow="fold" if name == "title" else "ellipsis",
    )
