"""What the shell completes, and that it never waits for a database."""

from __future__ import annotations

import pytest

from tests.conftest import Cli


def complete(cli: Cli, line: str, **environment: str) -> list[str]:
    """Return what bash would offer for the line, whose last word is being typed."""
    words = line.split(" ")
    result = cli(_TODO_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), **environment)
    return [line for line in result.lines if line]


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli.here("add", "Buy milk", "-p", "home.flat", "-t", "shop")
    cli.here("add", "Pay rent", "-p", "work", "-t", "bills")
    cli.here("add", "Done soon")
    cli.here("done", "3")
    return cli


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
    ],
)
def test_names_and_references(filled: Cli, line: str, offered: list[str]) -> None:
    assert complete(filled, line) == offered


def test_lists_of_names_put_it_right(filled: Cli) -> None:
    filled("project", "rename", "work", "job")
    filled("project", "list")
    assert complete(filled, "todo add x -p ") == ["home.flat", "job"]


def test_each_database_has_its_own(filled: Cli) -> None:
    assert complete(filled, "todo done ", TODO_DATABASE_URL="sqlite:////nowhere/todo.db") == []
    # A server that answers nobody would be waited for, if it were asked.
    assert complete(filled, "todo done ", TODO_DATABASE_URL="postgresql://alex@192.0.2.1/db") == []


@pytest.mark.parametrize("content", ["", "[]", '{"todos": []}', '{"todos": {}, "tags": null}', '{"projects": [1]}'])
def test_a_broken_cache_is_no_trouble(filled: Cli, content: str) -> None:
    for path in filled.home.glob("completion-*.json"):
        path.write_text(content)
    assert complete(filled, "todo done ") == []
    assert filled("add", "again", "-p", "new").code == 0
    assert complete(filled, "todo done ") == ["4"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_can_be_shown(fresh_cli: Cli, shell: str) -> None:
    result = fresh_cli("--show-completion", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1", SHELL=f"/bin/{shell}")
    assert "Traceback" not in result.err
