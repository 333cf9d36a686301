"""Remote servers: the certificate is verified before a password is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme

from tests.conftest import NOW
from tests.front_door import FrontDoor
from tests.neon import HOST, PASSWORD, USER
from todo_cli.db.connection.target import parse_target
from todo_cli.db.database import Database
from todo_cli.errors import DatabaseUnavailableError
from todo_cli.query.filter.ast import And
from todo_cli.services.listing import ListQuery, list_todos

pytestmark = pytest.mark.usefixtures("names_of_this_machine")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


async def knock(door: FrontDoor, roots: Path | None) -> DatabaseUnavailableError:
    options = f"sslmode=require&connect_timeout=1{f'&sslrootcert={roots}' if roots else ''}"
    target = parse_target(f"postgresql://{USER}:{PASSWORD}@{HOST}:{door.port}/dbname?{options}")
    async with Database(target, now=NOW) as db:
        with pytest.raises(DatabaseUnavailableError) as caught:
            await list_todos(db, ListQuery(And(())))
    assert PASSWORD not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


async def introduction(door: FrontDoor) -> dict[str, str]:
    """Wait until the client hangs up, and return its startup parameters, which come first."""
    await asyncio.to_thread(door.settle)
    return door.connections[0].startup


async def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    with FrontDoor(None, authority.issue_cert(HOST)) as door:
        error = await knock(door, roots=None)
        assert await introduction(door) == {}
    assert "certificate" in error.message


async def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    with FrontDoor(None, authority.issue_cert("other.example.test")) as door:
        error = await knock(door, tmp_path / "roots.pem")
        assert await introduction(door) == {}
    assert "certificate" in error.message


async def test_a_server_without_tls_is_refused() -> None:
    with FrontDoor(None) as door:
        await knock(door, roots=None)
        assert await introduction(door) == {}


async def test_a_valid_certificate_is_accepted(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    with FrontDoor(None, authority.issue_cert(HOST)) as door:
        await knock(door, tmp_path / "roots.pem")  # it hangs up after the first message
        assert (await introduction(door))["user"] == USER
