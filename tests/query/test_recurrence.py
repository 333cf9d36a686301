"""The slots of a series: the examples of RFC 5545, 3.8.5.3, then cases that they do not cover."""

# ruff: noqa: DTZ001 (slots are naive: wall-clock times of a series' zone)

import calendar
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calls import count_calls
from tests.query.recurrence_strategies import RULES, STARTS
from tests.tiers import choose
from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.recurrence.occurrences import check_rule, first_slot, slot_after_completion, slots, slots_after
from todo_cli.query.recurrence.parser import parse_every
from todo_cli.query.recurrence.rules import DAY_CODES, Rule, parse_rule
from todo_cli.query.recurrence.slots import Slot, find_zone, format_slot, parse_slot, slot_to_when, when_to_slot

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
START = datetime(1997, 9, 2, 9, 0)


def first_slots(rule: str, start: Slot, count: int, zone: str = NEW_YORK) -> list[Slot]:
    return list(islice(slots(parse_rule(rule), start, zone), count))


def days_of(text: str) -> list[date]:
    """Parse `1997-09-02,05 10-01 1998-01-01`: year and month default to those of the previous day."""
    found: list[date] = []
    for word in text.replace(",", " ").split():
        parts = [int(part) for part in word.split("-")]
        before = [found[-1].year, found[-1].month] if found else []
        found.append(date(*before[: 3 - len(parts)], *parts))
    return found


# Each rule, the start where it is not START, whether the series ends there, and the days that the RFC lists.
RFC_DAYS = [
    ("FREQ=DAILY;COUNT=10", None, True, "1997-09-02,03,04,05,06,07,08,09,10,11"),
    ("FREQ=DAILY;INTERVAL=2", None, False, "1997-09-02,04,06,08,10,12,14,16,18,20,22,24,26,28,30 10-02,04"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", None, True, "1997-09-02,12,22 10-02,12"),
    ("FREQ=WEEKLY;COUNT=10", None, True, "1997-09-02,09,16,23,30 10-07,14,21,28 11-04"),
    (
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        None,
        True,
        "1997-09-02,09,16,23,30 10-07,14,21,28 11-04,11,18,25 12-02,09,16,23",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        None,
        False,
        "1997-09-02,16,30 10-14,28 11-11,25 12-09,23 1998-01-06,20 02-03,17",
    ),
    ("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", None, True, "1997-09-02,04,09,11,16,18,23,25,30 10-02"),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", None, True, "1997-09-02,04,09,11,16,18,23,25,30 10-02"),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        datetime(1997, 9, 1, 9),
        True,
        "1997-09-01,03,05,15,17,19,29 10-01,03,13,15,17,27,29,31 11-10,12,14,24,26,28 12-08,10,12,22",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", None, True, "1997-09-02,04,16,18,30 10-02,14,16"),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        datetime(1997, 9, 5, 9),
        True,
        "1997-09-05 10-03 11-07 12-05 1998-01-02 02-06 03-06 04-03 05-01 06-05",
    ),
    (
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        datetime(1997, 9, 5, 9),
        True,
        "1997-09-05 10-03 11-07 12-05",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        datetime(1997, 9, 7, 9),
        True,
        "1997-09-07,28 11-02,30 1998-01-04,25 03-01,29 05-03,31",
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        datetime(1997, 9, 22, 9),
        True,
        "1997-09-22 10-20 11-17 12-22 1998-01-19 02-16",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        datetime(1997, 9, 28, 9),
        False,
        "1997-09-28 10-29 11-28 12-29 1998-01-29 02-26",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        None,
        True,
        "1997-09-02,15 10-02,15 11-02,15 12-02,15 1998-01-02,15",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        datetime(1997, 9, 30, 9),
        True,
        "1997-09-30 10-01,31 11-01,30 12-01,31 1998-01-01,31 02-01",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        datetime(1997, 9, 10, 9),
        True,
        "1997-09-10,11,12,13,14,15 1999-03-10,11,12,13",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        None,
        False,
        "1997-09-02,09,16,23,30 11-04,11,18,25 1998-01-06,13,20,27 03-03,10,17,24,31",
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        datetime(1997, 6, 10, 9),
        True,
        "1997-06-10 07-10 1998-06-10 07-10 1999-06-10 07-10 2000-06-10 07-10 2001-06-10 07-10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        datetime(1997, 3, 10, 9),
        True,
        "1997-03-10 1999-01-10 02-10 03-10 2001-01-10 02-10 03-10 2003-01-10 02-10 03-10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        datetime(1997, 1, 1, 9),
        True,
        "1997-01-01 04-10 07-19 2000-01-01 04-09 07-18 2003-01-01 04-10 07-19 2006-01-01",
    ),
    ("FREQ=YEARLY;BYDAY=20MO", datetime(1997, 5, 19, 9), False, "1997-05-19 1998-05-18 1999-05-17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", datetime(1997, 5, 12, 9), False, "1997-05-12 1998-05-11 1999-05-17"),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        datetime(1997, 3, 13, 9),
        False,
        "1997-03-13,20,27 1998-03-05,12,19,26 1999-03-04,11,18,25",
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        datetime(1997, 6, 5, 9),
        False,
        "1997-06-05,12,19,26 07-03,10,17,24,31 08-07,14,21,28 1998-06-04,11,18,25 07-02,09,16,23,30 08-06,13,20,27",
    ),
    (  # the RFC takes the start out with an EXDATE: it is no Friday, and yet the first slot
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        None,
        False,
        "1997-09-02 1998-02-13 03-13 11-13 1999-08-13 2000-10-13",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        datetime(1997, 9, 13, 9),
        False,
        "1997-09-13 10-11 11-08 12-13 1998-01-10 02-07 03-07 04-11 05-09 06-13",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        datetime(1996, 11, 5, 9),
        False,
        "1996-11-05 2000-11-07 2004-11-02",
    ),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", datetime(1997, 9, 4, 9), True, "1997-09-04 10-07 11-06"),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        datetime(1997, 9, 29, 9),
        False,
        "1997-09-29 10-30 11-27 12-30 1998-01-29 02-26 03-30",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", datetime(1997, 8, 5, 9), True, "1997-08-05,10,19,24"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", datetime(1997, 8, 5, 9), True, "1997-08-05,17,19,31"),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", datetime(2007, 1, 15, 9), True, "2007-01-15,30 02-15 03-15,30"),
]


def next_slot(rule: Rule, start: Slot, after: Slot, not_before: date, zone: str) -> Slot | None:
    return next(slots_after(rule, start, after, zone, not_before=not_before), None)


class TestExamplesOfTheRfc:
    @pytest.mark.parametrize(("rule", "start", "ends", "days"), RFC_DAYS, ids=[example[0] for example in RFC_DAYS])
    def test_days(self, rule: str, start: datetime | None, ends: bool, days: str) -> None:
        expected = [datetime.combine(day, time(9)) for day in days_of(days)]
        found = first_slots(rule, start or START, len(expected) + 1)
        assert found[: len(expected)] == expected
        assert ends == (len(found) == len(expected))

    def test_every_day_until_a_date(self) -> None:
        found = first_slots("FREQ=DAILY;UNTIL=19971224T000000Z", START, 1000)
        assert (len(found), found[-1]) == (113, datetime(1997, 12, 23, 9))

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
            "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
        ],
    )
    def test_every_day_in_january_for_three_years(self, rule: str) -> None:
        expected = [datetime(year, 1, day, 9) for year in (1998, 1999, 2000) for day in range(1, 32)]
        assert first_slots(rule, datetime(1998, 1, 1, 9), 1000) == expected

    def test_monday_of_the_first_week_may_be_in_december(self) -> None:
        days = days_of("1997-12-29 1999-01-04 2000-01-03 2001-01-01 12-31 2002-12-30")
        found = first_slots("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", datetime(1997, 12, 29, 9), 6)
        assert found == [datetime.combine(day, time(9)) for day in days]

    @pytest.mark.parametrize(
        ("rule", "times"),
        [
            ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "09:00 12:00 15:00"),
            ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", "09:00 09:15 09:30 09:45 10:00 10:15"),
            ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", "09:00 10:30 12:00 13:30"),
        ],
    )
    def test_times_of_one_day(self, rule: str, times: str) -> None:
        # The RFC prints UNTIL=19970902T170000Z, yet lists 15:00: it means 17:00 in New York, which is 21:00 in UTC.
        expected = [datetime.combine(START, time.fromisoformat(text)) for text in times.split()]
        assert first_slots(rule, START, 100) == expected

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
            "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        ],
    )
    def test_every_twenty_minutes_by_day(self, rule: str) -> None:
        expected = [
            datetime(1997, 9, day, hour, minute) for day in (2, 3) for hour in range(9, 17) for minute in (0, 20, 40)
        ]
        assert first_slots(rule, START, len(expected)) == expected

    def test_the_instants_are_those_of_eastern_time(self) -> None:
        found = first_slots("FREQ=WEEKLY;COUNT=10", START, 10)
        instants = [slot_to_when(slot, NEW_YORK).at for slot in found]
        summer, winter = timedelta(hours=4), timedelta(hours=5)
        # 26 October 1997: from EDT to EST
        offsets = [summer] * 8 + [winter] * 2
        assert instants == [
            (slot + offset).replace(tzinfo=UTC)
            for slot, offset in zip(found, offsets, strict=True)
            if isinstance(slot, datetime)
        ]


class TestDetailsOfTheRfc:
    """Cases that common implementations get wrong, or in which the RFC leaves a choice."""

    @pytest.mark.parametrize(
        ("rule", "start", "days"),
        [
            ("FREQ=MONTHLY;BYDAY=MO,2TU", "2026-11-02", "2026-11-02,09,10,16,23,30 12-07,08"),
            ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "2026-11-19", "2026-11-19,23,30"),
            ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1", "2026-11-19", "2026-11-19,20,27"),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1", "2026-11-02", "2026-11-02,30 12-01,31"),
            ("FREQ=YEARLY;BYDAY=-1MO;BYMONTH=3,10", "2026-03-30", "2026-03-30 10-26 2027-03-29"),
            ("FREQ=YEARLY;BYDAY=-1FR", "2026-12-25", "2026-12-25 2027-12-31 2028-12-29"),
            ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU", "2021-01-03", "2021-01-03 2027-01-03 2033-01-02"),
            ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", "2020-12-28", "2020-12-28 2021-12-27 2022-12-26"),
            ("FREQ=YEARLY;BYWEEKNO=-53;BYDAY=TU", "2026-01-01", "2026-01-01 2031-12-30 2036-12-30"),
            ("FREQ=YEARLY;BYWEEKNO=10", "2026-11-24", "2026-11-24 2027-03-09 2028-03-07"),  # the start's weekday
            ("FREQ=YEARLY;BYYEARDAY=366", "2024-12-31", "2024-12-31 2028-12-31"),
            ("FREQ=YEARLY;BYYEARDAY=-366", "2024-01-01", "2024-01-01 2028-01-01"),
            ("FREQ=YEARLY;BYMONTHDAY=31", "2026-01-31", "2026-01-31 03-31 05-31 07-31 08-31 10-31 12-31 2027-01-31"),
            ("FREQ=MONTHLY;BYDAY=53MO,1MO", "2026-12-07", "2026-12-07 2027-01-04"),
            ("FREQ=YEARLY", "2024-02-29", "2024-02-29 2028-02-29 2032-02-29"),
            ("FREQ=YEARLY", "2096-02-29", "2096-02-29 2104-02-29"),  # 2100 is no leap year
            ("FREQ=MONTHLY", "2026-01-31", "2026-01-31 03-31 05-31"),
            ("FREQ=DAILY;BYDAY=MO,TU;COUNT=3", "2026-11-22", "2026-11-22,23,24"),  # the start counts
            ("FREQ=DAILY;UNTIL=20261124", "2026-11-22", "2026-11-22,23,24"),
        ],
    )
    def test_days(self, rule: str, start: str, days: str) -> None:
        expected = days_of(days)
        assert first_slots(rule, parse_slot(start), len(expected)) == expected

    def test_until_a_date_includes_its_last_time(self) -> None:
        found = first_slots("FREQ=HOURLY;INTERVAL=6;UNTIL=20261122", datetime(2026, 11, 22, 9), 9)
        assert found == [datetime(2026, 11, 22, 9), datetime(2026, 11, 22, 15), datetime(2026, 11, 22, 21)]

    def test_until_in_utc_is_converted_to_the_zone(self) -> None:
        start = datetime(2026, 11, 22, 18)  # 17:00 in UTC
        assert len(first_slots("FREQ=DAILY;UNTIL=20261123T170000Z", start, 9, BERLIN)) == 2
        assert len(first_slots("FREQ=DAILY;UNTIL=20261123T165959Z", start, 9, BERLIN)) == 1
        assert len(first_slots("FREQ=DAILY;UNTIL=20261123T180000", start, 9, BERLIN)) == 2

    def test_second_60_is_second_59(self) -> None:
        found = first_slots("FREQ=MINUTELY;BYSECOND=59,60", datetime(2026, 11, 22, 18, 0, 59), 2)
        assert found == [datetime(2026, 11, 22, 18, 0, 59), datetime(2026, 11, 22, 18, 1, 59)]

    def test_positions_within_an_hour(self) -> None:
        found = first_slots("FREQ=HOURLY;BYMINUTE=0,20,40;BYSETPOS=-1", datetime(2026, 11, 22, 18, 40), 2)
        assert found == [datetime(2026, 11, 22, 18, 40), datetime(2026, 11, 22, 19, 40)]

    @pytest.mark.parametrize("week_start", DAY_CODES)
    @pytest.mark.parametrize("day", ["0002-01-01", "9998-12-26", "9998-12-31"])
    def test_weeks_at_the_ends_of_the_calendar(self, week_start: str, day: str) -> None:
        start = parse_slot(day)
        found = first_slots(f"FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO,TU,WE,TH,FR,SA,SU;WKST={week_start}", start, 9)
        assert found[0] == start
        assert found[-1] <= date(9998, 12, 31)

    def test_the_calendar_ends(self) -> None:
        assert first_slots("FREQ=DAILY", date(9998, 12, 30), 9) == [date(9998, 12, 30), date(9998, 12, 31)]
        assert first_slots("FREQ=YEARLY;BYWEEKNO=1,53", date(9998, 12, 31), 9) == [date(9998, 12, 31)]
        assert next_slot(parse_rule("FREQ=DAILY"), START, START, date(9999, 1, 1), BERLIN) is None
        assert first_slots("FREQ=YEARLY;INTERVAL=999999999999999999", date(2026, 1, 1), 9) == [date(2026, 1, 1)]


class TestMonthEnds:
    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 7))
    def test_every_month_from_any_day_keeps_the_day_or_ends_with_the_month(self, start: date, months: int) -> None:
        found = list(islice(slots(parse_every(f"{months} months", start), start, BERLIN), 20))
        for before, after in pairwise(found):
            assert (after.year * 12 + after.month) - (before.year * 12 + before.month) == months
        assert [slot.day for slot in found] == [min(start.day, _month_length(slot)) for slot in found]

    def test_29_february_returns(self) -> None:
        start = date(2028, 2, 29)
        found = list(islice(slots(parse_every("year", start), start, BERLIN), 5))
        assert found == days_of("2028-02-29 2029-02-28 2030-02-28 2031-02-28 2032-02-29")

    def test_two_days_of_which_one_is_missing_in_february(self) -> None:
        start = date(2027, 1, 15)
        found = list(islice(slots(parse_every("15th and 30th", start), start, BERLIN), 6))
        assert found == days_of("2027-01-15,30 02-15,28 03-15,30")


def _month_length(slot: Slot) -> int:
    return calendar.monthrange(slot.year, slot.month)[1]


class TestClockChanges:
    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            (BERLIN, date(2026, 3, 28), [8, 7, 7]),  # 29 March 2026: UTC+1 to UTC+2
            (BERLIN, date(2026, 10, 24), [7, 8, 8]),
            (NEW_YORK, date(2026, 3, 7), [14, 13, 13]),
            (NEW_YORK, date(2026, 10, 31), [13, 14, 14]),
        ],
    )
    def test_the_wall_clock_time_is_kept(self, zone: str, day: date, hours: list[int]) -> None:
        found = first_slots("FREQ=DAILY", datetime.combine(day, time(9)), 3, zone)
        instants = [slot_to_when(slot, zone).at for slot in found]
        assert [instant.hour for instant in instants if instant] == hours

    @pytest.mark.parametrize(
        ("slot", "zone", "instant"),
        [
            ("2026-03-29T02:30:00", BERLIN, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # left out: as with UTC+1
            ("2026-10-25T02:30:00", BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice: the first
            ("2026-03-08T02:30:00", NEW_YORK, datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
            ("2026-11-01T01:30:00", NEW_YORK, datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ],
    )
    def test_skipped_and_ambiguous_times(self, slot: str, zone: str, instant: datetime) -> None:
        assert slot_to_when(parse_slot(slot), zone) == When(date.fromisoformat(slot[:10]), instant)

    @given(STARTS, st.sampled_from([BERLIN, NEW_YORK, "Asia/Kolkata", "Pacific/Apia"]))
    def test_a_slot_round_trips_through_its_instant(self, slot: Slot, zone: str) -> None:
        back = when_to_slot(slot_to_when(slot, zone), zone)
        if isinstance(slot, datetime) and back != slot:  # the clocks leave it out
            assert isinstance(back, datetime)
            assert timedelta() < back - slot <= timedelta(hours=24)
        else:
            assert back == slot

    @given(RULES.filter(lambda rule: not rule.has_times), st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)))
    def test_days_and_longer_periods_keep_the_time_of_the_start(self, rule: Rule, start: datetime) -> None:
        start = start.replace(microsecond=0)
        assert all(
            slot.time() == start.time() for slot in islice(slots(rule, start, BERLIN), 5) if isinstance(slot, datetime)
        )


class TestNextSlot:
    @given(RULES, STARTS, st.integers(0, 400), st.integers(0, 600))
    def test_the_next_slot_is_the_first_match(self, rule: Rule, start: Slot, after_days: int, more_days: int) -> None:
        start = _suitable(rule, start)
        after = start + timedelta(days=after_days, seconds=7)
        not_before = _day(start) + timedelta(days=more_days)
        found = next_slot(rule, start, after, not_before, BERLIN)
        end = start + timedelta(days=1200)
        early = list(takewhile(lambda slot: slot < end, islice(slots(rule, start, BERLIN), 3000)))
        fitting = [slot for slot in early if slot > after and _day(slot) >= not_before]
        if fitting:
            assert found == fitting[0]
        else:
            assert found is None or found > early[-1]
            assert found is None or found >= end or len(early) == 3000

    @given(RULES, STARTS)
    def test_slots_increase_and_can_start_after_any_slot(self, rule: Rule, start: Slot) -> None:
        start = _suitable(rule, start)
        found = list(islice(slots(rule, start, BERLIN), 12))
        assert found[0] == start
        assert all(before < after for before, after in pairwise(found))
        assert rule.count is None or len(found) <= rule.count
        for place, slot in enumerate(found):
            rest = list(islice(slots_after(rule, start, slot, BERLIN), len(found) - place - 1))
            assert rest == found[place + 1 :]

    def test_missed_slots_are_skipped(self) -> None:
        start = date(2026, 11, 2)
        assert next_slot(parse_rule("FREQ=WEEKLY"), start, start, date(2026, 11, 22), BERLIN) == date(2026, 11, 23)

    def test_missed_slots_count(self) -> None:
        rule, start = parse_rule("FREQ=WEEKLY;COUNT=3"), date(2026, 11, 2)
        assert next_slot(rule, start, start, date(2026, 11, 15), BERLIN) == date(2026, 11, 16)
        assert next_slot(rule, start, start, date(2026, 11, 17), BERLIN) is None


def _suitable(rule: Rule, start: Slot) -> Slot:
    return _moment(start) if rule.has_times else start


def _moment(slot: Slot) -> datetime:
    return slot if isinstance(slot, datetime) else datetime.combine(slot, time())


def _day(slot: Slot) -> date:
    return slot.date() if isinstance(slot, datetime) else slot


@pytest.mark.parametrize(
    ("every", "on_or_after", "expected"),
    [
        ("mon", "2026-11-22", "2026-11-23"),  # a Sunday
        ("mon", "2026-11-23", "2026-11-23"),
        ("month", "2026-11-22", "2026-11-22"),
        ("last day of month", "2026-11-22", "2026-11-30"),
        ("24 dec", "2026-12-25", "2027-12-24"),
        ("day", "2026-11-22T18:00:00", "2026-11-22T18:00:00"),
        ("weekday", "2026-11-22T18:00:00", "2026-11-23T18:00:00"),
        ("FREQ=DAILY;UNTIL=20261121", "2026-11-22", None),
    ],
)
def test_the_first_slot_of_a_series_without_a_start(every: str, on_or_after: str, expected: str | None) -> None:
    start = parse_slot(on_or_after)
    found = first_slot(parse_every(every, start), start, BERLIN)
    assert (found and format_slot(found)) == expected


@pytest.mark.parametrize(
    ("every", "completed", "at", "expected"),
    [
        ("day", "2026-11-22T23:59:59", None, "2026-11-23"),
        ("2 weeks", "2026-11-22T10:00:00", None, "2026-12-06"),
        ("2 weeks", "2026-11-22T10:00:00", "18:00", "2026-12-06T18:00:00"),
        ("month", "2027-01-31T10:00:00", None, "2027-02-28"),
        ("year", "2028-02-29T10:00:00", None, "2029-02-28"),
        ("quarter", "2026-11-30T10:00:00", None, "2027-02-28"),
        ("2 hours", "2026-11-22T23:15:10", "09:00", "2026-11-23T01:15:10"),
        ("2 hours", "2026-11-22T23:15:10", None, "2026-11-23T01:15:10"),
        ("2 weeks", "2026-11-22T23:15:10", "00:00", "2026-12-06T00:00:00"),
        ("mon,thu", "2026-11-23T10:00:00", None, "2026-11-26"),  # a Monday
        ("mon,thu", "2026-11-23T10:00:00", "18:00", "2026-11-26T18:00:00"),  # not that evening
        ("last day of month", "2026-11-30T10:00:00", None, "2026-12-31"),
        ("FREQ=DAILY;UNTIL=20261122", "2026-11-22T10:00:00", None, None),
        ("FREQ=HOURLY;BYHOUR=9,18", "2026-11-22T10:00:00", "09:00", "2026-11-22T18:00:00"),
        ("FREQ=YEARLY;INTERVAL=9000", "2026-11-22T10:00:00", None, None),
        ("FREQ=MONTHLY;INTERVAL=999999999999999999", "2026-11-22T10:00:00", None, None),
        ("FREQ=DAILY;INTERVAL=999999999999999999", "2026-11-22T10:00:00", None, None),
    ],
)
def test_the_slot_after_a_completion(every: str, completed: str, at: str | None, expected: str | None) -> None:
    moment = datetime.fromisoformat(completed)
    rule = parse_every(every, moment, from_completion=True)
    found = slot_after_completion(rule, moment, time.fromisoformat(at) if at else None, BERLIN)
    assert (found and format_slot(found)) == expected


class TestCheckRule:
    @pytest.mark.parametrize(
        ("rule", "start"),
        [
            ("FREQ=DAILY", "2026-11-22"),
            ("FREQ=HOURLY", "2026-11-22T18:00:00"),
            ("FREQ=DAILY;UNTIL=20261122", "2026-11-22"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "2026-11-22"),
        ],
    )
    def test_accepted(self, rule: str, start: str) -> None:
        check_rule(parse_rule(rule), parse_slot(start), BERLIN)

    @pytest.mark.parametrize(
        ("rule", "start", "message"),
        [
            ("FREQ=HOURLY", "2026-11-22", "needs a due date with a time"),
            ("FREQ=DAILY;BYHOUR=9", "2026-11-22", "needs a due date with a time"),
            ("FREQ=DAILY;UNTIL=20261121", "2026-11-22", "ends before its start"),
            ("FREQ=DAILY;UNTIL=20261122T165959Z", "2026-11-22T18:00:00", "ends before its start"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-11-22", "does not occur within 100 years"),
            ("FREQ=DAILY;INTERVAL=999999999", "2026-11-22", "does not occur within 100 years"),
            ("FREQ=DAILY;COUNT=100001", "2026-11-22", "COUNT must be at most 100,000"),
            ("FREQ=DAILY;COUNT=100000000000000000", "2026-11-22", "COUNT must be at most 100,000"),
        ],
    )
    def test_refused(self, rule: str, start: str, message: str) -> None:
        with pytest.raises(InvalidInputError, match=message) as caught:
            check_rule(parse_rule(rule), parse_slot(start), BERLIN)
        assert caught.value.hint

    def test_a_stored_count_beyond_the_calendar_is_ignored(self) -> None:
        start, late = datetime(2026, 1, 1, 10), datetime(8999, 12, 31)
        counted, uncounted = (parse_rule(f"FREQ=DAILY{count}") for count in (";COUNT=100000000000000000", ""))
        found = [list(islice(slots_after(rule, start, late, BERLIN), 2)) for rule in (counted, uncounted)]
        assert found == [[datetime(8999, 12, 31, 10), datetime(9000, 1, 1, 10)]] * 2

    def test_completions_are_not_counted(self) -> None:
        with pytest.raises(InvalidInputError, match="COUNT"):
            check_rule(parse_rule("FREQ=DAILY;COUNT=3"), date(2026, 11, 22), BERLIN, from_completion=True)


_ALL_SECONDS = ",".join(map(str, range(60)))
_ALL_DAYS = ",".join(map(str, range(1, 32)))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5",
        "FREQ=SECONDLY;INTERVAL=86400;BYHOUR=5",
        "FREQ=SECONDLY;INTERVAL=43201;BYHOUR=5;BYMINUTE=1;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=DAILY;BYHOUR=1;BYSETPOS=99",
        f"FREQ=YEARLY;BYMONTHDAY={_ALL_DAYS};BYYEARDAY=366;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=5",
        f"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYMINUTE={_ALL_SECONDS};BYSECOND={_ALL_SECONDS}",
        "FREQ=SECONDLY;COUNT=999999999999999999;BYMONTH=1",
    ],
)
def test_no_rule_takes_long(rule: str) -> None:
    start = datetime(1997, 9, 2, 9)

    def expand() -> None:
        with suppress(InvalidInputError):
            check_rule(parse_rule(rule), start, BERLIN)
        next_slot(parse_rule(rule), start, datetime(2026, 11, 22, 9), date(2026, 11, 22), BERLIN)

    assert count_calls(expand) < 2_000_000


@settings(max_examples=choose(60, 400))
@given(
    st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]),
    st.integers(1, 5),
    st.sampled_from(["", ";BYMONTH=1,6", ";BYDAY=MO,TH", ";BYMONTH=11;BYDAY=SA", ";BYHOUR=9,17"]),
    st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),
)
def test_plain_rules_agree_with_dateutil(freq: str, interval: int, parts: str, start: datetime) -> None:
    start = start.replace(microsecond=0)
    rule = f"FREQ={freq};INTERVAL={interval}{parts}"
    end = start + timedelta(days=4000)
    expected: list[datetime] = []
    with suppress(ValueError):  # dateutil refuses what never comes
        expected = [slot for slot in islice(rrulestr(rule, dtstart=start).xafter(start), 10) if slot < end]
    ours = takewhile(lambda slot: slot < end, islice(slots_after(parse_rule(rule), start, start, BERLIN), 10))
    assert list(ours) == expected


class TestSlots:
    @given(STARTS)
    def test_slots_round_trip(self, slot: Slot) -> None:
        assert parse_slot(format_slot(slot)) == slot
        assert type(parse_slot(format_slot(slot))) is type(slot)

    @pytest.mark.parametrize(
        "text", ["", "2026-11-31", "2026-11-30 18:00:00", "2026-11-30T18:00", "٢٠٢٦-١٢-٢٤", "x" * 99]
    )
    def test_other_texts_are_refused(self, text: str) -> None:
        with pytest.raises(InvalidInputError):
            parse_slot(text)

    @pytest.mark.parametrize(
        "name", ["", "Europe", "Europe/Nowhere", "/etc/passwd", "../x", "a\x00b", "\udc80", "é", "x" * 5000]
    )
    def test_unknown_zones_are_refused(self, name: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            find_zone(name)
        assert "tzdata" in str(caught.value.hint)

    def test_known_zones(self) -> None:
        assert find_zone(BERLIN) == ZoneInfo(BERLIN)
