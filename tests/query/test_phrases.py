"""Recurrence phrases, as a table: the phrase, its RRULE, the description, and the first slots of the series."""

from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from time import thread_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.query.recurrence_strategies import RULES, STARTS
from todo_cli.errors import InvalidInputError
from todo_cli.query.recurrence.description import describe, describe_after
from todo_cli.query.recurrence.occurrences import slots
from todo_cli.query.recurrence.parser import is_phrase, parse_every
from todo_cli.query.recurrence.rules import Rule, parse_rule
from todo_cli.query.recurrence.slots import Slot, format_slot, parse_slot

START = date(2026, 11, 23)  # a Monday

PHRASES = [
    ("day", "FREQ=DAILY", "every day", "23 24 25"),
    ("3 days", "FREQ=DAILY;INTERVAL=3", "every 3 days", "23 26 29"),
    ("other day", "FREQ=DAILY;INTERVAL=2", "every 2 days", "23 25 27"),
    ("weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday", "23 24 25 26 27 30"),
    ("weekend", "FREQ=WEEKLY;BYDAY=SA,SU", "every week on Saturday and Sunday", "23 28 29"),
    ("week", "FREQ=WEEKLY", "every week on Monday", "23 30"),
    ("1 week", "FREQ=WEEKLY", "every week on Monday", "23 30"),
    ("2 weeks", "FREQ=WEEKLY;INTERVAL=2", "every 2 weeks on Monday", "23 12-07"),
    ("every 2 weeks", "FREQ=WEEKLY;INTERVAL=2", "every 2 weeks on Monday", "23 12-07"),
    ("other week", "FREQ=WEEKLY;INTERVAL=2", "every 2 weeks on Monday", "23 12-07"),
    ("mon,wed,fri", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "every week on Monday, Wednesday and Friday", "23 25 27 30"),
    ("Mondays and Thurs", "FREQ=WEEKLY;BYDAY=MO,TH", "every week on Monday and Thursday", "23 26 30"),
    ("friday", "FREQ=WEEKLY;BYDAY=FR", "every week on Friday", "23 27 12-04"),
    ("week on tue", "FREQ=WEEKLY;BYDAY=TU", "every week on Tuesday", "23 24 12-01"),
    (
        "2 weeks on mon,thu",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
        "every 2 weeks on Monday and Thursday",
        "23 26 12-07 12-10",
    ),
    ("month", "FREQ=MONTHLY", "every month on the 23rd", "23 12-23"),
    ("other month", "FREQ=MONTHLY;INTERVAL=2", "every 2 months on the 23rd", "23 2027-01-23"),
    ("3 months", "FREQ=MONTHLY;INTERVAL=3", "every 3 months on the 23rd", "23 2027-02-23"),
    ("quarter", "FREQ=MONTHLY;INTERVAL=3", "every 3 months on the 23rd", "23 2027-02-23"),
    ("2 quarters", "FREQ=MONTHLY;INTERVAL=6", "every 6 months on the 23rd", "23 2027-05-23"),
    ("15th", "FREQ=MONTHLY;BYMONTHDAY=15", "every month on the 15th", "23 12-15"),
    ("1st and 15th of month", "FREQ=MONTHLY;BYMONTHDAY=1,15", "every month on the 1st and 15th", "23 12-01 12-15"),
    ("month on the 1st and 15th", "FREQ=MONTHLY;BYMONTHDAY=1,15", "every month on the 1st and 15th", "23 12-01 12-15"),
    ("month on 2, 3", "FREQ=MONTHLY;BYMONTHDAY=2,3", "every month on the 2nd and 3rd", "23 12-02 12-03"),
    ("month on the 31st", "FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day", "23 30 12-31"),
    (
        "month on the 30th",
        "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
        "every month on the 30th, or the last day",
        "23 30 12-30 2027-01-30 2027-02-28 2027-03-30",
    ),
    (
        "29th",
        "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1",
        "every month on the 29th, or the last day",
        "23 29 12-29 2027-01-29 2027-02-28 2027-03-29",
    ),
    (
        "15th and 30th",
        "FREQ=MONTHLY;BYMONTHDAY=15,28,29,30;BYSETPOS=1,-1",
        "every month on the 15th and 30th, or the last day",
        "23 30 12-15 12-30 2027-01-15 2027-01-30 2027-02-15 2027-02-28",
    ),
    ("last day of month", "FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day", "23 30 12-31"),
    ("first day of month", "FREQ=MONTHLY;BYMONTHDAY=1", "every month on the 1st", "23 12-01"),
    ("month on the last day", "FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day", "23 30 12-31"),
    (
        "1st and last day of the month",
        "FREQ=MONTHLY;BYMONTHDAY=1,-1",
        "every month on the 1st and the last day",
        "23 30 12-01 12-31",
    ),
    (
        "30th and last day",
        "FREQ=MONTHLY;BYMONTHDAY=30,-1",
        "every month on the 30th and the last day, if there is one",
        "23 30 12-30 12-31",
    ),
    (
        "last day of quarter",
        "FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1",
        "every quarter on the last day",
        "23 12-31 2027-03-31 2027-06-30",
    ),
    (
        "quarter on the last day",
        "FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1",
        "every quarter on the last day",
        "23 12-31",
    ),
    (
        "first day of quarter",
        "FREQ=YEARLY;BYMONTH=1,4,7,10;BYMONTHDAY=1",
        "every quarter on the 1st",
        "23 2027-01-01 2027-04-01",
    ),
    (
        "30th of quarter",
        "FREQ=YEARLY;BYMONTH=1,4,7,10;BYMONTHDAY=30",
        "every quarter on the 30th",
        "23 2027-01-30 2027-04-30",
    ),
    (
        "last friday of quarter",
        "FREQ=YEARLY;BYMONTH=3,6,9,12;BYDAY=-1FR",
        "every quarter on the last Friday",
        "23 12-25 2027-03-26",
    ),
    (
        "2nd monday of the quarter",
        "FREQ=YEARLY;BYMONTH=1,4,7,10;BYDAY=2MO",
        "every quarter on the 2nd Monday",
        "23 2027-01-11 2027-04-12",
    ),
    (
        "last weekday of quarter",
        "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "every quarter on the last weekday",
        "23 12-31 2027-03-31",
    ),
    ("3rd tuesday of month", "FREQ=MONTHLY;BYDAY=3TU", "every month on the 3rd Tuesday", "23 12-15"),
    ("last friday of month", "FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday", "23 27 12-25"),
    (
        "1st and 3rd monday of month",
        "FREQ=MONTHLY;BYDAY=1MO,3MO",
        "every month on the 1st Monday and the 3rd Monday",
        "23 12-07 12-21",
    ),
    ("fifth monday", "FREQ=MONTHLY;BYDAY=5MO", "every month on the 5th Monday, if there is one", "23 30 2027-03-29"),
    (
        "last weekday of month",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "every month on the last weekday",
        "23 30 12-31",
    ),
    (
        "first monday of january",
        "FREQ=YEARLY;BYMONTH=1;BYDAY=1MO",
        "every year on the 1st Monday of January",
        "23 2027-01-04 2028-01-03",
    ),
    (
        "5th monday of january",
        "FREQ=YEARLY;BYMONTH=1;BYDAY=5MO",
        "every year on the 5th Monday of January, if there is one",
        "23 2028-01-31",
    ),
    ("year", "FREQ=YEARLY", "every year on 23 November", "23 2027-11-23"),
    ("2 years", "FREQ=YEARLY;INTERVAL=2", "every 2 years on 23 November", "23 2028-11-23"),
    ("24 dec", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", "every year on 24 December", "23 12-24 2027-12-24"),
    ("dec 24", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", "every year on 24 December", "23 12-24"),
    ("24th of december", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", "every year on 24 December", "23 12-24"),
    (
        "2 years on 24 dec",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYMONTHDAY=24",
        "every 2 years on 24 December",
        "23 12-24",
    ),
    ("31 jan", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31", "every year on 31 January", "23 2027-01-31"),
    (
        "29 feb",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1",
        "every year on the 29th, or the last day of February",
        "23 2027-02-28 2028-02-29",
    ),
    (
        "last day of february",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
        "every year on the last day of February",
        "23 2027-02-28 2028-02-29",
    ),
    (
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "every month on the 31st, if there is one",
        "23 12-31",
    ),
    ("freq=daily;count=2", "FREQ=DAILY;COUNT=2", "every day, 2 times", "23 24"),
]


@pytest.mark.parametrize(("every", "rrule", "words", "days"), PHRASES, ids=[phrase[0] for phrase in PHRASES])
def test_phrases(every: str, rrule: str, words: str, days: str) -> None:
    rule = parse_every(every, START)
    assert str(rule) == rrule
    assert describe(rule, START) == words
    expected = [f"{'2026-11-23'[: 10 - len(day)]}{day}" for day in days.split()]
    assert [format_slot(slot) for slot in islice(slots(rule, START, "UTC"), len(expected))] == expected


@pytest.mark.parametrize(
    ("every", "rrule", "words"),
    [
        ("hour", "FREQ=HOURLY", "every hour"),
        ("2 hours", "FREQ=HOURLY;INTERVAL=2", "every 2 hours"),
        ("30 minutes", "FREQ=MINUTELY;INTERVAL=30", "every 30 minutes"),
    ],
)
def test_hours_and_minutes_need_a_start_with_a_time(every: str, rrule: str, words: str) -> None:
    start = parse_slot("2026-11-23T18:00:00")
    assert str(parse_every(every, start)) == rrule
    assert describe(parse_every(every, start), start) == words
    with pytest.raises(InvalidInputError, match="needs a due date with a time"):
        parse_every(every, START)


@pytest.mark.parametrize(
    ("every", "start", "last_day", "rrule"),
    [
        ("month", "2027-01-28", False, "FREQ=MONTHLY"),
        ("month", "2027-01-29", False, "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"),
        ("month", "2027-01-30", False, "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"),
        ("month", "2027-01-31", False, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("quarter", "2027-01-31", False, "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=-1"),
        ("month", "2027-02-28", False, "FREQ=MONTHLY"),
        ("month", "2027-02-28", True, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("2 quarters", "2027-02-28", True, "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=-1"),
        ("year", "2027-02-28", True, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        ("year", "2028-02-29", False, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"),
        ("year", "2027-01-31", False, "FREQ=YEARLY"),
        ("week", "2027-02-28", True, "FREQ=WEEKLY"),
    ],
)
def test_the_start_determines_the_day(every: str, start: str, last_day: bool, rrule: str) -> None:
    assert str(parse_every(every, parse_slot(start), last_day=last_day)) == rrule


def test_a_series_that_counts_from_completion_does_not_keep_the_day() -> None:
    assert str(parse_every("month", date(2027, 1, 31), from_completion=True)) == "FREQ=MONTHLY"


def test_the_start_of_the_week_matters_if_weeks_are_counted() -> None:
    assert str(parse_every("2 weeks on mon", START, week_start=6)).endswith(";WKST=SU")
    assert str(parse_every("mon", START, week_start=6)) == "FREQ=WEEKLY;BYDAY=MO"


@pytest.mark.parametrize(
    ("every", "message"),
    [
        ("", "did you mean 'day'?"),
        ("every", "did you mean 'day'?"),
        ("evry", "did you mean 'day'?"),
        ("evry mnoth", "did you mean 'month'?"),
        ("mnoth", "did you mean 'month'?"),
        ("tusday", "did you mean 'tuesday'?"),
        ("mon,thr", "did you mean"),
        ("2", "did you mean '2 weeks'?"),
        ("29th and", "examples"),
        ("every 2", "did you mean '2 weeks'?"),
        ("weekly", "did you mean 'week'?"),
        ("2 weks on mon", "did you mean '2 weeks on mon'?"),
        ("2 weeks mon", "did you mean '2 weeks on mon'?"),
        ("month 15th", "did you mean 'month on 15th'?"),
        ("last", "did you mean 'last day'?"),
        ("last dya of month", "did you mean 'last day of month'?"),
        ("januar 3", "did you mean 'january 3'?"),
        ("0 days", "examples"),
        ("-1 days", "examples"),
        ("1.5 days", "examples"),
        ("٣ days", "examples"),
        ("9" * 19 + " days", "examples"),
        ("month on monday", "examples"),
        ("week on the 3rd", "examples"),
        ("year on the 15th", "examples"),
        ("24 dec of january", "examples"),
        ("first weekday and last monday of month", "examples"),
        ("monday and 15th", "examples"),
        ("2 weekdays", "examples"),
        ("second", "examples"),
        ("tomorrow", "examples"),
        ("x" * 100_000, "examples"),
        ("day " * 30_000, "examples"),
        ("\udc80", "examples"),
        ("9" * 18 + " quarters", "18 digits"),
        ("31 jun", "from 1 to 30"),
        ("30 feb", "from 1 to 29"),
        ("32nd", "from 1 to 31"),
        ("0th and 15th", "from 1 to 31"),
        ("29th and 30th", "two todos"),
        ("31st of quarter", "from 1 to 30"),
        ("1st and last day of quarter", "two todos"),
        ("FREQ=DALY", "did you mean DAILY?"),
        ("rrule:", "parts: FREQ"),
    ],
)
def test_invalid_phrases_are_refused_with_a_suggestion(every: str, message: str) -> None:
    begin = thread_time()
    with pytest.raises(InvalidInputError) as caught:
        parse_every(every, START)
    assert thread_time() - begin < 2  # seconds of the processor, whatever else runs
    assert message in str(caught.value.hint)
    assert len(caught.value.message) < 800
    _check_proposal(caught.value, START)


def _check_proposal(error: InvalidInputError, start: Slot) -> None:
    """Return the suggestion in quotes, which must be valid."""
    hint = error.hint or ""
    if hint.startswith("did you mean '"):
        parse_every(hint.split("'")[1], start)


_WORDS = (
    "every other 2 0 15th last first day days week month quarters year hour mon friday weekday dec feb on of and the"
)


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(_WORDS.split())).map(" ".join)),
    st.one_of(st.dates(date(2, 1, 1), date(9998, 12, 31)), STARTS),
)
def test_every_text_is_parsed_or_refused(text: str, start: Slot) -> None:
    try:
        rule = parse_every(text, start)
    except InvalidInputError as error:
        assert error.hint
        _check_proposal(error, start)
    else:
        assert describe(rule, start).startswith(("every ", "FREQ="))
        assert describe_after(rule, start)


@pytest.mark.parametrize(
    ("rrule", "words"),
    [
        ("FREQ=WEEKLY;COUNT=1", "every week on Monday, once"),
        ("FREQ=WEEKLY;UNTIL=20271224", "every week on Monday, until 24 Dec 2027"),
        ("FREQ=WEEKLY;UNTIL=20271224T180000", "every week on Monday, until 24 Dec 2027 18:00"),
        ("FREQ=WEEKLY;UNTIL=20271224T170000Z", "every week on Monday, until 24 Dec 2027 17:00 UTC"),
        ("FREQ=SECONDLY;INTERVAL=90", "every 90 seconds"),
        ("FREQ=MONTHLY;BYMONTHDAY=11,12,13,21,22", "every month on the 11th, 12th, 13th, 21st and 22nd"),
        ("FREQ=MONTHLY;BYDAY=-2FR", "every month on the 2nd last Friday"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "every year on 29 February, if there is one"),
        ("FREQ=YEARLY;BYMONTH=2", "every year on 23 February"),
    ],
)
def test_descriptions_of_other_rules(rrule: str, words: str) -> None:
    assert describe(parse_rule(rrule), START) == words


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "FREQ=YEARLY;BYYEARDAY=100",
        "FREQ=YEARLY;BYMONTHDAY=15",
        "FREQ=YEARLY;BYMONTH=1,2",
        "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "FREQ=MONTHLY;BYMONTH=1;BYMONTHDAY=15",
        "FREQ=MONTHLY;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=MO,2TU",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1",
        "FREQ=MONTHLY;BYMONTHDAY=28,30;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=1",
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1",
        "FREQ=WEEKLY;BYMONTH=1",
        "FREQ=DAILY;BYMONTH=1",
        "FREQ=DAILY;COUNT=3;BYHOUR=9,17",
    ],
)
def test_a_rule_without_a_description_is_shown_as_an_rrule(rrule: str) -> None:
    assert describe(parse_rule(rrule), START) == rrule


@given(RULES, STARTS)
def test_descriptions_round_trip(rule: Rule, start: Slot) -> None:
    assume(isinstance(start, datetime) or not rule.has_times)
    words = describe(rule, start)
    assert words == str(rule) or words.startswith("every ")
    with suppress(InvalidInputError):  # 'if there is one' and the like are not to be read
        again = parse_every(words, start, week_start=rule.week_start)
        assert list(islice(slots(again, start, "UTC"), 10)) == list(islice(slots(rule, start, "UTC"), 10))


@pytest.mark.parametrize(
    ("every", "words"),
    [
        ("day", "1 day after it is done"),
        ("2 weeks", "2 weeks after it is done"),
        ("FREQ=MONTHLY;UNTIL=20271224", "1 month after it is done, until 24 Dec 2027"),
        ("mon,thu", "every week on Monday and Thursday, counted from completion"),
    ],
)
def test_descriptions_of_series_that_count_from_completion(every: str, words: str) -> None:
    assert describe_after(parse_every(every, START, from_completion=True), START) == words


def test_is_phrase() -> None:
    for text in ("month", "every 2 weeks", "29th and 30th", "30 feb", "hour", "FREQ=DALY", "rrule:"):
        assert is_phrase(text), text
    for text in ("", "29th and", "mnoth", "month of rent", "FREQ=DAILY Pay rent", "day " * 30_000):
        assert not is_phrase(text), text
