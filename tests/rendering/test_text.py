"""Escaping stored text: it cannot control the terminal, and a pipe can restore it."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.terminal import Screen
from todo_cli.rendering.format.escaping import MAX_WIDTH, escape_field, neutralize, point_at, write_json

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
def test_control_characters_are_spelled_out(text: str, neutral: str, field: str) -> None:
    assert neutralize(text) == neutral
    assert escape_field(text) == field


def unescape(field: str) -> str:
    names = {r"\t": "\t", r"\n": "\n", r"\r": "\r", r"\\": "\\"}
    pattern = r"\\(?:[tnr\\]|x([0-9a-f]{2})|u([0-9a-f]{4}))"
    return re.sub(pattern, lambda match: names.get(match[0]) or chr(int(match[1] or match[2], 16)), field)


@given(st.text())
def test_an_escaped_field_is_harmless_and_reversible(text: str) -> None:
    assert not ACTIVE.search(neutralize(text))
    assert not ACTIVE.search(escape_field(text))
    assert unescape(escape_field(text)) == text


ESCAPED_IN_JSON = re.compile(ACTIVE.pattern[:-1] + "\u061c\u200e\u200f]")


@given(
    st.recursive(
        st.text() | st.none() | st.integers(), lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts)
    )
)
def test_json_on_a_terminal_is_harmless_and_exact(value: object) -> None:
    for indent in (None, 2):
        screen = Screen()
        write_json(value, screen, indent=indent)
        written = screen.bytes.getvalue().decode()
        assert not ESCAPED_IN_JSON.search(written.replace("\n", ""))
        assert json.loads(written) == value


def test_json_in_a_pipe_keeps_every_character() -> None:
    pipe = io.StringIO()
    write_json({"title": "é\x9b\x7f\u202e\u2028\x1b"}, pipe)
    assert pipe.getvalue() == '{"title": "é\x9b\x7f\u202e\u2028\\u001b"}\n'


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
def test_the_marked_part_is_visible(expression: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(expression)))
    end = data.draw(st.integers(start, len(expression)))
    shown, carets = point_at(expression, start, end).split("\n")
    assert not ACTIVE.search(shown)
    assert len(carets) <= MAX_WIDTH + 1
    assert carets.strip(" ").strip("^") == ""
