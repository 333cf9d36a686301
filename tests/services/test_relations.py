"""Dependencies and subtasks, on both databases, with one client and with two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.conftest import NOW, OpenDatabase
from tests.tiers import BOTH_TIERS, choose
from todo_cli.db.database import Database
from todo_cli.db.write.edits import Edit
from todo_cli.db.write.step import Transaction
from todo_cli.errors import ConflictError, CycleError, NotFoundError, OpenSubtasksError
from todo_cli.models.tables import Base
from todo_cli.models.values import ReadyTodo, Status, TodoPublic
from todo_cli.query.references import NumberReference, parse_references
from todo_cli.services.editing.editing import edit_each
from todo_cli.services.editing.recurring import Every
from todo_cli.services.listing import get_todos
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    cancel_todos,
    complete_todos,
    delete_todos,
    empty_trash,
    modify_todos,
    reopen_todos,
    restore_todos,
)


def refs(*words: str) -> Sequence[NumberReference]:
    return parse_references(words)  # type: ignore[return-value]


async def plant(db: Database, *todos: str) -> None:
    """Add todos, one for each text: `<1` means a subtask of 1, `>2,3` depends on 2 and 3."""
    for text in todos:
        words = text.split()
        parent = next((refs(word[1:])[0] for word in words if word[0] == "<"), None)
        depends = tuple(each for word in words if word[0] == ">" for each in refs(word[1:]))
        await add_todo(db, NewTodo(text, parent=parent, depends=depends))


async def get(db: Database, number: int) -> TodoPublic:
    [todo] = await get_todos(db, refs(str(number)))
    return todo


async def statuses(db: Database, numbers: str) -> str:
    """Return the first letter of the status of each todo, or `-` if it is in the trash."""
    todos = await get_todos(db, refs(numbers))
    return "".join("-" if todo.deleted_at else todo.status.value[0] for todo in todos)


class TestDependencies:
    async def test_only_open_todos_block(self, db: Database) -> None:
        await plant(db, "a", "b", "c >1,2")
        todo = await get(db, 3)
        assert (todo.links.depends, todo.links.blocked) == ((1, 2), True)
        assert (await get(db, 1)).links.blocks == (3,)
        with pytest.raises(ConflictError, match="todo 3 is blocked by 1 a, 2 b"):
            await complete_todos(db, refs("3"))
        [first] = await complete_todos(db, refs("1"))
        assert first.ready == ()
        [second] = await cancel_todos(db, refs("2"))
        assert second.ready == (ReadyTodo(3, "c >1,2"),)
        todo = await get(db, 3)
        assert (todo.links.depends, todo.links.blocked) == ((1, 2), False)
        [third] = await complete_todos(db, refs("3"))
        assert third.changed
        await reopen_todos(db, refs("1"))
        assert not (await get(db, 3)).links.blocked  # it is done

    async def test_force(self, db: Database) -> None:
        await plant(db, "a", "b >1")
        [outcome] = await complete_todos(db, refs("2"), force=True)
        assert outcome.todo.status is Status.DONE

    async def test_todos_finished_together_do_not_block_each_other(self, db: Database) -> None:
        await plant(db, "a", "b >1", "c >2", "d >3")
        outcomes = await complete_todos(db, refs("1-3"))
        assert [outcome.changed for outcome in outcomes] == [True] * 3
        assert {each for outcome in outcomes for each in outcome.ready} == {ReadyTodo(4, "d >3")}

    async def test_todos_in_the_trash_block_nothing(self, db: Database) -> None:
        await plant(db, "a", "b >1")
        await delete_todos(db, refs("1"))
        todo = await get(db, 2)
        assert (todo.links.depends, todo.links.blocked) == ((), False)
        await restore_todos(db, refs("1"))
        assert (await get(db, 2)).links.blocked

    async def test_removing_dependencies(self, db: Database) -> None:
        await plant(db, "a", "b", "c >1,2")
        [outcome] = await modify_todos(db, refs("3"), TodoChanges(undepends=tuple(refs("1"))))
        assert outcome.todo.links.depends == (2,)
        [outcome] = await modify_todos(db, refs("3"), TodoChanges(undepends=tuple(refs("1"))))
        assert not outcome.changed
        [outcome] = await modify_todos(db, refs("3"), TodoChanges(undepends="all"))
        assert (outcome.todo.links.depends, outcome.todo.version) == ((), 3)

    @pytest.mark.parametrize("depends", ["9", "2"])  # there is none, and in the trash
    async def test_a_missing_dependency(self, db: Database, depends: str) -> None:
        await plant(db, "a", "b")
        await delete_todos(db, refs("2"))
        with pytest.raises(NotFoundError):
            await add_todo(db, NewTodo("c", depends=tuple(refs(depends))))
        with pytest.raises(NotFoundError):
            await modify_todos(db, refs("1"), TodoChanges(depends=tuple(refs(depends))))

    async def test_removing_a_missing_dependency(self, db: Database) -> None:
        await plant(db, "a")
        with pytest.raises(NotFoundError, match="there is no todo 3, 4"):
            await modify_todos(db, refs("1"), TodoChanges(project="home", undepends=tuple(refs("3,4"))))
        assert (await get(db, 1)).project is None

    async def test_an_ambiguous_prefix_does_not_make_up_for_a_missing_todo(self, db: Database) -> None:
        await plant(db, "a")
        for last in ("a", "b"):
            await add_todo(db, NewTodo("twin", uuid=UUID(f"abcd{last}".ljust(32, "0"))))
        two = parse_references(["abcd", "9"])
        for changes in (TodoChanges(depends=two), TodoChanges(title="b", undepends=two)):
            with pytest.raises(NotFoundError, match=r"no todo 9; several todos match abcd \(2, 3\)"):
                await modify_todos(db, refs("1"), changes)
        with pytest.raises(NotFoundError):
            await add_todo(db, NewTodo("c", depends=two))
        todo = await get(db, 1)
        assert (todo.title, todo.links.depends) == ("a", ())

    @pytest.mark.parametrize(
        ("todos", "number", "depends", "path"),
        [
            (["a"], "1", "1", "1 → 1"),
            (["a", "b >1"], "1", "2", "1 → 2 → 1"),
            (["a", "b >1", "c >2", "d >1,3"], "1", "4", "1 → 4 → 1"),
            (["a", "b >1", "c >2", "d >3"], "1", "4", "1 → 4 → 3 → 2 → 1"),
            (["a", "b >1", "c"], "1,3", "2", "1 → 2 → 1"),
        ],
    )
    async def test_cycles(self, db: Database, todos: list[str], number: str, depends: str, path: str) -> None:
        await plant(db, *todos)
        with pytest.raises(CycleError) as caught:
            await modify_todos(db, refs(number), TodoChanges("new title", depends=tuple(refs(depends))))
        assert caught.value.message == f"todo {number[0]} would depend on itself: {path}"
        assert (await get(db, 1)).title == "a"

    async def test_an_edge_removed_in_the_same_step_closes_no_cycle(self, db: Database) -> None:
        await plant(db, "a", "b >1", "c")
        # 1 → 3 is not a cycle; removing 2 → 1 lets 1 depend on 2
        await modify_todos(db, refs("2"), TodoChanges(undepends=tuple(refs("1")), depends=tuple(refs("3"))))
        [outcome] = await modify_todos(db, refs("1"), TodoChanges(depends=tuple(refs("2"))))
        assert outcome.todo.links.depends == (2,)


class TestSubtasks:
    async def test_subtasks_are_counted(self, db: Database) -> None:
        await plant(db, "a", "b <1", "c <1", "d <2", "e <1")
        await complete_todos(db, refs("3"))
        await cancel_todos(db, refs("5"))
        parent = await get(db, 1)
        assert (parent.links.subtasks, parent.links.subtasks_done) == (2, 1)
        assert (await get(db, 4)).links.parent == 2

    async def test_a_subtask_is_in_the_project_of_its_parent(self, db: Database) -> None:
        await add_todo(db, NewTodo("a", project="home"))
        assert (await add_todo(db, NewTodo("b", parent=refs("1")[0]))).todo.project == "home"
        assert (await add_todo(db, NewTodo("c", parent=refs("1")[0], project="work"))).todo.project == "work"
        [outcome] = await modify_todos(db, refs("1"), TodoChanges("new", project="garden", tags=("x",)))
        assert [(todo.id, todo.project, todo.tags, todo.title) for todo in outcome.changed_with] == [
            (2, "garden", (), "b"),
            (3, "garden", (), "c"),
        ]
        [outcome] = await modify_todos(db, refs("1"), TodoChanges(clear=frozenset({"project"})))
        assert [todo.project for todo in (outcome.todo, *outcome.changed_with)] == [None] * 3

    async def test_closing_with_subtasks(self, db: Database) -> None:
        await plant(db, "a", "b <1", "c <2", "d <1", "e >3")
        await complete_todos(db, refs("4"))
        for close in (complete_todos, cancel_todos):
            with pytest.raises(OpenSubtasksError, match="todo 1 has 1 open subtask"):
                await close(db, refs("1"))
        [outcome] = await complete_todos(db, refs("1"), with_subtasks=True)
        assert [todo.id for todo in outcome.changed_with] == [2, 3]
        assert (outcome.todo.links.subtasks, outcome.todo.links.subtasks_done) == (2, 2)
        assert outcome.ready == (ReadyTodo(5, "e >3"),)
        assert await statuses(db, "1-5") == "ddddo"

    async def test_closing_all_named_todos(self, db: Database) -> None:
        await plant(db, "a", "b <1", "c <2")
        outcomes = await complete_todos(db, refs("3,1,2"))
        assert [outcome.todo.id for outcome in outcomes] == [3, 1, 2]
        assert not any(outcome.changed_with for outcome in outcomes)

    async def test_the_trash_keeps_a_subtree_together(self, db: Database, open_db: OpenDatabase) -> None:
        await plant(db, "a", "b <1", "c <2", "d <1", "e")
        await delete_todos(open_db("alex", NOW.replace(minute=1)), refs("4"))
        [outcome] = await delete_todos(open_db("alex", NOW.replace(minute=2)), refs("1"))
        assert [todo.id for todo in outcome.changed_with] == [2, 3]
        assert await statuses(db, "1-5") == "----o"
        [outcome] = await restore_todos(db, refs("1"))
        assert await statuses(db, "1-5") == "ooo-o"  # 4 was deleted separately
        assert outcome.todo.links.subtasks == 1
        await delete_todos(open_db("alex", NOW.replace(minute=3)), refs("1"))
        [outcome] = await restore_todos(db, refs("3"))
        assert [todo.id for todo in outcome.changed_with] == [1, 2]
        assert await statuses(db, "1-5") == "ooo-o"

    async def test_a_recurring_subtask_keeps_its_parent(self, db: Database) -> None:
        await plant(db, "a")
        await add_todo(db, NewTodo("b", parent=refs("1")[0], every=Every("day")))
        [outcome] = await complete_todos(db, refs("2"))
        [following] = outcome.next
        assert following.links.parent == 1
        assert (await get(db, 1)).links.subtasks == 2

    async def test_removing_a_todo_permanently_keeps_its_subtasks(self, db: Database, open_db: OpenDatabase) -> None:
        await plant(db, "a", "b <1", "c <2 >1")
        # Like a forced undo, or a machine whose clock is ahead: only the todo itself.
        await edit_each(db, "test", refs("1"), Edit({"deleted_at": NOW}))
        assert await statuses(db, "1-3") == "-oo"
        assert await empty_trash(open_db("alex", NOW.replace(minute=5))) == 1
        assert await edges(db) == ([], [(3, 2)])
        assert await statuses(db, "2-3") == "oo"

    @pytest.mark.parametrize(
        ("todos", "number", "parent", "path"),
        [
            (["a"], "1", "1", "1 → 1"),
            (["a", "b <1"], "1", "2", "1 → 2 → 1"),
            (["a", "b <1", "c <2"], "1", "3", "1 → 3 → 2 → 1"),
        ],
    )
    async def test_cycles(self, db: Database, todos: list[str], number: str, parent: str, path: str) -> None:
        await plant(db, *todos)
        with pytest.raises(CycleError) as caught:
            await modify_todos(db, refs(number), TodoChanges(parent=refs(parent)[0]))
        assert caught.value.message == f"todo {number} would belong to itself: {path}"


async def edges(db: Database) -> tuple[list[Any], list[Any]]:
    async def work(transaction: Transaction) -> tuple[list[Any], list[Any]]:
        todos, dependencies = (Base.metadata.tables[name] for name in ("todos", "dependencies"))
        parents = select(todos.c.id, todos.c.parent_id).where(todos.c.parent_id.is_not(None))
        found = [(await transaction.session.execute(each)).all() for each in (select(dependencies), parents)]
        return list(found[0]), list(found[1])

    return await db.read(work)


@pytest.mark.parametrize("kind", ["depends", "parent"])
@BOTH_TIERS
async def test_two_machines_that_each_add_half_of_a_cycle(db: Database, open_db: OpenDatabase, kind: str) -> None:
    """Cycles of two and three, created at the same time: one half of each is refused."""
    machines = [open_db("alex") for _ in range(3)]
    for turn in range(choose(6, 40)):
        size = 2 + turn % 2
        numbers = [(await add_todo(db, NewTodo("a"))).todo.id for _ in range(size)]

        def bind(machine: Database, number: int, other: int) -> Awaitable[Any]:
            reference = refs(str(other))
            changes = TodoChanges(depends=tuple(reference)) if kind == "depends" else TodoChanges(parent=reference[0])
            return modify_todos(machine, refs(str(number)), changes)

        attempts = [bind(machines[i], numbers[i], numbers[(i + 1) % size]) for i in range(size)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        refused = [result for result in results if isinstance(result, Exception)]
        assert [type(error) for error in refused] == [CycleError], refused
        dependencies, parents = await edges(db)
        made = [edge for edge in (dependencies if kind == "depends" else parents) if edge[0] in numbers]
        assert len(made) == size - 1


@BOTH_TIERS
async def test_a_parent_that_is_deleted_while_it_gets_a_subtask(db: Database, open_db: OpenDatabase) -> None:
    """The subtask is deleted with it or is not added."""
    one, other = open_db("alex"), open_db("alex")
    for _ in range(choose(8, 40)):
        parent = (await add_todo(db, NewTodo("a"))).todo.id
        added, _ = await asyncio.gather(
            add_todo(one, NewTodo("b", parent=refs(str(parent))[0])),
            delete_todos(other, refs(str(parent))),
            return_exceptions=True,
        )
        if isinstance(added, BaseException):
            assert isinstance(added, NotFoundError)
        else:
            assert await statuses(db, f"{parent},{added.todo.id}") == "--"


@BOTH_TIERS
async def test_a_parent_that_is_finished_while_it_gets_a_subtask(db: Database, open_db: OpenDatabase) -> None:
    """Finishing either sees the subtask and is refused, or comes first."""
    one, other = open_db("alex"), open_db("alex")
    for _ in range(choose(5, 20)):
        parent = (await add_todo(db, NewTodo("a"))).todo.id
        moved = (await add_todo(db, NewTodo("b"))).todo.id
        bound, finished = await asyncio.gather(
            modify_todos(one, refs(str(moved)), TodoChanges(parent=refs(str(parent))[0])),
            complete_todos(other, refs(str(parent))),
            return_exceptions=True,
        )
        assert not isinstance(bound, BaseException), bound
        if isinstance(finished, BaseException):
            assert isinstance(finished, OpenSubtasksError)
