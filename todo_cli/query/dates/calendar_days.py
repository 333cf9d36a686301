"""Arithmetic on calendar days, within the supported years, without times or zones."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from todo_cli.query.dates.errors import UnreadableError
from todo_cli.query.dates.words import Period

FIRST_YEAR, LAST_YEAR = 2, 9998
"""One year within the limits of the calendar, so that every zone can represent every date."""

_FIRST_DAY, _LAST_DAY = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
_MONTHS_IN: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12}


def too_far() -> UnreadableError:
    """Return the error for a date outside the supported years."""
    return UnreadableError(
        what="is too far away", advice=f"dates run from the year {FIRST_YEAR:04} to the end of {LAST_YEAR}"
    )


def check_year(year: int) -> int:
    """Return the year; raises UnreadableError if it is out of range."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise too_far()
    return year


def add_days(on: date, days: int) -> date:
    """Return the day `days` later; raises UnreadableError if it is out of range."""
    ordinal = on.toordinal() + days
    if not _FIRST_DAY <= ordinal <= _LAST_DAY:
        raise too_far()
    return date.fromordinal(ordinal)


def add_months(on: date, months: int) -> date:
    """Return the same day of the month `months` later, or the last day of a shorter month."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return clamped_day(check_year(year), month + 1, on.day)


def clamped_day(year: int, month: int, day: int) -> date:
    """Return that date, or the nearest valid one in the year."""
    month = min(max(month, 1), 12)
    return date(year, month, min(max(day, 1), monthrange(year, month)[1]))


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (the anonymous algorithm in Meeus, Astronomical Algorithms, 8)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    correction = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def period_of(name: Period, on: date, week_start: int, offset: int = 0) -> tuple[date, date]:
    """Return the first and last day of the week, month, quarter or year that is `offset` periods from a day."""
    if name == "week":
        first = add_days(on, 7 * offset - (on.weekday() - week_start) % 7)
        return first, add_days(first, 6)
    months = _MONTHS_IN[name]
    first = add_months(on.replace(day=1, month=(on.month - 1) // months * months + 1), offset * months)
    return first, clamped_day(first.year, first.month + months - 1, 31)
