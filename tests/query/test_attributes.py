"""Which words have the form of an attribute, and which names are slips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.query.attributes import Attribute, count_slips, nearest_attribute, split_attribute

KNOWN = ("due", "project", "priority", "is", "id", "no", "tag", "scheduled")


@pytest.mark.parametrize(
    ("word", "attribute"),
    [
        ("due:today", Attribute("due", None, "today")),
        ("DUE.Before:Friday", Attribute("due", "before", "Friday")),
        ("due:", Attribute("due", None, "")),
        ("due.:x", Attribute("due", "", "x")),
        ("https://x", Attribute("https", None, "//x")),
        ("due:12:30", Attribute("due", None, "12:30")),
        ("12:30", None),
        ("due", None),
        ("e.g.:x", Attribute("e", "g.", "x")),
        ("due.before.x:y", Attribute("due", "before.x", "y")),
        (":x", None),
        ("größe:x", Attribute("größe", None, "x")),
        ("due-before:x", Attribute("due-before", None, "x")),
        ("a_1:x", Attribute("a_1", None, "x")),
        ("R&D:x", None),
        ("_a:x", None),
    ],
)
def test_forms(word: str, attribute: Attribute | None) -> None:
    assert split_attribute(word) == attribute


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ude", "due"),
        ("dues", "due"),
        ("deu", "due"),
        ("prjoect", "project"),
        ("projetc", "project"),
        ("pro", "project"),
        ("pri", "priority"),
        ("proirtiy", "priority"),  # two slips
        ("sched", "scheduled"),
        ("si", "is"),
        ("pr", None),
        ("it", None),
        ("re", None),
        ("http", None),
        ("https", None),
        ("note", None),
        ("foo", None),
        ("", None),
    ],
)
def test_slips(name: str, meant: str | None) -> None:
    assert nearest_attribute(name, KNOWN) == meant


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_slips_are_counted_alike_in_both_directions(one: str, other: str) -> None:
    assert count_slips(one, other) == count_slips(other, one) <= max(len(one), len(other))
    assert (count_slips(one, other) == 0) == (one == other)
