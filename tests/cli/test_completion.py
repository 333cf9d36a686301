"""Shell completion, which never waits for a database."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from unittest import mock

import pytest

from tests.conftest import Cli, Here
from tests.shells import require
from todo_cli.cli.completion import typer_scripts
from todo_cli.cli.completion.answers import split_line
from todo_cli.cli.completion.scripts import SHELLS
from todo_cli.cli.main import main


def complete(cli: Cli, line: str, **environment: str) -> list[str]:
    """Return the candidates for the end of the line, without descriptions."""
    answer = io.TextIOWrapper(io.BytesIO())
    environment = {**cli.environment, **environment, "_TODO_COMPLETE_LINE": line}
    with mock.patch.dict(os.environ, environment, clear=True), redirect_stdout(answer):
        assert main([]) == 0
    answer.seek(0)
    return [line.partition("\t")[0] for line in answer.read().splitlines()]


@pytest.fixture
def filled(fresh_cli: Cli) -> Cli:
    fresh_cli.here("add", "Buy milk", "-p", "home.flat", "-t", "shop")
    fresh_cli.here("add", "Pay rent", "-p", "work", "-t", "bills")
    fresh_cli.here("add", "Done soon")
    fresh_cli.here("done", "3")
    return fresh_cli


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("todo add x -p ", ["home.flat", "work"]),
        ("todo list -p h", ["home.flat"]),
        ("todo add x --tag ", ["bills", "shop"]),
        ("todo modify 1 --untag s", ["shop"]),
        ("todo done ", ["1", "2"]),
        ("todo show 1,", ["1,1", "1,2"]),
        ("todo project rename w", ["work"]),
        ("todo tag delete ", ["bills", "shop"]),
        ("todo add x --priority m", ["medium"]),
        ("todo list --status c", ["cancelled"]),
        ("todo tra", ["trash"]),
        ("todo config get p", ["per_page"]),
        ("todo add x --priority=m", ["medium"]),
        ("todo add 'it is' \"so -p \" -p 'h", ["home.flat"]),
        ("todo --database x --user y tra", ["trash"]),
        ("todo project re", ["rename"]),
        ("todo --show-completion z", ["zsh"]),
        ("todo --version db st", ["status"]),
        ("todo lst ", []),
        ("todo done -- ", ["1", "2"]),
        ("todo", []),
    ],
)
def test_names_and_references(filled: Cli, line: str, offered: list[str]) -> None:
    assert complete(filled, line) == offered


def test_lists_of_names_update_the_cache(filled: Cli) -> None:
    filled.here("project", "rename", "work", "job")
    filled.here("project", "list")
    assert complete(filled, "todo add x -p ") == ["home.flat", "job"]


def test_each_database_has_its_own_candidates(filled: Cli) -> None:
    assert complete(filled, "todo done ", TODO_DATABASE_URL="sqlite:////nowhere/todo.db") == []
    # If completion contacted this silent server, it would wait.
    assert complete(filled, "todo done ", TODO_DATABASE_URL="postgresql://alex@192.0.2.1/db") == []


def test_options_on_the_line_select_the_database_and_user(filled: Cli) -> None:
    filled.here("--user", "sam", "--database", f"sqlite:///{filled.home}/other.db", "db", "init")
    options = f"--user sam --database sqlite:///{filled.home}/other.db"
    filled.here(*options.split(), "add", "x", "-p", "other")
    assert complete(filled, f"todo {options} list -p ") == ["other"]
    assert complete(filled, f"todo list {options} -p ") == ["other"]
    assert complete(filled, "todo list -p ") == ["home.flat", "work"]


@pytest.mark.parametrize(
    "content", ["", "[" * 100_000, "[]", '{"todos": []}', '{"todos": {}, "tags": null}', '{"projects": [1]}']
)
def test_a_broken_cache_is_ignored(filled: Cli, content: str) -> None:
    for path in filled.home.glob("completion-*.json"):
        path.write_text(content)
    assert complete(filled, "todo done ") == []
    filled.here("add", "again", "-p", "new")
    assert complete(filled, "todo done ") == ["4"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = Here(capsys)("--show-completion", shell)
    assert (result.code, result.err) == (0, "")
    assert "_TODO_COMPLETE_LINE" in result.out
    assert "eval " not in re.sub("#.*", "", result.out)


def test_the_shell_is_detected(fresh_cli: Cli) -> None:
    """The shell that runs the program, else the login shell."""
    command = f"{sys.executable} -m todo_cli --show-completion; true"
    for shell in ("bash", "zsh"):
        require(shell)
        result = subprocess.run(
            [shell, "-c", command], env={**fresh_cli.environment, "SHELL": "/bin/fish"}, capture_output=True, text=True
        )
        assert f"for {shell}" in result.stdout.splitlines()[0] + result.stdout.splitlines()[1]


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    todo = Here(capsys)
    result = todo("--show-completion", "tcsh")
    assert (result.code, result.err.splitlines()[0]) == (2, "error: there is no completion script for 'tcsh'")
    assert todo("--install-completion", "tcsh").code == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("todo done ", ["todo", "done", ""]),
        ("todo  done\t1", ["todo", "done", "1"]),
        ("a 'b c' \"d 'e\" f'g'", ["a", "b c", "d 'e", "fg"]),
        (r"a b\ c \'d \\", ["a", "b c", "'d", "\\"]),
        (r"""a 'b\' "c\"\$\d" """, ["a", "b\\", 'c"$\\d', ""]),
        ("a 'open quote ", ["a", "open quote "]),
        ("a '' \"", ["a", "", ""]),
        ("a $(touch x) `y`", ["a", "$(touch", "x)", "`y`"]),
        ("", [""]),
    ],
)
def test_a_line_is_split_as_in_a_shell(line: str, words: list[str]) -> None:
    assert split_line(line) == words


HOSTILE = [
    ("1", "$(touch pwned)"),
    ("home.flat", ""),
    ("--all", "x"),
    ("$(touch pwned)", ""),
    ("a'b", ""),
    ("*", ""),
    ("a b", ""),
]


@pytest.mark.parametrize(
    ("shell", "printed"),
    [
        ("bash", "1\nhome.flat\n--all\n"),
        ("fish", "1\nhome.flat\n--all\n"),
        ("powershell", "1::: \nhome.flat::: \n--all::: \n"),
        ("pwsh", "1::: \nhome.flat::: \n--all::: \n"),
    ],
)
def test_old_typer_scripts_get_only_harmless_words(shell: str, printed: str) -> None:
    assert typer_scripts.answer({"_TODO_COMPLETE": f"complete_{shell}"}, lambda _: HOSTILE) == printed


def test_the_old_typer_script_for_zsh_is_asked_to_update() -> None:
    """That script evaluates all output."""
    answer = typer_scripts.answer({"_TODO_COMPLETE": "complete_zsh"}, lambda _: HOSTILE)
    assert answer == (
        "compadd -x 'this completion script is outdated; replace it with: todo --install-completion'; "
        "_arguments '*: :(1 home.flat --all)'\n"
    )


def test_other_typer_instructions_do_nothing() -> None:
    assert typer_scripts.answer({"_TODO_COMPLETE": "source_zsh"}, lambda _: HOSTILE) == ""
    assert typer_scripts.answer({"_TODO_COMPLETE": ""}, lambda _: HOSTILE) is None


def test_names_that_cannot_be_typed_as_shown_are_not_offered(filled: Cli) -> None:
    (cache,) = filled.home.glob("completion-*.json")
    names = ["plain", "\x1b[31mred", "a\nb", "a\tb", "\u202eabc", ""]
    cache.write_text(json.dumps({"todos": {"1": "\x1b[31m\ttitle\n2"}, "projects": names, "tags": []}))
    assert complete(filled, "todo list -p ") == ["plain"]
    assert complete(filled, "todo done ") == ["1"]
