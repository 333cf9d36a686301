"""Selecting and reading the names and todos that fields refer to, once for each kind of field."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Label, select

from todo_cli.db.read.columns import links_of, names_of
from todo_cli.db.read.json_sql import json_rows, json_values, read_json
from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.tables import TODOS
from todo_cli.models.text import fold


@cache
def joined_names(field: Field) -> FromClause:
    """Return the table of names of a NAME field, under the alias that `with_names` joins."""
    return names_of(field).alias(f"{field.name}_of_todo")


def with_names(todos: FromClause, source: FromClause | None = None) -> FromClause:
    """Return the todos, or the source that contains them, joined with the names of all NAME fields."""
    joined = todos if source is None else source
    for field in FIELDS.find(kind=Kind.NAME):
        joined = joined.outerjoin(joined_names(field), joined_names(field).c.id == todos.c[field.refers])
    return joined


def select_value(field: Field, todos: FromClause) -> Label[Any]:
    """Return the column of a field, labelled with its attribute; a NAME requires `with_names`.

    References are a JSON array as of `json_links`, names are a JSON array of texts.
    """
    match field.kind:
        case Kind.NAME:
            return joined_names(field).c.name.label(field.attribute)
        case Kind.REFERENCE:
            return todos.c[field.refers].label(field.attribute)
    links = links_of(field)
    value = names_of(field) if field.names else TODOS.alias("other")
    found = json_values(value.c.name) if field.names else json_links(value)
    linked = select(found).join(links, links.c[field.refers] == value.c.id).where(links.c.todo_id == todos.c.id)
    return linked.correlate(todos).scalar_subquery().label(field.attribute)


def json_links(todos: FromClause) -> ColumnElement[str]:
    """Return the todos as a JSON array of their numbers, statuses, and whether they are in the trash."""
    return json_rows(todos.c.id, todos.c.status, todos.c.deleted_at.is_not(None))


@cache
def undeclared() -> Sequence[Field]:
    """Return the fields with names or references that `TodoPublic` does not declare."""
    return [field for field in FIELDS.values() if field.is_linked and not field.is_declared]


def select_undeclared(todos: FromClause) -> list[Label[Any]]:
    """Return the columns of these fields, as of `select_value`."""
    return [select_value(field, todos) for field in undeclared()]


def read_undeclared(row: Any | None) -> dict[str, Any]:
    """Return the values of these fields in a row, by name; without a row, the fields have no value."""
    values = {field: None if row is None else getattr(row, field.attribute) for field in undeclared()}
    return {field.name: _read_value(field, value) for field, value in values.items()}


def _read_value(field: Field, value: Any) -> Any:
    match field.kind:
        case Kind.NAMES:
            return tuple(sorted(read_json(value), key=fold))
        case Kind.REFERENCES:
            return tuple(sorted(number for number, _, is_trashed in read_json(value) if not is_trashed))
    return value
