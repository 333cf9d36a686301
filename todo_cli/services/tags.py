"""Tags."""

from __future__ import annotations

from sqlalchemy import and_, func, select

from todo_cli.db.database import Database
from todo_cli.db.read.queries import Ordering, Query, Request
from todo_cli.db.scope import owned
from todo_cli.db.write.step import Step
from todo_cli.errors import ConflictError
from todo_cli.models.fields import FIELDS
from todo_cli.models.tables import TAGS, TODO_TAGS, TODOS, Tag
from todo_cli.models.text import fold
from todo_cli.models.values import Status, TagPublic
from todo_cli.services.lookup import check_name, lock_named, refuse


async def list_tags(db: Database) -> list[TagPublic]:
    """Return the user's tags by name, with the number of open and done todos for each."""

    def make(request: Request) -> Query:
        kept = and_(TODOS.c.id == TODO_TAGS.c.todo_id, TODOS.c.deleted_at.is_(None))
        statement = (
            select(
                TAGS.c.name,
                func.count(TODOS.c.id).filter(TODOS.c.status == Status.OPEN.value).label("open"),
                func.count(TODOS.c.id).filter(TODOS.c.status == Status.DONE.value).label("done"),
            )
            .outerjoin(TODO_TAGS, TODO_TAGS.c.tag_id == TAGS.c.id)
            .outerjoin(TODOS, kept)
            .where(owned(TAGS, request.scope))
            .group_by(TAGS.c.id)
        )
        return Query(statement, [Ordering(TAGS.c.key)])

    return [TagPublic(row.name, row.open, row.done) for row in await db.fetch(make) if row.found]


async def rename_tag(db: Database, old: str, new: str) -> tuple[str, str]:
    """Rename a tag; return the old and the new name. Raises NotFoundError and ConflictError."""

    async def work(step: Step) -> tuple[str, str]:
        # Lock the tag and one that may have the new name, in one statement.
        met = {tag.key: tag for tag in await lock_named(step, Tag, TAGS.c.key.in_([fold(old), fold(new)]))}
        tag = met.pop(fold(old), None) or await refuse(step, Tag, old)
        if clash := met.get(fold(new)):
            raise ConflictError(f"tag {clash.name!r} already exists", "rename or delete it first")
        before = tag.name
        step.change(tag, name=new)
        return before, new

    return await db.write("tag rename", work)


async def count_tag(db: Database, name: str) -> int:
    """Return the number of todos with the tag, including the trash; raises NotFoundError."""

    def make(request: Request) -> Query:
        mine = and_(owned(TAGS, request.scope), TAGS.c.key == fold(name))
        held = select(func.count()).select_from(TODO_TAGS).join(TAGS).where(mine).scalar_subquery()
        return Query(select(TAGS.c.id).where(mine), [], beside=[held.label("held")])

    [row] = await db.fetch(make)
    if not row.found:
        await db.read(lambda transaction: check_name(transaction, FIELDS["tag"], name))
    return int(row.held)


async def delete_tag(db: Database, name: str) -> str:
    """Delete a tag and remove it from all todos; return its name. Raises NotFoundError."""

    async def work(step: Step) -> str:
        removed = await step.remove(Tag, TAGS.c.key == fold(name))
        if not removed:
            await refuse(step, Tag, name)
        return removed[0].name

    return await db.write("tag delete", work)
