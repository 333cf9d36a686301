"""What WHEN accepts, as a table; `now` is Sunday, 22 November 2026, 12:00 in Berlin."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import BERLIN, NOW
from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.dates import parse_when, start_of_day, to_instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-24", date(2026, 12, 24)),
        ("2028-02-29", date(2028, 2, 29)),
        ("0002-01-01", date(2, 1, 1)),
        ("9998-12-31", date(9998, 12, 31)),
        ("today", date(2026, 11, 22)),
        ("TODAY", date(2026, 11, 22)),
        ("  tomorrow ", date(2026, 11, 23)),
        ("monday", date(2026, 11, 23)),
        ("friday", date(2026, 11, 27)),
        ("sat", date(2026, 11, 28)),
        ("sunday", date(2026, 11, 29)),  # today is a Sunday: the next one is meant
        ("+0d", date(2026, 11, 22)),
        ("+3d", date(2026, 11, 25)),
        ("+2w", date(2026, 12, 6)),
        ("eom", date(2026, 11, 30)),
    ],
)
def test_dates(text: str, expected: date) -> None:
    assert parse_when(text, NOW) == When(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-24 18:00", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        ("2026-12-24T18:00", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        ("2026-07-01 00:00", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),  # summer time, seen from winter
        ("2026-10-25 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice: the first
    ],
)
def test_times_are_in_the_zone_of_now(text: str, expected: datetime) -> None:
    due = parse_when(text, NOW)
    assert due.at == expected
    assert due.on.isoformat() == text[:10]


@pytest.mark.parametrize("month", range(1, 13))
def test_end_of_month_is_its_last_day(month: int) -> None:
    now = datetime(2028, month, 15, tzinfo=BERLIN)
    last = parse_when("eom", now).on
    assert last.month == month
    assert (last + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "examples"),
        ("tommorow", "did you mean 'tomorrow'?"),
        ("fri day", "did you mean 'friday'?"),
        ("2026-02-31", "did you mean '2026-02-28'?"),
        ("2026-13-01", "examples"),
        ("2026-1-1", "examples"),
        ("24.12.2026", "examples"),
        ("3d", "examples"),
        ("+3x", "examples"),
        ("+99999999999999999999d", "examples"),
        ("+9999999w", "examples"),
        ("0001-12-31", "year 0002"),
        ("9999-01-01", "9998"),
        ("9999-12-31 23:59", "9998"),
        ("2026-12-24 24:00", "00:00 to 23:59"),
        ("2026-12-24 18:60", "00:00 to 23:59"),
        ("٢٠٢٦-١٢-٢٤", "examples"),
        ("2026-12-24 ", None),
        ("2026-03-29 02:30", "did you mean '2026-03-29 03:30'?"),  # the clocks go forward over it
    ],
)
def test_anything_else_is_refused_with_what_was_meant(text: str, told: str | None) -> None:
    if told is None:
        assert parse_when(text, NOW).on == date(2026, 12, 24)
        return
    with pytest.raises(InvalidInputError) as caught:
        parse_when(text, NOW)
    assert told in str(caught.value.hint)


@given(st.text())
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        parse_when(text, NOW)
    except InvalidInputError as error:
        assert error.hint


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"])


@given(st.dates(date(1970, 1, 2), date(2200, 1, 1)), st.times(), ZONES)
def test_an_instant_shows_the_wall_clock_it_was_made_from(on: date, at: time, zone: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    wall = time(at.hour, at.minute)
    try:
        instant = to_instant(on, wall, now)
    except InvalidInputError as error:
        assert "did you mean" in str(error.hint)  # a time that the clocks leave out
    else:
        assert instant.astimezone(now.tzinfo).replace(tzinfo=None) == datetime.combine(on, wall)


def test_days_begin_where_the_clocks_say() -> None:
    santiago = datetime(2026, 9, 1, tzinfo=ZoneInfo("America/Santiago"))
    # On 6 September 2026 the clocks go from 24:00 to 01:00 there: the day begins at 01:00, UTC-3.
    assert start_of_day(date(2026, 9, 6), santiago) == datetime(2026, 9, 6, 4, 0, tzinfo=UTC)
