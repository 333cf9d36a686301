"""Recurrence rules: parsing and formatting of RRULEs (RFC 5545, 3.3.10).

The dates of a rule are computed in `occurrences.py`; phrases are parsed in `parser.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import IntEnum
from typing import NamedTuple

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates import FIRST_YEAR, LAST_YEAR
from todo_cli.suggestions import nearest

DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PREFIX = "RRULE:"

MAX_COUNT = 100_000
"""The greatest COUNT of a new series. A greater one would take minutes to compute."""

_MAX_DIGITS = 18
_QUOTED_LENGTH = 60
_NUMBER = re.compile(r"\d+", re.ASCII)
_SIGNED = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)


class Frequency(IntEnum):
    """The frequency of a rule, the longest period first."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6

    @property
    def is_within_a_day(self) -> bool:
        return self > Frequency.DAILY


class RuleDay(NamedTuple):
    """A weekday (0 is Monday): every one, or the nth of its month or year, counted from the end if negative."""

    weekday: int
    nth: int = 0

    def __str__(self) -> str:
        return f"{self.nth or ''}{DAY_CODES[self.weekday]}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A valid recurrence rule. Each list is sorted, with numbers that count from the end last.

    `until` is a date, a naive date-time in the series' zone, or an aware one in UTC. `str` returns the canonical RRULE.
    """

    freq: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[RuleDay, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0

    @property
    def days_from_start(self) -> bool:
        """Whether the start of the series determines the day within the period."""
        return not (self.by_week_no or self.by_year_day or self.by_month_day or self.by_day)

    @property
    def has_times(self) -> bool:
        """Whether it specifies times, and so needs a start with a time."""
        return self.freq.is_within_a_day or bool(self.by_hour or self.by_minute or self.by_second)

    @property
    def is_distance(self) -> bool:
        """Whether it consists only of a frequency and an interval."""
        return self.days_from_start and not (self.by_month or self.by_hour or self.by_minute or self.by_second)

    def __str__(self) -> str:
        parts = [f"FREQ={self.freq.name}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        if self.until is not None:
            parts.append(f"UNTIL={_format_until(self.until)}")
        for name, field in _BY_PARTS.items():
            if values := getattr(self, field):
                parts.append(f"{name}={','.join(map(str, values))}")
        if self.week_start:
            parts.append(f"WKST={DAY_CODES[self.week_start]}")
        return ";".join(parts)


_BY_PARTS = {
    "BYMONTH": "by_month",
    "BYWEEKNO": "by_week_no",
    "BYYEARDAY": "by_year_day",
    "BYMONTHDAY": "by_month_day",
    "BYDAY": "by_day",
    "BYHOUR": "by_hour",
    "BYMINUTE": "by_minute",
    "BYSECOND": "by_second",
    "BYSETPOS": "by_set_pos",
}
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", *_BY_PARTS, "WKST")

_RANGES = {  # the minimum, the maximum, and whether negative numbers count from the end
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 60, False),
    "BYSETPOS": (1, 366, True),
}


def parse_rule(text: str) -> Rule:
    """Return the rule of an RRULE, with or without the prefix `RRULE:`, in any case (RFC 5545, 3.3.10).

    Raises InvalidInputError that names the invalid part and describes valid values.
    """
    parts = _split(text)
    numbers = {_BY_PARTS[name]: _parse_numbers(name, parts[name]) for name in _RANGES if name in parts}
    rule = Rule(
        freq=_parse_freq(parts),
        interval=_parse_positive("INTERVAL", parts.get("INTERVAL", "1")),
        count=_parse_positive("COUNT", parts["COUNT"]) if "COUNT" in parts else None,
        until=_parse_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        by_day=_parse_days(parts["BYDAY"]) if "BYDAY" in parts else (),
        week_start=_parse_week_start(parts.get("WKST", "MO")),
        **numbers,
    )
    _check_parts(rule)
    return rule


def quote(text: str) -> str:
    """Return the text in quotes, truncated for a message."""
    return repr(text if len(text) <= _QUOTED_LENGTH else f"{text[:_QUOTED_LENGTH]}…")


def ordered(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return each number once, sorted, with negative ones, which count from the end, last."""
    return tuple(sorted(set(numbers), key=lambda number: (number < 0, number)))


def _split(text: str) -> dict[str, str]:
    rule = text.strip().upper() if text.isascii() else text
    parts: dict[str, str] = {}
    for part in rule.removeprefix(PREFIX).split(";"):
        name, equals, value = part.partition("=")
        if name not in _PARTS:
            meant = nearest(name, _PARTS)
            hint = f"did you mean {meant}? " if meant else ""
            raise InvalidInputError(f"{quote(name)} is not a part of an RRULE", f"{hint}parts: {', '.join(_PARTS)}")
        if not equals or not value:
            raise InvalidInputError(f"{name} has no value", f"write it as {name}=…")
        if name in parts:
            raise InvalidInputError(
                f"the RRULE has {name} twice", "write each part once, and separate its values with commas"
            )
        parts[name] = value
    return parts


def _wrong(name: str, value: str, expected: str) -> InvalidInputError:
    return InvalidInputError(f"{name} cannot be {quote(value)}", f"expected: {expected}")


def _parse_freq(parts: dict[str, str]) -> Frequency:
    names = [freq.name for freq in Frequency]
    if "FREQ" not in parts:
        raise InvalidInputError("the RRULE has no FREQ", "an RRULE is written as FREQ=WEEKLY;BYDAY=MO")
    if parts["FREQ"] not in names:
        meant = nearest(parts["FREQ"], names)
        raise _wrong("FREQ", parts["FREQ"], ", ".join(names) + (f"; did you mean {meant}?" if meant else ""))
    return Frequency[parts["FREQ"]]


def _parse_positive(name: str, value: str) -> int:
    if not _NUMBER.fullmatch(value) or len(value) > _MAX_DIGITS or not int(value):
        raise _wrong(name, value, f"a positive whole number of at most {_MAX_DIGITS} digits")
    return int(value)


def _parse_numbers(name: str, value: str) -> tuple[int, ...]:
    least, most, both_ways = _RANGES[name]
    expected = f"numbers from {least} to {most}" + (f", or from -{most} to -1" if both_ways else "")
    numbers = []
    for word in value.split(","):
        if not _SIGNED.fullmatch(word) or (not both_ways and not word.isdigit()):
            raise _wrong(name, word, expected)
        number = int(word)
        if not least <= abs(number) <= most:
            raise _wrong(name, word, expected)
        numbers.append(number)
    return ordered(numbers)


def _parse_days(value: str) -> tuple[RuleDay, ...]:
    days = set()
    for word in value.split(","):
        match = _DAY.fullmatch(word)
        if match is None or (match[1] is not None and not 1 <= abs(int(match[1])) <= 53):
            raise _wrong("BYDAY", word, f"{', '.join(DAY_CODES)}, with a number from 1 to 53 or -53 to -1 before it")
        days.add(RuleDay(DAY_CODES.index(match[2]), int(match[1] or 0)))
    return tuple(sorted(days, key=lambda day: (day.nth < 0, day.nth, day.weekday)))


def _parse_week_start(value: str) -> int:
    if value not in DAY_CODES:
        raise _wrong("WKST", value, ", ".join(DAY_CODES))
    return DAY_CODES.index(value)


def _parse_until(value: str) -> date | datetime:
    match = _UNTIL.fullmatch(value)
    expected = f"20271224, 20271224T180000 or 20271224T170000Z (UTC), from the year {FIRST_YEAR:04} to {LAST_YEAR}"
    if match is None:
        raise _wrong("UNTIL", value, expected)
    try:
        until = _make_until(match)
    except ValueError:
        raise _wrong("UNTIL", value, expected) from None
    if not FIRST_YEAR <= until.year <= LAST_YEAR:
        raise _wrong("UNTIL", value, expected)
    return until


def _make_until(match: re.Match[str]) -> date | datetime:
    on = date(int(match[1]), int(match[2]), int(match[3]))
    if match[4] is None:
        return on
    # RFC 5545, 3.3.12: without leap seconds, second 60 is read as 59
    second = 59 if match[6] == "60" else int(match[6])
    return datetime.combine(on, time(int(match[4]), int(match[5]), second), tzinfo=UTC if match[7] else None)


def _format_until(until: date | datetime) -> str:
    text = until.isoformat().replace("-", "").replace(":", "")
    return text.replace("+0000", "Z")


def _check_parts(rule: Rule) -> None:
    """Raise InvalidInputError for combinations of parts that RFC 5545, 3.3.10, forbids."""
    freq = rule.freq
    numbered = any(day.nth for day in rule.by_day)
    refusals = (
        (
            rule.count is not None and rule.until is not None,
            "COUNT and UNTIL cannot be used together",
            "use one of them",
        ),
        (rule.by_week_no and freq != Frequency.YEARLY, "BYWEEKNO requires FREQ=YEARLY", None),
        (
            rule.by_year_day and freq in (Frequency.MONTHLY, Frequency.WEEKLY, Frequency.DAILY),
            f"BYYEARDAY cannot be used with FREQ={freq.name}",
            "use FREQ=YEARLY, or BYMONTHDAY",
        ),
        (
            rule.by_month_day and freq == Frequency.WEEKLY,
            "BYMONTHDAY cannot be used with FREQ=WEEKLY",
            "use FREQ=MONTHLY or FREQ=DAILY",
        ),
        (
            numbered and freq not in (Frequency.MONTHLY, Frequency.YEARLY),
            "BYDAY with numbers requires FREQ=MONTHLY or FREQ=YEARLY",
            "omit the numbers: BYDAY=MO",
        ),
        (numbered and rule.by_week_no, "BYDAY with numbers cannot be used with BYWEEKNO", "omit the numbers"),
        (
            rule.by_set_pos and rule.is_distance,
            "BYSETPOS needs another BY part to choose from",
            "as in FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        ),
    )
    for refused, message, hint in refusals:
        if refused:
            raise InvalidInputError(message, hint)
