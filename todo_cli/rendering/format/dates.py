"""Formatting of dates for people. `now` is aware, in the reader's zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from todo_cli.models.fields import Field
from todo_cli.models.values import Recurrence, When
from todo_cli.query.dates import LAST_YEAR, start_of_day

Nearness = Literal["overdue", "today", "soon", "later"]


def describe_due(due: When, now: datetime) -> tuple[str, Nearness]:
    """Return the due date of an open todo in words, and how near it is."""
    on = due.at.astimezone(now.tzinfo).date() if due.at else due.on
    days = (on - now.date()).days
    time = f" {due.at.astimezone(now.tzinfo):%H:%M}" if due.at else ""
    if days < 0:
        return f"{_count_days(-days)} overdue", "overdue"
    if due.at and due.at <= now:
        minutes = max(1, int((now - due.at).total_seconds() // 60))
        late = _count(minutes // 60, "hour") if minutes >= 60 else _count(minutes, "minute")
        return f"{late} overdue", "overdue"
    if days == 0:
        return f"today{time}", "today"
    if days == 1:
        return f"tomorrow{time}", "soon"
    if days < 7:
        return f"{on:%A}{time}", "soon"
    return f"{format_date(on, now, weekday=False)}{time}", "later"


def describe_recurrence(recurrence: Recurrence) -> str:
    """Return the recurrence in words: `every month on the last day`."""
    from todo_cli.query.recurrence.description import describe, describe_after
    from todo_cli.query.recurrence.rules import parse_rule
    from todo_cli.query.recurrence.slots import parse_slot

    describe_rule = describe_after if recurrence.after_completion else describe
    return describe_rule(parse_rule(recurrence.rrule), parse_slot(recurrence.start))


def format_when(when: When, now: datetime, *, weekday: bool = True) -> str:
    """Return the date, and the time if there is one, in the reader's zone: `Thu 24 Dec 18:00`."""
    if when.on.year == LAST_YEAR:
        return "someday"
    if when.at is None:
        return format_date(when.on, now, weekday=weekday)
    local = when.at.astimezone(now.tzinfo)
    return f"{format_date(local.date(), now, weekday=weekday)} {local:%H:%M}"


def format_date(on: date, now: datetime, *, weekday: bool = True) -> str:
    """Return the date with the name of the month, and with the year unless it is the current one."""
    text = f"{on.day} {on:%b}" if on.year == now.year else f"{on.day} {on:%b} {on.year}"
    return f"{on:%a} {text}" if weekday else text


def format_start(instant: datetime, now: datetime) -> str:
    """Return the instant in the reader's zone; the start of a day has no time."""
    local = instant.astimezone(now.tzinfo)
    begins_day = start_of_day(local.date(), now) == instant
    return format_when(When(local.date(), None if begins_day else instant), now)


def format_end(instant: datetime, now: datetime) -> str:
    """Return the instant in the reader's zone; the start of a day is shown as the end of the previous day."""
    local = instant.astimezone(now.tzinfo)
    if start_of_day(local.date(), now) == instant:
        return f"end of {format_date(local.date() - timedelta(days=1), now)}"
    return format_instant(instant, now)


def format_instant(instant: datetime, now: datetime) -> str:
    """Return the date and time in the reader's zone."""
    local = instant.astimezone(now.tzinfo)
    return f"{format_date(local.date(), now)} {local:%H:%M}"


def format_moment(field: Field, instant: datetime, now: datetime) -> str:
    """Return the value of an INSTANT field; one that users set as a day is shown as that day."""
    if not field.settable:
        return format_instant(instant, now)
    return format_end(instant, now) if field.is_end else format_start(instant, now)


def describe_age(instant: datetime, now: datetime) -> str:
    """Return the age of an instant in words: `just now`, `2 hours ago`, `3 days ago`."""
    minutes = int((now - instant).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{_count(minutes, 'minute')} ago"
    hours = minutes // 60
    return f"{_count(hours, 'hour') if hours < 24 else _count_days(hours // 24)} ago"


def _count_days(days: int) -> str:
    """Return the number in days up to two months, then in whole months, then in years."""
    if days < 60:
        return _count(days, "day")
    return _count(days // 30, "month") if days < 365 else _count(days // 365, "year")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
