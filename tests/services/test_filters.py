"""Expressions and the todos that match them, on both databases; `now` is Sunday, 22 November 2026, 12:00."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import BERLIN, NOW, OpenDatabase
from tests.plain_filters import TYPED, World, matches, trees
from tests.tiers import choose
from todo_cli.db.database import Database
from todo_cli.db.scope import assign_owner
from todo_cli.db.write.step import Step
from todo_cli.errors import NotFoundError
from todo_cli.models.tables import Comment, Dependency, Project, Series, Tag, Todo
from todo_cli.models.values import Priority, Status, TodoPublic, When
from todo_cli.query.defaults import with_defaults
from todo_cli.query.filter.ast import And, Filter, InArchivedProject, conditions_of
from todo_cli.query.filter.parser import MAX_CONDITIONS, MAX_DEPTH, MAX_TEXT_LENGTH, MAX_TEXTS, parse_filter
from todo_cli.query.sorting import parse_sort
from todo_cli.services.listing import Context, ListQuery, list_todos
from todo_cli.services.projects import archive_project

HIGH, MEDIUM, LOW = Priority.HIGH.value, Priority.MEDIUM.value, Priority.LOW.value


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def when(text: str) -> When:
    on = date.fromisoformat(text[:10])
    return When(on, at(text)) if len(text) > 10 else When(on)


def make(title: str, **fields: object) -> Todo:
    made: dict[str, object] = {"created_at": at("2026-11-20T10:00"), "updated_at": NOW}
    todo = Todo(title=title, created_at=NOW, updated_at=NOW)
    todo.project = todo.series = None
    for field, value in (made | fields).items():
        setattr(todo, field, value)
    return todo


DONE: dict[str, object] = {"status": Status.DONE.value, "completed_at": at("2026-11-21T10:00")}

TODOS: list[tuple[str, str | None, str, dict[str, object]]] = [
    ("apples", "home", "shop", {"description": "a kilo of ÉCLAIRS", "priority": LOW}),
    ("big rye bread", "home.flat", "shop soon", {"priority": HIGH, "due": when("2026-11-22")}),
    (
        *("call mum", None, ""),
        {
            "priority": MEDIUM,
            "due": when("2026-11-22T11:00"),
            "scheduled": when("2026-11-20"),
            "created_at": at("2026-10-01T10:00"),
        },
    ),
    (
        *("dentist", "homework", ""),
        {
            "due": when("2026-11-23T09:00"),
            "wait_until": at("2026-11-23T00:00"),
            "updated_at": at("2026-11-20T10:00"),
        },
    ),
    ("expired offer", "work", "soon", {"expires_at": at("2026-11-20T00:00")}),
    ("forms 100%", "old", "", {"due": when("2027-01-31")}),
    (
        *("gym, don't skip", None, ""),
        {
            "due": when("2026-11-27"),
            "scheduled": when("2026-11-25T18:00"),
            "expires_at": at("2026-12-31T00:00"),
            "occurrence": "2026-11-27",
        },
    ),
    ("held", "work", "shop", {"due": when("2026-11-01"), "wait_until": at("2026-12-24T00:00")} | DONE),
    ("ideas", None, "", {"status": Status.CANCELLED.value, "due": when("2026-11-21")}),
    ("jog", None, "", {"occurrence": "7", "wait_until": NOW, "expires_at": NOW}),
    ("kept in the trash", "home", "shop", {"priority": HIGH, "due": when("2026-11-22"), "deleted_at": NOW}),
]
"""The todos, which the tables below name by first letter: title, project, tags and fields."""

DEPENDENCIES = {"b": "a", "g": "b", "c": "h", "d": "k", "f": "bi", "i": "a", "h": "g"}
"""Each depends on these."""
PARENTS = {"e": "f", "i": "a", "h": "b", "j": "b", "k": "j"}
STARTED, COMMENTED = "ag", "cj"


@pytest.fixture
async def filled(db: Database) -> Database:
    made: dict[str, Todo] = {}

    async def work(step: Step) -> None:
        goes_on, ended = (
            Series(
                rrule="FREQ=WEEKLY",
                dtstart_local="2026-11-27",
                tzid="Europe/Berlin",
                created_at=NOW,
                ended_at=ended_at,
            )
            for ended_at in (None, NOW)
        )
        step.create(goes_on)
        step.create(ended)
        await step.flush()
        projects = {
            name: await step.get_or_create(Project, name) for name in sorted({name for _, name, _, _ in TODOS if name})
        }
        tags = {name: await step.get_or_create(Tag, name) for name in ("shop", "soon")}
        for number, (title, project, labels, fields) in enumerate(TODOS, start=1):
            todo = make(title, **fields)
            todo.uuid = UUID(f"{number:x}00d0000-0000-4000-8000-000000000000")
            todo.project = projects[project] if project else None
            todo.tags = [tags[label] for label in labels.split()]
            todo.series = {"g": goes_on, "j": ended}.get(title[0])
            todo.started_at = NOW if title[0] in STARTED else None
            step.create(todo)
            await step.flush()  # numbers follow this order
            made[title[0]] = todo
        numbers = {title: todo.id or 0 for title, todo in made.items()}
        for title, others in DEPENDENCIES.items():
            for other in others:
                step.session.add(Dependency(todo_id=numbers[title], depends_on_id=numbers[other]))
        for child, parent in PARENTS.items():
            made[child].parent_id = numbers[parent]
        for title in COMMENTED:
            remark = Comment(todo_id=numbers[title], text="hm", created_at=NOW)
            assign_owner(remark, step.scope)
            step.session.add(remark)

    await db.write("add", work)
    await archive_project(db, "old")
    return db


async def find(db: Database, tree: Filter, sort: str = "id") -> str:
    try:
        page = await list_todos(db, ListQuery(tree, parse_sort(sort)))
    except NotFoundError:
        return "unknown"
    return "".join(todo.title[0] for todo in page.todos)


async def find_each(db: Database, expressions: Iterable[str]) -> dict[str, str]:
    return {each: await find(db, parse_filter(each.split(" "), db.now)) for each in expressions}


FOUND = {
    "bread": "b",
    "éclair": "a",
    "title:éclair": "",
    "description:éclair": "a",
    "not description:éclair": "bcdefghij",
    "'rye bread'": "b",
    "100%": "f",
    "don't": "g",
    "rye or mum": "bc",
    "rye mum": "",
    "not e": "cfgj",
    "not (rye or mum) +shop": "ah",
    "+shop": "abh",
    "+SHOP not +soon": "ah",
    "+nope": "unknown",
    "+shop or +nope": "abh",
    "tag:none": "cdfgij",
    "has:tag": "abeh",
    "project:home": "ab",
    "project:home.flat": "b",
    "not project:home": "cdefghij",
    "project:none": "cgij",
    "has:project": "abdefh",
    "priority:high": "b",
    "priority:none": "defghij",
    "priority.above:low": "bc",
    "priority.below:medium": "adefghij",
    "not priority.above:none": "defghij",
    "no:priority": "defghij",
    "status:open": "abcdefgj",
    "status:done": "h",
    "status:all": "abcdefghij",
    "not is:open": "hi",
    "is:cancelled": "i",
    "due:today": "bc",
    "is:today": "bc",
    "due.before:today": "hi",
    "due.by:today": "bchi",
    "due.after:today": "dfg",
    "due.since:today": "bcdfg",
    "not due.before:today": "abcdefgj",  # includes todos without a date
    "not due.since:today": "aehij",
    "due:none": "aej",
    "due:any": "bcdfghi",
    "due:2026-11-22T11:00": "bc",  # without a time, only the day is known
    "due.before:2026-11-22T11:00": "hi",
    "due.by:2026-11-22T11:00": "bchi",
    "due.after:2026-11-22T11:00": "dfg",
    "due.since:2026-11-22T11:01": "bdfg",
    "due:2026-11-23": "d",
    "is:week": "bci",  # from Monday the 16th to today
    "is:overdue": "c",
    "not is:overdue": "abdefghij",
    "scheduled:2026-11-20": "c",
    "scheduled.after:2026-11-20": "g",
    "scheduled:2026-11-25T18:00": "g",
    "scheduled.by:2026-11-25": "cg",
    "not scheduled.by:2026-11-25": "abdefhij",
    "is:scheduled": "cg",
    "wait.after:today": "dh",
    "wait:2026-11-22T12:00": "j",
    "is:waiting": "d",
    "not is:waiting": "abcefghij",
    "has:wait": "dhj",
    "until.before:today": "e",
    "until:any": "egj",
    "is:expired": "ej",  # it expires at this very moment
    "no:until": "abcdfhi",
    "created.before:2026-11-01": "c",
    "created:2026-11-20": "abdefghij",
    "created:2026-11-20T10:00": "abdefghij",
    "created.after:2026-11-20": "",
    "updated.before:today": "d",
    "completed:any": "h",
    "completed.since:2026-11-21": "h",
    "not completed.since:2026-11-21": "abcdefgij",
    "no:completed": "abcdefgij",
    "is:blocked": "bfg",
    "not is:blocked": "acdehij",  # includes closed todos
    "is:blocking": "ab",  # h depends on g, and is done
    "is:ready": "ac",
    "not is:ready": "bdefghij",
    "is:active": "ag",
    "depends:1": "bi",
    "depends:2,8": "cfg",
    "depends:900d": "f",
    "depends:11": "",  # in the trash
    "not depends:1-2": "acdehj",
    "depends:any": "bcfghi",
    "depends:none": "adej",
    "has:depends": "bcfghi",
    "parent:2": "hj",
    "parent:600d,1": "ei",
    "parent:10": "",  # itself in the trash
    "parent:any": "ehij",
    "no:parent": "abcdfg",
    "has:subtasks": "bf",  # that of a is cancelled, that of j in the trash
    "no:subtasks": "acdeghij",
    "has:comments": "cj",
    "is:recurring": "g",  # the other series has ended
    "no:every": "abcdefhij",
    "is:untagged": "cdfgij",
    "id:1-3,9": "abci",
    "id:400d": "d",
    "id:4711": "",
    "not id:1-9": "j",
    "id:11": "",  # in the trash
    "is:blocking or is:blocked not depends:1": "abfg",
    "(+shop or project:work) and not (is:done or priority:high)": "ae",
    "not (not +shop or not +soon)": "b",
}


async def test_expressions(filled: Database) -> None:
    assert await find_each(filled, FOUND) == FOUND


async def test_lists_hide_todos(filled: Database) -> None:
    expected = {
        "": "abcg",
        "+shop": "ab",
        "has:project": "ab",
        "project:old": "f",
        "project:work": "",
        "project:work status:all": "eh",
        "is:done": "h",
        "is:done or is:open": "abcdeghj",
        "not status:open": "hi",
        "status:open": "abcg",
        "status:all": "abcdeghij",
        "completed.since:2026-11-21": "h",
        "is:overdue": "c",
        "not is:overdue": "abg",  # open ones
        "is:waiting": "d",
        "not is:waiting": "abcg",
        "wait:any": "d",
        "has:wait status:all": "dhj",
        "is:expired": "ej",
        "until:any": "egj",
        "id:1-10": "abcdefghij",
        "is:blocked": "bg",  # f is in an archived project
        "is:ready": "ac",
        "depends:1": "b",
        "depends:1 status:all": "bi",
        "parent:2 status:all": "hj",
    }
    found = {each: await find(filled, with_defaults(parse_filter(each.split(), NOW))) for each in expected}
    assert found == expected


async def test_orders(filled: Database) -> None:
    expected = {
        "scheduled": "cgabdefhij",
        "-scheduled": "gcabdefhij",  # missing values come last either way
        "wait": "jdhabcefgi",
        "-wait": "hdjabcefgi",
        "until": "ejgabcdfhi",
        "-until": "gjeabcdfhi",
    }
    assert {sort: await find(filled, And(()), sort) for sort in expected} == expected


async def test_todos_scheduled_without_a_time_come_last_on_their_day(db: Database) -> None:
    async def work(step: Step) -> None:
        for title, scheduled in (("a", "2026-11-22"), ("b", "2026-11-22T12:00"), ("c", "2026-11-22T09:00")):
            step.create(make(title, scheduled=when(scheduled)))
            await step.flush()

    await db.write("add", work)
    assert await find(db, And(()), "scheduled") == "cba"
    assert await find(db, And(()), "-scheduled") == "abc"


async def test_days_are_in_the_reader_s_zone(filled: Database, open_db: OpenDatabase) -> None:
    apia = open_db("alex", NOW.astimezone(ZoneInfo("Pacific/Apia")))  # it is 0:00 on the 23rd there
    expected = {
        "due:today": "d",  # 9:00 in Berlin is 21:00 there
        "due:2026-11-22": "bc",
        "due.before:today": "bchi",
        "is:overdue": "bc",
        "created:2026-11-20": "abdefghij",
        "completed:2026-11-21": "h",
        "wait:2026-11-23": "dj",
    }
    assert await find_each(apia, expected) == expected
    assert apia.now.date() == date(2026, 11, 23)
    kiritimati = open_db("alex", NOW.astimezone(ZoneInfo("Pacific/Kiritimati")))
    assert await find(kiritimati, parse_filter(["completed:2026-11-21"], kiritimati.now)) == "h"
    midway = open_db("alex", NOW.astimezone(ZoneInfo("Pacific/Midway")))
    assert await find(midway, parse_filter(["completed:2026-11-20"], midway.now)) == "h"


ZONES = st.sampled_from(["Europe/Berlin", "Pacific/Apia", "Pacific/Midway", "America/New_York"])


@settings(max_examples=choose(30, 300))
@given(tree=trees(TYPED | st.just(InArchivedProject())), zone=ZONES)
async def test_the_database_agrees_with_plain_python(
    filled: Database, open_db: OpenDatabase, tree: Filter, zone: str
) -> None:
    reader = open_db("alex", NOW.astimezone(ZoneInfo(zone)))
    todos: list[TodoPublic] = list((await list_todos(filled, ListQuery(And(()), parse_sort("id")))).todos)
    uuids = {number: UUID(f"{number:x}00d0000-0000-4000-8000-000000000000") for number in range(1, len(TODOS) + 1)}
    world = World({"old"}, {number for number, todo in enumerate(TODOS, start=1) if todo[0][0] in COMMENTED}, uuids)
    expected = "".join(todo.title[0] for todo in todos if matches(tree, todo, reader.now, world))
    assert (await find(reader, tree)).replace("unknown", "") == expected
    await reader.__aexit__()


async def test_the_largest_possible_filter(filled: Database) -> None:
    long = "ΐ" * (MAX_TEXT_LENGTH - 2)
    texts = [f"'{number:02}{long}'" for number in range(MAX_TEXTS)]
    others = ["project:home", "due.by:today", "+soon", "is:recurring", "has:tag", "is:ready", "depends:1", "parent:2"]
    rest = [others[number % len(others)] for number in range(MAX_CONDITIONS - MAX_TEXTS - 1)]
    conditions = ["id:1-900", *texts, *rest]
    nested = f"({' or '.join(conditions[MAX_DEPTH:])})"
    for number, condition in enumerate(conditions[1:MAX_DEPTH]):
        nested = f"({condition} {'or' if number % 2 else 'and'} {nested})"
    tree = parse_filter([f"{conditions[0]} or {nested}"], NOW)
    assert len(list(conditions_of(tree))) == MAX_CONDITIONS
    page = await list_todos(filled, ListQuery(with_defaults(tree), size=5))
    assert page.total


@pytest.mark.either_database
async def test_the_deepest_possible_filter(filled: Database) -> None:
    def pair(levels: int, last: str = "+soon") -> str:
        inner = last if levels == 1 else pair(levels - 1, last)
        return f"({inner} {'or' if levels % 2 else 'and'} {inner})"

    nested = pair(7)  # of 128 conditions
    for number in range(MAX_DEPTH - 7):
        nested = f"(project:home {'and' if number % 2 else 'or'} {nested})"
    assert await find(filled, parse_filter([nested], NOW)) == "ab"
    assert await find(filled, parse_filter(["not " * MAX_DEPTH + "+soon"], NOW)) == "be"
    for state in ("is:ready", "not is:ready", "is:blocked", "depends:1", "parent:1", "has:subtasks"):
        nested = pair(7, state)
        for _ in range(MAX_DEPTH - 8):
            nested = f"(project:home or {nested})"
        assert "a" in await find(filled, parse_filter([nested], NOW))


@pytest.mark.either_database
async def test_the_largest_context_with_the_largest_filter(filled: Database) -> None:
    nested = "+soon"
    for number in range(MAX_DEPTH):
        nested = f"(project:home {'and' if number % 2 else 'or'} {nested})"
    text = "'" + "ΐ" * (MAX_TEXT_LENGTH - 2) + "'"
    wide = " or ".join(["has:project", *[text] * (MAX_TEXTS), *["+soon"] * (MAX_CONDITIONS - MAX_TEXTS - 1)])
    for one, other in ((nested, nested), (wide, wide), (nested, wide), (wide, nested)):
        context = Context("c", parse_filter([one], NOW))
        query = ListQuery(with_defaults(parse_filter([other], NOW)), size=5, context=context)
        assert (await list_todos(filled, query)).total is not None
