"""Contexts, which limit every list and give defaults to new todos."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BERLIN, Cli, Here
from tests.neon import ADDRESS, Neon
from tests.terminal import on_screen

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=BERLIN)  # a Wednesday


@pytest.fixture
def dialect() -> str:
    """Contexts do not depend on the database; docs/views-and-contexts.md and the filters are tested on both."""
    return "sqlite"


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo_cli.cli.invocation.Invocation.now", NOW)
    monkeypatch.delenv("TODO_CONTEXT", raising=False)


@pytest.fixture
def filled(todo: Here) -> Here:
    todo("add", "report", "project:work.api", "due:today")
    todo("add", "paper", "+office", "due:friday")
    todo("add", "milk", "project:home", "due:today")
    todo("add", "walk")
    todo("add", "waits", "project:work", "wait:friday")
    todo("add", "old", "project:home")
    todo("done", "6")
    todo("context", "save", "work", "project:work or +office", "--defaults", "project:work +office")
    todo("context", "save", "home", "project:home")
    todo("context", "use", "work")
    return todo


def refused(todo: Here, *arguments: str, code: int = 2) -> str:
    result = todo(*arguments)
    assert (result.code, result.out) == (code, "")
    return result.err


def add(todo: Here, *arguments: str) -> Any:
    result = todo("--json", "add", *arguments)
    assert result.code == 0, result
    return json.loads(result.out)


class TestLists:
    @pytest.mark.parametrize(
        ("arguments", "found"),
        [
            ([], [1, 2]),
            (["list"], [1, 2]),
            (["list", "project:home"], []),
            (["list", "paper", "or", "milk"], [2]),
            (["today"], [1]),
            (["agenda"], [1, 2]),
            (["inbox"], [2]),
            (["waiting"], [5]),
            (["completed"], []),
            (["list", "--view", "all"], [1, 2]),
            (["list", "--no-context"], [1, 3, 2, 4]),
            (["today", "--no-context"], [1, 3]),
            (["agenda", "--no-context"], [1, 3, 2]),
            (["inbox", "--no-context"], [2, 4]),
            (["waiting", "--no-context"], [5]),
            (["completed", "--no-context"], [6]),
        ],
        ids=lambda value: " ".join(map(str, value)),
    )
    def test_a_context_limits_every_list(self, filled: Here, arguments: list[str], found: list[int]) -> None:
        filled("view", "save", "all", "--sort", "due")
        result = filled(*arguments)
        assert (result.code, result.ids) == (0, found)
        assert [each["id"] for each in json.loads(filled("--json", *arguments).out)] == found

    def test_numbers_work_outside_the_context(self, filled: Here) -> None:
        assert filled("show", "3").code == 0
        assert filled("done", "3").ids == [3]
        assert filled("modify", "4", "+x").ids == [4]

    def test_where_finds_only_todos_in_the_context(self, filled: Here) -> None:
        found = filled("done", "--where", "due.by:friday")
        assert (found.ids, found.err) == ([1, 2], "Found 2 todos in context work.\n")
        nothing = filled("done", "--where", "milk")
        assert (nothing.out, nothing.err) == ("", "No todos match in context work.\n")

    def test_a_context_only_narrows(self, filled: Here) -> None:
        filled("context", "save", "all", "status:all project:home", "--force")
        filled("context", "use", "all")
        assert filled("list").ids == [3]
        filled("project", "archive", "home")
        assert filled("list").ids == []
        assert filled("list", "project:home").ids == [3]

    def test_a_name_may_not_exist_yet(self, todo: Here) -> None:
        todo("context", "save", "new", "project:new or +new", "--defaults", "project:new")
        todo("context", "use", "new")
        assert todo("list").code == 0
        assert todo("list", "project:nwe").code == 3
        assert add(todo, "first")["project"] == "new"

    def test_an_empty_list_says_what_is_hidden(self, filled: Here) -> None:
        message = "Nothing to show: context work hides 1 todo; add --no-context to include them.\n"
        for arguments in (["list", "milk"], ["today", "milk"], ["agenda", "milk"], ["list", "milk", "--json"]):
            assert filled(*arguments).err == message
        assert filled("list", "milk", "--no-context").err == ""
        assert filled("list", "report").err == ""
        assert filled("list", "unheard").err == ""

    def test_the_footer_counts_what_is_hidden(self, filled: Here) -> None:
        assert on_screen("list")[-1] == "1–2 of 2 · context work hides 2"
        assert on_screen("list", "--all")[-1] == "2 todos · context work hides 2"
        assert on_screen("list", "--per-page", "1")[-1] == "1–1 of 2 · page 1 of 2 · context work hides 2"
        assert on_screen("list", "report")[-1] == "1–1 of 1"
        assert on_screen("list", "--no-context")[-1] == "1–4 of 4"
        assert on_screen(TODO_CONTEXT="none")[-1] == "1–4 of 4"
        assert on_screen("agenda")[-1] == "2 todos · context work hides 1"


class TestAdd:
    @pytest.mark.parametrize(
        ("words", "project", "tags"),
        [
            ([], "work", ["office"]),
            (["project:home"], "home", ["office"]),
            (["-p", "home"], "home", ["office"]),
            (["+phone"], "work", ["office", "phone"]),
            (["+Office"], "work", ["Office"]),
            (["project:"], None, ["office"]),
            (["project:none", "+x"], None, ["office", "x"]),
            (["--", "project:home"], "work", ["office"]),
        ],
        ids=str,
    )
    def test_given_values_override_defaults(
        self, todo: Here, words: list[str], project: str | None, tags: list[str]
    ) -> None:
        todo("context", "save", "work", "+office", "--defaults", "project:work +office")
        todo("context", "use", "work")
        added = add(todo, "x", *words)
        assert (added["project"], added["tags"]) == (project, tags)

    def test_defaults_may_be_any_attributes(self, todo: Here) -> None:
        defaults = "due:'friday 5pm' scheduled:today priority:low every:week description:'a text' until:eoy"
        todo("context", "save", "c", "x", "--defaults", defaults)
        todo("context", "use", "c")
        added = add(todo, "x")
        assert (added["due"], added["scheduled"]) == ("2026-11-27T16:00:00Z", "2026-11-25")
        assert (added["priority"], added["description"]) == ("low", "a text")
        assert added["every"] == "every week on Friday"
        assert add(todo, "y", "every!:day")["every"] == "1 day after it is done"
        assert add(todo, "z", "every:", "due:")["due"] is None
        assert "until must be after wait" in refused(todo, "add", "y", "wait:2027-01-01")

    def test_without_defaults_an_empty_attribute_is_refused(self, filled: Here) -> None:
        assert "due: needs a value" in refused(filled, "add", "x", "due:")
        filled("context", "use", "none")
        assert "project: needs a value" in refused(filled, "add", "x", "project:")

    def test_modify_uses_no_defaults(self, filled: Here) -> None:
        filled("modify", "4", "title:'a walk'")
        assert json.loads(filled("show", "4", "--json").out)["project"] is None


class TestSaving:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["c", "duee:x"], "did you mean 'due:'?"),
            (["c", ""], "the filter is empty"),
            (["none", "+x"], "a context cannot be called 'none'"),
            (["a b", "+x"], "did you mean 'a-b'?"),
            (["c", "+x", "--defaults", "Buy +x"], "'Buy' is not an attribute"),
            (["c", "+x", "--defaults", "due:tomorow"], "tomorrow"),
            (["c", "+x", "--defaults", "priority:hihg"], "did you mean 'high'?"),
            (["c", "+x", "--defaults", "every:mnoth"], "did you mean 'month'?"),
            (["c", "+x", "--defaults", "every:day every!:day"], "cannot be used together"),
            (["c", "+x", "--defaults", "wait:friday until:today"], "until must be after wait"),
            (["c", "+x", "--defaults", "project:a b"], "did you mean 'a-b'?"),
            (["c", "+x", "--defaults", "title:x"], "only 'todo modify' accepts title:"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_an_invalid_context_is_not_saved(
        self, todo: Here, tmp_path: Path, arguments: list[str], message: str
    ) -> None:
        assert message in refused(todo, "context", "save", *arguments)
        assert not (tmp_path / "home" / "config.toml").exists()

    def test_list_show_delete(self, filled: Here) -> None:
        assert json.loads(filled("context", "list", "--json").out) == [
            {"name": "home", "filter": "project:home", "defaults": None, "used": False},
            {"name": "work", "filter": "project:work or +office", "defaults": "project:work +office", "used": True},
        ]
        assert json.loads(filled("context", "show", "--json").out)["name"] == "work"
        assert json.loads(filled("context", "show", "HOME", "--json").out)["name"] == "home"
        assert "'work' already" in refused(filled, "context", "save", "work", "+x", code=4)
        assert filled("context", "save", "WORK", "+x", "--force").code == 0
        assert json.loads(filled("context", "show", "work", "--json").out) == {
            "name": "work", "filter": "+x", "defaults": None, "used": True,
        }  # fmt: skip
        assert filled("context", "delete", "home").out == "home\n"
        assert filled("config", "get", "context").out == "work\n"
        assert filled("context", "delete", "Work").out == "work\n"
        assert filled("config", "get", "context").out == ""
        assert refused(filled, "context", "show")

    def test_use_a_context(self, filled: Here, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "did you mean 'work'?" in refused(filled, "context", "use", "wrk", code=3)
        assert filled("config", "get", "context").out == "work\n"
        assert "no context 'x'" in refused(filled, "config", "set", "context", "x", code=3)
        assert filled("config", "set", "context", "HOME").code == 0
        assert filled("list").ids == [3]
        filled("context", "use", "none")
        assert filled("list").ids == [1, 3, 2, 4]
        monkeypatch.setenv("TODO_CONTEXT", "Work")
        assert filled("list").ids == [1, 2]
        assert "TODO_CONTEXT=Work overrides" in filled("context", "use", "home").err
        assert filled("list").ids == [1, 2]
        monkeypatch.setenv("TODO_CONTEXT", "none")
        assert filled("list").ids == [1, 3, 2, 4]
        monkeypatch.setenv("TODO_CONTEXT", "")
        assert filled("list").ids == [3]

    def test_a_missing_context_is_refused_before_anything_is_stored(
        self, filled: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TODO_CONTEXT", "hoem")
        commands = (["list"], ["today"], ["agenda"], ["add", "x"], ["done", "--where", "x"], ["list", "--view", "v"])
        filled("view", "save", "v", "+x")
        for arguments in commands:
            message = refused(filled, *arguments, code=3)
            assert "no context 'hoem'" in message
            assert "did you mean 'home'? contexts: home, work; set TODO_CONTEXT=none to turn it off" in message
        assert filled("list", "--no-context", "--status", "all", "--sort", "id").ids == [1, 2, 3, 4, 5, 6]
        assert filled("show", "1").code == 0

    def test_an_error_in_the_file_names_its_place(self, todo: Here, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "config.toml").write_text(
            "context = 'c'\n[contexts.c]\nfilter = 'due:nope'\ndefaults = 'Buy'\n"
        )
        assert "in the context 'c': " in refused(todo, "list")
        assert "in the defaults of the context 'c': " in refused(todo, "add", "x")
        assert todo("list", "--no-context").ids == []


def test_a_context_costs_no_round_trip(neon: Neon, tmp_path: Path) -> None:
    neon.server.fresh("context_trips")
    with neon.door(delay=0.02) as door:
        cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(door, "context_trips", host=ADDRESS))
        assert cli("context", "save", "work", "project:work or +office", "--defaults", "project:work").code == 0
        for command in (["add", "a"], ["list"], ["agenda"], ["list", "--no-context"]):
            assert cli(*command, TODO_CONTEXT="work").code == 0
        door.settle()
        assert [connection.round_trips for connection in door.connections] == [8, 8, 8, 8]
