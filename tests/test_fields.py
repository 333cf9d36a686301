"""A new field is found everywhere with no other change than its declaration: see `tests/new_fields.py`."""

from __future__ import annotations

import json

import pytest

from tests.new_fields import NEW_FIELDS, NewFields

pytestmark = pytest.mark.either_database


@pytest.fixture
def filled(new_fields: NewFields) -> NewFields:
    """Three todos: the first and the second have a value of each new field, the third has none."""
    new_fields("add", "Sew a coat")
    new_fields("add", "Knit a cap")
    new_fields("add", "Darn socks")
    new_fields.store(
        1,
        remark="Soft Wool\nand silk",
        remark_folded="soft wool\nand silk",
        link="https://example.com/b?c=1",
        size="large",
        points=2.5,
        effort=5400,
        birthday="2026-11-27",
        review_on="2026-11-27",
        seen="2026-11-30T09:00:00+01:00",
    )
    new_fields.store(
        2,
        remark="cotton",
        remark_folded="cotton",
        link="https://example.com/a",
        size="small",
        points=13,
        effort=45 * 60,
        birthday="2025-01-05",
        review_on="2026-11-27",
        review_at="2026-11-27T18:00:00+01:00",
        seen="2026-11-29T00:00:00+01:00",
    )
    return new_fields


ASCENDING = {
    "remark": [2, 1, 3],
    "link": [2, 1, 3],
    "size": [2, 1, 3],
    "points": [1, 2, 3],
    "effort": [2, 1, 3],
    "birthday": [2, 1, 3],
    "review": [2, 1, 3],
    "seen": [2, 1, 3],
}


def test_sort_keys(filled: NewFields) -> None:
    for field in NEW_FIELDS:
        ascending = ASCENDING[field.name]
        assert filled("list", "--sort", field.name).ids == ascending, field.name
        assert filled("list", "--sort", f"-{field.name}").ids == [*ascending[1::-1], ascending[2]], field.name


def test_json(filled: NewFields) -> None:
    first, second, third = json.loads(filled("list", "--sort", "id", "--json").out)
    names = [field.json for field in NEW_FIELDS]
    assert [first[name] for name in names] == [
        "Soft Wool\nand silk",
        "https://example.com/b?c=1",
        "large",
        2.5,
        5400,
        "2026-11-27",
        "2026-11-27",
        "2026-11-30T08:00:00Z",
    ]
    assert second["review"] == "2026-11-27T17:00:00Z"
    assert repr(second["points"]) == "13"
    assert [third[name] for name in names] == [None] * len(names)


def test_tab_separated_lines(filled: NewFields) -> None:
    names = ",".join(["id", *(field.column for field in NEW_FIELDS)])
    first, _, third = filled("list", "--sort", "id", "--columns", names).lines
    assert first.split("\t") == [
        "1",
        "Soft Wool\\nand silk",
        "https://example.com/b?c=1",
        "large",
        "2.5",
        "5400",
        "2026-11-27",
        "2026-11-27",
        "2026-11-30T08:00:00Z",
    ]
    assert third == "3" + "\t" * len(NEW_FIELDS)
    shown = dict(line.split("\t") for line in filled("show", "1").lines)
    assert [shown[field.json] for field in NEW_FIELDS] == first.split("\t")[1:]
