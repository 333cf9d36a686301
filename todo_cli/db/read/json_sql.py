"""JSON that the database makes: of rows, so that they come with a statement about something else, and of uuids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Text, Uuid, literal, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class json_rows(GenericFunction[str]):  # noqa: N801 - it is called as functions of SQL are
    """Aggregates rows, each an array of the given columns, into an array in JSON, in no order; SQL NULL without rows.

    Instants are text: as RFC 3339 writes them from PostgreSQL, in UTC and without a zone from SQLite.
    """

    type = Text()
    inherit_cache = True


@compiles(json_rows, "postgresql")
def _compile_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_agg(json_build_array({compiler.process(element.clauses, **options)})) AS TEXT)"


@compiles(json_rows, "sqlite")
def _compile_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return _as_text(f"json_array({compiler.process(element.clauses, **options)})")


def _as_text(values: str) -> str:
    # Concatenation makes it plain text, as on PostgreSQL: JSON would become part of an object that it is put into.
    return f"(nullif(json_group_array({values}), '[]') || '')"


class json_values(GenericFunction[str]):  # noqa: N801
    """Aggregates the values of a column into an array in JSON, in no order; SQL NULL without rows."""

    type = Text()
    inherit_cache = True


@compiles(json_values, "postgresql")
def _compile_values_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


@compiles(json_values, "sqlite")
def _compile_values_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return _as_text(compiler.process(element.clauses, **options))


class json_object(GenericFunction[str]):  # noqa: N801
    """Makes an object in JSON of names and values in turn. What instants are is told above."""

    type = Text()
    inherit_cache = True


@compiles(json_object, "postgresql")
def _compile_object_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_build_object({compiler.process(element.clauses, **options)}) AS TEXT)"


def select_json(kind: str, source: FromClause, columns: Mapping[str, ColumnElement[Any]]) -> Select[*tuple[Any, ...]]:
    """Return a statement whose rows are `kind`, as given, and `content`: an object in JSON of those columns.

    So rows of several kinds come with one statement.
    """
    pairs: list[Any] = []
    for name, column in columns.items():
        pairs += [literal_column(f"'{name}'"), column]
    return select(literal(kind, Text()).label("kind"), json_object(*pairs).label("content")).select_from(source)


def read_json(text: str | None) -> list[Any]:
    """Return what `json_rows` or `json_values` made. A uuid in it is a text, with dashes or without."""
    values: list[Any] = json.loads(text) if text else []
    return values


def read_instant(text: str) -> datetime:
    """Return an instant as either database writes it into JSON, aware and in UTC."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class json_of_uuid(GenericFunction[str]):  # noqa: N801
    """Makes the text in JSON that history has of a uuid."""

    type = Text()
    inherit_cache = True


@compiles(json_of_uuid, "postgresql")
def _compile_uuid_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"'\"' || CAST({compiler.process(element.clauses, **options)} AS TEXT) || '\"'"


@compiles(json_of_uuid, "sqlite")
def _compile_uuid_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    groups = (f"substr({column}, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    return "'\"' || " + " || '-' || ".join(groups) + " || '\"'"


class uuid_of_json(GenericFunction[UUID]):  # noqa: N801
    """Makes the uuid, as tables and their indexes have it, of the text in JSON that history has; of no other text."""

    type = Uuid()
    inherit_cache = True


@compiles(uuid_of_json, "postgresql")
def _compile_text_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(replace({compiler.process(element.clauses, **options)}, '\"', '') AS UUID)"


@compiles(uuid_of_json, "sqlite")
def _compile_text_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace(replace({compiler.process(element.clauses, **options)}, '\"', ''), '-', '')"
