"""Copying from one database to another: everything arrives, once, or nothing does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from tests.conftest import NOW, OpenDatabase, Server
from todo_cli.db.connection.target import parse_target
from todo_cli.db.database import Database
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import (
    BusyError,
    ConflictError,
    DatabaseUnavailableError,
    InvalidInputError,
    NotFoundError,
    SchemaMissingError,
)
from todo_cli.models.tables import Base, Change, Comment, Dependency, Project, Series, Tag, Todo, TodoTag, User
from todo_cli.models.tables import Step as StepRow
from todo_cli.models.values import Priority, TodoOutcome, When
from todo_cli.query.filter.ast import And
from todo_cli.query.references import parse_references
from todo_cli.services import projects, tags, todos, users
from todo_cli.services.databases.copying import copy_todos
from todo_cli.services.editing.recurring import Every
from todo_cli.services.editing.relations import load_parents
from todo_cli.services.editing.series import delete_series
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.lookup import load_todos
from todo_cli.services.todos import NewTodo, TodoChanges, add_todo
from todo_cli.services.undoing import redo_steps, undo_steps

pytestmark = pytest.mark.two_kinds

Opened = Callable[..., Database]

TO_SQLITE = pytest.mark.parametrize("other_target", ["sqlite"], indirect=True)
TO_SERVER = pytest.mark.parametrize("other_target", ["postgresql"], indirect=True)
FROM_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


async def rows(db: Database, statement: Any) -> list[dict[str, Any]]:
    async def work(transaction: Transaction) -> list[dict[str, Any]]:
        found = (await transaction.session.execute(statement)).mappings()
        return [{str(key): value for key, value in row.items()} for row in found]

    return await db.read(work)


async def everything(db: Database, user: str = "alex") -> dict[str, Any]:
    """Return all rows of a user, without numbers that are specific to this database."""
    mine = select(col(User.id)).where(col(User.key) == user).scalar_subquery()

    async def named(model: type[Project] | type[Tag] | type[Series]) -> list[dict[str, Any]]:
        columns = [column for column in Base.metadata.tables[model.__tablename__].c if column.name not in _LOCAL]
        return await rows(db, select(*columns).where(col(model.user_id) == mine).order_by(columns[0]))

    numbers = ("user_id", "project_id", "series_id", "parent_id")
    columns = [column for column in Base.metadata.tables["todos"].c if column.name not in numbers]
    other = TODOS.alias()
    found = await rows(
        db,
        select(
            *columns,
            col(Project.uuid).label("project"),
            col(Series.uuid).label("series"),
            other.c.uuid.label("parent"),
        )
        .outerjoin(Project, col(Project.id) == col(Todo.project_id))
        .outerjoin(Series, col(Series.id) == col(Todo.series_id))
        .outerjoin(other, other.c.id == col(Todo.parent_id))
        .where(col(Todo.user_id) == mine)
        .order_by(col(Todo.id)),
    )
    links = (
        select(col(TodoTag.todo_id), col(Tag.uuid))
        .join(Tag, col(Tag.id) == col(TodoTag.tag_id))
        .where(col(Tag.user_id) == mine)
        .order_by(col(TodoTag.todo_id), col(Tag.uuid))
    )
    comments = (
        select(*(column for column in Base.metadata.tables["comments"].c if column.name not in _LOCAL))
        .where(col(Comment.user_id) == mine)
        .order_by(col(Comment.todo_id), col(Comment.id))
    )
    return {
        "projects": await named(Project),
        "tags": await named(Tag),
        "series": await named(Series),
        "todos": found,
        "links": await rows(db, links),
        "dependencies": await dependencies(db, user),
        "comments": await rows(db, comments),
        "history": await history(db, user),
    }


_LOCAL = ("id", "user_id")
TODOS = Base.metadata.tables["todos"]


async def dependencies(db: Database, user: str = "alex") -> list[dict[str, Any]]:
    """Return the dependencies of a user's todos, by uuid."""
    todo, other = TODOS.alias(), TODOS.alias()
    statement = (
        select(todo.c.uuid.label("todo"), other.c.uuid.label("depends_on"))
        .join_from(Base.metadata.tables["dependencies"], todo, todo.c.id == col(Dependency.todo_id))
        .join(other, other.c.id == col(Dependency.depends_on_id))
        .join(User, col(User.id) == todo.c.user_id)
        .where(col(User.key) == user)
        .order_by(todo.c.uuid, other.c.uuid)
    )
    return await rows(db, statement)


async def history(db: Database, user: str = "alex") -> list[dict[str, Any]]:
    """Return all changes of a user in order, each with its step and the step that undid it."""
    undoing = StepRow.__table__.alias()  # type: ignore[attr-defined]
    statement = (
        select(
            col(StepRow.uuid),
            col(StepRow.at),
            col(StepRow.command),
            undoing.c.uuid.label("undone_by"),
            col(Change.entity),
            col(Change.entity_uuid),
            col(Change.field),
            col(Change.old),
            col(Change.new),
        )
        .join(StepRow, col(StepRow.id) == col(Change.step_id))
        .outerjoin(undoing, undoing.c.id == col(StepRow.undone_by))
        .join(User, col(User.id) == col(StepRow.user_id))
        .where(col(User.key) == user, col(Change.entity) != "user")
        .order_by(col(StepRow.id), col(Change.id))
    )
    return await rows(db, statement)


async def fill(db: Database) -> None:
    """Create a list with everything: all columns, projects and tags that came and went, and trash that was emptied."""
    at = datetime(2026, 12, 24, 17, 0, tzinfo=UTC)
    news = [
        NewTodo(
            "İ ß \U0001f600\ttab",
            description="long\ntext",
            priority=Priority.HIGH,
            project="home.flat",
            tags=("Ämter", "b"),
            due=When(at.date(), at),
        ),
        NewTodo("two", project="work", tags=("b",), due=When(date(2026, 11, 30))),
        NewTodo("three", project="old", tags=("soon-gone",)),
        NewTodo("four"),
        NewTodo("five"),
        NewTodo("gone for good", project="home.flat", every=Every("day")),
    ]  # fmt: skip
    for new in news:
        await add_todo(db, new)
    await todos.complete_todos(db, parse_references(["2", "4"]))
    await todos.reopen_todos(db, parse_references(["4"]))
    await todos.modify_todos(db, parse_references(["1-3"]), TodoChanges(title="Changed", tags=("c",), untag=("b",)))
    await delete_series(db, parse_references(["6"]))
    async with Database(db.target, now=NOW + timedelta(seconds=1), user_name="alex") as later:
        await todos.empty_trash(later)
    await todos.delete_todos(db, parse_references(["5"]))
    await projects.rename_project(db, "work", "job")
    await projects.archive_project(db, "old")
    await tags.delete_tag(db, "soon-gone")
    await add_todo(
        db,
        NewTodo(
            "seven",
            project="p",
            due=When(at.date(), at),
            scheduled=When(date(2026, 12, 1)),
            wait_until=NOW,
            expires_at=at,
            every=Every("month"),
        ),
    )
    await projects.delete_project(db, "p")
    # Edges within a batch and between batches: forwards, backwards, and to the trash.
    await relate(db, depends=[(1, 2), (1, 7), (4, 1), (7, 5)], parents={1: 7, 3: 2, 5: 4, 4: 3})
    await relate(db, comments=[(7, "first"), (1, "İ ß\x1b[1m"), (7, "second"), (5, "taken back")], parents={4: None})
    await take_back(db, "taken back")
    await mark_undone(db, "reopen", "done")


async def mark_undone(db: Database, command: str, undone: str) -> None:
    """Record one step as undone by another, as `undo` does."""

    async def work(step: Step) -> None:
        ids = select(col(StepRow.id)).where(col(StepRow.command) == command).scalar_subquery()
        statement = update(StepRow).where(col(StepRow.command) == undone).values(undone_by=ids)
        await step.session.execute(statement)
        step.keep()

    await db.write("mark", work)


async def relate(
    db: Database,
    *,
    depends: Iterable[tuple[int, int]] = (),
    parents: Mapping[int, int | None] | None = None,
    comments: Iterable[tuple[int, str]] = (),
) -> None:
    """Add dependencies, parents and comments to todos, by number."""

    async def work(step: Step) -> None:
        found = {todo.id: todo for todo in (await step.session.execute(load_todos(step))).scalars()}
        await load_parents(step, found.values())
        for number, other in depends:
            await step.session.execute(insert(Dependency).values(todo_id=number, depends_on_id=other))
            step._record(found[number], "depends", None, found[other])
        for number, parent in (parents or {}).items():
            step.change(found[number], parent=None if parent is None else found[parent])
        for number, text in comments:
            todo = found[number]
            step.create(Comment(todo_id=number, todo=todo, text=text, created_at=step.now))
        await step.flush()

    await db.write("relate", work)


async def take_back(db: Database, text: str) -> None:
    """Remove a comment, leaving only its history."""

    async def work(step: Step) -> None:
        [comment] = (await step.session.execute(select(Comment).where(col(Comment.text) == text))).scalars()
        for field, value in (("exists", True), ("text", text)):
            step._note(Comment.entity, comment.uuid, field, value, None)
        await step.session.delete(comment)
        await step.flush()

    await db.write("take back", work)


async def edges(db: Database) -> tuple[set[tuple[int, int]], dict[int, int]]:
    """Return the dependencies and the parents of todos, by number."""
    depend = await rows(db, select(col(Dependency.todo_id), col(Dependency.depends_on_id)))
    belong = await rows(db, select(col(Todo.id), col(Todo.parent_id)).where(col(Todo.parent_id).is_not(None)))
    return {(row["todo_id"], row["depends_on_id"]) for row in depend}, {row["id"]: row["parent_id"] for row in belong}


async def read_comments(db: Database) -> list[tuple[int, str]]:
    """Return the number of the todo and the text of each comment."""
    found = await rows(db, select(col(Comment.todo_id), col(Comment.text)).order_by(col(Comment.id)))
    return [(row["todo_id"], row["text"]) for row in found]


async def titles(db: Database) -> dict[int, str]:
    return {todo.id: todo.title for todo in (await list_todos(db, ListQuery(And(())))).todos}


async def add_many(db: Database, number: int) -> None:
    async def work(step: Step) -> None:
        named = [await step.get_or_create(Project, f"p{i}") for i in range(5)]
        labels = [await step.get_or_create(Tag, f"t{i}") for i in range(5)]
        for i in range(number):
            step.create(
                Todo(
                    title=f"todo {i}",
                    project=named[i % 5],
                    tags=[labels[i % 5], labels[(i + 1) % 5]],
                    created_at=step.now,
                    updated_at=step.now,
                )
            )
        await step.flush()

    await db.write("import", work)


async def skip_numbers(db: Database, number: int) -> None:
    """Make sure that the next todo gets a number above that one."""
    from todo_cli.db.write.sequence import raise_counter

    async def work(step: Step) -> None:
        await raise_counter(step.session, number)
        step.keep()

    await db.write("skip", work)


class TestEverything:
    async def test_arrives_in_every_direction(self, db: Database, other: Database) -> None:
        await fill(db)
        before = await everything(db)
        result = await copy_todos(db, other)
        assert (result.copied, result.already_there, result.projects, result.tags) == (6, 0, 3, 3)
        assert result.renumbered == []
        assert await everything(other) == before
        assert await everything(db) == before
        assert any(change["undone_by"] for change in before["history"])

    async def test_arrives_once(self, db: Database, other: Database) -> None:
        await fill(db)
        await copy_todos(db, other)
        before = await everything(other)
        again = await copy_todos(db, other)
        assert (again.copied, again.already_there, again.projects, again.tags) == (0, 6, 0, 0)
        assert await everything(other) == before
        steps = await rows(other, select(col(StepRow.command)).where(col(StepRow.command) == "db copy"))
        assert len(steps) == 1

    async def test_comes_back(self, db: Database, other: Database, open_db: OpenDatabase) -> None:
        await fill(db)
        await copy_todos(db, other)
        await users.add_user(db, "sam")
        new = await add_todo(other, NewTodo("made there", project="job", tags=("c",)))
        await todos.complete_todos(other, parse_references(["1"]), force=True)
        result = await copy_todos(other, db)
        assert (result.copied, result.already_there, result.projects, result.tags) == (1, 6, 0, 0)
        assert (await titles(db))[new.todo.id] == "made there"
        [change] = [change for change in await history(db) if change["new"] == '"made there"']
        assert (change["uuid"], change["command"]) in [
            (change["uuid"], change["command"]) for change in await history(other) if change["command"] == "add"
        ]

    async def test_of_one_user_only(self, db: Database, open_db: OpenDatabase, other: Database) -> None:
        await users.add_user(db, "sam")
        sam = open_db("sam")
        await add_todo(db, NewTodo("hers", project="hers", tags=("hers",)))
        await add_todo(sam, NewTodo("his", project="his", tags=("his",)))
        assert (await copy_todos(sam, other)).copied == 1
        assert await titles(other) == {2: "his"}
        assert [project.name for project in await projects.list_projects(other)] == ["his"]
        assert [tag.name for tag in await tags.list_tags(other)] == ["his"]
        assert {change["new"] for change in await history(other)} == {
            change["new"] for change in await history(sam, "sam")
        }

    async def test_to_another_user(self, db: Database, other: Database, open_other: Opened) -> None:
        await fill(db)
        await users.add_user(other, "sam")
        before = await everything(other)
        await copy_todos(db, open_other("sam"))
        assert await everything(other, "sam") == await everything(db)
        assert await everything(other) == before

    async def test_in_batches(self, db: Database, other: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("todo_cli.services.databases.copying.TODOS_AT_ONCE", 2)
        monkeypatch.setattr("todo_cli.services.databases.copying.CHANGES_AT_ONCE", 3)
        await fill(db)
        calls: list[tuple[int, int]] = []
        await copy_todos(db, other, progress=lambda done, total: calls.append((done, total)))
        assert await everything(other) == await everything(db)
        assert calls[0] == (0, calls[0][1])
        assert calls[-1] == (calls[0][1], calls[0][1])
        assert [done for done, _ in calls] == sorted(done for done, _ in calls)
        assert (await copy_todos(db, other)).already_there == 6

    async def test_after_starting_again(self, db: Database, other: Database) -> None:
        await fill(db)
        stood_in_the_way = [BusyError()]

        def meet_somebody(done: int, total: int) -> None:
            if done == total and stood_in_the_way:
                raise stood_in_the_way.pop()

        result = await copy_todos(db, other, progress=meet_somebody)
        assert (stood_in_the_way, result.copied) == ([], 6)
        assert await everything(other) == await everything(db)
        steps = await rows(other, select(col(StepRow.command)).where(col(StepRow.command) == "db copy"))
        assert len(steps) == 1

    async def test_new_todos_since_the_last_copy(self, db: Database, other: Database) -> None:
        await fill(db)
        await copy_todos(db, other)
        await add_todo(db, NewTodo("new", project="new.one", tags=("c", "new")))
        await todos.modify_todos(db, parse_references(["1,8"]), TodoChanges(title="both"))
        result = await copy_todos(db, other)
        assert (result.copied, result.already_there, result.projects, result.tags) == (1, 6, 1, 1)
        assert (await titles(other))[8] == "both"
        assert (await titles(other))[1] == "Changed"
        both = [change for change in await history(other) if change["new"] == '"both"']
        assert len(both) == 1  # of a step that changed two todos, the changes of the new one

    async def test_nothing_without_tables(self, db: Database, server: Server) -> None:
        bare = Database(parse_target(server.create("other_bare")), now=NOW)
        with pytest.raises(SchemaMissingError):
            await copy_todos(db, bare)
        with pytest.raises(SchemaMissingError):
            await copy_todos(bare, db)
        await bare.__aexit__()

    async def test_to_a_file_that_is_created(self, db: Database, tmp_path: Path) -> None:
        await fill(db)
        async with Database(parse_target(f"sqlite:///{tmp_path / 'new.db'}"), now=NOW, user_name="sam") as new:
            assert (await copy_todos(db, new)).copied == 6
            assert await everything(new, "sam") == await everything(db)


class TestRefused:
    async def test_the_same_database(self, db: Database, open_db: OpenDatabase) -> None:
        with pytest.raises(InvalidInputError):
            await copy_todos(db, open_db("alex"))

    async def test_a_missing_file(self, db: Database, tmp_path: Path) -> None:
        path = tmp_path / "nothing.db"
        with pytest.raises(NotFoundError):
            await copy_todos(Database(parse_target(f"sqlite:///{path}"), now=NOW), db)
        assert not path.exists()

    async def test_unnamed_and_missing_users(
        self, db: Database, open_db: OpenDatabase, other: Database, open_other: Opened
    ) -> None:
        await users.add_user(db, "sam")
        await users.add_user(other, "sam")
        with pytest.raises(InvalidInputError, match="several users") as source:
            await copy_todos(open_db(), other)
        assert "--from-user" in str(source.value.hint)
        with pytest.raises(InvalidInputError, match="several users") as destination:
            await copy_todos(db, open_other())
        assert "--to-user" in str(destination.value.hint)
        for pair in ((open_db("eve"), other), (db, open_other("eve"))):
            with pytest.raises(NotFoundError, match="no user 'eve'"):
                await copy_todos(*pair)

    async def test_todos_of_another_user_in_the_destination(
        self, db: Database, other: Database, open_other: Opened
    ) -> None:
        await fill(db)
        await copy_todos(db, other)
        await users.add_user(other, "sam")
        before = await everything(other, "sam")
        with pytest.raises(ConflictError, match="belongs to another user"):
            await copy_todos(db, open_other("sam"))
        with pytest.raises(ConflictError, match="belongs to another user"):
            await copy_todos(db, open_other("sam"), renumber=True)
        assert await everything(other, "sam") == before

    @TO_SERVER
    @FROM_SQLITE
    async def test_an_error_of_the_source_names_the_source(
        self, db: Database, other: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        await fill(db)

        def break_it(done: int, _total: int) -> None:
            if done == 0:
                with (tmp_path / "todo.db").open("r+b") as file:
                    file.seek(100)
                    file.write(b"\xff" * 200_000)

        with pytest.raises(DatabaseUnavailableError, match=r"todo\.db"):
            await copy_todos(db, other, progress=break_it)
        assert await titles(other) == {}


class TestNumbers:
    async def test_taken_numbers_are_refused(self, db: Database, other: Database) -> None:
        for i in range(14):
            await add_todo(db, NewTodo(f"todo {i}", project="p"))
        for i in range(12):
            await add_todo(other, NewTodo(f"other {i}"))
        before = await everything(other)
        with pytest.raises(ConflictError) as caught:
            await copy_todos(db, other)
        assert "12 numbers (1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more) are taken" in caught.value.message
        assert "--renumber" in str(caught.value.hint)
        assert await everything(other) == before
        assert await projects.list_projects(other) == []

    async def test_numbers_of_other_users_and_of_the_trash_are_taken(
        self, db: Database, other: Database, open_other: Opened
    ) -> None:
        await users.add_user(other, "sam")
        await add_todo(open_other("sam"), NewTodo("his"))
        await add_todo(other, NewTodo("trash"))
        await todos.delete_todos(other, parse_references(["2"]))
        for i in range(3):
            await add_todo(db, NewTodo(f"todo {i}"))
        with pytest.raises(ConflictError, match=r"2 numbers \(1, 2\)"):
            await copy_todos(db, other)
        assert (await copy_todos(db, other, renumber=True)).renumbered == [(1, 4), (2, 5)]

    async def test_taken_numbers_are_replaced(self, db: Database, other: Database) -> None:
        await fill(db)
        for title in ("other 1", "other 2", "other 3"):
            await add_todo(other, NewTodo(title, project="x"))
        await todos.delete_todos(other, parse_references(["2"]))
        async with Database(other.target, now=NOW + timedelta(seconds=1), user_name="alex") as later:
            await todos.empty_trash(later)
        result = await copy_todos(db, other, renumber=True)
        assert result.renumbered == [(1, 8), (3, 9)]
        there = {row["uuid"]: row for row in (await everything(other))["todos"]}
        mapping = dict(result.renumbered)
        for row in (await everything(db))["todos"]:
            assert there[row["uuid"]] == {**row, "id": mapping.get(row["id"], row["id"])}
        links = {(link["todo_id"], link["uuid"]) for link in (await everything(other))["links"]}
        assert links == {
            (mapping.get(link["todo_id"], link["todo_id"]), link["uuid"]) for link in (await everything(db))["links"]
        }
        again = await copy_todos(db, other)
        assert (again.copied, again.already_there, again.renumbered) == (0, 6, [])
        assert (await add_todo(other, NewTodo("next"))).todo.id == 10

    async def test_new_numbers_are_above_all_numbers_ever_used(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("one"))
        for title in ("two", "three"):
            await add_todo(db, NewTodo(title))
        await todos.delete_todos(db, parse_references(["2-3"]))
        async with Database(db.target, now=NOW + timedelta(seconds=1), user_name="alex") as later:
            await todos.empty_trash(later)
        await copy_todos(db, other)
        assert (await add_todo(other, NewTodo("next"))).todo.id == 4

    async def test_the_sequence_advances_even_if_nothing_is_copied(self, db: Database, other: Database) -> None:
        await skip_numbers(db, 7)
        assert (await copy_todos(db, other)).copied == 0
        assert (await add_todo(other, NewTodo("next"))).todo.id == 8

    async def test_new_numbers_are_above_existing_ones(self, db: Database, other: Database) -> None:
        await skip_numbers(other, 20)
        await add_todo(db, NewTodo("one"))
        await copy_todos(db, other)
        assert (await add_todo(other, NewTodo("next"))).todo.id == 21


class TestNames:
    async def test_existing_names_are_used_and_recorded_in_the_history(self, db: Database, other: Database) -> None:
        there = await add_todo(other, NewTodo("there", project="HOME", tags=("Strasse",)))
        await skip_numbers(db, 10)
        await add_todo(db, NewTodo("here", project="home", tags=("straße", "new")))
        await todos.modify_todos(
            db, parse_references(["11"]), TodoChanges(untag=("straße",), clear=frozenset({"project"}))
        )
        await todos.modify_todos(db, parse_references(["11"]), TodoChanges(tags=("straße",), project="home"))
        result = await copy_todos(db, other)
        assert (result.copied, result.projects, result.tags) == (1, 0, 1)
        [todo] = [todo for todo in (await list_todos(other, ListQuery(And(())))).todos if todo.id != there.todo.id]
        assert (todo.project, todo.tags) == ("HOME", ("new", "Strasse"))
        found = await everything(other)
        [project] = found["projects"]
        by_name = {tag["name"]: str(tag["uuid"]) for tag in found["tags"]}
        said = [
            (change["field"], change["old"], change["new"])
            for change in found["history"]
            if change["entity_uuid"] == todo.uuid and change["field"] in ("project", "tag")
        ]
        home, street, new = (json.dumps(text) for text in (str(project["uuid"]), by_name["Strasse"], by_name["new"]))
        assert sorted(said[:3], key=str) == sorted(
            [("project", None, home), ("tag", None, street), ("tag", None, new)], key=str
        )
        assert sorted(said[3:5]) == [("project", home, None), ("tag", street, None)]
        assert sorted(said[5:], key=str) == [("project", None, home), ("tag", None, street)]
        made = [change for change in found["history"] if change["field"] == "exists" and change["entity"] != "todo"]
        assert sorted(change["entity_uuid"] for change in made) == sorted(
            [project["uuid"], UUID(by_name["Strasse"]), UUID(by_name["new"])]
        )

    async def test_names_are_spelled_as_in_the_destination(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("a", project="p", tags=("t",)))
        await copy_todos(db, other)
        await projects.rename_project(other, "p", "q")
        await tags.rename_tag(other, "t", "u")
        await add_todo(db, NewTodo("b", project="p", tags=("t",)))
        await copy_todos(db, other)
        listed = (await list_todos(other, ListQuery(And(())))).todos
        assert {(todo.project, todo.tags) for todo in listed} == {("q", ("u",))}

    async def test_merged_tags_are_added_once(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("a", tags=("t",)))
        await copy_todos(db, other)
        await tags.rename_tag(other, "t", "u")
        await add_todo(db, NewTodo("b", tags=("t", "u")))  # t is the same as u by uuid, and u by name
        await copy_todos(db, other)
        listed = (await list_todos(other, ListQuery(And(())))).todos
        assert [todo.tags for todo in listed] == [("u",), ("u",)]

    async def test_a_uuid_of_another_user_is_replaced(self, db: Database, other: Database, open_other: Opened) -> None:
        await add_todo(db, NewTodo("a", project="p", tags=("t",)))
        await copy_todos(db, other)
        await todos.delete_todos(other, parse_references(["1"]))
        async with Database(other.target, now=NOW + timedelta(seconds=1), user_name="alex") as later:
            await todos.empty_trash(later)
        await users.add_user(other, "sam")
        result = await copy_todos(db, open_other("sam"))
        assert (result.copied, result.projects, result.tags) == (1, 1, 1)
        found, original = await everything(other, "sam"), await everything(db)
        assert found["projects"][0]["uuid"] != original["projects"][0]["uuid"]
        named = {json.dumps(str(found[kind][0]["uuid"])) for kind in ("projects", "tags")}
        assert {change["new"] for change in found["history"] if change["field"] in ("project", "tag")} == named
        about = {found[kind][0]["uuid"] for kind in ("projects", "tags", "todos")}
        assert {change["entity_uuid"] for change in found["history"]} == about
        [mine] = [
            change for change in await history(other) if change["field"] == "exists" and change["entity"] == "tag"
        ]
        assert mine["entity_uuid"] == original["tags"][0]["uuid"]


class TestEdges:
    """Dependencies and parents if only some of the todos are in the destination."""

    async def make(self, db: Database, *titles: str) -> None:
        for title in titles:
            await add_todo(db, NewTodo(title))

    async def test_new_todos_depend_on_existing_ones(self, db: Database, other: Database) -> None:
        await self.make(db, "old", "old too")
        await copy_todos(db, other)
        await self.make(db, "new", "newer")
        await relate(db, depends=[(3, 1), (3, 4)], parents={3: 2, 4: 3})
        before = (await everything(other))["todos"][:2]
        assert (await copy_todos(db, other)).copied == 2
        assert await edges(other) == ({(3, 1), (3, 4)}, {3: 2, 4: 3})
        assert (await everything(other))["todos"][:2] == before

    async def test_edges_of_existing_todos_do_not_change(self, db: Database, other: Database) -> None:
        await self.make(db, "one", "two")
        await relate(db, depends=[(1, 2)], parents={2: 1})
        await copy_todos(db, other)
        await self.make(other, "three")
        await relate(other, depends=[(2, 3)], parents={2: None})
        await self.make(db, "new")
        await relate(db, depends=[(1, 3)], parents={1: 3}, comments=[(1, "late"), (3, "on the new one")])
        await copy_todos(db, other, renumber=True)
        assert await edges(other) == ({(1, 2), (2, 3)}, {})
        assert await read_comments(other) == [(4, "on the new one")]
        assert "late" not in {json.loads(change["new"] or "null") for change in await history(other)}

    async def test_edges_follow_new_numbers(self, db: Database, other: Database) -> None:
        await self.make(other, "there 1", "there 2")
        await self.make(db, "one", "two", "three")
        await relate(db, depends=[(1, 2), (3, 1)], parents={2: 3, 3: 1}, comments=[(2, "said")])
        assert (await copy_todos(db, other, renumber=True)).renumbered == [(1, 4), (2, 5)]
        assert await edges(other) == ({(4, 5), (3, 4)}, {5: 3, 3: 4})
        assert await read_comments(other) == [(5, "said")]

    async def test_edges_lead_to_the_same_occurrence(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("a", due=When(date(2026, 11, 30)), every=Every("week")))
        await copy_todos(db, other)
        await self.make(other, "a neighbour")
        for database in (db, other):
            await todos.complete_todos(database, parse_references(["1"]))  # which creates 2 here and 3 there
        await self.make(db, "three", "four")
        await relate(db, depends=[(4, 2), (2, 3)], parents={4: 2}, comments=[(2, "here")])
        await relate(other, comments=[(3, "there")])
        assert (await copy_todos(db, other, renumber=True)).copied == 2
        assert await edges(other) == ({(4, 3)}, {4: 3})
        assert await read_comments(other) == [(3, "there")]
        [same] = await rows(other, select(col(Todo.uuid)).where(col(Todo.id) == 3))
        said = {(change["field"], change["new"]) for change in await history(other)}
        assert said >= {("depends", json.dumps(str(same["uuid"]))), ("parent", json.dumps(str(same["uuid"])))}

    async def test_copied_edges_raise_the_version_of_the_graph(self, db: Database, other: Database) -> None:
        versions = select(col(User.edges_version))
        await self.make(db, "one", "two")
        await copy_todos(db, other)
        assert await rows(other, versions) == [{"edges_version": 0}]
        await self.make(db, "three")
        await relate(db, depends=[(3, 1)])
        await copy_todos(db, other)
        await copy_todos(db, other)
        assert await rows(other, versions) == [{"edges_version": 1}]

    async def test_edges_and_comments_of_one_user_only(
        self, db: Database, open_db: OpenDatabase, other: Database
    ) -> None:
        await users.add_user(db, "sam")
        sam = open_db("sam")
        for database in (db, sam):
            await self.make(database, "one", "two")
        await relate(db, depends=[(1, 2)], parents={2: 1}, comments=[(1, "hers")])
        await relate(sam, depends=[(4, 3)], parents={3: 4}, comments=[(3, "his")])
        await copy_todos(sam, other)
        assert await edges(other) == ({(4, 3)}, {3: 4})
        assert await read_comments(other) == [(3, "his")]

    async def test_comments_whose_uuid_is_taken_get_a_new_one(self, db: Database, other: Database) -> None:
        await self.make(db, "one")
        await self.make(other, "apart", "two")
        await relate(db, comments=[(1, "said")])
        await relate(other, comments=[(2, "said there")])
        [comment] = await rows(db, select(col(Comment.uuid)))

        async def take(step: Step) -> None:
            await step.session.execute(update(Comment).values(uuid=comment["uuid"]))
            step.keep()

        await other.write("take", take)
        await copy_todos(db, other, renumber=True)
        found = await rows(other, select(col(Comment.uuid), col(Comment.text)).order_by(col(Comment.id)))
        assert [row["text"] for row in found] == ["said there", "said"]
        [made] = [change for change in await history(other) if change["new"] == '"said"']
        assert made["entity_uuid"] == found[1]["uuid"] != comment["uuid"]


@TO_SERVER
@FROM_SQLITE
class TestSeries:
    async def test_a_series_continues_in_the_destination(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("a", due=When(date(2026, 11, 30)), every=Every("week")))
        await copy_todos(db, other)
        [outcome] = await todos.complete_todos(other, parse_references(["1"]))
        assert [todo.due for todo in outcome.next] == [When(date(2026, 12, 7))]

    async def test_an_occurrence_created_on_both_sides_is_not_duplicated(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("a", due=When(date(2026, 11, 30)), every=Every("week")))
        await copy_todos(db, other)
        for database in (db, other):
            await todos.complete_todos(database, parse_references(["1"]))
        await todos.complete_todos(db, parse_references(["2"]))
        result = await copy_todos(db, other)
        assert (result.copied, result.already_there) == (1, 2)
        found = (await list_todos(other, ListQuery(And(())))).todos
        assert sorted(todo.occurrence or "" for todo in found) == ["2026-11-30", "2026-12-07", "2026-12-14"]

    async def test_a_uuid_of_another_user_is_replaced(self, db: Database, other: Database, open_other: Opened) -> None:
        await add_todo(db, NewTodo("a", due=When(date(2026, 11, 30)), every=Every("week")))
        [series] = await rows(db, select(Series))
        await users.add_user(other, "sam")

        async def take(step: Step) -> None:
            row = series["Series"]
            kept = ("uuid", "rrule", "dtstart_local", "tzid", "after_completion", "created_at")
            step.create(Series(**{name: getattr(row, name) for name in kept}))
            await step.flush()

        await open_other("sam").write("take", take)
        await copy_todos(db, other)
        [todo] = (await list_todos(other, ListQuery(And(())))).todos
        assert todo.recurrence
        assert todo.recurrence.series != series["Series"].uuid
        changes = [line for line in await history(other) if line["field"] == "series"]
        assert [line["new"] for line in changes] == [json.dumps(str(todo.recurrence.series))]


class TestConcurrency:
    @pytest.mark.exhaustive
    async def test_todos_added_during_the_copy_get_other_numbers(
        self, db: Database, other: Database, open_other: Opened
    ) -> None:
        await add_many(db, 3000)
        added: list[asyncio.Task[TodoOutcome]] = []

        def add(_done: int, _total: int) -> None:
            for i in range(4):  # in projects and tags that are being copied, and in others
                new = NewTodo(f"meanwhile {len(added)}", project=f"p{i}", tags=(f"t{i}", f"n{i}"))
                added.append(asyncio.ensure_future(add_todo(open_other("alex"), new)))

        result = await copy_todos(db, other, progress=add)
        numbers = [(await task).todo.id for task in added]
        assert result.copied == 3000
        assert min(numbers) > 3000
        assert len(set(numbers)) == len(numbers) > 12
        assert len(await projects.list_projects(other)) == 5
        assert len(await titles(other)) == 3000 + len(numbers)

    async def test_adding_and_copying_start_together(self, db: Database, other: Database, open_other: Opened) -> None:
        await add_many(db, 300)

        async def add_some(number: int) -> list[int]:
            new = NewTodo("at once", project=f"p{number % 7}", tags=(f"t{number % 7}", "t1"))
            return [(await add_todo(open_other("alex"), new)).todo.id for _ in range(5)]

        copying = asyncio.ensure_future(copy_todos(db, other, renumber=True))
        numbers = await asyncio.gather(*(add_some(number) for number in range(6)))
        assert (await copying).copied == 300
        distinct = {number for some in numbers for number in some}
        assert len(distinct) == 30
        assert len(await titles(other)) == 330
        assert sorted(tag.name for tag in await tags.list_tags(other)) == [*(f"t{i}" for i in range(6))]

    async def test_two_concurrent_copies_copy_once(self, db: Database, other: Database, open_other: Opened) -> None:
        await fill(db)
        results = await asyncio.gather(copy_todos(db, other), copy_todos(db, open_other("alex")))
        assert sorted(result.copied for result in results) == [0, 6]
        assert sorted(result.already_there for result in results) == [0, 6]
        assert await everything(other) == await everything(db)

    async def test_changes_of_the_source_during_the_copy_are_ignored(
        self, db: Database, open_db: OpenDatabase, other: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("todo_cli.services.databases.copying.TODOS_AT_ONCE", 2)
        await fill(db)
        before = await everything(db)
        changed: list[asyncio.Task[Any]] = []

        def change(done: int, _total: int) -> None:
            if done == 0:
                changed.append(asyncio.ensure_future(add_todo(open_db("alex"), NewTodo("late", project="late"))))

        await copy_todos(db, other, progress=change)
        await asyncio.gather(*changed)
        assert await everything(other) == before


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@TO_SQLITE
async def test_changes_of_a_server_during_the_copy_are_ignored(
    db: Database, open_db: OpenDatabase, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo_cli.services.databases.copying.TODOS_AT_ONCE", 1)
    await fill(db)
    before = await everything(db)
    changed: list[asyncio.Task[Any]] = []

    def change(done: int, _total: int) -> None:
        new = NewTodo("late", project=f"late{done}", tags=("late",))
        changed.append(asyncio.ensure_future(add_todo(open_db("alex"), new)))

    await copy_todos(db, other, progress=change)
    await asyncio.gather(*changed)
    assert await everything(other) == before


def test_every_column_that_refers_to_another_table_is_mapped() -> None:
    """A new table, or a new reference between tables, has to be mapped in `copying`."""
    links = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.foreign_keys
    }
    assert links == {
        *((table, "user_id") for table in ("projects", "tags", "series", "todos", "comments", "steps")),
        ("todos", "project_id"),
        ("todos", "series_id"),
        ("todos", "parent_id"),
        ("todo_tags", "todo_id"),
        ("todo_tags", "tag_id"),
        ("dependencies", "todo_id"),
        ("dependencies", "depends_on_id"),
        ("comments", "todo_id"),
        ("steps", "undone_by"),
        ("changes", "step_id"),
    }
    tables = {"users", "projects", "tags", "series", "todos", "todo_tags", "dependencies", "comments"}
    assert set(Base.metadata.tables) == tables | {"steps", "changes"}


class TestUndoing:
    async def test_undo_continues_in_the_destination(self, db: Database, other: Database, open_other: Opened) -> None:
        for title in ("a", "b"):
            await add_todo(db, NewTodo(title, project="p", tags=(title,)))
        await todos.modify_todos(db, parse_references(["1"]), TodoChanges(title="c", project="q"))
        await undo_steps(db)
        await add_todo(other, NewTodo("there"))
        await copy_todos(db, other, renumber=True)

        async def titles() -> list[str]:
            return sorted(todo.title for todo in (await list_todos(other, ListQuery(And(())))).todos)

        later = open_other("alex", NOW + timedelta(hours=1))
        await add_todo(later, NewTodo("last"))
        assert await titles() == ["a", "b", "last", "there"]
        assert [todo.title for todo in (await undo_steps(later)).todos] == ["last"]
        assert {todo.title for todo in (await undo_steps(later, 9)).todos} == {"a", "b", "there"}
        assert await titles() == []
        await redo_steps(later, 2)
        assert await titles() == ["a", "b", "last", "there"]
        assert [project.name for project in await projects.list_projects(other)] == ["p"]

    async def test_an_undone_step_stays_undone_without_the_step_that_undid_it(
        self, db: Database, other: Database, open_db: OpenDatabase
    ) -> None:
        await add_todo(db, NewTodo("gone", project="p"))

        async def keep(step: Step) -> None:
            project = await step.get_or_create(Project, "p")
            row = Todo(title="kept", created_at=step.now, updated_at=step.now)
            row.project = project
            step.create(row)

        await db.write("db copy", keep)  # undo skips this
        assert [todo.title for todo in (await undo_steps(db)).todos] == ["gone"]
        await todos.empty_trash(open_db("alex", NOW + timedelta(hours=2)))
        await copy_todos(db, other)
        for database in (db, other):
            outcome = await undo_steps(database, 9)
            assert outcome.reverted == ()  # not the step that created the project, which was undone
            assert [project.name for project in await projects.list_projects(database)] == ["p"]
