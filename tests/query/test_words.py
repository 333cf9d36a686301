"""Words of `add` and `modify`: attributes, text, and likely typos."""

from __future__ import annotations

import shlex
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import NOW
from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import Settable
from todo_cli.query.input.words import GivenWords, read_words
from todo_cli.query.kinds import InputContext

CONTEXT = InputContext(NOW)


def read(line: str, by: Settable = Settable.ADD) -> GivenWords:
    """Read a command line, split as a shell does."""
    return read_words(shlex.split(line), by, CONTEXT)


@pytest.mark.parametrize(
    ("line", "text", "values", "tags"),
    [
        (
            "Pay rent due:eom project:home.flat +bills priority:high every:month",
            "Pay rent",
            {"due": "eom", "project": "home.flat", "priority": "high", "every": "month"},
            ["bills"],
        ),
        ("due:eom Pay +bills rent +home", "Pay rent", {"due": "eom"}, ["bills", "home"]),
        ("'Pay rent due:eom'", "Pay rent", {"due": "eom"}, []),
        ("'Pay  the   rent due:eom  now'", "Pay  the   rent now", {"due": "eom"}, []),
        ("'due:eom Pay rent'", "Pay rent", {"due": "eom"}, []),
        ("'Pay  the   rent'", "Pay  the   rent", {}, []),
        ("Call due:'friday 5pm'", "Call", {"due": "friday 5pm"}, []),
        ("'Call due:friday'", "Call", {"due": "friday"}, []),
        ("'Call due:\"friday 5pm\" mom'", "Call mom", {"due": "friday 5pm"}, []),
        ("'due:friday 5pm'", "", {"due": "friday 5pm"}, []),
        ("Water every:'2 weeks' plants", "Water plants", {"every": "2 weeks"}, []),
        ("Water every!:'2 weeks'", "Water", {"every!": "2 weeks"}, []),
        ("Water every-after:'2 weeks'", "Water", {"every!": "2 weeks"}, []),
        ("Water 'every:RRULE:FREQ=DAILY;COUNT=3'", "Water", {"every": "RRULE:FREQ=DAILY;COUNT=3"}, []),
        ("'due:31 feb'", "", {"due": "31 feb"}, []),
        ("a description:'two words'", "a", {"description": "two words"}, []),
        ("a tag:b,c +d", "a", {}, ["b", "c", "d"]),
        ("a Due:eom PROJECT:Home", "a", {"due": "eom", "project": "Home"}, []),
        ("a project:", "a", {"project": ""}, []),
        # text
        ("see https://example.com/a?b=c", "see https://example.com/a?b=c", {}, []),
        ("at 12:30 or 9:05", "at 12:30 or 9:05", {}, []),
        ("Fix: crash", "Fix: crash", {}, []),
        ("ring +49 30 1234", "ring +49 30 1234", {}, []),
        ("C++ a+b + #x @home !", "C++ a+b + #x @home !", {}, []),
        ("re:invoice note:x C:dir status:open", "re:invoice note:x C:dir status:open", {}, []),
        ("change title: x", "change title: x", {}, []),
        ("a tag:'b, c'", "a", {}, ["b", "c"]),
    ],
)
def test_words(line: str, text: str, values: dict[str, str], tags: list[str]) -> None:
    found = read(line)
    assert (" ".join(found.text), found.values, list(found.lists.get("tag", ()))) == (text, values, tags)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("x prjoect:home", "unknown attribute 'prjoect'", "did you mean 'project:home'?"),
        ("x pri:high", "unknown attribute 'pri'", "'priority:high'"),
        ("x deu:friday", "unknown attribute 'deu'", "'due:friday'"),
        ("x evrey:day", "unknown attribute 'evrey'", "'every:day'"),
        ("Call mom due:friday 5pm", "the next word may belong to", "did you mean due:'friday 5pm'?"),
        ("'Call mom due:friday at 5pm soon'", "the next word may belong to", "did you mean due:'friday at 5pm'?"),
        ("due:24 dec Call", "the next word may belong to", "due:'24 dec'"),
        ("Water every:2 weeks", "the next word may belong to", "every:'2 weeks'"),
        ("Rent every:month on the 1st and 15th", "the next word may belong to", "every:'month on the 1st and 15th'"),
        ("x due:eom due:friday", "due: is given twice", "after --"),
        ("x due.before:eom", "is a filter", "did you mean 'due:eom'?"),
        ("x +foo!", "not a valid tag name", "did you mean 'foo'?"),
        ("x title:y", "only 'todo modify' accepts title:", "after --"),
        ("x due=friday", "is not an attribute", "did you mean 'due:friday'?"),
        ("x tag:", "tag: needs a value", "after --"),
        ("Price tag: 20 EUR", "tag: needs a value", "after --"),
        ("Call due:tomorrow 17", "the next word may belong to", "write text before it"),
        ("Call every:monday at 5pm", "cannot have a time", "due:'monday at 5pm'"),
        ("Call every:day 9:00", "cannot have a time", "due:'9:00'"),
        ("Filter every!:3 weeks", "the next word may belong to", "every-after:'3 weeks'"),
    ],
)
def test_likely_typos(line: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(line)
    assert message in caught.value.message
    assert hint in str(caught.value.hint)


def test_modify_accepts_more_attributes() -> None:
    found = read("12 title:'Buy bread' untag:a,b project: 14-16", Settable.MODIFY)
    assert (found.text, found.values, found.lists) == (
        ["12", "14-16"],
        {"title": "Buy bread", "project": ""},
        {"untag": ["a", "b"]},
    )


@given(st.lists(st.text(max_size=30), max_size=4))
def test_all_words_are_parsed_or_refused(words: list[str]) -> None:
    with suppress(InvalidInputError):
        read_words(words, Settable.ADD, CONTEXT)


PLAIN = st.text(st.characters(exclude_characters=":+\"'", exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.lists(PLAIN, min_size=1, max_size=4), st.integers(0, 4), st.integers(0, 2))
def test_text_is_unchanged(words: list[str], place: int, kind: int) -> None:
    attribute = ["project:home", "+tag", "due:2026-12-24"][kind]
    mixed = [*words[:place], attribute, *words[place:]]
    try:
        found = read_words(mixed, Settable.ADD, CONTEXT)
    except InvalidInputError as error:
        assert "the next word may belong to" in error.message
        return
    assert found.text == words
    assert found.values or found.lists
