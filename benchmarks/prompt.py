"""Measure how long commands take at the prompt, with 10,000 todos of which 1,000 are open.

    python -m benchmarks.prompt                       print the table
    python -m benchmarks.prompt --before ../old       also run an older checkout, in its own processes
    python -m benchmarks.prompt --write               write the table to docs/performance.md

Each round runs every variant of a command once, so that a slow moment of the machine affects all of them. Taskwarrior
is included if it is installed, with the same todos.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import create_engine
from sqlmodel import Session, select

from todo_cli.models.tables import Todo, User
from todo_cli.models.values import Status

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

TODOS, OPEN = 10_000, 1_000
PASS = "python -c pass"
BEFORE, COLD, RESIDENT, TASKWARRIOR = "before", "cold", "resident", "Taskwarrior"
LOOSE = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Variables that slow down every start and would distort the figures."""


@dataclass(frozen=True)
class Case:
    """A command; `{n}` and `{uuid}` stand for an open todo, a different one in each run."""

    todo: Sequence[str]
    task: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "list": Case(("list", "--per-page", "25"), ("list", "limit:25")),
    "add": Case(("add", "Buy milk", "project:home", "+shop"), ("add", "Buy milk", "project:home", "+shop")),
    "done": Case(("done", "{n}"), ("{uuid}", "done")),
    "next": Case(("next", "25"), ("next", "limit:25")),
    "show": Case(("show", "{n}"), ("{uuid}", "info")),
    "--version": Case(("--version",), ("--version",)),
    "--help": Case(("--help",)),
    # The request of our completion scripts, and that of Typer's, which an older checkout answers.
    "completion": Case(
        (),
        environment={
            "_TODO_COMPLETE_LINE": "todo done ",
            "_TODO_COMPLETE": "complete_bash",
            "COMP_WORDS": "todo done ",
            "COMP_CWORD": "2",
        },
    ),
}


@dataclass(frozen=True)
class Run:
    """Wall-clock seconds, and CPU seconds of that process alone."""

    wall: float
    cpu: float


Times = Mapping[str, Mapping[str, list[Run]]]
"""The runs by command and variant."""


class Bench:
    """Two lists with the same todos, and the variants of running a command on them."""

    def __init__(self, folder: Path, before: Path | None) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG", "TASK"))}
        private = {"TODO_HOME": f"{folder}/home", "XDG_RUNTIME_DIR": f"{folder}/run"}
        self._environment = {key: value for key, value in kept.items() if key not in LOOSE} | private
        self._task_environment = self._environment | {"TASKRC": f"{folder}/taskrc", "TASKDATA": f"{folder}/tasks"}
        self._before, self._folder = before, folder
        self._numbers = count(1)
        (folder / "run").mkdir(mode=0o700)
        self._todo("add", "The first one makes the file")
        self._uuids = [str(uuid_of(number)) for number in range(1, OPEN + 1)]
        fill(folder / "home" / "todo.db")
        if before:  # it cannot open a file of a newer revision, so it creates its own
            older = self._environment | {"TODO_HOME": f"{folder}/before", "PYTHONPATH": str(before)}
            first = command(before, "add", "The first one makes the file")
            for program in (first, [sys.executable, __file__, "--fill", f"{folder}/before/todo.db"]):
                subprocess.run(program, env=older, check=True, capture_output=True)
        self.has_task = shutil.which("task") is not None
        if self.has_task:
            (folder / "tasks").mkdir()
            (folder / "taskrc").write_text("confirmation=off\nbulk=0\ncolor=off\n")
            tasks = "".join(json.dumps(each) + "\n" for each in describe(self._uuids))
            subprocess.run(
                ["task", "import"], input=tasks, env=self._task_environment, check=True, capture_output=True, text=True
            )

    @property
    def variants(self) -> list[str]:
        return [PASS, *([BEFORE] if self._before else []), COLD, RESIDENT, *([TASKWARRIOR] if self.has_task else [])]

    def measure(self, rounds: int) -> Times:
        """Run everything that often after one warm-up, and check that the resident served all that it should."""
        times: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
        self._todo("resident", "start", TODO_RESIDENT="on")
        try:
            served = self._served()
            for number in range(rounds + 1):
                for name, case in CASES.items():
                    for variant in self.variants:
                        if variant == TASKWARRIOR and case.task is None:
                            continue
                        run = self._run(variant, case)
                        if number:
                            times[name][variant].append(run)
            # The final status request is itself a command.
            assert self._served() - served >= (rounds + 1) * len(CASES), "the resident did not serve everything"
        finally:
            self._todo("resident", "stop", TODO_RESIDENT="on")
        return times

    def _run(self, variant: str, case: Case) -> Run:
        number = next(self._numbers)
        named = {"{n}": str(number + 1), "{uuid}": self._uuids[number - 1]}
        if variant == PASS:
            return timed([sys.executable, "-c", "pass"], self._environment)
        if variant == TASKWARRIOR:
            assert case.task
            return timed(["task", *(named.get(word, word) for word in case.task)], self._task_environment)
        root = self._before if variant == BEFORE and self._before else ROOT
        choice = {"TODO_RESIDENT": "on" if variant == RESIDENT else "off"}
        arguments = [named.get(word, word) for word in case.todo]
        home = {"TODO_HOME": f"{self._folder}/before"} if variant == BEFORE else {}
        given = {**self._environment, "PYTHONPATH": str(root), **choice, **home, **case.environment}
        return timed(command(root, *arguments), given)

    def _todo(self, *arguments: str, **environment: str) -> str:
        given = {**self._environment, "PYTHONPATH": str(ROOT), "TODO_RESIDENT": "off", **environment}
        return subprocess.run(command(ROOT, *arguments), env=given, check=True, capture_output=True, text=True).stdout

    def _served(self) -> int:
        return int(json.loads(self._todo("resident", "status", "--json"))["served"])


def command(root: Path, *arguments: str) -> list[str]:
    """Return the command that runs `todo` of that checkout, like the installed script."""
    module = "todo_cli.entry" if (root / "todo_cli" / "entry.py").exists() else "todo_cli.cli.entry"
    return [sys.executable, "-c", f"from {module} import run; run()", *arguments]


def timed(arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a program and discard its output."""
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    begun = time.perf_counter()
    pid = os.posix_spawnp(arguments[0], list(arguments), dict(environment), file_actions=nowhere)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return Run(wall, used.ru_utime + used.ru_stime)


def fill(path: Path) -> None:
    """Add the todos to the existing one; `--fill` does this with the tables of an older checkout."""
    engine = create_engine(f"sqlite:///{path}")
    now = datetime.now(UTC)
    with Session(engine) as session:
        user = session.exec(select(User)).one()
        assert user.id
        todos = [
            Todo(
                uuid=uuid_of(number),
                user_id=user.id,
                title=title_of(number),
                status=(Status.OPEN if number <= OPEN else Status.DONE).value,
                due_on=due_of(number),
                created_at=now,
                updated_at=now,
                completed_at=None if number <= OPEN else now,
            )
            for number in range(1, TODOS + 1)
        ]
        session.add_all(todos)
        session.commit()
    engine.dispose()


def uuid_of(number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"todo {number}")


def describe(uuids: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the same todos in Taskwarrior's import format."""
    for number in range(1, TODOS + 1):
        task = {"description": title_of(number), "due": due_of(number).strftime("%Y%m%dT000000Z")}
        if number <= OPEN:
            yield {**task, "uuid": uuids[number - 1], "status": "pending"}
        else:
            yield {**task, "status": "completed", "end": "20260101T000000Z"}


def title_of(number: int) -> str:
    return f"Look after matter {number} of the week"


def due_of(number: int) -> date:
    return date.today() + timedelta(days=number % 365)  # noqa: DTZ011 - any day will do


def make_table(times: Times, variants: Sequence[str]) -> str:
    """Return the medians in milliseconds, the CPU time of a cold start, and whether the budgets are met."""
    has_before = BEFORE in variants
    head = ["command", *variants, *(["CPU cold / before"] if has_before else []), "budget"]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 2)}---|"]
    for name, runs in times.items():
        cells = [
            f"`{name}`",
            *(f"{median(run.wall for run in runs[v]) * 1000:.0f}" if v in runs else "" for v in variants),
        ]
        if has_before:
            pairs = zip(runs[COLD], runs[BEFORE], strict=True)
            cells.append(f"{median(cold.cpu / before.cpu for cold, before in pairs):.2f}")
        lines.append(f"| {' | '.join([*cells, judge(name, runs)])} |")
    return "\n".join(lines) + "\n"


def judge(name: str, runs: Mapping[str, list[Run]]) -> str:
    """Return the budget of a command run by the resident, and whether it is met; compare pairs within a round."""
    if name == "list" and TASKWARRIOR in runs:
        ratio = median(ours.wall / theirs.wall for ours, theirs in zip(runs[RESIDENT], runs[TASKWARRIOR], strict=True))
        return f"{'kept' if ratio <= 1 else 'exceeded'}: {ratio:.2f} of Taskwarrior's time, at most 1"
    if name == "add":
        taken = median(run.wall for run in runs[RESIDENT]) * 1000
        return f"{'kept' if taken <= 60 else 'exceeded'}: {taken:.0f} ms, at most 60"
    if name in ("--version", "--help"):
        more = median(ours.wall - bare.wall for ours, bare in zip(runs[RESIDENT], runs[PASS], strict=True)) * 1000
        return f"{'kept' if more <= 15 else 'exceeded'}: {more:.0f} ms above `{PASS}`, at most 15"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--before", type=Path, help="an older checkout to compare with")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(options.fill)
        return
    with tempfile.TemporaryDirectory(prefix="todo-prompt-") as folder:
        os.chdir(folder)  # with -c, Python looks for modules in the working directory first
        bench = Bench(Path(folder), options.before and options.before.resolve())
        table = make_table(bench.measure(options.rounds), bench.variants)
        os.chdir(ROOT)
    print(table, end="")
    if options.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
