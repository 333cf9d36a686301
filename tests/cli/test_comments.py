"""The command `comment`, and the display of comments."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import Cli, Here
from tests.terminal import at_terminal

pytestmark = pytest.mark.either_database


def run(cli: Cli, *arguments: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "todo_cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=cli.environment)


def test_words_become_the_comment(todo: Here) -> None:
    todo("add", "a")
    made = json.loads(todo("comment", "1", "Called", "the landlord", "due:friday", "--json").out)
    assert list(made) == ["todo", "uuid", "author", "text", "created_at"]
    assert (made["todo"], made["author"], made["text"]) == (1, "alex", "Called the landlord due:friday")
    shown = json.loads(todo("show", "1", "--json").out)
    assert list(shown)[-1] == "comments"
    assert shown["comments"] == [{field: made[field] for field in ("uuid", "author", "text", "created_at")}]
    assert "comments" not in json.loads(todo("list", "--json").out)[0]


def test_a_pipe_gets_a_line(todo: Here) -> None:
    todo("add", "a")
    number, moment, author, text = todo("comment", "1", "a\tb\n\x1b[31m").out.rstrip("\n").split("\t")
    assert (number, author, text) == ("1", "alex", r"a\tb\n\x1b[31m")
    assert todo("show", "1").lines[-1].split("\t") == ["comment", moment, author, text]


def test_stdin_is_stored_unchanged(cli: Cli) -> None:
    cli.here("add", "a")
    assert run(cli, "comment", "1", "-", stdin="Zwei\n\tZeilen – ü\n".encode()).returncode == 0
    cli.here("comment", "1", "--", "-")
    shown = json.loads(cli("show", "1", "--json").out)
    assert [comment["text"] for comment in shown["comments"]] == ["Zwei\n\tZeilen – ü", "-"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["comment"], 2, "missing argument 'REF'"),
        (["comment", "1"], 2, "the comment is missing"),
        (["comment", "1", " \n"], 2, "the comment is blank"),
        (["comment", "1,2", "a"], 2, "refers to several todos"),
        (["comment", "1", "\udcff"], 2, "not valid UTF-8"),
        (["comment", "1", "x" * 1_000_001], 2, "1,000,001 characters"),
        (["comment", "x", "a"], 2, "not a todo number or uuid"),
        (["comment", "99", "a"], 3, "there is no todo 99"),
    ],
)
def test_invalid_input_is_refused(todo: Here, arguments: list[str], code: int, message: str) -> None:
    todo("add", "a")
    result = todo(*arguments)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert json.loads(todo("show", "1", "--json").out)["comments"] == []


@pytest.mark.parametrize("stdin", [b"", b"\n", b"\xff"])
def test_invalid_stdin_is_refused(cli: Cli, stdin: bytes) -> None:
    cli.here("add", "a")
    result = run(cli, "comment", "1", "-", stdin=stdin)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"error: ")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_terminal_shows_comments_below_the_todo(cli: Cli) -> None:
    cli.here("add", "a")
    cli.here("comment", "1", "[red]one\x1b[31m\nsecond line")
    result = at_terminal([sys.executable, "-m", "todo_cli", "show", "1"], {**cli.environment, "NO_COLOR": "1"})
    plain = [line.rstrip() for line in result.lines]
    assert plain[-3].endswith(", just now\x1b[0m") or plain[-3] == "  alex, just now"
    assert [line.strip() for line in plain[-2:]] == [r"[red]one\x1b[31m", "second line"]
