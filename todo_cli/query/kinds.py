"""Parsing and formatting of field values, once for each kind.

This covers kinds whose values are in columns of the todo itself (`Field.is_simple`). Names, references and recurrences
have modules of their own.

| KIND             | INPUT                                                      | VALUE                              |
|------------------|------------------------------------------------------------|------------------------------------|
| TEXT             | any                                                        | the same text                      |
| URL              | `https://example.com/a`, `mailto:a@b.example`              | the same text                      |
| CHOICE           | a label, or an unambiguous first letter                    | the label, or a member of the enum |
| NUMBER           | `3`, `-2.5`                                                | int, or float with a fraction      |
| DURATION         | `90min`, `1h30m`, `2 days` (see `quantities.py`)           | whole seconds                      |
| DATE             | a WHEN without a time (see `dates/`)                       | date                               |
| WHEN             | a WHEN                                                     | When                               |
| INSTANT          | a WHEN; a date means its start, or its end with `is_end`   | datetime, aware                    |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import Field, Kind
from todo_cli.models.values import When
from todo_cli.query.dates import (
    LAST_YEAR,
    USUAL,
    Conventions,
    is_when,
    parse_when,
    start_of_day,
    start_of_next_day,
    to_instant,
)
from todo_cli.query.quantities import format_duration, format_number, parse_duration, parse_number
from todo_cli.query.texts import parse_description, parse_title, parse_url
from todo_cli.suggestions import choose

_DATES = (Kind.DATE, Kind.WHEN, Kind.INSTANT)


@dataclass(frozen=True, slots=True)
class InputContext:
    """The context for parsing values. `now` is aware, in the user's zone; dates without a time get `default_time`."""

    now: datetime
    conventions: Conventions = USUAL
    default_time: time | None = None


def parse_value(field: Field, text: str, context: InputContext) -> Any:
    """Parse a value of the field; raises InvalidInputError with the expected form.

    A choice that means no value gives None, or the corresponding member of its enum.
    """
    match field.kind:
        case Kind.TEXT:
            return parse_title(text) if not field.is_emptyable else parse_description(text, field.name)
        case Kind.URL:
            return parse_url(text)
        case Kind.CHOICE:
            return field.choice(choose_label(field, text))
        case Kind.NUMBER:
            return parse_number(text)
        case Kind.DURATION:
            return parse_duration(text)
        case Kind.DATE:
            return _parse_date(text, context)
        case Kind.WHEN:
            when = parse_when(text, context.now, context.conventions)
            if when.at or context.default_time is None:
                return when
            return When(when.on, to_instant(when.on, context.default_time, context.now))
        case Kind.INSTANT:
            when = parse_when(text, context.now, context.conventions)
            edge = start_of_next_day if field.is_end else start_of_day
            return when.at or edge(when.on, context.now)
    raise TypeError(f"{field.name} cannot be set")


def format_value(field: Field, value: Any, now: datetime) -> str:
    """Return the value as a user would type it, `""` for None; `now` is in the user's zone."""
    if value is None:
        return ""
    match field.kind:
        case Kind.CHOICE:
            return label_of(field, value) or ""
        case Kind.NUMBER:
            return format_number(value)
        case Kind.DURATION:
            return format_duration(value)
        case Kind.DATE:
            return _format_when(When(value), now)
        case Kind.WHEN:
            return _format_when(value, now)
        case Kind.INSTANT:
            return _format_instant(value, now, is_end=field.is_end)
    return str(value)


def label_of(field: Field, value: Any) -> str | None:
    """Return the label of a choice; None for the one that means no value."""
    if value is None or value == field.empty:
        return None
    return str(value) if field.enum is None else field.enum(value).name.lower()


def takes_words(field: Field) -> bool:
    """Return whether a value of the field can consist of several words."""
    return field.kind in {*_DATES, Kind.TEXT, Kind.DURATION, Kind.RECURRENCE}


def is_value(field: Field, text: str, context: InputContext) -> bool:
    """Return whether the text is a value of the field; False for fields whose values are single words."""
    match field.kind:
        case Kind.DATE | Kind.WHEN | Kind.INSTANT:
            return is_when(text, context.now, context.conventions)
        case Kind.RECURRENCE:
            from todo_cli.query.recurrence.parser import is_phrase

            return is_phrase(text)
        case Kind.DURATION:
            try:
                parse_duration(text)
            except InvalidInputError:
                return False
    return True


def choose_label(field: Field, text: str) -> str:
    """Return the label that the text names, in full or by an unambiguous first letter; raises InvalidInputError."""
    begun = [label for label in field.choices if label[0] == text.lower()]
    plural = f"{field.name[:-1]}ies" if field.name.endswith("y") else f"{field.name}s"
    return begun[0] if len(begun) == 1 else choose(text, field.choices, field.name, plural)


def _parse_date(text: str, context: InputContext) -> date:
    when = parse_when(text, context.now, context.conventions)
    if when.at:
        raise InvalidInputError(f"{text!r} has a time", f"write the date alone, such as {when.on}")
    return when.on


def _format_when(when: When, now: datetime) -> str:
    if when.at is None:
        return "someday" if when.on == date(LAST_YEAR, 12, 31) else when.on.isoformat()
    local = when.at.astimezone(now.tzinfo).replace(tzinfo=None)
    return local.isoformat(" ", "seconds" if local.second else "minutes")


def _format_instant(instant: datetime, now: datetime, *, is_end: bool) -> str:
    """Format an instant; the start of a day, or with `is_end` its end, is formatted as a date."""
    day = instant.astimezone(now.tzinfo).date()
    if start_of_day(day, now) != instant:
        return _format_when(When(day, instant), now)
    return _format_when(When(day - timedelta(days=1) if is_end else day), now)
