"""The way to a PostgreSQL server: verified TLS, patience with one that sleeps, and no question that nobody asked."""

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
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
_ALPN = "postgresql"  # direct TLS asks for it (PostgreSQL manual, 54.2.2)


class WatchedDialect(PGDialect_asyncpg):
    """asyncpg's dialect on connections that are watched, without the farewell, which is one more wait for an answer."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return WatchedDriver(asyncpg)  # type: ignore[no-untyped-call]

    def do_close(self, dbapi_connection: DBAPIConnection) -> None:
        """Hang up. The server rolls back what was not committed."""
        dbapi_connection.driver_connection.terminate()

    do_terminate = do_close

    def do_rollback(self, dbapi_connection: DBAPIConnection) -> None:
        """Hang up if there is anything to roll back, which saves waiting; whoever goes on has another connection."""
        line = dbapi_connection.driver_connection
        if not line.is_closed() and line.is_in_transaction():
            self.do_close(dbapi_connection)


class LeanDialect(Interchangeable, WatchedDialect):
    """The same without questions to a new connection.

    What SQLAlchemy asks at connect (version, schema, isolation) is known here, and JSON types are not used.
    """

    supports_statement_cache = True
    server_version_info = OLDEST_SERVER
    default_schema_name = "public"
    default_isolation_level = "READ COMMITTED"
    _backslash_escapes = False  # `standard_conforming_strings`, on since PostgreSQL 9.1

    def initialize(self, connection: Connection) -> None:
        """Ask nothing."""

    def on_connect(self) -> None:
        """Set nothing up."""


registry.register("postgresql.lean", __name__, LeanDialect.__name__)
registry.register("postgresql.watched", __name__, WatchedDialect.__name__)


class ObservedContext(ssl.SSLContext):
    """A TLS context that remembers the session it made last, which asyncpg keeps to itself."""

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

    `context` is that of `make_tls_context`, for a caller who wants to look at it afterwards. `spare` is a connection
    that was opened ahead. `reflecting` takes the
    dialect that SQLAlchemy has, which sets up what looking at tables and columns needs.
    """
    engine = create_async_engine(
        "postgresql+watched://" if reflecting else "postgresql+lean://",
        # One connection for all the statements of a command; what goes on at the same time has others.
        pool_size=1,
        max_overflow=-1,
        pool_reset_on_return=None,  # a connection that is hung up needs no ROLLBACK
        connect_args={
            "async_creator_fn": partial(connect, target, waiting, context, spare),
            # A pooler in transaction mode gives each transaction another server, where no statement is prepared.
            "prepared_statement_cache_size": 0,
        },
    )
    event.listen(engine.sync_engine, "checkout", _pass_over_closed)
    return engine


def _pass_over_closed(connection: DBAPIConnection, _record: object, _fairy: object) -> None:
    """Let the pool open another connection in place of one that has ended."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def connect(
    target: PostgresTarget,
    waiting: Waiting = nullcontext,
    context: ssl.SSLContext | None = None,
    spare: Spare | None = None,
) -> WatchedConnection:
    """Return a connection for the statements of a command: the spare one if it can be trusted, else a new one."""
    taken = await spare.take(target) if spare else None
    connection = taken or await open_connection(target, waiting, context)
    connection.watch(Limits.of(target))
    return connection


async def open_connection(
    target: PostgresTarget, waiting: Waiting = nullcontext, context: ssl.SSLContext | None = None
) -> WatchedConnection:
    """Return a new connection, waiting for a server that wakes up or restarts for `connect_timeout` seconds.

    Raises DatabaseUnavailableError: at once for what waiting cannot mend, such as a wrong password.
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
                # That time ran out says less than what went wrong before.
                last = last if last and isinstance(error, TimeoutError) else error
                if not may_wake(error):
                    raise explain_unreachable(last, target) from error
            rest = max(0.0, deadline - loop.time())
            await asyncio.sleep(min(rest, pause * random.uniform(0.5, 1)))  # noqa: S311 - many may wait for one server
            if loop.time() >= deadline:
                raise explain_unreachable(last, target) from last
            pause = min(2 * pause, LONGEST_PAUSE)


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
                # The server hung up at the first byte: it wants to be asked for TLS, as before PostgreSQL 17.
        return await _login(arguments, seconds, direct=False)


async def _login(arguments: dict[str, Any], seconds: float, *, direct: bool) -> WatchedConnection:
    connection: WatchedConnection = await asyncpg.connect(**arguments, direct_tls=direct, timeout=seconds)
    return connection


@contextmanager
def _noting(warned: Sequence[warnings.WarningMessage]) -> Iterator[None]:
    """Note at an error what the driver warned of, such as a password file that it passed over."""
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
        # Only for a host that is local may asyncpg try TLS and do without, which is what libpq's `prefer` means.
        "ssl": context or ("prefer" if target.is_local and target.ssl_mode != "disable" else False),
        "server_settings": dict(target.server_settings) or None,
        "statement_cache_size": 0,
        "connection_class": WatchedConnection,
    }


def make_tls_context(target: PostgresTarget) -> ObservedContext | None:
    """Return how TLS is spoken with the server; None where it is not insisted on.

    Certificate and host name of a host that is not local are verified whatever `sslmode` says, since a certificate
    that nobody looks at protects from nobody. Where the setting `verify_tls` turns that off, and for a local host,
    `sslmode` means what it does for libpq (PostgreSQL manual, 34.19.1).
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
            f"a file with certificates that the database URL names cannot be used: {error.strerror or error}"
        ) from None
    return context


async def connect_ahead(target: PostgresTarget, clocks: Callable[[], Clocks] = read_clocks) -> Spare:
    """Return a spare connection to the target, for a command that will run in this loop.

    Raises DatabaseUnavailableError as every connection does.
    """
    access = Access.now(target)
    return Spare(access, await open_connection(target), clocks)
