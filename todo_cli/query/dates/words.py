"""The words of WHEN, and the normalization of texts."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase
from typing import Literal

Period = Literal["week", "month", "quarter", "year"]
Unit = Literal["months", "days", "seconds"]

WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)

WEEKDAYS = {word: number for number, name in enumerate(WEEKDAY_NAMES) for word in (name, name[:3])}
MONTHS = {word: number for number, name in enumerate(MONTH_NAMES, start=1) for word in (name, name[:3])} | {"sept": 9}
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
SUFFIXES = ("st", "nd", "rd", "th")

DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
PERIODS: dict[str, Period] = {"week": "week", "month": "month", "quarter": "quarter", "year": "year"}
BEGINNINGS: dict[str, Period] = {"sow": "week", "som": "month", "soq": "quarter", "soy": "year"}
ENDS: dict[str, Period] = {"eow": "week", "eom": "month", "eoq": "quarter", "eoy": "year"}
SOMEDAY = ("later", "someday")

_UNITS_AS_WRITTEN: dict[str, tuple[Unit, int]] = {
    "s sec second seconds": ("seconds", 1),
    "m min minute minutes": ("seconds", 60),
    "h hr hour hours": ("seconds", 3600),
    "d day days": ("days", 1),
    "w wk week weeks": ("days", 7),
    "mo month months": ("months", 1),
    "q quarter quarters": ("months", 3),
    "y yr year years": ("months", 12),
}
UNITS = {word: unit for words, unit in _UNITS_AS_WRITTEN.items() for word in words.split()}
"""The quantity that each unit adds to, and its factor."""

NAMES = (
    *DAYS,
    *WEEKDAY_NAMES,
    *BEGINNINGS,
    *ENDS,
    *SOMEDAY,
    "now",
    "sod",
    "eod",
    "eoww",
    "easter",
    "noon",
)
"""The most likely intended texts of one word."""

FILLERS = frozenset({"on", "by", "the", "in", "of", "at", "until", "till", "due", "from"})
"""Words that people write around a date and that can be omitted."""

EDGES = {"start": "so", "beginning": "so", "end": "eo"}
"""Words for the start or end of a day, week, month …, as in `end of month`, and the abbreviation's prefix."""

WORDS = frozenset(
    {*NAMES, *WEEKDAYS, *MONTHS, *ORDINALS, *SUFFIXES, *PERIODS, *UNITS}
    | {"this", "next", "last", "the", "of", "in", "at", "ago", "a", "an", "am", "pm"}
)

MAX_LENGTH = 200
"""The maximum number of characters of a date, which also limits the size of its numbers."""

_TO_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def normalize(text: str) -> str:
    """Return the text with single spaces and ASCII letters in lower case."""
    return " ".join(text.split()).translate(_TO_LOWER)
