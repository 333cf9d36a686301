"""Tab-separated lines for pipes: no header, no colour; `docs/output.md` lists the columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

from todo_cli.models.history import HistoryPage, UndoOutcome
from todo_cli.models.values import CommentPublic, Finding, TodoDetails, TodoOutcome, TodoPage, TodoPublic, When
from todo_cli.query.agenda import Agenda
from todo_cli.query.columns import USUAL, Columns, fields_by_column
from todo_cli.query.trees import grow
from todo_cli.query.urgency import score
from todo_cli.rendering.format.escaping import escape_field
from todo_cli.rendering.history import VERBS, format_reverted, plain
from todo_cli.rendering.json import format_instant, format_when, step_object, todo_object
from todo_cli.rendering.renderer import Record, Weights


class TabularRenderer:
    """Prints a line for each item, with fields separated by tabs. `now` is aware, in the reader's zone."""

    def __init__(self, stream: TextIO, now: datetime, weights: Weights) -> None:
        self._stream = stream
        self._now, self._weights = now, weights

    def show_page(self, page: TodoPage, columns: Columns = USUAL) -> None:
        if not columns.chosen:
            self._write_todos(page.todos)
            return
        by_column = fields_by_column()
        keys = [by_column[name].json for name in columns.names]
        for todo in page.todos:
            fields = self._fields(todo)
            self._write_line(_field(fields[key]) for key in keys)

    def show_agenda(self, agenda: Agenda) -> None:
        self._write_todos(agenda.todos)

    def show_details(self, details: Sequence[TodoDetails]) -> None:
        for number, each in enumerate(details):
            if number:
                self._stream.write("\n")
            self.show_record(self._fields(each.todo))
            for comment in each.comments:
                self._write_line(("comment", *_comment_fields(comment)))

    def show_comment(self, comment: CommentPublic) -> None:
        self._write_line((str(comment.todo), *_comment_fields(comment)))

    def show_tree(self, todos: Sequence[TodoPublic], roots: Sequence[TodoPublic]) -> None:
        self._write_todos(todo for node in grow(todos, roots) for todo in node.flatten())

    def show_outcomes(self, outcomes: Sequence[TodoOutcome]) -> None:
        self._write_todos(todo for outcome in outcomes for todo in (outcome.todo, *outcome.changed_with))

    def show_history(self, page: HistoryPage) -> None:
        for step in page.steps:
            record = step_object(step)
            head = [record["at"], step.user, step.command, "undone" if step.undone else ""]
            for change in record["changes"] or [{}]:
                fields = (change.get(name) for name in ("entity", "id", "name", "field", "old", "new"))
                self._write_line(_field(value) for value in (*head, *fields))

    def show_reverted(self, outcome: UndoOutcome) -> None:
        for reverted in outcome.reverted:
            text = plain(format_reverted(reverted, self._now, VERBS[outcome.direction]))
            for step in reverted.steps:
                self._write_line((str(step.uuid), format_instant(step.at) or "", step.command, escape_field(text)))

    def show_dates(self, dates: Sequence[When]) -> None:
        for when in dates:
            self._write_line((format_when(when) or "",))

    def show_records(self, records: Sequence[Record]) -> None:
        for record in records:
            self._write_line(_field(value) for value in record.values())

    def show_findings(self, findings: Sequence[Finding]) -> None:
        self.show_records([asdict(finding) for finding in findings])

    def show_record(self, record: Record) -> None:
        for key, value in record.items():
            self._write_line((key, _field(value)))

    def _fields(self, todo: TodoPublic) -> dict[str, Any]:
        return todo_object(todo, score(todo, self._now, self._weights()))

    def _write_todos(self, todos: Iterable[TodoPublic]) -> None:
        for todo in todos:
            self._write_line(
                (
                    str(todo.id),
                    todo.status.value,
                    todo.priority.label or "",
                    format_when(todo.due) or "",
                    todo.project or "",
                    ",".join(todo.tags),
                    escape_field(todo.title),
                )
            )

    def _write_line(self, fields: Iterable[str]) -> None:
        self._stream.write("\t".join(fields) + "\n")


def _comment_fields(comment: CommentPublic) -> tuple[str, str, str]:
    return format_instant(comment.created_at) or "", escape_field(comment.author), escape_field(comment.text)


def _field(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return format_instant(value) or ""
        case list() | tuple():
            return ",".join(escape_field(str(part)) for part in value)
        case _:
            return escape_field(str(value))
