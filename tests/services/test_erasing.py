"""Emptying the trash: other todos' losses are recorded in the history, and removed todos cannot be added again."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from tests.conftest import NOW, OpenDatabase
from tests.replay import check_replay
from todo_cli.db.database import Database
from todo_cli.db.write.step import Transaction
from todo_cli.errors import ConflictError
from todo_cli.models.tables import STEPS
from todo_cli.models.values import When
from todo_cli.query.references import NumberReference, Reference
from todo_cli.rendering.history import format_step, plain
from todo_cli.services.comments import add_comment
from todo_cli.services.databases.copying import copy_todos
from todo_cli.services.editing.recurring import Every
from todo_cli.services.history import HistoryQuery, list_history
from todo_cli.services.listing import get_todos
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    complete_todos,
    delete_todos,
    empty_trash,
    modify_todos,
    restore_todos,
)
from todo_cli.services.undoing import redo_steps, undo_steps

ONE, TWO, THREE, FOUR = (NumberReference(number) for number in range(1, 5))


@pytest.fixture
def later(open_db: OpenDatabase) -> Database:
    return open_db("alex", NOW + timedelta(hours=1))


async def erase(db: Database, *references: Reference) -> None:
    await delete_todos(db, references)
    assert await empty_trash(db) == len(references)


async def count_steps(db: Database) -> int:
    async def work(transaction: Transaction) -> int:
        return int((await transaction.session.execute(select(func.count()).select_from(STEPS))).scalar_one())

    return await db.read(work)


async def test_losses_of_other_todos_are_recorded(db: Database, later: Database) -> None:
    for title in ("secret", "also secret"):
        await add_todo(db, NewTodo(title))
    await add_todo(db, NewTodo("waits", depends=(ONE, TWO)))
    await add_todo(db, NewTodo("part", parent=TWO, depends=(ONE, THREE)))
    await modify_todos(db, [TWO], TodoChanges(depends=(ONE,)))
    await modify_todos(db, [FOUR], TodoChanges(clear=frozenset({"parent"})))
    await modify_todos(db, [FOUR], TodoChanges(parent=ONE))
    await modify_todos(db, [FOUR], TodoChanges(parent=THREE))
    versions = [todo.version for todo in await get_todos(db, [THREE, FOUR])]
    await erase(later, ONE, TWO)
    three, four = await get_todos(db, [THREE, FOUR])
    assert [three.version, four.version] == [version + 1 for version in versions]
    assert (three.links.depends, four.links.depends, four.links.parent) == ((), (3,), 3)
    step = (await list_history(db, HistoryQuery())).steps[0]
    assert plain(format_step(step, NOW)) == (
        "trash empty 2 todos; 3 waits: [-after a removed todo-], [-after a removed todo-]; "
        "4 part: [-after a removed todo-]"
    )
    assert "secret" not in str((await list_history(db, HistoryQuery())).steps)
    await check_replay(db)


async def test_subtasks_and_comments(db: Database, later: Database, open_db: OpenDatabase) -> None:
    """A subtask that was deleted later by clock stays; a todo's own comments are removed, and no others."""
    await add_todo(db, NewTodo("whole"))
    await add_todo(db, NewTodo("part", parent=ONE, depends=(ONE,)))
    await add_comment(db, TWO, "stays")
    await add_comment(db, ONE, "goes")
    await delete_todos(open_db("alex", NOW + timedelta(hours=2)), [TWO])
    await delete_todos(db, [ONE])
    assert await empty_trash(later) == 1
    [outcome] = await restore_todos(db, [TWO])
    assert (outcome.todo.links.parent, outcome.todo.links.depends, outcome.todo.version) == (None, (), 5)
    await check_replay(db)


async def test_an_erased_uuid_is_not_added_again(db: Database, later: Database) -> None:
    uuid = uuid4()
    assert (await add_todo(db, NewTodo("a", uuid=uuid))).changed
    await delete_todos(db, [ONE])
    assert not (await add_todo(db, NewTodo("a", uuid=uuid))).changed
    assert await empty_trash(later) == 1
    for number in range(2):
        with pytest.raises(ConflictError, match=f"todo {uuid} was permanently deleted") as caught:
            await add_todo(db, NewTodo(f"again {number}", uuid=uuid, project="new"))
        assert caught.value.exit_code == 4
        assert "--id" in str(caught.value.hint)
    assert (await add_todo(db, NewTodo("other", uuid=uuid4()))).todo.id == 2
    await check_replay(db)


async def test_steps_remain_and_undo_skips_them(db: Database, later: Database) -> None:
    await add_todo(db, NewTodo("a"))
    await modify_todos(db, [ONE], TodoChanges(title="b"))
    await add_todo(db, NewTodo("kept", project="p"))
    await undo_steps(db)
    await redo_steps(db)
    before = await count_steps(db)
    await erase(later, ONE)
    assert await count_steps(db) == before + 2
    assert [step.command for step in (await list_history(db, HistoryQuery())).steps] == [
        *("trash empty", "redo", "undo", "add", "db init")
    ]
    assert len((await undo_steps(later, 9)).reverted) == 1
    assert (await undo_steps(later)).reverted == ()
    await redo_steps(later)
    [kept] = await get_todos(db, [TWO])
    assert (kept.title, kept.project) == ("kept", "p")
    await check_replay(db)


async def test_a_series_continues_without_its_erased_occurrences(db: Database, later: Database) -> None:
    await add_todo(db, NewTodo("a", due=When(date(2026, 11, 30)), every=Every("week")))
    await complete_todos(db, [ONE])
    await erase(later, ONE)
    [outcome] = await complete_todos(later, [TWO])
    assert [todo.due for todo in outcome.next] == [When(date(2026, 12, 14))]
    await check_replay(db)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_emptying_while_others_add_and_remove_edges(db: Database, open_db: OpenDatabase) -> None:
    """In any order, no edge disappears without a line, and none is recorded twice."""
    for number in range(1, 13):
        base = 3 * (number - 1)
        start = NOW + timedelta(minutes=number)
        one, two, three = (NumberReference(base + place) for place in (1, 2, 3))
        for title in ("goes", "bound", "binds"):
            await add_todo(open_db("alex", start), NewTodo(title))
        await modify_todos(open_db("alex", start), [two], TodoChanges(depends=(one,)))
        await delete_todos(open_db("alex", start), [one])
        machines = [open_db("alex", start + timedelta(seconds=1)) for _ in range(4)]
        found = await asyncio.gather(
            empty_trash(machines[0]),
            modify_todos(machines[1], [two], TodoChanges(undepends="all")),
            modify_todos(machines[2], [three], TodoChanges(depends=(two,))),
            undo_steps(machines[3]),
            return_exceptions=True,
        )
        for error in found:
            assert not isinstance(error, BaseException) or isinstance(error, ConflictError), error
        for machine in machines:
            await machine.__aexit__()
    await check_replay(db)


@pytest.mark.parametrize("other_target", ["sqlite"], indirect=True)
class TestCopying:
    async def test_a_copy_knows_erased_todos(self, db: Database, other: Database, later: Database) -> None:
        uuid = uuid4()
        await add_todo(db, NewTodo("a", uuid=uuid))
        await add_todo(db, NewTodo("b", depends=(ONE,)))
        await erase(later, ONE)
        for _ in range(2):
            await copy_todos(db, other)
        with pytest.raises(ConflictError, match="permanently deleted"):
            await add_todo(other, NewTodo("again", uuid=uuid))
        await check_replay(other)
        changes = [change for step in (await list_history(other, HistoryQuery())).steps for change in step.changes]
        assert [change.uuid for change in changes if change.field == "exists" and not change.new] == [uuid]

    async def test_todos_erased_here_and_kept_there(self, db: Database, other: Database, later: Database) -> None:
        """Removal here does not affect the other list; a copy from there restores the todo with its history."""
        uuid = UUID(int=7)
        await add_todo(db, NewTodo("a", uuid=uuid, tags=("x",)))
        await modify_todos(db, [ONE], TodoChanges(title="b"))
        await copy_todos(db, other)
        await erase(later, ONE)
        await add_todo(db, NewTodo("c"))
        await copy_todos(db, other)
        assert [todo.title for todo in await get_todos(other, [ONE, TWO])] == ["b", "c"]
        await check_replay(other)
        assert (await copy_todos(other, db)).copied == 1
        await check_replay(db)
        for _ in range(2):
            await copy_todos(db, other)
            await copy_todos(other, db)
        assert not (await add_todo(db, NewTodo("again", uuid=uuid))).changed
        for database in (db, other):
            await check_replay(database)
            await undo_steps(database, 9)
            await check_replay(database)
            await redo_steps(database)
            await check_replay(database)
