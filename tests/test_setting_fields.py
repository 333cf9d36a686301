"""A new field is set, emptied and inherited with no other change than its declaration: see `tests/new_fields.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.editor import FakeEditor, Step
from tests.new_fields import NEW_FIELDS, NewFields
from todo_cli.models.fields import Inherit

pytestmark = pytest.mark.either_database

WRITTEN = {
    "remark": "soft wool",
    "link": "https://example.com/a?b=c",
    "size": "l",
    "energy": "high",
    "points": "2.5",
    "effort": "90 min",
    "birthday": "24 dec 2026",
    "review": "2026-12-24 18:00",
    "seen": "2026-12-24",
}
STORED = {
    "remark": "soft wool",
    "link": "https://example.com/a?b=c",
    "size": "large",
    "energy": "high",
    "points": 2.5,
    "effort": 5400,
    "birthday": "2026-12-24",
    "review": "2026-12-24T17:00:00Z",
    "seen": "2026-12-23T23:00:00Z",
}
EMPTY = dict.fromkeys(STORED)
ATTRIBUTES = [f"{name}:{value}" for name, value in WRITTEN.items()]
OPTIONS = [part for name, value in WRITTEN.items() for part in (f"--{name}", value)]


def stored(todo: NewFields, number: int = 1) -> dict[str, Any]:
    """Return the new fields of a todo."""
    found = json.loads(todo("show", str(number), "--json").out)
    [shown] = found if isinstance(found, list) else [found]
    return {name: shown[name] for name in STORED}


def test_the_table_has_every_field() -> None:
    assert list(WRITTEN) == list(STORED) == [field.name for field in NEW_FIELDS]


@pytest.mark.parametrize("given", [ATTRIBUTES, OPTIONS], ids=["attributes", "options"])
def test_add_and_modify_set_them(new_fields: NewFields, given: list[str]) -> None:
    assert new_fields("add", "Sew", *given).err == ""
    assert stored(new_fields) == STORED
    assert new_fields("add", "Knit").code == 0
    assert new_fields("modify", "2", *given).err == ""
    assert stored(new_fields, 2) == STORED
    assert new_fields("undo").code == 0
    assert stored(new_fields, 2) == EMPTY


@pytest.mark.parametrize("value", ["", "none"])
def test_modify_clears_them(new_fields: NewFields, value: str) -> None:
    new_fields("add", "Sew", *ATTRIBUTES)
    # In text, `none` is a word like any other.
    given = [f"{name}:{'' if name == 'remark' else value}" for name in WRITTEN]
    assert new_fields("modify", "1", *given).err == ""
    assert stored(new_fields) == EMPTY
    assert new_fields("undo").code == 0
    assert stored(new_fields) == STORED


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


def test_a_context_gives_them_to_new_todos(new_fields: NewFields) -> None:
    assert new_fields("context", "save", "sewing", "is:open", "--defaults", "points:3 size:small").code == 0
    new_fields("context", "use", "sewing")
    new_fields("add", "Sew", "size:large")
    new_fields("add", "Knit", "points:")
    assert (stored(new_fields)["points"], stored(new_fields)["size"]) == (3, "large")
    assert (stored(new_fields, 2)["points"], stored(new_fields, 2)["size"]) == (None, "small")


def test_the_next_occurrence_inherits_them(new_fields: NewFields) -> None:
    assert new_fields("add", "Sew", "due:2026-12-24", "every:week", *ATTRIBUTES).err == ""
    assert new_fields("skip", "1").err == ""
    shown = json.loads(new_fields("show", "2", "--json").out)
    shown = shown[0] if isinstance(shown, list) else shown
    moved = {"birthday": "2026-12-31", "review": "2026-12-31T17:00:00Z", "seen": "2026-12-30T23:00:00Z"}
    assert {field.name for field in NEW_FIELDS if field.inherit is Inherit.MOVE} == moved.keys()
    assert shown["due"] == "2026-12-31"
    assert stored(new_fields, 2) == {**STORED, **moved}


DESCRIBED = {
    "link": "https://example.com/a?b=c",
    "size": "large",
    "energy": "high",
    "points": "2.5",
    "effort": "1h30m",
    "birthday": "2026-12-24",
    "review": "2026-12-24 18:00",
    "seen": "2026-12-24",
}


def test_the_editor(new_fields: NewFields, tmp_path: Path) -> None:
    editor = FakeEditor(tmp_path / "editor")
    new_fields("add", "Sew", *ATTRIBUTES)
    editor.will(
        Step(
            replace=[
                ('remark = "soft wool"', 'remark = "hard wool"'),
                ('points = "2.5"', 'points = "4"'),
                ('effort = "1h30m"', 'effort = ""'),
                ('review = "2026-12-24 18:00"', 'review = "2026-12-25"'),
            ]
        )
    )
    assert new_fields("edit", "1", VISUAL=editor.command).code == 0
    [document] = editor.seen
    for field in NEW_FIELDS:
        line = next(line for line in document.splitlines() if line.startswith(f"{field.name} = "))
        assert line.split("  #")[0].rstrip() == f'{field.name} = "{DESCRIBED.get(field.name, "soft wool")}"'
        assert line.endswith(f"# the {field.name}") or field.kind.name == "URL"  # a long line has no comment
    changed = {"remark": "hard wool", "points": 4, "effort": None, "review": "2026-12-25"}
    assert stored(new_fields) == {**STORED, **changed}


def test_completion_and_help(new_fields: NewFields) -> None:
    for command in ("add", "modify"):
        offered = new_fields(_TODO_COMPLETE_LINE=f"todo {command} --").lines
        words = new_fields(command, "--help").out.split()
        for field in NEW_FIELDS:
            assert any(line.split("\t") == [f"--{field.name}", f"The {field.name}."] for line in offered), field.name
            assert words[words.index(f"--{field.name}") :][2:4] == ["The", f"{field.name}."]
        assert new_fields(_TODO_COMPLETE_LINE=f"todo {command} --size ").lines == ["large", "medium", "small", "none"]
