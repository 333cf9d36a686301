"""No service shows or changes data of another user: one test for each service function."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import NOW, OpenDatabase
from todo_cli import services
from todo_cli.db.database import Database
from todo_cli.db.write.edits import Edit
from todo_cli.errors import NotFoundError
from todo_cli.models.history import HistoryPage, UndoOutcome
from todo_cli.models.values import TodoPage, TodoPublic
from todo_cli.query.filter.ast import And, HasName
from todo_cli.query.references import parse_references
from todo_cli.services import comments, history, listing, projects, tags, todos, tree, undoing, users
from todo_cli.services.databases import administration as databases
from todo_cli.services.databases import backups
from todo_cli.services.editing import editing, series
from todo_cli.services.editing.recurring import Every
from todo_cli.services.history import HistoryQuery
from todo_cli.services.listing import ListQuery

HERS = parse_references(["1"])
EVERYTHING = And(())


async def _todos(page: Awaitable[TodoPage]) -> list[TodoPublic]:
    return list((await page).todos)


async def _listed(found: Awaitable[tuple[list[TodoPublic], list[TodoPublic]]]) -> list[TodoPublic]:
    return [todo for part in await found for todo in part]


async def _removed(number: Awaitable[int]) -> list[int]:
    return [removed for removed in [await number] if removed]


async def _steps(page: Awaitable[HistoryPage]) -> list[Any]:
    return list((await page).steps)


async def _reverted(outcome: Awaitable[UndoOutcome]) -> list[Any]:
    return list((await outcome).reverted)


async def _changed(result: Awaitable[tuple[Any, list[Any] | None]]) -> list[Any]:
    found, outcomes = await result
    return [*found, *(outcomes or ())]


# Each is called as sam, whose list is empty, on a database with alex's todo 1 in project `p` with tag `t`.
SEES_NOTHING: dict[Callable[..., Any], Callable[[Database], Awaitable[Any]]] = {
    listing.list_todos: lambda db: _todos(listing.list_todos(db, ListQuery(EVERYTHING))),
    tree.list_tree: lambda db: _listed(tree.list_tree(db, ())),
    history.list_history: lambda db: _steps(history.list_history(db, HistoryQuery())),
    undoing.undo_steps: lambda db: _reverted(undoing.undo_steps(db, 9, force=True)),
    undoing.redo_steps: lambda db: _reverted(undoing.redo_steps(db, 9, force=True)),
    projects.list_projects: lambda db: projects.list_projects(db, archived=True),
    tags.list_tags: tags.list_tags,
    todos.change_found: lambda db: _changed(todos.change_found(db, ListQuery(EVERYTHING), todos.delete_todos, most=9)),
    todos.empty_trash: lambda db: _removed(todos.empty_trash(db)),
}
IS_REFUSED: dict[Callable[..., Any], Callable[[Database], Awaitable[Any]]] = {
    listing.list_todos: lambda db: listing.list_todos(
        db, ListQuery(And((HasName("project", "p"), HasName("tag", "t"))))
    ),
    listing.get_todos: lambda db: listing.get_todos(db, HERS),
    listing.get_details: lambda db: listing.get_details(db, HERS),
    comments.add_comment: lambda db: comments.add_comment(db, HERS[0], "mine"),
    tree.list_tree: lambda db: tree.list_tree(db, HERS),
    history.list_history: lambda db: history.list_history(db, HistoryQuery(HERS[0])),
    history.get_todos_at: lambda db: history.get_todos_at(db, HERS, NOW),
    todos.complete_todos: lambda db: todos.complete_todos(db, HERS),
    todos.reopen_todos: lambda db: todos.reopen_todos(db, HERS),
    todos.cancel_todos: lambda db: todos.cancel_todos(db, HERS),
    todos.start_todos: lambda db: todos.start_todos(db, HERS),
    todos.stop_todos: lambda db: todos.stop_todos(db, HERS),
    todos.delete_todos: lambda db: todos.delete_todos(db, HERS),
    todos.skip_todos: lambda db: todos.skip_todos(db, HERS),
    series.delete_series: lambda db: series.delete_series(db, HERS),
    series.list_upcoming: lambda db: series.list_upcoming(db, HERS[0], 1),
    editing.edit_each: lambda db: editing.edit_each(db, "test", HERS, Edit({"title": "mine"})),
    todos.restore_todos: lambda db: todos.restore_todos(db, parse_references(["2"])),
    todos.modify_todos: lambda db: todos.modify_todos(db, HERS, todos.TodoChanges(title="mine", tags=("t",))),
    projects.rename_project: lambda db: projects.rename_project(db, "p", "mine"),
    projects.archive_project: lambda db: projects.archive_project(db, "p"),
    projects.unarchive_project: lambda db: projects.unarchive_project(db, "p"),
    projects.count_project: lambda db: projects.count_project(db, "p"),
    projects.delete_project: lambda db: projects.delete_project(db, "p"),
    tags.rename_tag: lambda db: tags.rename_tag(db, "t", "mine"),
    tags.count_tag: lambda db: tags.count_tag(db, "t"),
    tags.delete_tag: lambda db: tags.delete_tag(db, "t"),
}
MAKES_ITS_OWN: dict[Callable[..., Any], Callable[[Database], Awaitable[Any]]] = {
    todos.add_todo: lambda db: todos.add_todo(db, todos.NewTodo("mine", project="P", tags=("T",))),
}
IS_ABOUT_THE_WHOLE_DATABASE = {
    users.list_users,
    users.add_user,
    users.rename_user,
    databases.init_database,
    databases.migrate_database,
    databases.reset_database,
    databases.inspect_database,
    databases.find_damage,
    backups.back_up,
    backups.restore,
}


@pytest.fixture
async def sam(open_db: OpenDatabase) -> Database:
    alex = open_db("alex")
    for title in ("hers", "her trash"):
        await todos.add_todo(
            alex, todos.NewTodo(title, description="text", project="p", tags=("t",), every=Every("day"))
        )
    await comments.add_comment(alex, HERS[0], "hers")
    await series.delete_series(alex, parse_references(["2"]))
    await users.add_user(alex, "sam")
    return open_db("sam")


async def everything(db: Database) -> list[Any]:
    """Return all data of a user."""
    return [
        await listing.get_details(db, parse_references(["1-2"])),
        await projects.list_projects(db, archived=True),
        await tags.list_tags(db),
    ]


@pytest.mark.parametrize("function", SEES_NOTHING, ids=lambda function: function.__name__)
async def test_other_users_see_nothing(sam: Database, open_db: OpenDatabase, function: Callable[..., Any]) -> None:
    before = await everything(open_db("alex"))
    assert await SEES_NOTHING[function](sam) == []
    assert await everything(open_db("alex")) == before


@pytest.mark.parametrize("function", IS_REFUSED, ids=lambda function: function.__name__)
async def test_other_users_are_refused(sam: Database, open_db: OpenDatabase, function: Callable[..., Any]) -> None:
    before = await everything(open_db("alex"))
    with pytest.raises(NotFoundError) as caught:
        await IS_REFUSED[function](sam)
    assert "hers" not in f"{caught.value.message} {caught.value.hint}"
    assert "did you mean" not in str(caught.value.hint)
    assert await everything(open_db("alex")) == before


@pytest.mark.parametrize("function", MAKES_ITS_OWN, ids=lambda function: function.__name__)
async def test_names_are_created_for_each_user(
    sam: Database, open_db: OpenDatabase, function: Callable[..., Any]
) -> None:
    before = await everything(open_db("alex"))
    made = (await MAKES_ITS_OWN[function](sam)).todo
    assert (made.project, made.tags) == ("P", ("T",))
    assert await everything(open_db("alex")) == before


def test_every_service_is_tested() -> None:
    found = set()
    for module in pkgutil.walk_packages(services.__path__, "todo_cli.services."):
        content = importlib.import_module(module.name)
        for function in vars(content).values():
            if inspect.iscoroutinefunction(function) and function.__module__ == content.__name__:
                first = next(iter(inspect.signature(function).parameters), "")
                if first == "db" and not function.__name__.startswith("_"):
                    found.add(function)
    assert found == {*SEES_NOTHING, *IS_REFUSED, *MAKES_ITS_OWN, *IS_ABOUT_THE_WHOLE_DATABASE}


@pytest.mark.parametrize(
    "bound",
    [todos.NewTodo("mine", depends=tuple(HERS)), todos.NewTodo("mine", parent=HERS[0])],
    ids=["depends", "parent"],
)
async def test_no_edge_leads_to_another_user_s_todo(sam: Database, bound: todos.NewTodo) -> None:
    with pytest.raises(NotFoundError):
        await todos.add_todo(sam, bound)
    mine = (await todos.add_todo(sam, todos.NewTodo("mine"))).todo.id
    changes = todos.TodoChanges(depends=bound.depends, parent=bound.parent)
    with pytest.raises(NotFoundError):
        await todos.modify_todos(sam, parse_references([str(mine)]), changes)
