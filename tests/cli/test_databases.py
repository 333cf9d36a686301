"""The commands `db init`, `status`, `migrate` and `reset`, on files and on a server."""

from __future__ import annotations

import json
import sys

from tests.conftest import Cli, Server
from tests.terminal import at_terminal
from todo_cli.db.schema.revisions import HEAD


def test_a_file_is_created_automatically_and_init_reports_it(fresh_cli: Cli) -> None:
    status = json.loads(fresh_cli("db", "status", "--json").out)
    assert (status["revision"], status["source"], status["todos"]) == (None, "default", None)
    assert not (fresh_cli.home / "todo.db").exists()
    fresh_cli("add", "a")
    again = fresh_cli("db", "init")
    assert (again.code, again.out) == (0, "")
    assert "already set up" in again.err
    status = json.loads(fresh_cli("db", "status", "--json").out)
    assert (status["revision"], status["expected_revision"], status["todos"]) == (HEAD, HEAD, 1)
    assert len(status["users"]) == 1


def test_a_server_is_initialized_only_on_request(server: Server, fresh_cli: Cli) -> None:
    server.create("server")
    address = {"TODO_DATABASE_URL": server.url("server")}
    for command in (["list"], ["add", "a"], ["done", "1"], ["project", "list"], ["user", "list"], ["db", "migrate"]):
        refused = fresh_cli(*command, **address)
        assert refused.code == 1
        assert "there are no todo tables in server" in refused.err
        assert "run 'todo db init'" in refused.err
    assert json.loads(fresh_cli("db", "status", "--json", **address).out)["revision"] is None
    first = json.loads(fresh_cli("db", "init", "--user", "sam", "--json", **address).out)
    assert first["changed"] is True
    second = json.loads(fresh_cli("db", "init", "--json", **address).out)
    assert second["changed"] is False
    assert json.loads(fresh_cli("user", "list", "--json", **address).out)[0]["name"] == "sam"
    assert fresh_cli("add", "a", **address).ids == [1]
    assert fresh_cli("db", "migrate", **address).code == 0


def test_reset_of_a_server_requires_its_name_and_confirmation(server: Server, fresh_cli: Cli) -> None:
    server.fresh("doomed")
    address = {"TODO_DATABASE_URL": server.url("doomed")}
    fresh_cli("add", "a", **address)
    for arguments in (["-y"], ["doomde", "-y"], ["doomed"], []):
        refused = fresh_cli("db", "reset", *arguments, **address)
        assert refused.code == 2, arguments
    assert fresh_cli("list", **address).ids == [1]
    assert fresh_cli("db", "reset", "doomed", "--yes", **address).code == 0
    assert fresh_cli("list", **address).code == 1
    assert fresh_cli("db", "init", **address).code == 0
    assert fresh_cli("list", **address).ids == []


def test_reset_of_a_file_asks(fresh_cli: Cli) -> None:
    fresh_cli("add", "a")
    assert fresh_cli("db", "reset").code == 2
    command = [sys.executable, "-m", "todo_cli", "db", "reset"]
    refused = at_terminal(command, fresh_cli.environment, typed="n\n")
    assert refused.code == 130
    assert "including 1 todo? This cannot be undone." in " ".join(refused.out.split())
    assert fresh_cli("list").ids == [1]
    assert at_terminal(command, fresh_cli.environment, typed="y\n").code == 0
    assert fresh_cli("list").ids == []
    assert fresh_cli("add", "again").ids == [1]


def test_migrations_can_be_printed_and_named(cli: Cli, dialect: str) -> None:
    printed = cli("db", "migrate", "--sql")
    assert printed.code == 0
    assert "CREATE TABLE todos" in printed.out
    assert ("CREATE SCHEMA" in printed.out) == (dialect == "postgresql")
    assert cli("db", "migrate", "--to", HEAD).code == 0
    unknown = cli("db", "migrate", "--to", "4711")
    assert unknown.code == 2
    assert f", {HEAD}" in unknown.err
