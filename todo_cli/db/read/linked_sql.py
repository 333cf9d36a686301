"""The names and the todos that fields refer to: what to select of a todo, once for each kind, and how to read it."""

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
    """Return the names of a NAME as `with_names` joins them."""
    return names_of(field).alias(f"{field.name}_of_todo")


def with_names(todos: FromClause, source: FromClause | None = None) -> FromClause:
    """Return the rows of todos, or the source that contains them, joined with the one name of each NAME."""
    joined = todos if source is None else source
    for field in FIELDS.find(kind=Kind.NAME):
        joined = joined.outerjoin(joined_names(field), joined_names(field).c.id == todos.c[field.refers])
    return joined


def select_value(field: Field, todos: FromClause) -> Label[Any]:
    """Return what to select of a field, by its attribute; for a NAME, `with_names` joins the todos.

    References are a list in JSON (see `json_links`), names are one of texts.
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
    """Return the todos as a list in JSON: the number of each, its status, and whether it is in the trash."""
    return json_rows(todos.c.id, todos.c.status, todos.c.deleted_at.is_not(None))


@cache
def undeclared() -> Sequence[Field]:
    """Return the fields with names or references that `TodoPublic` does not declare."""
    return [field for field in FIELDS.values() if field.is_linked and not field.is_declared]


def select_undeclared(todos: FromClause) -> list[Label[Any]]:
    """Return what to select of these fields, see `select_value`."""
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
