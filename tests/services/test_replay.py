"""The rows of a list can be rebuilt from its history alone, whatever was done, including copies and erasing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import NOW, OpenDatabase
from tests.replay import check_replay
from tests.services.conftest import Opened
from tests.services.test_undoing import COMMANDS, PICKS, Command, Numbers, numbers_of, some
from todo_cli.db.database import Database
from todo_cli.errors import TodoError
from todo_cli.models.values import When
from todo_cli.query.references import NumberReference
from todo_cli.services.comments import add_comment
from todo_cli.services.databases.copying import copy_todos
from todo_cli.services.editing.recurring import Every
from todo_cli.services.todos import NewTodo, add_todo, delete_todos, empty_trash
from todo_cli.services.undoing import redo_steps, undo_steps
from todo_cli.services.users import add_user

Action = Callable[[Database, Database, Numbers], Awaitable[Any]]
"""Random commands on one list, and a second list to copy from."""


def _alone(command: Command) -> Action:
    return lambda db, _other, numbers: command(db, numbers)


def _without_numbers(service: Callable[[Database], Awaitable[Any]]) -> Action:
    return lambda db, _other, _numbers: service(db)


async def _copy_here(db: Database, other: Database, _numbers: Numbers) -> None:
    await copy_todos(other, db, renumber=True)


def _erase(picks: list[int]) -> Action:
    async def run(db: Database, _other: Database, numbers: Numbers) -> None:
        await delete_todos(db, some(numbers, picks))
        await empty_trash(db)

    return run


OTHERS = st.sampled_from(
    [
        *(_without_numbers(partial(undo_steps, force=force)) for force in (True, False)),
        _without_numbers(partial(undo_steps, count=3)),
        _without_numbers(redo_steps),
        _without_numbers(empty_trash),
        *[_copy_here] * 3,
    ]
)
KINDS: list[st.SearchStrategy[Action]] = [*[COMMANDS.map(_alone)] * 3, PICKS.map(_erase), *[OTHERS] * 2]
# Not `one_of`, which would choose among all commands. Each step has its own clock, because times say nothing about the
# order of steps.
ACTIONS = st.sampled_from(range(len(KINDS))).flatmap(KINDS.__getitem__)
STEPS = st.tuples(st.booleans(), st.integers(-30, 90), ACTIONS)
SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.differing_executors,
    ],
}


async def _begin(db: Database) -> None:
    """Create a list whose todos are closely related, so that most commands affect several of them."""
    due = When(NOW.date())
    one = (await add_todo(db, NewTodo("one", project="home", tags=("bills",), due=due, every=Every("day")))).todo.id
    two = (await add_todo(db, NewTodo("two", tags=("bills",), depends=(NumberReference(one),)))).todo.id
    first, second = NumberReference(one), NumberReference(two)
    await add_todo(db, NewTodo("three", depends=(first, second), parent=second))
    await add_todo(db, NewTodo("four", depends=(second,), parent=first))
    await add_comment(db, second, "a remark")


async def walk(openers: tuple[OpenDatabase, Opened], steps: list[tuple[bool, int, Action]]) -> None:
    """Run the commands in two databases, as a separate user, and rebuild both from history."""
    name = f"u{uuid4().hex}"
    opened: list[Database] = []

    def open_(there: bool, minutes: int = 0) -> Database:
        opened.append(openers[there](name, NOW + timedelta(minutes=minutes)))
        return opened[-1]

    try:
        for opener in openers:
            opened.append(opener("alex"))
            await add_user(opened[-1], name)
        await _begin(open_(False))
        await copy_todos(open_(False), open_(True), renumber=True)
        for there, minutes, action in steps:
            db = open_(there, minutes)
            with suppress(TodoError):
                await action(db, open_(not there), await numbers_of(db))
        for there in (False, True):
            await check_replay(open_(there))
    finally:
        for db in opened:
            await db.__aexit__()


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize("other_target", ["sqlite"], indirect=True)
@settings(max_examples=5, **SETTINGS)
@given(steps=st.lists(STEPS, min_size=5, max_size=14))
async def test_rows_follow_from_history(
    open_db: OpenDatabase, open_other: Opened, steps: list[tuple[bool, int, Action]]
) -> None:
    await walk((open_db, open_other), steps)


@pytest.mark.exhaustive
@settings(max_examples=20, **SETTINGS)
@given(steps=st.lists(STEPS, min_size=10, max_size=40))
@pytest.mark.long
async def test_rows_follow_from_history_everywhere(
    open_db: OpenDatabase, open_other: Opened, steps: list[tuple[bool, int, Action]]
) -> None:
    await walk((open_db, open_other), steps)
