"""Writes that are sent together: few statements, exact history, and a new attempt after concurrent changes."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, false, func, insert, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col, select

from tests.conftest import OpenDatabase
from tests.waits import until_blocked
from todo_cli.db.connection.postgresql import connect
from todo_cli.db.connection.target import PostgresTarget, Target
from todo_cli.db.database import Database
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import BusyError, ConflictError
from todo_cli.models.tables import Change, Project, Tag, Todo, derive
from todo_cli.models.tables import Step as StepRow
from todo_cli.query.filter.ast import And
from todo_cli.query.references import parse_references
from todo_cli.services import projects, tags, users
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.todos import NewTodo, add_todo, delete_todos, empty_trash

Command = Callable[[Database], Awaitable[Any]]
Line = tuple[str, str, Any, Any]

MUCH = 33_000

on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@pytest.fixture
async def filled(db: Database) -> Database:
    for title, project, labels in (("a", "home", ("x",)), ("b", "home.flat", ("x", "y")), ("c", "work", ())):
        await add_todo(db, NewTodo(title, project=project, tags=labels))
    return db


async def read_history(open_db: OpenDatabase) -> list[list[Line]]:
    """Return the lines of each step: entity (a todo by its title), field, old and new value, by name."""

    async def work(transaction: Transaction) -> list[list[Line]]:
        session = transaction.session
        todos = (await session.execute(select(Todo))).scalars()
        names = defaultdict(lambda: "gone", {todo.uuid: todo.title for todo in todos})
        steps: dict[int, list[Line]] = {id_: [] for id_ in (await session.execute(select(StepRow.id))).scalars() if id_}
        for row in (await session.execute(select(Change).order_by(col(Change.id)))).scalars().all():
            if row.field == "name" and row.new:
                names.setdefault(row.entity_uuid, json.loads(row.new))
            known = {str(uuid): name for uuid, name in names.items()}
            old, new = (value and known.get(json.loads(value), json.loads(value)) for value in (row.old, row.new))
            steps[row.step_id].append(
                (names[row.entity_uuid] if row.entity == "todo" else row.entity, row.field, old, new)
            )
        return [lines for _, lines in sorted(steps.items())]

    return await open_db(None).read(work, anybody=True)


PUT_AWAY = ("project", "archived_at", None, "2026-11-22T11:00:00Z")
WRITES: dict[str, tuple[Command, list[Line]]] = {
    "user add": (
        lambda db: users.add_user(db, "sam"),
        [("user", "exists", None, True), ("user", "name", None, "sam")],
    ),
    "user rename": (lambda db: users.rename_user(db, "ALEX", "Alexa"), [("user", "name", "alex", "Alexa")]),
    "tag rename": (lambda db: tags.rename_tag(db, "X", "z"), [("tag", "name", "x", "z")]),
    "tag rename to another case": (lambda db: tags.rename_tag(db, "x", "X"), [("tag", "name", "x", "X")]),
    "tag delete": (
        lambda db: tags.delete_tag(db, "x"),
        [("a", "tag", "x", None), ("b", "tag", "x", None), ("tag", "name", "x", None), ("tag", "exists", True, None)],
    ),
    "project rename": (
        lambda db: projects.rename_project(db, "home", "house"),
        [("project", "name", "home", "house"), ("project", "name", "home.flat", "house.flat")],
    ),
    "project archive": (lambda db: projects.archive_project(db, "home"), [PUT_AWAY, PUT_AWAY]),
    "project archive, of nested ones only": (
        lambda db: projects.archive_project(db, "deep"),
        [("project", "exists", None, True), ("project", "name", None, "deep"), PUT_AWAY, PUT_AWAY],
    ),
    "project unarchive": (
        lambda db: projects.unarchive_project(db, "old"),
        [("project", "archived_at", "2026-11-22T11:00:00Z", None)],
    ),
    "project delete": (
        lambda db: projects.delete_project(db, "home"),
        [
            ("a", "project", "home", None),
            ("b", "project", "home.flat", None),
            ("project", "name", "home", None),
            ("project", "created_at", "2026-11-22T11:00:00Z", None),
            ("project", "exists", True, None),
            ("project", "name", "home.flat", None),
            ("project", "created_at", "2026-11-22T11:00:00Z", None),
            ("project", "exists", True, None),
        ],
    ),
    "trash empty": (empty_trash, [("gone", "exists", True, None)]),
}


@pytest.fixture
async def prepared(filled: Database) -> Database:
    await add_todo(filled, NewTodo("d", project="deep.er"))
    await add_todo(filled, NewTodo("e", project="old"))
    await projects.archive_project(filled, "old")
    await add_todo(filled, NewTodo("f", tags=("y",)))
    await delete_todos(filled, parse_references(["6"]))
    return filled


@pytest.mark.parametrize("name", WRITES)
async def test_history_is_exact_and_in_order(prepared: Database, open_db: OpenDatabase, name: str) -> None:
    before = await read_history(open_db)
    command, expected = WRITES[name]
    await command(prepared)
    *others, last = await read_history(open_db)
    assert last == expected
    # The steps that added and deleted the todos in the trash have no lines left.
    assert others == ([*before[:-2], [], []] if name == "trash empty" else before)


async def test_todos_of_a_deleted_project_or_tag_get_a_new_version(filled: Database) -> None:
    await projects.delete_project(filled, "home")
    await tags.delete_tag(filled, "y")
    found = (await list_todos(filled, ListQuery(And(())))).todos
    assert [(todo.title, todo.project, todo.tags, todo.version) for todo in found] == [
        ("a", None, ("x",), 2),
        ("b", None, ("x",), 3),
        ("c", "work", (), 1),
    ]


@pytest.fixture
async def statements(prepared: Database) -> list[str]:
    """Record the statements sent to the database."""
    sent: list[str] = []
    assert prepared._engine
    event.listen(prepared._engine.sync_engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2]))
    return sent


@on_postgresql
@pytest.mark.parametrize("name", WRITES)
async def test_writes_take_three_statements(prepared: Database, statements: list[str], name: str) -> None:
    await WRITES[name][0](prepared)
    assert len(statements) == 3  # the gate, a read, and all writes


@on_postgresql
async def test_a_step_that_changes_nothing_takes_two_statements(prepared: Database, statements: list[str]) -> None:
    assert await projects.unarchive_project(prepared, "home") == []
    assert len(statements) == 2


@on_postgresql
async def test_lists_and_counts_take_one_statement(prepared: Database, statements: list[str]) -> None:
    reads: list[Awaitable[Any]] = [
        projects.list_projects(prepared),
        projects.list_projects(prepared, archived=True),
        tags.list_tags(prepared),
        users.list_users(prepared),
        projects.count_project(prepared, "home"),
        tags.count_tag(prepared, "x"),
    ]
    for read in reads:
        statements.clear()
        await read
        assert len(statements) == 1


class TestRenamingUpwards:
    """One project takes the name of another one that also moves."""

    @pytest.mark.parametrize(
        "names",
        [["a.b", "a.b.b", "a.b.b.b"], ["a.b.b.c", "a.b.c"], ["a.b.b.c", "a.b.c", "a.b.c.x", "a.b.b.c.x", "a.b.b.b"]],
    )
    async def test_each_project_gets_its_name(self, db: Database, names: list[str]) -> None:
        for name in names:
            await add_todo(db, NewTodo(name, project=name))
        expected = {name: "a" + name.removeprefix("a.b") for name in names}
        assert dict(await projects.rename_project(db, "a.b", "a")) == expected
        found = (await list_todos(db, ListQuery(And(())))).todos
        assert {todo.title: todo.project for todo in found} == expected

    @on_postgresql
    async def test_independent_renames_go_together(self, prepared: Database, statements: list[str]) -> None:
        for name in ("a.b", "a.b.b", "a.b.c", "a.b.d"):
            await add_todo(prepared, NewTodo(name, project=name))
        statements.clear()
        await projects.rename_project(prepared, "a.b", "a")
        assert len(statements) == 4


async def commit_meanwhile(target: Target, statements: list[str], command: Awaitable[Any]) -> Any:
    """Start the command after these statements of another transaction, then commit that."""
    assert isinstance(target, PostgresTarget)
    other = await connect(target)
    transaction = other.transaction()
    await transaction.start()
    for statement in statements:
        await other.execute(statement)
    running = asyncio.ensure_future(command)
    await until_blocked(other, [running])
    assert not running.done()
    await transaction.commit()
    await other.close()
    return await running


ADD = (
    "INSERT INTO todo.todos (uuid, user_id, project_id, title, title_folded, status, priority, due_key, created_at,"
    " updated_at, version) SELECT gen_random_uuid(), 1, {project}, 'new', 'new', 'open', 4, '~', now(), now(), 1"
)
TAG = "INSERT INTO todo.todo_tags SELECT t.id, g.id FROM todo.todos t, todo.tags g WHERE t.title = '{}' AND g.key = 'x'"


@on_postgresql
class TestExpectations:
    """Other transactions commit between the read and the write of a command on PostgreSQL."""

    async def test_a_todo_is_added_to_a_project(
        self, filled: Database, open_db: OpenDatabase, target: Target, statements: list[str]
    ) -> None:
        project = "(SELECT id FROM todo.projects WHERE key = 'home.flat')"
        await commit_meanwhile(target, [ADD.format(project=project)], projects.delete_project(filled, "home"))
        assert len(statements) > 3
        history = (await read_history(open_db))[-1]
        assert [line[0] for line in history if line[1] == "project"] == ["a", "b", "new"]

    async def test_a_todo_gets_a_tag(
        self, filled: Database, open_db: OpenDatabase, target: Target, statements: list[str]
    ) -> None:
        await commit_meanwhile(target, [TAG.format("c")], tags.delete_tag(filled, "x"))
        assert len(statements) > 3
        assert [line[0] for line in (await read_history(open_db))[-1] if line[1] == "tag"] == ["a", "b", "c"]

    async def test_one_todo_gets_a_tag_while_another_loses_it(
        self, filled: Database, open_db: OpenDatabase, target: Target
    ) -> None:
        lock = "UPDATE todo.todos SET version = 2 WHERE title = 'b'"
        untag = "DELETE FROM todo.todo_tags WHERE todo_id = (SELECT id FROM todo.todos WHERE title = 'b')"
        await commit_meanwhile(target, [lock, untag, TAG.format("c")], tags.delete_tag(filled, "x"))
        assert [line[0] for line in (await read_history(open_db))[-1] if line[1] == "tag"] == ["a", "c"]

    async def test_a_todo_moves_between_two_deleted_projects(
        self, filled: Database, open_db: OpenDatabase, target: Target
    ) -> None:
        flat = "(SELECT id FROM todo.projects WHERE key = 'home.flat')"
        move = f"UPDATE todo.todos SET project_id = {flat} WHERE title = 'a'"
        await commit_meanwhile(target, [move], projects.delete_project(filled, "home"))
        lines = [line for line in (await read_history(open_db))[-1] if line[1] == "project"]
        assert lines == [("a", "project", "home.flat", None), ("b", "project", "home.flat", None)]

    async def test_a_todo_is_deleted(self, filled: Database, target: Target, statements: list[str]) -> None:
        await delete_todos(filled, parse_references(["1"]))
        lock = "SELECT FROM todo.todos WHERE id = 1 FOR UPDATE"
        trash = "UPDATE todo.todos SET deleted_at = '2026-01-01Z' WHERE title = 'b'"
        statements.clear()
        assert await commit_meanwhile(target, [lock, trash], empty_trash(filled)) == 3
        assert len(statements) > 3

    async def test_a_todo_is_restored(self, filled: Database, target: Target) -> None:
        await delete_todos(filled, parse_references(["1-2"]))
        restore = "UPDATE todo.todos SET deleted_at = NULL WHERE title = 'b'"
        assert await commit_meanwhile(target, [restore], empty_trash(filled)) == 1
        assert [todo.title for todo in (await list_todos(filled, ListQuery(And(())))).todos] == ["b", "c"]

    @pytest.mark.parametrize("kind", ["project", "tag", "user"])
    async def test_a_name_is_taken(self, filled: Database, target: Target, kind: str) -> None:
        rename: Callable[[Database, str, str], Awaitable[Any]]
        rename, old, created = {
            "project": (projects.rename_project, "home", True),
            "tag": (tags.rename_tag, "x", False),
            "user": (users.rename_user, "alex", True),
        }[kind]
        owner = ["user_id"] if kind != "user" else []
        columns = ", ".join(["uuid", *owner, "name", "key", *(["created_at"] if created else [])])
        values = ", ".join(
            ["gen_random_uuid()", *("1" for _ in owner), "'New'", "'new'", *(["now()"] if created else [])]
        )
        insert = f"INSERT INTO todo.{kind}s ({columns}) VALUES ({values})"
        with pytest.raises(ConflictError, match=f"{kind} 'New' already exists"):
            await commit_meanwhile(target, [insert], rename(filled, old, "new"))

    async def test_a_project_is_created_while_its_parent_is_archived(self, filled: Database, target: Target) -> None:
        await add_todo(filled, NewTodo("d", project="deep.er"))
        insert = (
            "INSERT INTO todo.projects (uuid, user_id, name, key, created_at)"
            " VALUES (gen_random_uuid(), 1, 'Deep', 'deep', now())"
        )
        names = await commit_meanwhile(target, [insert], projects.archive_project(filled, "deep"))
        assert names == ["Deep", "deep.er"]

    async def test_a_step_that_always_conflicts_fails_and_writes_nothing(
        self, filled: Database, open_db: OpenDatabase
    ) -> None:
        async def work(step: Step) -> None:
            step._pending.expect(false())
            await step.remove(*removed)

        removed = Tag, col(Tag.key) == "x"
        before = await read_history(open_db)
        with pytest.raises(BusyError):
            await filled.write("tag delete", work)
        assert await read_history(open_db) == before
        assert [tag.name for tag in await tags.list_tags(filled)] == ["x", "y"]


@on_postgresql
async def test_a_lost_reply_is_found_by_the_next_attempt(
    filled: Database, open_db: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = AsyncConnection.commit

    async def commit_and_lose(connection: AsyncConnection) -> None:
        await commit(connection)
        monkeypatch.undo()
        raise OperationalError("COMMIT", {}, ConnectionResetError())

    before = await read_history(open_db)
    monkeypatch.setattr(AsyncConnection, "commit", commit_and_lose)
    assert await tags.rename_tag(filled, "x", "z") == ("x", "z")
    assert (await read_history(open_db))[:-1] == before
    monkeypatch.setattr(AsyncConnection, "commit", commit_and_lose)
    assert await projects.delete_project(filled, "home") == ["home", "home.flat"]


@pytest.mark.exhaustive
async def test_many_rows_at_once(db: Database) -> None:
    """More rows than a statement may have parameters, on either database."""
    prefix = "" if db.target.dialect == "sqlite" else "todo."

    async def fill(step: Step) -> None:
        project = await step.get_or_create(Project, "p")
        tag = await step.get_or_create(Tag, "t")
        alike = Todo(user_id=1, project_id=project.id, title="a", created_at=db.now, updated_at=db.now)
        alike.deleted_at = db.now
        derive(alike)
        values = alike.model_dump(exclude={"id"})
        rows = [{**values, "uuid": uuid4()} for _ in range(MUCH)]
        await step.session.execute(insert(Todo), rows)
        await step.session.execute(text(f"INSERT INTO {prefix}todo_tags SELECT id, {tag.id} FROM {prefix}todos"))
        step.keep()

    async def count_lines(transaction: Transaction) -> list[int]:
        counts = select(func.count(col(Change.id))).select_from(StepRow).outerjoin(Change).group_by(col(StepRow.id))
        return list((await transaction.session.execute(counts.order_by(col(StepRow.id)))).scalars())

    await db.write("db copy", fill)
    assert await projects.count_project(db, "p") == await tags.count_tag(db, "t") == MUCH
    await tags.delete_tag(db, "t")
    await projects.delete_project(db, "p")
    assert (await db.read(count_lines))[2:] == [MUCH + 2, MUCH + 3]
    assert await empty_trash(db) == MUCH
    assert (await db.read(count_lines))[1:] == [4, 2, 3, MUCH]
