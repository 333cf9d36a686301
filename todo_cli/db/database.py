"""The database as one command uses it: transactions to read in and to write in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlmodel import col

from todo_cli.db.engine import WRITING, make_engine
from todo_cli.db.failures import is_failure, may_succeed_again, translate
from todo_cli.db.schema import HEAD, initialise, version_table
from todo_cli.db.step import Step, Transaction
from todo_cli.db.target import SqliteTarget, Target
from todo_cli.errors import (
    SchemaMissingError,
    SchemaOutdatedError,
    SchemaTooNewError,
    TodoError,
    UnknownUserError,
    UserNotNamedError,
)
from todo_cli.models.tables import User
from todo_cli.models.text import fold

T = TypeVar("T")

MOST_ATTEMPTS = 10
MOST_NAMES = 20


class Database:
    """One database, for one command of one user at one moment.

    `now` is aware and in the user's zone. `user_name` is None for the only user of the database.
    An SQLite file is made and upgraded at its first use; a server's tables only by `db init` and `db migrate`.
    `before_commit` is called when a step is about to be stored; no interruption may follow it.
    """

    def __init__(
        self,
        target: Target,
        *,
        now: datetime,
        user_name: str | None = None,
        before_commit: Callable[[], None] | None = None,
    ) -> None:
        if now.tzinfo is None:
            raise ValueError("now needs a time zone")
        self.target = target
        self.now = now
        self.user_name = user_name
        self._before_commit = before_commit
        self._engine: AsyncEngine | None = None

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._engine:
            await self._engine.dispose()

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, anybody: bool = False) -> T:
        """Return what `work` finds, in one transaction that writes nothing.

        With `anybody` it does not matter which of several users asks; the transaction's `user_id` is 0 then.
        """

        async def attempt() -> T:
            async with self._connect(writing=False) as connection, AsyncSession(connection) as session:
                return await work(await self._identify(session, anybody=anybody))

        return await self._persist(attempt)

    async def write(self, command: str, work: Callable[[Step], Awaitable[T]]) -> T:
        """Return what `work` gives after all that it wrote is stored, as one step; or raise, and nothing is stored.

        `work` may be called again, on a fresh transaction, when another command stood in the way. A step that
        changes nothing leaves no trace.
        """
        uuid = uuid4()
        results: list[T] = []

        async def attempt() -> T:
            async with self._connect(writing=True) as connection:
                async with AsyncSession(connection, expire_on_commit=False) as session:
                    step = Step(await self._identify(session), command, uuid)
                    if not await step.open():
                        return results[-1]  # an earlier attempt was stored, and only the answer was lost
                    results.append(await work(step))
                    await step.close()
                if step.wrote:
                    self._pass_point_of_no_return()
                    await connection.commit()
                return results[-1]

        return await self._persist(attempt)

    def _pass_point_of_no_return(self) -> None:
        """Let nothing interrupt from here on; raise CancelledError if something did so just before."""
        if self._before_commit:
            self._before_commit()
        task = asyncio.current_task()
        if task and task.cancelling():
            raise asyncio.CancelledError

    @asynccontextmanager
    async def _connect(self, *, writing: bool) -> AsyncIterator[AsyncConnection]:
        if self._engine is None:
            self._engine = make_engine(self.target)
        async with self._engine.execution_options(**{WRITING: writing}).connect() as connection:
            await connection.begin()
            yield connection  # leaving without a commit rolls back

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what the attempt gives; try again what can succeed then, and put into our words what cannot."""
        prepared = False
        for number in range(1, MOST_ATTEMPTS + 1):
            try:
                return await attempt()
            except Exception as error:
                if not isinstance(error, TodoError) and not is_failure(error):
                    raise
                failure = translate(error, self.target)
                is_old_file = isinstance(failure, SchemaMissingError | SchemaOutdatedError) and isinstance(
                    self.target, SqliteTarget
                )
                if is_old_file and not prepared:
                    await initialise(self.target, self.user_name, self.now)
                    prepared = True
                elif may_succeed_again(error) and number < MOST_ATTEMPTS:
                    await asyncio.sleep(random.uniform(0, min(0.5, 0.02 * 2**number)))  # noqa: S311 - spreads retries
                elif failure is error:
                    raise
                else:
                    raise failure from error
        raise AssertionError("the last attempt returns or raises")

    async def _identify(self, session: AsyncSession, *, anybody: bool = False) -> Transaction:
        """Check the schema's revision and find the user, in one statement."""
        wanted = true() if self.user_name is None else col(User.key) == fold(self.user_name)
        statement = (
            select(version_table.c.version_num, col(User.id), col(User.name))
            .select_from(version_table.outerjoin(User, wanted))
            .order_by(col(User.id))
            .limit(MOST_NAMES)
        )
        rows = (await session.execute(statement)).all()
        if not rows:
            raise SchemaMissingError(str(self.target))
        revision: str = rows[0][0]
        if revision < HEAD:
            raise SchemaOutdatedError(str(self.target), revision, HEAD)
        if revision > HEAD:
            raise SchemaTooNewError(str(self.target), revision, HEAD)
        names = [name for _, _, name in rows if name is not None]
        if not names:
            known = (await session.execute(select(col(User.name)).order_by(col(User.key)).limit(MOST_NAMES))).scalars()
            raise UnknownUserError(self.user_name or "", list(known))
        if len(names) > 1 and anybody:
            return Transaction(session, 0, "", self.now)
        if len(names) > 1:
            raise UserNotNamedError(names)
        return Transaction(session, rows[0][1], names[0], self.now)
