"""Copying more than once and in both directions: history has no duplicates, and undo keeps working."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, insert, select

from tests.conftest import NOW, OpenDatabase
from tests.replay import check_replay
from tests.services.conftest import Opened
from todo_cli.db.database import Database
from todo_cli.db.write.step import Step, Transaction
from todo_cli.models.tables import CHANGES, Change
from todo_cli.models.values import When
from todo_cli.query.filter.ast import And
from todo_cli.query.references import NumberReference
from todo_cli.services.comments import add_comment
from todo_cli.services.databases.copying import copy_todos
from todo_cli.services.editing.recurring import Every
from todo_cli.services.editing.series import delete_series
from todo_cli.services.history import HistoryQuery, list_history
from todo_cli.services.listing import ListQuery, get_todos, list_todos
from todo_cli.services.projects import archive_project, delete_project, list_projects
from todo_cli.services.tags import delete_tag, list_tags, rename_tag
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    complete_todos,
    empty_trash,
    modify_todos,
)
from todo_cli.services.undoing import redo_steps, undo_steps
from todo_cli.services.users import add_user

ONE, TWO = NumberReference(1), NumberReference(2)

TO_SQLITE = pytest.mark.parametrize("other_target", ["sqlite"], indirect=True)
TO_SERVER = pytest.mark.parametrize("other_target", ["postgresql"], indirect=True)
FROM_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


async def count_lines(db: Database) -> int:
    async def work(transaction: Transaction) -> int:
        return int((await transaction.session.execute(select(func.count()).select_from(Change))).scalar_one())

    return await db.read(work)


async def listed(db: Database) -> list[tuple[str, str | None, tuple[str, ...]]]:
    found = (await list_todos(db, ListQuery(And(())))).todos
    return sorted((todo.title, todo.project, todo.tags) for todo in found)


@TO_SQLITE
class TestDeletedInTheDestination:
    """A copy restores a deleted tag or project that the other list still has."""

    async def test_a_restored_tag_is_undone_and_redone(
        self, db: Database, other: Database, open_db: OpenDatabase
    ) -> None:
        await add_todo(db, NewTodo("t1", tags=("x",)))
        await copy_todos(db, other)
        await delete_tag(db, "x")
        assert (await copy_todos(other, db)).tags == 1
        await check_replay(db)
        before = await count_lines(db)
        await copy_todos(other, db)
        assert await count_lines(db) == before
        assert [step.command for each in (await undo_steps(db)).reverted for step in each.steps] == ["tag delete"]
        assert await listed(db) == [("t1", None, ("x",))]
        assert [step.command for each in (await undo_steps(db)).reverted for step in each.steps] == ["add"]
        assert await listed(db) == []
        assert (await undo_steps(db)).reverted == ()
        await redo_steps(db)
        await redo_steps(db)
        assert await listed(db) == [("t1", None, ())]
        await check_replay(db)

    async def test_a_project_keeps_the_time_of_archiving(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("t1", project="p"))
        await archive_project(db, "p")
        await copy_todos(db, other)
        await delete_project(db, "p")
        assert (await copy_todos(other, db)).projects == 1
        [project] = await list_projects(db, archived=True)
        assert project.archived_at == NOW
        await check_replay(db)
        for _ in range(3):
            await undo_steps(db)
        assert await listed(db) == []
        await check_replay(db)

    async def test_the_copy_records_the_restoration(self, db: Database, other: Database) -> None:
        await add_todo(db, NewTodo("t1", project="p", tags=("x",)))
        await copy_todos(db, other)
        await delete_tag(db, "x")
        await copy_todos(other, db)
        [copy] = [step for step in (await list_history(db, HistoryQuery())).steps if step.command == "db copy"]
        assert [(change.entity, change.field, change.new) for change in copy.changes] == [
            ("tag", "exists", True),
            ("tag", "name", "x"),
        ]


@TO_SQLITE
async def test_a_database_with_duplicate_lines_works(db: Database, other: Database) -> None:
    """An earlier version copied the lines of a deleted tag or project a second time."""
    await add_todo(db, NewTodo("t1", project="p", tags=("x",)))
    await modify_todos(db, [ONE], TodoChanges(tags=("y",)))

    async def double(step: Step) -> None:
        lines = await step.session.execute(select(CHANGES).where(CHANGES.c.entity != "todo").order_by(CHANGES.c.id))
        again = [{name: value for name, value in line.items() if name != "id"} for line in lines.mappings().all()]
        await step.session.execute(insert(CHANGES), again)
        step.keep()

    await db.write("db copy", double)
    before = await list_history(db, HistoryQuery(ONE))
    whole = [step for step in (await list_history(db, HistoryQuery())).steps if step.command == "add"]
    assert len(whole[0].changes) == len({(each.uuid, each.field, each.new) for each in whole[0].changes})
    for _ in range(2):
        await undo_steps(db)
    assert await listed(db) == []
    assert await list_tags(db) == []
    assert await list_projects(db) == []
    for _ in range(2):
        await redo_steps(db)
    assert await listed(db) == [("t1", "p", ("x", "y"))]
    assert len(before.steps) == 2
    await copy_todos(db, other)
    await undo_steps(other)
    assert await listed(other) == [("t1", "p", ("x",))]


@TO_SQLITE
async def test_repeated_copies_in_both_directions(db: Database, other: Database) -> None:
    """Changes on either side in between duplicate no history entry, and both histories can be replayed."""
    due = When(date(2026, 11, 30))
    await add_todo(db, NewTodo("a", project="p", tags=("x", "y"), due=due, every=Every("week")))
    await add_todo(other, NewTodo("elsewhere", project="P", tags=("X",)))
    await copy_todos(db, other, renumber=True)
    await copy_todos(other, db, renumber=True)
    await complete_todos(db, [ONE])
    await rename_tag(other, "y", "z")
    await add_todo(other, NewTodo("b", tags=("Z", "y"), depends=(ONE,), parent=TWO))
    await add_comment(other, NumberReference(3), "said")
    await copy_todos(other, db, renumber=True)
    await modify_todos(db, [NumberReference(3)], TodoChanges(untag=("y",)))
    await copy_todos(db, other, renumber=True)
    for database in (db, other):
        await check_replay(database)
    counts = [await count_lines(database) for database in (db, other)]
    for _ in range(2):
        await copy_todos(db, other, renumber=True)
        await copy_todos(other, db, renumber=True)
    assert [await count_lines(database) for database in (db, other)] == counts
    for database in (db, other):
        while (await undo_steps(database, force=True)).reverted:
            await check_replay(database)
        assert await listed(database) == []


@TO_SERVER
@FROM_SQLITE
async def test_merged_tags_can_be_replayed(db: Database, other: Database) -> None:
    await add_todo(db, NewTodo("a", tags=("t",), project="p"))
    await copy_todos(db, other)
    await rename_tag(other, "t", "u")
    await add_todo(db, NewTodo("b", tags=("t", "u")))
    await modify_todos(db, [TWO], TodoChanges(untag=("t",)))
    await copy_todos(db, other)
    [todo] = await get_todos(other, [TWO])
    assert todo.tags == ("u",)
    await check_replay(other)
    await undo_steps(other)
    assert (await get_todos(other, [ONE]))[0].tags == ("u",)
    await check_replay(other)


@TO_SERVER
@FROM_SQLITE
async def test_a_copy_for_another_user_is_recognized(
    db: Database, other: Database, open_other: Opened, open_db: OpenDatabase
) -> None:
    """Todos that alex already has get other uuids for sam, the same ones each time, so nothing is duplicated."""
    await add_todo(db, NewTodo("a", project="p", tags=("x",), due=When(date(2026, 11, 30)), every=Every("week")))
    await copy_todos(db, other)
    await delete_series(other, [ONE])
    await erase(other)
    await add_user(other, "sam")
    sam = open_other("sam")
    await copy_todos(db, sam)
    await rename_tag(sam, "x", "z")
    before = await count_lines(sam)
    result = await copy_todos(db, sam)
    assert (result.copied, result.already_there, result.projects, result.tags) == (0, 1, 0, 0)
    assert await count_lines(sam) == before
    assert [tag.name for tag in await list_tags(sam)] == ["z"]
    await check_replay(sam)


async def erase(db: Database) -> None:
    async with Database(db.target, now=NOW + timedelta(seconds=1), user_name="alex") as later:
        await empty_trash(later)
