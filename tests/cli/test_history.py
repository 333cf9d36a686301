"""`history`, `undo`, `redo` and `show --at` at the prompt and in scripts."""

from __future__ import annotations

import json
import sys

import pytest

from tests.conftest import Cli, Here, Result
from tests.terminal import at_terminal

pytestmark = pytest.mark.either_database

ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@pytest.fixture
def filled(todo: Here) -> Here:
    assert todo("add", "Pay rent", "project:home", "+bills").code == 0
    assert todo("modify", "1", "title:Pay the [red]rent\x1b[31m", "due:2026-11-30").code == 0
    return todo


def test_undo_and_redo_to_a_pipe_and_as_json(filled: Here) -> None:
    undone = filled("undo")
    assert undone.code == 0
    uuid, at, command, message = undone.lines[0].split("\t")
    assert (len(uuid), at[-1], command) == (36, "Z", "modify")
    assert message.startswith("undid modify 1 Pay rent (just now): ")
    again = json.loads(filled("redo", "--json").out)
    assert again["redone"] == [{"step": uuid, "command": "modify", "at": at}]
    assert [todo["due"] for todo in again["todos"]] == ["2026-11-30"]
    both = json.loads(filled("undo", "-n", "5", "--json").out)
    assert [step["command"] for step in both["undone"]] == ["modify", "add"]
    assert both["todos"][0]["deleted_at"]
    assert both["todos"][0]["project"] is None


@ON_SQLITE
def test_nothing_to_undo_is_not_an_error(todo: Here) -> None:
    for command, message in (("undo", "Nothing to undo."), ("redo", "Nothing to redo.")):
        result = todo(command)
        assert (result.code, result.out, result.err.strip()) == (0, "", message)
        assert json.loads(todo(command, "--json").out)["todos"] == []
    todo("add", "a")
    assert todo("redo").err == "Nothing to redo.\n"
    todo("undo")
    todo("add", "b")
    refused = todo("redo")
    assert refused.code == 4
    assert "other changes were made since" in refused.err


@ON_SQLITE
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["undo", "-n", "0"], 2),
        (["undo", "-n", "x"], 2),
        (["redo", "-n", "1001"], 2),
        (["undo", "12"], 2),
        (["history", "99"], 3),
        (["history", "1,2"], 2),
        (["history", "nonsense!"], 2),
        (["history", "--since", "whenever"], 2),
        (["history", "--by", "nobody"], 3),
        (["history", "--by", "\udc80"], 2),
        (["history", "-n", "0"], 2),
        (["show", "1", "--at", "whenever"], 2),
        (["show", "1", "--at", "2020-01-01"], 3),
        (["show", "99", "--at", "now"], 3),
    ],
    ids=str,
)
def test_errors(filled: Here, arguments: list[str], code: int) -> None:
    result = filled(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err


def test_history_as_json(filled: Here) -> None:
    filled("undo")
    steps = json.loads(filled("history", "--json").out)
    assert [(step["command"], step["undone"]) for step in steps] == [
        ("undo", False),
        ("modify", True),
        ("add", False),
        ("db init", False),
    ]
    changes = {change["field"]: change for change in steps[1]["changes"]}
    assert (changes["due"]["old"], changes["due"]["new"]) == (None, "2026-11-30")
    assert changes["title"]["new"] == "Pay the [red]rent\x1b[31m"
    assert (changes["title"]["id"], changes["title"]["entity"], steps[1]["user"]) == (1, "todo", "alex")
    added = {(change["entity"], change["field"]): change["new"] for change in steps[2]["changes"]}
    assert added["todo", "project"] == "home"
    assert added["todo", "tag"] == "bills"
    assert json.loads(filled("history", "1", "--since", "1 hour ago", "--json").out) == [
        {**step, "changes": [change for change in step["changes"] if change["entity"] == "todo"]} for step in steps[:3]
    ]
    assert len(json.loads(filled("history", "-n", "2", "--page", "2", "--json").out)) == 2


def test_history_to_a_pipe(filled: Here) -> None:
    lines = [line.split("\t") for line in filled("history").lines]
    assert {len(line) for line in lines} == {10}
    title = "Pay the [red]rent\\x1b[31m"
    assert lines[0][1:] == ["alex", "modify", "", "todo", "1", title, "title", "Pay rent", title]


def on_terminal(cli: Cli, *arguments: str, width: int) -> Result:
    command = [sys.executable, "-m", "todo_cli", *arguments]
    return at_terminal(command, {**cli.environment, "TERM": "xterm-256color"}, width=width, height=24)


@ON_SQLITE
@pytest.mark.parametrize("width", [80, 200])
def test_history_on_a_terminal(cli: Cli, width: int) -> None:
    cli.here("add", "Pay the rent of the flat in the old house behind the station")
    cli.here("modify", "1", "title:Pay the [bold]rent\x1b[31m of the house behind the station")
    cli.here("modify", "1", "description:" + "one two three " * 300)
    for number in range(12):
        cli.here("add", f"todo {number}")
    cli.here("done", "2-13")
    result = on_terminal(cli, "history", width=width)
    assert "\x1b[31m of" not in result.out  # a title cannot control the terminal
    assert "[bold]rent\\x1b[31m" in result.out
    assert "12 todos: " in result.out
    assert "…" in result.out
    assert "1–17 of 17" in result.out
    assert len(result.lines) <= 22  # one line for each long sentence
    assert "\x1b[" in result.out
    for number in range(12):
        cli.here("modify", "1", f"title:{'word ' * (number + 1)}", "priority:low" if number % 2 else "priority:high")
    assert len(on_terminal(cli, "history", width=width).lines) <= 22


@ON_SQLITE
def test_undo_on_two_machines(cli: Cli) -> None:
    cli.here("add", "a")
    assert cli("undo").code == 0
    assert cli("list").lines == []
    assert cli("restore", "1").ids == [1]
