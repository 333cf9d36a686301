"""Parser for recurrence phrases: a rule from a phrase and the start of the series.

| EVERY                                               | means, from a start on the 15th (RFC 5545, 3.3.10)        |
|-----------------------------------------------------|-----------------------------------------------------------|
| `day`, `3 days`, `other day`                        | `FREQ=DAILY`, `…;INTERVAL=3`, `…;INTERVAL=2`              |
| `weekday`, `weekend`                                | `FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR`, `…;BYDAY=SA,SU`       |
| `week`, `2 weeks`                                   | `FREQ=WEEKLY`, `FREQ=WEEKLY;INTERVAL=2`                   |
| `mon,wed,fri`, `monday and friday`                  | `FREQ=WEEKLY;BYDAY=MO,WE,FR`, `FREQ=WEEKLY;BYDAY=MO,FR`   |
| `2 weeks on mon,thu`                                | `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH`                      |
| `month`, `3 months`, `quarter`, `2 quarters`        | `FREQ=MONTHLY`, `…;INTERVAL=3`, the same, `…;INTERVAL=6`  |
| `15th`, `1st and 15th of month`                     | `FREQ=MONTHLY;BYMONTHDAY=15`, `…;BYMONTHDAY=1,15`         |
| `month on the 15th`, `2 months on the 15th`         | `FREQ=MONTHLY;BYMONTHDAY=15`, with `INTERVAL=2`           |
| `last day of month`, `month on the last day`        | `FREQ=MONTHLY;BYMONTHDAY=-1`                              |
| `last day of quarter`                               | `FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1`              |
| `first day of quarter`                              | `FREQ=YEARLY;BYMONTH=1,4,7,10;BYMONTHDAY=1`               |
| `last friday of quarter`                            | `FREQ=YEARLY;BYMONTH=3,6,9,12;BYDAY=-1FR`                 |
| `3rd tuesday of month`, `last friday of month`      | `FREQ=MONTHLY;BYDAY=3TU`, `FREQ=MONTHLY;BYDAY=-1FR`       |
| `last weekday of month`                             | `FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1`           |
| `first monday of january`                           | `FREQ=YEARLY;BYMONTH=1;BYDAY=1MO`                         |
| `year`, `2 years`                                   | `FREQ=YEARLY`, `FREQ=YEARLY;INTERVAL=2`                   |
| `24 dec`, `dec 24`, `24th of december`              | `FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24`                    |
| `last day of february`                              | `FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1`                     |
| `hour`, `2 hours`, `30 minutes`                     | `FREQ=HOURLY`, `…`; only where the start has a time       |
| `FREQ=…`, `RRULE:FREQ=…`                            | that rule unchanged; the adjustments below do not apply   |

A phrase may start with `every` and contain `the` anywhere. In a month that is too short, the last day is used, and the
original day again afterwards: the 29th and 30th (in the phrase or of the start) become
`BYMONTHDAY=28,29,30;BYSETPOS=-1`, the 31st becomes the last day, and 29 February becomes
`BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1`. A quarter with a day is a calendar quarter, and the day is in its first month
or, counted from the end, in its last; without a day it is an interval of three months.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates.words import MONTH_NAMES, MONTHS, WEEKDAY_NAMES
from todo_cli.query.recurrence.rules import DAY_CODES, PREFIX, Rule, ordered, parse_rule, quote
from todo_cli.query.recurrence.slots import Slot
from todo_cli.suggestions import nearest

EXAMPLES = "day, weekday, 2 weeks, 'mon,thu', month, 15th, 'last day of month', '3rd tuesday of month', '24 dec'"

MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
QUARTER_BEGINNINGS, QUARTER_ENDS = (1, 4, 7, 10), (3, 6, 9, 12)

_UNITS = {  # each with its frequency and interval
    "minute": ("MINUTELY", 1),
    "hour": ("HOURLY", 1),
    "day": ("DAILY", 1),
    "week": ("WEEKLY", 1),
    "month": ("MONTHLY", 1),
    "quarter": ("MONTHLY", 3),
    "year": ("YEARLY", 1),
}
_DAY_NAMES = {
    **{name[:length]: code for name, code in zip(WEEKDAY_NAMES, DAY_CODES, strict=True) for length in (3, None)},
    **{f"{name}s": code for name, code in zip(WEEKDAY_NAMES, DAY_CODES, strict=True)},
    "tues": "TU",
    "weds": "WE",
    "thur": "TH",
    "thurs": "TH",
    **dict.fromkeys(("weekday", "weekdays"), "MO,TU,WE,TH,FR"),
    **dict.fromkeys(("weekend", "weekends"), "SA,SU"),
}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_FILLERS = ("every", "other", "on", "of", "and", "the")
_WORDS = (*_UNITS, *(f"{unit}s" for unit in _UNITS), *_DAY_NAMES, *MONTHS, *_ORDINALS, *_FILLERS)

_MAX_LENGTH = 200
_DAYS_OF_QUARTER = 30
"""The length of the shortest first month of a quarter."""
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_ORDINAL = re.compile(r"(\d{1,2})(st|nd|rd|th)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Period:
    """The period in a phrase: `2 weeks`, `quarter`; `january` means every year in January."""

    freq: str
    interval: int = 1
    month: int | None = None
    is_quarter: bool = False


@dataclass(frozen=True, slots=True)
class _Days:
    """The days in a phrase: `by_day` as in an RRULE, `days` of a month, where -1 is the last.

    `weekly` means weekdays without numbers; `ends` has for each number whether it counts from the end.
    """

    by_day: str = ""
    days: tuple[int, ...] = ()
    month: int | None = None
    weekly: bool = False
    ends: frozenset[bool] = frozenset()


def parse_every(
    text: str, start: Slot, *, last_day: bool = False, week_start: int = 0, from_completion: bool = False
) -> Rule:
    """Return the rule of a phrase, for a series with that start.

    `last_day` means that the start was written as the end of its month; `week_start` (0 is Monday) is the first day of
    the week. With `from_completion`, a plain interval does not keep the day of the month. Raises InvalidInputError with
    a suggestion for anything that is not in the module's table.
    """
    if "=" in text or text.strip().upper().startswith(PREFIX):
        return parse_rule(text)
    words = _split(text) if len(text) <= _MAX_LENGTH else []
    if (phrase := _parse_phrase(words)) is None:
        meant = next((" ".join(other) for other in _corrections(words) if _is_every(other, start)), None)
        hint = f"did you mean {meant!r}? " if meant else ""
        raise InvalidInputError(f"{quote(text)} is not a valid recurrence", f"{hint}examples: {EXAMPLES}")
    return _make_rule(*phrase, start, last_day=last_day, week_start=week_start, from_completion=from_completion)


def is_phrase(text: str) -> bool:
    """Return whether the text is a phrase of the module's table or an RRULE, even if it never occurs."""
    if "=" in text or text.strip().upper().startswith(PREFIX):
        return len(text.split()) == 1
    return len(text) <= _MAX_LENGTH and _parse_phrase(_split(text)) is not None


def _make_rule(
    period: _Period,
    days: _Days | None,
    start: Slot,
    *,
    last_day: bool = False,
    week_start: int = 0,
    from_completion: bool = False,
) -> Rule:
    if period.freq in ("HOURLY", "MINUTELY") and not isinstance(start, datetime):
        raise InvalidInputError(
            "an hourly or minutely recurrence needs a due date with a time", "for example: due:'2026-12-24 18:00'"
        )
    if days and period.is_quarter:
        return parse_rule(_rule_of_quarter(days))
    if days:
        parts = _parts_of_days(period, days)
        if period.freq == "WEEKLY" and period.interval > 1:
            parts += f";WKST={DAY_CODES[week_start]}"
    else:
        parts = "" if from_completion else _parts_of_start(period.freq, start, last_day=last_day)
    return parse_rule(f"FREQ={period.freq};INTERVAL={period.interval}{parts}")


def _split(text: str) -> list[str]:
    words = text.lower().replace(",", " ").split()
    return words[1:] if words[:1] == ["every"] else words


def _parse_phrase(words: list[str]) -> tuple[_Period, _Days | None] | None:
    """Return the period and the days of a phrase, None for days that the start supplies; None if it is not a phrase."""
    period = _parse_period(words)
    if period is not None:
        return period, None
    if "on" in words:
        place = words.index("on")
        period, days = _parse_period(words[:place]), _parse_days(words[place + 1 :])
    elif "of" in words:
        place = words.index("of")
        period, days = _parse_period_of(words[place + 1 :]), _parse_days(words[:place])
    else:
        # '2' alone is not a day of the month, '2 dec' is
        days = _parse_days(words, bare=any(word in MONTHS for word in words))
        period = _default_period(days) if days else None
    return (period, days) if period and days and _match(period, days) else None


def _parse_period(words: list[str]) -> _Period | None:
    if len(words) == 1 and words[0] in _UNITS:
        freq, factor = _UNITS[words[0]]
        return _Period(freq, factor, is_quarter=words[0] == "quarter")
    if len(words) != 2 or words[1].removesuffix("s") not in _UNITS:
        return None
    count = "2" if words[0] == "other" else words[0]
    if not _COUNT.fullmatch(count) or not int(count):
        return None
    freq, factor = _UNITS[words[1].removesuffix("s")]
    return _Period(freq, factor * int(count))


def _parse_period_of(words: list[str]) -> _Period | None:
    """Return the period after `of`, which may also be the name of a month."""
    words = [word for word in words if word not in ("the", "every")]
    if len(words) == 1 and words[0] in MONTHS:
        return _Period("YEARLY", month=MONTHS[words[0]])
    return _parse_period(words)


def _default_period(days: _Days) -> _Period:
    if days.month:
        return _Period("YEARLY")
    return _Period("WEEKLY" if days.weekly else "MONTHLY")


def _parse_days(words: list[str], *, bare: bool = True) -> _Days | None:
    """Return the days in the words, None if they are not days; `bare` accepts `15` for `15th`."""
    if words[-1:] in (["and"], ["the"]):
        return None
    weekdays: list[str] = []
    nth_weekdays: list[str] = []
    days: list[int] = []
    months: list[int] = []
    numbers: list[int] = []  # the preceding numbers: days of the month, unless a weekday follows
    ends: set[bool] = set()
    for word in words:
        number = _parse_ordinal(word, bare=bare)
        if number is not None:
            numbers.append(number)
            ends.add(number < 0)
        elif word == "day" and numbers[-1:] in ([1], [-1]):
            days.append(numbers.pop())
        elif word == "weekday" and numbers:
            nth_weekdays.append(f"{_DAY_NAMES[word]};BYSETPOS={_join(numbers)}")
            numbers.clear()
        elif word in _DAY_NAMES and numbers:
            nth_weekdays += [f"{number}{_DAY_NAMES[word]}" for number in numbers]
            numbers.clear()
        elif word in _DAY_NAMES:
            weekdays.append(_DAY_NAMES[word])
        elif word in MONTHS:
            months.append(MONTHS[word])
        elif word not in ("and", "the"):
            return None
    days += numbers
    by_day = ",".join(weekdays or nth_weekdays)
    if len(months) > 1 or -1 in numbers or sum(map(bool, (weekdays, nth_weekdays, days))) != 1:
        return None
    if days and not bare and any(word in _ORDINALS and word != "last" for word in words):  # 'every second'
        return None
    if "BYSETPOS" in by_day and len(nth_weekdays) > 1:  # it would choose from all weekdays together
        return None
    return _Days(by_day, ordered(days), months[0] if months else None, weekly=bool(weekdays), ends=frozenset(ends))


def _parse_ordinal(word: str, *, bare: bool) -> int | None:
    if word in _ORDINALS:
        return _ORDINALS[word]
    match = _ORDINAL.fullmatch(word)
    return int(match[1]) if match and (match[2] or bare) else None


def _match(period: _Period, days: _Days) -> bool:
    """Return whether the days fit the period: weeks have weekdays, months have days, and years need a month."""
    if period.month and days.month:
        return False
    month = period.month or days.month
    if days.weekly:
        return period.freq == "WEEKLY" and not month
    return period.freq == ("YEARLY" if month else "MONTHLY")


def _parts_of_days(period: _Period, days: _Days) -> str:
    """Return the BY parts of the RRULE, each with its semicolon; raises InvalidInputError for impossible days."""
    month = period.month or days.month
    parts = f";BYMONTH={month}" if month else ""
    if days.by_day:
        return f"{parts};BYDAY={days.by_day}"
    longest = MONTH_LENGTHS[month - 1] if month else 31
    for day in days.days:
        if not day or day > longest:
            name = MONTH_NAMES[month - 1].title() if month else "a month"
            raise InvalidInputError(f"{name} has no day {day}", f"use a day from 1 to {longest}")
    return parts + _part_of_month_days(days.days, longest if month not in (None, 2) else 28)


def _rule_of_quarter(days: _Days) -> str:
    """Return the RRULE for days in each calendar quarter; raises InvalidInputError if no rule expresses them."""
    if len(days.ends) > 1:
        raise InvalidInputError(
            "the beginning and the end of a quarter cannot be combined in one recurrence", "add two todos"
        )
    if any(day == 0 or day > _DAYS_OF_QUARTER for day in days.days):
        raise InvalidInputError(
            f"the first month of a quarter has no day {_join(days.days)}",
            f"use a day from 1 to {_DAYS_OF_QUARTER}",
        )
    months = _join(QUARTER_ENDS if True in days.ends else QUARTER_BEGINNINGS)
    freq = "MONTHLY" if "BYSETPOS" in days.by_day else "YEARLY"  # in a year, BYSETPOS would choose only once
    chosen = f"BYDAY={days.by_day}" if days.by_day else f"BYMONTHDAY={_join(days.days)}"
    return f"FREQ={freq};BYMONTH={months};{chosen}"


def _part_of_month_days(days: tuple[int, ...], shortest: int) -> str:
    """Return BYMONTHDAY for months of at least that length, with the last day for days that a month lacks."""
    days = ordered(-1 if day == 31 > shortest else day for day in days)
    late = [day for day in days if day > shortest]
    if not late or -1 in days:  # -1 is the last day of the short months already
        return f";BYMONTHDAY={_join(days)}"
    if len(late) > 1:
        raise InvalidInputError("the 29th and the 30th cannot be combined in one recurrence", "add two todos")
    early = [day for day in days if day <= shortest]
    numbers = ordered((*early, *range(shortest, late[0] + 1)))
    return f";BYMONTHDAY={_join(numbers)};BYSETPOS={_join((*range(1, len(early) + 1), -1))}"


def _parts_of_start(freq: str, start: Slot, *, last_day: bool) -> str:
    """Return the BY parts that keep the day of the start after months that are too short for it."""
    if freq not in ("MONTHLY", "YEARLY"):
        return ""
    month = f";BYMONTH={start.month}" if freq == "YEARLY" else ""
    if last_day:
        return f"{month};BYMONTHDAY=-1"
    if start.day <= 28 or (month and start.month != 2):
        return ""
    return month + _part_of_month_days((start.day,), 28)


def _join(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _corrections(words: list[str]) -> Iterator[list[str]]:
    """Yield corrected phrases."""
    right = _split(" ".join(word if _is_known(word) else nearest(word, _WORDS) or word for word in words))
    yield right
    yield from ([*right[:place], "on", *right[place:]] for place in (1, 2))
    yield [*right, "weeks"]
    yield [*right, "day"]


def _is_every(words: list[str], start: Slot) -> bool:
    if (phrase := _parse_phrase(words)) is None:
        return False
    try:
        _make_rule(*phrase, start)
    except InvalidInputError:
        return False
    return True


def _is_known(word: str) -> bool:
    return word in _WORDS or bool(_ORDINAL.fullmatch(word) or _COUNT.fullmatch(word))
