"""The grammar of WHEN: a moment or a distance, followed by durations, and by a time of day if it has none.

when     = (moment | distance) {sign duration} [clock {sign duration}]
moment   = "now" | "sod" | "eod" | clock [day] | day [clock]
distance = ["in"] duration | duration "ago" | sign duration

The days are those of the table in `todo_cli.query.dates`.
"""

from __future__ import annotations

from datetime import date, datetime, time

from todo_cli.models.values import When
from todo_cli.query.dates.calendar_days import add_days
from todo_cli.query.dates.clock import TIMES_RUN, Clock, is_clock, read_clock
from todo_cli.query.dates.conventions import Conventions
from todo_cli.query.dates.durations import Duration, add_duration, read_distance, read_signed_durations
from todo_cli.query.dates.errors import UnreadableError
from todo_cli.query.dates.instants import at_instant, start_of_day, to_instant, to_moved_instant, to_next_instant
from todo_cli.query.dates.named_days import read_named_day, read_weekday_in_period
from todo_cli.query.dates.tokens import Cursor
from todo_cli.query.dates.words import MAX_LENGTH, MONTHS, WEEKDAYS, normalize
from todo_cli.query.dates.written_days import (
    read_day_of_month,
    read_iso_day,
    read_month,
    read_ordinal,
    read_punctuated_day,
)


def read_when(text: str, now: datetime, conventions: Conventions) -> When:
    """Return the date or instant of a text.

    Raises UnreadableError, and InvalidInputError for a time in a clock-change gap.
    """
    when = normalize(text)
    if not when.isascii():
        raise UnreadableError
    if len(when) > MAX_LENGTH:
        raise UnreadableError(advice=f"a date has at most {MAX_LENGTH} characters")
    return _Parser(when, now, conventions).read()


class _Parser:
    def __init__(self, when: str, now: datetime, conventions: Conventions) -> None:
        self._cursor = Cursor(when)
        self._now = now
        self._today = now.date()
        self._conventions = conventions

    def read(self) -> When:
        durations = read_distance(self._cursor)
        if durations:
            needs_clock = any(duration.seconds is not None for duration in durations)
            when = at_instant(self._now, self._now) if needs_clock else When(self._today)
        else:
            when = self._read_moment()
            durations = read_signed_durations(self._cursor)
        when = self._add(when, durations)
        if when.at is None and is_clock(self._cursor):
            when = self._combine(when.on, read_clock(self._cursor, zone_allowed=self._cursor.last.kind == "date"))
            when = self._add(when, read_signed_durations(self._cursor))
        self._expect_end()
        return when

    def _add(self, when: When, durations: list[Duration]) -> When:
        for duration in durations:
            when = add_duration(when, duration, self._now)
        return when

    def _read_moment(self) -> When:
        cursor, now = self._cursor, self._now
        if cursor.take_word("now"):
            return at_instant(now, now)
        if cursor.take_word("sod"):
            return at_instant(start_of_day(self._today, now), now)
        if cursor.take_word("eod"):
            return at_instant(to_moved_instant(self._today, time(23, 59), now), now)
        if not is_clock(cursor):
            return When(self._read_day())
        clock = read_clock(cursor, zone_allowed=False)
        if cursor.peek().kind not in ("end", "sign"):
            return self._combine(self._read_day(), clock)
        if clock.at is None:
            return self._combine(self._today, clock)
        return at_instant(to_next_instant(clock.at, now), now)

    def _read_day(self) -> date:
        cursor, today = self._cursor, self._today
        token = cursor.peek()
        match token.kind:
            case "date":
                return read_iso_day(cursor)
            case "slashes" | "dots":
                return read_punctuated_day(cursor, today, self._conventions)
            case "number":
                return self._read_numbered_day()
            case "word" if token.text in MONTHS:
                return read_month(cursor, today)
            case "word":
                return read_named_day(cursor, today, self._conventions)
        raise cursor.refusal(token, token)

    def _read_numbered_day(self) -> date:
        cursor = self._cursor
        first = cursor.peek()
        number = read_ordinal(cursor)
        if number and cursor.word() in WEEKDAYS:
            return read_weekday_in_period(cursor, first, number, self._today)
        if not number:
            cursor.take()
            if cursor.word(int(cursor.word() == "of")) not in MONTHS:
                raise cursor.refusal(first, first, f"{first.text}d")
            number = int(first.text)
        return read_day_of_month(cursor, first, number, self._today)

    def _combine(self, on: date, clock: Clock) -> When:
        if clock.at is None:
            meant = f"{add_days(on, 1)} 00:00"
            raise UnreadableError(meant, what="is not a time of day", advice=TIMES_RUN)
        if clock.zone is None:
            return When(on, to_instant(on, clock.at, self._now))
        return at_instant(datetime.combine(on, clock.at, clock.zone), self._now)

    def _expect_end(self) -> None:
        token = self._cursor.peek()
        if token.kind == "end":
            return
        written = token.text
        instead = {"sod": ("00:00",), "eod": ("23:59",)}.get(
            written, (f"{written}:00", f"20{written}", f"{written}d", f"+ {written}")
        )
        raise self._cursor.refusal(token, token, *instead)
