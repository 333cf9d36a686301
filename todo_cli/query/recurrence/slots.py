"""Slots: the original dates that identify the occurrences of a series (RECURRENCE-ID, RFC 5545, 3.8.4.4).

A slot is a date, or a naive date-time on the wall clock of the series' zone: a series keeps its time of day across
clock changes, and the instant is computed from the slot.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.dates import FIRST_YEAR, LAST_YEAR
from todo_cli.query.recurrence.rules import quote

Slot = date | datetime

_SLOT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", re.ASCII)


def format_slot(slot: Slot) -> str:
    """Return `2026-11-30`, or with a time `2026-11-30T18:00:00`."""
    return slot.isoformat()


def parse_slot(text: str) -> Slot:
    """Return the slot that `format_slot` wrote; raises InvalidInputError for any other text."""
    match = _SLOT.fullmatch(text)
    try:
        if match and FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
            return datetime.fromisoformat(text) if match[1] else date.fromisoformat(text)
    except ValueError:
        pass  # no such day or time
    raise InvalidInputError(
        f"{quote(text)} is not a valid occurrence of a series", "examples: 2026-11-30, 2026-11-30T18:00:00"
    )


def start_of(slot: Slot) -> datetime:
    """Return the slot as a naive date-time: a date begins at midnight."""
    return slot if isinstance(slot, datetime) else datetime.combine(slot, time())


def find_zone(name: str) -> tzinfo:
    """Return the time zone with that IANA name; raises InvalidInputError if this computer does not know it."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    # KeyError: no such zone; the others: a name that is not the path of a file, such as 'Europe' or '/'
    except (KeyError, ValueError, OSError):
        raise InvalidInputError(
            f"unknown time zone {quote(name)}",
            "use a name such as Europe/Berlin; if this computer has no time zones, run 'pip install tzdata'",
        ) from None


def slot_to_when(slot: Slot, zone: str) -> When:
    """Return the date, or the instant of that wall-clock time in the zone; raises InvalidInputError for the zone.

    For an ambiguous time, this is the first instant; for a time in a gap, the UTC offset before the gap is used (RFC
    5545, 3.3.5).
    """
    if not isinstance(slot, datetime):
        return When(slot)
    return When(slot.date(), slot.replace(tzinfo=find_zone(zone), fold=0).astimezone(UTC))


def when_to_slot(when: When, zone: str) -> Slot:
    """Return the date, or the wall-clock time in the zone to the second; raises InvalidInputError for the zone."""
    return when.on if when.at is None else local_time(when.at, zone)


def local_time(instant: datetime, zone: str) -> datetime:
    """Return the naive wall-clock time of the instant, to the second; raises InvalidInputError for the zone."""
    return instant.astimezone(find_zone(zone)).replace(tzinfo=None, microsecond=0, fold=0)
