"""The connection is cut after a message: an acknowledged change is stored once, and no change is stored in part.

The exhaustive tier cuts after every single message, the ordinary one after some of them.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest

from tests.conftest import Here, Result
from tests.front_door import FrontDoor
from tests.neon import ADDRESS, PASSWORD, Neon
from tests.tiers import BOTH_TIERS, choose, is_exhaustive

DATABASE = "cuts"

# If time runs out just as TLS begins, asyncpg leaves a transport open; a separate process takes it along.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
]


@dataclass
class Scene:
    """A database behind a proxy, the command line, and direct access that bypasses the proxy."""

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
    neon.server.fresh(DATABASE)
    with neon.door() as door:
        monkeypatch.setenv("TODO_HOME", str(tmp_path_factory.mktemp("home")))
        monkeypatch.setenv("TODO_DATABASE_URL", neon.url(door, DATABASE, host=ADDRESS))
        monkeypatch.delenv("TODO_USER", raising=False)
        monkeypatch.setenv("TZ", "Europe/Berlin")
        yield Scene(neon, door, Here(capsys))


@dataclass
class Case:
    """A command on the todo with that uuid, which `prepare` creates, and the rows after and before the command."""

    command: Callable[[str], list[str]]
    prepare: bool
    look: str
    before: list[Any]
    after: list[Any]
    attributes: tuple[str, ...] = ()
    adds_up: bool = False
    """Whether repeating the command does it again."""


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
    "done with a successor": Case(
        lambda uuid: ["done", uuid],
        prepare=True,
        look="SELECT status, occurrence, version, (SELECT count(*) FROM todo.todo_tags WHERE todo_id = t.id),"
        " (SELECT count(*) FROM todo.changes WHERE entity_uuid = t.uuid)"
        " FROM todo.todos t WHERE series_id = (SELECT series_id FROM todo.todos WHERE uuid = '{uuid}') ORDER BY id",
        before=[("open", "2030-01-31", 1, 1, 6)],
        after=[("done", "2030-01-31", 2, 1, 8), ("open", "2030-02-28", 1, 1, 6)],
        attributes=("due:2030-01-31", "every:month"),
    ),
    "modify": Case(
        lambda uuid: ["modify", uuid, "--title", "new", "-t", f"t{uuid[:4]}", "--untag", "old"],
        prepare=True,
        look=f"SELECT version, title, {HISTORY % 'title'}, {HISTORY % 'tag'} FROM todo.todos WHERE uuid = '{{uuid}}'",
        before=[(1, "a", 1, 1)],
        after=[(2, "new", 2, 3)],
    ),
    "comment": Case(
        lambda uuid: ["comment", uuid, "b"],
        prepare=True,
        look="SELECT version, (SELECT count(*) FROM todo.comments WHERE todo_id = todos.id),"
        " (SELECT count(*) FROM todo.changes WHERE entity = 'comment' AND new = '\"' || todos.uuid || '\"')"
        " FROM todo.todos WHERE uuid = '{uuid}'",
        before=[(1, 0, 0)],
        after=[(2, 1, 1)],
        adds_up=True,
    ),
    "delete": Case(
        lambda uuid: ["delete", uuid],
        prepare=True,
        look=f"SELECT version, deleted_at IS NOT NULL, {HISTORY % 'deleted_at'}"
        " FROM todo.todos WHERE uuid = '{uuid}'",
        before=[(1, False, 0)],
        after=[(2, True, 1)],
    ),
    "undo": Case(
        lambda _: ["undo"],
        prepare=True,
        look="SELECT version, deleted_at IS NOT NULL, (SELECT count(*) FROM todo.todo_tags WHERE todo_id = t.id),"
        f" {HISTORY % 'deleted_at'}, (SELECT count(*) FROM todo.steps s JOIN todo.steps u ON u.id = s.undone_by"
        " JOIN todo.changes c ON c.step_id = s.id WHERE c.entity_uuid = t.uuid AND c.field = 'exists')"
        " FROM todo.todos t WHERE uuid = '{uuid}'",
        before=[(1, False, 1, 0, 0)],
        after=[(2, True, 0, 1, 1)],
    ),
}


def begin(scene: Scene, case: Case) -> tuple[list[str], str]:
    """Create what the command needs; return the command line and the statement that checks the result."""
    uuid = str(uuid4())
    scene.door.cut_after = None
    if case.prepare:
        assert scene.todo("add", "a", "-t", "old", "--id", uuid, *case.attributes).code == 0
    return case.command(uuid), case.look.format(uuid=uuid)


def count_messages(scene: Scene, case: Case) -> int:
    command, look = begin(scene, case)
    assert scene.todo(*command).code == 0
    assert scene.ask(look) == case.after
    return len(scene.door.connections[-1].messages)


def cut_always(scene: Scene, place: int, *command: str) -> Result:
    """Run a command whose connections are all cut at that message, with little patience."""
    scene.door.cut_after, scene.door.cuts = place, None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TODO_CONNECT_TIMEOUT", "0.1")
        result = scene.todo(*command)
    scene.door.cut_after = None
    assert result.code in (0, 5), (place, result)
    assert PASSWORD not in result.err
    return result


def cut_once(scene: Scene, place: int, *command: str) -> Result:
    scene.door.cut_after, scene.door.cuts = place, 1
    result = scene.todo(*command)
    scene.door.cut_after = None
    assert result.code == 0, (place, result)
    return result


def choose_places(messages: int) -> list[int]:
    """Return the messages to cut after: in the ordinary tier, one while connecting and the last ones of the step."""
    every = list(range(1, messages + 1))
    return every if is_exhaustive() else sorted({every[messages // 3], *every[-3:]})


@pytest.mark.parametrize("kind", ["close", pytest.param("terminated", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("name", CASES)
@BOTH_TIERS
@pytest.mark.long
def test_one_cut_goes_unnoticed(scene: Scene, name: str, kind: Literal["close", "terminated"]) -> None:
    case = CASES[name]
    scene.door.cut_kind = kind
    for place in choose_places(count_messages(scene, case)):
        command, look = begin(scene, case)
        result = cut_once(scene, place, *command)
        assert scene.ask(look) == case.after, place
        assert result.out.count("\n") == 1


@pytest.mark.parametrize("name", CASES)
@BOTH_TIERS
@pytest.mark.long
def test_repeated_cuts_store_all_or_nothing_and_repeating_the_command_completes_it(scene: Scene, name: str) -> None:
    case = CASES[name]
    for place in choose_places(count_messages(scene, case)):
        command, look = begin(scene, case)
        result = cut_always(scene, place, *command)
        found = scene.ask(look)
        assert found == case.after if result.code == 0 else found in (case.before, case.after), (place, result)
        if result.code and found == case.after:
            assert "it was stored completely or not at all" in result.err
        if found == case.after and case.adds_up:
            continue
        assert scene.todo(*command).code == 0
        assert scene.ask(look) == case.after, place


EMPTY = "TRUNCATE todo.todos, todo.projects, todo.tags, todo.series, todo.steps RESTART IDENTITY CASCADE"
COPIED = """
SELECT (SELECT count(*) FROM {0}todos), (SELECT count(*) FROM {0}projects), (SELECT count(*) FROM {0}tags),
    (SELECT count(*) FROM {0}todo_tags), (SELECT count(*) FROM {0}changes WHERE entity <> 'user')
"""
NOTHING = [(0, 0, 0, 0, 0)]


@pytest.fixture
def filled(scene: Scene, tmp_path: Path) -> Path:
    """A file with a todo and everything that can be linked to it."""
    path = tmp_path / "filled.db"
    address = ("--database", f"sqlite:///{path}", "--user", "alex")
    assert scene.todo(*address, "add", "Pay rent", "-p", "home", "-t", "bills").code == 0
    return path


def look_into(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(COPIED.format("")).fetchall()


@BOTH_TIERS
@pytest.mark.long
def test_copying_to_a_server(scene: Scene, filled: Path) -> None:
    command = ("db", "copy", "--from", f"sqlite:///{filled}")
    look = COPIED.format("todo.")
    assert scene.todo(*command).code == 0
    everything = scene.ask(look)
    assert everything == look_into(filled)
    messages = len(scene.door.connections[-1].messages)
    for place in choose_places(messages):
        scene.neon.server.execute(EMPTY, DATABASE)
        if place % 2:
            result = cut_always(scene, place, *command)
            found = scene.ask(look)
            assert found == everything if result.code == 0 else found in (NOTHING, everything), place
        else:
            cut_once(scene, place, *command)
            assert scene.ask(look) == everything, place
    for place in range(messages - choose(3, 10), messages + 1):  # around the commit, where only the reply is lost
        scene.neon.server.execute(EMPTY, DATABASE)
        assert cut_once(scene, place, *command).err.startswith("Copied 1 todo,")
        assert scene.ask(look) == everything, place


@BOTH_TIERS
@pytest.mark.long
def test_copying_from_a_server(scene: Scene, filled: Path, sqlite_template: Path, tmp_path: Path) -> None:
    assert scene.todo("db", "copy", "--from", f"sqlite:///{filled}").code == 0
    everything = scene.ask(COPIED.format("todo."))
    target = tmp_path / "target.db"
    command = ("db", "copy", "--to", f"sqlite:///{target}")
    shutil.copy(sqlite_template, target)
    assert scene.todo(*command).code == 0
    assert look_into(target) == everything
    for place in choose_places(len(scene.door.connections[-1].messages)):
        shutil.copy(sqlite_template, target)
        if place % 2:
            result = cut_always(scene, place, *command)
            assert look_into(target) == (everything if result.code == 0 else NOTHING), place
        else:
            cut_once(scene, place, *command)
            assert look_into(target) == everything, place
