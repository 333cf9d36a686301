"""Times of day: `17:00`, `9:05`, `5pm`, `5:30 pm`, `noon`, with or without `at`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta, timezone

from todo_cli.query.dates.tokens import Cursor, Token

_CLOCK = re.compile(r"(\d+):(\d+)(?::(\d+)(?:[.,](\d+))?)?(z|[+-][\d:]+)?", re.ASCII)
_HALVES = ("am", "pm")
TIMES_RUN = "times run from 00:00 to 23:59"


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; `at` is None for 24:00, which is 00:00 of the next day, and `zone` is None if none was given."""

    at: time | None
    zone: timezone | None = None


def is_clock(cursor: Cursor) -> bool:
    """Return whether a time of day is next."""
    return cursor.word() in ("at", "noon", "midnight") or _has_digits(cursor)


def _has_digits(cursor: Cursor) -> bool:
    token = cursor.peek()
    return token.kind == "clock" or (token.kind == "number" and cursor.word(1) in _HALVES)


def read_clock(cursor: Cursor, *, zone_allowed: bool) -> Clock:
    """Read a time of day; raises UnreadableError for an invalid one."""
    cursor.take_word("at")
    first = cursor.peek()
    if cursor.take_word("noon"):
        return Clock(time(12))
    if cursor.take_word("midnight"):
        raise cursor.refusal(
            first,
            first,
            "00:00",
            what="is ambiguous",
            advice="use 00:00 for the start of a day, eod for the end of today",
        )
    if not _has_digits(cursor):
        raise cursor.refusal(first, first, f"{first.text}:00")
    cursor.take()
    match = _CLOCK.fullmatch(first.text)
    hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3)) if match else (int(first.text), 0, 0)
    fraction, zone = match.group(4, 5) if match else (None, None)
    if zone and not zone_allowed:
        advice = "a zone may only follow an ISO 8601 date and time, as in 2026-12-24T18:00+01:00"
        raise cursor.refusal(first, first, first.text.removesuffix(zone), advice=advice)
    if cursor.word() in _HALVES and not zone:
        hour = _read_half(cursor, first, hour)
    elif (hour, minute, second) == (24, 0, 0):
        return Clock(None)
    if hour > 23 or minute > 59 or second > 59:
        meant = f"{min(hour, 23):02}:{min(minute, 59):02}{zone or ''}"
        raise cursor.refusal(first, cursor.last, meant, what="is not a time of day", advice=TIMES_RUN)
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    return Clock(time(hour, minute, second, microsecond), _read_zone(cursor, first, zone) if zone else None)


def _read_half(cursor: Cursor, first: Token, hour: int) -> int:
    """Read `am` or `pm` and return the hour from 0 to 23."""
    half = cursor.take()
    if not 1 <= hour <= 12:
        minutes = first.text.partition(":")[2] or "00"
        raise cursor.refusal(
            first,
            half,
            f"{hour:02}:{minutes}",
            what="is not a time of day",
            advice="hours with am or pm run from 1 to 12",
        )
    return hour % 12 + (12 if half.text == "pm" else 0)


def _read_zone(cursor: Cursor, token: Token, zone: str) -> timezone:
    """Return the zone of `z`, `+02:00`, `+0200` or `+02` (ISO 8601)."""
    digits = zone.lstrip("z+-").replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise cursor.refusal(token, token, token.text.removesuffix(zone), advice="write the zone as Z or +02:00")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if zone.startswith("-") else offset)
