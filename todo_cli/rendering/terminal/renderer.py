"""The renderer for terminals: tables and colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todo_cli.models.history import HistoryPage, UndoOutcome
from todo_cli.models.values import (
    COUNT_LIMIT,
    CommentPublic,
    Finding,
    TodoDetails,
    TodoOutcome,
    TodoPage,
    TodoPublic,
    When,
)
from todo_cli.query.agenda import Agenda
from todo_cli.query.columns import USUAL, Columns
from todo_cli.query.quantities import format_duration
from todo_cli.query.trees import grow
from todo_cli.query.urgency import Coefficients, score
from todo_cli.rendering.format.dates import format_instant, format_when
from todo_cli.rendering.format.differences import Pieces
from todo_cli.rendering.format.escaping import inert_lines, neutralize
from todo_cli.rendering.history import VERBS, describe_moment, format_reverted, format_step, plain
from todo_cli.rendering.renderer import Record, Weights, format_count
from todo_cli.rendering.terminal.agenda import draw_agenda
from todo_cli.rendering.terminal.details import draw_details, make_grid
from todo_cli.rendering.terminal.summary import summarize
from todo_cli.rendering.terminal.theme import make_theme
from todo_cli.rendering.terminal.todo_table import GAP, make_table, plain_table
from todo_cli.rendering.terminal.tree import draw_tree

LINES_AROUND_LIST = 4
"""The heading and the footer of the table, and the prompts before and after it."""


class TerminalRenderer:
    """Shows values on a terminal, in its width. `now` is aware, in the reader's zone; `styles` override the theme."""

    def __init__(
        self,
        stream: TextIO,
        now: datetime,
        console: Console | None = None,
        *,
        weights: Weights = Coefficients,
        styles: Mapping[str, str] | None = None,
    ) -> None:
        theme = make_theme(styles)
        self._console = console or Console(file=stream, theme=theme, highlight=False, emoji=False, markup=False)
        self._now, self._weights = now, weights

    def show_page(self, page: TodoPage, columns: Columns = USUAL) -> None:
        if not page.todos:
            return
        table = make_table(page.todos, columns, self._now, self._console.width, self._score)
        if self._is_too_tall(table, page):
            table = make_table(page.todos, columns, self._now, self._console.width, self._score, one_line_each=True)
        self._console.print(table)
        self._console.print(Text(describe_page(page), style="faint"))

    def _score(self, todo: TodoPublic) -> float:
        return score(todo, self._now, self._weights())

    def show_agenda(self, agenda: Agenda) -> None:
        for part in draw_agenda(agenda, self._now, self._console.width):
            self._console.print(part)
        page = TodoPage(agenda.todos, None, context=agenda.context, hidden=agenda.hidden)
        self._console.print(Text(describe_page(page), style="faint"))

    def show_details(self, details: Sequence[TodoDetails]) -> None:
        for number, each in enumerate(details):
            if number:
                self._console.print()
            self._console.print(draw_details(each, self._now, self._weights()))

    def show_comment(self, comment: CommentPublic) -> None:
        text = Text(inert_lines(comment.text))
        self._console.print(Text.assemble((str(comment.todo), "id"), " ", (comment.author, "id")))
        self._console.print(Padding(text, (0, 0, 0, 2), expand=False))

    def show_tree(self, todos: Sequence[TodoPublic], roots: Sequence[TodoPublic]) -> None:
        for node in grow(todos, roots):
            self._console.print(draw_tree(node, self._now))

    def show_outcomes(self, outcomes: Sequence[TodoOutcome]) -> None:
        for outcome in outcomes:
            self._console.print(self._summarize(outcome.todo))
            for todo in outcome.changed_with:
                self._console.print(Text.assemble(("also: ", "faint"), self._summarize(todo)))
            for todo in outcome.next:
                self._console.print(Text.assemble(("next: ", "faint"), self._summarize(todo)))

    def show_history(self, page: HistoryPage) -> None:
        if not page.steps:
            return
        table = self._make_history(page)
        room = self._console.height - LINES_AROUND_LIST
        if page.size is not None and len(page.steps) <= room < len(self._console.render_lines(table, pad=False)):
            table = self._make_history(page, one_line_each=True)
        self._console.print(table)
        span = _describe_span(len(page.steps), "step", page.total, page.number, page.size)
        self._console.print(Text(span, style="faint"))

    def _make_history(self, page: HistoryPage, *, one_line_each: bool = False) -> Table:
        table = Table.grid(padding=(0, GAP, 0, 0))
        table.add_column(style="faint", no_wrap=True)
        table.add_column(style="faint", no_wrap=True)
        table.add_column(overflow="ellipsis" if one_line_each else "fold", no_wrap=one_line_each)
        for step in page.steps:
            line = self._assemble(format_step(step, self._now))
            if step.undone:
                line.stylize("faint")
                line.append(" · undone", style="faint")
            table.add_row(describe_moment(step.at, self._now), neutralize(step.user), line)
        return table

    def show_reverted(self, outcome: UndoOutcome) -> None:
        for reverted in outcome.reverted:
            self._console.print(self._assemble(format_reverted(reverted, self._now, VERBS[outcome.direction])))

    def _assemble(self, pieces: Pieces) -> Text:
        return Text.assemble(*pieces) if self._console.color_system else Text(plain(pieces))

    def show_dates(self, dates: Sequence[When]) -> None:
        for when in dates:
            self._console.print(Text(format_when(when, self._now)))

    def show_records(self, records: Sequence[Record]) -> None:
        if not records:
            return
        table = plain_table()
        for name in records[0]:
            numeric = isinstance(records[0][name], int) and not isinstance(records[0][name], bool)
            table.add_column(name.removesuffix("_at"), justify="right" if numeric else "left", overflow="fold")
        for record in records:
            # A "no" in most rows of a column would be noise.
            table.add_row(*(self._value(None if value is False else value) for value in record.values()))
        self._console.print(table)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        table = Table.grid(padding=(0, GAP, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(style="faint", no_wrap=True)
        table.add_column(overflow="fold")
        for finding in findings:
            mark = Text("✓", style="done") if finding.ok else Text("✗", style="high")
            found = Text(neutralize(finding.found))
            if finding.advice:
                found.append(f"\n→ {neutralize(finding.advice)}", style="medium")
            table.add_row(mark, finding.check, found)
        self._console.print(table)

    def show_record(self, record: Record) -> None:
        self._console.print(make_grid([(key, self._value(value)) for key, value in record.items()]))

    def _is_too_tall(self, table: Table, page: TodoPage) -> bool:
        """Return whether the top of the page would scroll away only because titles are long."""
        room = self._console.height - LINES_AROUND_LIST
        lines = self._console.render_lines(table, pad=False)
        return page.size is not None and len(page.todos) <= room and len(lines) - 1 > room

    def _summarize(self, todo: TodoPublic) -> Text:
        """Return the todo in one line, with everything that was understood from the input."""
        line = Text.assemble((str(todo.id), "id"), " ", neutralize(todo.title))
        for part in summarize(todo, self._now):
            line.append(" · ", style="faint").append_text(part)
        return line

    def _value(self, value: object) -> Text:
        match value:
            case None:
                return Text("")
            case bool():
                return Text("yes" if value else "no")
            case datetime():
                return Text(format_instant(value, self._now))
            case list() | tuple():
                return Text(neutralize(", ".join(map(str, value))))
            case _:
                return Text(neutralize(str(value)))


def describe_page(page: TodoPage) -> str:
    """Return the position of the page, `1–20 of 131 · page 1 of 7`, the sums, and the number of hidden todos."""  # noqa: RUF002 - a dash
    parts = [_describe_span(len(page.todos), "todo", page.total, page.number, page.size)]
    parts += [f"{name} {format_duration(seconds)} in total" for name, seconds in page.sums.items()]
    if page.hidden:
        parts.append(f"context {neutralize(page.context or '')} hides {format_count(page.hidden)}")
    return " · ".join(parts)


def _describe_span(shown: int, noun: str, total: int | None, number: int, size: int | None) -> str:
    if size is None or total is None:
        return f"{shown} {noun if shown == 1 else f'{noun}s'}"
    first = (number - 1) * size + 1
    span = f"{first}–{first + shown - 1} of {format_count(total)}"  # noqa: RUF001 - a dash between numbers
    over = total > COUNT_LIMIT
    if not over and total <= size:
        return span
    pages = -(-min(total, COUNT_LIMIT) // size)
    return f"{span} · page {number} of {pages:,}{'+' if over else ''}"
