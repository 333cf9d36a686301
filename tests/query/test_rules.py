"""Valid and invalid RRULEs (RFC 5545, 3.3.10); formatted rules round-trip."""

from contextlib import suppress
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query.recurrence_strategies import RULES
from todo_cli.errors import InvalidInputError
from todo_cli.query.recurrence.rules import Rule, parse_rule


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("RRULE:FREQ=DAILY", "FREQ=DAILY"),
        (" rrule:freq=daily ", "FREQ=DAILY"),
        ("FREQ=DAILY;INTERVAL=1;WKST=MO", "FREQ=DAILY"),
        ("INTERVAL=02;FREQ=DAILY", "FREQ=DAILY;INTERVAL=2"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,15,1,-2,15", "FREQ=MONTHLY;BYMONTHDAY=1,15,-2,-1"),
        ("FREQ=MONTHLY;BYDAY=-1fr,+2MO,SU,MO", "FREQ=MONTHLY;BYDAY=MO,SU,2MO,-1FR"),
        ("FREQ=WEEKLY;WKST=SU;BYDAY=TU;COUNT=3", "FREQ=WEEKLY;COUNT=3;BYDAY=TU;WKST=SU"),
        ("FREQ=DAILY;UNTIL=20271224", "FREQ=DAILY;UNTIL=20271224"),
        ("FREQ=DAILY;UNTIL=20271224T180000", "FREQ=DAILY;UNTIL=20271224T180000"),
        ("FREQ=DAILY;UNTIL=20271224t170060z", "FREQ=DAILY;UNTIL=20271224T170059Z"),
        ("FREQ=DAILY;COUNT=999999999999999999", "FREQ=DAILY;COUNT=999999999999999999"),
        ("FREQ=YEARLY;BYWEEKNO=-53,53;BYDAY=MO", "FREQ=YEARLY;BYWEEKNO=53,-53;BYDAY=MO"),
        ("FREQ=HOURLY;BYYEARDAY=1;BYMONTHDAY=1", "FREQ=HOURLY;BYYEARDAY=1;BYMONTHDAY=1"),
        ("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=60", "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=60"),
    ],
)
def test_accepted(text: str, canonical: str) -> None:
    assert str(parse_rule(text)) == canonical


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "'' is not a part", "FREQ"),
        ("daily", "'DAILY' is not a part", "FREQ"),
        ("INTERVAL=2", "no FREQ", "FREQ=WEEKLY"),
        ("FREQ=DALY", "FREQ cannot be 'DALY'", "did you mean DAILY?"),
        ("FREQ=", "FREQ has no value", "FREQ=…"),
        ("FREQ=DAILY;", "'' is not a part", "FREQ"),
        ("FREQ=DAILY;INTREVAL=2", "'INTREVAL' is not a part", "did you mean INTERVAL?"),
        ("FREQ=DAILY;BYEASTER=0", "'BYEASTER' is not a part", "parts"),
        ("FREQ=DAILY;COUNT=3;COUNT=3", "has COUNT twice", "once"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL cannot be '0'", "positive"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL cannot be '-1'", "positive"),
        ("FREQ=DAILY;COUNT=0", "COUNT cannot be '0'", "positive"),
        ("FREQ=DAILY;COUNT=1000000000000000000", "COUNT cannot be", "18 digits"),
        ("FREQ=DAILY;COUNT=٣", "COUNT cannot be '٣'", "positive"),
        ("FREQ=DAILY;COUNT=²", "COUNT cannot be '²'", "positive"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20271224", "COUNT and UNTIL", "one of them"),
        ("FREQ=DAILY;UNTIL=20270231", "UNTIL cannot be '20270231'", "20271224"),
        ("FREQ=DAILY;UNTIL=2027-12-24", "UNTIL cannot be", "20271224"),
        ("FREQ=DAILY;UNTIL=20271224T1800", "UNTIL cannot be", "20271224"),
        ("FREQ=DAILY;UNTIL=20271224T240000", "UNTIL cannot be", "20271224"),
        ("FREQ=DAILY;UNTIL=99991231", "UNTIL cannot be", "9998"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH cannot be '13'", "from 1 to 12"),
        ("FREQ=DAILY;BYMONTH=-1", "BYMONTH cannot be '-1'", "from 1 to 12"),
        ("FREQ=DAILY;BYMONTH=1,,2", "BYMONTH cannot be ''", "from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY cannot be '0'", "-31 to -1"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY cannot be '32'", "1 to 31"),
        ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY cannot be '367'", "1 to 366"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO cannot be '54'", "1 to 53"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR cannot be '24'", "0 to 23"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE cannot be '60'", "0 to 59"),
        ("FREQ=DAILY;BYSECOND=61", "BYSECOND cannot be '61'", "0 to 60"),
        ("FREQ=MONTHLY;BYDAY=MON", "BYDAY cannot be 'MON'", "MO, TU"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY cannot be '0MO'", "1 to 53"),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY cannot be '54MO'", "1 to 53"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS cannot be '0'", "1 to 366"),
        ("FREQ=WEEKLY;WKST=1", "WKST cannot be '1'", "MO, TU"),
        ("FREQ=MONTHLY;BYWEEKNO=20", "BYWEEKNO requires FREQ=YEARLY", None),
        ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY cannot be used with FREQ=DAILY", "FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY cannot be used with FREQ=MONTHLY", "FREQ=YEARLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY cannot be used with FREQ=WEEKLY", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY with numbers", "BYDAY=MO"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "BYDAY with numbers", "omit the numbers"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs another BY part", "BYSETPOS=-1"),
        ("FREQ=DAILY;\udc80=1", "is not a part", "parts"),
    ],
)
def test_refused(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_rule(text)
    assert message in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


@given(RULES)
def test_rules_round_trip(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule
    assert parse_rule(f"rrule:{str(rule).lower()}") == rule


@given(st.one_of(st.text(), st.text(alphabet="FREQ=DAILY;BYDAY=1MO,COUNT2").map(lambda text: f"FREQ=DAILY;{text}")))
def test_every_text_is_parsed_or_refused(text: str) -> None:
    with suppress(InvalidInputError):
        parse_rule(text)


@pytest.mark.parametrize("piece", ["x", "=", ";", "9", ",", "FREQ=DAILY;", "FREQ=MONTHLY;BYDAY=1MO,", "٣", "\udc80"])
def test_very_long_texts_are_refused_quickly_and_briefly(piece: str) -> None:
    for text in (piece * 100_000, f"FREQ=DAILY;COUNT={piece * 100_000}", f"FREQ=DAILY;BYMONTH=1,{piece * 100_000}"):
        begin = thread_time()
        with pytest.raises(InvalidInputError) as caught:
            parse_rule(text)
        assert thread_time() - begin < 2  # seconds of the processor, whatever else runs
        assert len(caught.value.message) < 800
