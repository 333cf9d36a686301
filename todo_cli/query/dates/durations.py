"""Durations: `3d`, `1h 30min`, `in a week`, `2 weeks ago`, `P1Y2M`, and sums of them with days and instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from todo_cli.models.values import When
from todo_cli.query.dates.calendar_days import add_days, add_months, too_far
from todo_cli.query.dates.instants import at_instant, start_of_day, to_moved_instant
from todo_cli.query.dates.tokens import Cursor
from todo_cli.query.dates.words import UNITS, Unit

_ISO = re.compile(
    r"p(?=.)(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:t(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)?", re.ASCII
)
_ISO_UNITS = ("y", "mo", "w", "d", "h", "m", "s")


@dataclass(frozen=True, slots=True)
class Duration:
    """Months, days and seconds, which cannot be converted into each other; `seconds` is None without a time."""

    months: int = 0
    days: int = 0
    seconds: int | None = None

    def __neg__(self) -> Duration:
        return Duration(-self.months, -self.days, None if self.seconds is None else -self.seconds)


def add_duration(when: When, duration: Duration, now: datetime) -> When:
    """Return the sum: months first, then days, then seconds (RFC 5545, 3.3.6).

    Months and days keep the wall-clock time; seconds are elapsed time, counted from the start of a day without a time.
    Raises UnreadableError if the sum is out of range.
    """
    if when.at is None:
        on = add_days(add_months(when.on, duration.months), duration.days)
        return When(on) if duration.seconds is None else _add_seconds(start_of_day(on, now), duration.seconds, now)
    at = when.at
    if duration.months or duration.days:
        wall = at.astimezone(now.tzinfo)
        on = add_days(add_months(wall.date(), duration.months), duration.days)
        at = to_moved_instant(on, wall.time().replace(fold=0), now)
    return _add_seconds(at, duration.seconds or 0, now)


def _add_seconds(at: datetime, seconds: int, now: datetime) -> When:
    try:
        return at_instant(at.astimezone(UTC) + timedelta(seconds=seconds), now)
    except OverflowError:
        raise too_far() from None


def read_distance(cursor: Cursor) -> list[Duration]:
    """Read a distance from now, with `in`, `ago` or signs. Return its parts, an empty list if there is none."""
    if cursor.take_word("in"):
        return [_read_needed_duration(cursor), *read_signed_durations(cursor)]
    duration = read_duration(cursor)
    if duration is None:
        return read_signed_durations(cursor)
    if cursor.take_word("ago"):
        duration = -duration
    return [duration, *read_signed_durations(cursor)]


def read_signed_durations(cursor: Cursor) -> list[Duration]:
    """Read durations that start with a sign; return them, an empty list if there is no sign."""
    durations = []
    while cursor.peek().kind == "sign":
        is_negative = cursor.take().text == "-"
        duration = _read_needed_duration(cursor)
        durations.append(-duration if is_negative else duration)
    return durations


def read_duration(cursor: Cursor) -> Duration | None:
    """Read numbers with units or an ISO 8601 duration; return None and consume nothing if there is none."""
    if cursor.peek().kind == "duration":
        return _read_iso_duration(cursor)
    parts = []
    while cursor.word(1) in UNITS and (cursor.peek().kind == "number" or cursor.word() in ("a", "an")):
        number = cursor.take()
        parts.append((1 if number.kind == "word" else int(number.text), *UNITS[cursor.take().text]))
    return _total(parts) if parts else None


def _read_needed_duration(cursor: Cursor) -> Duration:
    start = cursor.peek()
    duration = read_duration(cursor)
    if duration is None:
        raise cursor.refusal(start, start, f"{start.text}d")
    return duration


def _read_iso_duration(cursor: Cursor) -> Duration:
    token = cursor.take()
    match = _ISO.fullmatch(token.text)
    if match is None:
        raise cursor.refusal(token, token, advice="write ISO 8601 durations like P1Y2M3DT4H5M6S or P2W")
    numbers = zip(match.groups(), _ISO_UNITS, strict=True)
    return _total([(int(number), *UNITS[unit]) for number, unit in numbers if number])


def _total(parts: list[tuple[int, Unit, int]]) -> Duration:
    def total(target: Unit) -> int:
        return sum(number * factor for number, unit, factor in parts if unit == target)

    has_clock = any(unit == "seconds" for _, unit, _ in parts)
    return Duration(total("months"), total("days"), total("seconds") if has_clock else None)
