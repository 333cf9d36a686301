"""A connection to a PostgreSQL server that counts as lost after the server has not responded for too long.

TCP detects a dead connection only after many minutes, and a hanging server never. A timer therefore runs while a
statement waits for its response; every received byte resets it, so that a long response over a slow connection does
not count as a timeout. For statements without a timeout, TCP keepalive detects a dead peer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    AsyncAdapt_asyncpg_cursor,
    AsyncAdapt_asyncpg_dbapi,
)
from sqlalchemy.util.concurrency import await_

from todo_cli.db.connection.error_translation import AnswerTimeoutError, StaleConnectionError
from todo_cli.db.connection.target import ANSWER_TIMEOUT, PostgresTarget, milliseconds

UNTRIED_PATIENCE = 3
"""Seconds to wait for the first response over a connection that was opened ahead; a new connection is cheap."""
PROBES = 3
"""The number of keepalive probes that may be unanswered."""
_DARWIN_RXT_CONNDROPTIME = 0x80  # <netinet/tcp.h>; it is what TCP_USER_TIMEOUT is on Linux


@dataclass(frozen=True, slots=True)
class Limits:
    """The timeouts of a connection, in seconds.

    `answer` applies to each statement, from the last received byte on; None means no limit. The server applies the
    others: `lock` to waiting for a lock, `idle` to a client that stops in the middle of a transaction.
    """

    answer: float | None
    lock: float
    idle: float

    @classmethod
    def of(cls, target: PostgresTarget) -> Limits:
        return cls(target.answer_timeout, target.lock_timeout, target.idle_timeout)

    @property
    def sql(self) -> str:
        """The statements that set the server's limits for one transaction."""
        return (
            f"SET LOCAL lock_timeout = '{milliseconds(self.lock)}';"
            f" SET LOCAL idle_in_transaction_session_timeout = '{milliseconds(self.idle)}';"
        )


class WatchedConnection(asyncpg.Connection):  # type: ignore[misc]
    """An asyncpg connection with limits, which each transaction sets on the server together with its BEGIN."""

    limits: Limits
    is_untried = False
    """Whether it was opened some time ago and may be dead."""
    _monitor: _ReceiveMonitor

    @property
    def socket(self) -> socket.socket:
        """The socket itself, below TLS."""
        line: socket.socket = self._transport.get_extra_info("socket")
        return line

    def watch(self, limits: Limits) -> None:
        """Start the timer for responses, and let the kernel detect a dead peer."""
        self.limits = limits
        self._monitor = _ReceiveMonitor(self._transport.get_protocol())
        self._transport.set_protocol(self._monitor)
        _notice_dead_peer(self.socket, limits.answer or ANSWER_TIMEOUT)

    async def execute(self, query: str, *arguments: Any, **options: Any) -> Any:
        """Execute like asyncpg; a BEGIN is followed by the limits in the same round trip."""
        if arguments or not query.startswith("BEGIN"):
            return await super().execute(query, *arguments, **options)
        with self._first_answer(None):
            return await super().execute(f"{query} {self.limits.sql}")

    async def prepare(self, query: str, **options: Any) -> Any:
        """Prepare like asyncpg.

        Preparing acquires table locks on the server. Outside a transaction, the server has no lock timeout of ours, so
        the client applies it.
        """
        lock = None if self.is_closed() or self.is_in_transaction() else self.limits.lock
        with self._first_answer(lock):
            return await super().prepare(query, **options)

    @contextmanager
    def _first_answer(self, most: float | None) -> Iterator[None]:
        """Wait for the response to a message that has no effect yet, such as preparing a statement."""
        if not self.is_untried:
            with self.answering(most, unsent=True):
                yield
            return
        try:
            with self.answering(UNTRIED_PATIENCE, unsent=True):
                yield
        except AnswerTimeoutError as error:
            raise StaleConnectionError from error
        self.is_untried = False

    @contextmanager
    def answering(self, most: float | None = None, *, unsent: bool = False) -> Iterator[None]:
        """Wait for a response; close the connection and raise AnswerTimeoutError if none comes."""
        limits = [seconds for seconds in (most, self.limits.answer) if seconds is not None]
        outer = self._monitor.expect(min(limits, default=None), self.terminate)
        try:
            yield
        except AnswerTimeoutError:
            raise
        except Exception as error:
            if self._monitor.silent_for is not None:
                raise AnswerTimeoutError(self._monitor.silent_for, unsent=unsent) from error
            raise
        finally:
            self._monitor.expect(outer, self.terminate)


class _ReceiveMonitor(asyncio.Protocol):
    """A wrapper of the driver's protocol that detects when nothing is received for too long."""

    silent_for: float | None = None
    """The seconds without a received byte after which it gave up."""

    def __init__(self, protocol: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._received_at = 0.0
        self._limit: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._protocol = protocol

    def data_received(self, data: bytes) -> None:
        self._received_at = self._loop.time()
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        is_kept_open: bool | None = self._protocol.eof_received()
        return is_kept_open

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def expect(self, seconds: float | None, give_up: Callable[[], None]) -> float | None:
        """Set the seconds without a received byte after which to give up; return the previous limit."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        before, self._limit = self._limit, seconds
        self._received_at = self._loop.time()
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self._check, seconds, give_up)
        return before

    def _check(self, seconds: float, give_up: Callable[[], None]) -> None:
        due = self._received_at + seconds
        if due <= self._loop.time():
            self.silent_for = seconds
            give_up()
        else:
            self._timer = self._loop.call_at(due, self._check, seconds, give_up)


def _notice_dead_peer(line: socket.socket, seconds: float) -> None:
    """Let the kernel close the connection if the peer has not acknowledged data for that many seconds."""
    if line.family not in (socket.AF_INET, socket.AF_INET6):
        return
    pause = max(1, round(seconds / (PROBES + 1)))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", pause),
        ("TCP_KEEPALIVE", pause),  # the same on macOS
        ("TCP_KEEPINTVL", pause),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", round(seconds * 1000)),
    ):
        if (number := getattr(socket, option, None)) is not None:
            line.setsockopt(socket.IPPROTO_TCP, number, value)


class _Cursor(AsyncAdapt_asyncpg_cursor):
    """SQLAlchemy's cursor with a timeout for statements."""

    __slots__ = ()
    _connection: Any

    async def _prepare_and_execute(self, operation: Any, parameters: Any) -> None:
        with self._connection.answering():
            await super()._prepare_and_execute(operation, parameters)  # type: ignore[no-untyped-call]

    async def _executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        with self._connection.answering():
            return await super()._executemany(operation, seq_of_parameters)  # type: ignore[no-untyped-call]


class _Adapter(AsyncAdapt_asyncpg_connection):
    """SQLAlchemy's connection with a timeout for COMMIT and ROLLBACK."""

    __slots__ = ()
    _cursor_cls = _Cursor
    _connection: Any

    async def _call_and_discard(self, fn: Callable[[], Awaitable[Any]]) -> None:
        with self._connection.answering():
            await super()._call_and_discard(fn)


class WatchedDriver(AsyncAdapt_asyncpg_dbapi):
    """SQLAlchemy's adapter of the driver, with timeouts."""

    def connect(self, *, async_creator_fn: Callable[[], Awaitable[WatchedConnection]], **options: Any) -> _Adapter:
        adapter: _Adapter = await_(_Adapter.create(self, async_creator_fn(), **options))
        return adapter
