"""Suggestions for mistyped words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.errors import InvalidInputError
from todo_cli.suggestions import choose, edit_distance, nearest

KNOWN = ("due", "project", "priority", "is", "id", "no", "tag", "scheduled", "Alex")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ude", "due"),
        ("dues", "due"),
        ("deu", "due"),
        ("prjoect", "project"),
        ("projetc", "project"),
        ("pro", "project"),
        ("pri", "priority"),
        ("proirtiy", "priority"),  # two typos
        ("sched", "scheduled"),
        ("si", "is"),
        ("alxe", "Alex"),
        ("DEU", "due"),
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
def test_nearest(word: str, meant: str | None) -> None:
    assert nearest(word, KNOWN) == meant


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_the_edit_distance_is_symmetric(one: str, other: str) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) <= max(len(one), len(other))
    assert (edit_distance(one, other) == 0) == (one == other)


def test_choose_ignores_case_and_suggests_the_nearest() -> None:
    assert choose("DUE", KNOWN, "field", "fields") == "due"
    with pytest.raises(InvalidInputError) as caught:
        choose("deu", ("due", "tag"), "field", "fields")
    assert caught.value.message == "'deu' is not a valid field"
    assert caught.value.hint == "did you mean 'due'? fields: due, tag"
