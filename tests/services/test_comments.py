"""Comments on todos, on both databases."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import NOW, OpenDatabase
from todo_cli.db.database import Database
from todo_cli.db.write.step import Transaction
from todo_cli.errors import NotFoundError
from todo_cli.models.values import CommentPublic, TodoDetails
from todo_cli.query.references import parse_references
from todo_cli.services.comments import add_comment
from todo_cli.services.listing import get_details, get_todos
from todo_cli.services.todos import NewTodo, add_todo, delete_todos
from todo_cli.services.users import add_user

[ONE] = parse_references(["1"])
TEXT = 'say "hi"\nand \\ slash, ünïcode 🎉, \x1b[31m, \u202e, [red]'


async def details(db: Database) -> TodoDetails:
    [found] = await get_details(db, [ONE])
    return found


class TestComment:
    async def test_a_comment_has_an_author_and_a_time(self, db: Database, open_db: OpenDatabase) -> None:
        await add_todo(db, NewTodo("a"))
        later = NOW + timedelta(minutes=5, microseconds=120)
        made = await add_comment(open_db("alex", later), ONE, TEXT)
        assert made == CommentPublic(1, made.uuid, TEXT, "alex", later.astimezone(UTC))
        assert (await details(db)).comments == (made,)

    async def test_comments_are_listed_in_the_order_of_creation(self, db: Database) -> None:
        await add_todo(db, NewTodo("a"))
        await add_todo(db, NewTodo("b"))
        for said in ("z", "y", "x"):
            await add_comment(db, ONE, said)
        both = await get_details(db, parse_references(["2,1"]))
        assert [[comment.text for comment in each.comments] for each in both] == [[], ["z", "y", "x"]]

    async def test_the_todo_gets_a_new_version(self, db: Database, open_db: OpenDatabase) -> None:
        await add_todo(db, NewTodo("a"))
        later = NOW + timedelta(hours=1)
        await add_comment(open_db("alex", later), ONE, "b")
        [todo] = await get_todos(db, [ONE])
        assert (todo.version, todo.updated_at) == (2, later)

    async def test_a_comment_is_in_the_history(self, db: Database) -> None:
        added = await add_todo(db, NewTodo("a"))
        made = await add_comment(db, ONE, TEXT)

        async def read(transaction: Transaction) -> list[Any]:
            statement = text(
                "SELECT entity, field, old, new, s.command FROM changes c JOIN steps s ON s.id = c.step_id"
                " WHERE s.command = 'comment' ORDER BY c.id"
            )
            if transaction.session.get_bind().dialect.name == "postgresql":
                statement = text(
                    statement.text.replace("changes c", "todo.changes c").replace("steps s", "todo.steps s")
                )
            return [tuple(row) for row in await transaction.session.execute(statement)]

        moment = made.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        lines = {"exists": True, "todo": str(added.todo.uuid), "text": TEXT, "created_at": moment}
        assert await db.read(read) == [
            ("comment", field, None, json.dumps(value, ensure_ascii=False), "comment") for field, value in lines.items()
        ]

    async def test_missing_and_deleted_todos_get_no_comment(self, db: Database) -> None:
        with pytest.raises(NotFoundError, match="there is no todo 1"):
            await add_comment(db, ONE, "b")
        await add_todo(db, NewTodo("a"))
        await delete_todos(db, [ONE])
        with pytest.raises(NotFoundError, match="todo 1 is in the trash"):
            await add_comment(db, ONE, "b")
        assert (await details(db)).comments == ()

    async def test_concurrent_comments_are_all_kept(self, db: Database, open_db: OpenDatabase) -> None:
        await add_todo(db, NewTodo("a"))
        await asyncio.gather(*(add_comment(open_db("alex"), ONE, str(number)) for number in range(8)))
        found = await details(db)
        assert sorted(comment.text for comment in found.comments) == [str(number) for number in range(8)]
        assert found.todo.version == 9

    async def test_another_user_cannot_comment(self, db: Database, open_db: OpenDatabase) -> None:
        await add_todo(db, NewTodo("a"))
        await add_user(db, "sam")
        with pytest.raises(NotFoundError):
            await add_comment(open_db("sam"), ONE, "b")
