"""Draw the pictures in the README: `python docs/make_pictures.py [FOLDER]`.

The real services fill a list in a temporary file, and the real renderer draws it.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.terminal_theme import MONOKAI

from todo_cli.db.connection.target import SqliteTarget
from todo_cli.db.database import Database
from todo_cli.models.values import Priority
from todo_cli.query.agenda import due_or_scheduled, make_agenda
from todo_cli.query.dates import parse_when
from todo_cli.query.defaults import with_defaults
from todo_cli.query.filter.ast import And
from todo_cli.query.references import parse_references
from todo_cli.rendering.terminal.renderer import TerminalRenderer
from todo_cli.rendering.terminal.theme import THEME
from todo_cli.services.comments import add_comment
from todo_cli.services.editing.recurring import Every
from todo_cli.services.history import HistoryQuery, list_history
from todo_cli.services.listing import ListQuery, get_details, list_todos
from todo_cli.services.projects import rename_project
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    complete_todos,
    delete_todos,
    modify_todos,
    start_todos,
)
from todo_cli.services.tree import list_tree
from todo_cli.services.undoing import undo_steps

SHOWN = UUID("0f5c2a7e-6d41-4b8a-9c3e-5a1b2c3d4e5f")
"""A constant, so that the pictures do not change."""

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
TODOS = (
    ("Send the invoice to the printers", "work.billing", ("urgent",), Priority.HIGH, "2026-11-20"),
    ("Ring the dentist", None, ("phone",), Priority.NONE, "2026-11-22 17:30"),
    ("Buy milk, rye bread and something for Sunday", "home", ("shop",), Priority.NONE, "tomorrow"),
    ("Prepare the talk about serverless databases", "work.talks", ("writing",), Priority.HIGH, "friday"),
    ("Pay the rent", "home.flat", ("bills",), Priority.MEDIUM, "eom"),
    ("Renew the passport", None, (), Priority.NONE, "2027-02-15"),
    ("Read the book that Sam lent me", None, ("someday",), Priority.LOW, None),
)


async def draw(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        target = SqliteTarget(Path(temporary) / "todo.db")
        for moment, work in ((NOW - timedelta(days=3), fill), (NOW - timedelta(hours=2), live_with)):
            async with Database(target, now=moment, user_name="alex") as db:
                await work(db)
        async with Database(target, now=NOW, user_name="alex") as db:
            page = await list_todos(db, ListQuery(with_defaults(And(())), size=20))
            whole = await get_details(db, parse_references(["8"]))
            roots, bound = await list_tree(db, ())
            ahead = await list_todos(db, ListQuery(with_defaults(due_or_scheduled(NOW.date() + timedelta(days=6)))))
            history = await list_history(db, HistoryQuery(size=9))
    agenda = make_agenda(ahead.todos, NOW, 7)
    pictures: Mapping[str, tuple[str, Callable[[TerminalRenderer], None]]] = {
        "list": ("todo list", lambda renderer: renderer.show_page(page)),
        "show": ("todo show 8", lambda renderer: renderer.show_details(whole)),
        "tree": ("todo tree", lambda renderer: renderer.show_tree(bound, roots)),
        "agenda": ("todo agenda", lambda renderer: renderer.show_agenda(agenda)),
        "history": ("todo history", lambda renderer: renderer.show_history(history)),
    }
    for name, (title, show) in pictures.items():
        console = recording()
        show(TerminalRenderer(io.StringIO(), NOW, console))
        save(console, folder / f"{name}.svg", title)


async def fill(db: Database) -> None:
    """Add the todos."""
    for title, project, tags, priority, when in TODOS:
        values: dict[str, object] = {"priority": priority, "due": parse_when(when, NOW) if when else None}
        every = None
        if when == "eom":
            values["description"] = "The account number is in the folder;\nask Sam if it bounces."
            values["scheduled"] = parse_when("eom-3d", NOW)
            every = Every("month", last_day=True)
        await add_todo(db, NewTodo(title, values, project=project, tags=tags, every=every))
    [trip] = parse_references(["8"])
    plan = "Five days by train.\n\n- quiet **hotel** near the station\n- the museum is closed on *Mondays*"
    values = {"description": plan, "priority": Priority.MEDIUM, "due": parse_when("friday", NOW)}
    await add_todo(db, NewTodo("Trip to Lisbon", values, project="travel", tags=("family",), uuid=SHOWN))
    renewed = tuple(parse_references(["6"]))
    await add_todo(db, NewTodo("Book the train", parent=trip, depends=renewed))
    booked = tuple(parse_references(["9"]))
    await add_todo(db, NewTodo("Reserve a room", parent=trip, depends=booked))
    await add_todo(db, NewTodo("Find someone to feed the cat", parent=trip))
    await add_todo(db, NewTodo("Pack", {"due": parse_when("thursday", NOW)}, parent=trip, depends=booked))


async def live_with(db: Database) -> None:
    """Work on the todos for a few days."""
    await complete_todos(db, parse_references(["11"]))
    await add_comment(db, parse_references(["8"])[0], "Kim has a key, and likes the cat.")
    await modify_todos(db, parse_references(["4"]), TodoChanges("Prepare the talk on databases", tags=("slides",)))
    await start_todos(db, parse_references(["4"]))
    await rename_project(db, "home.flat", "home.rent")
    await delete_todos(db, parse_references(["7"]))
    await undo_steps(db, 1)


def recording() -> Console:
    return Console(
        file=io.StringIO(), record=True, width=88, theme=THEME, highlight=False, emoji=False, markup=False,
        force_terminal=True, color_system="truecolor",
    )  # fmt: skip


def save(console: Console, path: Path, title: str) -> None:
    # No remote fonts: a picture in a README must not load anything. Without a fixed id, Rich would choose random names
    # for the parts of the picture, and every run would produce a different file.
    picture = console.export_svg(title=title, theme=MONOKAI, unique_id=path.stem)
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    path.write_text("\n".join(line.rstrip() for line in picture.splitlines() if line.strip()) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "pictures"))
