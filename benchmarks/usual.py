"""The same work in the usual style of SQLModel and SQLAlchemy, for comparison.

It uses an engine with a pool and `pool_pre_ping`, a session, `add`, `commit` and `refresh`, and `selectinload`. It
records no history, has no gate, and does not check the revision of the tables.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import selectinload
from sqlmodel import col, select

from todo_cli.models.tables import SCHEMA, Project, Tag, Todo, User
from todo_cli.models.values import Status

Work = Callable[[AsyncSession], Awaitable[object]]


async def run(work: Work, *, port: int, database: str, user: str, password: str, roots: str) -> None:
    """Do the work like a process that runs one command: with its own engine, which is disposed of at the end."""
    context = ssl.create_default_context(cafile=roots)

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            host="localhost", port=port, database=database, user=user, password=password, ssl=context
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, pool_pre_ping=True)
    translated = engine.execution_options(schema_translate_map={None: SCHEMA})
    async with AsyncSession(translated, expire_on_commit=False) as session:
        await work(session)
    await engine.dispose()


async def _who(session: AsyncSession) -> int:
    user = (await session.execute(select(User).where(col(User.key) == "alex"))).scalar_one()
    assert user.id is not None
    return user.id


async def _get(session: AsyncSession, number: int) -> Todo:
    mine = select(Todo).where(col(Todo.id) == number, col(Todo.user_id) == await _who(session))
    with_names = mine.options(selectinload(Todo.project), selectinload(Todo.tags))  # type: ignore[arg-type]
    return (await session.execute(with_names)).scalar_one()


async def _store(session: AsyncSession, todo: Todo) -> None:
    session.add(todo)
    await session.commit()
    await session.refresh(todo)


async def add(session: AsyncSession) -> None:
    now = datetime.now(UTC)
    await _store(session, Todo(user_id=await _who(session), title="Buy milk", created_at=now, updated_at=now))


async def add_with_names(session: AsyncSession) -> None:
    now, user = datetime.now(UTC), await _who(session)
    project = (await session.execute(select(Project).where(col(Project.key) == "home"))).scalar_one_or_none()
    tag = (await session.execute(select(Tag).where(col(Tag.key) == "bills"))).scalar_one_or_none()
    todo = Todo(user_id=user, title="Pay rent", created_at=now, updated_at=now)
    todo.project = project or Project(user_id=user, name="home", created_at=now)
    todo.tags = [tag or Tag(user_id=user, name="bills")]
    await _store(session, todo)


async def list_(session: AsyncSession) -> None:
    open_ones = select(Todo).where(col(Todo.user_id) == await _who(session), col(Todo.status) == Status.OPEN.value)
    page = open_ones.options(selectinload(Todo.project), selectinload(Todo.tags))  # type: ignore[arg-type]
    (await session.execute(page.order_by(col(Todo.due_key)).limit(20))).scalars().all()
    await session.scalar(select(func.count()).select_from(open_ones.subquery()))


async def show(session: AsyncSession) -> None:
    await _get(session, 1)


async def modify(session: AsyncSession) -> None:
    todo = await _get(session, 1)
    todo.title = "new"
    await _store(session, todo)


async def done(session: AsyncSession) -> None:
    todo = await _get(session, 1)
    todo.status, todo.completed_at = Status.DONE.value, datetime.now(UTC)
    await _store(session, todo)


async def delete(session: AsyncSession) -> None:
    todo = await _get(session, 1)
    todo.deleted_at = datetime.now(UTC)
    await _store(session, todo)
