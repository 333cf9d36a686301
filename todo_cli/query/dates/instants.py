"""Conversion of wall-clock times in the zone of `now` to instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.dates.calendar_days import check_year


def to_instant(on: date, at: time, now: datetime) -> datetime:
    """Return the instant (in UTC) of a wall-clock time in the zone of `now`.

    For an ambiguous time (clocks go back), this is the first one, or the second with `at.fold`. Raises
    InvalidInputError for a time in a gap (clocks go forward).
    """
    wall = datetime.combine(on, at)
    instant = to_moved_instant(on, at, now)
    back = instant.astimezone(now.tzinfo).replace(tzinfo=None)
    if back != wall:
        meant = back.isoformat(" ", "seconds" if back.second else "minutes")
        raise InvalidInputError(
            f"there is no {at:%H:%M} on {on} in {now.tzinfo}: the clocks go forward", f"did you mean '{meant}'?"
        )
    return instant


def to_moved_instant(on: date, at: time, now: datetime) -> datetime:
    """Return the same as `to_instant`, but move a time in a gap forward by the length of the gap (RFC 5545, 3.3.5).

    This is right for sums, whose result the user has not written.
    """
    return datetime.combine(on, at, tzinfo=now.tzinfo).astimezone(UTC)


def to_next_instant(at: time, now: datetime) -> datetime:
    """Return the next instant with that wall-clock time in the zone of `now`, today or tomorrow.

    Raises InvalidInputError if the time is in a gap on that day.
    """
    today = now.date()
    for showing in (at, at.replace(fold=1)):
        if to_moved_instant(today, showing, now) > now:
            return to_instant(today, showing, now)
    return to_instant(today + timedelta(days=1), at, now)


def start_of_day(on: date, now: datetime) -> datetime:
    """Return the first instant of that day in the zone of `now` (not always 00:00, because of clock changes)."""
    return to_moved_instant(on, time(), now)


def start_of_next_day(on: date, now: datetime) -> datetime:
    """Return the instant (in UTC) at which that day ends in the zone of `now`."""
    return start_of_day(on + timedelta(days=1), now)


def at_instant(at: datetime, now: datetime) -> When:
    """Return the instant with its date in the zone of `now`; raises UnreadableError if it is out of range."""
    on = at.astimezone(now.tzinfo).date()
    check_year(on.year)
    return When(on, at)
