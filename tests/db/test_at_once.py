"""PostgreSQL's single statements do the same as the ordinary transaction: the same rows and the same history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from tests.conftest import NOW, OpenDatabase, Server
from tests.tiers import choose
from tests.waits import until_blocked
from todo_cli.db.connection.target import Target, parse_target
from todo_cli.db.database import Database, Shortcut
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import ConflictError, NotFoundError, TodoError
from todo_cli.models.values import Priority, TodoOutcome, TodoPublic, When
from todo_cli.query.references import NumberReference, parse_references
from todo_cli.services import projects
from todo_cli.services.editing.recurring import Every
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
    start_todos,
    stop_todos,
)

T = TypeVar("T")
Command = Callable[[Database], Awaitable[Any]]


@pytest.fixture(params=["postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Ordinary(Database):
    """A database that uses ordinary transactions for all steps, as on SQLite."""

    async def write(
        self,
        command: str,
        work: Callable[[Step], Awaitable[T]],
        *,
        shortcut: Shortcut[T] | None = None,
        alone: bool = False,
        batch: bool = False,
    ) -> T:
        return await super().write(command, work, alone=alone, batch=batch)


NAMES = st.sampled_from(["home", "home.flat", "work", "old", "Home"])
TAGS = st.lists(st.sampled_from(["a", "b", "B", "ä"]), max_size=3).map(tuple)
DUES = st.none() | st.builds(
    When,
    st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda later: NOW + later),
)
TITLES = st.sampled_from(["a", "ÉCLAIR", 'say "hi"', "tab\tand\\slash", "line\nbreak", "\x1b[31m", "’"])
MOMENTS = st.none() | st.timedeltas(timedelta(days=-30), timedelta(days=400)).map(lambda later: NOW + later)
EVERY = st.none() | st.builds(
    Every, st.sampled_from(["day", "week", "month", "mon,thu", "FREQ=DAILY;COUNT=3", "no rule"]), st.booleans()
)
REFERENCES = st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(
    lambda numbers: tuple(NumberReference(number) for number in numbers)
)
BOUND = REFERENCES | st.just(())
COMMANDS = st.one_of(
    st.builds(
        NewTodo,
        TITLES,
        description=st.none() | TITLES,
        priority=st.sampled_from(Priority),
        project=st.none() | NAMES,
        tags=TAGS,
        due=DUES,
        scheduled=DUES,
        wait_until=MOMENTS,
        expires_at=MOMENTS,
        every=EVERY,
        depends=BOUND,
        parent=st.none() | REFERENCES.map(lambda found: found[0]),
    ).map(lambda new: lambda db: add_todo(db, new)),
    st.builds(
        lambda references, **fields: lambda db: modify_todos(db, references, TodoChanges(**fields)),
        REFERENCES,
        title=st.none() | TITLES,
        description=st.none() | TITLES,
        priority=st.none() | st.sampled_from(Priority),
        project=st.none() | NAMES,
        due=DUES,
        tags=TAGS,
        untag=st.sampled_from([(), ("a",), ("Ä", "b")]),
        clear=st.sampled_from(
            [frozenset[str](), frozenset({"due"}), frozenset({"description", "scheduled", "wait_until"})]
        ),
        scheduled=st.none() | DUES,
        wait_until=MOMENTS,
        every=EVERY,
        ends_series=st.booleans(),
    ),
    st.builds(
        lambda references, changes: lambda db: modify_todos(db, references, changes),
        REFERENCES,
        st.builds(
            TodoChanges,
            depends=BOUND,
            undepends=BOUND | st.just("all"),
            parent=st.none() | REFERENCES.map(lambda found: found[0]),
            project=st.none() | NAMES,
            clear=st.sampled_from([frozenset[str](), frozenset({"project"})]),
        )
        | st.just(TodoChanges(clear=frozenset({"parent"}))),
    ),
    st.builds(
        lambda references, *flags: (
            lambda db: complete_todos(
                db, references, **dict(zip(("catch_up", "force", "with_subtasks"), flags, strict=True))
            )
        ),
        REFERENCES,
        *[st.booleans()] * 3,
    ),
    st.builds(lambda references: lambda db: skip_todos(db, references), REFERENCES),
    st.builds(
        lambda service, references: lambda db: service(db, references),
        st.sampled_from(
            [complete_todos, reopen_todos, cancel_todos, start_todos, stop_todos, delete_todos, restore_todos]
        ),
        REFERENCES,
    ),
    st.sampled_from([projects.archive_project, projects.unarchive_project]).map(
        lambda service: lambda db: service(db, "old")
    ),
)

TODOS = """
SELECT todos.*, p.name, (SELECT string_agg(name, ',' ORDER BY key)
                         FROM todo.tags JOIN todo.todo_tags ON tag_id = tags.id WHERE todo_id = todos.id)
FROM todo.todos LEFT JOIN todo.projects p ON p.id = project_id ORDER BY todos.id
"""
OTHERS = (
    "SELECT * FROM todo.projects ORDER BY key",
    "SELECT * FROM todo.tags ORDER BY key",
    "SELECT * FROM todo.dependencies ORDER BY 1, 2",
    "SELECT s.* FROM todo.series s JOIN todo.todos t ON t.series_id = s.id ORDER BY t.id",
)
EMPTY = "TRUNCATE todo.todos, todo.projects, todo.tags, todo.series, todo.steps RESTART IDENTITY CASCADE"
HISTORY = (
    "SELECT s.command, s.at, c.entity, c.entity_uuid, c.field, c.old, c.new"
    " FROM todo.steps s LEFT JOIN todo.changes c ON c.step_id = s.id ORDER BY s.id, c.id"
)


async def read_all(db: Database) -> tuple[list[Any], list[tuple[Any, ...]]]:
    """Return all rows, and the history with names instead of uuids."""

    async def work(transaction: Transaction) -> tuple[list[Any], list[tuple[Any, ...]]]:
        session = transaction.session
        rows = [
            row._asdict() for statement in (TODOS, *OTHERS) for row in (await session.execute(text(statement))).all()
        ]
        return rows, [tuple(row) for row in (await session.execute(text(HISTORY))).all()]

    rows, history = await db.read(work)
    names: dict[str, str] = {}
    for row in rows:
        if "depends_on_id" in row:
            continue
        names[str(row.pop("uuid"))] = str(row["id"] if "title" in row else row.get("name", "series"))
        # Refused commands leave gaps in the ids of projects, tags and series.
        for number in ("project_id", "series_id", *(("id",) if "title" not in row else ())):
            row.pop(number, None)
    for command, at, _, todo, field, _, series in history:
        if field == "series" and series:
            names.setdefault(series.strip('"'), f"series that {names[str(todo)]} began with {command} at {at}")

    def name(value: Any) -> Any:
        plain = str(value).strip('"')
        return names.get(plain, value)

    # The order in which tags are removed from a todo is undefined.
    lines = [tuple(name(value) for value in line) for line in history]
    return rows, sorted(lines, key=str)


async def outcome(command: Awaitable[Any]) -> Any:
    try:
        found = await command
    except TodoError as error:
        return type(error), error.message
    outcomes = found if isinstance(found, list) else [found]
    return [
        (item.changed, [_without_uuids(todo) for todo in (item.todo, *item.next, *item.changed_with)], item.ready)
        for item in outcomes
        if isinstance(item, TodoOutcome)
    ]


def _without_uuids(todo: TodoPublic) -> TodoPublic:
    recurrence = todo.recurrence and replace(todo.recurrence, series=UUID(int=0))
    return replace(todo, uuid=UUID(int=0), recurrence=recurrence)


@pytest.fixture(scope="module")
def two_databases(server: Server) -> Server:
    for name in ("at_once", "ordinary"):
        server.fresh(name)
    return server


@settings(max_examples=choose(5, 80), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(commands=st.lists(COMMANDS, min_size=2, max_size=12))
def test_both_ways_write_the_same(two_databases: Server, commands: Sequence[Command]) -> None:
    async def run() -> None:
        for step, command in enumerate(commands):
            now = NOW + timedelta(minutes=step)
            async with Database(fast, now=now) as one, Ordinary(slow, now=now) as other:
                assert await outcome(command(one)) == await outcome(command(other)), f"at command {step}"
        async with Database(fast, now=NOW) as one, Database(slow, now=NOW) as other:
            (rows, lines), (other_rows, other_lines) = await read_all(one), await read_all(other)
            assert rows == other_rows
            assert [line for line in lines if line not in other_lines] == [
                line for line in other_lines if line not in lines
            ]
            assert lines == other_lines

    for name in ("at_once", "ordinary"):
        two_databases.execute(EMPTY, name)
    fast, slow = (parse_target(two_databases.url(name)) for name in ("at_once", "ordinary"))
    asyncio.run(run())


@pytest.fixture
async def statements(db: Database) -> list[str]:
    """Record the statements sent to the database."""
    sent: list[str] = []
    await db.read(nothing)
    assert db._engine
    event.listen(db._engine.sync_engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2]))
    return sent


async def nothing(_: Transaction) -> None:
    pass


async def test_common_commands_are_one_statement(db: Database, statements: list[str]) -> None:
    one, both = parse_references(["1"]), parse_references(["1", "2"])
    changes = TodoChanges("b", project="work", tags=("y",), untag=("x",), clear=frozenset({"due"}))
    new = NewTodo(
        "a", description="text", priority=Priority.LOW, project="home", tags=("x",), due=When(NOW.date(), NOW)
    )
    commands: list[Awaitable[Any]] = [
        add_todo(db, new),
        add_todo(db, new),
        modify_todos(db, one, changes),
        modify_todos(db, one, TodoChanges("c"), if_version=2),
        complete_todos(db, both),
        complete_todos(db, both),
        reopen_todos(db, one),
        start_todos(db, one),
        start_todos(db, one),
        stop_todos(db, one),
        delete_todos(db, both),
        restore_todos(db, one),
        add_todo(db, NewTodo("step", depends=one, parent=one[0])),
        add_todo(db, NewTodo("step", parent=parse_references(["3"])[0], tags=("x",))),
        add_todo(db, NewTodo("after", depends=parse_references(["3", "4"]))),
        modify_todos(db, one, TodoChanges(project="home")),
        modify_todos(db, parse_references(["5"]), TodoChanges(depends=one, undepends=parse_references(["3"]))),
        modify_todos(db, parse_references(["5"]), TodoChanges(parent=one[0])),
        modify_todos(db, parse_references(["5"]), TodoChanges(clear=frozenset({"parent"}), undepends="all")),
        complete_todos(db, one, with_subtasks=True),
        delete_todos(db, one),
        restore_todos(db, parse_references(["4"])),
    ]
    for number, command in enumerate(commands):
        statements.clear()
        await command
        assert len(statements) == 1, number


async def test_errors_are_the_same_as_in_a_transaction(db: Database) -> None:
    await add_todo(db, NewTodo("a", project="old"))
    await delete_todos(db, parse_references(["1"]))
    await add_todo(db, NewTodo("b"))
    await projects.archive_project(db, "old")
    with pytest.raises(NotFoundError, match="no todo 7"):
        await complete_todos(db, parse_references(["2", "7"]))
    with pytest.raises(NotFoundError, match="todo 1 is in the trash"):
        await complete_todos(db, parse_references(["1", "2"]))
    with pytest.raises(ConflictError, match="'old' is archived"):
        await add_todo(db, NewTodo("c", project="old.er"))
    with pytest.raises(ConflictError, match="at version 1, not 2"):
        await modify_todos(db, parse_references(["2"]), TodoChanges("c"), if_version=2)


class TestGivenUuid:
    @pytest.mark.parametrize("dialect", ["sqlite", "postgresql"], indirect=True)
    async def test_adding_again_returns_the_existing_todo(self, open_db: OpenDatabase) -> None:
        uuid = uuid4()
        first = await add_todo(open_db("alex"), NewTodo("a", tags=("x",), uuid=uuid))
        again = await add_todo(open_db("alex"), NewTodo("b", uuid=uuid))
        assert (first.changed, again.changed) == (True, False)
        assert first.todo == again.todo
        assert first.todo.uuid == uuid

    async def test_concurrent_adds_of_one_uuid_return_the_same_todo(self, open_db: OpenDatabase) -> None:
        for _ in range(4):
            uuid = uuid4()
            outcomes = await asyncio.gather(*(add_todo(open_db("alex"), NewTodo("a", uuid=uuid)) for _ in range(4)))
            assert len({outcome.todo.id for outcome in outcomes}) == 1
            assert sum(outcome.changed for outcome in outcomes) == 1

    async def test_the_uuid_of_another_user_s_todo_is_a_conflict(self, open_db: OpenDatabase) -> None:
        from todo_cli.services.users import add_user

        uuid = uuid4()
        await add_todo(open_db("alex"), NewTodo("a", uuid=uuid))
        await add_user(open_db("alex"), "sam")
        with pytest.raises(ConflictError, match="another user"):
            await add_todo(open_db("sam"), NewTodo("a", uuid=uuid))


async def test_a_locked_todo_is_waited_for(open_db: OpenDatabase, target: Target) -> None:
    db = open_db("alex")
    await add_todo(db, NewTodo("a"))

    async def hold(step: Step) -> None:
        await step.session.execute(text("UPDATE todo.todos SET title = 'theirs', version = version + 1"))
        running.append(asyncio.ensure_future(modify_todos(db, parse_references(["1"]), TodoChanges("ours"))))
        raw = await (await step.session.connection()).get_raw_connection()
        await until_blocked(raw.driver_connection, running)
        assert not running[0].done()
        step.keep()

    running: list[asyncio.Future[list[TodoOutcome]]] = []
    await open_db("alex").write("modify", hold)
    [outcome] = await running[0]
    assert (outcome.todo.title, outcome.todo.version) == ("ours", 3)
    _, history = await read_all(db)
    assert [line[5:] for line in history if line[4] == "title" and line[5]] == [('"theirs"', '"ours"')]
