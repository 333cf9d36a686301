"""Adding and changing todos."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.conftest import NOW, OpenDatabase
from todo_cli.db.database import Database
from todo_cli.errors import ConflictError, NotFoundError
from todo_cli.models.values import Priority, Status, TodoPublic, When
from todo_cli.query.filter.ast import And
from todo_cli.query.references import parse_references
from todo_cli.services.listing import ListQuery, get_todos, list_todos
from todo_cli.services.projects import archive_project, list_projects
from todo_cli.services.tags import list_tags
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
)

LATER = NOW.replace(hour=18)


async def get(db: Database, reference: str | int) -> TodoPublic:
    [todo] = await get_todos(db, parse_references([str(reference)]))
    return todo


class TestAdd:
    async def test_all_fields_are_stored(self, db: Database) -> None:
        due = When(date(2026, 12, 24), datetime(2026, 12, 24, 17, 0, tzinfo=UTC))
        new = NewTodo(
            "Pay rent",
            description="for\nDecember",
            priority=Priority.HIGH,
            project="home.flat",
            tags=("bills", "Urgent"),
            due=due,
        )
        added = (await add_todo(db, new)).todo
        assert added == await get(db, added.id)
        assert added.title == "Pay rent"
        assert added.description == "for\nDecember"
        assert added.priority is Priority.HIGH
        assert added.project == "home.flat"
        assert added.tags == ("bills", "Urgent")
        assert added.due == due
        assert added.status is Status.OPEN
        assert (added.created_at, added.updated_at, added.version) == (NOW, NOW, 1)
        assert added.created_at.utcoffset() is not None

    async def test_projects_and_tags_are_shown_as_first_written(self, db: Database) -> None:
        await add_todo(db, NewTodo("a", project="Home", tags=("Bills",)))
        again = (await add_todo(db, NewTodo("b", project="hOME", tags=("BILLS", "bills")))).todo
        assert (again.project, again.tags) == ("Home", ("Bills",))
        assert [project.name for project in await list_projects(db)] == ["Home"]
        assert [tag.name for tag in await list_tags(db)] == ["Bills"]

    async def test_an_archived_project_accepts_no_todos(self, db: Database) -> None:
        await add_todo(db, NewTodo("a", project="old"))
        await archive_project(db, "old")
        with pytest.raises(ConflictError, match="archived"):
            await add_todo(db, NewTodo("b", project="old"))
        assert len((await list_todos(db, ListQuery(And(())))).todos) == 1

    async def test_numbers_increase_and_are_never_reused(self, db: Database) -> None:
        numbers = [(await add_todo(db, NewTodo(f"{number}"))).todo.id for number in range(3)]
        await delete_todos(db, parse_references(["3"]))
        await empty_trash(db)
        assert [*numbers, (await add_todo(db, NewTodo("next"))).todo.id] == [1, 2, 3, 4]


TEXTS = {
    "emoji": "🥐👩‍👩‍👧 naïve",
    "markup": "[red]not red[/red] [link=x]",
    "escape sequences": "\x1b[31mred\x1b]0;title\x07 \x9b1m",
    "quotes": """it's "quoted" `code` $HOME \\n %s {x} ; DROP TABLE todos; --""",
    "right to left": "שלום \u202eevil\u202c \u200f",
    "wildcards": "100% _under_ \\",
    "long": "ß" * 10_000,
    "punctuation": "...!?",
    "lines": "one\r\ntwo\nthree\ttab",
    "spaces around": "  kept  ",
    "decomposed": "e\u0301",
    "above the basic plane": "\U0001f600\U0010ffff\ufeff\ufffe",
}


@pytest.mark.parametrize("name", TEXTS)
async def test_text_is_returned_unchanged(db: Database, name: str) -> None:
    added = (await add_todo(db, NewTodo(TEXTS[name], description=TEXTS[name]))).todo
    assert added.title == added.description == TEXTS[name]
    assert await get(db, added.id) == added
    [listed] = (await list_todos(db, ListQuery(And(())))).todos
    assert listed == added


class TestStatus:
    async def test_done_and_reopened(self, db: Database, open_db: OpenDatabase) -> None:
        await add_todo(db, NewTodo("a"))
        [finished] = await complete_todos(open_db("alex", LATER), parse_references(["1"]))
        assert finished.changed
        assert (finished.todo.status, finished.todo.completed_at) == (Status.DONE, LATER)
        assert finished.todo.version == 2
        [opened] = await reopen_todos(db, parse_references(["1"]))
        assert (opened.todo.status, opened.todo.completed_at) == (Status.OPEN, None)

    async def test_finishing_twice_keeps_the_first_time(self, db: Database, open_db: OpenDatabase) -> None:
        await add_todo(db, NewTodo("a"))
        await complete_todos(db, parse_references(["1"]))
        [again] = await complete_todos(open_db("alex", LATER), parse_references(["1"]))
        assert not again.changed
        assert again.todo.completed_at == NOW

    async def test_a_cancelled_todo_is_not_completed(self, db: Database) -> None:
        await add_todo(db, NewTodo("a"))
        await complete_todos(db, parse_references(["1"]))
        [cancelled] = await cancel_todos(db, parse_references(["1"]))
        assert (cancelled.todo.status, cancelled.todo.completed_at) == (Status.CANCELLED, None)

    async def test_several_at_once_are_all_or_nothing(self, db: Database) -> None:
        for title in "abc":
            await add_todo(db, NewTodo(title))
        with pytest.raises(NotFoundError) as caught:
            await complete_todos(db, parse_references(["1-3", "7,9"]))
        assert "7, 9" in caught.value.message
        assert {todo.status for todo in (await list_todos(db, ListQuery(And(())))).todos} == {Status.OPEN}
        outcomes = await complete_todos(db, parse_references(["3", "1-2"]))
        assert [outcome.todo.id for outcome in outcomes] == [3, 1, 2]


class TestModify:
    async def test_other_fields_do_not_change(self, db: Database) -> None:
        due = When(date(2026, 12, 24))
        before = (
            await add_todo(
                db, NewTodo("a", description="text", priority=Priority.LOW, project="home", tags=("x", "y"), due=due)
            )
        ).todo
        [outcome] = await modify_todos(db, parse_references(["1"]), TodoChanges(title="b"))
        assert outcome.todo.title == "b"
        assert (outcome.todo.description, outcome.todo.priority, outcome.todo.project) == ("text", Priority.LOW, "home")
        assert (outcome.todo.tags, outcome.todo.due) == (("x", "y"), due)
        assert outcome.todo.version == before.version + 1

    async def test_all_fields_at_once(self, db: Database) -> None:
        await add_todo(db, NewTodo("a", tags=("x", "y")))
        changes = TodoChanges(
            "b",
            description="text",
            priority=Priority.HIGH,
            project="work",
            due=When(date(2027, 1, 1)),
            tags=("z",),
            untag=("X", "unknown"),
        )
        [outcome] = await modify_todos(db, parse_references(["1"]), changes)
        todo = await get(db, 1)
        assert todo == outcome.todo
        assert (todo.title, todo.description, todo.priority) == ("b", "text", Priority.HIGH)
        assert (todo.project, todo.tags, todo.due) == ("work", ("y", "z"), When(date(2027, 1, 1)))
        assert todo.version == 2

    async def test_fields_can_be_cleared(self, db: Database) -> None:
        await add_todo(
            db,
            NewTodo(
                "a", description="text", priority=Priority.HIGH, project="home", tags=(), due=When(date(2026, 12, 24))
            ),
        )
        clear = frozenset({"due", "project", "description"})
        await modify_todos(db, parse_references(["1"]), TodoChanges(priority=Priority.NONE, clear=clear))
        todo = await get(db, 1)
        assert (todo.description, todo.priority, todo.project, todo.due) == (None, Priority.NONE, None, None)

    async def test_only_different_todos_are_changed(self, db: Database) -> None:
        await add_todo(db, NewTodo("a", project="home"))
        await add_todo(db, NewTodo("b"))
        outcomes = await modify_todos(db, parse_references(["1-2"]), TodoChanges(project="home"))
        assert [outcome.changed for outcome in outcomes] == [False, True]


class TestReferences:
    async def test_a_uuid_prefix(self, db: Database) -> None:
        todo = (await add_todo(db, NewTodo("a"))).todo
        prefix = str(todo.uuid)[:12]
        if prefix.replace("-", "").isdigit():
            pytest.skip("this uuid begins with digits only, which are a number (1 in 10,000)")
        assert await get(db, prefix) == todo
        assert await get(db, str(todo.uuid).upper()) == todo

    async def test_an_ambiguous_prefix_is_refused_with_the_candidates(self, db: Database) -> None:
        from uuid import UUID

        from todo_cli.db.write.step import Step
        from todo_cli.models.tables import Todo

        async def work(step: Step) -> None:
            for last in (1, 2):
                uuid = UUID(f"abcd0000-0000-4000-8000-00000000000{last}")
                step.create(Todo(uuid=uuid, title="t", created_at=NOW, updated_at=NOW))

        await db.write("add", work)
        with pytest.raises(NotFoundError, match=r"several todos match abcd \(1, 2\)"):
            await complete_todos(db, parse_references(["abcd"]))
        assert (await get(db, "abcd0000000040008000000000000002")).id == 2

    async def test_a_todo_in_the_trash_is_refused(self, db: Database) -> None:
        await add_todo(db, NewTodo("a"))
        await delete_todos(db, parse_references(["1"]))
        with pytest.raises(NotFoundError, match="todo 1 is in the trash") as caught:
            await complete_todos(db, parse_references(["1"]))
        assert "todo restore 1" in str(caught.value.hint)

    async def test_a_todo_named_twice_is_changed_once(self, db: Database) -> None:
        todo = (await add_todo(db, NewTodo("a"))).todo
        [outcome] = await complete_todos(db, parse_references(["1", str(todo.uuid), "1-1"]))
        assert outcome.todo.version == 2


class TestTrash:
    async def test_delete_and_restore_unchanged(self, db: Database) -> None:
        before = (await add_todo(db, NewTodo("a", project="home", tags=("x",)))).todo
        await complete_todos(db, parse_references(["1"]))
        [deleted] = await delete_todos(db, parse_references(["1"]))
        assert deleted.todo.deleted_at == NOW
        assert (await list_todos(db, ListQuery(And(())))).todos == []
        assert [todo.id for todo in (await list_todos(db, ListQuery(And(()), trashed=True))).todos] == [1]
        [restored] = await restore_todos(db, parse_references(["1"]))
        assert (restored.todo.id, restored.todo.uuid, restored.todo.tags) == (before.id, before.uuid, before.tags)
        assert (restored.todo.status, restored.todo.deleted_at) == (Status.DONE, None)

    async def test_emptying_removes_only_todos_that_were_there_at_the_question(
        self, db: Database, open_db: OpenDatabase
    ) -> None:
        for title in "ab":
            await add_todo(db, NewTodo(title))
        await delete_todos(db, parse_references(["1"]))
        await delete_todos(open_db("alex", LATER), parse_references(["2"]))
        assert await empty_trash(db) == 1
        assert [todo.id for todo in (await list_todos(db, ListQuery(And(()), trashed=True))).todos] == [2]
