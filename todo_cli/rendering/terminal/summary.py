"""A todo in one line, as commands print it after a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from todo_cli.models.fields import FIELDS, Field, Kind, Settable
from todo_cli.models.values import Status, TodoPublic
from todo_cli.rendering.format.dates import describe_recurrence
from todo_cli.rendering.terminal.cells import ACTIVE, format_field, label_reference, make_status


def summarize(todo: TodoPublic, now: datetime) -> Iterator[Text]:
    """Yield the parts after the title: the status, the dates, then the other fields."""
    if todo.status is not Status.OPEN:
        yield make_status(todo.status)
    if todo.deleted_at:
        yield Text("in the trash", style="faint")
    if todo.started_at and todo.status is Status.OPEN:
        yield Text(f"{ACTIVE} started", style="active")
    for field in sorted(FIELDS.settable(Settable.BOTH), key=lambda field: _ORDER.index(field.kind)):
        if field.name not in ("title", "description"):
            yield from _describe(field, todo, now)


_ORDER = (
    *(Kind.DATE, Kind.WHEN, Kind.INSTANT, Kind.NAME, Kind.NAMES, Kind.CHOICE),
    *(Kind.NUMBER, Kind.DURATION, Kind.TEXT, Kind.URL, Kind.REFERENCE, Kind.REFERENCES, Kind.RECURRENCE),
)
_LABELS = {"project": "", "priority": "", "wait": "waiting until "}
"""The word before a value, if it is not the name of the field."""


def _describe(field: Field, todo: TodoPublic, now: datetime) -> Iterator[Text]:
    """Yield the value of the field, if any; a set yields each item."""
    value = field.get(todo)
    if not value and value != 0:
        return
    match field.kind:
        case Kind.NAMES:
            for name in value:
                yield format_field(field, (name,), now)
        case Kind.RECURRENCE if todo.status is Status.OPEN:
            yield Text(describe_recurrence(value), style="recurrence")
        case Kind.REFERENCES if todo.status is Status.OPEN:
            yield Text(f"{label_reference(field)} {format_field(field, value, now).plain}")
        case Kind.RECURRENCE | Kind.REFERENCES:
            return  # it matters only while the todo is open
        case Kind.REFERENCE:
            yield Text(f"{label_reference(field)} {value}")
        case Kind.URL:
            yield format_field(field, value, now)
        case _:
            if text := format_field(field, value, now):
                yield Text(_LABELS.get(field.name, f"{field.name} ")).append_text(text)
