"""Valid and invalid forms of WHEN, as tables.

Unless a table says otherwise, `now` is Wednesday, 25 November 2026, 14:30 in Berlin; NOW is the Sunday before, 12:00.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import BERLIN, NOW
from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query import dates
from todo_cli.query.dates import (
    FIRST_YEAR,
    LAST_YEAR,
    Conventions,
    names_last_day,
    parse_when,
    start_of_day,
    start_of_next_day,
    to_instant,
)

WEDNESDAY = datetime(2026, 11, 25, 14, 30, tzinfo=BERLIN)
FROM_SUNDAY = Conventions(week_start=6)


def day(text: str, now: datetime = WEDNESDAY, conventions: Conventions | None = None) -> str:
    """Return the day that the text means."""
    when = parse_when(text, now, conventions or Conventions())
    assert when.at is None, f"{text} is an instant"
    return when.on.isoformat()


def moment(text: str, now: datetime = WEDNESDAY) -> str:
    """Return the instant that the text means, in the user's zone, with its offset."""
    when = parse_when(text, now)
    assert when.at is not None, f"{text} is a day"
    assert when.at.utcoffset() == timedelta(0)
    local = when.at.astimezone(now.tzinfo)
    assert local.date() == when.on
    return local.isoformat(" ", "seconds" if local.second else "minutes")


def refusal(text: str, now: datetime = WEDNESDAY, conventions: Conventions | None = None) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        parse_when(text, now, conventions or Conventions())
    assert "\n" not in caught.value.message
    return caught.value


def table(rows: str) -> pytest.MarkDecorator:
    """Return the rows of a table: a text and the expected result, separated by ` | `; `#` starts a comment."""
    parts = [row.partition("#")[0].split("|") for row in rows.strip().splitlines()]
    return pytest.mark.parametrize(("text", "expected"), [(text.strip(), said.strip()) for text, said in parts])


class TestNamedDays:
    @table("""
        today        | 2026-11-25
        TODAY        | 2026-11-25
        tomorrow     | 2026-11-26
        yesterday    | 2026-11-24
        sow          | 2026-11-23
        eow          | 2026-11-29
        eoww         | 2026-11-27
        som          | 2026-11-01
        eom          | 2026-11-30
        soq          | 2026-10-01
        eoq          | 2026-12-31
        soy          | 2026-01-01
        eoy          | 2026-12-31
        later        | 9998-12-31
        someday      | 9998-12-31
        thursday     | 2026-11-26
        thu          | 2026-11-26
        wednesday    | 2026-12-02   # never today
        tue          | 2026-12-01
        this friday  | 2026-11-27
        this monday  | 2026-11-23   # the week has begun
        this wed     | 2026-11-25
        next friday  | 2026-12-04
        next monday  | 2026-11-30
        last friday  | 2026-11-20
        last monday  | 2026-11-23
        last wed     | 2026-11-18   # never today
        next week    | 2026-11-30
        next month   | 2026-12-01
        next quarter | 2027-01-01
        next year    | 2027-01-01
        last week    | 2026-11-16
        last month   | 2026-10-01
        last quarter | 2026-07-01
        last year    | 2025-01-01
        december     | 2026-12-01
        november     | 2027-11-01   # its first is past
        jan          | 2027-01-01
        sept         | 2027-09-01
        may          | 2027-05-01
        1st          | 2026-12-01
        26th         | 2026-11-26
        25th         | 2026-12-25   # never today
        22nd         | 2026-12-22
        31st         | 2026-12-31   # November has none
        easter       | 2027-03-28
    """)
    def test_relative_to_today(self, text: str, expected: str) -> None:
        assert day(text) == expected

    @table("""
        sow         | 2026-11-22
        eow         | 2026-11-28
        eoww        | 2026-11-27
        next week   | 2026-11-29
        last week   | 2026-11-15
        this friday | 2026-11-27
        next friday | 2026-12-04
        this sunday | 2026-11-22
        next sunday | 2026-11-29
        sunday      | 2026-11-29
    """)
    def test_with_weeks_that_start_on_sunday(self, text: str, expected: str) -> None:
        assert day(text, conventions=FROM_SUNDAY) == expected
        assert day(text, NOW, FROM_SUNDAY) == expected  # which is that Sunday, and in the same week

    @table("""
        sow         | 2026-11-16
        eow         | 2026-11-22
        eoww        | 2026-11-27   # at a weekend the next one
        this friday | 2026-11-20
        next friday | 2026-11-27
        friday      | 2026-11-27
        last sunday | 2026-11-15
        sunday      | 2026-11-29
    """)
    def test_on_a_sunday_with_weeks_that_start_on_monday(self, text: str, expected: str) -> None:
        assert day(text, NOW) == expected

    @table("""
        eom        | 2028-02-29
        31st       | 2028-03-31   # from the 31st of January: February has none
        30th       | 2028-03-30
        february   | 2028-02-01
        1mo        | 2028-02-29
        1mo-1mo    | 2028-01-29
        13mo       | 2029-02-28
        next month | 2028-02-01
        eoq        | 2028-03-31
        29 feb     | 2028-02-29
    """)
    def test_at_the_end_of_january(self, text: str, expected: str) -> None:
        now = datetime(2028, 2, 10, tzinfo=BERLIN) if text == "eom" else datetime(2028, 1, 31, 9, 0, tzinfo=BERLIN)
        assert day(text, now) == expected

    @table("""
        tomorrow   | 2027-01-01
        eoy        | 2026-12-31
        eoq        | 2026-12-31
        soq        | 2026-10-01
        next year  | 2027-01-01
        next month | 2027-01-01
        jan        | 2027-01-01
        1st        | 2027-01-01
        friday     | 2027-01-01
        sow        | 2026-12-28
        eow        | 2027-01-03
        24 dec     | 2027-12-24
        31 dec     | 2026-12-31
        1 jan      | 2027-01-01
    """)
    def test_on_new_years_eve(self, text: str, expected: str) -> None:
        assert day(text, datetime(2026, 12, 31, 23, 59, tzinfo=BERLIN)) == expected

    @pytest.mark.parametrize(
        ("today", "expected"),
        [("2026-04-04", "2026-04-05"), ("2026-04-05", "2027-03-28"), ("2028-01-01", "2028-04-16")],
    )
    def test_easter_is_after_today(self, today: str, expected: str) -> None:
        assert day("easter", datetime.fromisoformat(today).replace(tzinfo=BERLIN)) == expected

    @pytest.mark.parametrize("month", range(1, 13))
    def test_eom_is_the_last_day_of_the_month(self, month: int) -> None:
        last = parse_when("eom", datetime(2028, month, 15, tzinfo=BERLIN)).on
        assert last.month == month
        assert (last + timedelta(days=1)).day == 1


class TestWrittenDays:
    @table("""
        2026-12-24       | 2026-12-24
        2028-02-29       | 2028-02-29
        0002-01-01       | 0002-01-01
        9998-12-31       | 9998-12-31
        20261224         | 2026-12-24
        2026-W52-4       | 2026-12-24
        2026-w52         | 2026-12-21
        2026-W53-7       | 2027-01-03   # a long year
        2027-W01-1       | 2027-01-04
        2026-359         | 2026-12-25
        2028-366         | 2028-12-31
        2026-001         | 2026-01-01
        24 dec           | 2026-12-24
        dec 24           | 2026-12-24
        24dec            | 2026-12-24
        24 november      | 2027-11-24
        25 nov           | 2026-11-25   # today included
        24th of december | 2026-12-24
        24th december    | 2026-12-24
        24 of december   | 2026-12-24
        december 24th    | 2026-12-24
        24 dec 2027      | 2027-12-24
        dec 24 2027      | 2027-12-24
        dec 24, 2027     | 2027-12-24
        24 dec, 1999     | 1999-12-24
        29 feb           | 2028-02-29   # the next that there is
    """)
    def test_give_that_day(self, text: str, expected: str) -> None:
        assert day(text) == expected

    @table("""
        first monday of january       | 2027-01-04
        last friday of november       | 2026-11-27
        first monday of november      | 2027-11-01   # that of 2026 is past
        1st monday of january 2028    | 2028-01-03
        last thursday of month        | 2026-11-26
        first monday of month         | 2026-11-02   # even if it is past
        first monday of this month    | 2026-11-02
        2nd tuesday of next month     | 2026-12-08
        third wed of last month       | 2026-10-21
        fifth monday of the month     | 2026-11-30
        5th friday of january         | 2027-01-29
        first sunday of next year     | 2027-01-03
        last day of month             | 2026-11-30
        last day of the month         | 2026-11-30
        last day of quarter           | 2026-12-31
        last day of year              | 2026-12-31
        last day of next month        | 2026-12-31
        last day of february          | 2027-02-28
        last day of feb 2028          | 2028-02-29
        last day of november          | 2026-11-30
        first day of month            | 2026-11-01
        first day of november         | 2027-11-01
        first day of next quarter     | 2027-01-01
        first day of last year        | 2025-01-01
    """)
    def test_within_a_month_quarter_or_year(self, text: str, expected: str) -> None:
        assert day(text) == expected

    @pytest.mark.parametrize(
        ("text", "order", "expected"),
        [
            ("10/11/2026", "d/m/y", "2026-11-10"),
            ("10/11/2026", "m/d/y", "2026-10-11"),
            ("25/11", "d/m/y", "2026-11-25"),
            ("24/11", "d/m/y", "2027-11-24"),
            ("1/2", "m/d/y", "2027-01-02"),
        ],
    )
    def test_slashes_follow_the_convention(self, text: str, order: str, expected: str) -> None:
        conventions = Conventions(date_order="d/m/y" if order == "d/m/y" else "m/d/y")
        assert day(text, conventions=conventions) == expected


class TestTimes:
    @table("""
        17:00                        | 2026-11-25 17:00+01:00
        at 17:00                     | 2026-11-25 17:00+01:00
        9:05                         | 2026-11-26 09:05+01:00   # tomorrow: it is 14:30
        14:30                        | 2026-11-26 14:30+01:00   # not now
        14:31                        | 2026-11-25 14:31+01:00
        5pm                          | 2026-11-25 17:00+01:00
        5 PM                         | 2026-11-25 17:00+01:00
        5:30pm                       | 2026-11-25 17:30+01:00
        12am                         | 2026-11-26 00:00+01:00
        12:05am                      | 2026-11-26 00:05+01:00
        12pm                         | 2026-11-26 12:00+01:00
        noon                         | 2026-11-26 12:00+01:00
        00:00                        | 2026-11-26 00:00+01:00
        17:00:30                     | 2026-11-25 17:00:30+01:00
        friday 5pm                   | 2026-11-27 17:00+01:00
        friday at 17:00              | 2026-11-27 17:00+01:00
        tomorrow at noon             | 2026-11-26 12:00+01:00
        5pm friday                   | 2026-11-27 17:00+01:00
        17:00 tomorrow               | 2026-11-26 17:00+01:00
        dec 24 18:00                 | 2026-12-24 18:00+01:00
        dec 24 5pm                   | 2026-12-24 17:00+01:00
        dec 24, 2027 at 18:00        | 2027-12-24 18:00+01:00
        last day of month 17:00      | 2026-11-30 17:00+01:00
        today 9:00                   | 2026-11-25 09:00+01:00   # past, but named
        now                          | 2026-11-25 14:30+01:00
        sod                          | 2026-11-25 00:00+01:00
        eod                          | 2026-11-25 23:59+01:00
        2026-12-24 18:00             | 2026-12-24 18:00+01:00
        2026-12-24T18:00             | 2026-12-24 18:00+01:00
        2026-12-24t18:00:05          | 2026-12-24 18:00:05+01:00
        2026-12-24 at 6pm            | 2026-12-24 18:00+01:00
        2026-W52-4T18:00             | 2026-12-24 18:00+01:00
        2026-359 18:00               | 2026-12-25 18:00+01:00
        20261224 18:00               | 2026-12-24 18:00+01:00
        2026-07-01 00:00             | 2026-07-01 00:00+02:00   # summer time, seen from winter
        2026-12-24T18:00Z            | 2026-12-24 19:00+01:00
        2026-12-24T23:30Z            | 2026-12-25 00:30+01:00   # the date is the writer's
        2026-12-24 18:00+05:30       | 2026-12-24 13:30+01:00
        2026-12-24 18:00-0800        | 2026-12-25 03:00+01:00
        2026-12-24T18:00+02          | 2026-12-24 17:00+01:00
    """)
    def test_are_in_the_zone_of_now_unless_a_zone_is_given(self, text: str, expected: str) -> None:
        assert moment(text) == expected

    def test_keep_fractions_of_a_second(self) -> None:
        assert parse_when("2026-12-24T18:00:00.25Z", NOW).at == datetime(2026, 12, 24, 18, 0, 0, 250_000, tzinfo=UTC)
        assert parse_when("2026-12-24 18:00:00,1234567Z", NOW).at == datetime(2026, 12, 24, 18, 0, 0, 123_456, UTC)


class TestDurations:
    @table("""
        3d          | 2026-11-28
        +0d         | 2026-11-25
        +2w         | 2026-12-09
        in 3 days   | 2026-11-28
        in a week   | 2026-12-02
        a month     | 2026-12-25
        1mo         | 2026-12-25
        1q          | 2027-02-25
        1y          | 2027-11-25
        1 yr 2 wk   | 2027-12-09
        1y2mo3d     | 2028-01-28
        -1d         | 2026-11-24
        - 1d        | 2026-11-24
        3 days ago  | 2026-11-22
        a week ago  | 2026-11-18
        -1mo3d      | 2026-10-22   # the sign is for both
        1mo-1d      | 2026-12-24
        P3D         | 2026-11-28
        P1Y2M       | 2028-01-25
        P2W         | 2026-12-09
        -P1D        | 2026-11-24
        in P1M      | 2026-12-25
    """)
    def test_days_give_a_day(self, text: str, expected: str) -> None:
        assert day(text) == expected

    @table("""
        1h30m              | 2026-11-25 16:00+01:00
        1h 30min           | 2026-11-25 16:00+01:00
        in an hour         | 2026-11-25 15:30+01:00
        90 minutes         | 2026-11-25 16:00+01:00
        10 sec             | 2026-11-25 14:30:10+01:00
        0h                 | 2026-11-25 14:30+01:00
        -2h                | 2026-11-25 12:30+01:00
        2 hours ago        | 2026-11-25 12:30+01:00
        1d2h               | 2026-11-26 16:30+01:00
        1d+2h              | 2026-11-26 16:30+01:00   # a distance with hours is from now
        36h                | 2026-11-27 02:30+01:00
        PT2H               | 2026-11-25 16:30+01:00
        P1DT2H30M          | 2026-11-26 17:00+01:00
        3d 17:00           | 2026-11-28 17:00+01:00
        in 2 weeks at noon | 2026-12-09 12:00+01:00
    """)
    def test_hours_give_an_instant(self, text: str, expected: str) -> None:
        assert moment(text) == expected

    @table("""
        eom-3d             | 2026-11-27
        tomorrow+1w        | 2026-12-03
        2026-12-24-1w      | 2026-12-17
        2026-12-24 + P1M   | 2027-01-24
        2026-W52-4d        | 2026-12-17   # four days before the week
        easter+1d          | 2027-03-29
        easter + 7w - 1d   | 2027-05-15
        2026-01-31+1mo     | 2026-02-28
        2028-01-31+1mo     | 2028-02-29
        2026-01-31+1mo+1mo | 2026-03-28
        2026-01-31+2mo     | 2026-03-31
        2026-03-31-1mo     | 2026-02-28
        2028-02-29+1y      | 2029-02-28
        24 dec 2027-3 days | 2027-12-21
    """)
    def test_are_added_to_a_day(self, text: str, expected: str) -> None:
        assert day(text) == expected

    @table("""
        tomorrow+2h                 | 2026-11-26 02:00+01:00
        friday 5pm + 30min          | 2026-11-27 17:30+01:00
        friday 5pm + 1w             | 2026-12-04 17:00+01:00
        17:00+1d                    | 2026-11-26 17:00+01:00
        17:00+1d-2h                 | 2026-11-26 15:00+01:00
        easter+1d-2h                | 2027-03-28 22:00+02:00
        eod-1h                      | 2026-11-25 22:59+01:00
        now-1mo                     | 2026-10-25 14:30+01:00
        now+6mo                     | 2027-05-25 14:30+02:00   # what the clock shows stays
        eom-3d 17:00                | 2026-11-27 17:00+01:00
        eom-3d 17:00 + 1h           | 2026-11-27 18:00+01:00
        2026-12-24 18:00-10 days    | 2026-12-14 18:00+01:00   # not a zone
        2026-12-24 18:00+30min      | 2026-12-24 18:30+01:00
        2026-12-24T18:00+01:00 - 1d | 2026-12-23 18:00+01:00
    """)
    def test_are_added_to_an_instant(self, text: str, expected: str) -> None:
        assert moment(text) == expected


class TestClockChanges:
    """In Berlin, clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October."""

    def test_a_time_in_the_gap_is_refused(self) -> None:
        error = refusal("2026-03-29 02:30")
        assert "go forward" in error.message
        assert "did you mean '2026-03-29 03:30'?" in str(error.hint)
        assert "03:30" in str(refusal("02:30", datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN)).hint)

    def test_an_ambiguous_time_is_the_first_one(self) -> None:
        assert moment("2026-10-25 02:30") == "2026-10-25 02:30+02:00"

    def test_the_next_such_time_may_be_the_second_one(self) -> None:
        now = datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN)
        assert moment("02:30", now) == "2026-10-25 02:30+01:00"
        assert moment("02:50", now) == "2026-10-25 02:50+02:00"

    def test_a_time_in_the_gap_of_today_is_tomorrow(self) -> None:
        assert moment("02:30", datetime(2026, 3, 29, 12, 0, tzinfo=BERLIN)) == "2026-03-30 02:30+02:00"

    @pytest.mark.parametrize(
        ("text", "now", "expected"),
        [
            ("2026-03-28 02:30 + 1d", "2026-03-01 12:00", "2026-03-29 03:30+02:00"),  # moved, as RFC 5545 does
            ("2026-03-28 02:30 + 24h", "2026-03-01 12:00", "2026-03-29 03:30+02:00"),
            ("2026-03-28 12:00 + 1d", "2026-03-01 12:00", "2026-03-29 12:00+02:00"),
            ("2026-03-28 12:00 + 24h", "2026-03-01 12:00", "2026-03-29 13:00+02:00"),
            ("2026-10-24 12:00 + 24h", "2026-03-01 12:00", "2026-10-25 11:00+01:00"),
            ("2026-10-24 02:30 + 1d", "2026-03-01 12:00", "2026-10-25 02:30+02:00"),
            ("2026-03-29 + 3h", "2026-03-01 12:00", "2026-03-29 04:00+02:00"),  # elapsed since 00:00
            ("2026-10-25 + 3h", "2026-03-01 12:00", "2026-10-25 02:00+01:00"),
            ("1d1h", "2026-03-28 02:30", "2026-03-29 04:30+02:00"),
            ("1h", "2026-03-29 01:30", "2026-03-29 03:30+02:00"),
            ("1h", "2026-10-25 02:30", "2026-10-25 02:30+01:00"),
        ],
    )
    def test_days_keep_the_clock_time_and_hours_are_elapsed_time(self, text: str, now: str, expected: str) -> None:
        assert moment(text, datetime.fromisoformat(now).replace(tzinfo=BERLIN)) == expected

    def test_a_day_may_start_at_one(self) -> None:
        # On 6 September 2026 the clocks go from 24:00 to 01:00 in Santiago: the day begins at 01:00, UTC-3.
        santiago = datetime(2026, 9, 6, 12, 0, tzinfo=ZoneInfo("America/Santiago"))
        first = datetime(2026, 9, 6, 4, 0, tzinfo=UTC)
        assert start_of_day(date(2026, 9, 6), santiago) == first
        assert start_of_next_day(date(2026, 9, 5), santiago) == first
        assert moment("sod", santiago) == "2026-09-06 01:00-03:00"
        assert moment("today+1h", santiago) == "2026-09-06 02:00-03:00"
        assert "'2026-09-06 01:00'" in str(refusal("today 00:00", santiago).hint)

    @pytest.mark.parametrize(
        ("zone", "text", "expected"),
        [
            ("America/New_York", "2026-12-24 18:00", "2026-12-24 18:00-05:00"),
            ("America/New_York", "2026-12-25T01:00Z", "2026-12-24 20:00-05:00"),
            ("Asia/Kolkata", "tomorrow 9am", "2026-11-26 09:00+05:30"),
            ("Asia/Kolkata", "2026-12-24T20:00Z", "2026-12-25 01:30+05:30"),
            ("Pacific/Kiritimati", "2026-12-24T12:00Z", "2026-12-25 02:00+14:00"),
        ],
    )
    def test_other_zones(self, zone: str, text: str, expected: str) -> None:
        assert moment(text, WEDNESDAY.replace(tzinfo=ZoneInfo(zone))) == expected

    def test_an_offset_selects_the_second_of_two_times(self) -> None:
        assert to_instant(date(2026, 10, 25), time(2, 30, fold=1), NOW) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


class TestErrors:
    @table("""
        tommorow                  | tomorrow
        tommorow 5pm              | tomorrow 5pm
        TOMORROWW                 | tomorrow
        tomorrów                  | tomorrow
        fri day                   | friday
        wendesday                 | wednesday
        tues                      | tue
        24 decembr                | 24 december
        febuary 3                 | february 3
        in 3 dayz                 | in 3 day
        on friday                 | friday
        friday, 5pm               | friday 5pm
        24-dec-2027               | 24 dec 2027
        next december             | december
        2026-13-01                | 2026-12-01
        2026-02-31                | 2026-02-28
        2026-02-31 17:00          | 2026-02-28 17:00
        2026-1-1                  | 2026-01-01
        2026-12                   | 2026-12-01
        20261324                  | 2026-12-24
        dec 2027                  | 2027-12-01
        2026-W54                  | 2026-W53
        2025-W53-2                | 2025-W52-2
        2026-W52-8                | 2026-W52-7
        2026-366                  | 2026-365
        2026-000                  | 2026-001
        31 feb                    | 28 feb
        feb 31 17:00              | feb 28 17:00
        30 feb 2028               | 29 feb 2028
        31st of april             | 30th of april
        0 dec                     | 1 dec
        31th                      | 31st
        0th                       | 1st
        32nd                      | 31st
        2th                       | 2nd
        fifth monday of february  | last monday of february
        6th monday of month       | last monday of month
        first monday              | first monday of month
        last day of week          | last day of month
        5                         | 5d
        +3                        | +3d
        eom-3                     | eom-3d
        friday 17                 | friday 17:00
        at 5                      | at 5:00
        24 dec 27                 | 24 dec 2027
        friday 3d                 | friday + 3d
        friday eod                | friday 23:59
        in -3d                    | -3d
        25:00                     | 23:00
        friday 18:60              | friday 18:59
        2026-12-24 18:60          | 2026-12-24 18:59
        24:00                     | 2026-11-26 00:00
        2026-12-24 24:00          | 2026-12-25 00:00
        24:00 friday              | 2026-11-28 00:00
        midnight                  | 00:00
        friday at midnight        | friday at 00:00
        13pm                      | 13:00
        0am                       | 00:00
        5:75pm                    | 17:59
        friday 17:00+02:00        | friday 17:00
        2026-12-24 18:00+99:00    | 2026-12-24 18:00
        24.12.2026                | 2026-12-24
        24.12.                    | 2026-12-24
        24.11.                    | 2027-11-24
        24.12.26 17:00            | 2026-12-24 17:00
        17.30                     | 17:30
        25/10/2026                | 2026-10-25
        2026/12/24                | 2026-12-24
    """)
    def test_suggest_a_correction(self, text: str, expected: str) -> None:
        hint = str(refusal(text).hint)
        assert hint.startswith(f"did you mean '{expected}'? ")
        assert "examples: " in hint
        parse_when(expected, WEDNESDAY)

    @table("""
        10/11/2026      | '2026-11-10' or '2026-10-11'
        10/11           | '2027-11-10' or '2027-10-11'
        10/11/26 17:00  | '2026-11-10 17:00' or '2026-10-11 17:00'
        this month      | 'som' or 'eom'
    """)
    def test_suggest_both_readings(self, text: str, expected: str) -> None:
        assert f"did you mean {expected}? " in str(refusal(text).hint)

    def test_name_the_setting_for_dates_with_slashes(self) -> None:
        assert "todo config set date_order d/m/y" in str(refusal("10/11").hint)

    def test_suggest_the_other_order(self) -> None:
        error = refusal("25/12/2026", conventions=Conventions(date_order="m/d/y"))
        assert str(error.hint).startswith("did you mean '2026-12-25'? date_order is m/d/y; ")

    def test_a_year_needs_four_digits(self) -> None:
        assert "'2026-11-10'" in str(refusal("10/11/26", conventions=Conventions(date_order="d/m/y")).hint)

    @pytest.mark.parametrize(
        "text",
        [
            *("", " ", "+", "-", ",", "in", "at", "of", "ago", "last", "next", "first", "last day of", "the", "a"),
            *(
                "3x",
                "+3x",
                "tomorrow tomorrow",
                "5pm 5pm",
                "now now",
                "24 of",
                "1st of month",
                "P",
                "PT",
                "P1DT",
                "P1H",
            ),
            *(
                "d3",
                "1.5h",
                "2h ago ago",
                "friday 2026-12-24",
                "next next week",
                "9:5",
                "1:00:0",
                "12:00:00:00",
                "at at",
            ),
            *("٢٠٢٦-١٢-٢٤", "٣d", "²d", "\u212aw", "\x00", "today\x00", "\ud800", "😀", "2026\u201112\u201124"),
        ],
    )
    def test_have_no_suggestion_if_nothing_is_similar(self, text: str) -> None:
        assert str(refusal(text).hint).startswith(("examples: ", "write ISO 8601 durations ", "did you mean "))

    @pytest.mark.parametrize(
        "text",
        [
            *("0000-01-01", "0001-12-31", "9999-01-01", "9999-12-31 23:59", "9999-W01", "99991231", "24 dec 0001"),
            *("9998-12-31+1d", "later+1d", "0002-01-01-1d", "0002-01-01 - 1h", "0002-01-01T00:00+02:00", "9998-W53-7"),
            *(f"{sign}{'9' * digits}{unit}" for sign in "+-" for digits in (9, 20, 150) for unit in "hdwqy"),
            "PT99999999999999999H",
            "1y" + "+9999y" * 30,
            "1/1/9999",
        ],
    )
    def test_name_the_supported_years(self, text: str) -> None:
        error = refusal(text, datetime(2026, 1, 1, tzinfo=UTC))
        assert "too far away" in error.message
        assert "year 0002 to the end of 9998" in str(error.hint)

    def test_are_short(self) -> None:
        for text in ("x" * 100_000, "1" * 100_000, "+1d" * 30_000, "\ud800" * 100_000, "9" * 150 + " foo" * 10):
            assert len(refusal(text).message) < 500
            assert len(str(refusal(text).hint)) < 500

    def test_explain_a_missing_weekday(self) -> None:
        message = refusal("fifth monday of february").message
        assert message.endswith("there is no fifth monday from 2027-02-01 to 2027-02-28")


class TestLastDays:
    @pytest.mark.parametrize(
        "text",
        [
            *("eom", "EOQ", "eoy", " eom ", "eom 17:00", "17:00 eom", "eom at noon", "last day of month"),
            *("last  day of the month", "last day of quarter", "last day of next year", "last day of february 17:00"),
        ],
    )
    def test_are_recognized(self, text: str) -> None:
        assert names_last_day(text)

    @pytest.mark.parametrize(
        "text",
        [
            *("2026-11-30", "30th", "eow", "eod", "eoww", "eom-3d", "eom+1d", "eom 17:00 + 1h", "first day of month"),
            *("last friday of month", "31 dec", "", "eom 25:00", "eom eom", "last day of", "\ud800", "later"),
        ],
    )
    def test_other_texts_are_not_last_days(self, text: str) -> None:
        assert not names_last_day(text)


def test_the_years_leave_room_for_every_zone() -> None:
    for year, zone in ((FIRST_YEAR, "Pacific/Kiritimati"), (LAST_YEAR, "Pacific/Pago_Pago")):
        now = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
        for text in (f"{year:04}-01-01", f"{year:04}-12-31 23:59"):
            assert parse_when(text, now).on.year == year
    assert parse_when("today", NOW) == When(NOW.date())


def test_every_example_in_the_reference_is_valid() -> None:
    rows = [row.split("|")[1] for row in str(dates.__doc__).splitlines() if row.startswith("| ")]
    examples = [text for row in rows for text in re.findall("`([^`…]+)`", row)]
    assert len(examples) > 60
    for text in examples:
        parse_when(text, WEDNESDAY, Conventions(date_order="d/m/y"))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("30 feb", True),
        ("next fridya", True),
        ("end of month", True),
        ("by friday", True),
        ("friday 25:00", True),
        ("friday 17:00Z", True),
        ("friday Pay rent", False),
        ("fridya Pay rent", False),
        ("friday", False),
        ("", False),
    ],
)
def test_likely_typos_of_several_words(text: str, is_one: bool) -> None:
    assert dates.is_slip(text, lambda word: dates.is_when(word, WEDNESDAY)) is is_one


@pytest.mark.parametrize(("text", "meant"), [("end of month", "eom"), ("the start of this week", "sow")])
def test_the_start_or_end_of_a_period_is_suggested(text: str, meant: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_when(text, WEDNESDAY)
    assert f"did you mean '{meant}'?" in str(caught.value.hint)


def test_a_time_in_the_gap_still_counts_as_a_date() -> None:
    assert dates.is_when("2027-03-28 02:30", WEDNESDAY)
