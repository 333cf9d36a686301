"""The settings and their values.

A setting in a table has the table's name as a prefix: `urgency.priority.high` is `high` in `[urgency.priority]`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from todo_cli.config.defaults import COEFFICIENTS, STYLE_DESCRIPTIONS, STYLES
from todo_cli.errors import InvalidInputError
from todo_cli.suggestions import nearest

Scalar = str | int | float | bool


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("text that is not blank")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError("the name of an environment variable, such as DATABASE_URL")
    return value


def _positive(value: str) -> int:
    if not (len(value) <= 6 and value.isascii() and value.isdigit() and 1 <= int(value) <= 100_000):
        raise ValueError("a whole number from 1 to 100000")
    return int(value)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 3600:
        raise ValueError("a number of seconds from 0.1 to 3600")
    return seconds


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(value: str) -> str:
    found = [day for day in WEEKDAYS if value.lower() in (day, day[:3])]
    if not found:
        raise ValueError("a weekday, such as monday or sunday")
    return found[0]


def _date_order(value: str) -> str:
    if value.lower() not in ("d/m/y", "m/d/y"):
        raise ValueError("d/m/y or m/d/y")
    return value.lower()


def _hour(value: str) -> str:
    hour, _, minute = value.partition(":")
    if not (value.isascii() and hour.isdigit() and (minute.isdigit() or ":" not in value)) or len(value) > 5:
        raise ValueError("an hour of the day, such as 9 or 17:30")
    if int(hour) > 23 or int(minute or 0) > 59:
        raise ValueError("an hour from 0:00 to 23:59")
    return f"{int(hour):02}:{int(minute or 0):02}"


def _yes_or_no(value: str) -> bool:
    known = {"yes": True, "true": True, "no": False, "false": False}
    if value.lower() not in known:
        raise ValueError("yes or no")
    return known[value.lower()]


def _resident(value: str) -> str:
    if value.lower() not in ("auto", "on", "off"):
        raise ValueError("auto, on or off")
    return value.lower()


def _coefficient(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not -1000 <= number <= 1000:
        raise ValueError("a number from -1000 to 1000")
    return number


def _days(value: str) -> float:
    try:
        days = float(value)
    except ValueError:
        days = 0
    if not 1 <= days <= 100_000:
        raise ValueError("a number of days from 1 to 100000")
    return days


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting; `parse` raises ValueError with a description of valid values."""

    key: str
    description: str
    parse: Callable[[str], Scalar]
    environment: str | None = None
    secret: bool = False
    default: Scalar | None = None


_DESCRIPTIONS = {
    "due": "urgency of a due date, which grows as the date approaches",
    "scheduled": "urgency of a todo whose scheduled date has come",
    "active": "urgency of todos in progress",
    "age": "urgency of a todo that is age_max days old; grows linearly up to then",
    "age_max": "number of days after which age adds no more urgency",
    "tags": "urgency of todos with tags",
    "projects": "urgency of todos in a project",
    "blocking": "urgency of todos that block others",
    "blocked": "urgency of blocked todos",
    "waiting": "urgency of todos that are hidden until later",
}


def _urgency_settings() -> Iterator[Setting]:
    for name, default in COEFFICIENTS.items():
        parse = _days if name == "age_max" else _coefficient
        table, _, priority = name.partition(".")
        description = f"urgency of the priority {priority}" if table == "priority" else _DESCRIPTIONS[name]
        yield Setting(f"urgency.{name}", description, parse, default=default)


def _theme_settings() -> Iterator[Setting]:
    for name, default in STYLES.items():
        yield Setting(f"theme.{name}", f"the style of {STYLE_DESCRIPTIONS[name]}", _text, default=default)


SETTINGS: Mapping[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting(
            "database",
            "the database in use, as a URL (unset: the embedded file)",
            _text,
            environment="TODO_DATABASE_URL",
            secret=True,
        ),
        Setting("database_env", "the environment variable to read the database URL from", _variable),
        Setting("user", "your user in the database (unset: its only user)", _text, environment="TODO_USER"),
        Setting(
            "connect_timeout",
            "seconds to wait for a server that sleeps or restarts (unset: 15)",
            _seconds,
            environment="TODO_CONNECT_TIMEOUT",
        ),
        Setting(
            "answer_timeout",
            "seconds to wait for the server's answer to a statement (unset: 30)",
            _seconds,
            environment="TODO_ANSWER_TIMEOUT",
        ),
        Setting(
            "lock_timeout",
            "seconds to wait for a lock that another client holds (unset: 10)",
            _seconds,
            environment="TODO_LOCK_TIMEOUT",
        ),
        Setting(
            "idle_timeout",
            "seconds until the server ends the transaction of a suspended command (unset: 30)",
            _seconds,
            environment="TODO_IDLE_TIMEOUT",
        ),
        Setting(
            "verify_tls",
            "whether to verify the certificates of remote hosts (unset: yes); with no, sslmode decides",
            _yes_or_no,
        ),
        Setting("week_start", "the first day of the week (unset: monday)", _weekday),
        Setting("date_order", "how to read 10/11/2026: d/m/y or m/d/y (unset: refuse it)", _date_order),
        Setting(
            "default_hour",
            "the default time of day for due and scheduled dates (unset: none, the whole day)",
            _hour,
        ),
        Setting("per_page", "todos per page on a terminal (unset: as many as fit)", _positive),
        Setting("context", "the context in use, see 'todo context' (unset: none)", _text, environment="TODO_CONTEXT"),
        Setting(
            "connect_ahead",
            "whether the background process connects to the server ahead of the next command (unset: yes)",
            _yes_or_no,
            environment="TODO_CONNECT_AHEAD",
        ),
        Setting(
            "resident",
            "whether a background process runs commands: auto or off (unset: auto); in CI only with TODO_RESIDENT=on",
            _resident,
            environment="TODO_RESIDENT",
        ),
        *_urgency_settings(),
        *_theme_settings(),
    )
}
OPEN_TABLES = {"urgency.tag.": "todos with the tag", "urgency.project.": "todos in the project"}
"""Tables in which every name is a setting, and the todos that it applies to."""


def nearest_style(name: str) -> str | None:
    """Return the setting for a style that was named wrongly, or as earlier versions did: `due.overdue`."""
    last = name.rpartition(".")[2]
    meant = last if last in STYLES else nearest(last, STYLES)
    return f"theme.{meant}" if meant else None


def find_setting(key: str) -> Setting:
    """Return the setting with that key; raises InvalidInputError with the known keys."""
    if key in SETTINGS:
        return SETTINGS[key]
    for table, about in OPEN_TABLES.items():
        if name := key.removeprefix(table) if key.startswith(table) else "":
            return Setting(key, f"urgency of {about} {name}", _coefficient, default=0.0)
    table, _, name = key.partition(".")
    meant = nearest_style(name) if table == "theme" else nearest(key, SETTINGS)
    known = f"settings: {', '.join(name for name in SETTINGS if '.' not in name)}"
    if table in ("urgency", "theme"):
        known = f"run 'todo config list {table}' to list them"
    raise InvalidInputError(f"unknown setting {key!r}", f"did you mean {meant!r}? {known}" if meant else known)


def parse_setting(key: str, text: str) -> Scalar:
    """Return the text as a value of that setting; raises InvalidInputError with a description of valid values."""
    try:
        return find_setting(key).parse(text)
    except ValueError as error:
        given = "" if key in ("database", "database_env") else f", not {text!r}"
        raise InvalidInputError(f"{key} must be {error}{given}") from None


def kind_of(value: object) -> str:
    """Return the kind of a TOML value for a message; the value itself may contain a password."""
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case _:
            return "a date or time"
