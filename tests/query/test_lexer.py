"""Words that have the form of an attribute."""

import pytest

from todo_cli.query.lexer import Attribute, split_attribute


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
