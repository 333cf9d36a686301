"""Folding and sort keys, which make both databases agree."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.models.text import fold
from todo_cli.models.values import When, due_key


@pytest.mark.parametrize(
    ("one", "other"),
    [("ÉCLAIR", "éclair"), ("e\u0301clair", "\u00e9clair"), ("STRASSE", "straße"), ("ΣΑΣ", "σας"), ("ABC", "abc")],
)
def test_text_that_compares_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_due_sorts_by_date_then_time_then_without_time_then_without_date() -> None:
    day = date(2026, 12, 24)
    dues: list[When | None] = [
        When(day, datetime(2026, 12, 24, 8, 0, tzinfo=UTC)),
        When(day, datetime(2026, 12, 24, 8, 0, 0, 1, tzinfo=UTC)),
        When(day, datetime(2026, 12, 24, 18, 0, tzinfo=UTC)),
        When(day),
        When(date(2026, 12, 25)),
        When(date(9999, 12, 31)),
        None,
    ]
    shuffled = [*dues[3:], *dues[:3]]
    assert sorted(shuffled, key=due_key) == dues


INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(INSTANTS, INSTANTS)
def test_instants_of_one_day_sort_as_instants(one: datetime, other: datetime) -> None:
    day = date(2026, 12, 24)
    assert (due_key(When(day, one)) < due_key(When(day, other))) == (one < other)


def test_an_instant_without_a_zone_is_refused_and_one_with_a_zone_is_kept_in_utc() -> None:
    with pytest.raises(ValueError, match="time zone"):
        When(date(2026, 1, 1), datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert When(date(2026, 1, 1), there).at == there
    assert str(When(date(2026, 1, 1), there).at) == "2026-01-01 10:00:00+00:00"
