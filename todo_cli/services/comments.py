"""Comments on todos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Executable, Row, select

from todo_cli.db.database import Database, Shortcut
from todo_cli.db.read.queries import Request
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import author_of, is_author
from todo_cli.db.write.step import Step
from todo_cli.errors import NotFoundError
from todo_cli.models.tables import COMMENTS, USERS, Comment
from todo_cli.models.values import CommentPublic
from todo_cli.query.references import Reference
from todo_cli.services.lookup import find_todos


async def add_comment(db: Database, reference: Reference, text: str) -> CommentPublic:
    """Add a comment to a todo, which gets a new version. The text is validated (see `query`).

    Raises NotFoundError.
    """
    uuid = uuid4()  # the same in every attempt

    def make_row(todo_id: int = 0) -> Comment:
        return Comment(uuid=uuid, todo_id=todo_id, text=text, created_at=db.now)

    def make_public(todo: int, author: str) -> CommentPublic:
        return CommentPublic(todo, uuid, text, author, db.now)

    async def work(step: Step) -> CommentPublic:
        [todo] = await find_todos(step, [reference], locked=True)
        assert todo.id is not None
        author = await step.session.execute(select(USERS.c.name).where(is_author(step.scope)))
        comment = make_row(todo.id)
        comment.todo = todo
        step.create(comment)
        step.touch(todo)
        return make_public(todo.id, author.scalar_one())

    async def recall(step: Step) -> CommentPublic:
        found = select(COMMENTS.c.todo_id, USERS.c.name).join(USERS, author_of(COMMENTS))
        row = (await step.session.execute(found.where(COMMENTS.c.uuid == uuid))).one_or_none()
        if row is None:  # the todo has been erased since
            raise NotFoundError("the comment was stored, but its todo has been permanently deleted since")
        return make_public(row[0], row[1])

    def make(request: Request, step: UUID) -> Executable:
        from todo_cli.db.write.comment_at_once import comment_at_once

        return comment_at_once(request, step, refers_to([reference]), make_row())

    def read(rows: Sequence[Row[Any]]) -> CommentPublic:
        [row] = rows
        return make_public(row.id, row.author)

    return await db.write("comment", work, shortcut=Shortcut(make, read, recall))
