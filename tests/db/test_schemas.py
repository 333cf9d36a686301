"""Tables with two revisions or of another program are refused, and so are statements that the server ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, text

from tests.conftest import NOW, Server
from todo_cli.db import initialisation
from todo_cli.db.connection.engine import make_migration_engine
from todo_cli.db.connection.target import Target, parse_target
from todo_cli.db.database import Database
from todo_cli.db.schema import revisions as schema
from todo_cli.db.schema.inspection import inspect
from todo_cli.db.write.step import Step
from todo_cli.errors import ForeignSchemaError, SchemaUnclearError, StorageError
from todo_cli.models.tables import SCHEMA
from todo_cli.query.filter.ast import And
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.todos import NewTodo, add_todo


async def apply(target: Target, work: Callable[[Connection], Any]) -> Any:
    engine = make_migration_engine(target)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


async def test_tables_at_two_revisions_are_refused(db: Database, target: Target) -> None:
    """A dump restored over a newer database leaves two revisions."""
    await add_todo(db, NewTodo("a"))
    table = "alembic_version" if target.dialect == "sqlite" else f"{SCHEMA}.alembic_version"
    await apply(target, lambda connection: connection.execute(text(f"INSERT INTO {table} VALUES ('0001')")))
    message = rf"holds 2 revisions \(0001, {schema.HEAD}\) instead of one"
    for operation in (
        list_todos(db, ListQuery(And(()))),
        add_todo(db, NewTodo("b")),
        schema.migrate(target),
        initialisation.initialize(target, "alex", NOW),
        inspect(target),
    ):
        with pytest.raises(SchemaUnclearError, match=message):
            await operation


class TestAForeignSchema:
    """A schema called `todo` of another program is neither used nor dropped."""

    @pytest.mark.parametrize(
        "statements",
        [
            ("CREATE TABLE todo.items (id int)",),
            ("CREATE FUNCTION todo.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",),
            ("CREATE TYPE todo.state AS ENUM ('open')",),
            (  # of another program that uses Alembic with its own revision names
                "CREATE TABLE todo.alembic_version (version_num varchar(32) PRIMARY KEY)",
                "INSERT INTO todo.alembic_version VALUES ('ae1027a6acf')",
            ),
            (  # … or with names like ours
                "CREATE TABLE todo.alembic_version (version_num varchar(32) PRIMARY KEY)",
                "INSERT INTO todo.alembic_version VALUES ('0003')",
            ),
        ],
    )
    async def test_it_is_refused(self, server: Server, statements: Sequence[str]) -> None:
        target = parse_target(server.create("empty"))
        everything = "SELECT count(*) FROM pg_depend WHERE refobjid = 'todo'::regnamespace"
        await apply(target, lambda connection: run_all(connection, ("CREATE SCHEMA todo", *statements)))
        before = await apply(target, lambda connection: connection.execute(text(everything)).scalar())
        for operation in (initialisation.initialize(target, "alex", NOW), schema.drop_everything(target)):
            with pytest.raises(ForeignSchemaError, match="belongs to another program") as caught:
                await operation
            assert "use a separate database" in str(caught.value.hint)
        assert await apply(target, lambda connection: connection.execute(text(everything)).scalar()) == before

    async def test_an_empty_one_is_not_foreign(self, server: Server) -> None:
        target = parse_target(server.create("empty"))
        await apply(target, lambda connection: connection.execute(text("CREATE SCHEMA todo")))
        assert await initialisation.initialize(target, "alex", NOW)
        await schema.drop_everything(target)
        await schema.drop_everything(target)  # also if there is none
        versions = "CREATE TABLE todo.alembic_version (version_num varchar(32) PRIMARY KEY)"
        await apply(target, lambda connection: run_all(connection, ("CREATE SCHEMA todo", versions)))
        assert await initialisation.initialize(target, "alex", NOW)  # as Alembic leaves it after a downgrade


def run_all(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(text(statement))


async def test_a_statement_that_the_server_ends_is_reported(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.fresh("ended")
    target = parse_target(f"{url}&options=-c%20statement_timeout%3D1ms")
    async with Database(target, now=NOW) as db:

        async def work(step: Step) -> None:
            await step.session.execute(text("SELECT pg_sleep(1)"))

        with pytest.raises(StorageError, match="canceling statement due to statement timeout") as caught:
            await db.write("add", work)
    assert "nothing was written" in caught.value.message
    assert "statement_timeout" in str(caught.value.hint)
