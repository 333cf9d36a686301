"""A process of `todo` that knows one more field of each kind, declared as a contributor would declare it.

Each has an entry in the registry, columns in the table, and a migration. It is a process of its own because nothing
takes a field away again from a table. `python -m tests.new_fields` reads requests from stdin, one JSON object a line.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import BigInteger, Column, Connection, Date, Double, SmallInteger, Text, text

from tests.commands import Result
from todo_cli.models.fields import FIELDS, Field, Inherit, Kind, Settable
from todo_cli.models.tables import SCHEMA, Base, Todo
from todo_cli.models.types import UtcDateTime, binary_text


class Energy(IntEnum):
    HIGH = 1
    MEDIUM = 2
    LOW = 3


def declare(name: str, kind: Kind, example: str, **options: Any) -> Field:
    return Field(
        name=name,
        kind=kind,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.MOVE if kind in (Kind.DATE, Kind.WHEN, Kind.INSTANT) else Inherit.COPY,
        is_sort_key=True,
        help=f"The {name}",
        example=example,
        **options,
    )


NEW_FIELDS = (
    declare("remark", Kind.TEXT, "soft"),
    declare("link", Kind.URL, "https://example.com/a"),
    declare("size", Kind.CHOICE, "large", choices=("large", "medium", "small", "none")),
    declare("energy", Kind.CHOICE, "low", enum=Energy),
    declare("points", Kind.NUMBER, "3"),
    declare("effort", Kind.DURATION, "1h30m"),
    declare("birthday", Kind.DATE, "friday"),
    declare("review", Kind.WHEN, "friday"),
    declare("seen", Kind.INSTANT, "monday"),
)


def make_columns() -> dict[str, Column[Any]]:
    """Return the columns of the new fields by name."""
    return {
        "remark": Column(Text()),
        "remark_folded": Column(binary_text()),
        "link": Column(binary_text()),
        "size": Column(Text()),
        "energy": Column(SmallInteger()),
        "points": Column(Double()),
        "effort": Column(BigInteger()),
        "birthday": Column(Date()),
        "review_on": Column(Date()),
        "review_at": Column(UtcDateTime()),
        "seen": Column(UtcDateTime()),
    }


class NewFields:
    """Runs commands in a process that knows the new fields, on the database of a test."""

    def __init__(self, process: subprocess.Popen[str], url: str, home: Path) -> None:
        self._process = process
        self._environment = {"TODO_DATABASE_URL": url, "TODO_HOME": str(home), "TZ": "Europe/Berlin"}

    def __call__(self, *arguments: str, **environment: str) -> Result:
        """Return the result of a command whose output goes to a pipe."""
        return Result(**self._ask(arguments=arguments, environment={**self._environment, **environment}))

    def on_screen(self, *arguments: str, width: int = 80) -> list[str]:
        """Return the lines that a command prints at a terminal, without colours."""
        lines: list[str] = self._ask(arguments=arguments, width=width)["lines"]
        return lines

    def migrate(self) -> None:
        self._ask(migrate=True)

    def store(self, number: int, **columns: str | float | None) -> None:
        """Write columns of a todo directly; dates and instants are in ISO 8601."""
        self._ask(number=number, columns=columns)

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"environment": self._environment, **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process has ended; see its stderr"
        answer: dict[str, Any] = json.loads(line)
        return answer


@pytest.fixture(scope="session")
def new_fields_process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.new_fields"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def new_fields(new_fields_process: subprocess.Popen[str], url: str, tmp_path: Path) -> NewFields:
    """The `todo` command with one more field of each kind, on a database with their columns."""
    fields = NewFields(new_fields_process, url, tmp_path / "home")
    fields.migrate()
    return fields


def serve() -> None:
    """Declare the fields, and answer requests until stdin is closed."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for field in NEW_FIELDS:
        FIELDS.add(field)
    for name, column in make_columns().items():
        setattr(Todo, name, column)
    for line in sys.stdin:
        request = json.loads(line)
        with mock.patch.dict(os.environ, request["environment"]):
            os.environ.pop("TODO_USER", None)
            answers.write(json.dumps(_answer(request)) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if "migrate" in request:
        asyncio.run(_change_database(_add_columns))
        return {}
    if "columns" in request:
        asyncio.run(_change_database(lambda connection: _store(connection, request["number"], request["columns"])))
        return {}
    if "width" in request:
        from tests.terminal import on_screen

        return {"lines": on_screen(*request["arguments"], width=request["width"])}
    from todo_cli.cli.main import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(request["arguments"])
    written = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return {"out": written[0], "err": written[1], "code": code}


def _add_columns(connection: Connection) -> None:
    """Migrate the database, as an Alembic revision does."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    operations = Operations(MigrationContext.configure(connection))
    for name, column in make_columns().items():
        operations.add_column("todos", Column(name, column.type))


def _store(connection: Connection, number: int, columns: dict[str, Any]) -> None:
    table = Base.metadata.tables["todos"]
    read = {Date: date.fromisoformat, UtcDateTime: datetime.fromisoformat}
    values = {
        name: value if value is None else read.get(type(table.c[name].type), lambda same: same)(value)
        for name, value in columns.items()
    }
    connection.execute(table.update().where(table.c.id == number).values(values))


async def _change_database(change: Any) -> None:
    from todo_cli.db.connection.engine import make_migration_engine
    from todo_cli.db.connection.target import parse_target

    engine = make_migration_engine(parse_target(os.environ["TODO_DATABASE_URL"]))
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
        await connection.run_sync(change)
    await engine.dispose()


if __name__ == "__main__":
    serve()
