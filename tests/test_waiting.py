"""Every wait for a server ends: for a lock of another client, for a reply, for a suspended client."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import asyncpg
import pytest

from tests.conftest import Cli, Here, Result
from tests.front_door import FrontDoor
from tests.neon import ADDRESS, Neon
from todo_cli.db.connection.line import Limits, WatchedConnection
from todo_cli.db.connection.postgresql import connect
from todo_cli.db.connection.target import PostgresTarget, parse_target

DATABASE = "waiting"

# If time runs out just as TLS begins, asyncpg leaves a transport open; a separate process takes it along.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
]

Setting = Callable[..., None]


@pytest.fixture
def door(neon: Neon) -> Iterator[FrontDoor]:
    neon.server.fresh(DATABASE)
    with neon.door() as door:
        yield door


@pytest.fixture
def here(
    neon: Neon, door: FrontDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, DATABASE, host=ADDRESS))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.delenv("TODO_USER", raising=False)
    return Here(capsys)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Set timeouts, in seconds."""

    def set_(**seconds: float) -> None:
        for name, value in seconds.items():
            monkeypatch.setenv(f"TODO_{name.upper()}_TIMEOUT", str(value))

    return set_


@contextmanager
def holding(neon: Neon, *statements: str) -> Iterator[None]:
    """Hold the locks of these statements, like a forgotten transaction in a program called `psql`."""
    begun, end = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(neon.server.url(DATABASE), server_settings={"application_name": "psql"})
        try:
            async with connection.transaction():
                for statement in statements:
                    await connection.execute(statement)
                begun.set()
                await asyncio.to_thread(end.wait)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(lambda: asyncio.run(hold()))
        try:
            assert begun.wait(30), held.result()
            yield
        finally:
            end.set()
        held.result()


def ask(neon: Neon, statement: str) -> list[Any]:
    return [tuple(row) for row in neon.server.execute(statement, DATABASE)]


class TestLocks:
    @pytest.mark.parametrize(
        ("command", "lock", "what"),
        [
            (("done", "1"), "SELECT FROM todo.todos FOR UPDATE", "a todo in"),  # an ordinary transaction waits
            (("tag", "delete", "x", "--yes"), "SELECT FROM todo.todos FOR UPDATE", "a todo in"),
            (("add", "b", "+x"), "SELECT FROM todo.tags FOR UPDATE", "a tag in"),  # within one statement
            (("add", "b"), "SELECT FROM todo.users FOR UPDATE", "the list in"),
            (("add", "b"), "LOCK TABLE todo.todos", "the list in"),  # before it is even parsed
            (("add", "b"), "LOCK TABLE todo.steps IN SHARE ROW EXCLUSIVE MODE", "the list in"),
            (("undo",), "LOCK TABLE todo.todos", "the list in"),
            (("list",), "LOCK TABLE todo.todos", "the list in"),
        ],
    )
    def test_a_lock_of_another_client_is_waited_for_up_to_a_limit(
        self, neon: Neon, here: Here, limits: Setting, command: tuple[str, ...], lock: str, what: str
    ) -> None:
        assert here("add", "a", "+x").ids == [1]
        before = ask(neon, "SELECT id, status, version FROM todo.todos")
        limits(lock=0.3)
        with holding(neon, lock):
            result = here(*command)
        assert result.code == 4, result
        error, hint = result.err.splitlines()
        assert error.startswith(f"error: {what} {DATABASE} on {ADDRESS}:")
        assert "is locked by psql (user postgres, idle in transaction, pid " in error
        assert " since 2" in error
        assert "gave up after 0.3 seconds, nothing was written" in hint
        assert ask(neon, "SELECT id, status, version FROM todo.todos") == before
        assert here(*command).code == 0  # the lock is gone, with no traces

    def test_a_lock_that_is_released_in_time(self, neon: Neon, here: Here) -> None:
        with ThreadPoolExecutor(1) as pool:
            with holding(neon, "SELECT FROM todo.users FOR UPDATE"):
                added = pool.submit(here, "add", "a")
                while not ask(neon, "SELECT FROM pg_locks WHERE NOT granted"):
                    assert not added.done()
            assert added.result().ids == [1]

    def test_the_limit_ends_with_the_transaction(self, neon: Neon, here: Here, door: FrontDoor) -> None:
        """A pooler would hand the same server connection to other clients."""

        async def look() -> tuple[str, str]:
            target = parse_target(neon.url(door, DATABASE, host=ADDRESS))
            assert isinstance(target, PostgresTarget)
            connection = await connect(target)
            async with connection.transaction():
                inside = await connection.fetchval("SHOW lock_timeout")
            after = await connection.fetchval("SHOW lock_timeout")
            connection.terminate()
            return inside, after

        assert asyncio.run(look()) == ("10s", "0")

    def test_a_migration_waits_for_another_one_up_to_a_limit(
        self, neon: Neon, here: Here, limits: Setting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("todo_cli.db.schema.revisions.MIGRATION_PATIENCE", 0.3)
        limits(lock=0.2, answer=0.1)  # a reply that takes as long as the other migration does not count as silence
        with holding(neon, "SELECT pg_advisory_xact_lock(hashtext('todo migration'))"):
            result = here("db", "init")
        assert result.code == 4, result
        assert "is locked by another 'todo db init' or 'todo db migrate'" in result.err
        limits(answer=30)
        assert here("db", "init").code == 0


def test_limits_through_a_pooler(
    neon: Neon, pgbouncer: str, here: Here, limits: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In transaction mode, settings of a command must not remain on the server's connection."""
    with FrontDoor(pgbouncer, neon.certificate) as pooler:
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(pooler, DATABASE, host=ADDRESS))
        assert here("add", "a", "+x").ids == [1]
        limits(lock=0.3)
        for lock, command in (
            ("LOCK TABLE todo.todos", ("add", "b")),
            ("SELECT FROM todo.users FOR UPDATE", ("add", "b")),
            ("SELECT FROM todo.todos FOR UPDATE", ("tag", "delete", "x", "--yes")),
        ):
            with holding(neon, lock):
                result = here(*command)
            assert result.code == 4, result
            assert "is locked by psql (user postgres, idle in transaction" in result.err

        async def look() -> set[str]:
            target = parse_target(neon.url(pooler, DATABASE, host=ADDRESS))
            assert isinstance(target, PostgresTarget)
            connections = [await connect(target) for _ in range(2)]  # all connections of the pooler
            found = {await connection.fetchval("SHOW lock_timeout") for connection in connections}
            for connection in connections:
                connection.terminate()
            return found

        assert asyncio.run(look()) == {"0"}


class TestStoppedClients:
    def test_a_suspended_copy_releases_its_locks_and_is_resumed(
        self, neon: Neon, door: FrontDoor, tmp_path: Path
    ) -> None:
        source = Cli(tmp_path / "home")
        source.here("add", "a")
        cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(door, DATABASE, host=ADDRESS), TODO_IDLE_TIMEOUT="0.2")
        assert cli("add", "b", "+x").ids == [1]
        with holding(neon, "SELECT FROM todo.todos FOR UPDATE"):
            process = cli.start("tag", "delete", "x", "--yes")
            while not ask(neon, "SELECT FROM pg_locks WHERE NOT granted"):
                assert process.poll() is None
            process.send_signal(signal.SIGSTOP)
        while ask(neon, "SELECT FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"):
            time.sleep(0.01)
        other = cli("add", "c", "+y")
        assert other.ids == [2], other
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b""), (out, err)
        assert ask(neon, "SELECT key FROM todo.tags") == [("y",)]


def check_silence(result: Result, *messages: str) -> None:
    assert result.code == 5, result
    assert result.err.startswith("error: "), result
    assert any(message in result.err.splitlines()[0] for message in messages), result


class TestSilence:
    @pytest.mark.parametrize("mute", ["accepted", "tls"])
    @pytest.mark.parametrize("negotiation", ["postgres", "direct"])
    @pytest.mark.parametrize("command", [("add", "a"), ("db", "init")])
    def test_before_the_login(
        self,
        neon: Neon,
        here: Here,
        door: FrontDoor,
        limits: Setting,
        monkeypatch: pytest.MonkeyPatch,
        mute: Literal["accepted", "tls"],
        negotiation: str,
        command: tuple[str, ...],
    ) -> None:
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, DATABASE, host=ADDRESS, sslnegotiation=negotiation))
        limits(connect=0.2)
        door.mute = mute
        check_silence(here(*command), f"cannot reach {DATABASE} on {ADDRESS}:{door.port}: it did not respond in time")
        door.settle()

    @pytest.mark.parametrize("command", [("add", "a"), ("tag", "rename", "x", "y")])
    def test_one_silence_goes_unnoticed(
        self, neon: Neon, here: Here, door: FrontDoor, limits: Setting, command: tuple[str, ...]
    ) -> None:
        """At the first message and at the last ones, where everything is stored and only the reply is lost."""
        places = statement_places(here, door, *command)
        self.fall_silent_once(neon, here, door, limits, command, [places[0], *places[-4:]])

    @pytest.mark.exhaustive
    @pytest.mark.parametrize(
        "command", [("list",), ("add", "a"), ("tag", "rename", "x", "y"), ("db", "status"), ("undo",)]
    )
    @pytest.mark.long
    def test_one_silence_at_any_message_goes_unnoticed(
        self, neon: Neon, here: Here, door: FrontDoor, limits: Setting, command: tuple[str, ...]
    ) -> None:
        self.fall_silent_once(neon, here, door, limits, command, statement_places(here, door, *command))

    def fall_silent_once(
        self,
        neon: Neon,
        here: Here,
        door: FrontDoor,
        limits: Setting,
        command: tuple[str, ...],
        places: Sequence[int],
    ) -> None:
        """Let the connection fall silent at each of the messages in turn; earlier messages have arrived."""
        # Even on a busy machine, the statement of a silent connection, which holds locks, ends earlier than that.
        limits(answer=2, lock=2, connect=20)
        for place in places:
            prepare(neon, here)
            door.silent_after, door.silences = place, 1
            result = here(*command)
            door.silent_after = None
            door.settle()
            if command == ("db", "status") and result.code:  # measure once without silence
                check_silence(result, "has not answered for 2 seconds")
                continue
            assert result.code == 0, (place, door.connections[-1].messages, result)
            assert ask(neon, "SELECT count(*) - 1, count(DISTINCT uuid) - 1 FROM todo.steps") == [
                (0, 0) if command in (("list",), ("db", "status")) else (1, 1)
            ]

    def test_repeated_silence_stores_all_or_nothing(
        self, neon: Neon, here: Here, door: FrontDoor, limits: Setting
    ) -> None:
        places = statement_places(here, door, "add", "a")
        limits(answer=0.1, lock=0.1, connect=0.2)
        for place in [places[0], *places[-7:-4], *places[-2:]]:
            neon.server.execute("TRUNCATE todo.todos, todo.steps RESTART IDENTITY CASCADE", DATABASE)
            door.silent_after, door.silences = place, None
            result = here("add", "a")
            door.silent_after = None
            door.settle()
            stored = ask(neon, "SELECT id FROM todo.todos")
            if result.code == 0:  # the important reply had arrived
                assert stored == [(1,)], place
                continue
            # On a busy machine, connecting again may take too long.
            check_silence(result, "has not answered for 0.1 seconds", "it did not respond in time")
            assert len(stored) <= 1
            if stored:
                assert "while storing the change: it was stored completely or not at all" in result.err, (place, result)

    def test_a_batch_may_take_as_long_as_it_needs(
        self, neon: Neon, here: Here, door: FrontDoor, limits: Setting
    ) -> None:
        assert here("add", "a").code == here("delete", "1").code == 0
        slow = "$$BEGIN PERFORM pg_sleep(0.5); RETURN OLD; END$$"
        for statement in (
            f"CREATE FUNCTION todo.slow() RETURNS trigger LANGUAGE plpgsql AS {slow}",
            "CREATE TRIGGER slow BEFORE DELETE ON todo.todos FOR EACH ROW EXECUTE FUNCTION todo.slow()",
        ):
            neon.server.execute(statement, DATABASE)
        limits(answer=0.2)
        assert here("trash", "empty", "--yes").code == 0
        assert len(door.connections) == 3
        assert ask(neon, "SELECT count(*) FROM todo.todos") == [(0,)]

    def test_a_long_reply_is_not_silence(self, neon: Neon, door: FrontDoor) -> None:
        """The last byte received counts."""

        async def fetch() -> int:
            target = parse_target(neon.url(door, DATABASE, host=ADDRESS))
            assert isinstance(target, PostgresTarget)
            connection = await connect(target)
            connection.limits = Limits(answer=0.3, lock=10, idle=30)
            row = "repeat('x', 10000) || pg_sleep(0.05)"
            with connection.answering():
                rows = await connection.fetch(f"SELECT {row} FROM generate_series(1, 20)")
            connection.terminate()
            return len(rows)

        started = time.monotonic()
        assert asyncio.run(fetch()) == 20
        assert time.monotonic() - started > 0.9

    def test_the_kernel_notices_a_dead_peer(self, neon: Neon, door: FrontDoor) -> None:
        async def look() -> dict[str, int]:
            target = parse_target(neon.url(door, DATABASE, host=ADDRESS))
            assert isinstance(target, PostgresTarget)
            connection: WatchedConnection = await connect(target)
            names = [
                n for n in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT") if hasattr(socket, n)
            ]
            found = {name: connection.socket.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names}
            found["alive"] = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            connection.terminate()
            return found

        found = asyncio.run(look())
        assert found.pop("alive")
        expected = {"TCP_KEEPIDLE": 8, "TCP_KEEPINTVL": 8, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}
        assert found == {name: expected[name] for name in found}


def prepare(neon: Neon, here: Here) -> None:
    neon.server.execute("TRUNCATE todo.todos, todo.steps, todo.tags RESTART IDENTITY CASCADE", DATABASE)
    assert here("add", "before", "+x").code == 0


def statement_places(here: Here, door: FrontDoor, *command: str) -> Sequence[int]:
    """Return the numbers of the messages of the command, without those of the login."""
    assert here("add", "before", "+x").code == 0
    assert here(*command).code == 0
    door.settle()
    messages = door.connections[-1].messages
    begin = min(
        messages.index(message) for message in (("client", "Parse"), ("client", "Query")) if message in messages
    )
    return range(begin + 1, len(messages) + 1)
