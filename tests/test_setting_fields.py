"""A new field is set, emptied and inherited with no other change than its declaration: see `tests/new_fields.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.editor import FakeEditor, Step
from tests.new_fields import NEW_FIELDS, SIMPLE_FIELDS, NewFields
from todo_cli.models.fields import Inherit

pytestmark = pytest.mark.either_database

SIMPLE = {
    "remark": "soft wool",
    "link": "https://example.com/a?b=c",
    "size": "l",
    "mood": "high",
    "points": "2.5",
    "effort": "90 min",
    "birthday": "24 dec 2026",
    "review": "2026-12-24 18:00",
    "seen": "2026-12-24",
}
LINKED = {"area": "Garden", "people": "anna,Ben", "related": "1", "see": "2,1"}
WRITTEN = {**SIMPLE, **LINKED}
STORED = {
    "remark": "soft wool",
    "link": "https://example.com/a?b=c",
    "size": "large",
    "mood": "high",
    "points": 2.5,
    "effort": 5400,
    "birthday": "2026-12-24",
    "review": "2026-12-24T17:00:00Z",
    "seen": "2026-12-23T23:00:00Z",
    "area": "Garden",
    "people": ["anna", "Ben"],
    "related": 1,
    "see": [1, 2],
}
EMPTY: dict[str, Any] = {**dict.fromkeys(STORED), "people": [], "see": []}
ATTRIBUTES = [f"{name}:{value}" for name, value in WRITTEN.items()]
OPTIONS = [
    part
    for name, value in WRITTEN.items()
    for one in (value.split(",") if name == "people" else [value])
    for part in (f"--{name}", one)
]


@pytest.fixture
def filled(new_fields: NewFields) -> NewFields:
    """Two todos for others to refer to."""
    new_fields("add", "Spin")
    new_fields("add", "Dye")
    return new_fields


def stored(todo: NewFields, number: int = 1) -> dict[str, Any]:
    """Return the new fields of a todo."""
    found = json.loads(todo("show", str(number), "--json").out)
    [shown] = found if isinstance(found, list) else [found]
    return {name: shown[name] for name in STORED}


def without_links(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that history and undo cover."""
    return {field.name: values[field.name] for field in SIMPLE_FIELDS}


def test_the_table_has_every_field() -> None:
    assert list(WRITTEN) == list(STORED) == [field.name for field in NEW_FIELDS]


@pytest.mark.parametrize("given", [ATTRIBUTES, OPTIONS], ids=["attributes", "options"])
def test_add_and_modify_set_them(filled: NewFields, given: list[str]) -> None:
    assert filled("add", "Sew", *given).err == ""
    assert stored(filled, 3) == STORED
    assert filled("add", "Knit").code == 0
    changed = filled("modify", "4", *given, "--json")
    assert (changed.err, {name: json.loads(changed.out)[name] for name in STORED}) == ("", STORED)
    assert stored(filled, 4) == STORED
    assert filled("undo").code == 0
    assert without_links(stored(filled, 4)) == without_links(EMPTY)


@pytest.mark.parametrize("value", ["", "none"])
def test_modify_clears_them(filled: NewFields, value: str) -> None:
    filled("add", "Sew", *ATTRIBUTES)
    # In text, `none` is a word like any other, and names are removed from a set one by one.
    given = [f"{name}:{'' if name == 'remark' else value}" for name in WRITTEN if name != "people"]
    assert filled("modify", "3", *given, "unpeople:ANNA,ben").err == ""
    assert stored(filled, 3) == EMPTY
    assert filled("undo").code == 0
    assert without_links(stored(filled, 3)) == without_links(STORED)


def test_values_of_sets_are_added_and_removed_one_by_one(filled: NewFields) -> None:
    filled("add", "Sew", "people:anna,ben", "see:1")
    assert filled("modify", "3", "people:BEN,carl", "unpeople:anna,dora", "see:2", "unsee:1").err == ""
    assert (stored(filled, 3)["people"], stored(filled, 3)["see"]) == (["ben", "carl"], [2])
    [same] = filled("modify", "3", "people:ben", "area:", "see:2", "--json").lines[-1:]
    assert (same, json.loads(filled("show", "3", "--json").out)["version"]) == ("}", 2)


def test_undo_leaves_names_and_references_as_they_are(filled: NewFields) -> None:
    filled("add", "Sew", *ATTRIBUTES)
    filled("modify", "3", "points:5")
    assert filled("undo").code == 0
    assert stored(filled, 3) == STORED


def test_todos_in_the_trash_count_only_as_a_single_reference(filled: NewFields) -> None:
    filled("add", "Sew", "related:1", "see:1,2")
    filled("delete", "1")
    assert (stored(filled, 3)["related"], stored(filled, 3)["see"]) == (1, [2])
    assert filled("list", "see:1").ids == []
    assert filled("trash", "empty", "--yes").code == 0
    assert (stored(filled, 3)["related"], stored(filled, 3)["see"]) == (None, [2])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("points:three", "'three' is not a number"),
        ("effort:2mo", "has no fixed length"),
        ("effort:90", "'90' is not a duration"),
        ("link:example", "'example' is not a URL"),
        ("size:lrage", "did you mean 'large'?"),
        ("birthday:fridya", "did you mean 'friday'?"),
        ("birthday:'friday 17:00'", "has a time"),
        ("pionts:3", "did you mean 'points:3'?"),
        ("points=3", "did you mean 'points:3'?"),
        ("points.above:3", "is a filter"),
        ("points:", "points: needs a value"),
        ("area:2nd", "'2nd' is not a valid area name"),
        ("people:a;b", "did you mean 'a-b'?"),
        ("people:none", "a person cannot be called 'none'"),
        ("people:", "people: needs a value"),
        ("related:12,13", "a todo can have only one related"),
        ("see:twelve", "'twelve' is not a todo number or uuid"),
        ("see:12 13", "did you mean 'see:12,13'?"),
        ("effort:1h 30 min", "did you mean effort:'1h 30 min'?"),
        ("birthday:24 dec", "did you mean birthday:'24 dec'?"),
    ],
)
def test_errors_are_explained_and_nothing_is_stored(new_fields: NewFields, word: str, message: str) -> None:
    arguments = [word.replace("'", "")] if "'" in word else word.split()
    result = new_fields("add", "Sew", *arguments)
    assert result.code == 2
    assert message in result.err
    assert new_fields("list").out == ""


def test_a_repeated_value_is_refused(new_fields: NewFields) -> None:
    result = new_fields("add", "Sew", "points:3", "--points", "4")
    assert (result.code, "points: and --points set the same field" in result.err) == (2, True)


def test_an_unknown_todo_is_not_referred_to(filled: NewFields) -> None:
    filled("delete", "2")
    for word in ("related:12", "see:1,12", "related:2", "see:2"):
        assert filled("add", "Sew", word).code == filled("modify", "1", word).code == 3, word
    assert filled("list").ids == [1]


def test_a_context_gives_them_to_new_todos(new_fields: NewFields) -> None:
    defaults = "points:3 size:small area:garden people:anna"
    assert new_fields("context", "save", "sewing", "is:open", "--defaults", defaults).code == 0
    new_fields("context", "use", "sewing")
    new_fields("add", "Sew", "size:large", "people:Ben")
    new_fields("add", "Knit", "points:", "area:")
    names = ("points", "size", "area", "people")
    assert [stored(new_fields)[name] for name in names] == [3, "large", "garden", ["anna", "Ben"]]
    assert [stored(new_fields, 2)[name] for name in names] == [None, "small", None, ["anna"]]


def test_the_next_occurrence_inherits_them(filled: NewFields) -> None:
    assert filled("add", "Sew", "due:2026-12-24", "every:week", *ATTRIBUTES).err == ""
    assert filled("skip", "3").err == ""
    shown = json.loads(filled("show", "4", "--json").out)
    shown = shown[0] if isinstance(shown, list) else shown
    moved = {"birthday": "2026-12-31", "review": "2026-12-31T17:00:00Z", "seen": "2026-12-30T23:00:00Z"}
    assert {field.name for field in NEW_FIELDS if field.inherit is Inherit.MOVE} == moved.keys()
    assert shown["due"] == "2026-12-31"
    assert stored(filled, 4) == {**STORED, **moved}


DESCRIBED = {
    "link": "https://example.com/a?b=c",
    "size": "large",
    "mood": "high",
    "points": "2.5",
    "effort": "1h30m",
    "birthday": "2026-12-24",
    "review": "2026-12-24 18:00",
    "seen": "2026-12-24",
    "area": "Garden",
    "people": "anna, Ben",
    "related": "1",
    "see": "1, 2",
}


def test_the_editor(filled: NewFields, tmp_path: Path) -> None:
    editor = FakeEditor(tmp_path / "editor")
    filled("add", "Sew", *ATTRIBUTES)
    editor.will(
        Step(
            replace=[
                ('remark = "soft wool"', 'remark = "hard wool"'),
                ('points = "2.5"', 'points = "4"'),
                ('effort = "1h30m"', 'effort = ""'),
                ('review = "2026-12-24 18:00"', 'review = "2026-12-25"'),
                ('area = "Garden"', 'area = "garden"'),  # the same name
                ('people = "anna, Ben"', 'people = "Ben, carl"'),
                ('related = "1"', 'related = ""'),
                ('see = "1, 2"', 'see = "2"'),
            ]
        )
    )
    assert filled("edit", "3", VISUAL=editor.command).code == 0
    [document] = editor.seen
    for field in NEW_FIELDS:
        line = next(line for line in document.splitlines() if line.startswith(f"{field.name} = "))
        assert line.split("  #")[0].rstrip() == f'{field.name} = "{DESCRIBED.get(field.name, "soft wool")}"'
        assert line.endswith(f"# the {field.name}") or field.kind.name == "URL"  # a long line has no comment
    changed = {"remark": "hard wool", "points": 4, "effort": None, "review": "2026-12-25"}
    linked = {"people": ["Ben", "carl"], "related": None, "see": [2]}
    assert stored(filled, 3) == {**STORED, **changed, **linked}


def test_completion_and_help(new_fields: NewFields) -> None:
    for command in ("add", "modify"):
        offered = new_fields(_TODO_COMPLETE_LINE=f"todo {command} --").lines
        words = new_fields(command, "--help").out.split()
        for field in NEW_FIELDS:
            assert any(line.split("\t") == [f"--{field.name}", f"The {field.name}."] for line in offered), field.name
            assert words[words.index(f"--{field.name}") :][2:4] == ["The", f"{field.name}."]
        assert new_fields(_TODO_COMPLETE_LINE=f"todo {command} --size ").lines == ["large", "medium", "small", "none"]


def test_seen_names_and_todos_are_completed(new_fields: NewFields) -> None:
    new_fields("add", "Sew", "area:Garden", "people:anna,Ben", "+home")
    for command in ("add", "modify"):
        for option, offered in {
            "area": ["Garden"],
            "people": ["Ben", "anna"],
            "related": ["1\tSew"],
            "see": ["1\tSew"],
        }.items():
            assert new_fields(_TODO_COMPLETE_LINE=f"todo {command} --{option} ").lines == offered
