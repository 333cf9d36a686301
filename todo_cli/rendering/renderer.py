"""The protocol that all renderers implement. Results go to stdout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

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
from todo_cli.query.urgency import Coefficients

Record = Mapping[str, str | int | float | bool | datetime | Sequence[str] | Sequence[Mapping[str, int]] | None]
"""A row of a small table: names of columns and values. A list of pairs is for JSON only."""

Weights = Callable[[], Coefficients]
"""Returns the coefficients of urgency. It is called only if todos are shown."""


class Renderer(Protocol):
    """Shows the values that services return."""

    def show_page(self, page: TodoPage, columns: Columns = USUAL) -> None:
        """Show a list of todos; in JSON, todos are complete, whatever the columns."""

    def show_agenda(self, agenda: Agenda) -> None:
        """Show todos by day."""

    def show_details(self, details: Sequence[TodoDetails]) -> None:
        """Show all details of todos."""

    def show_comment(self, comment: CommentPublic) -> None:
        """Show a comment that was added."""

    def show_tree(self, todos: Sequence[TodoPublic], roots: Sequence[TodoPublic]) -> None:
        """Show the todos as trees with these roots; without roots, with the todos that nothing depends on."""

    def show_outcomes(self, outcomes: Sequence[TodoOutcome]) -> None:
        """Show the todos that a command changed."""

    def show_history(self, page: HistoryPage) -> None:
        """Show steps, newest first."""

    def show_reverted(self, outcome: UndoOutcome) -> None:
        """Show the steps that were undone or redone."""

    def show_dates(self, dates: Sequence[When]) -> None:
        """Show the dates of occurrences."""

    def show_records(self, records: Sequence[Record]) -> None:
        """Show a small table."""

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show the results of `todo doctor`, each with advice."""

    def show_record(self, record: Record) -> None:
        """Show a record, one field per line."""


def format_count(number: int) -> str:
    """Return the number with commas; above the limit of counting, it is `10,000+`."""
    return f"{COUNT_LIMIT:,}+" if number > COUNT_LIMIT else f"{number:,}"
