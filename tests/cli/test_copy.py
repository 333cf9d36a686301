"""`todo db copy` as it is used: which databases and users, what is said, and what a kill leaves."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import NOW, Cli, Server
from tests.services.test_copying import add_many
from tests.terminal import at_terminal
from tests.waits import HANGING
from todo_cli.db.connection.target import parse_target
from todo_cli.db.database import Database

COMMAND = [sys.executable, "-m", "todo_cli"]
MANY = 4000


@pytest.fixture
def filled(fresh_cli: Cli) -> Cli:
    """A new machine with a list in the embedded file: 1 and 2, one of them in the trash; 3 was removed for good."""
    fresh_cli.here("--user", "alex", "add", "Pay rent", "-p", "home", "-t", "bills", "-t", "urgent")
    for command in (
        ["add", "Buy milk", "-p", "home"],
        ["add", "gone"],
        ["delete", "3"],
        ["trash", "empty", "--yes"],
        ["delete", "2"],
    ):
        fresh_cli.here(*command)
    return fresh_cli


@pytest.fixture
def shared(server: Server) -> str:
    """A server's database with the tables and one user, `alex`."""
    return server.fresh("shared")


def test_a_list_moves_to_a_server_and_back(filled: Cli, shared: str, tmp_path: Path) -> None:
    filled.here("db", "connect", shared)
    copied = filled("db", "copy", "--from", "embedded")
    assert (copied.code, copied.out) == (0, "")
    file = filled.home / "todo.db"
    assert copied.err == f"Copied 2 todos, 1 project and 2 tags from {file} to {parse_target(shared)}.\n"
    assert filled("list").lines == ["1\topen\t\t\thome\tbills,urgent\tPay rent"]
    assert filled("trash", "list").ids == [2]
    assert filled("add", "next").ids == [4]
    again = filled("db", "copy", "--from", "embedded")
    assert (again.code, again.out) == (0, "")
    assert again.err.startswith("Nothing new to copy from ")
    assert again.err.endswith("; 2 todos already existed.\n")
    back = filled("db", "copy", "--to", "embedded")
    way = f"from {parse_target(shared)} to {file}"
    assert back.err == f"Copied 1 todo, 0 projects and 0 tags {way}; 2 already existed.\n"
    new = filled("db", "copy", "--to", f"sqlite:///{tmp_path / 'new.db'}", "--to-user", "sam")
    assert f"Created a new list in {tmp_path / 'new.db'}." in new.err
    assert "Copied 3 todos, " in new.err
    assert filled("--database", f"sqlite:///{tmp_path / 'new.db'}", "--user", "sam", "list").ids == [1, 4]


def test_json_is_one_object(filled: Cli, shared: str) -> None:
    filled.here("--database", shared, "add", "other")
    result = filled("db", "copy", "--to", shared, "--renumber", "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {
        "from": str(filled.home / "todo.db"),
        "to": str(parse_target(shared)),
        "copied": 2,
        "already_there": 0,
        "projects": 1,
        "tags": 2,
        "renumbered": [{"old": 1, "new": 4}],
    }
    again = json.loads(filled("db", "copy", "--to", shared, "--json").out)
    assert (again["copied"], again["already_there"], again["renumbered"]) == (0, 2, [])


def test_new_numbers_are_printed_to_stdout(filled: Cli, shared: str, server: Server) -> None:
    for title in ("a", "b"):
        filled.here("--database", shared, "add", title)
    refused = filled("db", "copy", "--to", shared)
    assert (refused.code, refused.out) == (4, "")
    assert "2 numbers (1, 2) are taken" in refused.err
    assert "hint: add --renumber to give them new numbers" in refused.err
    assert filled("--database", shared, "project", "list").out == ""
    assert filled("db", "copy", "--to", shared, "--renumber").out == "1\t4\n2\t5\n"
    assert filled("--database", shared, "show", "4", "--json").code == 0
    other = server.fresh("shared_other")
    filled.here("--database", other, "add", "a")
    shown = at_terminal([*COMMAND, "db", "copy", "--to", other, "--renumber"], filled.environment)
    assert shown.code == 0
    lines = [line.split() for line in re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", shown.out).splitlines()]
    assert lines[lines.index(["old", "new"]) + 1] == ["1", "4"]


def test_progress_is_for_a_terminal_only(filled: Cli, shared: str) -> None:
    shown = at_terminal([*COMMAND, "db", "copy", "--to", shared], filled.environment)
    assert shown.code == 0
    assert "Copying" in shown.out
    assert "Copied 2 todos, 1 project and 2 tags" in " ".join(shown.out.split())
    program = "import sys; from todo_cli.cli.main import main; main(sys.argv[1:]); print('rich' in sys.modules)"
    piped = subprocess.run(
        [sys.executable, "-c", program, "db", "copy", "--to", shared],
        env=filled.environment,
        capture_output=True,
        text=True,
    )
    assert piped.stdout == "False\n"
    assert "Copying" not in piped.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "--from or --to is required"),
        (["--to", "embedded"], 2, "to itself"),
        (["--from", "embedded"], 2, "to itself"),
        (["--from", "embedded", "--to", "embedded"], 2, "to itself"),
        (["--to", "sqlite:///home/todo.db"], 2, "to itself"),
        (["--to", "nowhere"], 2, "the database must be a URL"),
        (["--to", ""], 2, "not blank"),
        (["--from", "sqlite:///nothing.db"], 3, "there is no list in"),
        (["--to", "postgresql://alex:AbC123dEf@127.0.0.1:1/db"], 5, "cannot reach"),
        (["--from", "postgresql://alex:AbC123dEf@127.0.0.1:1/db"], 5, "cannot reach"),
        (["--to", "sqlite:///new.db", "--from-user", "eve"], 3, "there is no user 'eve' in"),
        (["--to", "sqlite:///new.db", "--to-user", "-"], 2, "is not a valid user name"),
    ],
)
def test_invalid_copies_are_refused(filled: Cli, arguments: list[str], code: int, message: str) -> None:
    result = filled("db", "copy", *arguments, TODO_CONNECT_TIMEOUT="1")
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert "AbC123dEf" not in result.err
    assert {path.name for path in filled.home.parent.glob("*.db")} == set()
    assert filled("list").ids == [1]


def test_a_missing_source_creates_no_file(fresh_cli: Cli, shared: str) -> None:
    refused = fresh_cli("db", "copy", "--from", "embedded", "--to", shared)
    assert refused.code == 3
    assert not (fresh_cli.home / "todo.db").exists()


def test_a_server_without_tables_is_not_changed(filled: Cli, server: Server) -> None:
    bare = server.create("shared_bare")
    refused = filled("db", "copy", "--to", bare)
    assert refused.code == 1
    assert "run 'todo db init'" in refused.err
    assert server.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'todo'", "shared_bare") == []


def test_users_are_selected_on_both_sides(filled: Cli, shared: str) -> None:
    filled.here("user", "add", "sam")
    filled.here("--database", shared, "user", "add", "sam")
    filled.here("--user", "sam", "add", "his")
    unnamed = filled("db", "copy", "--to", shared)
    assert unnamed.code == 2
    assert "todo.db has several users" in unnamed.err
    assert "--from-user NAME" in unnamed.err
    # Settings tell who one is in the database in use, and nothing of the other one.
    half = filled("db", "copy", "--to", shared, TODO_USER="sam")
    assert half.code == 2
    assert "--to-user NAME" in half.err
    assert filled("--user", "sam", "db", "copy", "--to", shared).code == 0
    assert filled("--database", shared, "--user", "sam", "list").ids == [4]
    assert filled("--database", shared, "--user", "alex", "list").ids == []
    crossed = filled("db", "copy", "--to", shared, "--from-user", "alex", "--to-user", "sam", "--user", "nobody")
    assert crossed.code == 0, crossed
    assert filled("--database", shared, "--user", "sam", "list").ids == [1, 4]


async def fill(url: str) -> None:
    async with Database(parse_target(url), now=NOW) as database:
        await add_many(database, MANY)


@pytest.mark.exhaustive
@pytest.mark.parametrize("stopped_by", [signal.SIGKILL, signal.SIGINT])
async def test_an_interrupted_copy_leaves_nothing_on_a_server(
    fresh_cli: Cli, shared: str, tmp_path: Path, stopped_by: signal.Signals
) -> None:
    url = f"sqlite:///{tmp_path / 'many.db'}"
    await fill(url)
    holder = await asyncpg.connect(shared)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE todo.changes IN SHARE MODE")  # so that it waits there, with all todos inserted
    process = fresh_cli.start("db", "copy", "--from", url, "--to", shared)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'todo.changes'::regclass"
    while not await holder.fetchval(waiting):
        assert process.poll() is None, process.communicate()
        await asyncio.sleep(0.01)
    process.send_signal(stopped_by)
    _, err = process.communicate(timeout=HANGING)
    await transaction.rollback()
    await holder.close()
    stopped = (-signal.SIGKILL, b"") if stopped_by is signal.SIGKILL else (130, b"error: interrupted\n")
    assert (process.returncode, err) == stopped
    check_that_nothing_was_copied(fresh_cli, url, shared)


@pytest.mark.exhaustive
async def test_a_killed_copy_leaves_nothing_in_a_file(fresh_cli: Cli, shared: str, tmp_path: Path) -> None:
    await fill(shared)
    path = tmp_path / "into.db"
    url = f"sqlite:///{path}"
    assert fresh_cli("--database", url, "--user", "alex", "list").code == 0
    holder = await asyncpg.connect(shared)
    await holder.execute("UPDATE todo.todos SET description = repeat('x', 1000)")
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE todo.dependencies")  # which is read when all todos are inserted
    process = fresh_cli.start("db", "copy", "--from", shared, "--to", url)
    while not await holder.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        assert process.poll() is None, process.communicate()
        await asyncio.sleep(0.01)
    # What does not fit into SQLite's memory is written to the log before the commit.
    assert path.with_name(f"{path.name}-wal").stat().st_size > 1_000_000
    process.kill()
    process.communicate()
    await transaction.rollback()
    await holder.close()
    assert process.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM todos").fetchone() == (0,)
    check_that_nothing_was_copied(fresh_cli, shared, url)


def check_that_nothing_was_copied(cli: Cli, source: str, destination: str) -> None:
    there = cli("--database", destination, "list", "--status", "all", "--json")
    assert json.loads(there.out) == []
    assert cli("--database", destination, "project", "list").out == ""
    result = json.loads(cli("db", "copy", "--from", source, "--to", destination, "--json").out)
    assert (result["copied"], result["already_there"], result["projects"], result["tags"]) == (MANY, 0, 5, 5)
    assert cli("--database", destination, "add", "next").ids == [MANY + 1]
