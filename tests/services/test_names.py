"""Projects, tags and users."""

from __future__ import annotations

import pytest

from tests.conftest import NOW, OpenDatabase
from todo_cli.db.database import Database
from todo_cli.errors import ConflictError, InvalidInputError, NotFoundError, UnknownUserError, UserNotNamedError
from todo_cli.models.values import ProjectPublic, TagPublic
from todo_cli.query.filter.ast import And
from todo_cli.query.references import parse_references
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.projects import (
    archive_project,
    count_project,
    delete_project,
    list_projects,
    rename_project,
    unarchive_project,
)
from todo_cli.services.tags import count_tag, delete_tag, list_tags, rename_tag
from todo_cli.services.todos import NewTodo, add_todo, cancel_todos, complete_todos, delete_todos
from todo_cli.services.users import add_user, list_users, rename_user


@pytest.fixture
async def filled(db: Database) -> Database:
    for title, project, tags in (
        ("a", "home", ("x",)),
        ("b", "home.flat", ("x", "y")),
        ("c", "homework", ()),
        ("d", "home", ("y",)),
        ("e", "home", ("y",)),
        ("f", "home", ("y",)),
    ):
        await add_todo(db, NewTodo(title, project=project, tags=tags))
    await complete_todos(db, parse_references(["4"]))
    await delete_todos(db, parse_references(["5"]))
    await cancel_todos(db, parse_references(["6"]))
    return db


async def where(db: Database) -> dict[str, str | None]:
    return {todo.title: todo.project for todo in (await list_todos(db, ListQuery(And(())))).todos}


class TestProjects:
    async def test_list_by_name_with_counts(self, filled: Database) -> None:
        assert await list_projects(filled) == [
            ProjectPublic("home", 1, 1, None),
            ProjectPublic("home.flat", 1, 0, None),
            ProjectPublic("homework", 1, 0, None),
        ]

    async def test_rename_with_nested_projects(self, filled: Database) -> None:
        pairs = await rename_project(filled, "HOME", "house")
        assert pairs == [("home", "house"), ("home.flat", "house.flat")]
        assert await where(filled) == {
            "a": "house", "b": "house.flat", "c": "homework", "d": "house", "f": "house",
        }  # fmt: skip

    async def test_rename_case_only(self, filled: Database) -> None:
        assert await rename_project(filled, "home", "Home") == [("home", "Home"), ("home.flat", "Home.flat")]

    @pytest.mark.parametrize(
        ("stored", "typed"),
        [("straße.sub", "STRASSE"), ("STRASSE.sub", "straße"), ("Ku\u0308che.sub", "K\u00fcche"), ("İ.sub", "i\u0307")],
    )
    async def test_rename_by_segments_regardless_of_case(self, db: Database, stored: str, typed: str) -> None:
        await add_todo(db, NewTodo("a", project=stored))
        await rename_project(db, typed, "weg")
        assert [project.name for project in await list_projects(db)] == ["weg.sub"]

    async def test_move_a_chain_upwards(self, db: Database) -> None:
        for name in ("a.b", "a.b.b", "a.b.b.b"):
            await add_todo(db, NewTodo(name, project=name))
        await rename_project(db, "a.b", "a")
        assert [project.name for project in await list_projects(db)] == ["a", "a.b", "a.b.b"]

    async def test_move_into_another_project(self, filled: Database) -> None:
        await rename_project(filled, "homework", "school.homework")
        assert (await where(filled))["c"] == "school.homework"

    async def test_rename_to_an_existing_name_or_into_itself_is_refused(self, filled: Database) -> None:
        with pytest.raises(ConflictError, match="'homework'"):
            await rename_project(filled, "home", "HOMEWORK")
        with pytest.raises(InvalidInputError):
            await rename_project(filled, "home", "home.inner")
        await add_todo(filled, NewTodo("g", project="house.flat"))
        with pytest.raises(ConflictError, match=r"'house\.flat'"):
            await rename_project(filled, "home", "house")
        with pytest.raises(InvalidInputError, match="longer"):
            await rename_project(filled, "home", "h" * 198)

    async def test_an_unknown_name_is_refused_with_a_suggestion(self, filled: Database) -> None:
        for attempt in (
            rename_project(filled, "hoem", "x"),
            delete_project(filled, "hoem"),
            count_project(filled, "hoem"),
        ):
            with pytest.raises(NotFoundError) as caught:
                await attempt
            assert caught.value.hint == "did you mean 'home'?"

    async def test_archive_and_unarchive_with_nested_projects(self, filled: Database) -> None:
        assert await archive_project(filled, "home") == ["home", "home.flat"]
        assert await archive_project(filled, "home") == []
        assert [project.name for project in await list_projects(filled)] == ["homework"]
        assert [project.archived_at for project in await list_projects(filled, archived=True)] == [NOW, NOW, None]
        assert await unarchive_project(filled, "home.flat") == ["home.flat"]

    async def test_no_new_project_inside_an_archived_one(self, filled: Database) -> None:
        await archive_project(filled, "home")
        for name in ("home", "home.flat", "home.flat.inner", "home.new"):
            with pytest.raises(ConflictError):
                await add_todo(filled, NewTodo("x", project=name))
        await unarchive_project(filled, "home.flat")
        await add_todo(filled, NewTodo("x", project="home.flat.inner"))

    async def test_archive_a_name_that_only_contains_others(self, filled: Database) -> None:
        await add_todo(filled, NewTodo("x", project="a.b"))
        assert await archive_project(filled, "a") == ["a", "a.b"]
        assert await archive_project(filled, "a") == []
        with pytest.raises(ConflictError):
            await add_todo(filled, NewTodo("x", project="a.c"))
        assert await unarchive_project(filled, "a") == ["a", "a.b"]

    async def test_delete_keeps_the_todos(self, filled: Database) -> None:
        assert await count_project(filled, "home") == 5
        assert await delete_project(filled, "home") == ["home", "home.flat"]
        assert await where(filled) == {"a": None, "b": None, "c": "homework", "d": None, "f": None}


class TestTags:
    async def test_list_by_name_with_counts(self, filled: Database) -> None:
        assert await list_tags(filled) == [TagPublic("x", 2, 0), TagPublic("y", 1, 1)]

    async def test_rename_on_all_todos(self, filled: Database) -> None:
        assert await rename_tag(filled, "X", "z") == ("x", "z")
        assert [tag.name for tag in await list_tags(filled)] == ["y", "z"]
        assert await rename_tag(filled, "z", "Z") == ("z", "Z")

    async def test_rename_to_an_existing_name_is_refused(self, filled: Database) -> None:
        with pytest.raises(ConflictError):
            await rename_tag(filled, "x", "Y")

    async def test_delete_from_all_todos(self, filled: Database) -> None:
        assert await count_tag(filled, "y") == 4
        assert await delete_tag(filled, "Y") == "y"
        assert {todo.tags for todo in (await list_todos(filled, ListQuery(And(())))).todos} == {("x",), ()}
        with pytest.raises(NotFoundError):
            await delete_tag(filled, "y")


class TestUsers:
    async def test_the_only_user_need_not_be_named(self, open_db: OpenDatabase) -> None:
        db = open_db(None)
        await add_todo(db, NewTodo("a"))
        assert [(user.name, user.you) for user in await list_users(db)] == [("alex", True)]

    async def test_one_of_several_users_has_to_be_named(self, open_db: OpenDatabase) -> None:
        await add_user(open_db(None), "sam")
        with pytest.raises(UserNotNamedError) as caught:
            await add_todo(open_db(None), NewTodo("a"))
        assert "alex, sam" in str(caught.value.hint)
        assert [(user.name, user.you) for user in await list_users(open_db(None))] == [("alex", False), ("sam", False)]
        assert [user.you for user in await list_users(open_db("SAM"))] == [False, True]

    async def test_an_unknown_name_never_shows_an_empty_list(self, open_db: OpenDatabase) -> None:
        with pytest.raises(UnknownUserError) as caught:
            await list_todos(open_db("alx"), ListQuery(And(())))
        assert "users: alex" in str(caught.value.hint)

    async def test_names_are_unique_regardless_of_case(self, db: Database) -> None:
        with pytest.raises(ConflictError):
            await add_user(db, "ALEX")
        await add_user(db, "sam")
        with pytest.raises(ConflictError):
            await rename_user(db, "sam", "Alex")
        assert await rename_user(db, "SAM", "Sam") == ("sam", "Sam")
        with pytest.raises(NotFoundError):
            await rename_user(db, "nobody", "x")
