import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.errors import InvalidInputError
from todo_cli.query.quantities import MAX_DURATION, format_duration, format_number, parse_duration, parse_number

HOUR = 3600


@pytest.mark.parametrize(
    ("text", "seconds", "formatted"),
    [
        ("1h30m", 5400, "1h30m"),
        ("90min", 5400, "1h30m"),
        ("90 minutes", 5400, "1h30m"),
        ("1.5h", 5400, "1h30m"),
        ("1 hour 30 minutes", 5400, "1h30m"),
        ("1 hour, 30 min", 5400, "1h30m"),
        ("1 hour and 30 min", 5400, "1h30m"),
        ("PT1H30M", 5400, "1h30m"),
        (" 45MIN ", 2700, "45m"),
        ("0m", 0, "0m"),
        ("0.1h", 360, "6m"),
        ("10s", 10, "10s"),
        ("2d", 48 * HOUR, "2d"),
        ("P1W", 168 * HOUR, "7d"),
        ("P1DT1S", 24 * HOUR + 1, "1d1s"),
        ("1w", 168 * HOUR, "7d"),
        ("36525d", MAX_DURATION, "36525d"),
    ],
)
def test_durations(text: str, seconds: int, formatted: str) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == formatted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a duration"),
        ("90", "not a duration"),
        ("h", "not a duration"),
        ("-1h", "not a duration"),
        ("1h30", "not a duration"),
        ("1 fortnight", "not a duration"),
        ("p", "not a duration"),
        ("1mo", "has no fixed length"),
        ("2 years", "has no fixed length"),
        ("36526d", "too long"),
        ("9" * 400 + "h", "too long"),
    ],
)
def test_other_texts_are_not_durations(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_duration(text)


@given(st.integers(0, MAX_DURATION))
def test_formatted_durations_round_trip(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "number", "formatted"),
    [
        ("3", 3, "3"),
        ("-3.0", -3, "-3"),
        ("+2.5", 2.5, "2.5"),
        (" 0.1 ", 0.1, "0.1"),
        ("0.0000005", 5e-7, "0.0000005"),
        ("1000000000000000", 10**15, "1" + "0" * 15),
    ],
)
def test_numbers(text: str, number: float, formatted: str) -> None:
    assert parse_number(text) == number
    assert isinstance(parse_number(text), int) == (number == int(number))
    assert format_number(number) == formatted


@pytest.mark.parametrize(
    "text", ["", "three", "1e3", "1,5", "inf", "nan", "0x1", "½", "1_000", "1" + "0" * 16, "9" * 400]
)
def test_other_texts_are_not_numbers(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_number(text)
