"""Run the examples of `docs/language.md`: each console line, and each example in its tables."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

import pytest

from tests.terminal import Screen
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.main import main
from todo_cli.models.fields import FIELDS
from todo_cli.query import dates
from todo_cli.query.filter import parser as language
from todo_cli.query.filter.conditions import NAMES
from todo_cli.query.recurrence import parser as phrases

PAGE = Path(__file__).parents[1] / "docs" / "language.md"
MOMENT = datetime(2026, 11, 25, 14, 30)  # noqa: DTZ001 - on the wall clock of whatever zone an example is in
SETTINGS = "~/.config/todo"

_FENCE = re.compile(r"^```(\w*)$")
_MOMENT = re.compile(r"# (\w{3} \d+ \w{3} \d{4} \d\d:\d\d)")
_SPAN = re.compile(r"`` (.+?) ``|`([^`]+)`")
_EXAMPLES = re.compile(r"(; |^|(?<=\? ))(examples: .*)$")

INPUTS = ("WHEN", "due", "EVERY", "filter")
OUTPUTS = ("is", "RRULE", "in words", "first due", "and then", "finds", "error", "hint")
PROSE = ("", "note", "attribute", "meaning", "hidden", "unless you mention")
"""The columns of tables. A table without a column of inputs is prose."""


@dataclass(frozen=True)
class Session:
    """A console block: lines that begin with `$` or `#`, each with the output that follows."""

    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Row:
    """A row of a table, by column header."""

    cells: dict[str, str]

    def spans(self, column: str) -> list[str]:
        return spans(self.cells.get(column, ""))


@dataclass
class Section:
    """The section under a second-level heading: it starts with an empty list and default settings."""

    title: str
    examples: list[Session | Row] = field(default_factory=list)


def spans(text: str) -> list[str]:
    return [wide or narrow for wide, narrow in _SPAN.findall(text)]


def read_page(text: str) -> Iterator[Section]:
    """Yield the sections of the page that have examples."""
    section = Section("top")
    lines = iter(text.splitlines())
    head: list[str] = []
    for line in lines:
        if line.startswith("## "):
            yield from [section] if section.examples else []
            section = Section(line[3:])
        elif fence := _FENCE.match(line):
            block = list(iter(lambda: next(lines), "```"))
            if fence[1] == "console":
                section.examples.append(read_session(block))
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not head:
            head = cells
        elif not set(line) <= set("|-: ") and set(head) & set(INPUTS):
            section.examples.append(Row(dict(zip(head, cells, strict=True))))
    yield section


def read_session(block: Sequence[str]) -> Session:
    found: list[tuple[str, list[str]]] = []
    for line in block:
        if line.startswith(("$ ", "# ")):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return Session([(line, "\n".join(output)) for line, output in found])


SECTIONS = list(read_page(PAGE.read_text("utf-8")))


class Keyboard(io.StringIO):
    """A keyboard that answers questions; the terminal echoes what is typed."""

    def __init__(self, answers: str, screen: Screen) -> None:
        super().__init__(answers)
        self._screen = screen

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        answer = super().readline(-1 if size is None else size)
        self._screen.write(answer)
        return answer


class Reader:
    """Run what a reader of the page would run, on one database; tables of dates and rules use a separate list."""

    def __init__(self, home: Path, url: str, spare_url: str) -> None:
        self.home, self._url, self._spare_url = home, url, spare_url
        self.moment = MOMENT

    def run(
        self,
        arguments: Sequence[str],
        *,
        zone: str = "Europe/Berlin",
        answers: str = "",
        spare: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Return the exit code and the contents of the screen."""
        screen = Screen()
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("TODO_", "PG", "FORCE_COLOR", "TTY_"))
            },
            "TODO_HOME": str(self.home),
            "TODO_DATABASE_URL": self._spare_url if spare else self._url,
            "TZ": zone,
            "TERM": "dumb",
            "COLUMNS": "120",
            "LINES": "50",
            **(variables or {}),
        }
        now = self.moment.replace(tzinfo=ZoneInfo(zone))
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(Invocation, "now", now),
            mock.patch("todo_cli.rendering.format.spinner.PATIENCE", 600),  # a slow machine shows a spinner
            mock.patch("sys.stdout", screen),
            mock.patch("sys.stderr", screen),
            mock.patch("sys.stdin", Keyboard(answers, screen)),
        ):
            code = main(arguments)
        return code, screen.text().replace(str(self.home), SETTINGS)

    def run_line(self, line: str, expected: str = "") -> str:
        """Return the output of a console line, or nothing for a line that sets the time."""
        if moment := _MOMENT.fullmatch(line):
            self.moment = datetime.strptime(moment[1], "%a %d %b %Y %H:%M")  # noqa: DTZ007
            assert f"{self.moment:%a}" == line[2:5], line
            return ""
        words = shlex.split(line.removeprefix("$ "))
        variables = {"TZ": "Europe/Berlin"}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        assert words.pop(0) == "todo", line
        answers = "".join(f"{answer}\n" for answer in re.findall(r"\[y/N\]: (\w)$", expected, re.MULTILINE))
        return self.run(words, zone=variables["TZ"], answers=answers, variables=variables)[1]

    def run_row(self, row: Row) -> dict[str, set[str]]:
        """Return the contents of each output column, for all examples in the row."""
        found: dict[str, set[str]] = {}
        for example in self._examples(row):
            for column, text in example.items():
                found.setdefault(column, set()).add(text)
        return {column: texts for column, texts in found.items() if column in row.cells}

    def _examples(self, row: Row) -> Iterator[dict[str, str]]:
        for expression in row.spans("filter"):
            code, screen = self.run(["list", "--json", "--sort", "id", *shlex.split(expression)])
            assert code == 0, (expression, screen)
            yield {"finds": ", ".join(str(todo["id"]) for todo in json.loads(screen)) or "none"}
        column = "EVERY" if row.spans("EVERY") else "WHEN"
        name = {"EVERY": "every", "WHEN": "due"}[column]
        due = [f"due:{when}" for when in row.spans("due")]
        for written in row.spans(column):
            words = ["add", "x", *due, f"{name}:{written}"]
            code, screen = self.run([*words], spare=True)
            assert code == (2 if "error" in row.cells else 0), (words, screen)
            if code:
                yield read_error(screen)
                continue
            number, _, *said = re.split(" x| · ", screen)
            found = {"is": said[0].removeprefix("due ")}
            if column == "EVERY":
                todo = json.loads(self.run(["show", number, "--json"], spare=True)[1])
                found |= {"RRULE": f"`{todo['recurrence']}`", "in words": todo["every"]}
            if "and then" in row.cells:
                lines = self.run(["upcoming", number, "-n", "3"], spare=True)[1].splitlines()
                found["and then"] = ", ".join(line for line in lines if line != "The series ends there.")
            yield {**found, "first due": found["is"]}


def read_error(screen: str) -> dict[str, str]:
    """Return the message and hint of an error, without the examples at the end of hints about dates and rules."""
    message, _, hint = screen.removeprefix("error: ").partition("\nhint: ")
    return {"error": message, "hint": _EXAMPLES.sub("", hint).strip()}


@pytest.fixture
def reader(make_url: Callable[[], str], tmp_path: Path) -> Reader:
    return Reader(tmp_path / "home", make_url(), make_url())


@pytest.mark.either_database
@pytest.mark.parametrize("section", SECTIONS, ids=[section.title for section in SECTIONS])
def test_every_example(section: Section, reader: Reader) -> None:
    wrong = []
    for example in section.examples:
        if isinstance(example, Row):
            found = reader.run_row(example)
            assert found, example
            expected = {column: {example.cells[column]} for column in OUTPUTS if column in example.cells}
            if found != expected:
                wrong.append((example.cells, found))
            continue
        reader.moment = MOMENT
        for line, output in example.lines:
            screen = reader.run_line(line, output)
            if screen != output:
                wrong.append(({"line": line, "output": output}, {"output": {screen}}))
    assert not wrong


def test_every_example_on_the_page_is_run() -> None:
    text = PAGE.read_text("utf-8")
    examples = [example for section in SECTIONS for example in section.examples]
    lines = [line for example in examples if isinstance(example, Session) for line, _ in example.lines]
    assert sum(line.startswith("$ ") for line in lines) == len(re.findall(r"^\s*\$ ", text, re.MULTILINE)) > 60
    assert {*re.findall(r"^\s*```(\w+)", text, re.MULTILINE)} == {"console", "ebnf"}
    rows = [example for example in examples if isinstance(example, Row)]
    tables = re.findall(r"^(\|.*)\n\|[-|: ]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    of_examples = [body for head, body in tables if any(f" {column} " in head for column in INPUTS)]
    assert len(rows) == sum(body.count("\n") for body in of_examples) > 200
    assert sum(body.count("\n") + 2 for _, body in tables) == len(re.findall(r"^\s*\|", text, re.MULTILINE))
    for row in rows:
        assert {*row.cells} <= {*INPUTS, *OUTPUTS, *PROSE}, row
        assert any(row.spans(column) for column in INPUTS), row
        for column in INPUTS:  # a column of inputs contains only examples
            assert not _SPAN.sub("", row.cells.get(column, "")).replace(",", "").strip(), row


def forms_of(reference: str | None) -> set[str]:
    """Return the texts in backticks in the first column of the table in a docstring."""
    rows = [line for line in (reference or "").splitlines() if line.startswith("| ")]
    return {form for row in rows[1:] for form in spans(row.split("|")[1]) if "…" not in form}


def shown(column: str) -> set[str]:
    """Return the examples in columns of that name."""
    rows = [example for section in SECTIONS for example in section.examples if isinstance(example, Row)]
    return {form for row in rows for form in row.spans(column)}


def test_every_form_in_the_docstrings_is_on_the_page() -> None:
    assert forms_of(dates.__doc__) <= shown("WHEN")
    assert forms_of(phrases.__doc__) <= shown("EVERY")


def test_the_grammar_of_filters_matches_the_parser() -> None:
    [grammar] = re.findall(r"^```ebnf\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert [line.strip() for line in grammar.splitlines()] == [
        line.strip() for line in (language.__doc__ or "").splitlines() if " = " in line
    ]


def test_every_attribute_modifier_and_state_of_filters_is_on_the_page(reader: Reader) -> None:
    """A field of which the page has no example is in the table of fields, and there is an example of its kind."""
    filters = " ".join(shown("filter"))
    in_table = {name for name, field in FIELDS.items() if field.is_filter}
    on_page = {name for name in NAMES if re.search(rf"\b{name}[.:]", filters)}
    assert NAMES - on_page <= in_table
    assert {FIELDS[name].kind for name in in_table} == {FIELDS[name].kind for name in on_page & in_table}
    for wrong, head in (
        ("due.x:1", "due."),
        ("priority.x:1", "priority."),
        ("is:x", "is:"),
        ("has:x", "has:"),
        ("status:x", "status:"),
    ):
        hint = reader.run(["list", wrong])[1].splitlines()[-1]
        known = re.split(r"there are |: ", hint)[-1].split(", ")
        assert len(known) > 1, hint
        assert {word for word in known if f"{head}{word}" not in filters} <= (in_table if head == "has:" else set()), (
            head
        )
