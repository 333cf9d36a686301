"""Parser for dates and times (WHEN): values from a text and `now`.

A WHEN is a calendar day, the same in every zone, or an instant if it has a time of day, or hours, minutes or seconds.
Case and extra spaces are ignored. Days and times are in the zone of `now`.

| WHEN                              | means                                                                        |
|-----------------------------------|------------------------------------------------------------------------------|
| `now`                             | this instant                                                                 |
| `today`, `tomorrow`, `yesterday`  | that day                                                                     |
| `sod`, `eod`                      | today at 00:00, today at 23:59                                               |
| `sow`, `som`, `soq`, `soy`        | the first day of this week, month, quarter, year                             |
| `eow`, `eom`, `eoq`, `eoy`        | the last day of it                                                           |
| `eoww`                            | the end of the work week: its Friday, at a weekend the next one              |
| `later`, `someday`                | 9998-12-31, the last supported day                                           |
| `friday`, `fri`                   | the next day of that name, never today                                       |
| `this friday`, `next friday`      | the Friday of this calendar week, or of the next one                         |
| `last friday`                     | the latest one before today                                                  |
| `next week`, `last month` …       | the first day of the next, or of the previous, week, month, quarter, year    |
| `january`, `jan`                  | the first day of the next month of that name, after today                    |
| `15th`                            | the next 15th of a month, after today; months without such a day are skipped |
| `easter`                          | the next Easter Sunday (Western), after today                                |
| `24 dec`, `dec 24`,               | the next such date, today included                                           |
| `24th of december`                |                                                                              |
| `24 dec 2027`, `dec 24, 2027`     | that day                                                                     |
| `first monday of january`,        | the first, second … fifth or last such weekday (also `2nd`) of the next       |
| `2nd tuesday of january 2027`     | month of that name, so that it is not before today; or of that year          |
| `last friday of month`            | the same of this month, even if it is past; also `of next month`, `of last   |
|                                   | month`, and `quarter` and `year` instead of `month`                          |
| `last day of month`,              | the first or the last day, of all that may follow `of` above                 |
| `first day of february`           |                                                                              |
| `2026-12-24`, `20261224`          | that day (ISO 8601)                                                          |
| `2026-W52-4`, `2026-W52`          | the fourth day of that week; its Monday (ISO 8601, wherever your week begins)|
| `2026-359`                        | the 359th day of the year (ISO 8601)                                         |
| `2026-12-24 18:00`,               | that instant; `T` may replace the space, after any of the ISO dates          |
| `2026-12-24T18:00:30`             |                                                                              |
| `2026-12-24T18:00+01:00`, `…Z`    | the same in that zone; the date is the one in yours                          |
| `17:00`, `9:05`, `5pm`, `5:30 pm`,| the next time that the clock shows it, today or tomorrow; 12am is 00:00,     |
| `noon`, `at 17:00`                | 12pm is noon                                                                 |
| `friday 17:00`, `friday at 5pm`,  | any of the days above at that time                                           |
| `5pm friday`                      |                                                                              |
| `3d`, `+2w`, `in 3 days`,         | that many days from today. Units: `d` day, `w` wk week, `mo` month, `q`      |
| `1y 6mo`, `in a week`             | quarter, `y` yr year; full names also in the plural                          |
| `2h`, `1h30m`, `in an hour`       | that much time from now. Units: `s` sec second, `m` min minute, `h` hr hour  |
| `-1d`, `3 days ago`               | before today, or before now                                                  |
| `P3D`, `PT2H`, `P1Y2M`, `-P2W`    | the same as a duration of ISO 8601                                           |
| `eom-3d`, `friday 5pm + 30min`,   | any of the above, with durations added or subtracted in order                |
| `easter+1d-2h`                    |                                                                              |
| `eom-3d 17:00`, `3d at noon`      | a sum of days at that time                                                   |
| `10/11/2026`, `10/11`             | only if the convention for it was chosen: day or month first; else refused   |

Conventions:

- A name is in the future: `friday` on a Friday is the next one. Only `this`, `last`, `so…` and `of month` can be past.
- A week starts on Monday, unless the conventions say otherwise.
- `m` is a minute, `mo` a month.
- A month later is the same day of the month, or the last day of a shorter month: 31 January + `1mo` is the end of
  February. Within a duration, months are added first, then days, then hours and smaller units (RFC 5545, 3.3.6).
- Days and larger units keep the wall-clock time; hours and smaller units are elapsed time, counted from the start of a
  day without a time. A duration with hours (`3d+2h`) counts from now, one without from today.
- A sign applies to all units up to the next sign: `-1h30m` is 90 minutes ago.
- A time in a clock-change gap is refused, and an ambiguous time is the first one. A sum that ends in a gap is moved
  forward by the length of the gap (RFC 5545, 3.3.5).
- Ambiguous input is refused with its possible meanings: `midnight`, `24:00`, `10/11/2026`, a bare number.
- Years run from 0002 to 9998, so that every zone can represent every date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import When
from todo_cli.query.dates.calendar_days import FIRST_YEAR, LAST_YEAR
from todo_cli.query.dates.conventions import USUAL, Conventions
from todo_cli.query.dates.errors import UnreadableError, explain
from todo_cli.query.dates.instants import start_of_day, start_of_next_day, to_instant
from todo_cli.query.dates.words import EDGES, ENDS, FILLERS, WORDS, normalize

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "USUAL",
    "Conventions",
    "is_slip",
    "is_when",
    "names_last_day",
    "parse_when",
    "start_of_day",
    "start_of_next_day",
    "to_instant",
]

_ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_BEGINNINGS = WORDS | FILLERS | EDGES.keys()
_LAST_DAYS = {name for name, period in ENDS.items() if period != "week"}


def parse_when(text: str, now: datetime, conventions: Conventions = USUAL) -> When:
    """Return the date or instant of a text.

    `now` is aware, in the zone of the text's author. Raises InvalidInputError with a suggestion for anything that is
    not in the module's table.
    """
    # The parser is imported only when needed: most commands only need the start of a day.
    from todo_cli.query.dates.parser import read_when

    try:
        return read_when(text, now, conventions)
    except UnreadableError as error:
        raise explain(text, error, lambda proposal: _is_when(proposal, now, conventions)) from None


def names_last_day(text: str) -> bool:
    """Return whether the text explicitly names the last day of a month, quarter or year, at any time of day.

    A monthly recurrence that starts there is due on the last day of each month, not on the 30th. The result is False
    for a sum (`eom-1d`) and for a text that is not a date.
    """
    when = normalize(text)
    if "+" in when or "-" in when or not _is_when(text, _ANY_MOMENT, USUAL):
        return False
    return "last day of " in when or not _LAST_DAYS.isdisjoint(re.findall("[a-z]+", when))


def is_slip(text: str, is_value: Callable[[str], bool]) -> bool:
    """Return whether a text of several words that is not a value is probably a misspelled one.

    This is so if its first word is a word of dates but not a value (`next fridya`, `30 feb`), or if a number follows a
    value (`friday 25:00`). `friday Pay rent` is a value followed by text.
    """
    first, second, *_ = [*normalize(text).split(), "", ""]
    begins = first in _BEGINNINGS or first[:1].isdigit()
    return bool(second) and (second[0].isdigit() if is_value(first) else begins)


def is_when(text: str, now: datetime, conventions: Conventions = USUAL) -> bool:
    """Return whether the text is a date or time, even one in a clock-change gap."""
    return _is_when(text, now.replace(tzinfo=UTC), conventions)


def _is_when(text: str, now: datetime, conventions: Conventions) -> bool:
    from todo_cli.query.dates.parser import read_when

    try:
        read_when(text, now, conventions)
    except (UnreadableError, InvalidInputError):
        return False
    return True
