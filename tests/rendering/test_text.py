"""Stored text on its way out: nothing in it may act, and a pipe can have it back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.rendering.text import escape_field, neutralise

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
