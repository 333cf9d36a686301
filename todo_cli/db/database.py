"""The database of a command: read and write transactions."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Executable, Label, Row, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from todo_cli.db.connection.engine import WRITING, make_engine
from todo_cli.db.connection.error_translation import (
    FAILURES,
    explain_damage,
    is_failure,
    is_undefined,
    is_unsent,
    may_succeed_again,
    translate,
)
from todo_cli.db.connection.locks import find_lock_holder
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target
from todo_cli.db.connection.waiting import Waiting
from todo_cli.db.initialisation import initialize
from todo_cli.db.read.queries import Query, Request, make_request, select_scope, with_identity
from todo_cli.db.schema.revisions import HEAD, REVISION, check_revision
from todo_cli.db.scope import NOBODY, Scope, users_named
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import (
    BusyError,
    ConnectionLostError,
    DiskError,
    LockedError,
    NoAnswerError,
    SchemaMissingError,
    SchemaOutdatedError,
    StorageError,
    TodoError,
    UncertainError,
    UnknownUserError,
    UserNotNamedError,
)
from todo_cli.models.tables import USERS

if TYPE_CHECKING:
    from todo_cli.db.connection.spare import Spare

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shortcut(Generic[T]):
    """A step as a single PostgreSQL statement, which commits by itself: `make` builds it from the step's uuid.

    It writes the whole step, guarded like every other, or nothing; it returns no rows if anything is unexpected. `read`
    returns the result from its rows, another shortcut that writes what these require, or None to use the transaction.
    `recall` finds the result of a step that was stored but whose response was lost.
    """

    make: Callable[[Request, UUID], Executable]
    read: Callable[[Sequence[Row[Any]]], T | Shortcut[T] | None]
    recall: Callable[[Step], Awaitable[T]]


async def _nothing(_: Transaction) -> None:
    """Read only the user and the revision of the tables."""


IDLE_WHILE_OTHERS_WRITE = 10
"""The factor of the idle timeout for a transaction that holds no locks while another database is written."""
MAX_ATTEMPTS = 10
MAX_NAMES = 20


class Database:
    """A database, for one command of one user at one time.

    `now` is aware and in the user's zone. `user_name` is None for the only user of the database. An SQLite file is
    created and upgraded at its first use, the tables of a server only by `db init` and `db migrate`. `before_commit` is
    called before a step is stored; it must not be interrupted afterwards. `waiting` returns a context that is entered
    while waiting for a server. `spare` is a connection that was opened ahead.
    """

    def __init__(
        self,
        target: Target,
        *,
        now: datetime,
        user_name: str | None = None,
        before_commit: Callable[[], None] | None = None,
        waiting: Waiting = nullcontext,
        spare: Spare | None = None,
    ) -> None:
        if now.tzinfo is None:
            raise ValueError("now needs a time zone")
        self.target = target
        self.now = now
        self.user_name = user_name
        self._before_commit = before_commit
        self.waiting = waiting
        self._spare = spare
        self.patience = target.connect_timeout if isinstance(target, PostgresTarget) else 0.0
        """Seconds during which a lost connection is retried."""
        self._engine: AsyncEngine | None = None
        self._storing = False
        """Whether the statement that stores a step has been sent."""
        self._uncertain = False
        """Whether the connection was lost after that, so that it is unknown whether the step was stored."""

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, _kind: object = None, error: object = None, _traceback: object = None) -> None:
        if self._engine:
            await self._engine.dispose()
        if self._spare:
            self._spare.close()
        if isinstance(error, Exception):
            await self._check_for_damage(error)

    async def _check_for_damage(self, error: Exception) -> None:
        """Raise DamagedError if an unexpected error is due to a damaged file."""
        is_foreseen = isinstance(error, TodoError) and type(error) is not StorageError
        if is_foreseen or not isinstance(self.target, SqliteTarget) or not self.target.exists():
            return
        from todo_cli.db.schema.sqlite_check import find_damage

        try:
            found = await asyncio.to_thread(find_damage, self.target)
        except TodoError as damage:
            raise damage from error
        except Exception as other:  # the file cannot be checked, so the first error remains
            raise error from other
        if found:
            raise explain_damage(self.target, found[0]) from error

    async def fetch(self, make: Callable[[Request], Query], *, anybody: bool = False) -> Sequence[Row[Any]]:
        """Run one statement and return its rows; on a server, this takes two round trips after connecting.

        There is always a first row, for the values besides the rows; its column `found` is false if nothing was found.
        With `anybody`, no user needs to be selected; in that case, the author and the owner are NULL.
        """
        request = make_request(self.user_name, self.now)
        statement = with_identity(make(request), request)

        async def attempt() -> Sequence[Row[Any]]:
            for _ in range(2):
                rows = await self._execute_at_once(statement)
                is_known = rows and (rows[0].author is not None or (anybody and self.user_name is None))
                if is_known and rows[0].revision == HEAD:
                    return rows
                await self.read(
                    _nothing, anybody=anybody
                )  # raises the right error, or creates the tables of a new file
            raise BusyError

        return await self._persist(attempt)

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, anybody: bool = False) -> T:
        """Run `work` in a read-only transaction and return its result.

        With `anybody`, no user needs to be selected; in that case, the scope of the transaction is `NOBODY`.
        """

        async def attempt() -> T:
            async with self._connect() as connection, AsyncSession(connection) as session:
                return await work(await self._identify(session, anybody=anybody))

        return await self._persist(attempt)

    async def write(
        self,
        command: str,
        work: Callable[[Step], Awaitable[T]],
        *,
        shortcut: Shortcut[T] | None = None,
        alone: bool = False,
        batch: bool = False,
    ) -> T:
        """Run `work` as one step and return its result after everything is stored; if it raises, nothing is stored.

        `work` is called again, in a new transaction, after a conflict with another command or a lost connection. A step
        without changes leaves no trace. On a server, the shortcut, a single equivalent statement, is tried first; if it
        does nothing, `work` finds out why. With `alone`, such steps of one user are serialized: the second sees the
        changes of the first. The statements of a `batch` have no timeout.
        """
        uuid = uuid4()
        results: list[T] = []
        self._uncertain = False

        async def attempt() -> T:
            if (result := await self._take(shortcut, uuid)) is not None:
                return result
            try:
                return await write_in_turn()
            except Exception as error:
                if not is_undefined(error):
                    raise
            await self.read(_nothing)  # raises the right error, or creates the tables of a new file
            return await write_in_turn()

        async def write_in_turn() -> T:
            async with self._connect(writing=True) as connection:
                async with AsyncSession(connection, expire_on_commit=False) as session:
                    step = Step(session, self.now, command, uuid)
                    if not await step.open(select_scope(make_request(self.user_name, self.now), alone=alone)):
                        step.scope = (await self._identify(session)).scope  # or it raises the right error
                        if not await step.is_stored():
                            raise BusyError
                        # An earlier attempt was stored; only its response was lost.
                        return await shortcut.recall(step) if shortcut else results[-1]
                    self._uncertain = False  # the step's row is now that of this attempt
                    if batch:
                        await self._limit(connection, answer=None)
                    results.append(await work(step))
                    await step.close()
                if step.wrote:
                    self._pass_point_of_no_return()
                    await connection.commit()
                return results[-1]

        try:
            return await self._persist(attempt)
        except TodoError as error:
            if self._uncertain:
                raise UncertainError(error) from error
            raise

    async def _take(self, way: Shortcut[T] | None, step: UUID) -> T | None:
        """Return the result of the shortcut, None if it wrote nothing."""
        while way and isinstance(self.target, PostgresTarget):
            statement = way.make(make_request(self.user_name, self.now, self.target.lock_timeout), step)
            rows = await self._execute_at_once(statement, storing=True)
            result = way.read(rows) if rows else None
            if result is not None and not isinstance(result, Shortcut):
                return result
            self._storing = False  # nothing was written
            way = result
        return None

    async def _execute_at_once(self, statement: Executable, *, storing: bool = False) -> Sequence[Row[Any]]:
        """Return the rows of a statement that is a transaction by itself; none if the tables do not match."""
        async with self._connect(at_once=True) as connection:
            if storing:
                self._pass_point_of_no_return()
            try:
                return (await connection.execute(statement)).all()
            except Exception as error:
                if is_undefined(error):
                    return []
                raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """Provide a transaction with a consistent snapshot, to read from while another database is written.

        Nothing is retried, and no file is created or upgraded. Reads must be enclosed in `explaining`, which attributes
        errors to this database.
        """
        async with AsyncExitStack() as stack:
            with self.explaining():
                connection = await stack.enter_async_context(self._connect())
                if isinstance(self.target, PostgresTarget):  # on SQLite, every transaction is a snapshot
                    # It holds no locks, and is idle while the other database is written.
                    await self._limit(connection, idle=IDLE_WHILE_OTHERS_WRITE * self.target.idle_timeout)
                    await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
                session = await stack.enter_async_context(AsyncSession(connection))
                transaction = await self._identify(session)
                await self._limit(connection, answer=None)
            yield transaction

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Translate errors of this database."""
        try:
            yield
        except Exception as error:
            if isinstance(error, TodoError) or not is_failure(error):
                raise
            raise translate(error, self.target) from error

    def _pass_point_of_no_return(self) -> None:
        """Prevent interruptions from here on; raise CancelledError if there was one just before."""
        if self._before_commit:
            self._before_commit()
        task = asyncio.current_task()
        if task and task.cancelling():
            raise asyncio.CancelledError
        self._storing = True

    @asynccontextmanager
    async def _connect(self, *, writing: bool = False, at_once: bool = False) -> AsyncIterator[AsyncConnection]:
        """Provide a connection in a transaction; for a single statement (`at_once`), a server needs no BEGIN."""
        if self._engine is None:
            self._engine = make_engine(self.target, self.waiting, self._spare)
        options: dict[str, Any] = {WRITING: writing}
        if at_once and isinstance(self.target, PostgresTarget):
            options["isolation_level"] = "AUTOCOMMIT"
        async with self._engine.execution_options(**options).connect() as connection:
            if isinstance(self.target, PostgresTarget):
                await self._limit(connection, answer=self.target.answer_timeout, idle=self.target.idle_timeout)
            await connection.begin()
            yield connection  # leaving without a commit rolls back

    async def _limit(self, connection: AsyncConnection, **seconds: float | None) -> None:
        """Set limits of a server connection, see `todo_cli.db.connection.line.Limits`; a file has none."""
        if isinstance(self.target, PostgresTarget):
            line: Any = (await connection.get_raw_connection()).driver_connection
            line.limits = replace(line.limits, **seconds)

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of the attempt; retry errors that may be temporary, and translate others."""
        prepared = False
        give_up_at: float | None = None
        for number in range(1, MAX_ATTEMPTS + 1):
            self._storing = False
            try:
                return await attempt()
            except Exception as error:
                if not isinstance(error, TodoError) and not is_failure(error):
                    raise
                failure = translate(error, self.target)
                if failure is not error:  # else it is already translated, or from another database
                    failure = await self._explain_lock(failure)
                if isinstance(failure, ConnectionLostError):
                    give_up_at = give_up_at or time.monotonic() + self.patience
                is_unknown = isinstance(failure, ConnectionLostError | DiskError) and not is_unsent(error)
                self._uncertain = self._uncertain or (self._storing and is_unknown)
                is_old_file = isinstance(failure, SchemaMissingError | SchemaOutdatedError) and isinstance(
                    self.target, SqliteTarget
                )
                if is_old_file and not prepared:
                    await initialize(self.target, self.user_name, self.now)
                    prepared = True
                elif (
                    may_succeed_again(error, failure)
                    and number < MAX_ATTEMPTS
                    and (give_up_at is None or time.monotonic() < give_up_at)
                ):
                    await asyncio.sleep(random.uniform(0, min(0.5, 0.02 * 2**number)))  # noqa: S311 - spreads retries
                elif failure is error:
                    raise
                else:
                    raise failure from error
        raise AssertionError("the last attempt returns or raises")

    async def _explain_lock(self, failure: TodoError) -> TodoError:
        """Return the failure, or a LockedError with the holder of a conflicting lock.

        A statement without a response waits for a table lock, or the server is gone.
        """
        waited = failure.seconds if isinstance(failure, LockedError | NoAnswerError) else None
        if waited is None or not isinstance(self.target, PostgresTarget):
            return failure
        holder = None
        with suppress(*FAILURES, TodoError):
            async with self._connect(at_once=True) as connection:
                holder = await find_lock_holder(connection, waited, self.now.tzinfo)
        if holder is None:
            return failure
        what = failure.what if isinstance(failure, LockedError) else f"the list in {self.target}"
        return LockedError(what, waited, holder)

    async def _identify(self, session: AsyncSession, *, anybody: bool = False) -> Transaction:
        """Check the schema's revision and find the user, in one statement."""
        always = select(literal(1)).subquery("always")  # returns the revision even without a user
        statement = (
            select(Label("revision", REVISION), USERS.c.id, USERS.c.name)
            .select_from(always.outerjoin(USERS, users_named(self.user_name)))
            .order_by(USERS.c.id)
            .limit(MAX_NAMES)
        )
        rows = (await session.execute(statement)).all()
        check_revision(self.target, rows[0].revision)
        names = [name for _, _, name in rows if name is not None]
        if not names:
            known = (await session.execute(select(USERS.c.name).order_by(USERS.c.key).limit(MAX_NAMES))).scalars()
            raise UnknownUserError(self.user_name or "", list(known))
        if len(names) > 1 and anybody:
            return Transaction(session, NOBODY, self.now)
        if len(names) > 1:
            raise UserNotNamedError(names)
        return Transaction(session, Scope.known(rows[0][1]), self.now)
