"""Users. They share a database; nobody sees another's todos."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from todo_cli.db.database import Database
from todo_cli.db.step import Step, Transaction
from todo_cli.errors import ConflictError
from todo_cli.models.tables import User
from todo_cli.models.text import fold
from todo_cli.models.values import UserPublic
from todo_cli.services.lookup import find_user


async def list_users(db: Database) -> list[UserPublic]:
    """Return all users of the database by name."""

    async def work(transaction: Transaction) -> list[UserPublic]:
        users = (await transaction.session.execute(select(User).order_by(col(User.key)))).scalars()
        return [UserPublic(user.name, user.created_at, user.id == transaction.user_id) for user in users]

    return await db.read(work, anybody=True)


async def add_user(db: Database, name: str) -> UserPublic:
    """Add a user; raises ConflictError where the name is taken, in any case."""

    async def work(step: Step) -> UserPublic:
        await _check_free(step, name)
        step.create(User(name=name, created_at=step.now))
        return UserPublic(name, step.now, you=False)

    return await db.write("user add", work)


async def rename_user(db: Database, old: str, new: str) -> tuple[str, str]:
    """Rename a user; return the names before and after. Raises NotFoundError and ConflictError."""

    async def work(step: Step) -> tuple[str, str]:
        user = await find_user(step, old)
        await _check_free(step, new, apart_from=user)
        before = user.name
        step.change(user, name=new)
        return before, new

    return await db.write("user rename", work)


async def _check_free(step: Step, name: str, apart_from: User | None = None) -> None:
    taken = await step.session.scalar(select(User).where(col(User.key) == fold(name)))
    if taken is not None and taken is not apart_from:
        raise ConflictError(f"there is a user {taken.name!r} already")
