"""Draws the pictures in the README: `python docs/make_pictures.py`.

A list is filled by the real services, into a file of its own that is thrown away, and drawn by the real renderer.
"""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.terminal_theme import MONOKAI

from todo_cli.db.database import Database
from todo_cli.db.target import SqliteTarget
from todo_cli.models.values import Priority, Status
from todo_cli.query.dates import parse_when
from todo_cli.query.filters import HasStatus
from todo_cli.query.references import parse_references
from todo_cli.rendering.terminal import TerminalRenderer
from todo_cli.rendering.theme import THEME
from todo_cli.services.listing import ListQuery, get_details, list_todos
from todo_cli.services.recurring import Every
from todo_cli.services.todos import NewTodo, add_todo

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
        async with Database(SqliteTarget(Path(temporary) / "todo.db"), now=NOW, user_name="alex") as db:
            for title, project, tags, priority, when in TODOS:
                due = parse_when(when, NOW) if when else None
                new = NewTodo(title, None, priority, project, tags, due)
                if when == "eom":
                    account = "The number of the account is in the folder;\nask Sam if it bounces."
                    every = Every("month", last_day=True)
                    new = replace(new, description=account, scheduled=parse_when("eom-3d", NOW), every=every)
                await add_todo(db, new)
            page = await list_todos(db, ListQuery(HasStatus(Status.OPEN), size=20))
            whole = await get_details(db, parse_references(["5"]))
    console = recording()
    TerminalRenderer(io.StringIO(), NOW, console).show_page(page)
    save(console, folder / "list.svg", "todo list")
    console = recording()
    TerminalRenderer(io.StringIO(), NOW, console).show_details(whole)
    save(console, folder / "show.svg", "todo show 5")


def recording() -> Console:
    return Console(
        file=io.StringIO(), record=True, width=88, theme=THEME, highlight=False, emoji=False, markup=False,
        force_terminal=True, color_system="truecolor",
    )  # fmt: skip


def save(console: Console, path: Path, title: str) -> None:
    # Without fonts from elsewhere: a picture in a README must load nothing. Without an id of its own Rich would name
    # the picture's parts by chance, and every drawing would differ.
    picture = console.export_svg(title=title, theme=MONOKAI, unique_id=path.stem)
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    path.write_text("\n".join(line.rstrip() for line in picture.splitlines() if line.strip()) + "\n", "utf-8")


if __name__ == "__main__":
    pictures = Path(__file__).parent / "pictures"
    pictures.mkdir(exist_ok=True)
    asyncio.run(draw(pictures))
