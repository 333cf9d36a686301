"""The price of a start is what is imported; these counts are exact."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import Cli

PROGRAM = """
import sys
from todo_cli.cli.runtime import main
code = main(sys.argv[1:])
print(",".join(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
HEAVY = {"sqlalchemy", "sqlmodel", "pydantic", "alembic", "asyncpg", "aiosqlite", "asyncio", "greenlet"}


def imported(cli: Cli, *arguments: str, **environment: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**cli.environment, **environment},
        capture_output=True,
        text=True,
    )
    return set(result.stderr.splitlines()[-1].split(","))


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["add", "--help"], ["list", "--help"], ["db", "--help"], ["config", "path"], ["lst"]],
    ids=" ".join,
)
def test_what_needs_no_database_imports_none(fresh_cli: Cli, arguments: list[str]) -> None:
    found = imported(fresh_cli, *arguments)
    # Typer itself takes Pydantic to read options, as soon as there is a command to read them for.
    allowed = set() if arguments in (["--help"], ["--version"]) else {"pydantic"}
    assert not found & (HEAVY - allowed)
    assert "rich" not in found


@pytest.mark.parametrize(
    "arguments", [["view", "list"], ["context", "list"], ["config", "list", "theme"]], ids=" ".join
)
def test_what_stands_in_the_configuration_imports_no_database(fresh_cli: Cli, arguments: list[str]) -> None:
    found = imported(fresh_cli, *arguments)
    assert not found & (HEAVY - {"pydantic"})
    assert "rich" not in found


def test_completion_imports_no_database(fresh_cli: Cli) -> None:
    found = imported(fresh_cli, _TODO_COMPLETE_LINE="todo done ")
    assert not found & (HEAVY - {"pydantic"})
    assert "rich" not in found


def test_each_database_needs_its_own_driver_only(cli: Cli, dialect: str) -> None:
    found = imported(cli, "list")
    assert "sqlalchemy" in found
    assert ("aiosqlite" in found) == (dialect == "sqlite")
    assert ("asyncpg" in found) == (dialect == "postgresql")
    assert "alembic" not in found
    assert "rich" not in found  # to a pipe
    assert "tomlkit" not in found


def test_json_imports_no_tables(cli: Cli) -> None:
    assert "rich" not in imported(cli, "list", "--json")
