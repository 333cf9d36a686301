"""JSON that the database generates: for rows that are returned together with others, and for uuids."""

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


class json_rows(GenericFunction[str]):  # noqa: N801 - named like an SQL function
    """Aggregates rows into an unordered JSON array of arrays with the given columns; SQL NULL without rows.

    Instants are text, in the format of RFC 3339 on PostgreSQL, and in UTC without a zone on SQLite.
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
    # Concatenation makes it plain text, as on PostgreSQL; JSON would be nested into an enclosing object.
    return f"(nullif(json_group_array({values}), '[]') || '')"


class json_values(GenericFunction[str]):  # noqa: N801
    """Aggregates the values of a column into an unordered JSON array; SQL NULL without rows."""

    type = Text()
    inherit_cache = True


@compiles(json_values, "postgresql")
def _compile_values_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


@compiles(json_values, "sqlite")
def _compile_values_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return _as_text(compiler.process(element.clauses, **options))


_MAX_ARGUMENTS = 100
"""The most arguments of a function of PostgreSQL."""


class json_object(GenericFunction[str]):  # noqa: N801
    """Builds a JSON object from alternating names and values. Instants are formatted as in `json_rows`."""

    type = Text()
    inherit_cache = True


@compiles(json_object, "postgresql")
def _compile_object_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    arguments = [compiler.process(clause, **options) for clause in element.clauses]
    parts = [
        f"json_build_object({', '.join(arguments[start : start + _MAX_ARGUMENTS])})"
        for start in range(0, len(arguments), _MAX_ARGUMENTS)
    ]
    whole = parts[0] if len(parts) == 1 else " || ".join(f"CAST({part} AS JSONB)" for part in parts)
    return f"CAST({whole} AS TEXT)"


def select_json(kind: str, source: FromClause, columns: Mapping[str, ColumnElement[Any]]) -> Select[*tuple[Any, ...]]:
    """Return a statement with the columns `kind`, as given, and `content`, a JSON object of these columns.

    A UNION of such statements returns rows of several kinds.
    """
    pairs: list[Any] = []
    for name, column in columns.items():
        pairs += [literal_column(f"'{name}'"), column]
    return select(literal(kind, Text()).label("kind"), json_object(*pairs).label("content")).select_from(source)


def read_json(text: str | None) -> list[Any]:
    """Parse the result of `json_rows` or `json_values`. A uuid in it is text, with or without dashes."""
    values: list[Any] = json.loads(text) if text else []
    return values


def read_instant(text: str) -> datetime:
    """Parse an instant in JSON from either database; the result is aware and in UTC."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class json_of_uuid(GenericFunction[str]):  # noqa: N801
    """Converts a uuid to its JSON text in the history."""

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
    """Converts the JSON text of a uuid in the history to a uuid column value; valid for such texts only."""

    type = Uuid()
    inherit_cache = True


@compiles(uuid_of_json, "postgresql")
def _compile_text_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(replace({compiler.process(element.clauses, **options)}, '\"', '') AS UUID)"


@compiles(uuid_of_json, "sqlite")
def _compile_text_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace(replace({compiler.process(element.clauses, **options)}, '\"', ''), '-', '')"
