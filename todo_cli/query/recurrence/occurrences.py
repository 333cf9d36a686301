"""The slots of a series: dates and wall-clock times from a rule, a start and a zone (RFC 5545, 3.8.5.3).

The start is always the first slot and counts towards COUNT, whether or not the rule matches it. A series ends with
COUNT or UNTIL, with the calendar (9998), or if its rule has no slot within a hundred years.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates import LAST_YEAR
from todo_cli.query.dates.calendar_days import add_months
from todo_cli.query.dates.errors import UnreadableError
from todo_cli.query.recurrence.expansion import LOOK_AHEAD, expand_rule
from todo_cli.query.recurrence.rules import MAX_COUNT, Frequency, Rule
from todo_cli.query.recurrence.slots import Slot, local_time, start_of

_SECOND = timedelta(seconds=1)
_MORE_THAN_EVER = date(LAST_YEAR, 12, 31).toordinal() * 86_400
"""The number of seconds in the calendar: a COUNT above this never ends a series and need not be counted."""


def check_rule(rule: Rule, start: Slot, zone: str, *, from_completion: bool = False) -> None:
    """Raise InvalidInputError if the rule is incompatible with its start.

    This is the case for times if the start has no time of day, for an UNTIL before the start, a rule without another
    occurrence (except with COUNT=1), a COUNT above `MAX_COUNT`, and COUNT in a series that counts from completion. It
    is also raised for an unknown zone.
    """
    if rule.has_times and not isinstance(start, datetime):
        raise InvalidInputError(f"{rule} needs a due date with a time", "for example: due:'2026-12-24 18:00'")
    if from_completion and rule.count is not None:
        raise InvalidInputError("COUNT cannot be used with a series that counts from completion", "use UNTIL")
    if rule.count is not None and rule.count > MAX_COUNT:
        raise InvalidInputError(f"COUNT must be at most {MAX_COUNT:,}", "omit COUNT for a series without an end")
    until = _last_moment(rule, zone)
    if until is not None and start_of(start) > until:
        raise InvalidInputError(f"{rule} ends before its start, {start.isoformat()}", "use a later UNTIL")
    if rule.count != 1 and next(_matches(rule, start_of(start), start_of(start) + _SECOND), None) is None:
        years = LOOK_AHEAD.days // 365
        raise InvalidInputError(
            f"{rule} does not occur within {years} years of its start", "check whether such a day exists"
        )


def slots(rule: Rule, start: Slot, zone: str) -> Iterator[Slot]:
    """Yield the start, then the slots of the rule after it, in order; they are dates if the start is a date.

    Raises InvalidInputError for an unknown zone, which is needed if UNTIL is in UTC.
    """
    return _slots_since(rule, start, zone, start_of(start))


def slots_after(rule: Rule, start: Slot, slot: Slot, zone: str, *, not_before: date | None = None) -> Iterator[Slot]:
    """Yield the slots of the series after `slot`, which need not belong to it, and not before `not_before`."""
    since = start_of(slot) + _SECOND
    if not_before is not None:
        since = max(since, datetime.combine(not_before, time()))
    return _slots_since(rule, start, zone, since)


def first_slot(rule: Rule, on_or_after: Slot, zone: str) -> Slot | None:
    """Return the first slot that matches the rule on or after a slot, for a series without a start.

    `on_or_after` supplies what the rule leaves open: `FREQ=MONTHLY` gives that same day, `BYDAY=MO` the next Monday.
    """
    since = start_of(on_or_after)
    return _within(rule, zone, next(_matches(rule, since, since), None), on_or_after)


def slot_after_completion(rule: Rule, completed: datetime, at: time | None, zone: str) -> Slot | None:
    """Return the slot after a completion at that wall-clock time; None after UNTIL or the end of the calendar.

    A plain interval is added to the day of completion, limited to the last day of a shorter month; hours, minutes and
    seconds are added to the time of completion. Any other rule gives its first slot after that day. The slot has the
    time `at`, or is a date if that is None.
    """
    completed = completed.replace(microsecond=0)
    if rule.freq.is_within_a_day:
        start, since = completed, completed + _SECOND
    else:
        start = datetime.combine(completed, at or time())
        since = datetime.combine(completed, time()) + timedelta(days=1)
    moment = _add_interval(start, rule) if rule.is_distance else next(_matches(rule, start, since), None)
    return _within(rule, zone, moment, completed.date() if at is None and not rule.has_times else completed)


def _slots_since(rule: Rule, start: Slot, zone: str, since: datetime) -> Iterator[Slot]:
    first, until = start_of(start), _last_moment(rule, zone)
    if since <= first:
        yield start
    left = None if rule.count is None or rule.count > _MORE_THAN_EVER else rule.count - 1
    for moment in _matches(rule, first, max(since, first + _SECOND), left=left):
        if until is not None and moment > until:
            return
        yield _like(start, moment)


def _matches(rule: Rule, start: datetime, since: datetime, *, left: int | None = None) -> Iterator[datetime]:
    """Yield the matches of the rule from `since` on, up to the `left`th match after the start, if given."""
    begin = since if left is None else start + _SECOND
    for day, times in expand_rule(rule, start, begin):
        midnight = datetime.fromordinal(day)
        low = bisect_left(times, (begin - midnight) // _SECOND)
        high = len(times) if left is None else min(len(times), low + left)
        for second in times[max(low, bisect_left(times, (since - midnight) // _SECOND)) : high]:
            yield midnight + timedelta(seconds=second)
        if left is not None:
            left -= high - low
            if not left:
                return


def _add_interval(moment: datetime, rule: Rule) -> datetime | None:
    try:
        if rule.freq in _MONTHS:
            day = add_months(moment.date(), _MONTHS[rule.freq] * rule.interval)
            following = datetime.combine(day, moment.time())
        else:
            following = moment + _UNITS[rule.freq] * rule.interval
    except (OverflowError, UnreadableError):
        return None
    return following if following.year <= LAST_YEAR else None


_MONTHS = {Frequency.YEARLY: 12, Frequency.MONTHLY: 1}
_UNITS = {
    Frequency.WEEKLY: timedelta(weeks=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.SECONDLY: _SECOND,
}


def _last_moment(rule: Rule, zone: str) -> datetime | None:
    """Return UNTIL on the wall clock of the zone; a date means the end of that day."""
    if rule.until is None:
        return None
    if not isinstance(rule.until, datetime):
        return datetime.combine(rule.until, time(23, 59, 59))
    return rule.until if rule.until.tzinfo is None else local_time(rule.until, zone)


def _within(rule: Rule, zone: str, moment: datetime | None, kind: Slot) -> Slot | None:
    until = _last_moment(rule, zone)
    if moment is None or (until is not None and moment > until):
        return None
    return _like(kind, moment)


def _like(kind: Slot, moment: datetime) -> Slot:
    """Return the moment as the same kind of slot: a date or a date-time."""
    return moment if isinstance(kind, datetime) else moment.date()
