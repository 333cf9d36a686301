"""Reading history: steps as sentences, and earlier states of todos; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from tests.conftest import NOW, OpenDatabase
from todo_cli.db.database import Database
from todo_cli.errors import NotFoundError, UnknownUserError
from todo_cli.models.values import Priority, TodoDetails, When
from todo_cli.query.references import NumberReference, parse_references
from todo_cli.rendering.history import format_reverted, format_step, plain
from todo_cli.services.comments import add_comment
from todo_cli.services.editing.recurring import Every
from todo_cli.services.history import HistoryQuery, get_todos_at, list_history
from todo_cli.services.listing import get_details
from todo_cli.services.projects import archive_project, delete_project, rename_project
from todo_cli.services.tags import delete_tag, rename_tag
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    complete_todos,
    delete_todos,
    empty_trash,
    modify_todos,
    restore_todos,
    start_todos,
)
from todo_cli.services.undoing import redo_steps, undo_steps

ONE, TWO = NumberReference(1), NumberReference(2)


async def tell(db: Database, query: HistoryQuery | None = None) -> list[str]:
    """Return the steps as sentences, oldest first."""
    page = await list_history(db, query or HistoryQuery())
    return [
        plain(format_step(step, NOW)) + (" (undone)" if step.undone else "")
        for step in reversed(page.steps)
        if step.command != "db init"
    ]


async def test_every_step_is_a_sentence(db: Database) -> None:
    await add_todo(db, NewTodo("Pay rent", project="home", due=When(date(2026, 11, 27)), every=Every("month")))
    await modify_todos(db, [ONE], TodoChanges(due=When(date(2026, 11, 30)), project="work", tags=("bills",)))
    await modify_todos(db, [ONE], TodoChanges(title="Pay the rent", priority=Priority.HIGH))
    await start_todos(db, [ONE])
    await complete_todos(db, [ONE])
    await add_todo(db, NewTodo("b", tags=("bills",), depends=(TWO,)))
    await add_comment(db, NumberReference(3), "a remark")
    await delete_todos(db, parse_references(["1,3"]))
    await restore_todos(db, parse_references(["3"]))
    await modify_todos(db, parse_references(["2-3"]), TodoChanges(untag=("bills",), wait_until=NOW + timedelta(days=2)))
    await rename_project(db, "home", "house")
    await archive_project(db, "house")
    await delete_project(db, "work")
    await rename_tag(db, "bills", "money")
    await delete_tag(db, "money")
    await undo_steps(db, 2)
    await redo_steps(db)
    assert await tell(db) == [
        "add 1 Pay the rent: project house, due Fri 27 Nov, repeats",
        "modify 1 Pay the rent: due Fri 27 Nov → Mon 30 Nov, project house → work, +bills",
        "modify 1 Pay the rent: title Pay the rent, priority high",
        "start 1 Pay the rent",
        "done 1 Pay the rent: stopped · next: 2 due Sun 27 Dec",
        "add 3 b: +bills, after 2",
        "comment 3: a remark",
        "delete 2 todos: 1, 3",
        "restore 3 b",
        "modify 2 todos: 2, 3: wait Tue 24 Nov 12:00, -bills",
        "project rename home → house",
        "project archive house",
        "project delete work (on 2 todos)",
        "tag rename bills → money",
        "tag delete money (on 1 todo)",
        "undo 1 Pay the rent: +bills; tag bills restored (undone)",
        "redo 1 Pay the rent: -bills; tag bills removed",
    ]
    assert await tell(db, HistoryQuery(NumberReference(3))) == [
        "add 3 b: +bills, after 2",
        "comment 3: a remark",
        "delete 3 b",
        "restore 3 b",
        "modify 3 b: wait Tue 24 Nov 12:00, -bills",
    ]


async def test_pages_since_and_by(db: Database, open_db: OpenDatabase) -> None:
    for hour in range(5):
        await add_todo(open_db("alex", NOW + timedelta(hours=hour)), NewTodo(f"t{hour}"))
    first = await list_history(db, HistoryQuery(size=2))
    assert ([step.changes[0].name for step in first.steps], first.total) == (["t4", "t3"], 6)
    third = await list_history(db, HistoryQuery(size=2, page=3))
    assert [step.command for step in third.steps] == ["add", "db init"]
    since = await list_history(db, HistoryQuery(since=NOW + timedelta(hours=3), by="ALEX"))
    assert [step.changes[0].name for step in since.steps] == ["t4", "t3"]
    assert {step.user for step in since.steps} == {"alex"}
    with pytest.raises(UnknownUserError):
        await list_history(db, HistoryQuery(by="sam"))
    with pytest.raises(NotFoundError, match="no todo 9"):
        await list_history(db, HistoryQuery(NumberReference(9)))


async def test_removed_todos_appear_without_their_content(db: Database) -> None:
    await add_todo(db, NewTodo("secret", project="p"))
    await delete_todos(db, [ONE])
    await empty_trash(db)
    assert await tell(db) == ["add project p", "trash empty 1 todo"]


async def test_undo_reports_what_it_did(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("Pay rent", project="p", due=When(date(2026, 11, 30)), every=Every("month")))
    await complete_todos(db, [ONE])
    await rename_project(db, "p", "q")
    later = open_db("alex", NOW + timedelta(minutes=2))

    async def say(verb: str) -> list[str]:
        outcome = await (undo_steps if verb == "undid" else redo_steps)(later)
        return [plain(format_reverted(each, later.now, verb)) for each in outcome.reverted]

    assert await say("undid") == ["undid project rename (2 minutes ago): project q renamed to p"]
    assert await say("undid") == ["undid done 1 Pay rent (2 minutes ago): open again; 2 Pay rent moved to the trash"]
    assert await say("undid") == ["undid add 1 Pay rent (2 minutes ago): moved to the trash; project p removed"]
    assert await say("redid") == ["redid add 1 Pay rent (2 minutes ago): restored from the trash; project p restored"]
    assert await say("redid") == [
        "redid done 1 Pay rent (2 minutes ago): done again; 2 Pay rent restored from the trash"
    ]
    assert await say("redid") == ["redid project rename (2 minutes ago): project p renamed to q"]


async def test_undo_reports_differences_between_todos(db: Database) -> None:
    for title in ("a", "b"):
        await add_todo(db, NewTodo(title))
    await modify_todos(db, [TWO], TodoChanges(priority=Priority.LOW))
    await modify_todos(db, [ONE, TWO], TodoChanges(priority=Priority.HIGH))
    [reverted] = (await undo_steps(db)).reverted
    assert plain(format_reverted(reverted, NOW, "undid")) == (
        "undid modify 1 a (just now): priority [-high-]; 2 b: priority high → low"
    )


async def test_todos_are_shown_as_they_were(db: Database, open_db: OpenDatabase) -> None:
    """The state after each step equals what was shown then, except for the todo's relations to others."""
    moments: list[tuple[datetime, list[TodoDetails]]] = []
    clock = iter(NOW + timedelta(hours=hour) for hour in range(50))

    async def keep() -> Database:
        now = next(clock)
        moments.append((now, await get_details(open_db("alex", now), parse_references(["1"]))))
        return open_db("alex", next(clock))

    await add_todo(open_db("alex", next(clock)), NewTodo("other"))
    new = NewTodo(
        "Pay rent", description="text", project="p", tags=("x",), due=When(date(2026, 11, 30)), depends=(ONE,)
    )
    await add_todo(open_db("alex", next(clock)), replace(new, every=Every("month"), title="late", depends=()))
    await modify_todos(await keep(), [ONE], TodoChanges(depends=(TWO,), title="é", project="p", tags=("x", "y")))
    await rename_project(await keep(), "p", "q")
    await add_comment(await keep(), ONE, "a remark")
    await modify_todos(await keep(), [ONE], TodoChanges(clear=frozenset({"project"}), every=Every("day"), untag=("x",)))
    await rename_tag(await keep(), "y", "z")
    await delete_tag(await keep(), "z")
    await complete_todos(await keep(), [TWO])
    await complete_todos(await keep(), [ONE])
    await modify_todos(await keep(), [ONE], TodoChanges(undepends="all", priority=Priority.LOW))
    await delete_project(await keep(), "q")
    await undo_steps(await keep(), 2)
    await delete_todos(await keep(), [ONE])
    await keep()
    for moment, [expected] in moments:
        [found] = await get_todos_at(db, [ONE], moment)
        links = replace(expected.todo.links, blocks=(), subtasks=0, subtasks_done=0)
        assert found.comments == expected.comments
        assert found.todo == replace(expected.todo, links=links), moment
    assert moments[7][1][0].todo.links.depends == (2,)
    assert moments[-1][1][0].todo.deleted_at


async def test_a_todo_is_shown_as_of_the_last_step_even_if_clocks_differ(db: Database, open_db: OpenDatabase) -> None:
    """The second step was made on a machine whose clock is an hour behind: the order of steps counts."""
    await add_todo(db, NewTodo("1", tags=("a",)))
    await modify_todos(open_db("alex", NOW + timedelta(hours=3)), [ONE], TodoChanges(title="2"))
    await modify_todos(open_db("alex", NOW + timedelta(hours=2)), [ONE], TodoChanges(title="3"))
    await rename_tag(open_db("alex", NOW + timedelta(hours=3)), "a", "b")
    await rename_tag(open_db("alex", NOW + timedelta(hours=2)), "b", "c")
    for hours, title, tag in ((1, "1", "a"), (2, "3", "c"), (4, "3", "c")):
        [found] = await get_todos_at(db, [ONE], NOW + timedelta(hours=hours))
        assert (found.todo.title, found.todo.tags) == (title, (tag,))


async def test_a_todo_that_did_not_exist_yet_is_not_shown(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(open_db("alex", NOW + timedelta(hours=1)), NewTodo("a"))
    with pytest.raises(NotFoundError, match="todo 1 did not exist yet: it was added on 2026-11-22 at 13:00"):
        await get_todos_at(db, [ONE], NOW)
    assert len(await get_todos_at(db, [ONE], NOW + timedelta(hours=1))) == 1
