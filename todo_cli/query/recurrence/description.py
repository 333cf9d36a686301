"""Descriptions of recurrence rules in words.

A rule without a short description is shown as its RRULE text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import Recurrence
from todo_cli.query.dates.words import MONTH_NAMES, WEEKDAY_NAMES
from todo_cli.query.recurrence.parser import MONTH_LENGTHS, QUARTER_BEGINNINGS, QUARTER_ENDS, parse_every
from todo_cli.query.recurrence.rules import Frequency, Rule, ordered, parse_rule
from todo_cli.query.recurrence.slots import Slot, parse_slot

_UNITS = {
    Frequency.YEARLY: "year",
    Frequency.MONTHLY: "month",
    Frequency.WEEKLY: "week",
    Frequency.DAILY: "day",
    Frequency.HOURLY: "hour",
    Frequency.MINUTELY: "minute",
    Frequency.SECONDLY: "second",
}
_WORKDAYS = (0, 1, 2, 3, 4)
_SOMETIMES = ", if there is one"


def describe(rule: Rule, start: Slot) -> str:
    """Return the rule in words, as in `every 2 weeks on Monday, 10 times`; the start supplies what the rule omits.

    If there is no description, this is the RRULE text.
    """
    words = _describe_days(rule, start)
    return str(rule) if words is None else f"{words}{_describe_end(rule)}"


def describe_after(rule: Rule, start: Slot) -> str:
    """Return the rule of a series that counts from completion, as in `2 weeks after it is done`."""
    if rule.is_distance:
        return f"{_count(rule.interval, _UNITS[rule.freq])} after it is done{_describe_end(rule)}"
    return f"{describe(rule, start)}, counted from completion"


def phrase(recurrence: Recurrence) -> str:
    """Return a phrase that `parse_every` parses to the same rule with the same start: `month`, `2 weeks on Monday`.

    If there is none, this is the RRULE text.
    """
    rule, start = parse_rule(recurrence.rrule), parse_slot(recurrence.start)
    distance = _UNITS[rule.freq] if rule.interval == 1 else _count(rule.interval, _UNITS[rule.freq])
    words = (describe_after if recurrence.after_completion else describe)(rule, start)
    for text in (distance, words.removeprefix("every ").removesuffix(", counted from completion")):
        with suppress(InvalidInputError):
            if str(parse_every(text, start, from_completion=recurrence.after_completion)) == recurrence.rrule:
                return text
    return recurrence.rrule


def _describe_days(rule: Rule, start: Slot) -> str | None:
    if rule.by_week_no or rule.by_year_day or rule.by_hour or rule.by_minute or rule.by_second:
        return None
    if rule.by_month in (QUARTER_BEGINNINGS, QUARTER_ENDS) and rule.interval == 1:
        return _describe_days_of_quarter(rule, start)
    every = f"every {_UNITS[rule.freq] if rule.interval == 1 else _count(rule.interval, _UNITS[rule.freq])}"
    match rule.freq:
        case Frequency.YEARLY:
            days = _describe_days_of_year(rule, start)
        case Frequency.MONTHLY:
            days = None if rule.by_month else _describe_days_of_month(rule, start)
        case Frequency.WEEKLY:
            if rule.by_month or rule.by_set_pos:
                return None
            weekdays = tuple(day.weekday for day in rule.by_day) or (start.weekday(),)
            if weekdays == _WORKDAYS and rule.interval == 1:
                return "every weekday"
            days = _join(WEEKDAY_NAMES[weekday].title() for weekday in weekdays)
        case _:
            return every if rule.is_distance else None
    return None if days is None else f"{every} on {days}"


def _describe_days_of_year(rule: Rule, start: Slot) -> str | None:
    """Return the days in one month, such as `24 December`; None for days in several months."""
    if not rule.by_month and not rule.days_from_start:
        return None
    months = rule.by_month or (start.month,)
    if len(months) > 1:
        return None
    name = MONTH_NAMES[months[0] - 1].title()
    days = rule.by_month_day or (start.day,)
    if rule.by_day or rule.by_set_pos or days[-1] < 0:
        words = _describe_days_of_month(rule, start)
        if words is None:
            return None
        ending = _SOMETIMES if words.endswith(_SOMETIMES) else ""
        return f"{words.removesuffix(_SOMETIMES)} of {name}{ending}"
    if days[-1] > MONTH_LENGTHS[months[0] - 1]:
        return None
    return _join(f"{day} {name}" for day in days) + (_SOMETIMES if months[0] == 2 and 29 in days else "")


def _describe_days_of_quarter(rule: Rule, start: Slot) -> str | None:
    """Return `every quarter on the last day`; None unless the days are counted from the near end of the quarter."""
    numbers = (*rule.by_month_day, *(day.nth for day in rule.by_day), *rule.by_set_pos)
    counted = [number for number in numbers if number]
    from_end = rule.by_month == QUARTER_ENDS
    if not counted or any((number < 0) != from_end for number in counted):
        return None
    if rule.freq not in (Frequency.YEARLY, Frequency.MONTHLY) or (rule.by_set_pos and rule.freq == Frequency.YEARLY):
        return None
    days = _describe_days_of_month(rule, start)
    if days is None:
        return None
    always = rule.by_month_day and max(rule.by_month_day) <= 30
    return f"every quarter on {days.removesuffix(_SOMETIMES) if always else days}"


def _describe_days_of_month(rule: Rule, start: Slot) -> str | None:
    if rule.by_day:
        return None if rule.by_month_day else _describe_weekdays_of_month(rule)
    days = rule.by_month_day or (start.day,)
    if rule.by_set_pos:
        return _describe_days_or_last(days, rule.by_set_pos)
    if min(days) < -1:
        return None
    sometimes = _SOMETIMES if max(days) > 28 else ""
    return _join_ordinals(days) + sometimes


def _describe_days_or_last(days: Sequence[int], positions: Sequence[int]) -> str | None:
    """Return `the 30th, or the last day` for BYMONTHDAY=28,29,30;BYSETPOS=-1, after any earlier days."""
    early, latest = days[: len(positions) - 1], max(days)
    expected = ordered((*early, *range(28, latest + 1)))
    if days != expected or latest < 29 or tuple(positions) != (*range(1, len(early) + 1), -1):
        return None
    return f"{_join_ordinals((*early, latest))}, or the last day"


def _describe_weekdays_of_month(rule: Rule) -> str | None:
    weekdays = tuple(day.weekday for day in rule.by_day if not day.nth)
    if rule.by_set_pos:
        single = weekdays == _WORKDAYS and len(rule.by_day) == 5 and len(rule.by_set_pos) == 1
        return f"{_nth(rule.by_set_pos[0])} weekday" if single and abs(rule.by_set_pos[0]) <= 20 else None
    if weekdays or any(abs(day.nth) > 5 for day in rule.by_day):
        return None
    sometimes = _SOMETIMES if any(abs(day.nth) == 5 for day in rule.by_day) else ""
    return _join(f"{_nth(day.nth)} {WEEKDAY_NAMES[day.weekday].title()}" for day in rule.by_day) + sometimes


def _describe_end(rule: Rule) -> str:
    if rule.count is not None:
        return ", once" if rule.count == 1 else f", {rule.count} times"
    until = rule.until
    if until is None:
        return ""
    words = f", until {until.day} {MONTH_NAMES[until.month - 1][:3].title()} {until.year}"
    if isinstance(until, datetime):
        words += f" {until:%H:%M}" + (" UTC" if until.tzinfo else "")
    return words


def _nth(number: int) -> str:
    """Return `the 3rd`, or counted from the end, `the last` and `the 2nd last`."""
    if number < 0:
        return "the last" if number == -1 else f"{_nth(-number)} last"
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"the {number}{ending}"


def _join_ordinals(days: Iterable[int]) -> str:
    """Return `the 1st, 15th and last day`; the only day counted from the end is -1."""
    words = ["the last day" if day == -1 else _nth(day) for day in days]
    return _join([words[0], *(word if word == "the last day" else word.removeprefix("the ") for word in words[1:])])


def _join(words: Iterable[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")
