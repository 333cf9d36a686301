"""Count the round trips of each command, from connecting to exit, through the stand-in for Neon's proxy.

    python -m benchmarks.round_trips            print the table
    python -m benchmarks.round_trips --write    write it to docs/round-trips.md

A round trip is any wait of the client for the server: one for TCP, some for TLS and the password, two per statement.
"""

from __future__ import annotations

import asyncio
import io
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from benchmarks import usual
from tests.conftest import start_server
from tests.neon import ADDRESS, PASSWORD, USER, Neon, make_neon
from todo_cli.cli.main import main as todo

PAGE = Path(__file__).parent.parent / "docs" / "round-trips.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

DELAY = 0.01
"""Seconds in each direction: long enough that no reply arrives before a disconnect is noticed."""

COMMANDS: Sequence[tuple[str, usual.Work | None]] = (
    ("add Buy milk", usual.add),
    ("add Pay rent -p home -t bills -t flat -d eom --priority high", usual.add_with_names),
    ("add Pay the gas -p home -t bills -d 2030-12-01", None),
    ("list --per-page 20", usual.list_),
    ("list milk -p home -t bills --overdue", None),
    ("show 1", usual.show),
    ("modify 1 --title 'Buy oat milk'", usual.modify),
    ("modify 1-3 -p work -t urgent --untag bills -d friday", None),
    ("comment 1 Called the dairy", None),
    ("show 1-3", None),
    ("done 1", usual.done),
    ("done 1-3", None),
    ("reopen 1-3", None),
    ("delete 1", usual.delete),
    ("restore 1", None),
    ("trash list", None),
    ("project list", None),
    ("project rename work office", None),
    ("project archive office", None),
    ("project unarchive office", None),
    ("project delete office --yes", None),
    ("tag list", None),
    ("tag rename urgent now", None),
    ("tag delete now --yes", None),
    ("delete 2", None),
    ("add Pay rent due:2030-12-31 project:home +bills every:month", None),
    ("list '(project:home or +shop) and not is:waiting' --sort due,-priority", None),
    ("upcoming 4", None),
    ("modify 4 every:week", None),
    ("modify 1,3-4 every!:'2 weeks'", None),
    ("done 4", None),
    ("skip 5", None),
    ("done --where 'is:recurring id:6'", None),
    ("delete 7 --series", None),
    ("add Trip to Rome project:home", None),
    ("add Book the train +bills parent:8 depends:1", None),
    ("modify 9 depends:3 undepends:1", None),
    ("modify 8 project:work", None),
    ("modify 9 parent:", None),
    ("modify 9 parent:8", None),
    ("start 9", None),
    ("stop 9", None),
    ("next", None),
    ("blocked", None),
    ("today", None),
    ("agenda", None),
    ("tree", None),
    ("done 8 --with-subtasks --force", None),
    ("delete 8", None),
    ("restore 8", None),
    ("trash empty --yes", None),
    ("undo", None),
    ("redo", None),
    ("history", None),
    ("history 1", None),
    ("show 1 --at now", None),
    ("user list", None),
    ("--user alex user add sam", None),
    ("--user alex user rename sam kim", None),
)
"""They run in this order on one list, and may use what earlier ones created: insert a command where its todos exist.

Todos 1 to 3 exist from the first lines on; 4 to 7 are occurrences of series, which end with `delete 7 --series`; 8 is
the trip, 9 its subtask. `trash empty` removes 2 and 7.
"""


@dataclass(frozen=True)
class Cost:
    """Round trips of one command: in the usual style, here with negotiated TLS, and here with direct TLS."""

    command: str
    usual: int | None
    classic: int
    direct: int


def measure(neon: Neon) -> Iterator[Cost]:
    """Run all commands in order, each variant on its own database, and return their costs."""
    for name in ("trips_usual", "trips_classic", "trips_direct"):
        neon.server.create(name, template="template")
    with tempfile.TemporaryDirectory() as home:
        for line, work in COMMANDS:
            yield Cost(
                f"todo {line}",
                _count_usual(neon, work) if work else None,
                _count(neon, line, "trips_classic", home, sslnegotiation="postgres"),
                _count(neon, line, "trips_direct", home, sslnegotiation="direct"),
            )


def _count(neon: Neon, line: str, database: str, home: str, **options: str) -> int:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG"))}
    with neon.door(delay=DELAY) as door:
        url = neon.url(door, database, host=ADDRESS, **options)
        there = mock.patch.dict(os.environ, {**kept, "TODO_HOME": home, "TODO_DATABASE_URL": url}, clear=True)
        out, err = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
        with there, redirect_stdout(out), redirect_stderr(err):
            code = todo(shlex.split(line))
        err.seek(0)
        assert code == 0, f"todo {line}: exit code {code}: {err.read()}"
        door.settle()
        return sum(connection.round_trips for connection in door.connections)


def _count_usual(neon: Neon, work: usual.Work) -> int:
    with neon.door(delay=DELAY) as door:
        access = {"port": door.port, "user": USER, "password": PASSWORD, "roots": str(neon.roots)}
        asyncio.run(usual.run(work, database="trips_usual", **access))  # type: ignore[arg-type]
        door.settle()
        return sum(connection.round_trips for connection in door.connections)


def make_table(costs: Sequence[Cost]) -> str:
    """Return the costs as a Markdown table."""
    head = ["| command | usual engine | here | with direct TLS |", "|---|---:|---:|---:|"]
    rows = [f"| `{cost.command}` | {cost.usual or ''} | {cost.classic} | {cost.direct} |" for cost in costs]
    return "\n".join([*head, *rows, ""])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        table = make_table(list(measure(make_neon(start_server(), Path(name)))))
        sys.stdout.write(table)
        if "--write" in sys.argv:
            page = PAGE.read_text("utf-8")
            before, _, rest = page.partition(BEGIN)
            PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
