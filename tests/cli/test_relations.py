"""Dependencies and subtasks at the prompt."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Cli, Here
from tests.terminal import at_terminal

pytestmark = pytest.mark.either_database

LAST, WITHOUT = "if not, put depends: last", "to remove all of them, write depends:"


@pytest.fixture
def trip(todo: Here) -> Here:
    for line in ("Trip due:2030-01-02", "Flight parent:1", "Pack parent:1 depends:2", "Hotel --parent 1 --depends 2,3"):
        assert todo("add", *line.split()).code == 0
    return todo


def as_json(todo: Here, *arguments: str) -> Any:
    result = todo(*arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_relations_are_stored_and_shown(trip: Here) -> None:
    hotel = as_json(trip, "show", "4")
    assert (hotel["parent"], hotel["depends"], hotel["blocked"]) == (1, [2, 3], True)
    assert as_json(trip, "show", "1")["subtasks"] == 3
    assert as_json(trip, "modify", "4", "undepends:2")["depends"] == [3]
    assert as_json(trip, "modify", "4", "depends:2", "--undepends", "3")["depends"] == [2]
    assert as_json(trip, "modify", "4", "depends:", "parent:none")["parent"] is None
    assert as_json(trip, "show", "4")["depends"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        ("modify 2 depends:4", 4, "todo 2 would depend on itself: 2 → 4 → 2", None),
        ("modify 1 parent:3", 4, "todo 1 would belong to itself: 1 → 3 → 1", None),
        ("done 4", 4, "todo 4 is blocked by 2 Flight, 3 Pack", "finish them first, or add --force"),
        ("done 1", 4, "todo 1 has 3 open subtasks", "add --with-subtasks to close them as well"),
        ("add x depends:9", 3, "there is no todo 9", "run 'todo list' to see the numbers"),
        ("add x parent:1,2", 2, "a todo can have only one parent, not 1,2", None),
        ("modify 4 depends:2 3", 2, "'3' may belong to 'depends:2'", f"did you mean 'depends:2,3'? {LAST}"),
        ("modify 4 undepends:", 2, "undepends: needs a value", WITHOUT),
        ("modify 4 depends:2 undepends:2", 2, "depends: and undepends: cannot name the same todo", None),
        ("add x depends:friday", 2, "'friday' is not a todo number or uuid", None),
    ],
)  # fmt: skip
def test_invalid_relations_are_refused(trip: Here, arguments: str, code: int, error: str, hint: str | None) -> None:
    before = trip("list", "--status", "all", "--json").out
    result = trip(*arguments.split())
    assert (result.code, result.out) == (code, "")
    assert result.err.splitlines()[0] == f"error: {error}"
    assert hint is None or result.err.splitlines()[1] == f"hint: {hint}"
    assert trip("list", "--status", "all", "--json").out == before


def test_force_and_ready_todos(trip: Here) -> None:
    assert as_json(trip, "done", "2")["ready"] == [3]
    assert as_json(trip, "done", "4", "--force")["status"] == "done"
    assert as_json(trip, "done", "3")["ready"] == []


def test_subtrees_stay_together(trip: Here) -> None:
    assert as_json(trip, "delete", "1")["changed_with"] == [2, 3, 4]
    assert as_json(trip, "list") == []
    assert as_json(trip, "restore", "1")["changed_with"] == [2, 3, 4]
    assert as_json(trip, "modify", "1", "project:travel")["changed_with"] == [2, 3, 4]
    assert as_json(trip, "done", "1", "--with-subtasks")["changed_with"] == [2, 3, 4]
    assert trip("done", "1").err == "1: already done\n"


def test_the_tree(trip: Here) -> None:
    trip("add", "alone")
    assert [each["id"] for each in as_json(trip, "tree")] == [1, 2, 3, 4]
    assert [each["id"] for each in as_json(trip, "tree", "4")] == [4, 2, 3]
    assert trip("tree", "5").out.split("\t")[0] == "5"
    assert trip("tree", "9").code == 3


def test_lists_indent_subtasks(trip: Here) -> None:
    trip("add", "Before", "due:2030-01-01")
    assert [each["id"] for each in as_json(trip, "list")] == [5, 1, 2, 3, 4]
    assert [each["id"] for each in as_json(trip, "list", "--sort", "-id")] == [5, 4, 3, 2, 1]


def run(cli: Cli) -> Callable[..., str]:
    def at(*arguments: str, width: int = 80, typed: str = "") -> str:
        command = [sys.executable, "-m", "todo_cli", *arguments]
        out = at_terminal(command, cli.environment, width=width, typed=typed).out
        return re.sub(r"\x1b\[[0-9;]*m", "", out)

    return at


def test_on_a_terminal(cli: Cli) -> None:
    at = run(cli)
    for line in ("Trip", "Flight parent:1", "Pack parent:1 depends:2"):
        cli("add", *line.split())
    assert "Trip  0/2" in at("list")
    assert "first" in at("tree")
    assert "2 Flight" in at("show", "1")
    assert "Ready now: 3 Pack" in at("done", "2")
    asked = at("done", "1", typed="y\n")
    assert "odo 1 has 1 open subtask" in asked
    assert "also: " in asked
    assert cli("list").out == ""


def test_declining_changes_nothing(cli: Cli) -> None:
    for line in ("Trip", "Flight parent:1"):
        cli("add", *line.split())
    assert "nothing changed" in run(cli)("done", "1", typed="n\n")
    assert cli("list").ids == [1, 2]
