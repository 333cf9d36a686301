"""Days written with numbers: ISO 8601, `24 dec`, `15th`, and dates with slashes or dots."""

from __future__ import annotations

import re
from datetime import date

from todo_cli.query.dates.calendar_days import add_months, check_year, clamped_day
from todo_cli.query.dates.conventions import Conventions, DateOrder
from todo_cli.query.dates.tokens import Cursor, Token
from todo_cli.query.dates.words import MONTHS, SUFFIXES

_ORDERS: tuple[DateOrder, ...] = ("d/m/y", "m/d/y")
_LEAP_YEARS_APART = 8
"""The maximum, as between 1896 and 1904."""


def read_iso_day(cursor: Cursor) -> date:
    """Read a calendar date, a week date or an ordinal date (ISO 8601); a week without a day is its Monday."""
    token = cursor.take()
    text = token.text.removesuffix("t")
    year = check_year(int(text[:4]))
    if match := re.fullmatch(r"\d+-w(\d\d)(?:-(\d))?", text):
        return _week_day(cursor, year, int(match[1]), match[2])
    if match := re.fullmatch(r"\d+-(\d{3})", text):
        return _day_of_year(cursor, year, int(match[1]))
    month, day = (text[4:6], text[6:]) if text.isdigit() else text[5:].partition("-")[::2]
    on = clamped_day(year, int(month), int(day or 1))
    if text not in (on.isoformat(), on.isoformat().replace("-", "")):
        raise cursor.refusal(token, token, on.isoformat())
    return on


def _week_day(cursor: Cursor, year: int, week: int, digit: str | None) -> date:
    day = int(digit or 1)
    weeks = date(year, 12, 28).isocalendar().week
    if not (1 <= week <= weeks and 1 <= day <= 7):
        meant = f"{year:04}-W{min(max(week, 1), weeks):02}{f'-{min(max(day, 1), 7)}' if digit else ''}"
        advice = f"weeks run from W01 to W{weeks} in {year:04}, their days from 1 to 7"
        raise cursor.refusal(cursor.last, cursor.last, meant, advice=advice)
    on = date.fromisocalendar(year, week, day)
    check_year(on.year)
    return on


def _day_of_year(cursor: Cursor, year: int, day: int) -> date:
    days = date(year, 12, 31).timetuple().tm_yday
    if not 1 <= day <= days:
        meant = f"{year:04}-{min(max(day, 1), days):03}"
        raise cursor.refusal(cursor.last, cursor.last, meant, advice=f"{year:04} has {days} days")
    return date.fromordinal(date(year, 1, 1).toordinal() + day - 1)


def read_ordinal(cursor: Cursor) -> int:
    """Read `1st`, `2nd` … and return the number, 0 if there is none; raises UnreadableError for `31th`."""
    token, suffix = cursor.peek(), cursor.peek(1)
    if token.kind != "number" or suffix.text not in SUFFIXES or suffix.start != token.end:
        return 0
    cursor.take()
    cursor.take()
    number = int(token.text)
    nearest = min(max(number, 1), 31)
    if f"{number}{suffix.text}" != _ordinal(nearest):
        raise cursor.refusal(token, suffix, _ordinal(nearest))
    return number


def _ordinal(number: int) -> str:
    suffix = "th" if number // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def read_day_of_month(cursor: Cursor, first: Token, day: int, today: date) -> date:
    """Read the rest after the day that starts at `first`: a month with an optional year, or nothing after `15th`."""
    last = cursor.last
    if cursor.word() == "of" and cursor.word(1) in MONTHS:
        cursor.take()
    if cursor.word() in MONTHS:
        month = MONTHS[cursor.take().text]
        return _find_or_refuse(cursor, (first, last), day, month, read_year(cursor), today)
    # One of two consecutive months has 31 days, so one of three has the day after today.
    months = (add_months(today.replace(day=1), ahead) for ahead in range(3))
    nearest = (clamped_day(month.year, month.month, day) for month in months)
    return next(on for on in nearest if on.day == day and on > today)


def read_month(cursor: Cursor, today: date) -> date:
    """Read a month with a day, `dec 24, 2027`, or without: the first day of the next month of that name."""
    word = cursor.take()
    month = MONTHS[word.text]
    first = cursor.peek()
    if first.kind != "number" or cursor.word(1) in ("am", "pm"):
        return date(check_year(today.year + (month <= today.month)), month, 1)
    if len(first.text) == 4:
        raise cursor.refusal(word, first, f"{first.text}-{month:02}-01")
    day = read_ordinal(cursor) or int(cursor.take().text)
    return _find_or_refuse(cursor, (first, cursor.last), day, month, read_year(cursor), today)


def read_year(cursor: Cursor) -> int | None:
    """Read a year of four digits, with or without a comma; return None and consume nothing if there is none."""
    has_comma = cursor.peek().kind == "comma"
    token = cursor.peek(int(has_comma))
    if token.kind != "number" or len(token.text) != 4:
        return None
    if has_comma:
        cursor.take()
    return check_year(int(cursor.take().text))


def _find_or_refuse(
    cursor: Cursor, written: tuple[Token, Token], day: int, month: int, year: int | None, today: date
) -> date:
    on = find_date(day, month, year, today)
    if on is None:
        # 2027 has no 29 February, so its dates exist in every year
        nearest = clamped_day(year or 2027, month, day).day
        is_ordinal = written[0] is not written[1]
        raise cursor.refusal(*written, _ordinal(nearest) if is_ordinal else str(nearest))
    return on


def find_date(day: int, month: int, year: int | None, today: date) -> date | None:
    """Return that date, without a year the next one, today or later; None if it does not exist."""
    if not 1 <= month <= 12:
        return None
    for candidate in range(today.year, today.year + _LEAP_YEARS_APART + 1) if year is None else (year,):
        on = clamped_day(check_year(candidate), month, day)
        if on.day == day and (year is not None or on >= today):
            return on
    return None


def read_punctuated_day(cursor: Cursor, today: date, conventions: Conventions) -> date:
    """Read `10/11/2026` or `10/11` in the order of the conventions; raises UnreadableError without one, and for dots.

    The error suggests the possible dates.
    """
    token = cursor.take()
    parts = re.findall(r"\d+", token.text)
    if token.kind == "dots":
        clock = [f"{parts[0]}:{parts[1]}"] if re.fullmatch(r"\d\d?\.\d\d", token.text) else []
        raise cursor.refusal(token, token, *_list_dates(parts, ("d/m/y",), today), *clock)
    order = conventions.date_order
    if order is None:
        is_usual = re.match(r"\d\d?/\d\d?(/|$)", token.text)
        advice = "run 'todo config set date_order d/m/y' (or m/d/y) to choose an order" if is_usual else None
        raise cursor.refusal(token, token, *_list_dates(parts, _ORDERS, today), advice=advice, is_choice=True)
    dates = _list_dates(parts, (order,), today)
    if dates and re.fullmatch(r"\d\d?/\d\d?(/\d{4})?", token.text):
        return date.fromisoformat(dates[0])
    raise cursor.refusal(token, token, *dates, *_list_dates(parts, _ORDERS, today), advice=f"date_order is {order}")


def _list_dates(parts: list[str], orders: tuple[DateOrder, ...], today: date) -> list[str]:
    """Return the possible dates of the numbers, each once, in ISO 8601."""
    found: dict[str, None] = {}
    for order in orders:
        match parts:
            case [year, month, day] if len(year) == 4:
                on = find_date(int(day), int(month), int(year), today)
            case [first, second, *years] if len(years) <= 1:
                day, month = (first, second) if order == "d/m/y" else (second, first)
                full_year = next((int(year) + (2000 if len(year) == 2 else 0) for year in years), None)
                on = find_date(int(day), int(month), full_year, today)
            case _:
                on = None
        if on:
            found[on.isoformat()] = None
    return list(found)
