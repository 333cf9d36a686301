"""Output on a terminal, in a pipe and as JSON: the same rows, none of which can control the terminal."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timedelta

import pytest

from tests.cli.test_commands import KEYS
from tests.conftest import BERLIN, Cli, Result
from tests.terminal import at_terminal

pytestmark = pytest.mark.either_database

EVIL = "\x1b[31mred\x1b]0;owned\x07 \x9b2J \u202etxet\u202c [bold]not[/bold] \t|\n|\r| back\\slash"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def show(cli: Cli, *arguments: str, width: int = 80, height: int = 24, **environment: str) -> Result:
    command = [sys.executable, "-m", "todo_cli", *arguments]
    return at_terminal(command, {**cli.environment, **environment}, width=width, height=height)


def plain(text: str) -> str:
    return COLOUR.sub("", text)


@pytest.fixture
def filled(cli: Cli) -> Cli:
    today = datetime.now(BERLIN).date()
    cli.here(
        "add", "Pay rent", "-p", "home.flat", "-t", "bills", "-d", str(today - timedelta(days=2)), "--priority", "high"
    )
    cli.here("add", "Call mum", "-d", "tomorrow")
    cli.here("add", EVIL)
    cli.here("add", "Water the plants", "--priority", "low")
    cli.here("done", "4")
    return cli


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # the look of a table does not depend on the database
class TestTerminal:
    def test_a_list(self, filled: Cli) -> None:
        lines = [line.rstrip() for line in plain(show(filled, "list", width=120).out).splitlines()]
        assert lines[0].split() == ["id", "title", "project", "tags", "due"]
        assert lines[1].split() == ["1", "!!!", "Pay", "rent", "home.flat", "#bills", "2", "days", "overdue"]
        assert lines[2].split() == ["2", "Call", "mum", "tomorrow"]
        assert lines[-1] == "1–3 of 3"

    def test_empty_columns_are_omitted(self, filled: Cli) -> None:
        lines = plain(show(filled, "list", "Call").out).splitlines()
        assert lines[0].split() == ["id", "title", "due"]

    def test_pages_fit_the_height_and_have_a_footer(self, filled: Cli) -> None:
        for number in range(8):
            filled.here("add", f"todo {number}")
        lines = plain(show(filled, "list", "todo", height=9).out).splitlines()
        assert lines[-1].rstrip() == "1–5 of 8 · page 1 of 2"
        lines = plain(show(filled, "list", "todo", "--page", "2", height=9).out).splitlines()
        assert lines[-1].rstrip() == "6–8 of 8 · page 2 of 2"
        filled.here("config", "set", "per_page", "3")
        assert "1–3 of 8 · page 1 of 3" in plain(show(filled, "list", "todo", height=9).out)
        assert plain(show(filled, "list", "todo", "--all", height=9).out).splitlines()[-1].rstrip() == "8 todos"

    def test_long_titles_do_not_make_a_page_scroll(self, cli: Cli) -> None:
        for number in range(8):
            cli.here("add", f"{number} " + "a long title " * 8, "-p", "home", "-t", "one", "-t", "two")
        lines = plain(show(cli, "list", height=9).out).splitlines()
        assert len(lines) == 7
        assert lines[-1].rstrip() == "1–5 of 8 · page 1 of 2"
        assert all("…" in line for line in lines[1:-1])
        whole = plain(show(cli, "list", "--all", height=9).out)  # scrolls, because of --all
        assert "…" not in whole
        whole = plain(show(cli, "list", height=60).out)  # has room
        assert "…" not in whole

    @pytest.mark.parametrize("width", [20, 40, 80, 200])
    def test_no_line_is_wider_than_the_terminal(self, filled: Cli, width: int) -> None:
        filled.here(
            "add", "a sentence of several words that are all short " * 3, "-p", "some.project", "-t", "one", "-t", "two"
        )
        for arguments in (["list"], ["show", "1,3,5"], ["project", "list"], ["tag", "list"], ["config", "list"]):
            for line in plain(show(filled, *arguments, width=width, height=50).out).splitlines():
                assert len(line) <= width, arguments

    def test_words_that_fit_are_not_broken(self, filled: Cli) -> None:
        filled.here(
            "add", "a sentence of several words that are all short " * 3, "-p", "work", "-t", "one", "-d", "today"
        )
        text = plain(show(filled, "list", "sentence", width=80).out)
        for word in ("sentence", "several", "words", "short", "work", "#one", "today"):
            assert word in text

    def test_an_empty_list_says_how_to_add_a_todo(self, cli: Cli) -> None:
        assert show(cli).out == "Nothing to do. Add a todo: todo add Buy milk\n"
        assert show(cli, "list", "x").out == "No todos match.\n"
        assert show(cli, "trash", "list").out == "The trash is empty.\n"

    def test_colour_can_be_turned_off(self, filled: Cli) -> None:
        assert COLOUR.search(show(filled, "list").out)
        assert "\x1b" not in show(filled, "list", TERM="dumb").out
        import os

        assert "NO_COLOR" not in os.environ

    def test_add_prints_what_it_understood(self, cli: Cli) -> None:
        arguments = ["add", "Pay", "rent", "-d", "2030-12-24 18:00", "-p", "home", "-t", "bills", "--priority", "high"]
        assert plain(show(cli, *arguments).out) == "1 Pay rent · due Tue 24 Dec 2030 18:00 · home · #bills · high\n"
        assert plain(show(cli, "done", "1").out).startswith("1 Pay rent · done · due")

    def test_details(self, filled: Cli) -> None:
        filled.here("modify", "1", "--description", "first line\nsecond \x1b[1mline")
        text = plain(show(filled, "show", "1").out)
        for expected in ("1 Pay rent", "open", "high", "home.flat", "#bills", "2 days overdue", "version 2"):
            assert expected in text
        assert [line.rstrip() for line in text.splitlines()[-2:]] == ["  first line", r"  second \x1b[1mline"]


def test_no_colour(filled: Cli) -> None:
    from tests.terminal import at_terminal as run

    command = ["env", "NO_COLOR=1", sys.executable, "-m", "todo_cli", "list"]
    text = run(command, filled.environment).out
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)  # attributes such as bold may stay, colours may not


class TestEscaping:
    def test_on_a_terminal(self, filled: Cli) -> None:
        for arguments in (["list"], ["show", "3"], ["done", "3"], ["delete", "3"], ["trash", "list"]):
            text = COLOUR.sub("", show(filled, *arguments, width=200).out)
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), arguments
            assert "[bold]not[/bold]" in text
            assert r"\x1b[31mred\x1b]0;owned\x07 \x9b2J \u202etxet" in text

    def test_in_a_pipe(self, filled: Cli) -> None:
        for arguments in (["list", "back"], ["done", "3"]):
            result = filled(*arguments)
            assert len(result.lines) == 1
            assert result.out.count("\t") == 6
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", result.out)
            assert result.out.rstrip("\n").endswith(r"\t|\n|\r| back\\slash")

    def test_details_in_a_pipe(self, filled: Cli) -> None:
        filled.here("modify", "1", "--description", "one\ntwo")
        lines = [line.split("\t") for line in filled("show", "1").lines]
        assert [line[0] for line in lines] == KEYS
        assert dict(lines)["description"] == r"one\ntwo"
        assert dict(lines)["tags"] == "bills"
        assert len(filled("show", "1-2").lines) == 2 * len(KEYS) + 1

    def test_in_messages(self, cli: Cli) -> None:
        result = cli("list", "-p", "a\x1b[31mb")
        assert "\x1b" not in result.err
        assert "\x1b" not in cli("\x1b[31m").err

    def test_in_json_on_a_terminal(self, filled: Cli) -> None:
        """Output and errors are harmless and still exact."""
        hostile = f"\u2066{EVIL}\x7f\u2028\u200f"
        filled.here("add", "--", hostile)
        listed = show(filled, "list", "--json").out
        assert hostile in [todo["title"] for todo in json.loads(listed)]
        refused = (
            show(filled, "list", "--json", "--", "x", "--sort", "no").out
            + show(filled, "list", "--json", f"due:{hostile}").out
        )
        for written in (listed, refused):
            assert not re.search(
                "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]", written
            )
        assert '"error": "' in refused
        assert r"\u009b" in listed

    def test_json_is_exact(self, filled: Cli) -> None:
        out = filled("show", "3", "--json").out
        assert json.loads(out)["title"] == EVIL
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", out)


@pytest.mark.parametrize(
    "filters", [[], ["--status", "all"], ["Pay"], ["--overdue"], ["--sort", "-id", "--status", "all"]]
)
def test_table_pipe_and_json_show_the_same_rows(filled: Cli, filters: list[str]) -> None:
    piped = filled("list", *filters).ids
    assert [item["id"] for item in json.loads(filled("list", "--json", *filters).out)] == piped
    text = plain(show(filled, "list", "--all", *filters, width=200).out)
    assert [int(number) for number in re.findall(r"^ *(\d+) ", text, re.MULTILINE)][: len(piped)] == piped


def test_a_pipe_gets_all_rows_unless_given_a_page(cli: Cli) -> None:
    for number in range(3):
        cli.here("add", f"todo {number}")
    cli.here("config", "set", "per_page", "2")
    assert len(cli("list").lines) == 3
    assert len(json.loads(cli("list", "--json").out)) == 3
    assert len(cli("list", "--page", "1").lines) == 2
    assert len(json.loads(cli("list", "--json", "--per-page", "1").out)) == 1


def test_output_in_an_ascii_locale(cli: Cli) -> None:
    result = cli("add", "Éclair 🥐", LC_ALL="POSIX", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert result.code == 0
    assert cli("list").out.endswith("Éclair 🥐\n")
