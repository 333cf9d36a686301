"""The way to a server that is not this machine: its certificate is verified before a password could be sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.conftest import NOW
from todo_cli.db.database import Database
from todo_cli.db.target import parse_target
from todo_cli.errors import DatabaseUnavailableError
from todo_cli.query.filters import And
from todo_cli.services.listing import ListQuery, list_todos

HOST = "db.example.test"


class FrontDoor:
    """A server on loopback that answers one request for TLS, and keeps what is said to it afterwards."""

    def __init__(self, certificate: trustme.LeafCert | None) -> None:
        self._certificate = certificate
        self.said = b""
        self.port = 0

    def __enter__(self) -> FrontDoor:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(30)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()

    def _answer(self) -> None:
        plain, _ = self._socket.accept()
        with plain, contextlib.suppress(OSError):
            plain.settimeout(30)
            plain.recv(8)  # SSLRequest (PostgreSQL manual, 54.7)
            if self._certificate is None:
                plain.sendall(b"N")
                plain.settimeout(2)  # what is said after that would be said by then
                self.said += plain.recv(1000)
                return
            plain.sendall(b"S")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._certificate.configure_cert(context)
            with context.wrap_socket(plain, server_side=True) as secured:
                self.said += secured.recv(1000)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def name_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a name that is not local lead to loopback."""
    look_up = socket.getaddrinfo

    def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == HOST else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


async def knock(door: FrontDoor, roots: Path | None) -> DatabaseUnavailableError:
    options = f"sslmode=require{f'&sslrootcert={roots}' if roots else ''}"
    target = parse_target(f"postgresql://alex:AbC123dEf@{HOST}:{door.port}/dbname?{options}")
    async with Database(target, now=NOW) as db:
        with pytest.raises(DatabaseUnavailableError) as caught:
            await list_todos(db, ListQuery(And(())))
    assert "AbC123dEf" not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


async def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    with FrontDoor(authority.issue_cert(HOST)) as door:
        error = await knock(door, roots=None)
    assert "certificate" in error.message
    assert door.said == b""


async def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    with FrontDoor(authority.issue_cert("other.example.test")) as door:
        error = await knock(door, tmp_path / "roots.pem")
    assert "certificate" in error.message
    assert door.said == b""


async def test_a_server_without_tls_is_refused() -> None:
    with FrontDoor(None) as door:
        await knock(door, roots=None)
    assert door.said == b""


async def test_the_right_certificate_is_spoken_to(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    with FrontDoor(authority.issue_cert(HOST)) as door:
        await knock(door, tmp_path / "roots.pem")  # it hangs up after the first words
    assert b"user\0alex\0" in door.said
