"""Initialization of a database: tables of this program's revision, and a first user."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from functools import partial
from uuid import uuid4

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from todo_cli.db.connection.target import Target
from todo_cli.db.connection.waiting import Waiting
from todo_cli.db.schema.revisions import create, schema_of
from todo_cli.db.scope import Scope
from todo_cli.db.write.step import Step
from todo_cli.models.tables import USERS, User
from todo_cli.query.names import propose_name


async def initialize(target: Target, user_name: str | None, now: datetime, waiting: Waiting = nullcontext) -> bool:
    """Create or upgrade the tables, and create the first user if there is none; return whether anything was written."""
    add_user = partial(_add_first_user, name=user_name or default_user_name(), now=now)
    return await create(target, add_user, waiting)


def default_user_name() -> str:
    """Return the name of the operating-system user as a valid user name, `me` if that is impossible."""
    try:
        import getpass

        return propose_name(getpass.getuser(), "user") or "me"
    except (OSError, KeyError, ImportError):
        return "me"


async def _add_first_user(connection: AsyncConnection, name: str, now: datetime) -> bool:
    connection = await connection.execution_options(schema_translate_map={None: schema_of(connection)})
    async with AsyncSession(connection, expire_on_commit=False) as session:
        if await session.scalar(select(exists().select_from(USERS))):
            return False
        user = User(name=name, created_at=now)
        session.add(user)
        await session.flush()
        assert user.id is not None
        step = Step(session, now, "db init", uuid4())
        await step.open(Scope.known(user.id).as_row())
        step.note_creation(user)
        await step.close()
        return True
