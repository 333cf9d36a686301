"""Parsing and formatting of numbers, such as `2.5`, and durations, such as `1h30m`."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates.words import UNITS, normalize

_SIZES = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_DAY = _SIZES["d"]

MAX_DURATION = 36_525 * _DAY
"""A century, in seconds."""

MAX_NUMBER = 10**15
"""Up to this number, databases and JSON parsers represent whole numbers and thousandths exactly."""

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_PART = r"(\d+(?:\.\d+)?) ?([a-z]+)"
_PARTS = re.compile(rf"{_PART}(?:(?:, | and | )?{_PART})*", re.ASCII)
_ISO = re.compile(r"p(?=.)(?:(\d+)w)?(?:(\d+)d)?(?:t(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)?", re.ASCII)


def parse_number(text: str) -> float:
    """Return the number, an int unless it has a fraction; raises InvalidInputError."""
    if not _NUMBER.fullmatch(text.strip()):
        raise InvalidInputError(f"{text!r} is not a number", "examples: 3, 2.5, -1")
    number = float(text)
    if abs(number) > MAX_NUMBER:
        raise InvalidInputError(f"{text!r} is too large", f"the largest number is {MAX_NUMBER}")
    return simplify(number)


def simplify(number: float) -> float:
    """Return a whole number as an int."""
    return int(number) if number == int(number) else number


def format_number(number: float) -> str:
    """Return the number with as few digits as possible: `3`, `2.5`."""
    return format(Decimal(repr(simplify(number))), "f")


def parse_duration(text: str) -> int:
    """Parse a duration and return whole seconds: `1h30m`, `90 minutes`, `1.5h`, `2d` (48 hours), `PT1H30M` (ISO 8601).

    Raises InvalidInputError, also for months and years, whose length varies.
    """
    written = normalize(text)
    if match := _ISO.fullmatch(written):
        sizes = (7 * _DAY, *_SIZES.values())
        seconds = Fraction(
            sum(int(number) * size for number, size in zip(match.groups(), sizes, strict=True) if number)
        )
    elif _PARTS.fullmatch(written):
        seconds = sum(
            (Fraction(number) * _size_of(unit, text) for number, unit in re.findall(_PART, written)), Fraction()
        )
    else:
        raise _refuse(text)
    if seconds > MAX_DURATION:
        raise InvalidInputError(f"{text!r} is too long", "the longest duration is 36525d, a century")
    return round(seconds)


def _size_of(unit: str, text: str) -> int:
    """Return the number of seconds in a unit."""
    kind, number = UNITS.get(unit, (None, 0))
    match kind:
        case "seconds":
            return number
        case "days":
            return number * _DAY
        case "months":
            raise InvalidInputError(f"{text!r} has no fixed length", "use weeks, days, hours or minutes")
    raise _refuse(text)


def _refuse(text: str) -> InvalidInputError:
    return InvalidInputError(f"{text!r} is not a duration", "examples: 1h30m, 45min, 1.5h, 2d, '2 hours', PT1H30M")


def format_duration(seconds: int) -> str:
    """Return the duration in days, hours, minutes and seconds, omitting zeros: `1h30m`; `0m` if it is zero."""
    parts = []
    for unit, size in _SIZES.items():
        number, seconds = divmod(seconds, size)
        parts.append(f"{number}{unit}" if number else "")
    return "".join(parts) or "0m"
