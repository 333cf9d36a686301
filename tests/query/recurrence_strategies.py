"""Random recurrence rules and starts."""

# ruff: noqa: DTZ001 (slots are naive: wall-clock times of a series' zone)

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from hypothesis import strategies as st

from todo_cli.errors import InvalidInputError
from todo_cli.query.recurrence.rules import DAY_CODES, Rule, parse_rule
from todo_cli.query.recurrence.slots import Slot

_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
STARTS: st.SearchStrategy[Slot] = st.one_of(_MOMENTS, _MOMENTS.map(datetime.date))


def _numbers(least: int, most: int, *, both_ways: bool = False) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    if both_ways:
        number = st.one_of(number, st.integers(-most, -least))
    return st.lists(number, min_size=1, max_size=4).map(lambda numbers: ",".join(map(str, numbers)))


_DAYS = st.lists(
    st.tuples(st.sampled_from(["", "", "1", "2", "-1", "+5"]), st.sampled_from(DAY_CODES)).map("".join),
    min_size=1,
    max_size=4,
).map(",".join)
_PARTS = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"])},
    optional={
        "INTERVAL": st.integers(1, 20).map(str),
        "COUNT": st.integers(1, 30).map(str),
        "UNTIL": st.sampled_from(["20300101", "20300101T120000", "20300101T120000Z"]),
        "BYMONTH": _numbers(1, 12),
        "BYWEEKNO": _numbers(1, 53, both_ways=True),
        "BYYEARDAY": _numbers(1, 366, both_ways=True),
        "BYMONTHDAY": _numbers(1, 31, both_ways=True),
        "BYDAY": _DAYS,
        "BYHOUR": _numbers(0, 23),
        "BYMINUTE": _numbers(0, 59),
        "BYSECOND": _numbers(0, 60),
        "BYSETPOS": _numbers(1, 5, both_ways=True),
        "WKST": st.sampled_from(DAY_CODES),
    },
)


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    """Draw parts, without those that cannot be combined with earlier ones."""
    parts = draw(_PARTS)
    kept: list[str] = []
    rule = None
    for name in draw(st.permutations([name for name in parts if name != "FREQ"])):
        with suppress(InvalidInputError):
            rule = parse_rule(";".join([f"FREQ={parts['FREQ']}", *kept, f"{name}={parts[name]}"]))
            kept.append(f"{name}={parts[name]}")
    return rule or parse_rule(f"FREQ={parts['FREQ']}")


RULES = _rules()
