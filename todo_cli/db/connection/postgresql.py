"""Connecting to a PostgreSQL server: verified TLS, retries while it wakes up, and no unnecessary round trips."""

from __future__ import annotations

import asyncio
import random
import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from todo_cli.db.connection.compiled import Interchangeable
from todo_cli.db.connection.error_translation import explain_unreachable, is_failure, may_wake
from todo_cli.db.connection.line import Limits, WatchedConnection, WatchedDriver
from todo_cli.db.connection.spare import Access, Clocks, Spare, read_clocks
from todo_cli.db.connection.target import PostgresTarget
from todo_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from todo_cli.db.connection.waiting import Waiting

OLDEST_SERVER = (16,)
FIRST_PAUSE, MAX_PAUSE = 0.1, 2.0
_ALPN = "postgresql"  # direct TLS asks for it (PostgreSQL manual, 54.2.2)


class WatchedDialect(PGDialect_asyncpg):
    """asyncpg's dialect with timeouts, and without the closing handshake, which would be another round trip."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return WatchedDriver(asyncpg)  # type: ignore[no-untyped-call]

    def do_close(self, dbapi_connection: DBAPIConnection) -> None:
        """Close the connection. The server rolls back uncommitted changes."""
        dbapi_connection.driver_connection.terminate()

    do_terminate = do_close

    def do_rollback(self, dbapi_connection: DBAPIConnection) -> None:
        """Close the connection instead of rolling back, which saves a round trip; the pool opens another one."""
        line = dbapi_connection.driver_connection
        if not line.is_closed() and line.is_in_transaction():
            self.do_close(dbapi_connection)


class LeanDialect(Interchangeable, WatchedDialect):
    """The same without queries on a new connection.

    What SQLAlchemy queries on connect (version, schema, isolation) is known here, and JSON types are not used.
    """

    supports_statement_cache = True
    server_version_info = OLDEST_SERVER
    default_schema_name = "public"
    default_isolation_level = "READ COMMITTED"
    _backslash_escapes = False  # `standard_conforming_strings`, on since PostgreSQL 9.1

    def initialize(self, connection: Connection) -> None:
        """Run no queries."""

    def on_connect(self) -> None:
        """Register no codecs."""


registry.register("postgresql.lean", __name__, LeanDialect.__name__)
registry.register("postgresql.watched", __name__, WatchedDialect.__name__)


class ObservedContext(ssl.SSLContext):
    """A TLS context that keeps its last session, which asyncpg does not expose."""

    session: ssl.SSLObject | None = None

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        self.session = super().wrap_bio(*arguments, **options)
        return self.session


def make_postgresql_engine(
    target: PostgresTarget,
    waiting: Waiting = nullcontext,
    *,
    context: ssl.SSLContext | None = None,
    spare: Spare | None = None,
    reflecting: bool = False,
) -> AsyncEngine:
    """Return an engine whose connections are made with `connect`; it keeps one for the next statement of the command.

    `context` is from `make_tls_context`, for a caller that inspects it afterwards. `spare` is a connection that was
    opened ahead. `reflecting` uses SQLAlchemy's own dialect, which is needed to inspect tables and columns.
    """
    engine = create_async_engine(
        "postgresql+watched://" if reflecting else "postgresql+lean://",
        # One connection for all statements of a command; concurrent work has others.
        pool_size=1,
        max_overflow=-1,
        pool_reset_on_return=None,  # a closed connection needs no ROLLBACK
        connect_args={
            "async_creator_fn": partial(connect, target, waiting, context, spare),
            # A pooler in transaction mode gives each transaction another server connection without prepared statements.
            "prepared_statement_cache_size": 0,
        },
    )
    event.listen(engine.sync_engine, "checkout", _pass_over_closed)
    return engine


def _pass_over_closed(connection: DBAPIConnection, _record: object, _fairy: object) -> None:
    """Let the pool replace a closed connection."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def connect(
    target: PostgresTarget,
    waiting: Waiting = nullcontext,
    context: ssl.SSLContext | None = None,
    spare: Spare | None = None,
) -> WatchedConnection:
    """Return a connection for a command: the spare one if it is still valid, else a new one."""
    taken = await spare.take(target) if spare else None
    connection = taken or await open_connection(target, waiting, context)
    connection.watch(Limits.of(target))
    return connection


async def open_connection(
    target: PostgresTarget, waiting: Waiting = nullcontext, context: ssl.SSLContext | None = None
) -> WatchedConnection:
    """Return a new connection; wait up to `connect_timeout` seconds for a server that wakes up or restarts.

    Raises DatabaseUnavailableError, immediately for permanent errors such as a wrong password.
    """
    arguments = _arguments(target, context or make_tls_context(target))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + target.connect_timeout
    pause = FIRST_PAUSE
    last: BaseException | None = None
    with waiting():
        while True:
            try:
                return await _connect_once(target, arguments, max(0.001, deadline - loop.time()))
            except Exception as error:
                if not is_failure(error):
                    raise
                # The previous error says more than the timeout.
                last = last if last and isinstance(error, TimeoutError) else error
                if not may_wake(error):
                    raise explain_unreachable(last, target) from error
            rest = max(0.0, deadline - loop.time())
            await asyncio.sleep(min(rest, pause * random.uniform(0.5, 1)))  # noqa: S311 - spreads the retries of many clients
            if loop.time() >= deadline:
                raise explain_unreachable(last, target) from last
            pause = min(2 * pause, MAX_PAUSE)


async def _connect_once(target: PostgresTarget, arguments: dict[str, Any], seconds: float) -> WatchedConnection:
    direct = target.ssl_negotiation == "direct" or (target.ssl_negotiation is None and target.is_neon)
    with warnings.catch_warnings(record=True) as warned, _noting(warned):
        warnings.simplefilter("always")
        if direct and arguments["ssl"]:
            try:
                return await _login(arguments, seconds, direct=True)
            except (ConnectionResetError, ssl.SSLError) as error:
                if isinstance(error, ssl.SSLCertVerificationError):
                    raise
                # The server closed the connection at the first byte: before PostgreSQL 17, TLS must be requested first.
        return await _login(arguments, seconds, direct=False)


async def _login(arguments: dict[str, Any], seconds: float, *, direct: bool) -> WatchedConnection:
    connection: WatchedConnection = await asyncpg.connect(**arguments, direct_tls=direct, timeout=seconds)
    return connection


@contextmanager
def _noting(warned: Sequence[warnings.WarningMessage]) -> Iterator[None]:
    """Add the driver's warnings to an error, such as an ignored password file."""
    try:
        yield
    except Exception as error:
        for warning in warned:
            error.add_note(str(warning.message))
        raise


def _arguments(target: PostgresTarget, context: ssl.SSLContext | None) -> dict[str, Any]:
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "passfile": target.password_file,
        "database": target.name,
        # Only for a local host may asyncpg fall back to a connection without TLS, as libpq does with `prefer`.
        "ssl": context or ("prefer" if target.is_local and target.ssl_mode != "disable" else False),
        "server_settings": dict(target.server_settings) or None,
        "statement_cache_size": 0,
        "connection_class": WatchedConnection,
    }


def make_tls_context(target: PostgresTarget) -> ObservedContext | None:
    """Return the TLS context for the server, None if TLS is not required.

    Certificate and host name of a remote host are verified regardless of `sslmode`, since an unverified certificate
    protects from nobody. If the setting `verify_tls` turns that off, and for a local host, `sslmode` has the same
    meaning as for libpq (PostgreSQL manual, 34.19.1).
    """
    ours = target.verify and not target.is_local
    insisted = target.ssl_mode in ("require", "verify-ca", "verify-full")
    if not ours and not insisted and (target.is_local or target.ssl_mode == "disable"):
        return None
    context = ObservedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols([_ALPN])
    verified = ours or target.ssl_mode in ("verify-ca", "verify-full")
    context.check_hostname = ours or target.ssl_mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    try:
        if target.root_certificates:
            context.load_verify_locations(cafile=target.root_certificates)
        elif verified:
            context.load_default_certs()
        if target.client_certificate:
            password = target.client_key_password
            context.load_cert_chain(target.client_certificate, target.client_key, password)
    except OSError as error:
        raise InvalidInputError(
            f"cannot use a certificate file in the database URL: {error.strerror or error}"
        ) from None
    return context


async def connect_ahead(target: PostgresTarget, clocks: Callable[[], Clocks] = read_clocks) -> Spare:
    """Return a spare connection to the target, for a later command in this event loop.

    Raises DatabaseUnavailableError.
    """
    access = Access.now(target)
    return Spare(access, await open_connection(target), clocks)
