"""Undo and redo restore exactly the rows before and after, completely or not at all; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from tests.conftest import NOW, OpenDatabase
from tests.tiers import BOTH_TIERS, choose
from todo_cli.db.database import Database
from todo_cli.db.scope import authored, owned
from todo_cli.db.write.step import Step as WritingStep
from todo_cli.db.write.step import Transaction
from todo_cli.errors import ConflictError, CycleError, TodoError
from todo_cli.models.tables import Comment, Project, Step, Tag, Todo
from todo_cli.models.values import Priority, TodoPublic, When
from todo_cli.query.filter.ast import And
from todo_cli.query.references import NumberReference, Reference
from todo_cli.services.comments import add_comment
from todo_cli.services.editing.recurring import Every
from todo_cli.services.editing.relations import load_parents
from todo_cli.services.editing.series import delete_series
from todo_cli.services.history import HistoryQuery, list_history
from todo_cli.services.listing import ListQuery, get_todos, list_todos
from todo_cli.services.lookup import find_todos, load_todos
from todo_cli.services.projects import archive_project, delete_project, rename_project, unarchive_project
from todo_cli.services.tags import delete_tag, rename_tag
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
    skip_todos,
    start_todos,
    stop_todos,
)
from todo_cli.services.undoing import redo_steps, undo_steps
from todo_cli.services.users import add_user

Numbers = list[int]
Command = Callable[[Database, Numbers], Awaitable[Any]]

PROJECTS = st.sampled_from(["home", "home.flat", "Work", "work.api", "home.flat.roof"])
TAGS = st.sampled_from(["bills", "Shop", "later"])
DATES = st.sampled_from(
    [When(date(2026, 11, 30)), When(date(2026, 11, 22), NOW + timedelta(hours=3)), When(date(2027, 1, 31))]
)
MOMENTS = st.sampled_from([NOW + timedelta(days=1), NOW + timedelta(days=40, microseconds=7)])
TEXTS = st.sampled_from(["Pay rent", 'é "quoted" \\ \x07', "a\nb", "🦊 fox"])
EVERY = st.sampled_from([Every("day"), Every("2 weeks", after_completion=True), Every("FREQ=DAILY;COUNT=2")])
PRIORITIES = st.sampled_from(list(Priority))


def some(numbers: Numbers, picks: list[int]) -> tuple[Reference, ...]:
    chosen = dict.fromkeys(numbers[pick % len(numbers)] for pick in picks) if numbers else {1: None}
    return tuple(NumberReference(number) for number in chosen)


PICKS = st.lists(st.integers(0, 9), min_size=1, max_size=3)


@st.composite
def additions(draw: st.DrawFn) -> Command:
    new = NewTodo(
        draw(TEXTS),
        description=draw(st.none() | TEXTS),
        priority=draw(PRIORITIES),
        project=draw(st.none() | PROJECTS),
        tags=tuple(draw(st.sets(TAGS, max_size=2))),
        due=draw(st.none() | DATES),
        scheduled=draw(st.none() | DATES),
        wait_until=draw(st.none() | MOMENTS),
        expires_at=draw(st.none() | MOMENTS),
        every=draw(st.none() | EVERY),
    )
    depends, parent = draw(st.none() | PICKS), draw(st.none() | PICKS)

    async def run(db: Database, numbers: Numbers) -> None:
        bound = some(numbers, depends) if depends and numbers else ()
        belongs = some(numbers, parent)[0] if parent and numbers else None
        await add_todo(db, replace(new, depends=bound, parent=belongs, uuid=uuid4()))

    return run


@st.composite
def modifications(draw: st.DrawFn) -> Command:
    cleared = st.sets(st.sampled_from(["description", "project", "due", "scheduled", "wait_until", "expires_at"]))
    changes = TodoChanges(
        draw(st.none() | TEXTS),
        description=draw(st.none() | TEXTS),
        priority=draw(st.none() | PRIORITIES),
        project=draw(st.none() | PROJECTS),
        due=draw(st.none() | DATES),
        tags=tuple(draw(st.sets(TAGS, max_size=2))),
        untag=tuple(draw(st.sets(TAGS, max_size=2))),
        scheduled=draw(st.none() | DATES),
        wait_until=draw(st.none() | MOMENTS),
    )
    endings: list[dict[str, Any]] = [{}, {"ends_series": True}, {"every": draw(EVERY)}]
    choice = draw(st.integers(0, 2))
    given = {"project": changes.project, **changes.values}
    clear = {name for name in draw(cleared) if given.get(name) is None and not (name == "due" and choice)}
    binding, picks = draw(st.sampled_from(["", "", "depends", "undepends", "parent"])), draw(PICKS)
    targets = draw(PICKS)

    async def run(db: Database, numbers: Numbers) -> None:
        others = some(numbers, picks)
        bound: dict[str, Any] = {binding: others[0] if binding == "parent" else others} if binding else {}
        await modify_todos(
            db, some(numbers, targets), replace(changes, clear=frozenset(clear), **endings[choice], **bound)
        )

    return run


def on_several(service: Callable[..., Awaitable[Any]], **options: Any) -> st.SearchStrategy[Command]:
    def make(picks: list[int]) -> Command:
        return lambda db, numbers: service(db, some(numbers, picks), **options)

    return PICKS.map(make)


def on_names(
    names: st.SearchStrategy[str], service: Callable[..., Awaitable[Any]], *, count: int = 1
) -> st.SearchStrategy[Command]:
    def make(chosen: list[str]) -> Command:
        return lambda db, _: service(db, *chosen)

    return st.lists(names, min_size=count, max_size=count).map(make)


@st.composite
def remarks(draw: st.DrawFn) -> Command:
    picks, text = draw(PICKS), draw(TEXTS)
    return lambda db, numbers: add_comment(db, some(numbers, picks)[0], text)


COMMANDS = st.one_of(
    remarks(),
    on_several(start_todos),
    on_several(stop_todos),
    additions(),
    additions(),
    modifications(),
    modifications(),
    on_several(complete_todos, force=True, with_subtasks=True),
    on_several(complete_todos, catch_up=True),
    on_several(reopen_todos),
    on_several(cancel_todos),
    on_several(skip_todos),
    on_several(delete_todos),
    on_several(restore_todos),
    on_several(delete_series),
    on_names(PROJECTS, rename_project, count=2),
    on_names(PROJECTS, archive_project),
    on_names(PROJECTS, unarchive_project),
    on_names(PROJECTS, delete_project),
    on_names(TAGS, rename_tag, count=2),
    on_names(TAGS, delete_tag),
)


async def look(db: Database) -> dict[str, Any]:
    """Return the visible state: todos with all fields except their version, projects, and tags."""

    async def read(transaction: Transaction) -> list[Any]:
        found: list[Any] = []
        models: list[tuple[type[Project | Tag | Comment], tuple[str, ...]]] = [
            (Project, ("uuid", "name", "key", "archived_at", "created_at")),
            (Tag, ("uuid", "name", "key")),
            (Comment, ("uuid", "todo_id", "text", "created_at")),
        ]
        for model, names in models:
            mine = (authored if model is Comment else owned)(model, transaction.scope)
            statement = select(*(getattr(model, name) for name in names)).where(mine).order_by(col(model.uuid))
            found.append([tuple(row) for row in (await transaction.session.execute(statement)).all()])
        columns = ("id", "title_folded", "description_folded", "due_key")
        derived = select(*(getattr(Todo, name) for name in columns))
        kept = derived.where(owned(Todo, transaction.scope), col(Todo.deleted_at).is_(None))
        found.append([tuple(row) for row in (await transaction.session.execute(kept.order_by(col(Todo.id)))).all()])
        return found

    todos = (await list_todos(db, ListQuery(And(())))).todos
    plain = [replace(todo, version=0, updated_at=NOW) for todo in sorted(todos, key=lambda todo: todo.id)]
    return {"todos": plain, "others": await db.read(read)}


async def count_steps(db: Database) -> int:
    async def work(transaction: Transaction) -> int:
        mine = select(func.count()).select_from(Step).where(owned(Step, transaction.scope))
        return int((await transaction.session.execute(mine)).scalar_one())

    return await db.read(work)


async def numbers_of(db: Database) -> Numbers:
    async def work(transaction: Transaction) -> Numbers:
        mine = select(col(Todo.id)).where(owned(Todo, transaction.scope)).order_by(col(Todo.id))
        return [number for number in (await transaction.session.execute(mine)).scalars() if number]

    return await db.read(work)


@settings(
    max_examples=choose(4, 50),
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.data_too_large],
)
@given(commands=st.lists(COMMANDS, max_size=9), at_once=st.sampled_from([1, 1, 2, 9]))
@pytest.mark.long
async def test_every_command_is_undone_and_redone(open_db: OpenDatabase, commands: list[Command], at_once: int) -> None:
    name = f"u{uuid4().hex}"
    clock = iter(NOW + timedelta(minutes=number) for number in range(1_000))
    opened: list[Database] = []

    def open_() -> Database:
        opened.append(open_db(name, next(clock)))
        return opened[-1]

    await add_user(open_db("alex"), name)
    states = [await look(open_())]
    for command in commands:
        db = open_()
        before = await count_steps(db)
        try:
            await command(db, await numbers_of(db))
        except TodoError:
            assert await count_steps(db) == before
        if await count_steps(db) > before:
            states.append(await look(db))
    undone = list(states)
    while len(undone) > 1:
        outcome = await undo_steps(open_(), at_once)
        assert len(outcome.reverted) == min(at_once, len(undone) - 1)
        del undone[-at_once if at_once < len(undone) else 1 :]
        now = await look(open_())
        assert now == undone[-1]
        check_outcome(outcome.todos, now["todos"])
    assert (await undo_steps(open_())).reverted == ()
    while len(undone) < len(states):
        outcome = await redo_steps(open_())
        redone = sum(len(each.steps) for each in outcome.reverted)
        undone = states[: len(undone) + redone]
        now = await look(open_())
        assert now == undone[-1]
        check_outcome(outcome.todos, now["todos"])
    assert (await redo_steps(open_())).reverted == ()
    for db in opened:
        await db.__aexit__()


def check_outcome(shown: Any, found: list[TodoPublic]) -> None:
    """Assert that the output of the command agrees with the stored todos."""
    kept = {todo.id: todo for todo in found}
    for todo in shown:
        assert (todo.id in kept) == (todo.deleted_at is None)
        if todo.id in kept:
            assert replace(todo, version=0, updated_at=NOW) == kept[todo.id]


# Concurrent commands, and conflicts.


ONE = (NumberReference(1),)


async def history_of(db: Database) -> list[tuple[str, bool]]:
    """Return all commands, oldest first, each with whether it has been undone."""
    steps = (await list_history(db, HistoryQuery())).steps
    return [(step.command, step.undone) for step in reversed(steps) if step.command != "db init"]


@BOTH_TIERS
@pytest.mark.long
async def test_two_undos_at_once_revert_two_steps(db: Database, open_db: OpenDatabase) -> None:
    """Each todo is changed twice, and two machines revert both changes."""
    for number in range(1, choose(6, 100) + 1):
        todo, before = (NumberReference(number),), open_db("alex", NOW + timedelta(minutes=number))
        await add_todo(before, NewTodo("first", tags=("x",)))
        await modify_todos(before, todo, TodoChanges(title="second", project="p"))
        await complete_todos(before, todo)
        machines = [open_db("alex", NOW + timedelta(minutes=number, seconds=second)) for second in (1, 2)]
        outcomes = await asyncio.gather(*(undo_steps(machine) for machine in machines))
        for machine in (before, *machines):
            await machine.__aexit__()
        commands = [step.command for outcome in outcomes for each in outcome.reverted for step in each.steps]
        assert sorted(commands) == ["done", "modify"]
        [now] = await get_todos(db, todo)
        assert (now.title, now.project, now.status.value, now.version) == ("first", None, "open", 5)


@BOTH_TIERS
async def test_undo_during_a_change(db: Database, open_db: OpenDatabase) -> None:
    """The change either comes first and is undone, or comes after."""
    for number in range(1, choose(6, 40) + 1):
        await add_todo(db, NewTodo("a", tags=("x",)))
        todo = (NumberReference(number),)
        start = NOW + timedelta(minutes=number)
        await modify_todos(open_db("alex", start), todo, TodoChanges(title="b", tags=("y",)))
        one, other = open_db("alex", start + timedelta(seconds=1)), open_db("alex", start + timedelta(seconds=2))
        changed, undone = await asyncio.gather(
            modify_todos(other, todo, TodoChanges(title="c", untag=("x",))), undo_steps(one)
        )
        assert changed[0].changed
        [now] = await get_todos(db, todo)
        if undone.todos[0].title == "b":  # the later change was reverted
            assert (now.title, now.tags) == ("b", ("x", "y"))
        else:
            assert undone.todos[0].title == "a"
            assert (now.title, now.tags) == ("c", ())
        assert now.version == 4
        for machine in (one, other):
            await machine.__aexit__()


@BOTH_TIERS
async def test_undo_of_a_project_that_is_used_in_the_meantime(db: Database, open_db: OpenDatabase) -> None:
    for number in range(choose(5, 20)):
        name = f"p{number}"
        await add_todo(open_db("alex", NOW + timedelta(minutes=number)), NewTodo("a", project=name))
        one, other = (open_db("alex", NOW + timedelta(minutes=number, seconds=second)) for second in (2, 1))
        added, _ = await asyncio.gather(add_todo(one, NewTodo("b", project=name)), undo_steps(other))
        [todo] = await get_todos(db, (NumberReference(added.todo.id),))
        assert todo.project == name
        for machine in (one, other):
            await machine.__aexit__()


PASSED_OVER = "db copy"
"""A command that undo skips, such as a copy: its changes stay and can conflict."""


async def change_past_undo(db: Database, **fields: object) -> None:
    async def work(step: WritingStep) -> None:
        [todo] = await find_todos(step, ONE, locked=True)
        step.change(todo, **fields)

    await db.write(PASSED_OVER, work)


async def test_later_changes_conflict(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("Pay rent", due=When(date(2026, 11, 27))))
    await modify_todos(db, ONE, TodoChanges(due=When(date(2026, 11, 30))))
    await change_past_undo(open_db("alex", NOW + timedelta(minutes=30)), due=When(date(2026, 12, 24)))
    before = await look(db)
    with pytest.raises(ConflictError) as caught:
        await undo_steps(db)
    assert caught.value.message == (
        "due of 1 Pay rent was changed by alex on 2026-11-22 at 12:30 (db copy); nothing was written"
    )
    assert "--force" in str(caught.value.hint)
    assert await look(db) == before
    assert ("modify", True) not in await history_of(db)
    [outcome] = (await undo_steps(db, force=True)).todos
    assert outcome.due == When(date(2026, 11, 27))
    await redo_steps(db)
    assert await look(db) == before


async def test_another_step_ends_redo(db: Database) -> None:
    await add_todo(db, NewTodo("a"))
    await undo_steps(db)
    await add_todo(db, NewTodo("b"))
    with pytest.raises(ConflictError, match="other changes were made since"):
        await redo_steps(db)
    await undo_steps(db)
    assert (await redo_steps(db)).todos[0].title == "b"
    with pytest.raises(ConflictError, match="other changes were made"):
        await redo_steps(db)


async def test_removed_todos_are_skipped(db: Database, open_db: OpenDatabase) -> None:
    for title in ("a", "b"):
        await add_todo(db, NewTodo(title, project=title))
    two = (NumberReference(2),)
    await modify_todos(db, (*ONE, *two), TodoChanges(title="c"))
    await delete_todos(db, ONE)
    later = open_db("alex", NOW + timedelta(seconds=1))
    assert await empty_trash(later) == 1
    assert [todo.id for todo in (await undo_steps(later)).todos] == [2]
    assert (await get_todos(db, two))[0].title == "b"
    await undo_steps(later, 9)
    assert (await look(db))["todos"] == []


async def test_exchanged_names_are_restored(db: Database) -> None:
    for project in ("b.a", "b.a.a"):
        await add_todo(db, NewTodo("a", project=project))
    before = await look(db)
    await rename_project(db, "b.a", "b")  # and b.a.a becomes b.a
    await add_todo(db, NewTodo("b", project="b.a.a"))
    await delete_project(db, "b.a")
    await add_todo(db, NewTodo("c", project="b.a"))
    after = await look(db)
    await undo_steps(db, 4)
    assert await look(db) == before
    await redo_steps(db)
    assert await look(db) == after


async def test_a_name_that_was_taken_since_is_refused(db: Database) -> None:
    await add_todo(db, NewTodo("a", project="one"))
    await rename_project(db, "one", "two")

    async def work(step: WritingStep) -> None:
        step.create(Project(name="one", created_at=step.now))

    await db.write(PASSED_OVER, work)
    with pytest.raises(ConflictError, match="another project is now called 'one'"):
        await undo_steps(db, force=True)


async def test_an_undo_that_would_close_a_cycle_is_refused(db: Database) -> None:
    for title in ("a", "b"):
        await add_todo(db, NewTodo(title))
    two = (NumberReference(2),)
    await modify_todos(db, ONE, TodoChanges(depends=two))
    await modify_todos(db, ONE, TodoChanges(undepends=two))

    async def work(step: WritingStep) -> None:
        one, other = await find_todos(step, (*ONE, *two), locked=True)
        assert one.id
        await step.add_dependencies(other, {one.id: one.uuid})

    await db.write(PASSED_OVER, work)
    with pytest.raises(CycleError, match="1 → 2 → 1"):
        await undo_steps(db, force=True)


async def test_a_continued_series_restores_its_occurrence(db: Database) -> None:
    await add_todo(db, NewTodo("a", every=Every("day")))
    await complete_todos(db, ONE)
    await undo_steps(db)
    [outcome] = await complete_todos(db, ONE)
    assert [todo.id for todo in outcome.next] == [2]
    await undo_steps(db)
    assert [todo.id for todo in (await look(db))["todos"]] == [1]


@BOTH_TIERS
async def test_many_steps_at_once(db: Database) -> None:
    many = choose(300, 1_500)
    for _ in range(3):
        await add_todo(db, NewTodo("a", project="p", tags=("t", "u")))

    async def multiply(step: WritingStep) -> None:
        found = (await step.session.execute(load_todos(step, col(Todo.id) == 1))).scalar_one()
        for _ in range(many):
            step.create(Todo(title="b", project=found.project, created_at=NOW, updated_at=NOW))

    await db.write("import", multiply)
    before = await look(db)
    await delete_project(db, "p")
    outcome = await undo_steps(db)
    assert len(outcome.todos) == many + 3
    assert await look(db) == before
    await undo_steps(db)
    assert len((await look(db))["todos"]) == 3


async def test_an_added_todo_with_later_changes_conflicts(db: Database) -> None:
    await add_todo(db, NewTodo("a"))

    async def give_subtask(step: WritingStep) -> None:
        [todo] = await find_todos(step, ONE, locked=True)
        step.create(Todo(title="part", parent=todo, created_at=NOW, updated_at=NOW))

    async def give_more(step: WritingStep) -> None:
        todo, part = await find_todos(step, (*ONE, NumberReference(2)), locked=True)
        await load_parents(step, [part])
        assert part.id
        step.change(part, parent=None)
        step.link(todo, await step.get_or_create(Tag, "x"))
        await step.add_dependencies(todo, {part.id: part.uuid})

    await db.write(PASSED_OVER, give_subtask)
    with pytest.raises(ConflictError, match="1 a has new subtasks; nothing was written"):
        await undo_steps(db)
    await db.write(PASSED_OVER, give_more)
    with pytest.raises(ConflictError, match=r"tag of 1 a was changed by alex on .* \(db copy\); depends of 1 a was"):
        await undo_steps(db)


async def test_redo_ends_at_removed_todos(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("Water", due=When(date(2026, 11, 25)), every=Every("week")))
    await complete_todos(db, ONE)
    await undo_steps(db)
    assert await empty_trash(open_db("alex", NOW + timedelta(minutes=1))) == 1
    with pytest.raises(ConflictError, match="other changes were made since"):
        await redo_steps(db)
    [todo] = await get_todos(db, ONE)
    assert (todo.status.value, todo.recurrence is not None) == ("open", True)


async def test_a_removed_parent_is_skipped(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a"))
    await add_todo(db, NewTodo("b", parent=ONE[0]))
    await modify_todos(db, (NumberReference(2),), TodoChanges(clear=frozenset({"parent"})))
    await delete_todos(db, ONE)
    await empty_trash(open_db("alex", NOW + timedelta(minutes=1)))
    for _ in range(2):
        await undo_steps(db)
    [todo] = await get_todos(db, (NumberReference(2),))
    assert todo.deleted_at is not None


async def test_emptying_the_trash_twice_is_reported_twice(db: Database, open_db: OpenDatabase) -> None:
    for minute in (1, 3):
        added = await add_todo(db, NewTodo("a"))
        await delete_todos(open_db("alex", NOW + timedelta(minutes=minute)), (NumberReference(added.todo.id),))
        await empty_trash(open_db("alex", NOW + timedelta(minutes=minute + 1)))
    assert [command for command, _ in await history_of(db)].count("trash empty") == 2


async def titles_of(db: Database) -> list[str]:
    return sorted(todo.title for todo in (await look(db))["todos"])


async def test_undo_follows_the_order_of_steps_even_if_the_clock_was_set_back(
    db: Database, open_db: OpenDatabase
) -> None:
    for title, hours in (("a", 2), ("b", 0), ("c", 1), ("d", -5)):
        await add_todo(open_db("alex", NOW + timedelta(hours=hours)), NewTodo(title))
    shown = [command.changes[0].name for command in (await list_history(db, HistoryQuery(size=3))).steps]
    assert shown == ["d", "c", "b"]
    for left in (["a", "b", "c"], ["a", "b"]):
        await undo_steps(db)
        assert await titles_of(db) == left
    assert [step.command for each in (await undo_steps(db, 9)).reverted for step in each.steps] == ["add", "add"]
    await redo_steps(open_db("alex", NOW - timedelta(days=1)))
    assert await titles_of(db) == ["a", "b"]


async def test_undo_reverts_the_last_step_of_the_other_machine(db: Database, open_db: OpenDatabase) -> None:
    """Two machines whose clocks differ by ten minutes change one todo in turn; undo follows the order of steps."""
    ahead, behind = open_db("alex", NOW + timedelta(minutes=10)), open_db("alex", NOW)
    await add_todo(ahead, NewTodo("0"))
    for number, machine in enumerate((ahead, behind, behind, ahead, behind), start=1):
        await modify_todos(machine, ONE, TodoChanges(title=str(number)))
    for number, machine in enumerate((behind, ahead, behind, ahead, ahead), start=1):
        await undo_steps(machine)
        assert await titles_of(db) == [str(5 - number)]
    for number in range(1, 6):
        await redo_steps(behind)
        assert await titles_of(db) == [str(number)]


async def test_redo_follows_the_order_of_undo(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a"))
    for minute, title in enumerate(("b", "c"), start=1):
        await modify_todos(open_db("alex", NOW + timedelta(minutes=minute)), ONE, TodoChanges(title))
    await undo_steps(open_db("alex", NOW + timedelta(hours=1)))  # a clock that is ahead
    await undo_steps(open_db("alex", NOW + timedelta(minutes=5)))
    for title in ("b", "c"):
        await redo_steps(open_db("alex", NOW + timedelta(minutes=6)))
        [todo] = await get_todos(db, ONE)
        assert todo.title == title
