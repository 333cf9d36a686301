"""A new field is found everywhere with no other change than its declaration: see `tests/new_fields.py`."""

from __future__ import annotations

import json

import pytest

from tests.new_fields import NewFields

pytestmark = pytest.mark.either_database


def test_todos_are_added_and_listed_with_the_new_columns(new_fields: NewFields) -> None:
    assert new_fields("add", "Sew a coat").code == 0
    assert [todo["title"] for todo in json.loads(new_fields("list", "--json").out)] == ["Sew a coat"]
    assert new_fields.on_screen("list")[1].split() == ["1", "Sew", "a", "coat"]
