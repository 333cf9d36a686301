"""Databases for tests: SQLite files, and a real PostgreSQL that is started for the session. One suite runs on both."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.commands import Cli, Here, Result, attend_to_interruptions, stop_resident
from tests.servers import Server, initialize, memory_folder, parse_patient_target, start_server
from todo_cli.db.connection.target import Target
from todo_cli.db.database import Database

__all__ = ["BERLIN", "NOW", "Cli", "FilledOnce", "Here", "OpenDatabase", "Result", "Server", "start_server"]

pytest_plugins = ["tests.neon", "tests.new_fields", "tests.tiers"]

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=BERLIN)  # a Sunday

if folder := memory_folder():
    # The tests create thousands of short-lived databases that are synced to disk; keep them in memory if possible.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cold", action="store_true", help="run commands without a resident process")


def pytest_configure() -> None:
    attend_to_interruptions()
    # Without byte code, every command that a test starts would compile the whole package again.
    sys.dont_write_bytecode = False
    for variable in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(variable, None)


def pytest_collection_finish() -> None:
    """Exclude imported objects from garbage collection, which would take a seventh of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if sys.platform == "win32":
        pytest.skip("the PostgreSQL for tests is not packaged for Windows")
    server = start_server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "todo.db"
    initialize(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without tables."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'todo.db'}"
    server: Server = request.getfixturevalue("server")
    return server.create("empty")


@pytest.fixture
def make_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Create databases with the current tables and one user, `alex`."""
    numbers = count(1)

    def make() -> str:
        number = next(numbers)
        if dialect == "sqlite":
            path = tmp_path / ("todo.db" if number == 1 else f"todo_{number}.db")
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        server: Server = request.getfixturevalue("server")
        return server.fresh(f"test_{number}")

    return make


@pytest.fixture
def url(make_url: Callable[[], str]) -> str:
    """A database with the current tables and one user, `alex`."""
    return make_url()


@pytest.fixture
def target(url: str) -> Target:
    return parse_patient_target(url)


OpenDatabase = Callable[..., Database]


@pytest.fixture
async def open_db(target: Target) -> AsyncIterator[OpenDatabase]:
    """Open the database as a given user at a given time."""
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


Fill = Callable[[Database], Awaitable[None]]
FilledOnce = Callable[[Fill], Awaitable[Database]]


@pytest.fixture(scope="session")
def filled_urls() -> dict[tuple[str, Fill], str]:
    return {}


@pytest.fixture
async def filled_once(
    dialect: str,
    filled_urls: dict[tuple[str, Fill], str],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[FilledOnce]:
    """Open a database that a function has filled once, for all tests that only read it."""
    opened: list[Database] = []

    def make() -> str:
        if dialect == "sqlite":
            path = tmp_path_factory.mktemp("filled") / "todo.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        server: Server = request.getfixturevalue("server")
        return server.fresh(f"filled_{len(filled_urls)}")

    async def open_(fill: Fill) -> Database:
        url = filled_urls.get((dialect, fill)) or make()
        opened.append(Database(parse_patient_target(url), now=NOW, user_name="alex"))
        if (dialect, fill) not in filled_urls:
            await fill(opened[-1])
            filled_urls[dialect, fill] = url
        return opened[-1]

    yield open_
    for database in opened:
        await database.__aexit__()


@pytest.fixture(scope="session", autouse=True)
def known_statements() -> Iterator[None]:
    """Share compiled statements, because every command has its own engine and would compile them again."""
    from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.util import LRUCache

    from todo_cli.db.connection.engine import make_engine
    from todo_cli.db.connection.postgresql import LeanDialect

    compiled = LRUCache[object, object](2000)

    def make_knowing_engine(*arguments: object, **options: object) -> AsyncEngine:
        engine = make_engine(*arguments, **options)  # type: ignore[arg-type]
        engine.sync_engine._compiled_cache = compiled  # type: ignore[assignment]
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("todo_cli.db.database.make_engine", make_knowing_engine)
        for dialect in (LeanDialect, SQLiteDialect_aiosqlite):  # part of the key, and equal in every engine
            patch.setattr(dialect, "__hash__", lambda self: hash(type(self)))
            patch.setattr(dialect, "__eq__", lambda self, other: type(self) is type(other))
        yield


@pytest.fixture(scope="session", autouse=True)
def way_of_commands(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a resident process of this session run the commands, unless they are to run cold."""
    from tests.tiers import is_exhaustive

    if request.config.option.cold:
        yield
        return
    folder = tempfile.mkdtemp(prefix="todo-run-")  # paths of sockets have to be short
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cli, "warm", {"TODO_RESIDENT": "on", "XDG_RUNTIME_DIR": folder})
        if not is_exhaustive():
            patch.setattr(Cli, "way", Cli.warm)
        yield
        stop_resident(folder)
    shutil.rmtree(folder)


@pytest.fixture
def cli(url: str, dialect: str, tmp_path: Path) -> Cli:
    """The `todo` process on an initialized database."""
    cli = Cli(tmp_path / "home", TODO_DATABASE_URL=url)
    if dialect == "postgresql":
        cli.use_resident()
    return cli


@pytest.fixture
def fresh_cli(tmp_path: Path) -> Cli:
    """The `todo` process as on a new machine, without configuration or database."""
    return Cli(tmp_path / "home")


@pytest.fixture
def todo(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The `todo` command in this process, on an initialized database."""
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TODO_DATABASE_URL", url)
    monkeypatch.delenv("TODO_USER", raising=False)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    return Here(capsys)
