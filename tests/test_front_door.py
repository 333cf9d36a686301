"""The stand-in for Neon's proxy does what it claims, for clients that know nothing about it."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any, Literal

import asyncpg
import pytest
import trustme

from tests.conftest import Cli
from tests.front_door import PROTOCOL, FrontDoor
from tests.neon import ADDRESS, PASSWORD, USER, Neon
from tests.tiers import BOTH_TIERS, choose
from tests.waits import HANGING

CONNECT, DIRECT, STATEMENT, CLOSE = 6, 5, 2, 1
"""Round trips. Those of a connection: TCP, [SSLRequest], TLS, startup, and two of SCRAM."""

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Exceptions that asyncpg raises when a connection is lost; the last one, unrelated to the others, if it was idle."""


async def connect(neon: Neon, door: FrontDoor, **options: Any) -> Any:
    context = ssl.create_default_context(cafile=str(neon.roots))
    context.set_alpn_protocols([PROTOCOL])
    options = {"ssl": context, "statement_cache_size": 0, **options}
    async with asyncio.timeout(HANGING):
        return await asyncpg.connect(
            host="localhost", port=door.port, user=USER, password=PASSWORD, database="postgres", **options
        )


async def ask(neon: Neon, door: FrontDoor, **options: Any) -> int:
    connection = await connect(neon, door, **options)
    try:
        async with asyncio.timeout(HANGING):
            answer: int = await connection.fetchval("SELECT $1::int + 1", 41)
            await connection.close()
            return answer
    finally:
        connection.terminate()


async def until_closed(connection: Any) -> None:
    async with asyncio.timeout(HANGING):
        while not connection.is_closed():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("direct", "expected"), [(False, CONNECT), (True, DIRECT)])
async def test_round_trips_are_counted(neon: Neon, direct: bool, expected: int) -> None:
    with neon.door() as door:
        connection = await connect(neon, door, direct_tls=direct)
        (seen,) = door.connections
        assert (seen.direct, seen.round_trips) == (direct, expected)
        assert seen.startup["user"] == USER
        await connection.fetchval("SELECT $1::int", 1)
        assert seen.round_trips == expected + STATEMENT
        await connection.close()
        await asyncio.to_thread(door.settle)
        assert seen.round_trips == expected + STATEMENT + CLOSE
    assert seen.messages[0] == ("client", "Startup")
    assert seen.messages[-1] == ("client", "Terminate")
    assert ("server", "DataRow") in seen.messages


async def test_each_round_trip_is_delayed(neon: Neon) -> None:
    with neon.door(delay=0.02) as door:
        begin = time.monotonic()
        await ask(neon, door)
        assert time.monotonic() - begin >= (CONNECT + STATEMENT) * 2 * 0.02
        assert door.connections[0].round_trips == CONNECT + STATEMENT + CLOSE


async def test_a_proxy_without_direct_tls(neon: Neon) -> None:
    with neon.door(direct=False) as door:
        with pytest.raises(LOST):
            await ask(neon, door, direct_tls=True)
        assert await ask(neon, door) == 42


async def test_a_client_without_tls_is_refused(neon: Neon) -> None:
    with neon.door() as door, pytest.raises(asyncpg.PostgresError, match="connection is insecure"):
        await ask(neon, door, ssl=False)


async def test_a_proxy_without_tls(neon: Neon) -> None:
    with FrontDoor(neon.socket) as door:
        assert await ask(neon, door, ssl=False) == 42
        assert await ask(neon, door, ssl="prefer") == 42
        with pytest.raises(ConnectionError):
            await ask(neon, door)


async def test_large_messages_pass_unchanged(neon: Neon) -> None:
    with neon.door() as door:
        connection = await connect(neon, door)
        text = "ä" * 1_000_000
        assert await connection.fetchval("SELECT $1::text", text) == text
        assert len(await connection.fetch("SELECT generate_series(1, 10000)")) == 10000
        await connection.close()


@BOTH_TIERS
@pytest.mark.parametrize("kind", ["close", "terminated"])
async def test_a_connection_can_be_cut_after_each_message(neon: Neon, kind: Literal["close", "terminated"]) -> None:
    with neon.door() as door:
        await ask(neon, door)
        messages = door.connections[0].messages
        ready = messages.index(("server", "ReadyForQuery"))
        answered = messages.index(("server", "ReadyForQuery"), ready + 1)
        door.cut_kind = kind
        for door.cut_after in range(1, answered + 1, choose(4, 1)):
            with pytest.raises(LOST) as caught:
                await ask(neon, door)
            if door.cut_after <= ready:
                # After that, asyncpg has several ways of reporting a lost connection.
                assert isinstance(caught.value, asyncpg.AdminShutdownError) == (kind == "terminated")
            await asyncio.to_thread(door.settle)
            assert door.connections[-1].messages == messages[: door.cut_after]
        door.cut_after = answered + 1
        assert await ask(neon, door) == 42  # the cut comes too late


async def test_a_limited_number_of_connections_is_cut(neon: Neon) -> None:
    with neon.door(cut_after=1, cuts=1) as door:
        with pytest.raises(LOST):
            await ask(neon, door)
        assert await ask(neon, door) == 42


async def test_the_server_does_what_it_received_before_the_cut(neon: Neon) -> None:
    neon.server.execute("CREATE TABLE IF NOT EXISTS cut (number int)")
    with neon.door() as door:
        connection = await connect(neon, door)
        seen = door.connections[0]
        door.cut_after = len(seen.messages) + 1  # a query in the simple protocol
        with pytest.raises(LOST):
            await connection.execute("INSERT INTO cut SELECT 1 FROM pg_sleep(0.2)")
        await asyncio.to_thread(door.settle)
        assert seen.messages[-1] == ("client", "Query")
        assert len(neon.server.execute("SELECT FROM cut")) == 1
        connection.terminate()


async def test_connections_are_reset(neon: Neon) -> None:
    with neon.door(refuse=2) as door:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await ask(neon, door)
        assert await ask(neon, door) == 42


async def test_a_sleeping_proxy(neon: Neon) -> None:
    with neon.door(asleep=True) as door:
        with pytest.raises(ConnectionRefusedError):
            await ask(neon, door)
        assert door.connections == []
        door.wake()
        assert await ask(neon, door) == 42


async def test_a_proxy_that_never_wakes(neon: Neon) -> None:
    with neon.door(asleep=True) as door, pytest.raises(ConnectionRefusedError):
        await ask(neon, door)


async def test_a_slow_proxy(neon: Neon) -> None:
    with neon.door(hold=0.3) as door:
        begin = time.monotonic()
        assert await ask(neon, door) == 42
        assert time.monotonic() - begin >= 0.3


async def test_connections_are_refused_with_a_message(neon: Neon) -> None:
    with neon.door(answer=("57P03", "the database system is starting up"), answers=1) as door:
        with pytest.raises(asyncpg.CannotConnectNowError, match="starting up"):
            await ask(neon, door)
        assert door.connections[0].startup["user"] == USER
        assert await ask(neon, door) == 42


async def test_an_idle_connection_is_dropped(neon: Neon) -> None:
    with neon.door(drop_idle=1) as door:
        connection = await connect(neon, door)
        begin = time.monotonic()
        assert await connection.fetchval("SELECT $1::int", 1) == 1
        await until_closed(connection)
        assert time.monotonic() - begin >= 1
        with pytest.raises(LOST):
            await connection.fetchval("SELECT 1")


async def test_the_endpoint_is_read_by_the_proxy(neon: Neon) -> None:
    with neon.door() as door:
        assert await ask(neon, door, server_settings={"options": "endpoint=ep-cool-darkness-a1b2c3d4"}) == 42
        assert door.connections[0].startup["options"] == "endpoint=ep-cool-darkness-a1b2c3d4"
        connection = await connect(neon, door, server_settings={"options": "-c work_mem=5MB"})
        assert await connection.fetchval("SHOW work_mem") == "5MB"
        await connection.close()


async def test_a_statement_is_cancelled_through_the_proxy(neon: Neon) -> None:
    with neon.door() as door:
        connection = await connect(neon, door)
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT pg_sleep(60)", timeout=0.2)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        assert ("client", "CancelRequest") in door.connections[1].messages


async def test_closing_the_proxy_ends_open_connections(neon: Neon) -> None:
    with neon.door() as door:
        connection = await connect(neon, door)
    await until_closed(connection)


@pytest.mark.usefixtures("names_of_this_machine")
async def test_urls_lead_through_the_proxy(neon: Neon) -> None:
    with neon.door() as door:
        for host in ("localhost", "db.example.test", ADDRESS):
            context = ssl.create_default_context(cafile=str(neon.roots))
            connection = await asyncpg.connect(neon.url(door, "template", host=host), ssl=context)
            assert await connection.fetchval("SELECT current_user") == USER
            await connection.close()


def test_a_process_connects_through_the_proxy(neon: Neon, tmp_path: Path) -> None:
    neon.server.fresh("through_the_door")
    with neon.door() as door:
        url = neon.url(door, "through_the_door", host=ADDRESS)
        todo = Cli(tmp_path / "home", TODO_DATABASE_URL=url)
        assert "Buy milk" in todo("add", "Buy milk").out
        assert door.connections[0].startup["database"] == "through_the_door"
        door.settle()
        seen = len(door.connections)
        (neon.roots.parent / "none.pem").write_text(trustme.CA().cert_pem.bytes().decode())
        refused = todo("list", TODO_DATABASE_URL=url.replace("roots.pem", "none.pem"))
        assert "certificate" in refused.err
        door.settle()
        assert all(connection.startup == {} for connection in door.connections[seen:])


async def test_a_pooler_serves_more_clients_than_it_has_connections(neon: Neon, pgbouncer: str) -> None:
    with FrontDoor(pgbouncer, neon.certificate) as door:
        clients = await asyncio.gather(*(connect(neon, door) for _ in range(8)))
        async with asyncio.timeout(HANGING):
            statements = [client.fetchval("SELECT pg_backend_pid() + $1::int", 0) for client in clients]
            servers = await asyncio.gather(*statements)
        assert len(set(servers)) <= 2
        for client in clients:
            await client.close()
        await asyncio.to_thread(door.settle)
        assert {seen.round_trips for seen in door.connections} == {CONNECT + STATEMENT + CLOSE}
