"""Imports dominate the start of a command; these counts are exact."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

import todo_cli.cli
from tests.conftest import Cli
from todo_cli.cli import app, index

PROGRAM = """
import sys
from todo_cli.cli.main import main
code = main(sys.argv[1:])
print(",".join(sorted(sys.modules)), file=sys.stderr)
"""
BUILT = """
import gc, sys
from todo_cli.cli.main import main
code = main(sys.argv[1:])
from typer.core import TyperCommand
commands = [each for each in gc.get_objects() if isinstance(each, TyperCommand) and "params" in vars(each)]
print(",".join(sorted(each.name for each in commands)), file=sys.stderr)
"""
HEAVY = {"sqlalchemy", "sqlmodel", "pydantic", "alembic", "asyncpg", "aiosqlite", "asyncio", "greenlet"}
FOLDER = Path(todo_cli.cli.__path__[0])
COMMANDS = {
    ".".join(path.relative_to(FOLDER).with_suffix("").parts)
    for path in FOLDER.rglob("*.py")
    if "@command(" in path.read_text("utf-8")
}


def run(program: str, cli: Cli, *arguments: str, **environment: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**cli.environment, **environment},
        capture_output=True,
        text=True,
    )
    return set(result.stderr.splitlines()[-1].split(","))


def imported(cli: Cli, *arguments: str, **environment: str) -> set[str]:
    """Return the modules that a command imports."""
    return run(PROGRAM, cli, *arguments, **environment)


def commands_among(modules: set[str]) -> set[str]:
    """Return those of the modules that contain commands."""
    return COMMANDS & {name.removeprefix("todo_cli.cli.") for name in modules}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["add", "--help"], ["list", "--help"], ["db", "--help"], ["config", "path"], ["lst"]],
    ids=" ".join,
)
def test_commands_without_a_database_import_none(fresh_cli: Cli, arguments: list[str]) -> None:
    assert not imported(fresh_cli, *arguments) & {*HEAVY, "rich"}


def test_version_imports_next_to_nothing(fresh_cli: Cli) -> None:
    found = imported(fresh_cli, "--version")
    assert "typer" not in found
    assert {name for name in found if name.startswith("todo_cli.")} == {
        "todo_cli.cli",
        "todo_cli.cli.main",
        "todo_cli.cli.signals",
        "todo_cli.cli.streams",
        "todo_cli.errors",
        "todo_cli.redaction",
    }


@pytest.mark.parametrize(
    ("arguments", "modules"),
    [
        (["list"], {"commands.lists", "commands.views"}),  # which knows what 'list --view' shows
        (["add", "b"], {"commands.todos"}),
        (["done", "1"], {"commands.states"}),
        (["show", "1"], {"commands.lists", "commands.views"}),
        (["undo"], {"commands.history"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.either_database
def test_only_the_command_and_the_database_in_use_are_imported(
    cli: Cli, dialect: str, arguments: list[str], modules: set[str]
) -> None:
    cli.here("add", "a")
    found = imported(cli, *arguments)
    assert commands_among(found) == modules
    assert "sqlalchemy" in found
    assert ("aiosqlite" in found) == ("sqlalchemy.dialects.sqlite" in found) == (dialect == "sqlite")
    assert ("asyncpg" in found) == ("sqlalchemy.dialects.postgresql" in found) == (dialect == "postgresql")
    assert not found & {"alembic", "rich", "tomlkit"}  # no tables in a pipe


@pytest.mark.parametrize(
    ("arguments", "built"), [(["--help"], ""), (["list", "--help"], "list"), (["config", "path"], "path")]
)
def test_only_the_command_that_is_called_is_built(fresh_cli: Cli, arguments: list[str], built: str) -> None:
    assert run(BUILT, fresh_cli, *arguments) == {built}


def test_the_index_of_commands_matches_the_modules() -> None:
    declared: dict[str, set[str | None]] = {}
    for name in COMMANDS:
        for attribute, value in vars(import_module(f"todo_cli.cli.{name}")).items():
            if isinstance(value, typer.Typer):
                declared[f"{name}:{attribute}"] = {info.name for info in value.registered_commands}
    indexed = {f"{module}:app": set(names) for module, names in index.COMMANDS.items()}
    assert {place: names for place, names in declared.items() if place in indexed} == indexed
    grouped = {place for places in index.GROUPS.values() for place in places}
    assert grouped == declared.keys() - indexed.keys()


def test_all_commands_can_be_built_in_advance() -> None:
    app.build_all()
    commands = [*app.program().commands.values()]
    for command in commands:
        commands.extend(getattr(command, "commands", {}).values())
    assert len(commands) > 50
    assert not [command.name for command in commands if "params" not in vars(command)]


@pytest.mark.parametrize(
    "arguments", [["view", "list"], ["context", "list"], ["config", "list", "theme"]], ids=" ".join
)
def test_commands_on_the_configuration_import_no_database(fresh_cli: Cli, arguments: list[str]) -> None:
    assert not imported(fresh_cli, *arguments) & {*HEAVY, "rich"}


def test_completion_imports_no_database(fresh_cli: Cli) -> None:
    found = imported(fresh_cli, _TODO_COMPLETE_LINE="todo done ")
    assert not found & {*HEAVY, "rich"}
    assert commands_among(found) == {"commands.states"}


def test_json_imports_no_tables(cli: Cli) -> None:
    assert "rich" not in imported(cli, "list", "--json")


def test_garbage_is_collected_after_the_imports(cli: Cli) -> None:
    program = PROGRAM.replace("import sys", "import gc, sys; gc.disable()").replace(
        '",".join(sorted(sys.modules))', "gc.isenabled(), gc.get_freeze_count() > 100_000, sep=','"
    )
    assert run(program, cli, "list") == {"True"}
