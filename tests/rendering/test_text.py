"""Stored text on its way out: nothing in it may act, and a pipe can have it back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.rendering.text import WIDEST, escape_field, neutralise, point_at

ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("text", "neutral", "field"),
    [
        ("plain", "plain", "plain"),
        ("\x1b[31m", r"\x1b[31m", r"\x1b[31m"),
        ("a\tb\nc\r", r"a\tb\nc\r", r"a\tb\nc\r"),
        ("\x9b2J\x07", r"\x9b2J\x07", r"\x9b2J\x07"),
        ("\u202eabc", r"\u202eabc", r"\u202eabc"),
        ("שלום \u200f", "שלום \u200f", "שלום \u200f"),
        ("C:\\new", "C:\\new", r"C:\\new"),
        ("[red]🥐", "[red]🥐", "[red]🥐"),
    ],
)
def test_spelled_out(text: str, neutral: str, field: str) -> None:
    assert neutralise(text) == neutral
    assert escape_field(text) == field


def unescape(field: str) -> str:
    names = {r"\t": "\t", r"\n": "\n", r"\r": "\r", r"\\": "\\"}
    pattern = r"\\(?:[tnr\\]|x([0-9a-f]{2})|u([0-9a-f]{4}))"
    return re.sub(pattern, lambda match: names.get(match[0]) or chr(int(match[1] or match[2], 16)), field)


@given(st.text())
def test_a_field_never_acts_and_can_be_undone(text: str) -> None:
    assert not ACTIVE.search(neutralise(text))
    assert not ACTIVE.search(escape_field(text))
    assert unescape(escape_field(text)) == text


@pytest.mark.parametrize(
    ("expression", "start", "end", "shown"),
    [
        ("a or", 2, 4, ["a or", "  ^^"]),
        ("a", 1, 1, ["a", " ^"]),
        ("", 0, 0, ["", "^"]),
        ("\x1b[31m x", 6, 7, [r"\x1b[31m x", "         ^"]),
        ("a\tb c", 4, 5, [r"a\tb c", "     ^"]),
        ("牛乳 x:y", 3, 6, ["牛乳 x:y", "     ^^^"]),
        ("x 牛乳", 2, 4, ["x 牛乳", "  ^^^^"]),
        ("e\u0301 x", 3, 4, ["e\u0301 x", "  ^"]),
        ("a" * 100 + " or", 101, 103, ["…" + "a" * 65 + " or", " " * 67 + "^^"]),
        ("or " + "a" * 100, 0, 2, ["or " + "a" * 65 + "…", "^^"]),
        ("a" * 100, 0, 100, ["a" * 68 + "…", "^" * 68]),
    ],
)
def test_pointing_at_a_part(expression: str, start: int, end: int, shown: list[str]) -> None:
    assert point_at(expression, start, end).split("\n") == shown


@given(st.text(max_size=200), st.data())
def test_what_is_pointed_at_is_seen(expression: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(expression)))
    end = data.draw(st.integers(start, len(expression)))
    shown, carets = point_at(expression, start, end).split("\n")
    assert not ACTIVE.search(shown)
    assert len(carets) <= WIDEST + 1
    assert carets.strip(" ").strip("^") == ""
