"""A process of `todo` that knows one more field of each kind, declared as a contributor would declare it.

Each has an entry in the registry, columns or tables, and a migration. It is a process of its own because nothing
takes a field away again from a table. `python -m tests.new_fields` reads requests from stdin, one JSON object a line.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Double,
    ForeignKey,
    Identity,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from tests.commands import Result
from todo_cli.models.fields import FIELDS, Field, Inherit, Kind, Settable
from todo_cli.models.tables import SCHEMA, Base, Todo
from todo_cli.models.types import BigInt, UtcDateTime, binary_text


class Mood(IntEnum):
    HIGH = 1
    MEDIUM = 2
    LOW = 3


def declare(name: str, kind: Kind, example: str, **options: Any) -> Field:
    is_set = kind in (Kind.NAMES, Kind.REFERENCES)
    return Field(
        name=name,
        kind=kind,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.MOVE if kind in (Kind.DATE, Kind.WHEN, Kind.INSTANT) else Inherit.COPY,
        is_set=is_set,
        is_sort_key=not is_set,
        help=f"The {name}",
        example=example,
        **options,
    )


SIMPLE_FIELDS = (
    declare("remark", Kind.TEXT, "soft"),
    declare("link", Kind.URL, "https://example.com/a"),
    declare("size", Kind.CHOICE, "large", choices=("large", "medium", "small", "none")),
    declare("mood", Kind.CHOICE, "low", enum=Mood),
    declare("points", Kind.NUMBER, "3"),
    declare("effort", Kind.DURATION, "1h30m"),
    declare("birthday", Kind.DATE, "friday"),
    declare("review", Kind.WHEN, "friday"),
    declare("seen", Kind.INSTANT, "monday"),
)
LINKED_FIELDS = (
    declare("area", Kind.NAME, "garden", names="areas"),
    declare("people", Kind.NAMES, "anna", names="people", links="todo_people", refers="person_id", item="person"),
    declare("related", Kind.REFERENCE, "12"),
    declare("see", Kind.REFERENCES, "12,15", links="todo_see"),
)
"""RECURRENCE is missing: a todo belongs to one series, and its rule decides the due date and the next occurrence."""

NEW_FIELDS = (*SIMPLE_FIELDS, *LINKED_FIELDS)


def make_columns() -> dict[str, Column[Any]]:
    """Return the columns of the new fields by name."""
    return {
        "remark": Column(Text()),
        "remark_folded": Column(binary_text()),
        "link": Column(binary_text()),
        "size": Column(Text()),
        "mood": Column(SmallInteger()),
        "points": Column(Double()),
        "effort": Column(BigInteger()),
        "birthday": Column(Date()),
        "review_on": Column(Date()),
        "review_at": Column(UtcDateTime()),
        "seen": Column(UtcDateTime()),
        "area_id": Column(BigInt, ForeignKey("areas.id", ondelete="SET NULL")),
        "related_id": Column(BigInt, ForeignKey("todos.id", ondelete="SET NULL")),
    }


def make_tables() -> list[Table]:
    """Declare the tables of the new fields: names, and the links of todos to names and to each other."""
    return [
        *(_make_names(table) for table in ("areas", "people")),
        _make_links("todo_people", "person_id", "people"),
        _make_links("todo_see", "see_id", "todos"),
    ]


def _make_names(name: str) -> Table:
    columns = (
        Column("id", BigInt, Identity(always=False), primary_key=True),
        Column("uuid", Uuid(), nullable=False, unique=True),
        Column("user_id", BigInt, ForeignKey("users.id"), nullable=False),
        Column("name", Text(), nullable=False),
        Column("key", binary_text(), nullable=False),
    )
    return Table(name, Base.metadata, *columns, UniqueConstraint("user_id", "key"))


def _make_links(name: str, refers: str, table: str) -> Table:
    return Table(
        name,
        Base.metadata,
        *(
            Column(column, BigInt, ForeignKey(f"{other}.id", ondelete="CASCADE"), primary_key=True)
            for column, other in (("todo_id", "todos"), (refers, table))
        ),
    )


class NewFields:
    """Runs commands in a process that knows the new fields, on the database of a test."""

    def __init__(self, process: subprocess.Popen[str], url: str, home: Path) -> None:
        self._process = process
        self._environment = {"TODO_DATABASE_URL": url, "TODO_HOME": str(home), "TZ": "Europe/Berlin"}

    def __call__(self, *arguments: str, **environment: str) -> Result:
        """Return the result of a command whose output goes to a pipe."""
        return Result(**self._ask(arguments=arguments, environment={**self._environment, **environment}))

    def on_screen(self, *arguments: str, width: int = 80) -> list[str]:
        """Return the lines that a command prints on a terminal, without colours."""
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
    tables = make_tables()
    for name, column in make_columns().items():
        setattr(Todo, name, column)
    for line in sys.stdin:
        request = json.loads(line)
        with mock.patch.dict(os.environ, request["environment"]):
            os.environ.pop("TODO_USER", None)
            answers.write(json.dumps(_answer(request, tables)) + "\n")
        answers.flush()


def _answer(request: dict[str, Any], tables: Sequence[Table]) -> dict[str, Any]:
    if "migrate" in request:
        asyncio.run(_change_database(lambda connection: _migrate(connection, tables)))
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


def _migrate(connection: Connection, tables: Sequence[Table]) -> None:
    """Migrate the database, as an Alembic revision does."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    operations = Operations(MigrationContext.configure(connection))
    for table in tables:
        table.create(connection)
    for name, column in make_columns().items():
        if column.foreign_keys:  # SQLite knows them only as part of the column
            [key] = column.foreign_keys
            kind = column.type.compile(connection.dialect)
            target = key.target_fullname.removesuffix(".id")
            operations.execute(
                f"ALTER TABLE todos ADD COLUMN {name} {kind} REFERENCES {target} (id) ON DELETE SET NULL"
            )
        else:
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
