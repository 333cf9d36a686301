"""Dates as people write them: text and `now` in, a value out.

| WHEN                      | means                                                        |
|---------------------------|--------------------------------------------------------------|
| `2026-12-24`              | that day                                                     |
| `2026-12-24 18:00`        | that minute in the writer's zone (`T` may stand for the space)|
| `today`, `tomorrow`       | that day                                                     |
| `friday`, `fri`           | the next day of that name, never today                       |
| `+3d`, `+2w`              | so many days or weeks from today                             |
| `eom`                     | the last day of this month                                   |
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.suggestions import nearest

EXAMPLES = "2026-12-24, '2026-12-24 18:00', today, tomorrow, friday, +3d, +2w, eom"

FIRST_YEAR, LAST_YEAR = 2, 9998

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMES = ("today", "tomorrow", "eom", *_DAYS)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?", re.ASCII | re.IGNORECASE)
_DISTANCE = re.compile(r"\+(\d+)([dw])", re.ASCII)


def parse_when(text: str, now: datetime) -> When:
    """Return the date, or the instant, that the text names.

    `now` is aware, in the zone of whoever wrote the text. Raises InvalidInputError for anything that is not in the
    module's table, with what may have been meant.
    """
    when = " ".join(text.lower().split())
    today = now.date()
    if match := _ISO.fullmatch(when):
        return _parse_iso(match, text, now)
    if match := _DISTANCE.fullmatch(when):
        return When(_add_days(today, match[1], 7 if match[2] == "w" else 1, text))
    if when == "today":
        return When(today)
    if when == "tomorrow":
        return When(_add_days(today, "1", 1, text))
    if when == "eom":
        return When(today.replace(day=calendar.monthrange(today.year, today.month)[1]))
    for weekday, name in enumerate(_DAYS):
        if when in (name, name[:3]):
            return When(_add_days(today, str((weekday - today.weekday() - 1) % 7 + 1), 1, text))
    raise _not_understood(text, nearest(when, _NAMES, likeness=0.75))


def _not_understood(text: str, meant: str | None = None) -> InvalidInputError:
    hint = f"did you mean {meant!r}? " if meant else ""
    return InvalidInputError(f"{text!r} is not a date", f"{hint}examples: {EXAMPLES}")


def _parse_iso(match: re.Match[str], text: str, now: datetime) -> When:
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    try:
        on = date(year, month, day)
    except ValueError:
        raise _not_understood(text, _nearest_day(year, month, day)) from None
    _check_year(on, text)
    if match[4] is None:
        return When(on)
    try:
        at = time(int(match[4]), int(match[5]))
    except ValueError:
        raise InvalidInputError(f"{text!r} is not a time of the day", "times run from 00:00 to 23:59") from None
    return When(on, to_instant(on, at, now))


def _nearest_day(year: int, month: int, day: int) -> str | None:
    if not (year >= 1 and 1 <= month <= 12 and day > 0):
        return None
    return date(year, month, calendar.monthrange(year, month)[1]).isoformat()


def _add_days(start: date, count: str, unit: int, text: str) -> date:
    try:
        on = start + timedelta(days=int(count) * unit)
    except (OverflowError, ValueError):
        on = date.max
    _check_year(on, text)
    return on


def _check_year(on: date, text: str) -> None:
    """Keep a distance from the ends of the calendar, so that every zone can show every date."""
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise InvalidInputError(
            f"{text!r} is too far away", f"dates run from the year {FIRST_YEAR:04} to {LAST_YEAR}; examples: {EXAMPLES}"
        )


def to_instant(on: date, at: time, now: datetime) -> datetime:
    """Return the instant of that wall-clock time in the zone of `now`.

    Of a time that comes twice (clocks go back) it is the first; one that is left out (clocks go forward) raises
    InvalidInputError.
    """
    wall = datetime.combine(on, at)
    instant = datetime.combine(on, at, tzinfo=now.tzinfo).astimezone(UTC)
    back = instant.astimezone(now.tzinfo).replace(tzinfo=None)
    if back != wall:
        raise InvalidInputError(
            f"there is no {at:%H:%M} on {on} in {now.tzinfo}: the clocks go forward",
            f"did you mean '{back:%Y-%m-%d %H:%M}'?",
        )
    return instant


def start_of_day(on: date, now: datetime) -> datetime:
    """Return the first instant of that day in the zone of `now` (not always 00:00: some zones change clocks then)."""
    return datetime.combine(on, time(), tzinfo=now.tzinfo).astimezone(UTC)
