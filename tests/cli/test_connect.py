"""`todo db connect` and `disconnect`: the URL is tested, then stored; no password is shown."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import Cli, Server
from tests.terminal import at_terminal

COMMAND = [sys.executable, "-m", "todo_cli"]


@pytest.fixture
def shared(server: Server) -> str:
    """A database with tables and the users alex and sam."""
    server.fresh("connected")
    statement = "INSERT INTO todo.users (uuid, name, key, created_at) VALUES (gen_random_uuid(), 'Sam', 'sam', now())"
    server.execute(statement, "connected")
    return server.url("connected")


def settings(cli: Cli) -> dict[str, str]:
    return {
        item["key"]: item["value"]
        for item in json.loads(cli("config", "list", "--json").out)
        if item["value"] and item["key"] != "resident"
    }


def test_the_only_user_is_selected(fresh_cli: Cli, server: Server) -> None:
    url = server.url("template")
    assert fresh_cli("db", "connect", url).code == 0
    assert settings(fresh_cli)["user"] == "alex"
    assert json.loads(fresh_cli("db", "status", "--json").out)["source"] == "stored"
    assert fresh_cli("list").code == 0
    assert fresh_cli("db", "disconnect").code == 0
    assert settings(fresh_cli) == {}
    assert json.loads(fresh_cli("db", "status", "--json").out)["source"] == "default"


def test_a_note_says_that_the_environment_overrides_it(fresh_cli: Cli, server: Server) -> None:
    url = server.url("template")
    assert "overrides" in fresh_cli("db", "connect", url, TODO_DATABASE_URL=url).err
    assert "overrides" in fresh_cli("db", "disconnect", TODO_DATABASE_URL=url).err
    assert "overrides" not in fresh_cli("db", "disconnect").err


def test_one_of_several_users_is_given_or_chosen(fresh_cli: Cli, shared: str) -> None:
    refused = fresh_cli("db", "connect", shared)
    assert refused.code == 2
    assert "alex, Sam" in refused.err
    assert fresh_cli("db", "connect", shared, "--user", "nobody").code == 3
    assert settings(fresh_cli) == {}
    assert fresh_cli("db", "connect", shared, "--user", "SAM").code == 0
    assert settings(fresh_cli)["user"] == "Sam"
    chosen = at_terminal([*COMMAND, "db", "connect", shared], fresh_cli.environment, typed="alex\n")
    assert chosen.code == 0, chosen.out
    assert settings(fresh_cli)["user"] == "alex"


def test_tables_are_offered_at_a_terminal_only(fresh_cli: Cli, server: Server) -> None:
    server.create("bare")
    url = server.url("bare")
    scripted = fresh_cli("db", "connect", url)
    assert scripted.code == 0
    assert "run 'todo db init' to create them" in scripted.err
    assert fresh_cli("list").code == 1
    declined = at_terminal([*COMMAND, "db", "connect", url], fresh_cli.environment, typed="n\n")
    assert declined.code == 0
    assert server.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'todo'", "bare") == []
    accepted = at_terminal([*COMMAND, "--user", "sam", "db", "connect", url], fresh_cli.environment, typed="y\n")
    assert accepted.code == 0
    assert settings(fresh_cli)["user"] == "sam"
    assert fresh_cli("add", "a").ids == [1]


def test_the_name_of_a_variable_instead_of_the_string(fresh_cli: Cli, server: Server) -> None:
    url = server.url("template")
    assert fresh_cli("db", "connect", "--from-env", "DATABASE_URL").code == 2
    assert fresh_cli("db", "connect", "--from-env", "DATABASE_URL", DATABASE_URL=url).code == 0
    assert "template" not in (fresh_cli.home / "config.toml").read_text()
    status = json.loads(fresh_cli("db", "status", "--json", DATABASE_URL=url).out)
    assert (status["source"], status["dialect"]) == ("stored", "postgresql")
    missing = fresh_cli("list")
    assert missing.code == 2
    assert "DATABASE_URL, which should hold the database URL, is not set" in missing.err
    assert fresh_cli("db", "disconnect", DATABASE_URL=url).code == 0
    assert fresh_cli("list").code == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://alex:AbC123dEf@127.0.0.1:1/dbname?sslmode=require&channel_binding=require", 5),
        ("postgresql://alex:AbC123dEf@/dbname?sslmode=require", 2),
        ("postgresql://alex:AbC123dEf@localhost:port/dbname", 2),
        ("ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech/dbname", 2),
    ],
)
def test_an_unreachable_or_invalid_url_is_neither_stored_nor_shown(fresh_cli: Cli, url: str, code: int) -> None:
    for arguments in (["db", "connect", url], ["--debug", "db", "connect", url], ["db", "connect", url, "--json"]):
        result = fresh_cli(*arguments, TODO_CONNECT_TIMEOUT="1")
        assert result.code == code, result
        assert "AbC123dEf" not in result.out + result.err
    assert settings(fresh_cli) == {}


def test_a_file_that_others_can_read_is_reported(fresh_cli: Cli, server: Server) -> None:
    fresh_cli("db", "connect", server.url("template"))
    path = fresh_cli.home / "config.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    result = fresh_cli("list")
    assert result.code == 0
    assert "chmod 600" in result.err


def test_disconnecting_works_without_the_variable(fresh_cli: Cli, server: Server) -> None:
    fresh_cli("db", "connect", "--from-env", "SOME_URL", SOME_URL=server.url("template"))
    assert fresh_cli("list").code == 2
    assert fresh_cli("db", "disconnect").code == 0
    assert fresh_cli("list").code == 0


def test_a_string_that_is_not_utf8_is_refused(fresh_cli: Cli) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "todo_cli", "db", "connect", "-"],
        input=b"postgresql://alex:\xff\xfe@host/db\n",
        capture_output=True,
        env=fresh_cli.environment,
        check=False,
    )
    assert (process.returncode, process.stderr) == (2, b"error: the URL on standard input is not valid UTF-8\n")
