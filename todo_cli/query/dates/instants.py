"""Where a wall clock in the zone of `now` meets the time line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.dates.calendar_days import check_year


def to_instant(on: date, at: time, now: datetime) -> datetime:
    """Return the instant (in UTC) of that wall-clock time in the zone of `now`.

    Of a time that comes twice (clocks go back) it is the first, or with `at.fold` the second; one that is left out
    (clocks go forward) raises InvalidInputError.
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
    """Return what `to_instant` does; a time that is left out is moved forward by what the clocks are (RFC 5545, 3.3.5).

    That is the right answer for a sum, of which nobody has seen the outcome.
    """
    return datetime.combine(on, at, tzinfo=now.tzinfo).astimezone(UTC)


def to_next_instant(at: time, now: datetime) -> datetime:
    """Return the next instant at which the clock in the zone of `now` shows that time, today or tomorrow.

    Raises InvalidInputError where the clocks leave it out on that day.
    """
    today = now.date()
    for showing in (at, at.replace(fold=1)):
        if to_moved_instant(today, showing, now) > now:
            return to_instant(today, showing, now)
    return to_instant(today + timedelta(days=1), at, now)


def start_of_day(on: date, now: datetime) -> datetime:
    """Return the first instant of that day in the zone of `now` (not always 00:00: some zones change clocks then)."""
    return to_moved_instant(on, time(), now)


def start_of_next_day(on: date, now: datetime) -> datetime:
    """Return the first instant in UTC, in the zone of `now`, at which that day is over."""
    return start_of_day(on + timedelta(days=1), now)


def at_instant(at: datetime, now: datetime) -> When:
    """Return the instant with its date in the zone of `now`; raises UnreadableError where that is too far away."""
    on = at.astimezone(now.tzinfo).date()
    check_year(on.year)
    return When(on, at)
