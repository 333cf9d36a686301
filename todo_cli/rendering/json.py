"""JSON for scripts. The names and formats of the fields are stable; `docs/output.md` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, TextIO
from uuid import UUID

from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.history import HistoryChange, HistoryPage, HistoryStep, UndoOutcome
from todo_cli.models.values import (
    CommentPublic,
    Finding,
    Recurrence,
    TodoDetails,
    TodoOutcome,
    TodoPage,
    TodoPublic,
    When,
)
from todo_cli.query.agenda import Agenda
from todo_cli.query.columns import USUAL, Columns
from todo_cli.query.kinds import label_of
from todo_cli.query.trees import grow
from todo_cli.query.urgency import score
from todo_cli.rendering.format.dates import describe_recurrence
from todo_cli.rendering.format.escaping import write_json
from todo_cli.rendering.renderer import Record, Weights


class JsonRenderer:
    """Prints an object for a single item and an array for a list."""

    def __init__(self, stream: TextIO, now: datetime, weights: Weights) -> None:
        self._stream = stream
        self._now, self._weights = now, weights

    def show_page(self, page: TodoPage, columns: Columns = USUAL) -> None:
        self._write([self._object(todo) for todo in page.todos])

    def show_agenda(self, agenda: Agenda) -> None:
        self._write([self._object(todo) for todo in agenda.todos])

    def show_details(self, details: Sequence[TodoDetails]) -> None:
        objects = [
            {**self._object(each.todo), "comments": [comment_object(comment) for comment in each.comments]}
            for each in details
        ]
        self._write(objects[0] if len(objects) == 1 else objects)

    def show_comment(self, comment: CommentPublic) -> None:
        self._write({"todo": comment.todo, **comment_object(comment)})

    def show_tree(self, todos: Sequence[TodoPublic], roots: Sequence[TodoPublic]) -> None:
        self._write([self._object(todo) for node in grow(todos, roots) for todo in node.flatten()])

    def show_outcomes(self, outcomes: Sequence[TodoOutcome]) -> None:
        objects = [
            {
                **self._object(outcome.todo),
                "next": [todo.id for todo in outcome.next],
                "changed_with": [todo.id for todo in outcome.changed_with],
                "ready": [todo.id for todo in outcome.ready],
            }
            for outcome in outcomes
        ]
        self._write(objects[0] if len(objects) == 1 else objects)

    def show_history(self, page: HistoryPage) -> None:
        self._write([step_object(step) for step in page.steps])

    def show_reverted(self, outcome: UndoOutcome) -> None:
        steps = [step for reverted in outcome.reverted for step in reverted.steps]
        named = [{"step": str(step.uuid), "command": step.command, "at": format_instant(step.at)} for step in steps]
        name = {"undo": "undone", "redo": "redone"}[outcome.direction]
        self._write({name: named, "todos": [self._object(todo) for todo in outcome.todos]})

    def show_dates(self, dates: Sequence[When]) -> None:
        self._write([format_when(when) for when in dates])

    def show_records(self, records: Sequence[Record]) -> None:
        self._write([_plain_record(record) for record in records])

    def show_findings(self, findings: Sequence[Finding]) -> None:
        self.show_records([asdict(finding) for finding in findings])

    def show_record(self, record: Record) -> None:
        self._write(_plain_record(record))

    def _object(self, todo: TodoPublic) -> dict[str, Any]:
        return todo_object(todo, score(todo, self._now, self._weights()))

    def _write(self, value: object) -> None:
        write_json(value, self._stream, indent=2)


def todo_object(todo: TodoPublic, urgency: float) -> dict[str, Any]:
    """Return the JSON object of a todo, including its urgency, which depends on the time."""
    computed = {"urgency": round(urgency, 2), "occurrence": todo.occurrence if todo.recurrence else None}
    return {
        field.json: computed[name] if name in computed else plain_value(field.get(todo), field)
        for name, field in FIELDS.items()
    }


def comment_object(comment: CommentPublic) -> dict[str, Any]:
    """Return the JSON object of a comment."""
    return {
        "uuid": str(comment.uuid),
        "author": comment.author,
        "text": comment.text,
        "created_at": format_instant(comment.created_at),
    }


def step_object(step: HistoryStep) -> dict[str, Any]:
    """Return the JSON object of a step of history."""
    return {
        "step": str(step.uuid),
        "at": format_instant(step.at),
        "user": step.user,
        "command": step.command,
        "undone": step.undone,
        "changes": [change_object(change) for change in step.changes],
    }


def change_object(change: HistoryChange) -> dict[str, Any]:
    """Return the JSON object of one change, with its field and values named as in todos."""
    field = FIELDS.of_attribute(change.field)
    return {
        "entity": change.entity,
        "id": change.id,
        "uuid": str(change.uuid),
        "name": change.name,
        "field": field.json if field else change.field,
        "old": plain_value(change.old, field),
        "new": plain_value(change.new, field),
    }


def plain_value(value: object, field: Field | None) -> object:
    """Return the JSON value of a field; `field` is None for one that this version does not know."""
    if field and field.kind is Kind.CHOICE:
        return label_of(field, value)
    match value:
        case When():
            return format_when(value)
        case datetime():
            return format_instant(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Recurrence():
            return describe_recurrence(value)
        case tuple():
            return list(value)
        case _:
            return value


def format_when(when: When | None) -> str | None:
    """Return `2026-12-24`, or with a time `2026-12-24T17:00:00Z`."""
    if when is None:
        return None
    return format_instant(when.at) if when.at else when.on.isoformat()


def format_instant(instant: datetime | None) -> str | None:
    """Return the instant in UTC in the format of RFC 3339, with `Z`."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain_record(record: Record) -> Mapping[str, object]:
    return {key: format_instant(value) if isinstance(value, datetime) else value for key, value in record.items()}
