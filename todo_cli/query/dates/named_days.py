"""Named days: `tomorrow`, `eom`, `next friday`, `last day of month`, `first monday of january`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from todo_cli.query.dates.calendar_days import LAST_YEAR, add_days, check_year, easter_sunday, period_of
from todo_cli.query.dates.conventions import Conventions
from todo_cli.query.dates.tokens import Cursor, Token
from todo_cli.query.dates.words import (
    BEGINNINGS,
    DAYS,
    ENDS,
    MONTHS,
    ORDINALS,
    PERIODS,
    SOMEDAY,
    WEEKDAY_NAMES,
    WEEKDAYS,
)
from todo_cli.query.dates.written_days import read_year

_FRIDAY = WEEKDAYS["friday"]
_OFFSETS = {"last": -1, "this": 0, "next": 1}
_LAST, _MAX = -1, 5

_Pick = Callable[[date, date], date]
"""A function that chooses a day of a month, quarter or year from its first and last day."""


def read_named_day(cursor: Cursor, today: date, conventions: Conventions) -> date:
    """Read a day that starts with a word other than a month; raises UnreadableError if there is none."""
    token = cursor.take()
    name, week_start = token.text, conventions.week_start
    if (on := _find_name(name, today, week_start)) is not None:
        return on
    if name in ORDINALS or (name == "last" and (cursor.word() == "day" or cursor.word(1) == "of")):
        return _read_day_in_period(cursor, token, today)
    if name in _OFFSETS:
        return _read_offset_day(cursor, token, today, week_start)
    raise cursor.refusal(token, token)


def _find_name(name: str, today: date, week_start: int) -> date | None:
    if name in DAYS:
        return add_days(today, DAYS[name])
    if name in WEEKDAYS:
        return add_days(today, (WEEKDAYS[name] - today.weekday() - 1) % 7 + 1)
    if name in BEGINNINGS:
        return period_of(BEGINNINGS[name], today, week_start)[0]
    if name in ENDS:
        return period_of(ENDS[name], today, week_start)[1]
    if name == "eoww":
        return add_days(today, (_FRIDAY - today.weekday()) % 7)
    if name == "easter":
        return _next_easter(today)
    return date(LAST_YEAR, 12, 31) if name in SOMEDAY else None


def _next_easter(today: date) -> date:
    on = easter_sunday(today.year)
    return on if on > today else easter_sunday(check_year(today.year + 1))


def _read_offset_day(cursor: Cursor, token: Token, today: date, week_start: int) -> date:
    """Read the weekday or period after `last`, `this` or `next`; a period gives its first day."""
    follower, offset = cursor.take(), _OFFSETS[token.text]
    if follower.text in WEEKDAYS:
        weekday = WEEKDAYS[follower.text]
        if token.text == "last":
            return add_days(today, -((today.weekday() - weekday - 1) % 7 + 1))
        return add_days(period_of("week", today, week_start, offset)[0], (weekday - week_start) % 7)
    if follower.text in PERIODS and token.text != "this":
        return period_of(PERIODS[follower.text], today, week_start, offset)[0]
    if follower.text in PERIODS:
        initial = follower.text[0]
        raise cursor.refusal(token, follower, f"so{initial}", f"eo{initial}", is_choice=True)
    raise cursor.refusal(token, follower, follower.text)


def _read_day_in_period(cursor: Cursor, token: Token, today: date) -> date:
    if token.text in ("first", "last") and cursor.take_word("day"):
        return _read_period(cursor, today, lambda first, last: first if token.text == "first" else last)
    return read_weekday_in_period(cursor, token, ORDINALS.get(token.text, _LAST), today)


def read_weekday_in_period(cursor: Cursor, token: Token, number: int, today: date) -> date:
    """Read the rest after the ordinal that starts at `token`, as in `2nd tuesday of next month`; -1 is the last."""
    ordinal = cursor.last
    if cursor.word() not in WEEKDAYS:
        raise cursor.refusal(cursor.peek(), cursor.peek())
    weekday = WEEKDAYS[cursor.take().text]

    def pick(first: date, last: date) -> date:
        if number == _LAST:
            return add_days(last, -((last.weekday() - weekday) % 7))
        days = (weekday - first.weekday()) % 7 + 7 * (number - 1)
        if number > _MAX or days > (last - first).days:
            missing = f"{cursor.text[token.start : ordinal.end]} {WEEKDAY_NAMES[weekday]}"
            what = f"is not a date: there is no {missing} from {first} to {last}"
            raise cursor.refusal(token, ordinal, "last", what=what)
        return add_days(first, days)

    return _read_period(cursor, today, pick)


def _read_period(cursor: Cursor, today: date, pick: _Pick) -> date:
    """Read `of` and a period, and return a day in it.

    A named month without a year is the next one whose day is not before today; `month` is the current month, even if
    the day is past.
    """
    here = cursor.last
    if not cursor.take_word("of"):
        raise cursor.refusal(here, here, f"{here.text} of month")
    cursor.take_word("the")
    if cursor.word() in MONTHS:
        month = MONTHS[cursor.take().text]
        year = read_year(cursor)
        if year is not None:
            return pick(*_month_of(year, month))
        if month >= today.month and (on := pick(*_month_of(today.year, month))) >= today:
            return on
        return pick(*_month_of(today.year + 1, month))
    offset = _OFFSETS.get(cursor.take_word(*_OFFSETS), 0)
    period = cursor.take_word("month", "quarter", "year")
    if not period:
        raise cursor.refusal(cursor.peek(), cursor.peek(), "month")
    return pick(*period_of(PERIODS[period], today, 0, offset))


def _month_of(year: int, month: int) -> tuple[date, date]:
    return period_of("month", date(check_year(year), month, 1), 0)
