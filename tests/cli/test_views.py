"""Built-in views, saved views, and columns."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BERLIN, Cli, Here
from tests.terminal import on_screen

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=BERLIN)  # a Wednesday


@pytest.fixture
def dialect() -> str:
    """Views do not depend on the database; docs/views-and-contexts.md and the services are tested on both."""
    return "sqlite"


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo_cli.cli.invocation.Invocation.now", NOW)


@pytest.fixture
def filled(todo: Here) -> Here:
    for words in (
        "1 due yesterday due:yesterday project:home +phone",
        "2 due this morning due:'2026-11-25 09:00' project:home",
        "3 due today due:today",
        "4 due this evening due:18:00 priority:high",
        "5 scheduled today scheduled:today project:work",
        "6 scheduled last week, due next year scheduled:-7d due:2027-03-01 project:work",
        "7 due tomorrow and scheduled today due:tomorrow scheduled:today project:home",
        "8 due in a week due:7d",
        "9 waiting due:today wait:friday",
        "10 waits longer wait:30d project:home",
        "11 done due:today",
        "12 no dates",
        "13 expired due:today until:2026-11-25",
    ):
        assert todo("add", words).code == 0
    todo("done", "11")
    return todo


def ids(todo: Here, *arguments: str) -> list[int]:
    result = todo(*arguments)
    assert result.code == 0, result
    assert [each["id"] for each in json.loads(todo(*arguments, "--json").out)] == result.ids
    return result.ids


def refused(todo: Here, *arguments: str, code: int = 2) -> str:
    result = todo(*arguments)
    assert (result.code, result.out) == (code, "")
    return result.err


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["today"], [1, 2, 4, 3, 13, 7, 6, 5]),
        (["today", "project:home"], [1, 2, 7]),
        (["today", "--sort", "-id", "--per-page", "2"], [13, 7]),
        (["today", "not", "is:overdue", "--reverse"], [6, 7, 3, 13, 4, 5]),
        (["inbox"], [4, 3, 13, 8, 12]),
        (["inbox", "no:due"], [12]),
        (["waiting"], [9, 10]),
        (["waiting", "--sort", "-wait"], [10, 9]),
        (["completed"], [11]),
        (["completed", "--since", "today"], [11]),
        (["completed", "--since", "tomorrow"], []),
        (["completed", "due:none"], []),
        (["agenda"], [1, 2, 4, 3, 13, 5, 6, 7]),
        (["agenda", "--days", "8"], [1, 2, 4, 3, 13, 5, 6, 7, 8]),
        (["agenda", "--days", "1"], [1, 2, 4, 3, 13, 5, 6, 7]),
        (["agenda", "+phone"], [1]),
        (["agenda", "status:all"], [1, 2, 4, 3, 9, 13, 5, 6, 7]),
        (["agenda", "nothing", "like", "it"], []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else "",
)
def test_built_in_views(filled: Here, arguments: list[str], found: list[int]) -> None:
    assert ids(filled, *arguments) == found


def test_completed_todos_are_sorted_newest_first(filled: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo_cli.cli.invocation.Invocation.now", NOW.replace(hour=15))
    filled("done", "12,3")
    assert ids(filled, "completed")[-1] == 11
    assert ids(filled, "completed", "--since", "2026-11-25 14:00") == ids(filled, "completed")
    assert ids(filled, "completed", "--since", "2026-11-25 14:45") == [3, 12]


def test_invalid_options_are_refused(todo: Here) -> None:
    assert "tomorrow" in refused(todo, "completed", "--since", "tomorow")
    assert "days" in refused(todo, "agenda", "--days", "0")
    assert "did you mean 'title'?" in refused(todo, "list", "--columns", "id,titel")
    assert "twice" in refused(todo, "list", "--columns", "id,ID")
    assert "is not a valid column" in refused(todo, "today", "--columns", "")


class TestColumns:
    def test_a_pipe_gets_these_fields(self, filled: Here) -> None:
        filled("modify", "1", "+a", "every:week", "description:one\ntwo")
        [line] = filled(
            "list", "id:1", "--columns", "Title, tags,every,due,description,priority,status,scheduled"
        ).lines
        assert line.split("\t") == [
            "1 due yesterday", "a,phone", "every week on Tuesday", "2026-11-24", r"one\ntwo", "", "open", "",
        ]  # fmt: skip

    def test_each_column_equals_the_json_field(self, filled: Here) -> None:
        filled("modify", "7", "until:2027-01-01", "wait:-1d", "+a", "every:week", "description:text")
        filled("done", "11")
        names = "id,title,project,tags,due,scheduled,wait,until,every,recurrence,priority,status"
        names += ",created,updated,completed,description,uuid"
        for number in ("7", "11"):
            [line] = filled("list", f"id:{number}", "--columns", names).lines
            [whole] = json.loads(filled("list", f"id:{number}", "--columns", "id", "--json").out)
            fields = [whole.get(name, whole.get(f"{name}_at")) for name in names.split(",")]
            expected = [
                "" if each is None else ",".join(each) if isinstance(each, list) else str(each) for each in fields
            ]
            assert line.split("\t") == expected


class TestSavedViews:
    def test_a_view_is_a_filter_a_sort_and_columns(self, filled: Here) -> None:
        assert filled("view", "save", "Home", "project:home", "--sort", "-id", "--columns", "id,title").code == 0
        assert ids(filled, "list", "--view", "home") == [7, 2, 1]
        assert filled("list", "--view", "home").lines[-1] == "1\t1 due yesterday"
        assert ids(filled, "list", "--view", "home", "+phone", "or", "tomorrow") == [7, 1]
        assert ids(filled, "list", "--view", "home", "--sort", "id", "--tag", "phone") == [1]
        assert filled("list", "--view", "home", "--columns", "id").out == "7\n2\n1\n"

    def test_a_view_may_include_hidden_todos(self, filled: Here) -> None:
        filled("view", "save", "old", "status:done")
        assert ids(filled, "list", "--view", "old") == [11]

    def test_dates_are_relative_to_the_day_of_use(self, filled: Here, monkeypatch: pytest.MonkeyPatch) -> None:
        filled("view", "save", "now", "due:tomorrow")
        assert ids(filled, "list", "--view", "now") == [7]
        monkeypatch.setattr("todo_cli.cli.invocation.Invocation.now", NOW.replace(day=24))
        assert ids(filled, "list", "--view", "now") == [2, 4, 3, 13]

    def test_list_show_delete(self, todo: Here) -> None:
        todo("view", "save", "b", "+x")
        todo("view", "save", "a", "--sort", "-due", "--columns", "id,due")
        assert json.loads(todo("view", "list", "--json").out) == [
            {"name": "a", "filter": None, "sort": "-due", "columns": ["id", "due"]},
            {"name": "b", "filter": "+x", "sort": None, "columns": []},
        ]
        assert todo("view", "list").lines == ["a\t\t-due\tid,due", "b\t+x\t\t"]
        assert json.loads(todo("view", "show", "A", "--json").out)["sort"] == "-due"
        assert todo("view", "delete", "a").out == "a\n"
        assert "views: b" in refused(todo, "view", "show", "a", code=3)
        assert "no view 'a'" in refused(todo, "list", "--view", "a", code=3)
        assert "no view 'a'" in refused(todo, "view", "delete", "a", code=3)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["today", "+x"], "'todo today' is a command"),
            (["Agenda", "+x"], "is a command"),
            (["view", "+x"], "is a command"),
            (["ls", "+x"], "is a command"),
            (["a b", "+x"], "did you mean 'a-b'?"),
            (["a.b", "+x"], "is not a valid view name"),
            (["a", "duee:today"], "did you mean 'due:'?"),
            (["a", "+x", "--sort", "du"], "did you mean 'due'?"),
            (["a", "+x", "--columns", "x"], "is not a valid column"),
            (["a"], "needs a filter"),
        ],
    )
    def test_an_invalid_view_is_not_saved(self, todo: Here, tmp_path: Path, arguments: list[str], message: str) -> None:
        assert message in refused(todo, "view", "save", *arguments)
        assert not (tmp_path / "home" / "config.toml").exists()

    def test_an_existing_view_is_replaced_only_with_force(self, todo: Here) -> None:
        todo("view", "save", "Bills", "+bills", "--sort", "due")
        assert todo("view", "save", "Bills", "+bills", "--sort", "due").code == 0  # it is so already
        assert "'Bills' already" in refused(todo, "view", "save", "bills", "+money", code=4)
        assert json.loads(todo("view", "show", "bills", "--json").out)["filter"] == "+bills"
        assert todo("view", "save", "bills", "+money", "--force").code == 0
        assert json.loads(todo("view", "list", "--json").out) == [
            {"name": "Bills", "filter": "+money", "sort": None, "columns": []}
        ]

    @pytest.mark.parametrize("key", ["filter = 'due:nope'", "sort = 'x'", "columns = ['x']"])
    def test_an_error_in_the_file_names_its_place(self, todo: Here, tmp_path: Path, key: str) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "config.toml").write_text(f"[views.mine]\n{key}\n")
        assert "in the view 'mine': " in refused(todo, "list", "--view", "mine")
        assert todo("list").code == 0


class TestAtATerminal:
    @pytest.fixture
    def shown(self, todo: Here) -> Here:
        todo("add", "late", "due:-3d", "priority:high", "project:work", "+a")
        todo("add", "recurs", "due:2d", "every:week")
        todo("add", "begins", "scheduled:1d", "due:30d")
        todo("add", "a sentence of several words that are all short " * 4, "due:3d", "project:some.project")
        todo("add", "\x1b[31m[bold]evil", "due:today")
        return todo

    @pytest.mark.parametrize("width", [20, 40, 80, 200])
    def test_the_agenda(self, shown: Here, width: int) -> None:
        lines = on_screen("agenda", width=width)
        assert all(len(line) <= width for line in lines)
        assert [re.sub(r"\W+$", "", line) for line in lines if "─" in line][:1] == ["Overdue"]
        assert re.search(r"3 days +1 +!!! +la", lines[1])
        assert lines[-1] == "5 todos"
        assert sum("nothing" in line for line in lines) == 1  # three days that follow on each other
        if width >= 40:
            heads = [line.split(" ─")[0] for line in lines if "─" in line]
            assert heads == ["Overdue", "Today · Wed 25 Nov", "Tomorrow · Thu 26 Nov", "Fri 27 Nov", "Sat 28 Nov"]
            assert any(r"\x1b[31m[bold]evil" in line for line in lines)
            assert any("recurs ↻" in line for line in lines)

    def test_an_empty_agenda(self, todo: Here) -> None:
        assert on_screen("agenda") == ["Nothing to do in the next 7 days."]
        assert on_screen("today") == ["Nothing to do today."]
        assert on_screen("inbox") == ["Every todo has a project."]
        assert on_screen("waiting") == ["Nothing is waiting."]
        assert on_screen("completed") == ["No completed todos."]

    def test_chosen_columns_are_shown_in_order(self, shown: Here) -> None:
        lines = on_screen("list", "id:1,3", "--columns", "project,id,title,wait,scheduled,every,priority", width=120)
        assert lines[0].split() == ["project", "id", "title", "wait", "scheduled", "every", "priority"]
        assert lines[1].split() == ["work", "1", "late", "high"]

    def test_waiting_and_completed_show_their_dates(self, shown: Here) -> None:
        shown("modify", "1", "wait:2d")
        assert on_screen("waiting")[0].split()[-1] == "wait"
        shown("done", "3")
        assert on_screen("completed")[0].split()[-1] == "completed"


def test_the_shell_completes_views(cli: Cli) -> None:
    from tests.cli.test_completion import complete

    cli.here("view", "save", "bills", "+bills")
    assert complete(cli, "todo list --view b") == ["bills"]
    (cli.home / "config.toml").write_text("x =")
    assert complete(cli, "todo list --view b") == []


def test_json_has_complete_todos(filled: Here) -> None:
    whole: list[Any] = json.loads(filled("agenda", "--json").out)
    assert {**whole[0], "comments": []} == json.loads(filled("show", "1", "--json").out)
