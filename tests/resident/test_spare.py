"""The connection that a waiting worker opens for the next command, through the stand-in for Neon's proxy."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.front_door import FrontDoor
from tests.neon import PASSWORD, Neon
from tests.resident.conftest import Home, end, wait_until

CONNECTING = 6
"""Round trips of TCP, TLS and a password; see docs/round-trips.md."""


@pytest.fixture
def door(neon: Neon) -> Iterator[FrontDoor]:
    neon.server.fresh("ahead")
    with neon.door(delay=0.01) as door:
        yield door


@pytest.fixture
def remote(alone: Home, neon: Neon, door: FrontDoor) -> Home:
    """The `todo` process with a resident, on a database behind the proxy."""
    alone.environment["TODO_DATABASE_URL"] = neon.url(door, "ahead")
    alone.start_resident()
    return alone


def wait_for_spare(home: Home) -> None:
    wait_until(lambda: home.status().spare_host is not None, "a worker is connected")


def trips(home: Home, door: FrontDoor, *arguments: str) -> int:
    """Return the round trips of a command, which has to use the connection that was opened in advance."""
    wait_for_spare(home)
    connection = door.connections[-1]
    known = len(door.connections)
    assert home.serve(*arguments).code == 0
    wait_until(connection.ended.is_set, "the connection is closed")
    wait_until(lambda: home.status().spare_host is not None, "the next worker is connected")
    assert len(door.connections) == known + 1, "the command has opened a connection, beside the next spare one"
    return connection.round_trips - CONNECTING


def test_the_next_commands_cost_only_their_statements(remote: Home, door: FrontDoor) -> None:
    assert remote.serve("add", "First", "+shop").code == 0
    assert trips(remote, door, "add", "Second") == 2
    assert trips(remote, door, "list") == 2
    assert trips(remote, door, "list", "+shop") == 2
    assert trips(remote, door, "done", "1") <= 4


def test_nothing_is_sent_while_it_waits(remote: Home, door: FrontDoor) -> None:
    remote.serve("list")
    wait_for_spare(remote)
    said = len(door.connections[-1].messages)
    remote.serve("list", TODO_DATABASE_URL="sqlite:///./other.db")
    spare = door.connections[-1]
    wait_until(spare.ended.is_set, "a command for another database closes it")
    assert [message for message in spare.messages[said:] if message[0] == "client"] == [("client", "Terminate")]


def test_there_is_at_most_one_spare_and_it_ends_with_the_resident(remote: Home, door: FrontDoor) -> None:
    processes = [remote.start("list") for _ in range(6)]
    for process in processes:
        with process:
            process.communicate()
        assert process.returncode == 0
    wait_for_spare(remote)
    wait_until(lambda: sum(not each.ended.is_set() for each in door.connections) == 1, "one connection is left")
    end(remote.pid)
    wait_until(lambda: all(each.ended.is_set() for each in door.connections), "it is closed")


def test_a_spare_that_the_server_dropped(remote: Home, door: FrontDoor, neon: Neon) -> None:
    remote.serve("list")
    wait_for_spare(remote)
    neon.server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ahead' AND pid <> pg_backend_pid()"
    )
    assert remote.serve("add", "Once").code == 0
    assert remote.serve("list").ids == [1]


def test_a_line_that_fell_silent(remote: Home, door: FrontDoor) -> None:
    remote.serve("list")
    wait_for_spare(remote)
    door.connections[-1].silent = True
    assert remote.serve("add", "Once").code == 0
    assert remote.serve("list").ids == [1]


def test_another_password(remote: Home, door: FrontDoor, neon: Neon) -> None:
    """With another password the connection counts as another user's, so a wrong password is not accepted."""
    remote.serve("list")
    wait_for_spare(remote)
    wrong = remote.environment["TODO_DATABASE_URL"].replace(PASSWORD, "WrongOne")
    result = remote.serve("list", TODO_DATABASE_URL=wrong)
    assert result.code == 5
    assert "WrongOne" not in result.err


def test_the_password_is_not_visible_anywhere(remote: Home, door: FrontDoor) -> None:
    remote.serve("list")
    wait_for_spare(remote)
    status = remote("resident", "status", "--json")
    assert '"spare_host": "localhost"' in status.out
    assert PASSWORD not in status.out
    assert PASSWORD not in repr(remote.status())


def test_a_server_that_has_gone(remote: Home, door: FrontDoor) -> None:
    """The worker that cannot connect ends, and the resident continues."""
    remote.serve("list")
    wait_for_spare(remote)
    door.__exit__()
    assert remote.serve("list", TODO_CONNECT_TIMEOUT="0.2").code == 5
    assert remote.serve("list", TODO_DATABASE_URL="sqlite:///./other.db").code == 0
    os.kill(remote.pid, signal.SIGTERM)


def test_another_database_is_connected_in_between(remote: Home, door: FrontDoor, neon: Neon) -> None:
    """The connection that was opened ahead leads to the database of before, and is not used for another one."""
    url = remote.environment.pop("TODO_DATABASE_URL")
    neon.server.fresh("other")
    for database, title in ((url, "Here"), (url.replace("/ahead", "/other"), "There")):
        assert remote("db", "connect", database).code == 0
        assert remote.serve("list").out == ""
        wait_for_spare(remote)
        assert remote.serve("add", title).code == 0
    assert remote.serve("list").out.splitlines()[0].endswith("There")
    wait_for_spare(remote)
    assert remote("db", "disconnect").code == 0
    assert remote.serve("list").out == ""
    for database, title in ((url, "Here"), (url.replace("/ahead", "/other"), "There")):
        listed = remote("list", TODO_DATABASE_URL=database).out.splitlines()
        assert [line.rpartition("\t")[2] for line in listed] == [title]


def test_a_second_ctrl_c_while_storing(remote: Home, door: FrontDoor) -> None:
    """The first is held back, since the server may have stored the change; the second gives up, and says so."""
    assert remote.serve("list").code == 0
    wait_for_spare(remote)
    first = door.connections[-1]
    assert remote.serve("add", "Stored").code == 0
    wait_until(first.ended.is_set, "the connection is closed")
    wait_for_spare(remote)
    connection = door.connections[-1]
    place = max(place for place, message in enumerate(first.messages, 1) if message == ("client", "Sync"))
    door.silent_after, door.silences = place, 1
    process = remote.start("add", "Stored or not")
    wait_until(lambda: connection.silent, "the statement is on its way")

    def has_ended() -> bool:  # two signals of a kind that are pending at once are one
        process.send_signal(signal.SIGINT)
        return process.poll() is not None

    wait_until(has_ended, "it gives up")
    _, err = process.communicate()
    assert process.returncode == 130
    assert b"interrupted while storing the change" in err
    door.silent_after = None
    assert len(remote("list").ids) in (1, 2)
