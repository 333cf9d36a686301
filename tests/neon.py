"""A server like Neon's: behind a proxy with a host name and a certificate, with a password, and with a pooler."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import trustme

from tests.conftest import Server
from tests.front_door import FrontDoor
from tests.waits import HANGING, wait_until

HOST = "db.example.test"
"""A name that is not local; the fixture `names_of_this_machine` resolves it to this machine, in the test process."""

ADDRESS = "0.0.0.0"
"""An address that does not look local but leads to this machine in every process."""

ENDPOINT = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"
POOLED_ENDPOINT = ENDPOINT.replace(".", "-pooler.", 1)
"""Host names like Neon's; `names_of_this_machine` resolves them to this machine, too."""

NAMES = ("localhost", "127.0.0.1", HOST, ADDRESS, ENDPOINT, POOLED_ENDPOINT)

USER, PASSWORD = "alex", "AbC123dEf"


@dataclass
class Neon:
    """A server whose user `alex` has a password, and what is needed to put proxies in front of it."""

    server: Server
    certificate: trustme.LeafCert
    roots: Path

    @property
    def socket(self) -> str:
        (folder,) = parse_qs(urlsplit(self.server.admin_url).query)["host"]
        return f"{folder}/.s.PGSQL.5432"

    def door(self, **options: Any) -> FrontDoor:
        return FrontDoor(self.socket, self.certificate, **options)

    def url(self, door: FrontDoor, database: str = "postgres", *, host: str = "localhost", **options: str) -> str:
        """Return the URL of a database behind a proxy: at `localhost`, or at HOST or ADDRESS to have it verified."""
        query = urlencode({"sslmode": "require", "sslrootcert": str(self.roots), **options})
        return f"postgresql://{USER}:{PASSWORD}@{host}:{door.port}/{database}?{query}"


@pytest.fixture(scope="session")
def neon(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Neon:
    return make_neon(server, tmp_path_factory.mktemp("authority"))


def make_neon(server: Server, folder: Path) -> Neon:
    """Create a user with a password on the server, and an authority whose certificate is in the folder."""
    _require_password(server)
    authority = trustme.CA()
    roots = folder / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    return Neon(server, authority.issue_cert(*NAMES), roots)


def _require_password(server: Server) -> None:
    server.execute(f"CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
    rules = Path(server.execute("SHOW hba_file")[0][0])
    rules.write_text(f"local all {USER} scram-sha-256\n{rules.read_text()}")

    def loaded() -> Any:
        return server.execute("SELECT pg_conf_load_time()")[0][0]

    before = loaded()
    server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: loaded() != before)


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Blame an unclosed connection on the test that left it open, not on the next one."""
    yield
    if "neon" in request.fixturenames:
        gc.collect()
        gc.freeze()  # exclude what is left from garbage collection, which would take a second


@pytest.fixture
def names_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Resolve the names to loopback in this process, and return those that were looked up."""
    look_up = socket.getaddrinfo
    looked_up: list[str] = []

    def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
        looked_up.append(host)
        return look_up("127.0.0.1" if host in NAMES else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    return looked_up


@pytest.fixture
def pgbouncer(neon: Neon) -> Iterator[str]:
    """The unix socket of a PgBouncer in transaction mode; a proxy can be put in front of it, too."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not program:
        assert "CI" not in os.environ, "pgbouncer is not installed"
        pytest.skip("pgbouncer is not installed")
    # It refuses to run as root, and only the user that the server runs as may use its socket.
    owner = Path(neon.socket).stat()
    as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:  # paths of sockets have to be short
        folder = Path(name)
        users, settings, log = folder / "users.txt", folder / "pgbouncer.ini", folder / "log"
        users.write_text(f'"{USER}" "{PASSWORD}"\n')
        settings.write_text(
            f"""
            [databases]
            * = host={Path(neon.socket).parent} user=postgres
            [pgbouncer]
            listen_addr =
            unix_socket_dir = {folder}
            auth_type = scram-sha-256
            auth_file = {users}
            pool_mode = transaction
            default_pool_size = 2
            """.replace("\n" + " " * 12, "\n")
        )
        for path in (folder, users, settings):
            shutil.chown(path, owner.st_uid, owner.st_gid)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **(as_owner if os.geteuid() == 0 else {}),
            )
        try:
            path = folder / ".s.PGSQL.6432"
            wait_until(lambda: _answers(path) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield str(path)
        finally:
            process.terminate()
            process.wait(timeout=HANGING)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
