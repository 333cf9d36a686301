"""The urgency that databases sort by equals the one displayed, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlmodel import col

from tests.conftest import NOW, OpenDatabase
from tests.tiers import choose
from todo_cli.db.connection.target import PostgresTarget
from todo_cli.db.database import Database
from todo_cli.db.read.queries import Request
from todo_cli.db.read.urgency_sql import make_urgency
from todo_cli.db.write.step import Step, Transaction
from todo_cli.models.tables import Dependency, Project, Tag, Todo
from todo_cli.models.values import Priority, Status, When
from todo_cli.query.filter.ast import And, HasStatus
from todo_cli.query.sorting import parse_sort
from todo_cli.query.urgency import Coefficients, score
from todo_cli.services.listing import ListQuery, list_todos

DAYS = st.dates(date(2026, 10, 20), date(2026, 12, 20)) | st.sampled_from([date(2, 1, 1), date(9998, 12, 31)])
MOMENTS = st.datetimes(datetime(2026, 11, 20), datetime(2026, 11, 25), timezones=st.just(UTC)) | st.just(NOW)  # noqa: DTZ001
AGES = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 25), timezones=st.just(UTC))  # noqa: DTZ001
WHENS = st.none() | st.builds(When, DAYS) | st.builds(lambda at: When(at.date(), at), MOMENTS)
NUMBERS = st.sampled_from([0.0, 1.0, -5.0, 0.1, 12.0, 3.9, 1e6]) | st.floats(-100, 100)
COEFFICIENTS = st.builds(
    Coefficients,
    *[NUMBERS] * 7,
    age_max=st.sampled_from([365.0, 1.0, 0.5, 0.0, -3.0, 30.5, 1e12]),
    tags=NUMBERS,
    projects=NUMBERS,
    blocking=NUMBERS,
    blocked=NUMBERS,
    waiting=NUMBERS,
    tag=st.dictionaries(st.sampled_from(["a", "b", "next"]), NUMBERS),
    project=st.dictionaries(st.sampled_from(["home", "home.flat", "work"]), NUMBERS),
)
TODOS = st.fixed_dictionaries(
    {
        "status": st.sampled_from([*["open"] * 4, "done", "cancelled"]),
        "priority": st.sampled_from([priority.value for priority in Priority]),
        "due": WHENS,
        "scheduled": WHENS,
        "wait_until": st.none() | MOMENTS,
        "started_at": st.none() | MOMENTS,
        "created_at": AGES,
        "deleted_at": st.sampled_from([None, None, None, NOW]),
        "project": st.sampled_from([None, "home", "home.flat", "homework"]),
        "tags": st.sets(st.sampled_from(["a", "B", "c", "d"])),
        "depends": st.sets(st.integers(0, 9), max_size=3),
    }
)
ZONES = st.sampled_from(["Europe/Berlin", "Pacific/Apia", "Pacific/Midway"])


async def fill(db: Database, todos: Sequence[dict[str, Any]]) -> None:
    """Replace the user's todos with these; each depends on the earlier ones at the positions it names."""

    async def work(step: Step) -> None:
        for table in ("dependencies", "todo_tags", "todos"):
            await step.session.execute(text(f"DELETE FROM {schema}{table}"))
        projects = {
            name: await step.get_or_create(Project, name) for name in ("home", "home.flat", "homework", "a", "b")
        }
        tags = {name: await step.get_or_create(Tag, name) for name in "aBcd"}
        rows: list[Todo] = []
        for number, fields in enumerate(todos):
            plain = {name: value for name, value in fields.items() if name not in ("project", "tags", "depends")}
            todo = Todo(title=f"{number}", created_at=NOW, updated_at=NOW)
            for name, value in plain.items():
                setattr(todo, name, value)
            todo.completed_at = NOW if todo.status == Status.DONE.value else None
            todo.series = None
            todo.project = projects.get(fields["project"])
            todo.tags = [tags[name] for name in sorted(fields["tags"])]
            step.create(todo)
            await step.flush()
            rows.append(todo)
        for number, fields in enumerate(todos):
            for other in fields["depends"]:
                if other < number:
                    step.session.add(Dependency(todo_id=rows[number].id or 0, depends_on_id=rows[other].id or 0))

    schema = "todo." if isinstance(db.target, PostgresTarget) else ""
    await db.write("add", work)


async def measure(db: Database, coefficients: Coefficients) -> dict[int, float]:
    """Return the urgency of each todo as calculated by the database, by number."""

    async def work(transaction: Transaction) -> dict[int, float]:
        request = Request(transaction.scope, transaction.now)
        rows = await transaction.session.execute(select(col(Todo.id), make_urgency(request, coefficients)))
        return {number: urgency for number, urgency in rows.all() if number is not None}

    return await db.read(work)


@settings(
    max_examples=choose(10, 80),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(todos=st.lists(TODOS, min_size=1, max_size=10), coefficients=COEFFICIENTS, zone=ZONES)
async def test_the_database_agrees_with_the_display(
    db: Database, open_db: OpenDatabase, todos: list[dict[str, Any]], coefficients: Coefficients, zone: str
) -> None:
    await fill(db, todos)
    reader = open_db("alex", NOW.astimezone(ZoneInfo(zone)))
    everything = [
        *(await list_todos(reader, ListQuery(And(())))).todos,
        *(await list_todos(reader, ListQuery(And(()), trashed=True))).todos,
    ]
    assert len(everything) == len(todos)
    expected = {todo.id: score(todo, reader.now, coefficients) for todo in everything}
    assert await measure(reader, coefficients) == expected

    listed = [todo.id for todo in everything if not todo.deleted_at]
    for sort, sign, size in (("urgency", 1, 10), ("-urgency", -1, 4)):
        found: list[int] = []
        for page in range(1, 2 + len(listed) // size):
            query = ListQuery(And(()), parse_sort(sort), page, size, coefficients=coefficients)
            found.extend(todo.id for todo in (await list_todos(reader, query)).todos)
        assert found == sorted(listed, key=lambda number: (sign * expected[number], number))
    await reader.__aexit__()


async def test_sorted_with_other_keys_and_in_one_statement(db: Database) -> None:
    from sqlalchemy import event

    plain: dict[str, Any] = {"project": None, "tags": (), "depends": ()}
    overdue = When(NOW.date() - timedelta(days=9))
    await fill(db, [{**plain, "project": name, "due": due} for name in (None, "b", "a") for due in (None, overdue)])
    sent: list[str] = []
    assert db._engine
    event.listen(db._engine.sync_engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2]))
    for size in (None, 9):
        query = ListQuery(HasStatus(Status.OPEN), parse_sort("-urgency,project"), size=size)
        assert [todo.title for todo in (await list_todos(db, query)).todos] == ["5", "3", "1", "4", "2", "0"]
    assert len([statement for statement in sent if "SELECT" in statement]) == 2


@pytest.mark.parametrize("size", [None, 3])
async def test_equally_urgent_todos_are_sorted_by_number(db: Database, size: int | None) -> None:
    same: dict[str, Any] = {"project": None, "tags": (), "depends": ()}
    await fill(db, [same] * 5)
    query = ListQuery(And(()), parse_sort("-urgency"), size=size)
    assert [todo.title for todo in (await list_todos(db, query)).todos] == ["0", "1", "2", "3", "4"][:size]
