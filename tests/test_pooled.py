"""Commands through a pooler in transaction mode, like Neon's -pooler hosts, and on the direct host where necessary."""

from __future__ import annotations

import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.round_trips import COMMANDS
from tests.conftest import Cli, Here
from tests.front_door import FrontDoor
from tests.neon import ADDRESS, ENDPOINT, POOLED_ENDPOINT, Neon
from todo_cli.db.schema.revisions import HEAD

DATABASE = "pooled"


@pytest.fixture
def pooled(neon: Neon, pgbouncer: str) -> str:
    """The path of the pooler's socket, with an initialized database behind it."""
    neon.server.fresh(DATABASE)
    return pgbouncer


def test_every_command_works(
    neon: Neon, pooled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FrontDoor(pooled, neon.certificate) as door:
        monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, DATABASE, host=ADDRESS))
        todo = Here(capsys)
        for line, _ in COMMANDS:
            result = todo(*shlex.split(line))
            assert result.code == 0, (line, result)
        assert json.loads(todo("--user", "alex", "db", "status", "--json").out)["revision"] == HEAD
        copied = todo("--user", "alex", "db", "copy", "--to", f"sqlite:///{tmp_path}/copy.db")
        assert (copied.code, copied.err[:6]) == (0, "Create")
        # The next command would find whatever a command has set or prepared on the pooler's connection.
        assert len({connection.startup["user"] for connection in door.connections}) == 1


def test_many_at_once(neon: Neon, pooled: str, tmp_path: Path) -> None:
    """More commands than the pooler has connections."""
    with FrontDoor(pooled, neon.certificate) as door:
        cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(door, DATABASE, host=ADDRESS))
        with ThreadPoolExecutor(8) as pool:
            added = list(pool.map(lambda n: cli("add", f"{n}", "-p", "home", "-t", "x", "-t", f"t{n % 3}"), range(16)))
            assert [result.code for result in added] == [0] * 16, added
            done = list(pool.map(lambda n: cli("done", f"{n}", "1"), range(2, 10)))
            assert [result.code for result in done] == [0] * 8, done
        assert len(cli("list").ids) == 7
        assert sorted(number for result in added for number in result.ids) == list(range(1, 17))


def test_tables_are_created_through_the_direct_host(
    neon: Neon,
    names_of_this_machine: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    neon.server.create("direct")
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    todo = Here(capsys)
    with neon.door() as door:
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, "direct", host=POOLED_ENDPOINT))
        for command, host in (
            (["db", "init"], ENDPOINT),
            (["db", "migrate"], ENDPOINT),
            (["add", "a"], POOLED_ENDPOINT),
            (["list"], POOLED_ENDPOINT),
            (["db", "reset", "direct", "--yes"], ENDPOINT),
        ):
            names_of_this_machine.clear()
            assert todo(*command).code == 0
            assert names_of_this_machine[-1] == host, command
        # Neon's hosts are contacted with direct TLS by default.
        assert all(connection.direct for connection in door.connections)
        assert todo("db", "init").code == 0
        status = json.loads(todo("db", "status", "--json").out)
        assert (status["host"], status["pooled"], status["tls_verified"]) == (POOLED_ENDPOINT, True, True)
        assert status["latency_ms"] > 0
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, "direct", host=ENDPOINT, sslnegotiation="postgres"))
        assert todo("list").code == 0
        assert not door.connections[-1].direct
        door.direct = False
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, "direct", host=ENDPOINT))
        assert todo("list").code == 0
        assert [connection.direct for connection in door.connections[-2:]] == [True, False]


def test_the_endpoint_can_be_named_in_the_options(neon: Neon, tmp_path: Path) -> None:
    neon.server.fresh(DATABASE)
    with neon.door() as door:
        url = neon.url(door, DATABASE, host=ADDRESS) + "&options=endpoint%3Dep-cool-darkness-a1b2c3d4"
        assert Cli(tmp_path / "home", TODO_DATABASE_URL=url)("list").code == 0
        assert door.connections[0].startup["options"] == "endpoint=ep-cool-darkness-a1b2c3d4"
