"""Tags."""

from __future__ import annotations

from sqlalchemy import and_, func, select
from sqlmodel import col

from todo_cli.db.database import Database
from todo_cli.db.step import Step, Transaction
from todo_cli.errors import BusyError, ConflictError
from todo_cli.models.tables import Tag, Todo, TodoTag
from todo_cli.models.text import fold
from todo_cli.models.values import Status, TagPublic
from todo_cli.services.lookup import WITH_TAGS, find_tag


async def list_tags(db: Database) -> list[TagPublic]:
    """Return the user's tags by name, with how many open and done todos carry each."""

    async def work(transaction: Transaction) -> list[TagPublic]:
        kept = and_(col(Todo.id) == col(TodoTag.todo_id), col(Todo.deleted_at).is_(None))
        statement = (
            select(
                col(Tag.name),
                func.count(col(Todo.id)).filter(col(Todo.status) == Status.OPEN.value).label("open"),
                func.count(col(Todo.id)).filter(col(Todo.status) == Status.DONE.value).label("done"),
            )
            .outerjoin(TodoTag, col(TodoTag.tag_id) == col(Tag.id))
            .outerjoin(Todo, kept)
            .where(col(Tag.user_id) == transaction.user_id)
            .group_by(col(Tag.id))
            .order_by(col(Tag.key))
        )
        return [TagPublic(row.name, row.open, row.done) for row in (await transaction.session.execute(statement)).all()]

    return await db.read(work)


async def rename_tag(db: Database, old: str, new: str) -> tuple[str, str]:
    """Rename the tag on all todos; return its names before and after. Raises NotFoundError and ConflictError."""

    async def work(step: Step) -> tuple[str, str]:
        tag = await find_tag(step, old, locked=True)
        taken = select(col(Tag.name)).where(
            col(Tag.user_id) == step.user_id, col(Tag.key) == fold(new), col(Tag.id) != tag.id
        )
        if clash := await step.session.scalar(taken):
            raise ConflictError(f"there is a tag {clash!r} already", "rename or delete that one first")
        before = tag.name
        step.change(tag, name=new)
        return before, new

    return await db.write("tag rename", work)


async def count_tag(db: Database, name: str) -> int:
    """Return how many todos, in the trash or not, carry the tag; raises NotFoundError."""

    async def work(transaction: Transaction) -> int:
        tag = await find_tag(transaction, name)
        count = select(func.count()).select_from(TodoTag).where(col(TodoTag.tag_id) == tag.id)
        return await transaction.session.scalar(count) or 0

    return await db.read(work)


async def delete_tag(db: Database, name: str) -> str:
    """Take the tag off all todos and delete it; return its name. Raises NotFoundError."""

    async def work(step: Step) -> str:
        tag = await find_tag(step, name)
        tagged = select(col(TodoTag.todo_id)).where(col(TodoTag.tag_id) == tag.id)
        # Todos are locked before their tags, as everywhere.
        todos = select(Todo).where(col(Todo.id).in_(tagged)).options(WITH_TAGS).order_by(col(Todo.id)).with_for_update()
        carriers = (await step.session.execute(todos)).scalars().all()
        tag = await find_tag(step, name, locked=True)  # now nobody can put it on another todo
        count = select(func.count()).select_from(TodoTag).where(col(TodoTag.tag_id) == tag.id)
        if await step.session.scalar(count) != len(carriers):
            raise BusyError
        for todo in carriers:
            step.unlink(todo, tag)
        await step.flush()
        await step.remove(tag)
        return tag.name

    return await db.write("tag delete", work)
