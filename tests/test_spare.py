"""Connections opened in advance: what they save, and when they are not used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from tests.conftest import NOW
from tests.front_door import FrontDoor
from tests.neon import ADDRESS, PASSWORD, USER, Neon
from todo_cli.db.connection.postgresql import connect_ahead
from todo_cli.db.connection.spare import LIFETIME, Clocks, Spare
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target, parse_target
from todo_cli.db.database import Database
from todo_cli.errors import DatabaseUnavailableError
from todo_cli.query.filter.ast import And
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.tags import rename_tag
from todo_cli.services.todos import NewTodo, add_todo

DATABASE = "spare"
DELAY = 0.01
T = TypeVar("T")


@pytest.fixture
def door(neon: Neon) -> Iterator[FrontDoor]:
    neon.server.fresh(DATABASE)
    with neon.door() as door:
        yield door


@pytest.fixture
def target(neon: Neon, door: FrontDoor) -> PostgresTarget:
    found = parse_target(neon.url(door, DATABASE, host=ADDRESS))
    assert isinstance(found, PostgresTarget)
    return found


async def run(target: Target, spare: Spare, work: Callable[[Database], Awaitable[T]]) -> T:
    async with Database(target, now=NOW, spare=spare) as db:
        return await work(db)


async def add(db: Database) -> int:
    return (await add_todo(db, NewTodo("a", tags=("x",)))).todo.id


async def list_(db: Database) -> int:
    return len((await list_todos(db, ListQuery(And(())))).todos)


async def rename(db: Database) -> object:
    return await rename_tag(db, "x", "y")


def count(neon: Neon) -> tuple[int, int]:
    """Return the number of todos and of the steps that added one."""
    statement = "SELECT (SELECT count(*) FROM todo.todos), (SELECT count(*) FROM todo.steps WHERE command = 'add')"
    [row] = neon.server.execute(statement, DATABASE)
    return row[0], row[1]


class TestRoundTrips:
    @pytest.mark.parametrize(("work", "most"), [(list_, 2), (add, 2), (rename, 8)])
    async def test_only_the_round_trips_of_the_statements_remain(
        self, door: FrontDoor, target: PostgresTarget, work: Callable[[Database], Awaitable[object]], most: int
    ) -> None:
        async with Database(target, now=NOW) as db:
            await add(db)
        door.delay = DELAY
        spare = await connect_ahead(target)
        connecting = door.connections[-1].round_trips
        await run(target, spare, work)
        await asyncio.to_thread(door.settle)
        assert len(door.connections) == 2
        assert connecting == 6
        assert door.connections[-1].round_trips - connecting == most

    async def test_an_idle_spare_sends_nothing(self, door: FrontDoor, target: PostgresTarget) -> None:
        spare = await connect_ahead(target)
        connection = spare.connection
        assert connection is not None
        assert connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        seen = list(door.connections[0].messages)
        assert seen[-1] == ("server", "ReadyForQuery")
        assert await spare.take(target) is connection
        assert door.connections[0].messages == seen
        connection.terminate()

    async def test_an_unused_spare_is_closed(self, door: FrontDoor, target: PostgresTarget, tmp_path: Path) -> None:
        spare = await connect_ahead(target)
        assert await run(SqliteTarget(tmp_path / "todo.db"), spare, add) == 1
        await asyncio.to_thread(door.settle)
        assert spare.connection is None


class TestTrust:
    async def check(self, neon: Neon, door: FrontDoor, target: PostgresTarget, spare: Spare) -> None:
        """Assert that the command opens a new connection and takes effect once."""
        assert await run(target, spare, add) == 1
        await asyncio.to_thread(door.settle)
        assert len(door.connections) == 2
        assert await asyncio.to_thread(count, neon) == (1, 1)

    @pytest.mark.parametrize("loop_runs", [True, False])
    async def test_a_spare_that_the_server_dropped(
        self, neon: Neon, door: FrontDoor, target: PostgresTarget, loop_runs: bool
    ) -> None:
        """Like a compute that is suspended (57P01); noticed at once, or only when the event loop runs again."""
        spare = await connect_ahead(target)
        ours = f"FROM pg_stat_activity WHERE usename = '{USER}' AND datname = '{DATABASE}'"
        [backend] = await asyncio.to_thread(neon.server.execute, f"SELECT pg_terminate_backend(pid) {ours}")
        assert backend[0]
        if loop_runs:
            await asyncio.to_thread(door.connections[0].ended.wait, 30)
        else:
            assert door.connections[0].ended.wait(30)
        await self.check(neon, door, target, spare)

    async def test_a_spare_that_ends_just_as_it_is_used(
        self, neon: Neon, door: FrontDoor, target: PostgresTarget
    ) -> None:
        spare = await connect_ahead(target)
        door.cut_after, door.cuts = len(door.connections[0].messages) + 1, 1
        await self.check(neon, door, target, spare)

    async def test_a_spare_that_fell_silent_while_idle(
        self, neon: Neon, door: FrontDoor, target: PostgresTarget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("todo_cli.db.connection.line.UNTRIED_PATIENCE", 0.1)
        spare = await connect_ahead(target)
        door.connections[0].silent = True
        await self.check(neon, door, target, spare)

    async def test_a_spare_that_falls_silent_after_storing(
        self, neon: Neon, door: FrontDoor, target: PostgresTarget
    ) -> None:
        target = replace(target, answer_timeout=0.3)
        spare = await connect_ahead(target)
        async with Database(target, now=NOW, user_name="alex") as db:  # finds which message that is
            await list_(db)
        await asyncio.to_thread(door.connections[1].ended.wait, 30)
        messages = door.connections.pop().messages
        door.silent_after, door.silences = len(messages) - messages[::-1].index(("client", "Sync")), 1
        await self.check(neon, door, target, spare)

    @pytest.mark.parametrize(
        ("passed", "is_trusted"),
        [
            (Clocks(LIFETIME - 1, LIFETIME - 1, LIFETIME - 1), True),
            (Clocks(LIFETIME + 1, LIFETIME + 1, LIFETIME + 1), False),  # too old
            (Clocks(10, 10, 3610), False),  # slept
            (Clocks(10, 3610, None), False),  # slept, on a machine whose clocks do not count sleep
            (Clocks(10, -3590, 10), False),  # set back
            (Clocks(10, 11, 10), True),  # adjusted
        ],
    )
    async def test_age_and_sleep(
        self, door: FrontDoor, target: PostgresTarget, passed: Clocks, is_trusted: bool
    ) -> None:
        moments = iter([Clocks(0, 0, 0), passed])
        spare = await connect_ahead(target, lambda: next(moments))
        connection = await spare.take(target)
        assert (connection is not None) == is_trusted
        if connection:
            assert await spare.take(target) is None  # a spare serves one command
            connection.terminate()
        await asyncio.to_thread(door.settle)

    @pytest.mark.parametrize(
        "changes",
        [
            {"password": "wrong"},
            {"host": "127.0.0.1"},
            {"name": "other"},
            {"user": "sam"},
            {"verify": False},
            {"connect_timeout": 3},
            {"answer_timeout": 3},
            {"server_settings": (("application_name", "x"),)},
        ],
    )
    async def test_another_target(self, door: FrontDoor, target: PostgresTarget, changes: dict[str, object]) -> None:
        spare = await connect_ahead(target)
        assert await spare.take(replace(target, **changes)) is None  # type: ignore[arg-type]
        await asyncio.to_thread(door.settle)
        assert await spare.take(target) is None

    async def test_a_changed_password_is_tried(self, door: FrontDoor, target: PostgresTarget) -> None:
        spare = await connect_ahead(target)
        with pytest.raises(DatabaseUnavailableError, match="password authentication failed"):
            await run(replace(target, password="wrong"), spare, add)

    async def test_passwords_from_other_sources(
        self, door: FrontDoor, target: PostgresTarget, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        without = replace(target, password=None)
        passwords = tmp_path / "passwords"
        passwords.write_text(f"*:*:*:*:{PASSWORD}\n")
        passwords.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(passwords))
        spare = await connect_ahead(without)
        passwords.write_text("*:*:*:*:another\n")
        assert await spare.take(without) is None
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        spare = await connect_ahead(without)
        monkeypatch.setenv("PGPASSWORD", "another")
        assert await spare.take(without) is None
