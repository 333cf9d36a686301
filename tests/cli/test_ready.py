"""The commands `start`, `stop`, `next` and `blocked`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.cli.test_commands import as_json
from tests.conftest import Cli, Here, Server
from tests.terminal import at_terminal

Depend = Callable[[int, int], None]


@pytest.fixture
def dialect() -> str:
    """Readiness and urgency are tested on both databases with the services."""
    return "sqlite"


@pytest.fixture
def depend(url: str, request: pytest.FixtureRequest) -> Depend:
    """Make the first todo depend on the second."""

    def insert(todo: int, other: int) -> None:
        statement = f"dependencies (todo_id, depends_on_id) VALUES ({todo}, {other})"
        if url.startswith("sqlite"):
            import sqlite3
            from contextlib import closing

            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
                connection.execute(f"INSERT INTO {statement}")
        else:
            server: Server = request.getfixturevalue("server")
            server.execute(f"INSERT INTO todo.{statement}", urlsplit(url).path[1:])

    return insert


class TestStartAndStop:
    def test_start_and_stop(self, todo: Here) -> None:
        todo("add", "a")
        started = as_json(todo, "start", "1")
        assert started["started_at"]
        again = todo("start", "1")
        assert (again.code, again.err) == (0, "1: already in progress\n")
        assert as_json(todo, "show", "1")["started_at"] == started["started_at"]
        assert todo("list", "is:active").ids == [1]
        assert as_json(todo, "stop", "1")["started_at"] is None
        assert todo("stop", "1").err == "1: not in progress\n"
        assert todo("list", "is:active").ids == []
        assert as_json(todo, "show", "1")["version"] == 3

    @pytest.mark.parametrize("close", ["done", "cancel"])
    def test_closing_a_todo_stops_it(self, todo: Here, close: str) -> None:
        todo("add", "a")
        todo("start", "1")
        assert as_json(todo, close, "1")["started_at"] is None
        assert as_json(todo, "reopen", "1")["started_at"] is None

    def test_a_closed_todo_cannot_be_started(self, todo: Here) -> None:
        todo("add", "a")
        todo("add", "b")
        todo("done", "2")
        refused = todo("start", "1-2")
        assert (refused.code, refused.out) == (4, "")
        assert refused.err == "error: todo 2 is done\nhint: run 'todo reopen 2' first\n"
        assert as_json(todo, "show", "1")["started_at"] is None
        assert todo("stop", "2").err == "2: not in progress\n"

    def test_the_next_occurrence_is_not_started(self, todo: Here) -> None:
        todo("add", "a", "due:today", "every:day")
        todo("start", "1")
        assert as_json(todo, "done", "1")["next"] == [2]
        assert as_json(todo, "show", "2")["started_at"] is None

    def test_several_by_an_expression(self, todo: Here) -> None:
        for title in ("a", "b", "c"):
            todo("add", title, "+x" if title != "c" else "+y")
        assert todo("start", "--where", "+x").ids == [1, 2]
        assert todo("stop", "--where", "is:active").ids == [1, 2]
        assert todo("start").code == 2
        assert todo("start", "99").code == 3
        assert todo("start", "a").code == 2


class TestNext:
    @pytest.fixture
    def filled(self, todo: Here, depend: Depend) -> Here:
        for words in (
            "idea",
            "overdue due:2020-01-01",
            "important priority:high",
            "blocked priority:high due:2020-01-01",
            "later scheduled:2090-01-01 priority:high",
            "waits wait:2090-01-01 priority:high",
            "expired until:2020-01-01",
            "done priority:high",
        ):
            todo("add", *words.split())
        todo("done", "8")
        depend(4, 1)
        return todo

    def test_the_most_urgent_ready_todos(self, filled: Here) -> None:
        assert filled("next").ids == [2, 1, 3]  # a todo that blocks others is more urgent
        assert filled("next", "2").ids == [2, 1]
        assert [todo["id"] for todo in as_json(filled, "next", "1")] == [2]
        assert filled("next", "priority:high").ids == [3]
        assert filled("next", "1", "not due:any").ids == [1]
        assert filled("next", "--", "1").ids == []  # text
        assert filled("next", "--per-page", "1", "--page", "2").ids == [1]
        assert filled("list", "is:ready", "--sort=-urgency").ids == [2, 1, 3]
        assert filled("list", "--sort=urgency").ids == [3, 5, 1, 2, 4]

    def test_finishing_a_dependency_makes_a_todo_ready(self, filled: Here) -> None:
        assert filled("blocked").ids == [4]
        assert as_json(filled, "blocked")[0]["depends"] == [1]
        filled("done", "1")
        assert filled("blocked").ids == []
        assert filled("next").ids == [4, 2, 3]

    def test_urgency_in_json_is_rounded_and_matches_the_order(self, filled: Here) -> None:
        todos = as_json(filled, "list", "--sort=-urgency")
        urgencies = [todo["urgency"] for todo in todos]
        assert urgencies == sorted(urgencies, reverse=True)
        assert all(urgency == round(urgency, 2) for urgency in urgencies)
        by_number = {todo["id"]: todo["urgency"] for todo in todos}
        assert by_number == {1: 8.0, 2: 12.0, 3: 6.0, 4: 13.0, 5: 6.0}
        assert as_json(filled, "show", "8")["urgency"] == 0
        assert as_json(filled, "start", "3")["urgency"] == 10.0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["0"], "from 1 to 1,000,000, not 0"),
            (["9" * 5000], "from 1 to 1,000,000"),
            (["3", "--per-page", "3"], "cannot be used together"),
            (["3", "--all"], "cannot be used together"),
            (["prjoect:home"], "did you mean 'project:'"),
        ],
    )
    def test_invalid_arguments_are_refused(self, todo: Here, arguments: list[str], message: str) -> None:
        result = todo("next", *arguments)
        assert (result.code, result.out) == (2, "")
        assert message in result.err


class TestTerminal:
    def show(self, cli: Cli, *arguments: str, width: int = 80) -> list[str]:
        result = at_terminal([sys.executable, "-m", "todo_cli", *arguments], cli.environment, width=width)
        return [line.rstrip() for line in re.sub("\x1b\\[[0-9;]*m", "", result.out).splitlines()]

    @pytest.fixture
    def filled(self, cli: Cli, depend: Depend) -> Cli:
        cli.here("add", "Pay rent", "-d", "2020-01-01", "--priority", "high", "-p", "home", "-t", "bills")
        cli.here("add", "Order wood")
        cli.here("add", "Build a shelf")
        cli.here("add", "Fill the shelf")
        cli.here("start", "1-2")
        for one, other in ((3, 2), (4, 3), (4, 2)):
            depend(one, other)
        return cli

    def test_next_shows_urgency_and_todos_in_progress(self, filled: Cli) -> None:
        head, first, second, last = self.show(filled, "next")
        assert head.split() == ["id", "title", "project", "tags", "due", "urgency"]
        assert first.split()[:4] == ["1", "▶!!!", "Pay", "rent"]
        assert (first.split()[-1], second.split()) == ("23.8", ["2", "▶", "Order", "wood", "12.0"])
        assert last == "1–2 of 2"
        assert self.show(filled, "list", "--sort=-urgency")[0].split()[-1] == "urgency"
        assert self.show(filled, "list")[0].split()[-1] == "due"

    def test_blocked_shows_the_blocking_todos(self, filled: Cli) -> None:
        lines = self.show(filled, "blocked")
        assert lines == [
            "id  title                 waits for",
            " 3  Build a shelf         2",
            " 4  Fill the shelf        2, 3",
            "1–2 of 2",
        ]

    def test_show_explains_urgency(self, filled: Cli) -> None:
        lines = self.show(filled, "show", "1")
        start = next(number for number, line in enumerate(lines) if "urgency" in line)
        assert [line[12:] for line in lines[start:]] == [
            "23.8",
            "due            1.00 ×  12.0 =  12.0",
            "priority.high  1.00 ×   6.0 =   6.0",
            "active         1.00 ×   4.0 =   4.0",
            "tags           0.80 ×   1.0 =   0.8",
            "projects       1.00 ×   1.0 =   1.0",
        ]
        assert any("▶ since" in line for line in lines)
        filled.here("done", "1")
        assert not any("urgency" in line or "▶" in line for line in self.show(filled, "show", "1"))

    def test_messages_for_empty_lists(self, cli: Cli) -> None:
        assert self.show(cli, "next") == ["Nothing is ready."]
        assert self.show(cli, "next", "milk") == ["No todos match."]
        assert self.show(cli, "blocked") == ["Nothing is blocked."]

    def test_starting_is_echoed(self, filled: Cli) -> None:
        filled.here("stop", "1")
        assert self.show(filled, "start", "1")[0].startswith("1 Pay rent · ▶ started · due")

    @pytest.mark.parametrize("width", [20, 40, 200])
    def test_no_line_is_wider_than_the_terminal(self, filled: Cli, width: int) -> None:
        for arguments in (["next"], ["blocked"], ["show", "1"]):
            assert all(len(line) <= width for line in self.show(filled, *arguments, width=width)), arguments
