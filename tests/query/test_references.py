"""Valid and invalid references."""

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import NOW
from todo_cli.errors import InvalidInputError
from todo_cli.models.tables import Todo
from todo_cli.query.references import MAX, MAX_PREFIXES, NumberReference, UuidReference, parse_references


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["12"], [12]),
        (["12", "3"], [12, 3]),
        (["12,14"], [12, 14]),
        (["12-15"], [12, 13, 14, 15]),
        (["12-13,9", "12"], [12, 13, 9]),
        (["7-7"], [7]),
        (["12, 14"], [12, 14]),
        (["007"], [7]),
        (["1234"], [1234]),  # all digits: a number, whatever its length
    ],
)
def test_numbers(words: list[str], numbers: list[int]) -> None:
    assert parse_references(words) == tuple(NumberReference(number) for number in numbers)


@pytest.mark.parametrize(
    ("word", "first", "last"),
    [
        ("3f2a", "3f2a0000-0000-0000-0000-000000000000", "3f2affff-ffff-ffff-ffff-ffffffffffff"),
        ("3F2A", "3f2a0000-0000-0000-0000-000000000000", "3f2affff-ffff-ffff-ffff-ffffffffffff"),
        ("12e4", "12e40000-0000-0000-0000-000000000000", "12e4ffff-ffff-ffff-ffff-ffffffffffff"),
        ("c75b58e1-2603-480a-a7d9-368e7ade225a",) + ("c75b58e1-2603-480a-a7d9-368e7ade225a",) * 2,
    ],
)
def test_uuid_prefixes(word: str, first: str, last: str) -> None:
    assert parse_references([word]) == (UuidReference(word, UUID(first), UUID(last)),)


@pytest.mark.parametrize(
    "word",
    ["", ",", "milk", "3f2", "12x", "-3", "12-", "15-12", "1.5", "٣", "²", "#12", "+12", "12-15-17", "9" * 19, "g000"],
)
def test_everything_else_is_refused(word: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_references([word])


def test_a_reversed_range_is_refused_with_a_hint() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_references(["15-12"])
    assert caught.value.message == "invalid range '15-12'"
    assert caught.value.hint == "did you mean '12-15'?"


def test_a_huge_range_is_refused_at_once() -> None:
    assert len(parse_references([f"1-{MAX}"])) == MAX
    for word in (f"0-{MAX}", "1-999999999999999999"):
        with pytest.raises(InvalidInputError):
            parse_references([word])


def test_too_many_uuid_prefixes_are_refused() -> None:
    prefixes = [f"a{number:04}" for number in range(MAX_PREFIXES + 1)]
    assert len(parse_references(prefixes[1:])) == MAX_PREFIXES
    with pytest.raises(InvalidInputError, match=f"more than {MAX_PREFIXES} uuid prefixes"):
        parse_references(prefixes)


@pytest.mark.parametrize(
    ("word", "matches"),
    [
        ("7", True),
        ("8", False),
        ("1b9d", True),
        ("1B9D6BCD-BBFD", True),
        ("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", True),
        ("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bee", False),
        ("1b9e", False),
    ],
)
def test_a_reference_matches_by_number_or_by_the_first_characters_of_the_uuid(word: str, matches: bool) -> None:
    todo = Todo(id=7, uuid=UUID("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"), title="t", created_at=NOW, updated_at=NOW)
    [reference] = parse_references([word])
    assert reference.matches(todo) is matches


@given(st.lists(st.text()))
def test_all_words_are_parsed_or_refused(words: list[str]) -> None:
    with suppress(InvalidInputError):
        assert len(parse_references(words)) <= MAX
