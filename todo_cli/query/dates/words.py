"""The words of WHEN, and how they are compared."""

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
"""What a unit adds to, and how much of it."""

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
"""The texts of one word that are most likely to be meant."""

FILLERS = frozenset({"on", "by", "the", "in", "of", "at", "until", "till", "due", "from"})
"""What people write around a date, and what can be left out of it."""

EDGES = {"start": "so", "beginning": "so", "end": "eo"}
"""What people write of a day, week, month … before `of`; `som` and `eom` say it."""

WORDS = frozenset(
    {*NAMES, *WEEKDAYS, *MONTHS, *ORDINALS, *SUFFIXES, *PERIODS, *UNITS}
    | {"this", "next", "last", "the", "of", "in", "at", "ago", "a", "an", "am", "pm"}
)

LONGEST = 200
"""Nobody writes a date of more characters, and no number in it is then too long to be counted with."""

_TO_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def normalise(text: str) -> str:
    """Return the text with single spaces and in lower case; letters that are not ASCII do not become so."""
    return " ".join(text.split()).translate(_TO_LOWER)
