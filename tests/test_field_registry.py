"""The registry of fields: what a declaration says about the values of a field."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from uuid import UUID

import pytest
from sqlalchemy import Integer

from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.tables import TODOS
from todo_cli.models.values import Priority, Status, TodoPublic

NOW = datetime(2026, 11, 25, tzinfo=UTC)
BARE = TodoPublic(
    1, UUID(int=1), "Pay rent", None, Status.OPEN, Priority.NONE, None, (),
    None, None, None, None, None, None, None, NOW, NOW, None, None, 1,
)  # fmt: skip


class Energy(IntEnum):
    HIGH = 1
    LOW = 2


def test_the_labels_of_an_enum() -> None:
    energy = Field(name="energy", kind=Kind.CHOICE, enum=Energy)
    assert (energy.choices, energy.empty, energy.is_ranked) == (("high", "low"), None, True)
    energy = Field(name="energy", kind=Kind.CHOICE, enum=Energy, is_emptyable=True)
    assert (energy.choices, energy.empty) == (("high", "low", "none"), None)
    assert [energy.choice(label) for label in energy.choices] == [Energy.HIGH, Energy.LOW, None]
    assert (FIELDS["priority"].empty, FIELDS["status"].empty) == (Priority.NONE, None)


def test_the_labels_of_a_choice_without_an_enum() -> None:
    size = Field(name="size", kind=Kind.CHOICE, choices=("large", "small", "none"), is_emptyable=True)
    assert [size.choice(label) for label in size.choices] == ["large", "small", None]
    assert (size.empty, size.is_ranked) == (None, False)


def test_the_column_of_a_choice_has_its_type_and_is_null_where_the_value_is_none() -> None:
    for field in FIELDS.find(kind=Kind.CHOICE):
        column = TODOS.c[field.attribute]
        assert isinstance(column.type, Integer) is field.is_ranked, field.name
        assert column.nullable is (field.is_emptyable and field.empty is None), field.name


def test_numbers_ascend_from_the_greatest_choice() -> None:
    for field in FIELDS.values():
        numbers = [field.choice(label) for label in field.choices]
        assert not field.is_ranked or numbers == sorted(numbers, key=lambda n: (n is None, n)), field.name


def test_a_todo_that_was_built_without_a_field_has_no_value() -> None:
    size = Field(name="size", kind=Kind.TEXT)
    assert size.get(BARE) is None
    assert FIELDS["recurrence"].get(BARE) is None
    assert FIELDS["parent"].get(BARE) is None


def test_a_path_that_does_not_exist_is_not_taken_for_a_missing_value() -> None:
    for path in ("links.parnet", "link.parent", "titel"):
        with pytest.raises(AttributeError):
            Field(name="size", kind=Kind.COMPUTED, path=path).get(BARE)
