"""The language on the command line: attributes, recurrence, and selecting todos with an expression."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from typing import Any
from unittest import mock

import pytest

from tests.conftest import BERLIN, Cli, Here
from tests.terminal import at_terminal

pytestmark = pytest.mark.either_database

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=BERLIN)  # a Wednesday


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo_cli.cli.invocation.Invocation.now", NOW)


def as_json(todo: Here, *arguments: str) -> Any:
    result = todo(*arguments, "--json")
    assert result.code == 0, result
    return json.loads(result.out)


def test_attributes_are_equivalent_to_options(todo: Here) -> None:
    words = [
        "Pay",
        "rent",
        "due:eom",
        "scheduled:mon",
        "wait:tomorrow",
        "until:eoy",
        "project:home",
        "+bills",
        "priority:high",
        "every:month",
    ]
    options = ["Pay", "rent", "-d", "eom", "--scheduled", "mon", "--wait", "tomorrow", "--until", "eoy"]
    options += ["-p", "home", "-t", "bills", "--priority", "high", "--every", "month"]
    one, other = as_json(todo, "add", *words), as_json(todo, "add", *options)
    own = ("id", "uuid", "series")
    assert {key: value for key, value in one.items() if key not in own} == {
        key: value for key, value in other.items() if key not in own
    }
    assert (one["due"], one["scheduled"]) == ("2026-11-30", "2026-11-30")
    assert (one["wait"], one["until"]) == ("2026-11-25T23:00:00Z", "2026-12-31T23:00:00Z")
    assert (one["recurrence"], one["every"]) == ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "due:eom", "-d", "friday"], "due: and --due set the same field"),
        (["x", "every:day", "every!:week"], "cannot be used together"),
        (["x", "every:day", "--every-after", "week"], "cannot be used together"),
        (["x", "project:"], "project: needs a value"),
        (["x", "due:tommorow"], "did you mean 'tomorrow'?"),
        (["x", "due:31 feb"], "28 feb"),
        (["x", "due:25:00"], "is not a"),
        (["x", "due:2026-13-01"], "2026-12-01"),
        (["x", "due:10/11/2026"], "date_order"),
        (["x", "every:mnoth"], "did you mean 'month'?"),
        (["x", "every:RRULE:FREQ=DAILY;BYFOO=1"], "BYFOO"),
        (["x", "every:2 hours"], "time"),
        (["x", "priority:hihg"], "did you mean 'high'?"),
        (["due:eom"], "blank"),
        (["x", "project:my home"], "did you mean 'my-home'?"),
        (["x", "priority:high low"], "is not a valid priority"),
        (["x", "project:none"], "project: needs a value"),
        (["x", "+none"], "a tag cannot be called 'none'"),
        (["x", "wait:friday", "until:thursday"], "until must be after wait"),
        (["Write", "description:", "of", "the", "job"], "description: needs a value"),
    ],
)
def test_invalid_input_stores_nothing(todo: Here, arguments: list[str], message: str) -> None:
    result = todo("add", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert todo("list", "status:all").out == ""


def test_after_two_hyphens_everything_is_text(todo: Here) -> None:
    added = json.loads(todo("add", "due:eom", "--json", "--", "due:friday", "+x", "-p", "prjoect:home").out)
    assert (added["title"], added["due"], added["tags"]) == ("due:friday +x -p prjoect:home", "2026-11-30", [])
    todo("add", "milk")
    assert todo("list", "--", "due:friday").ids == [1]


def test_modify_sets_and_clears_attributes(todo: Here) -> None:
    todo(
        "add",
        "a",
        "due:eom",
        "scheduled:mon",
        "wait:tomorrow",
        "until:eoy",
        "project:p",
        "+x",
        "priority:low",
        "every:day",
    )
    changed = as_json(todo, "modify", "1", "due:friday", "+urgent", "untag:x", "title:New title", "priority:high")
    assert (changed["due"], changed["tags"], changed["title"]) == ("2026-11-27", ["urgent"], "New title")
    emptied = as_json(
        todo, "modify", "1", *["due:", "scheduled:", "wait:", "until:", "project:", "priority:", "every:"]
    )
    empty = ("due", "scheduled", "wait", "until", "project", "priority", "every", "recurrence", "series", "occurrence")
    assert {emptied[name] for name in empty} == {None}
    todo("add", "other", "project:p")
    assert as_json(todo, "modify", "2", "project:none")["project"] is None
    for words in ("prjoect:x", "+x untag:x", "due: --due friday", "every: every!:day", "due: every:day", "tag:"):
        assert todo("modify", "1", *words.split()).code == 2, words


def test_the_rest_of_a_value_never_becomes_a_reference(todo: Here) -> None:
    for title in ("a", "b"):
        todo("add", title)
    for arguments in (["project:phase 2"], ["priority:high 2"], ["due:tomorrow", "2"]):
        assert todo("modify", "1", *arguments).code == 2, arguments
    assert todo("list", "no:project no:due no:priority").ids == [1, 2]


def test_the_default_hour_is_for_due_and_scheduled_dates(todo: Here) -> None:
    todo("config", "set", "default_hour", "9")
    added = as_json(todo, "add", "a", "due:friday", "scheduled:mon", "wait:tomorrow")
    assert (added["due"], added["scheduled"]) == ("2026-11-27T08:00:00Z", "2026-11-30T08:00:00Z")
    assert added["wait"] == "2026-11-25T23:00:00Z"
    assert todo("list", "due:friday is:waiting").ids == [1]


def test_conventions_are_settings(todo: Here) -> None:
    todo("config", "set", "date_order", "d/m/y")
    assert as_json(todo, "add", "a", "due:10/11/2026")["due"] == "2026-11-10"
    assert as_json(todo, "add", "b", "due:eow")["due"] == "2026-11-29"
    todo("config", "set", "week_start", "sun")
    assert as_json(todo, "add", "b", "due:eow")["due"] == "2026-11-28"
    for setting, value in (("week_start", "maybe"), ("date_order", "y/m/d"), ("default_hour", "25")):
        assert todo("config", "set", setting, value).code == 2


def test_waiting_and_expired_todos_are_not_listed(todo: Here) -> None:
    todo("add", "waits", "wait:tomorrow")
    todo("add", "waited", "wait:yesterday")
    todo("add", "expired", "until:yesterday")
    todo("add", "not yet", "until:today")
    assert todo("list", "--sort", "id").ids == [2, 4]
    assert todo("list", "is:waiting").ids == [1]
    assert todo("list", "is:expired").ids == [3]
    assert todo("done", "3").code == 0
    assert todo("list", "status:done").ids == [3]


def test_skip_and_rules_do_not_apply_to_closed_todos(todo: Here) -> None:
    todo("add", "a", "due:today", "every:day")
    todo("done", "1")
    assert todo("skip", "1").err == "1: not open\n"
    assert as_json(todo, "show", "1")["status"] == "done"
    refused = todo("modify", "1", "every:week")
    assert (refused.code, "1 is done" in refused.err) == (4, True)
    assert as_json(todo, "show", "2")["recurrence"] == "FREQ=DAILY"
    assert todo("delete", "--series", "--where", "id:2").code == 2


def test_finishing_skipping_and_looking_ahead(todo: Here) -> None:
    todo("add", "a", "due:2026-11-20", "every:day")
    done = as_json(todo, "done", "1", "--catch-up")
    assert (done["status"], done["next"]) == ("done", [2, 3, 4, 5, 6])
    assert as_json(todo, "upcoming", "6", "-n", "2") == ["2026-11-26", "2026-11-27"]
    assert todo("upcoming", "6", "-n", "2").out == "2026-11-26\n2026-11-27\n"
    assert as_json(todo, "skip", "6")["next"] == [7]
    refused = todo("delete", "7")
    assert refused.code == 4
    assert "--series" in refused.err
    assert [item["id"] for item in as_json(todo, "delete", "7", "--series")] == [2, 3, 4, 5, 7]
    assert todo("list").out == ""
    todo("add", "b")
    for arguments in (["skip", "8"], ["upcoming", "8"], ["delete", "8", "--series"]):
        result = todo(*arguments)
        assert (result.code, "8 does not repeat" in result.err) == (4, True)
    assert todo("upcoming", "1-2").code == 2


class TestWhere:
    @pytest.fixture
    def filled(self, todo: Here) -> Here:
        for number in range(1, 6):
            todo("add", f"todo {number}", "project:home" if number < 5 else "project:work")
        return todo

    def test_a_few_todos_are_changed_without_a_question(self, filled: Here) -> None:
        result = filled("done", "--where", "project:work")
        assert (result.code, result.ids, result.err) == (0, [5], "Found 1 todo.\n")
        assert filled("reopen", "--where", "project:work").ids == [5]

    def test_many_todos_have_to_be_confirmed(self, filled: Here) -> None:
        refused = filled("done", "--where", "project:home")
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.splitlines()[:2] == ["Found 4 todos.", "  1  todo 1"]
        assert "--yes" in refused.err
        assert len(filled("list").ids) == 5
        assert sorted(filled("done", "--where", "project:home", "--yes").ids) == [1, 2, 3, 4]
        assert filled("list").ids == [5]

    def test_modify_delete_cancel_and_restore(self, filled: Here) -> None:
        assert sorted(filled("modify", "--where", "project:home", "+x", "--yes").ids) == [1, 2, 3, 4]
        assert sorted(filled("delete", "--where", "+x", "--yes").ids) == [1, 2, 3, 4]
        assert sorted(filled("restore", "--where", "+x and not id:1").ids) == [2, 3, 4]
        assert filled("cancel", "--where", "id:5").ids == [5]

    def test_no_match_is_reported(self, filled: Here) -> None:
        result = filled("done", "--where", "todo 9")
        assert (result.code, result.out, result.err) == (0, "", "No todos match.\n")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["done", "1", "--where", "project:home"], "cannot be used together"),
            (["done", "--where", ""], "empty"),
            (["done", "--where", "prjoect:home"], "did you mean 'project:'"),
            (["done"], "no todo given"),
            (["done", "project:work"], "not a todo number or uuid"),
            (["delete", "todo"], "not a todo number or uuid"),
        ],
    )
    def test_a_reference_never_becomes_a_search(self, filled: Here, arguments: list[str], message: str) -> None:
        result = filled(*arguments)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert len(filled("list").ids) == 5


def test_what_was_understood_is_printed(cli: Cli) -> None:
    def shown(*arguments: str) -> str:
        result = at_terminal([sys.executable, "-m", "todo_cli", *arguments], cli.environment)
        return " ".join(re.sub("\x1b\\[[0-9;]*m", "", result.out).split())

    words = "Pay rent due:2030-12-31 project:home.flat +bills priority:high every:month"
    output = "Pay rent · due Tue 31 Dec 2030 · home.flat · #bills · high · every month on the last day"
    assert shown("add", *words.split()) == f"1 {output}"
    assert "next: 2 Pay rent · due Fri 31 Jan 2031 · home.flat" in shown("done", "1")


def test_the_error_in_a_filter_is_marked(todo: Here) -> None:
    result = todo("list", "+work", "is:overdeu")
    assert result.code == 2
    assert result.err.splitlines()[1:3] == ["  +work is:overdeu", "           ^^^^^^^"]
    error = json.loads(todo("list", "is:overdeu", "--json").err)
    assert (error["expression"], error["position"]) == ("is:overdeu", 3)


def test_now_is_not_the_clock(todo: Here) -> None:
    with mock.patch("todo_cli.cli.invocation.Invocation.now", datetime(2026, 2, 1, tzinfo=BERLIN)):
        assert as_json(todo, "add", "a", "due:eom")["due"] == "2026-02-28"
