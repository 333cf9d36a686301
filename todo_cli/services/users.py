"""Users. They share a database but do not see each other's todos."""

from __future__ import annotations

from sqlalchemy import select

from todo_cli.db.database import Database
from todo_cli.db.read.queries import Ordering, Query, Request
from todo_cli.db.write.step import Step
from todo_cli.errors import ConflictError, NotFoundError
from todo_cli.models.tables import USERS, User
from todo_cli.models.text import fold
from todo_cli.models.values import UserPublic


async def list_users(db: Database) -> list[UserPublic]:
    """Return all users of the database, sorted by name."""

    def make(_: Request) -> Query:
        return Query(select(USERS.c.id, USERS.c.name, USERS.c.created_at), [Ordering(USERS.c.key)])

    rows = await db.fetch(make, anybody=True)
    return [UserPublic(row.name, row.created_at, row.id == row.author) for row in rows]


async def add_user(db: Database, name: str) -> UserPublic:
    """Add a user; raises ConflictError if the name is taken, regardless of case."""

    async def work(step: Step) -> UserPublic:
        if taken := (await _lock_users(step, name)).get(fold(name)):
            raise ConflictError(f"user {taken.name!r} already exists")
        step.create(User(name=name, created_at=step.now))
        return UserPublic(name, step.now, you=False)

    return await db.write("user add", work)


async def rename_user(db: Database, old: str, new: str) -> tuple[str, str]:
    """Rename a user; return the old and the new name. Raises NotFoundError and ConflictError."""

    async def work(step: Step) -> tuple[str, str]:
        met = await _lock_users(step, old, new)
        user = met.pop(fold(old), None)
        if user is None:
            raise NotFoundError(f"there is no user {old!r}", "run 'todo user list' to see them")
        if taken := met.get(fold(new)):
            raise ConflictError(f"user {taken.name!r} already exists")
        before = user.name
        step.change(user, name=new)
        return before, new

    return await db.write("user rename", work)


async def _lock_users(step: Step, *names: str) -> dict[str, User]:
    named = USERS.c.key.in_([fold(name) for name in names])
    users = await step.session.execute(select(User).where(named).order_by(USERS.c.key).with_for_update())
    return {user.key: user for user in users.scalars()}
