"""Due dates in words; `now` is Sunday, 22 November 2026, 12:00 in Berlin."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.conftest import BERLIN, NOW
from todo_cli.models.values import When
from todo_cli.rendering.format.dates import describe_age, describe_due, format_when


def at(day: int, hour: int, minute: int = 0) -> When:
    moment = datetime(2026, 11, day, hour, minute, tzinfo=BERLIN)
    return When(moment.date(), moment)


@pytest.mark.parametrize(
    ("due", "words", "nearness"),
    [
        (When(date(2026, 11, 20)), "2 days overdue", "overdue"),
        (When(date(2026, 11, 21)), "1 day overdue", "overdue"),
        (When(date(2026, 9, 24)), "59 days overdue", "overdue"),
        (When(date(2026, 9, 23)), "2 months overdue", "overdue"),
        (When(date(2025, 11, 22)), "1 year overdue", "overdue"),
        (When(date(2020, 1, 1)), "6 years overdue", "overdue"),
        (When(date(2026, 11, 22)), "today", "today"),
        (When(date(2026, 11, 23)), "tomorrow", "soon"),
        (When(date(2026, 11, 27)), "Friday", "soon"),
        (When(date(2026, 11, 28)), "Saturday", "soon"),
        (When(date(2026, 11, 29)), "29 Nov", "later"),
        (When(date(2027, 1, 1)), "1 Jan 2027", "later"),
        (at(21, 23), "1 day overdue", "overdue"),
        (at(22, 9), "3 hours overdue", "overdue"),
        (at(22, 11), "1 hour overdue", "overdue"),
        (at(22, 11, 15), "45 minutes overdue", "overdue"),
        (at(22, 12), "1 minute overdue", "overdue"),
        (at(22, 18), "today 18:00", "today"),
        (at(23, 8, 5), "tomorrow 08:05", "soon"),
        (at(26, 18), "Thursday 18:00", "soon"),
        (at(30, 18), "30 Nov 18:00", "later"),
    ],
)
def test_in_words(due: When, words: str, nearness: str) -> None:
    assert describe_due(due, NOW) == (words, nearness)


def test_a_time_is_shown_in_the_reader_s_zone_and_a_date_is_unchanged() -> None:
    there = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)
    assert format_when(When(date(2026, 12, 24), there), NOW) == "Fri 25 Dec 00:30"
    assert format_when(When(date(2026, 12, 24)), NOW) == "Thu 24 Dec"
    assert format_when(When(date(2027, 12, 24)), NOW) == "Fri 24 Dec 2027"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "just now"),  # by another machine's clock
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(hours=25), "1 day ago"),
        (timedelta(days=90), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_ages(passed: timedelta, words: str) -> None:
    assert describe_age(NOW - passed, NOW) == words
