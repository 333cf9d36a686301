"""What every renderer can show. Results go to stdout."""

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
"""Gives the coefficients of urgency, which are looked up only where todos are shown."""


class Renderer(Protocol):
    """Shows the values that services return."""

    def show_page(self, page: TodoPage, columns: Columns = USUAL) -> None:
        """Show a list of todos; JSON has them whole, whatever the columns are."""

    def show_agenda(self, agenda: Agenda) -> None:
        """Show todos by days."""

    def show_details(self, details: Sequence[TodoDetails]) -> None:
        """Show todos whole."""

    def show_comment(self, comment: CommentPublic) -> None:
        """Show a comment that was made."""

    def show_tree(self, todos: Sequence[TodoPublic], roots: Sequence[TodoPublic]) -> None:
        """Show the todos as trees that begin with the roots, without any with what is above all others."""

    def show_outcomes(self, outcomes: Sequence[TodoOutcome]) -> None:
        """Show what a command made of each todo."""

    def show_history(self, page: HistoryPage) -> None:
        """Show what was done, the last step first."""

    def show_reverted(self, outcome: UndoOutcome) -> None:
        """Show what was undone, or done again."""

    def show_dates(self, dates: Sequence[When]) -> None:
        """Show when something comes."""

    def show_records(self, records: Sequence[Record]) -> None:
        """Show a small table."""

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show what was found at each place, and what to do about it."""

    def show_record(self, record: Record) -> None:
        """Show one thing with its properties."""


def format_count(number: int) -> str:
    """Return the number with commas; what is beyond the most that is counted is `10,000+`."""
    return f"{COUNT_LIMIT:,}+" if number > COUNT_LIMIT else f"{number:,}"
