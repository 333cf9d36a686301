"""Parsing and formatting of values, for each kind of field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import NOW
from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.values import Priority, When
from todo_cli.query.kinds import InputContext, format_value, is_value, parse_value

CONTEXT = InputContext(NOW)
SIZES = ("large", "medium", "small", "none")


def field(kind: Kind, **options: Any) -> Field:
    return Field(name="size", kind=kind, is_emptyable=True, **options)


def local(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize(
    ("declared", "text", "value", "written"),
    [
        (field(Kind.TEXT), " a: 'b' ", " a: 'b' ", " a: 'b' "),
        (field(Kind.URL), "https://example.com/a?b=c#d", "https://example.com/a?b=c#d", None),
        (field(Kind.URL), "mailto:alex@example.com", "mailto:alex@example.com", None),
        (field(Kind.CHOICE, choices=SIZES), "L", "large", "large"),
        (field(Kind.CHOICE, choices=SIZES), "Small", "small", "small"),
        (field(Kind.CHOICE, choices=SIZES), "none", None, ""),
        (FIELDS["priority"], "h", Priority.HIGH, "high"),
        (FIELDS["priority"], "none", Priority.NONE, ""),
        (field(Kind.NUMBER), "3", 3, "3"),
        (field(Kind.NUMBER), "-2.50", -2.5, "-2.5"),
        (field(Kind.DURATION), "90 minutes", 5400, "1h30m"),
        (field(Kind.DATE), "30 nov", date(2026, 11, 30), "2026-11-30"),
        (field(Kind.WHEN), "30 nov", When(date(2026, 11, 30)), "2026-11-30"),
        (field(Kind.WHEN), "30 nov 5pm", When(date(2026, 11, 30), local(30, 17)), "2026-11-30 17:00"),
        (field(Kind.INSTANT), "30 nov", local(30), "2026-11-30"),
        (field(Kind.INSTANT, is_end=True), "29 nov", local(30), "2026-11-29"),
        (field(Kind.INSTANT), "30 nov 5pm", local(30, 17), "2026-11-30 17:00"),
    ],
)
def test_parse_and_format(declared: Field, text: str, value: object, written: str | None) -> None:
    assert parse_value(declared, text, CONTEXT) == value
    assert format_value(declared, value, NOW) == (text if written is None else written)


@pytest.mark.parametrize(
    ("declared", "text", "message"),
    [
        (FIELDS["title"], " ", "the title is blank"),
        (field(Kind.TEXT), "a\x00", "NUL"),
        (field(Kind.URL), "example.com", "is not a URL"),
        (field(Kind.URL), "https://a b", "is not a URL"),
        (field(Kind.URL), "https://a\x1b]8;;", "is not a URL"),
        (field(Kind.CHOICE, choices=SIZES), "huge", "'huge' is not a valid size"),
        (field(Kind.CHOICE, choices=("large", "little")), "l", "'l' is not a valid size"),
        (field(Kind.NUMBER), "1e5", "is not a number"),
        (field(Kind.DURATION), "1mo", "has no fixed length"),
        (field(Kind.DATE), "30 nov 5pm", "'30 nov 5pm' has a time"),
        (field(Kind.WHEN), "31 nov", "is not a date"),
        (field(Kind.INSTANT), "soon", "is not a date"),
    ],
)
def test_invalid_values_are_refused(declared: Field, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_value(declared, text, CONTEXT)


def test_a_default_time_is_added_to_dates_that_may_have_a_time() -> None:
    context = replace(CONTEXT, default_time=time(9))
    assert parse_value(field(Kind.WHEN), "30 nov", context) == When(date(2026, 11, 30), local(30, 9))
    assert parse_value(field(Kind.WHEN), "30 nov 5pm", context) == When(date(2026, 11, 30), local(30, 17))
    assert parse_value(field(Kind.INSTANT), "30 nov", context) == local(30)
    assert parse_value(field(Kind.DATE), "30 nov", context) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.WHEN, "friday 5pm", True),
        (Kind.DATE, "friday Pay", False),
        (Kind.DURATION, "1h 30m", True),
        (Kind.DURATION, "1h rent", False),
        (Kind.RECURRENCE, "2 weeks", True),
        (Kind.RECURRENCE, "2 dentists", False),
        (Kind.TEXT, "anything at all", True),
    ],
)
def test_several_words_as_one_value(kind: Kind, text: str, *, expected: bool) -> None:
    assert is_value(field(kind), text, CONTEXT) is expected


DAYS = st.dates(date(1950, 1, 1), date(9998, 12, 30))
# Around noon no clock is changed.
MOMENTS = st.builds(datetime.combine, DAYS, st.times(time(10), time(20)).map(lambda at: at.replace(microsecond=0)))
AWARE = MOMENTS.map(lambda moment: moment.replace(tzinfo=NOW.tzinfo))
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    Kind.CHOICE: st.sampled_from(SIZES[:-1]),
    Kind.NUMBER: st.integers(-(10**15), 10**15) | st.integers(-(10**6), 10**6).map(lambda number: number / 8),
    Kind.DURATION: st.integers(0, 10**9),
    Kind.DATE: DAYS,
    Kind.WHEN: DAYS.map(When) | AWARE.map(lambda moment: When(moment.date(), moment)),
    Kind.INSTANT: AWARE | DAYS.map(lambda day: datetime.combine(day, time(), NOW.tzinfo)),
}


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.name)
@given(st.data())
def test_formatted_values_round_trip(kind: Kind, data: st.DataObject) -> None:
    declared = field(kind, choices=SIZES if kind is Kind.CHOICE else (), is_end=data.draw(st.booleans()))
    value = data.draw(VALUES[kind])
    assert parse_value(declared, format_value(declared, value, NOW), CONTEXT) == value
