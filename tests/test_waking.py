"""Servers that sleep, start, restart or refuse: what is waited for, what is not, and which messages appear."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.conftest import Cli, Here, Result
from tests.front_door import FrontDoor
from tests.neon import ADDRESS, PASSWORD, Neon
from tests.terminal import at_terminal, on_screen
from tests.tiers import choose, is_exhaustive
from tests.waits import HANGING, wait_until

DATABASE = "waking"


@pytest.fixture
def door(neon: Neon) -> Iterator[FrontDoor]:
    neon.server.fresh(DATABASE)
    with neon.door() as door:
        yield door


@pytest.fixture
def cli(neon: Neon, door: FrontDoor, tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(door, DATABASE, host=ADDRESS))


def check_error(result: Result, message: str, hint: str) -> None:
    """Assert that it failed with one line and a hint, without a password."""
    assert result.code == 5, result
    error, advice = result.err.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert hint in advice
    assert PASSWORD not in result.err


class TestWaking:
    def test_a_refused_connection_is_tried_again(self, cli: Cli, door: FrontDoor) -> None:
        door.refuse = 3
        assert cli("add", "a").ids == [1]
        assert len(door.connections) == 4

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            ("57P03", "the database system is starting up"),
            ("53300", "sorry, too many clients already"),
            ("XX000", "Couldn't connect to compute node"),
        ],
    )
    def test_a_server_that_is_not_ready_is_tried_again(self, cli: Cli, door: FrontDoor, code: str, text: str) -> None:
        door.answer, door.answers = (code, text), 2
        assert cli("add", "a").ids == [1]
        assert len(door.connections) == 3

    @pytest.mark.usefixtures("door")
    def test_a_port_without_a_listener_is_waited_for_with_a_spinner_on_a_terminal(
        self, neon: Neon, tmp_path: Path
    ) -> None:
        with neon.door(asleep=True) as sleeping:
            cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(sleeping, DATABASE, host=ADDRESS))
            reaction = (f"Waiting for {DATABASE} on {ADDRESS}", sleeping.wake)
            seen = at_terminal([sys.executable, "-m", "todo_cli", "add", "a"], cli.environment, reaction=reaction)
            assert seen.code == 0
            assert "1" in seen.out.splitlines()[-1]

    def test_there_is_no_spinner_without_waiting(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, value in cli.environment.items():
            monkeypatch.setenv(name, value)
        assert not [line for line in on_screen("list") if "Waiting" in line]
        monkeypatch.setattr("todo_cli.rendering.format.spinner.PATIENCE", 0)
        assert Here(capsys)("list").err == ""  # nor if nobody would see it

    @pytest.mark.parametrize("trouble", ["refuse", "asleep", "hold"])
    def test_waiting_ends_after_the_timeout(self, neon: Neon, door: FrontDoor, tmp_path: Path, trouble: str) -> None:
        options: dict[str, Any] = {"refuse": 1000, "asleep": True, "hold": 1000.0}
        with neon.door(**{trouble: options[trouble]}) as bad:
            url = neon.url(bad, DATABASE, host=ADDRESS)
            cli = Cli(tmp_path / "home", TODO_DATABASE_URL=url, TODO_CONNECT_TIMEOUT="0.5")
            started = time.monotonic()
            check_error(cli("add", "a"), f"cannot reach {DATABASE}", "check the network")
            assert time.monotonic() - started > 0.5
            if trouble == "hold":
                bad.hold = 0

    def test_the_environment_overrides_the_setting(self, neon: Neon, tmp_path: Path) -> None:
        with neon.door(asleep=True) as bad:
            cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(bad, DATABASE, host=ADDRESS))
            assert cli("config", "set", "connect_timeout", "0.2").code == 0
            check_error(cli("list"), "cannot reach", "network")
            assert json.loads(cli("config", "get", "connect_timeout", "--json").out)["value"] == 0.2
            assert (
                json.loads(cli("config", "get", "connect_timeout", "--json", TODO_CONNECT_TIMEOUT="3").out)["value"]
                == 3
            )
            assert cli("list", TODO_CONNECT_TIMEOUT="soon").code == 2

    def test_an_interruption_while_waiting_ends_it(self, neon: Neon, tmp_path: Path) -> None:
        with neon.door(refuse=1000) as refusing:
            cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(refusing, DATABASE, host=ADDRESS))
            process = cli.start("add", "a")
            wait_until(lambda: len(refusing.connections) > 1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANGING)
        assert (process.returncode, out, err) == (130, b"", b"error: interrupted\n")


class TestPermanentErrors:
    def test_a_wrong_password(self, cli: Cli, door: FrontDoor) -> None:
        wrong = cli.environment["TODO_DATABASE_URL"].replace(PASSWORD, "wrong")
        check_error(
            cli("list", TODO_DATABASE_URL=wrong), "password authentication failed", "check the user and the pass"
        )
        assert len(door.connections) == 1

    def test_a_database_that_does_not_exist(self, cli: Cli, door: FrontDoor) -> None:
        other = cli.environment["TODO_DATABASE_URL"].replace(f"/{DATABASE}?", "/no_such_list?")
        check_error(
            cli("list", TODO_DATABASE_URL=other), '"no_such_list" does not exist', "check the name of the database"
        )
        assert len(door.connections) == 1

    def test_a_wrong_certificate(self, cli: Cli, door: FrontDoor, tmp_path: Path) -> None:
        roots = tmp_path / "others.pem"
        trustme.CA().cert_pem.write_to_path(str(roots))
        url = cli.environment["TODO_DATABASE_URL"].partition("&sslrootcert")[0] + f"&sslrootcert={roots}"
        check_error(cli("list", TODO_DATABASE_URL=url), "certificate", "nothing was sent")
        assert [connection.startup for connection in door.connections] == [{}]

    def test_a_server_without_tls(self, neon: Neon, cli: Cli) -> None:
        with FrontDoor(neon.socket) as plain:
            check_error(
                cli("list", TODO_DATABASE_URL=neon.url(plain, DATABASE, host=ADDRESS)), "does not support TLS", "check"
            )
            assert [connection.startup for connection in plain.connections] == [{}]

    def test_a_host_that_does_not_exist(self, cli: Cli) -> None:
        url = f"postgresql://alex:{PASSWORD}@ep-nowhere.invalid/dbname?sslmode=require"
        check_error(cli("list", TODO_DATABASE_URL=url, TODO_CONNECT_TIMEOUT="1"), "cannot reach dbname", "the host")

    @pytest.mark.parametrize(
        "text",
        [
            "Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits.",
            "The endpoint has been disabled. Enable it using Neon API and retry.",
        ],
    )
    def test_messages_of_neon_are_passed_on(self, cli: Cli, door: FrontDoor, text: str) -> None:
        door.answer = ("XX000", text)
        check_error(cli("list"), text, "neither disabled nor over its quota")
        assert len(door.connections) == 1


class TestTls:
    def test_direct_tls_on_request(self, neon: Neon, cli: Cli, door: FrontDoor) -> None:
        url = neon.url(door, DATABASE, host=ADDRESS, sslnegotiation="direct")
        assert cli("list", TODO_DATABASE_URL=url).code == 0
        assert cli("list").code == 0
        assert [connection.direct for connection in door.connections] == [True, False]

    def test_refused_direct_tls_falls_back_once(self, neon: Neon, cli: Cli, door: FrontDoor) -> None:
        door.direct = False
        url = neon.url(door, DATABASE, host=ADDRESS, sslnegotiation="direct")
        assert cli("list", TODO_DATABASE_URL=url).code == 0
        assert [connection.direct for connection in door.connections] == [True, False]

    def test_only_our_setting_turns_verification_off(
        self, neon: Neon, cli: Cli, door: FrontDoor, tmp_path: Path
    ) -> None:
        roots = tmp_path / "others.pem"
        trustme.CA().cert_pem.write_to_path(str(roots))
        url = neon.url(door, DATABASE, host=ADDRESS).partition("?")[0] + "?sslmode=require"
        for mode in ("disable", "allow", "prefer", "require"):
            assert cli("list", TODO_DATABASE_URL=url.replace("require", mode)).code == 5
        assert cli("config", "set", "verify_tls", "no").code == 0
        status = json.loads(cli("db", "status", "--json", TODO_DATABASE_URL=url).out)
        assert (status["tls"], status["tls_verified"]) == ("TLSv1.3", False)
        diagnosis = cli("doctor", TODO_DATABASE_URL=url)
        assert diagnosis.code == 1
        assert "the certificate is not verified" in diagnosis.out
        assert cli("config", "set", "verify_tls", "").code == 0
        assert cli("list", TODO_DATABASE_URL=url).code == 5


class TestPasswords:
    def test_from_the_password_file_and_the_environment(
        self, neon: Neon, cli: Cli, door: FrontDoor, tmp_path: Path
    ) -> None:
        url = neon.url(door, DATABASE, host=ADDRESS).replace(f":{PASSWORD}", "")
        check_error(cli("list", TODO_DATABASE_URL=url, PGPASSFILE="/nowhere"), "password", "check the user")
        assert cli("list", TODO_DATABASE_URL=url, PGPASSWORD=PASSWORD).code == 0
        passwords = tmp_path / ".pgpass"
        passwords.write_text(f"{ADDRESS}:*:{DATABASE}:alex:{PASSWORD}\n")
        passwords.chmod(0o600)
        assert cli("list", TODO_DATABASE_URL=url, PGPASSFILE=str(passwords)).code == 0
        assert cli("list", TODO_DATABASE_URL=f"{url}&passfile={passwords}").code == 0
        assert cli("list", TODO_DATABASE_URL=url, HOME=str(tmp_path)).code == 0
        passwords.chmod(0o644)
        check_error(cli("list", TODO_DATABASE_URL=url, PGPASSFILE=str(passwords)), "password", "group or world access")

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux shows where arguments are in memory")
    def test_the_process_list_does_not_show_passwords(self, neon: Neon, tmp_path: Path) -> None:
        with neon.door(refuse=1000) as refusing:
            cli = Cli(tmp_path / "home")
            for arguments in (["db", "connect", neon.url(refusing)], ["list", "--database", neon.url(refusing)]):
                refusing.connections.clear()
                process = cli.start(*arguments)
                wait_until(lambda: refusing.connections)
                line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=HANGING)
                assert b"\0postgresql://*****" in line
                assert PASSWORD.encode() not in line

    @pytest.mark.exhaustive
    @pytest.mark.long
    def test_no_error_shows_passwords(self, neon: Neon, cli: Cli, door: FrontDoor, tmp_path: Path) -> None:
        """Every way a connection can fail, as text, as JSON, and with --debug."""
        url = neon.url(door, DATABASE, host=ADDRESS)
        roots = tmp_path / "others.pem"
        trustme.CA().cert_pem.write_to_path(str(roots))
        plain = url.partition("?")[0]
        bad: list[tuple[str, dict[str, Any]]] = [
            (f"{plain}?sslrootcert={roots}", {}),
            (f"{plain}?sslrootcert={tmp_path}/none.pem", {}),
            (f"{plain}?sslmode=perhaps", {}),
            (f"{plain}?sslcert={roots}", {}),
            (url.replace(DATABASE, "nonexistent"), {}),
            (url.replace("alex:", "nobody:"), {}),
            (url.replace(str(door.port), "1"), {}),
            (url.replace(str(door.port), "x"), {}),
            (url.replace(PASSWORD, f"{PASSWORD}/x"), {}),
            (url.replace("postgresql", "mysql"), {}),
            (f"{url}&password={PASSWORD}", {}),
            (url, {"answer": ("XX000", "no")}),
            (url, {"refuse": 1000}),
            (url, {"cut_after": 20}),
            (url, {"cut_after": 26, "cut_kind": "terminated"}),
            (url, {"hold": 5.0}),
        ]
        for address, trouble in bad:
            usual = {name: getattr(door, name) for name in trouble}
            for name, value in trouble.items():
                setattr(door, name, value)
            commands = [
                ["add", "a", "--debug"],
                ["db", "copy", "--from", address, "--to", "embedded"],
                ["list"],
                ["done", "1", "--json"],
                ["db", "connect", address],
            ]
            for command in commands[: choose(2, 5)]:
                result = cli(*command, TODO_DATABASE_URL=address, TODO_CONNECT_TIMEOUT="0.3")
                assert result.code in (2, 5), (address, result)
                assert PASSWORD not in result.out + result.err, (address, command)
            for name, value in usual.items():
                setattr(door, name, value)
        shown = [
            cli(*command).out for command in (["db", "status"], ["config", "list"], ["doctor"], ["--json", "doctor"])
        ]
        assert PASSWORD not in "".join(shown)


def test_an_interruption_at_any_message_leaves_all_or_nothing(neon: Neon, cli: Cli, door: FrontDoor) -> None:
    for place in (1, 5, 22, 25, 28, 32) if is_exhaustive() else (5, 28):
        door.delay = 0.1
        process = cli.start("add", f"at {place}")
        number = len(door.connections)
        while process.poll() is None:
            if len(door.connections) > number and len(door.connections[number].messages) >= place:
                process.send_signal(signal.SIGINT)
                break
            time.sleep(0.005)
        out, err = process.communicate(timeout=HANGING)
        door.settle()
        found = neon.server.execute(f"SELECT id FROM todo.todos WHERE title = 'at {place}'", DATABASE)
        assert process.returncode in (0, 130), (place, err)
        assert len(found) == (process.returncode == 0), (place, out, err)
        assert bool(out) == (process.returncode == 0)
        assert os.linesep not in err.decode().strip()
