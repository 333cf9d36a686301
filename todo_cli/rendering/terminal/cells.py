"""Table cells for the fields of a todo on a terminal, once for each kind of field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rich.style import Style
from rich.text import Text

from todo_cli.models.fields import Field, Kind
from todo_cli.models.values import Priority, Recurrence, Status, TodoPublic
from todo_cli.query.columns import fields_by_column
from todo_cli.query.kinds import label_of
from todo_cli.query.quantities import format_duration, format_number
from todo_cli.rendering.format.dates import (
    Nearness,
    describe_due,
    describe_recurrence,
    format_date,
    format_moment,
    format_when,
)
from todo_cli.rendering.format.escaping import neutralize

ACTIVE = "▶"
"""The mark of a todo in progress."""

_MARKS = {Priority.HIGH: "!!!", Priority.MEDIUM: "!!", Priority.LOW: "!", Priority.NONE: ""}
_STATUS_MARKS = {Status.DONE: "✓", Status.CANCELLED: "✗"}
_STATUS_STYLES = {Status.OPEN: "", Status.DONE: "done", Status.CANCELLED: "faint"}

NEARNESS_STYLES: Mapping[Nearness, str] = {"overdue": "overdue", "today": "today", "soon": "soon", "later": ""}
"""The style of a due date by its nearness."""

_HIGH, _MEDIUM = 15.0, 10.0
"""Urgency above these values is coloured. With the default coefficients: important and due, and one of these."""

_INERT_URL = re.compile(r"[!-~]+")
"""Only such URLs become links: others could end the escape sequence and begin another one."""

REFERENCES = (Kind.REFERENCE, Kind.REFERENCES)
_REFERENCE_LABELS = {"parent": "subtask of", "depends": "depends on"}

Score = Callable[[TodoPublic], float]
"""Returns the urgency of a todo."""


def make_cell(name: str, todo: TodoPublic, now: datetime, score: Score = lambda _: 0.0) -> Text:
    """Return the cell of a column, empty if the todo has no value."""
    match name:
        case "mark":
            return _mark(todo)
        case "title":
            return Text(neutralize(todo.title), style="" if todo.status is Status.OPEN else "closed")
        case "due":
            return _due(todo, now)
        case "status":
            return make_status(todo.status)
        case "urgency":
            return make_urgency(score(todo))
    field = fields_by_column()[name]
    return format_field(field, field.get(todo), now)


def format_field(field: Field, value: Any, now: datetime) -> Text:
    """Return a value of the field as one line, empty for None."""
    return Text("") if value is None else _FORMATS[field.kind](field, value, now)


def _text(_: Field, value: str, __: datetime) -> Text:
    return Text(neutralize(value.partition("\n")[0]))


def _url(_: Field, value: str, __: datetime) -> Text:
    link = Style(link=value) if _INERT_URL.fullmatch(value) else ""
    return Text(neutralize(value), style=link)


def _choice(field: Field, value: Any, _: datetime) -> Text:
    label = label_of(field, value) or ""
    return Text(neutralize(label), style=label if field.name == "priority" else "")


def _numbers(_: Field, value: tuple[int, ...], __: datetime) -> Text:
    return Text(", ".join(map(str, value)), style="id")


def _computed(field: Field, value: Any, now: datetime) -> Text:
    return _numbers(field, value, now) if isinstance(value, tuple) else Text(neutralize(str(value)), style="recurrence")


def _recurrence(_: Field, value: Recurrence, __: datetime) -> Text:
    return Text(describe_recurrence(value).removeprefix("every "), style="recurrence")


_FORMATS: Mapping[Kind, Callable[[Field, Any, datetime], Text]] = {
    Kind.TEXT: _text,
    Kind.URL: _url,
    Kind.CHOICE: _choice,
    Kind.NUMBER: lambda _, number, __: Text(format_number(number)),
    Kind.DURATION: lambda _, seconds, __: Text(format_duration(seconds)),
    Kind.DATE: lambda _, on, now: Text(format_date(on, now)),
    Kind.WHEN: lambda _, when, now: Text(format_when(when, now)),
    Kind.INSTANT: lambda field, instant, now: Text(format_moment(field, instant, now)),
    Kind.NAME: lambda _, name, __: Text(neutralize(name), style="project"),
    Kind.NAMES: lambda _, names, __: Text(" ".join(f"#{neutralize(name)}" for name in names), style="tag"),
    Kind.REFERENCE: lambda _, number, __: Text(str(number), style="id"),
    Kind.REFERENCES: _numbers,
    Kind.RECURRENCE: _recurrence,
    Kind.IDENTITY: lambda field, value, _: Text(str(value), style="id" if field.name == "id" else "faint"),
    Kind.COMPUTED: _computed,
}


def label_reference(field: Field) -> str:
    """Return what precedes the todos that the field refers to."""
    return _REFERENCE_LABELS.get(field.name, field.name)


def describe_subtasks(todo: TodoPublic) -> str:
    """Return the numbers of done and of all subtasks, `2/5`; an empty text without subtasks."""
    return f"{todo.links.subtasks_done}/{todo.links.subtasks}" if todo.links.subtasks else ""


def make_status(status: Status) -> Text:
    """Return the status, plain for an open todo."""
    return Text(status.value, style=_STATUS_STYLES[status])


def make_urgency(urgency: float) -> Text:
    """Return the urgency, coloured by its value."""
    return Text(f"{urgency:.1f}", style="high" if urgency >= _HIGH else "medium" if urgency >= _MEDIUM else "")


def _mark(todo: TodoPublic) -> Text:
    if todo.status in _STATUS_MARKS:
        return Text(_STATUS_MARKS[todo.status], style=_STATUS_STYLES[todo.status])
    mark = Text(ACTIVE if todo.started_at else "", style="active")
    return mark.append(_MARKS[todo.priority], style=todo.priority.label or "")


def _due(todo: TodoPublic, now: datetime) -> Text:
    if todo.due is None:
        return Text("")
    if todo.status is not Status.OPEN or todo.deleted_at:
        return Text(format_when(todo.due, now, weekday=False), style="faint")
    words, nearness = describe_due(todo.due, now)
    cell = Text(words, style=NEARNESS_STYLES[nearness])
    return cell.append(" ↻", style="recurrence") if todo.recurrence else cell
