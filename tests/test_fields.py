"""A new field is found everywhere with no other change than its declaration: see `tests/new_fields.py`."""

from __future__ import annotations

import json
import re

import pytest

from tests.new_fields import NEW_FIELDS, NewFields
from todo_cli.models.fields import Kind

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
        mood=1,
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
        mood=3,
        points=13,
        effort=45 * 60,
        birthday="2025-01-05",
        review_on="2026-11-27",
        review_at="2026-11-27T18:00:00+01:00",
        seen="2026-11-29T00:00:00+01:00",
    )
    new_fields("modify", "1", "area:Garden", "people:Ben,anna", "related:3", "see:2,3")
    new_fields("modify", "2", "area:barn", "people:anna", "related:1", "see:1")
    return new_fields


ASCENDING = {
    "remark": [2, 1, 3],
    "link": [2, 1, 3],
    "size": [2, 1, 3],
    "mood": [2, 1, 3],
    "points": [1, 2, 3],
    "effort": [2, 1, 3],
    "birthday": [2, 1, 3],
    "review": [2, 1, 3],
    "seen": [2, 1, 3],
    "area": [2, 1, 3],
    "related": [2, 1, 3],
}


def test_sort_keys(filled: NewFields) -> None:
    for field in NEW_FIELDS:
        if field.is_set:
            assert filled("list", "--sort", field.name).code == 2  # a set has no order
            continue
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
        "high",
        2.5,
        5400,
        "2026-11-27",
        "2026-11-27",
        "2026-11-30T08:00:00Z",
        "Garden",
        ["anna", "Ben"],
        3,
        [2, 3],
    ]
    assert second["review"] == "2026-11-27T17:00:00Z"
    assert repr(second["points"]) == "13"
    assert [third[name] for name in names] == [[] if field.is_set else None for field in NEW_FIELDS]


def test_tab_separated_lines(filled: NewFields) -> None:
    names = ",".join(["id", *(field.column for field in NEW_FIELDS)])
    first, _, third = filled("list", "--sort", "id", "--columns", names).lines
    assert first.split("\t") == [
        "1",
        "Soft Wool\\nand silk",
        "https://example.com/b?c=1",
        "large",
        "high",
        "2.5",
        "5400",
        "2026-11-27",
        "2026-11-27",
        "2026-11-30T08:00:00Z",
        "Garden",
        "anna,Ben",
        "3",
        "2,3",
    ]
    assert third == "3" + "\t" * len(NEW_FIELDS)
    shown = dict(line.split("\t") for line in filled("show", "1").lines)
    assert [shown[field.json] for field in NEW_FIELDS] == first.split("\t")[1:]


FILTERS = {
    "remark:wool": [1],
    "remark:COTTON": [2],
    "remark:o": [1, 2],
    "has:remark": [1, 2],
    "link:EXAMPLE.com/a": [2],
    "link:b?c=": [1],
    "link:%": [],
    "no:link": [3],
    "size:large": [1],
    "size:s": [2],
    "size:none": [3],
    "size:any": [1, 2],
    "size.above:small": [1],
    "size.below:large": [2, 3],
    "no:size": [3],
    "mood:high": [1],
    "mood:l": [2],
    "mood:none": [3],
    "mood:any": [1, 2],
    "mood.above:low": [1],
    "mood.below:high": [2, 3],
    "no:mood": [3],
    "points:13": [2],
    "points:2.5": [1],
    "points:none": [3],
    "points:any": [1, 2],
    "points.above:2.5": [2],
    "points.below:13": [1],
    "points.below:-1": [],
    "has:points": [1, 2],
    "effort:1h30m": [1],
    "effort:'45 minutes'": [2],
    "effort.above:1h": [1],
    "effort.below:1.5h": [2],
    "effort:none": [3],
    "has:effort": [1, 2],
    "birthday:2026-11-27": [1],
    "birthday.before:2026-11-27": [2],
    "birthday.after:2025-01-05": [1],
    "birthday.by:2026-11-27": [1, 2],
    "birthday.since:2026-11-27": [1],
    "birthday:any": [1, 2],
    "no:birthday": [3],
    "review:2026-11-27": [1, 2],
    "review:2026-11-27T18:00": [1, 2],  # of a date without a time only the day is known
    "review.before:2026-11-27T18:00": [],
    "review.after:2026-11-27T17:00": [2],
    "review.by:2026-11-27": [1, 2],
    "review.since:2026-11-28": [],
    "review:none": [3],
    "seen:2026-11-30": [1],
    "seen.before:2026-11-30": [2],
    "seen.after:2026-11-29": [1],
    "seen.by:2026-11-29": [2],
    "seen.since:2026-11-30T09:00": [1],
    "has:seen": [1, 2],
    "area:garden": [1],
    "area:none": [3],
    "has:area": [1, 2],
    "(area:garden or area:BARN)": [1, 2],
    "people:ANNA": [1, 2],
    "people:ben": [1],
    "(people:ben or area:barn)": [1, 2],
    "people:none": [3],
    "no:people": [3],
    "related:3": [1],
    "related:1,3": [1, 2],
    "related:none": [3],
    "related:any": [1, 2],
    "has:related": [1, 2],
    "see:2": [1],
    "see:1-3": [1, 2],
    "see:none": [3],
    "see:any": [1, 2],
    "no:see": [3],
}


def test_filters_with_every_modifier(filled: NewFields) -> None:
    """A todo is found by an expression or by its opposite, also one without a value."""
    for expression, found in FILTERS.items():
        assert filled("list", "--sort", "id", expression).ids == found, expression
        others = [number for number in (1, 2, 3) if number not in found]
        assert filled("list", "--sort", "id", f"not {expression}").ids == others, expression


def test_every_filter_is_in_the_table() -> None:
    heads = {expression.partition(":")[0] for expression in FILTERS}
    for field in NEW_FIELDS:
        modifiers = {
            Kind.CHOICE: ["above", "below"],
            Kind.NUMBER: ["above", "below"],
            Kind.DURATION: ["above", "below"],
            Kind.DATE: ["before", "after", "by", "since"],
            Kind.WHEN: ["before", "after", "by", "since"],
            Kind.INSTANT: ["before", "after", "by", "since"],
        }.get(field.kind, [])
        assert {field.name, *(f"{field.name}.{modifier}" for modifier in modifiers)} <= heads


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("size:lrage", "did you mean 'large'?"),
        ("points:three", "'three' is not a number"),
        ("effort:90", "'90' is not a duration"),
        ("birthday:fridya", "did you mean 'friday'?"),
        ("pionts:3", "did you mean 'points:'?"),
        ("points:", "for example points:3"),
        ("size.above:large", "no size is above 'large'"),
        ("points.before:3", "above, below"),
        ("area:2nd", "'2nd' is not a valid area name"),
        ("people.above:anna", "did you mean 'people:'?"),
        ("see:twelve", "'twelve' is not a todo number or uuid"),
    ],
)
def test_errors_in_filters_are_explained(new_fields: NewFields, expression: str, message: str) -> None:
    result = new_fields("list", expression)
    assert result.code == 2
    assert message in result.err


def test_an_unknown_name_is_not_an_empty_list(filled: NewFields) -> None:
    for expression, message in {
        "area:gardn": "error: there is no area 'gardn'\nhint: did you mean 'Garden'?\n",
        "people:bne": "error: there is no person 'bne'\nhint: did you mean 'Ben'?\n",
        "people:zoe": "error: there is no person 'zoe'\nhint: run 'todo list has:people' to see them\n",
    }.items():
        assert filled("list", expression).err == message


def test_a_table(filled: NewFields) -> None:
    names = ["id", *(field.column for field in NEW_FIELDS)]
    lines = filled.on_screen("list", "--sort", "id", "--columns", ",".join(names), width=200)
    head, first, second, third = (re.split(r"\s{2,}", line.strip()) for line in lines[:4])
    assert head == names
    assert first == [
        *("1", "Soft Wool", "https://example.com/b?c=1", "large", "high", "2.5", "1h30m"),
        *("Fri 27 Nov", "Fri 27 Nov", "Mon 30 Nov 09:00", "Garden", "#anna #Ben", "3", "2, 3"),
    ]
    assert second == [
        *("2", "cotton", "https://example.com/a", "small", "low", "13", "45m"),
        *("Sun 5 Jan 2025", "Fri 27 Nov 18:00", "Sun 29 Nov", "barn", "#anna", "1", "1"),
    ]
    assert third == ["3"]


def test_all_details(filled: NewFields) -> None:
    lines = filled.on_screen("show", "1", width=120)
    values = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert ["effort", "1h30m"] in values
    assert [value[0] for value in values[1 : len(NEW_FIELDS) + 2]] == ["status", *(field.name for field in NEW_FIELDS)]
    assert values[12:16] == [
        ["people", "#anna #Ben"],
        ["related", "3 Darn socks"],
        ["see", "2 Knit a cap"],
        ["3 Darn socks"],
    ]


def test_history_shows_choices_by_their_labels(new_fields: NewFields) -> None:
    """Those of the new fields, and the priority, each stored in another way."""
    names = ("size", "mood", "priority")
    new_fields("add", "Sew", "size:large", "mood:high", "priority:high")
    new_fields("modify", "1", "size:small", "mood:low", "priority:low")
    new_fields("modify", "1", *(f"{name}:" for name in names))
    found = new_fields("history", "1", "--json")
    assert found.code == 0, found.err
    changes = [step["changes"] for step in json.loads(found.out)]
    told = [{change["field"]: (change["old"], change["new"]) for change in step} for step in changes]
    assert [[step[name] for name in names] for step in told] == [
        [("small", None), ("low", None), ("low", None)],
        [("large", "small"), ("high", "low"), ("high", "low")],
        [(None, "large"), (None, "high"), (None, "high")],
    ]
    lines = " ".join(new_fields.on_screen("history", "1", width=200))
    for shown in ("size large → small", "mood high → low", "priority high → low", "mood [-low-], priority [-low-]"):
        assert shown in lines


def test_empty_columns_are_omitted_unless_chosen(filled: NewFields) -> None:
    filled("view", "save", "sizes", "--columns", "id,size,remark")
    assert filled.on_screen("list", "--view", "sizes", "Darn")[0].split() == ["id", "size", "remark"]
    assert filled.on_screen("list", "Darn")[0].split() == ["id", "title"]


def test_stored_values_are_escaped_on_a_terminal(new_fields: NewFields) -> None:
    new_fields("add", "Beware")
    evil = "https://x\x1b]8;;https://y\x07\x1b[31m"
    new_fields.store(1, remark=evil, link=evil, size=evil)
    for arguments in (["list", "--columns", "remark,link,size"], ["show", "1"]):
        shown = "".join(new_fields.on_screen(*arguments, width=300))
        assert r"https://x\x1b]8;;https://y\x07\x1b[31m" in shown
        assert "\x1b" not in shown
