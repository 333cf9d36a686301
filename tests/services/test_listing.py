"""Lists: filters, sort orders and pages, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import NOW, FilledOnce, OpenDatabase
from todo_cli.db.database import Database
from todo_cli.errors import NotFoundError
from todo_cli.models.values import COUNT_LIMIT, Priority, Status, When
from todo_cli.query.dates import parse_when
from todo_cli.query.filter.ast import (
    And,
    Compares,
    ContainsText,
    Filter,
    HasName,
    HasStatus,
    InArchivedProject,
    IsOneOf,
    IsOverdue,
    Not,
    Or,
    RefersTo,
)
from todo_cli.query.references import MAX_PREFIXES, parse_references
from todo_cli.query.sorting import parse_sort
from todo_cli.services.listing import ListQuery, get_todos, list_todos
from todo_cli.services.projects import archive_project
from todo_cli.services.todos import NewTodo, add_todo, cancel_todos, complete_todos, delete_todos


def when(text: str) -> When:
    return parse_when(text, NOW)


async def fill(db: Database) -> None:
    """Add the todos, which the tables below name by first letter; `now` is Sunday, 22 November, 12:00."""
    for new in (
        NewTodo("apples", description="a kilo of ÉCLAIRS", priority=Priority.LOW, project="home", tags=("shop",)),
        NewTodo(
            "bread",
            description=None,
            priority=Priority.HIGH,
            project="home.kitchen",
            tags=("shop", "urgent"),
            due=when("today"),
        ),
        NewTodo(
            "call", description=None, priority=Priority.NONE, project="homework", tags=(), due=when("2026-11-22 11:00")
        ),
        NewTodo(
            "dentist", description=None, priority=Priority.NONE, project=None, tags=(), due=when("2026-11-22 13:00")
        ),
        NewTodo(
            "éclair",
            description=None,
            priority=Priority.MEDIUM,
            project="work",
            tags=("urgent",),
            due=when("2026-11-20"),
        ),
        NewTodo(
            "forms 100% done_now",
            description=None,
            priority=Priority.NONE,
            project="old",
            tags=(),
            due=when("2027-01-31"),
        ),
        NewTodo("gone", description=None, priority=Priority.HIGH, project="home", tags=("shop",), due=when("today")),
        NewTodo("held", description=None, priority=Priority.NONE, project="work", tags=(), due=when("2026-11-01")),
        NewTodo("ideas", description=None, priority=Priority.NONE, project=None, tags=(), due=when("2026-11-01")),
    ):
        await add_todo(db, new)
    await delete_todos(db, parse_references(["7"]))
    await complete_todos(db, parse_references(["8"]))
    await cancel_todos(db, parse_references(["9"]))
    await archive_project(db, "old")


async def find(db: Database, tree: Filter, sort: str = "id") -> str:
    page = await list_todos(db, ListQuery(tree, parse_sort(sort)))
    return "".join(todo.title[0] for todo in page.todos)


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        (And(()), "abcdéfhi"),
        (Or(()), ""),
        (Not(And(())), ""),
        (ContainsText("BREAD"), "b"),
        (ContainsText("éclair"), "aé"),  # in a description and in a title, regardless of case
        (ContainsText("e\u0301clair"), "aé"),  # decomposed
        (ContainsText("%"), "f"),
        (ContainsText("_"), "f"),
        (ContainsText("100% done_"), "f"),
        (ContainsText("\\"), ""),
        (ContainsText(""), "abcdéfhi"),
        (HasStatus(Status.OPEN), "abcdéf"),
        (HasStatus(Status.DONE), "h"),
        (HasStatus(Status.CANCELLED), "i"),
        (HasName("project", "home"), "ab"),  # includes nested projects, but not `homework`
        (HasName("project", "HOME.Kitchen"), "b"),
        (Or((HasName("project", "hom"), ContainsText("dent"))), "d"),  # a prefix of a name does not match
        (Not(HasName("project", "home")), "cdéfhi"),  # includes todos without a project
        (InArchivedProject(), "f"),
        (HasName("tag", "shop"), "ab"),
        (HasName("tag", "SHOP"), "ab"),
        (And((HasName("tag", "shop"), HasName("tag", "urgent"))), "b"),
        (Or((HasName("tag", "shop"), HasName("tag", "urgent"))), "abé"),
        (Not(HasName("tag", "shop")), "cdéfhi"),
        (IsOneOf("priority", ("high",)), "b"),
        (IsOneOf("priority", ("none",)), "cdfhi"),
        (Compares("due", "before", when("today")), "éhi"),
        (Compares("due", "before", when("tomorrow")), "bcdéhi"),
        (Compares("due", "before", when("2026-11-22 12:00")), "céhi"),
        (Compares("due", "before", when("2026-11-22 11:00")), "éhi"),
        (Compares("due", "after", when("today")), "f"),
        (Compares("due", "after", when("2026-11-21")), "bcdf"),
        (Compares("due", "after", when("2026-11-22 11:00")), "df"),
        (Compares("due", "after", when("9998-12-31 23:59")), ""),
        (Compares("due", "after", when("9998-12-31")), ""),
        (Compares("due", "before", when("0002-01-01")), ""),
        (IsOverdue(), "cé"),
        (Or((And((HasName("project", "work"), HasStatus(Status.OPEN))), ContainsText("dent"))), "dé"),
    ],
    ids=str,
)
async def test_filters(filled_once: FilledOnce, tree: Filter, found: str) -> None:
    assert await find(await filled_once(fill), tree) == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("id", "abcdéfhi"),
        ("-id", "ihfédcba"),
        ("due", "hiécdbfa"),  # within a day by time, todos without a time last; todos without a date last of all
        ("-due", "fbdcéhia"),
        ("due,-priority", "hiécdbfa"),
        ("-priority", "béacdfhi"),
        ("priority", "aébcdfhi"),  # none comes last either way
        ("title", "abcdfhié"),  # by code point, the same everywhere
        ("-title", "éihfdcba"),
        ("project", "abcféhdi"),
        ("-project", "éhfcbadi"),
        ("status,id", "abcdéfhi"),
        ("-status", "ihabcdéf"),
        ("completed", "habcdéfi"),
        ("created", "abcdéfhi"),
    ],
)
async def test_orders(filled_once: FilledOnce, sort: str, found: str) -> None:
    assert await find(await filled_once(fill), And(()), sort) == found


async def test_pages_neither_overlap_nor_miss_todos(db: Database) -> None:
    for number in range(23):
        await add_todo(db, NewTodo(f"same {number % 2}"))
    pages = [await list_todos(db, ListQuery(And(()), parse_sort("title"), page, 5)) for page in range(1, 7)]
    assert [len(page.todos) for page in pages] == [5, 5, 5, 5, 3, 0]
    assert sorted(todo.id for page in pages for todo in page.todos) == list(range(1, 24))
    assert {page.total for page in pages} == {23}


async def test_an_empty_list(db: Database) -> None:
    page = await list_todos(db, ListQuery(And(()), size=5))
    assert (page.todos, page.total) == ([], 0)


async def test_counting_stops_at_a_limit(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from todo_cli.services import listing

    monkeypatch.setattr(listing, "COUNT_LIMIT", 3)
    for title in "abcdef":
        await add_todo(db, NewTodo(title))
    page = await list_todos(db, ListQuery(And(()), size=2))
    assert page.total == 4
    assert COUNT_LIMIT == 10_000


async def test_a_date_is_the_same_day_in_every_zone_and_a_time_the_same_instant(
    db: Database, open_db: OpenDatabase
) -> None:
    await add_todo(db, NewTodo("date", due=when("today")))
    await add_todo(db, NewTodo("time", due=when("2026-11-22 23:30")))
    apia = open_db("alex", datetime(2026, 11, 22, 11, 0, tzinfo=UTC).astimezone(ZoneInfo("Pacific/Apia")))
    assert apia.now.date() == date(2026, 11, 23)
    assert await find(apia, IsOverdue()) == "d"  # there the 22nd is over, while 23:30 in Berlin is to come
    assert await find(apia, Compares("due", "before", parse_when("today", apia.now))) == "d"
    assert await find(apia, Compares("due", "after", parse_when("2026-11-22", apia.now))) == "t"
    honolulu = open_db("alex", datetime(2026, 11, 23, 9, 0, tzinfo=UTC).astimezone(ZoneInfo("Pacific/Honolulu")))
    assert honolulu.now.date() == date(2026, 11, 22)
    assert await find(honolulu, IsOverdue()) == "t"


async def test_one_statement_for_a_page_with_tags_and_total(db: Database) -> None:
    from sqlalchemy import event

    await fill(db)
    statements: list[str] = []
    async with db._connect(writing=False):
        pass
    assert db._engine is not None
    event.listen(db._engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    page = await list_todos(db, ListQuery(And(()), size=3))
    assert page.total == 8
    assert page.todos[0].tags is not None
    assert len([statement for statement in statements if statement.lstrip().startswith("SELECT")]) == 1


async def test_unknown_names_are_explained(filled_once: FilledOnce) -> None:
    db = await filled_once(fill)
    nothing = ContainsText("nothing has this in it")
    assert not (
        await list_todos(db, ListQuery(And((HasName("project", "home"), HasName("tag", "shop"), nothing))))
    ).todos
    for tree, message in (
        (HasName("project", "hoem"), "did you mean 'home'?"),
        (HasName("tag", "urgnet"), "did you mean 'urgent'?"),
    ):
        with pytest.raises(NotFoundError) as caught:
            await list_todos(db, ListQuery(And((HasName("tag", "shop"), nothing, Or((Not(tree), tree))))))
        assert caught.value.hint == message


async def test_as_many_uuid_prefixes_as_are_allowed_fit_into_a_statement(filled_once: FilledOnce) -> None:
    prefixes = parse_references([f"a{number:04}" for number in range(MAX_PREFIXES)])
    with pytest.raises(NotFoundError):
        await get_todos(await filled_once(fill), prefixes)
    assert list((await list_todos(await filled_once(fill), ListQuery(RefersTo(prefixes)))).todos) == []
