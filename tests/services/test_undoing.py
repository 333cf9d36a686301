"""Undoing and redoing: the same rows as before, and the same as after; nothing by half; on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from tests.conftest import NOW, OpenDatabase
from todo_cli.db.database import Database
from todo_cli.db.step import Transaction
from todo_cli.errors import TodoError
from todo_cli.models.tables import Comment, Project, Step, Tag, Todo
from todo_cli.models.values import Priority, TodoPublic, When
from todo_cli.query.filters import And
from todo_cli.query.references import NumberReference, Reference
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.projects import archive_project, delete_project, rename_project, unarchive_project
from todo_cli.services.recurring import Every
from todo_cli.services.series import delete_series
from todo_cli.services.tags import delete_tag, rename_tag
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    cancel_todos,
    complete_todos,
    delete_todos,
    modify_todos,
    reopen_todos,
    restore_todos,
    skip_todos,
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
        draw(st.none() | TEXTS),
        draw(PRIORITIES),
        draw(st.none() | PROJECTS),
        tuple(draw(st.sets(TAGS, max_size=2))),
        draw(st.none() | DATES),
        draw(st.none() | DATES),
        draw(st.none() | MOMENTS),
        draw(st.none() | MOMENTS),
        draw(st.none() | EVERY),
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
        draw(st.none() | TEXTS),
        draw(st.none() | PRIORITIES),
        draw(st.none() | PROJECTS),
        draw(st.none() | DATES),
        tuple(draw(st.sets(TAGS, max_size=2))),
        tuple(draw(st.sets(TAGS, max_size=2))),
        scheduled=draw(st.none() | DATES),
        wait_until=draw(st.none() | MOMENTS),
    )
    endings: list[dict[str, Any]] = [{}, {"ends_series": True}, {"every": draw(EVERY)}]
    choice = draw(st.integers(0, 2))
    clear = {name for name in draw(cleared) if getattr(changes, name) is None and not (name == "due" and choice)}
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


COMMANDS = st.one_of(
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
    """Return what is to be seen: todos with all their fields, but not how often they were changed; projects, tags."""

    async def read(transaction: Transaction) -> list[Any]:
        found: list[Any] = []
        models: list[tuple[type[Project | Tag | Comment], tuple[str, ...]]] = [
            (Project, ("uuid", "name", "key", "archived_at", "created_at")),
            (Tag, ("uuid", "name", "key")),
            (Comment, ("uuid", "text", "created_at")),
        ]
        for model, names in models:
            mine = col(model.user_id) == transaction.user_id
            statement = select(*(getattr(model, name) for name in names)).where(mine).order_by(col(model.uuid))
            found.append([tuple(row) for row in (await transaction.session.execute(statement)).all()])
        columns = ("id", "title_folded", "description_folded", "due_key")
        derived = select(*(getattr(Todo, name) for name in columns))
        kept = derived.where(col(Todo.user_id) == transaction.user_id, col(Todo.deleted_at).is_(None))
        found.append([tuple(row) for row in (await transaction.session.execute(kept.order_by(col(Todo.id)))).all()])
        return found

    todos = (await list_todos(db, ListQuery(And(())))).todos
    plain = [replace(todo, version=0, updated_at=NOW) for todo in sorted(todos, key=lambda todo: todo.id)]
    return {"todos": plain, "others": await db.read(read)}


async def count_steps(db: Database) -> int:
    async def work(transaction: Transaction) -> int:
        mine = select(func.count()).select_from(Step).where(col(Step.user_id) == transaction.user_id)
        return int((await transaction.session.execute(mine)).scalar_one())

    return await db.read(work)


async def numbers_of(db: Database) -> Numbers:
    async def work(transaction: Transaction) -> Numbers:
        mine = select(col(Todo.id)).where(col(Todo.user_id) == transaction.user_id).order_by(col(Todo.id))
        return [number for number in (await transaction.session.execute(mine)).scalars() if number]

    return await db.read(work)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(commands=st.lists(COMMANDS, max_size=9), at_once=st.integers(1, 3))
async def test_all_that_was_done_is_undone_and_done_again(
    open_db: OpenDatabase, commands: list[Command], at_once: int
) -> None:
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
        check_told(outcome.todos, now["todos"])
    assert (await undo_steps(open_())).reverted == ()
    while len(undone) < len(states):
        outcome = await redo_steps(open_())
        redone = sum(len(each.steps) for each in outcome.reverted)
        undone = states[: len(undone) + redone]
        now = await look(open_())
        assert now == undone[-1]
        check_told(outcome.todos, now["todos"])
    assert (await redo_steps(open_())).reverted == ()
    for db in opened:
        await db.__aexit__()


def check_told(told: Any, found: list[TodoPublic]) -> None:
    """Assert that the command says of the todos what a look shows."""
    kept = {todo.id: todo for todo in found}
    for todo in told:
        assert (todo.id in kept) == (todo.deleted_at is None)
        if todo.id in kept:
            assert replace(todo, version=0, updated_at=NOW) == kept[todo.id]
