"""The line is cut after every single message: what is acknowledged is there once, and nothing is there by half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import pytest

from tests.conftest import Here
from tests.front_door import FrontDoor
from tests.neon import ADDRESS, Neon

DATABASE = "cuts"


@dataclass
class Scene:
    """A database behind a door, the command line, and a look past the door."""

    neon: Neon
    door: FrontDoor
    todo: Here

    def ask(self, statement: str) -> list[Any]:
        self.door.settle()
        return [tuple(row) for row in self.neon.server.execute(statement, DATABASE)]


@pytest.fixture
def scene(
    neon: Neon,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Scene]:
    neon.server.create(DATABASE, template="template")
    with neon.door() as door:
        monkeypatch.setenv("TODO_HOME", str(tmp_path_factory.mktemp("home")))
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, DATABASE, host=ADDRESS))
        monkeypatch.delenv("TODO_USER", raising=False)
        yield Scene(neon, door, Here(capsys))


@dataclass
class Case:
    """A command on a todo of that uuid, which `prepare` makes, and what there is once it is done, and before."""

    command: Callable[[str], list[str]]
    prepare: bool
    look: str
    before: list[Any]
    after: list[Any]


HISTORY = "(SELECT count(*) FROM todo.changes WHERE entity_uuid = '{uuid}' AND field = '%s')"
CASES = {
    "add": Case(
        lambda uuid: ["add", "Pay rent", "-p", f"home.p{uuid[0]}", "-t", "bills", "-t", f"t{uuid[:4]}", "--id", uuid],
        prepare=False,
        look="SELECT version, (SELECT count(*) FROM todo.todo_tags WHERE todo_id = todos.id),"
        f" {HISTORY % 'exists'}, {HISTORY % 'tag'} FROM todo.todos WHERE uuid = '{{uuid}}'",
        before=[],
        after=[(1, 2, 1, 2)],
    ),
    "done": Case(
        lambda uuid: ["done", uuid],
        prepare=True,
        look=f"SELECT version, status, {HISTORY % 'status'} FROM todo.todos WHERE uuid = '{{uuid}}'",
        before=[(1, "open", 0)],
        after=[(2, "done", 1)],
    ),
    "modify": Case(
        lambda uuid: ["modify", uuid, "--title", "new", "-t", f"t{uuid[:4]}", "--untag", "old"],
        prepare=True,
        look=f"SELECT version, title, {HISTORY % 'title'}, {HISTORY % 'tag'} FROM todo.todos WHERE uuid = '{{uuid}}'",
        before=[(1, "a", 1, 1)],
        after=[(2, "new", 2, 3)],
    ),
    "delete": Case(
        lambda uuid: ["delete", uuid],
        prepare=True,
        look=f"SELECT version, deleted_at IS NOT NULL, {HISTORY % 'deleted_at'}"
        " FROM todo.todos WHERE uuid = '{uuid}'",
        before=[(1, False, 0)],
        after=[(2, True, 1)],
    ),
}


def begin(scene: Scene, case: Case) -> tuple[list[str], str]:
    """Make what the command needs; return the command line and the statement that looks."""
    uuid = str(uuid4())
    scene.door.cut_after = None
    if case.prepare:
        assert scene.todo("add", "a", "-t", "old", "--id", uuid).code == 0
    return case.command(uuid), case.look.format(uuid=uuid)


def count_messages(scene: Scene, case: Case) -> int:
    command, look = begin(scene, case)
    assert scene.todo(*command).code == 0
    assert scene.ask(look) == case.after
    return len(scene.door.connections[-1].messages)


@pytest.mark.parametrize("kind", ["close", "terminated"])
@pytest.mark.parametrize("name", CASES)
def test_a_line_that_is_cut_once_is_not_noticed(scene: Scene, name: str, kind: Literal["close", "terminated"]) -> None:
    case = CASES[name]
    scene.door.cut_kind = kind
    for place in range(1, count_messages(scene, case) + 1):
        command, look = begin(scene, case)
        scene.door.cut_after, scene.door.cuts = place, 1
        result = scene.todo(*command)
        scene.door.cut_after = None
        assert result.code == 0, (place, result)
        assert scene.ask(look) == case.after, place
        assert result.out.count("\n") == 1


@pytest.mark.parametrize("name", CASES)
def test_a_line_that_is_always_cut_leaves_all_or_nothing_and_repeating_it_mends_it(
    scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    for place in range(1, count_messages(scene, case) + 1):
        command, look = begin(scene, case)
        scene.door.cut_after, scene.door.cuts = place, None
        monkeypatch.setenv("TODO_CONNECT_TIMEOUT", "0.2")
        result = scene.todo(*command)
        monkeypatch.delenv("TODO_CONNECT_TIMEOUT")
        scene.door.cut_after = None
        assert result.code in (0, 5), (place, result)
        found = scene.ask(look)
        assert found == case.after if result.code == 0 else found in (case.before, case.after), (place, result)
        assert "AbC123dEf" not in result.err
        assert scene.todo(*command).code == 0
        assert scene.ask(look) == case.after, place
