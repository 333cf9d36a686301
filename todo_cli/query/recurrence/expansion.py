"""Expansion of a rule into days, and times on them (RFC 5545, 3.3.10).

The RFC's table of expanding and limiting parts amounts to this: of each period (a year, month, week or day), take the
days that pass all BY parts; parts that the rule omits are filled in from the start. `dateutil.rrule` is not used,
because it searches up to the year 9999 for rules that never match, counts BYSETPOS in the first week only from the
start on, requires both parts of `BYDAY=MO,2TU` at once, and misses weeks at year boundaries.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from todo_cli.query.dates import LAST_YEAR
from todo_cli.query.recurrence.rules import Frequency, Rule, RuleDay

LOOK_AHEAD = timedelta(days=36_525)  # 100 years; a rule without an occurrence in that time has ended

_DAY_SECONDS = 86_400
_LAST_DAY = date(LAST_YEAR, 12, 31).toordinal()
_UNITS = {Frequency.HOURLY: 3600, Frequency.MINUTELY: 60, Frequency.SECONDLY: 1}

DayTimes = tuple[int, Sequence[int]]
"""A day as its proleptic ordinal, and its occurrences in seconds since midnight, in order."""


def expand_rule(rule: Rule, start: datetime, since: datetime) -> Iterator[DayTimes]:
    """Yield the days with occurrences in order, ignoring COUNT and UNTIL.

    The first may be before `since` (and before `start`), by less than the rule's interval. Ends with the calendar, or
    when the rule has no occurrence within `LOOK_AHEAD`.
    """
    since = max(start, since)
    if since.year > LAST_YEAR:
        return iter(())
    expand = _expand_within_days if rule.freq.is_within_a_day else _expand_periods
    return expand(_fill_in(rule, start), start, since)


def _fill_in(rule: Rule, start: datetime) -> Rule:
    """Return the rule with omitted parts filled in from its start, and without leap seconds (RFC 5545, 3.3.12)."""
    freq = rule.freq
    if rule.days_from_start:
        if freq == Frequency.YEARLY and not rule.by_month:
            rule = replace(rule, by_month=(start.month,))
        if freq in (Frequency.YEARLY, Frequency.MONTHLY):
            rule = replace(rule, by_month_day=(start.day,))
    if freq == Frequency.WEEKLY or rule.by_week_no:
        named = rule.by_day or rule.by_year_day or rule.by_month_day
        rule = rule if named else replace(rule, by_day=(RuleDay(start.weekday()),))
    if freq < Frequency.HOURLY and not rule.by_hour:
        rule = replace(rule, by_hour=(start.hour,))
    if freq < Frequency.MINUTELY and not rule.by_minute:
        rule = replace(rule, by_minute=(start.minute,))
    if freq < Frequency.SECONDLY and not rule.by_second:
        rule = replace(rule, by_second=(start.second,))
    return replace(rule, by_second=tuple(sorted({min(second, 59) for second in rule.by_second})))


def _expand_periods(rule: Rule, start: datetime, since: datetime) -> Iterator[DayTimes]:
    number_of, first_day_of = _periods(rule)
    passes = _day_test(rule)
    times = [
        hour * 3600 + minute * 60 + second
        for hour in rule.by_hour
        for minute in rule.by_minute
        for second in rule.by_second
    ]
    first, last = number_of(start.date()), number_of(date.fromordinal(_LAST_DAY))
    number = first + (number_of(since.date()) - first) // rule.interval * rule.interval
    seen = since.toordinal()
    while number <= last and first_day_of(number) - seen <= LOOK_AHEAD.days:
        end = first_day_of(number + 1) if number < last else _LAST_DAY + 1
        days = [day for day in range(max(1, first_day_of(number)), end) if passes(date.fromordinal(day))]
        if not rule.by_set_pos:
            yield from ((day, times) for day in days)
        else:
            chosen = _choose(rule.by_set_pos, len(days) * len(times))
            days = [days[index // len(times)] for index in chosen]
            yield from ((day, (times[index % len(times)],)) for day, index in zip(days, chosen, strict=True))
        seen = max([seen, *days[-1:]])
        number += rule.interval


def _expand_within_days(rule: Rule, start: datetime, since: datetime) -> Iterator[DayTimes]:
    unit = _UNITS[rule.freq]
    units_a_day = _DAY_SECONDS // unit
    first = start.toordinal() * units_a_day + _seconds_of_day(start) // unit
    passes = _day_test(rule)
    times: dict[int, Sequence[int]] = {}
    day = seen = since.toordinal()
    while day <= min(_LAST_DAY, seen + LOOK_AHEAD.days):
        offset = (first - day * units_a_day) % rule.interval
        if offset < units_a_day and passes(date.fromordinal(day)):
            if offset not in times:
                times[offset] = _times_of_day(rule, range(offset, units_a_day, rule.interval))
            if times[offset]:
                yield day, times[offset]
                seen = day
        day += 1


def _times_of_day(rule: Rule, offsets: range) -> Sequence[int]:
    """Return the occurrences, in seconds of the day, within the given hours, minutes or seconds of the day."""
    unit = _UNITS[rule.freq]
    minutes = rule.by_minute if unit == 3600 else (0,)
    inner = [minute * 60 + second for minute in minutes for second in (rule.by_second if unit > 1 else (0,))]
    if rule.by_set_pos:
        inner = [inner[index] for index in _choose(rule.by_set_pos, len(inner))]
    return [
        begin + second
        for begin in range(offsets.start * unit, offsets.stop * unit, offsets.step * unit)
        if (not rule.by_hour or begin // 3600 in rule.by_hour)
        and (unit > 60 or not rule.by_minute or begin // 60 % 60 in rule.by_minute)
        and (unit > 1 or not rule.by_second or begin % 60 in rule.by_second)
        for second in inner
    ]


def _choose(positions: Sequence[int], count: int) -> list[int]:
    """Return the sorted indexes of the positions (from 1, or from the end) that exist among `count` items."""
    indexes = {position - 1 if position > 0 else count + position for position in positions}
    return sorted(index for index in indexes if 0 <= index < count)


def _seconds_of_day(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _periods(rule: Rule) -> tuple[Callable[[date], int], Callable[[int], int]]:
    """Return two functions: the number of a day's period, and the first day (its ordinal) of a period by number.

    With BYWEEKNO, a year consists of whole weeks, so that week 1 may start in December.
    """
    week_start = rule.week_start
    if rule.by_week_no:
        return lambda day: _week_year(day, week_start), lambda year: _first_week(year, week_start)
    if rule.freq == Frequency.YEARLY:
        return lambda day: day.year, lambda year: date(year, 1, 1).toordinal()
    if rule.freq == Frequency.MONTHLY:
        return (
            lambda day: day.year * 12 + day.month - 1,
            lambda month: date(month // 12, month % 12 + 1, 1).toordinal(),
        )
    if rule.freq == Frequency.WEEKLY:  # day 1 of the calendar was a Monday
        return lambda day: (day.toordinal() - 1 - week_start) // 7, lambda week: week * 7 + 1 + week_start
    return date.toordinal, lambda day: day


def _first_week(year: int, week_start: int) -> int:
    """Return the first day of week 1, which is the first week with at least four days in the year."""
    before = year - 1  # computed arithmetically, because the year may be beyond the last of `date`
    fourth = before * 365 + before // 4 - before // 100 + before // 400 + 4
    return fourth - (fourth - 1 - week_start) % 7


def _week_year(day: date, week_start: int) -> int:
    """Return the year to whose weeks the day belongs."""
    years = (day.year + 1, day.year)
    return next((year for year in years if _first_week(year, week_start) <= day.toordinal()), day.year - 1)


def _day_test(rule: Rule) -> Callable[[date], bool]:
    """Return a function that tests whether a day passes every BY part for days."""
    tests: list[Callable[[date], bool]] = []
    if rule.by_month:
        tests.append(lambda day: day.month in rule.by_month)
    if rule.by_month_day:
        tests.append(lambda day: _is_among(day.day, _month_length(day), rule.by_month_day))
    if rule.by_year_day:
        tests.append(lambda day: _is_among(day.timetuple().tm_yday, _year_length(day), rule.by_year_day))
    if rule.by_week_no:
        tests.append(lambda day: _is_in_weeks(day, rule))
    if rule.by_day:
        tests.append(_weekday_test(rule))
    return lambda day: all(test(day) for test in tests)


def _weekday_test(rule: Rule) -> Callable[[date], bool]:
    """Return a function that tests whether a day matches BYDAY; numbers count within the year only without BYMONTH."""
    every = {day.weekday for day in rule.by_day if not day.nth}
    numbered = {
        day.weekday: tuple(other.nth for other in rule.by_day if other.weekday == day.weekday and other.nth)
        for day in rule.by_day
        if day.nth
    }
    in_year = rule.freq == Frequency.YEARLY and not rule.by_month

    def passes(day: date) -> bool:
        weekday = day.weekday()
        if weekday in every or weekday not in numbered:
            return weekday in every
        place, length = (day.timetuple().tm_yday, _year_length(day)) if in_year else (day.day, _month_length(day))
        from_end = -((length - place) // 7) - 1
        return (place - 1) // 7 + 1 in numbered[weekday] or from_end in numbered[weekday]

    return passes


def _is_in_weeks(day: date, rule: Rule) -> bool:
    year = _week_year(day, rule.week_start)
    first, following = _first_week(year, rule.week_start), _first_week(year + 1, rule.week_start)
    return _is_among((day.toordinal() - first) // 7 + 1, (following - first) // 7, rule.by_week_no)


def _is_among(place: int, length: int, numbers: Sequence[int]) -> bool:
    """Return whether the place, counted from 1 or from the end, is one of the numbers."""
    return place in numbers or place - length - 1 in numbers


def _month_length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _year_length(day: date) -> int:
    return 366 if calendar.isleap(day.year) else 365
