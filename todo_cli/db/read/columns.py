"""The columns and tables that hold the values of fields, and reading the values from a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, Table

from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.tables import TODOS, Base
from todo_cli.models.values import When
from todo_cli.query.quantities import simplify

Reader = Callable[[Any], Any]


def column_names(field: Field) -> tuple[str, ...]:
    """Return the columns of `todos` that hold the field; none if it is in another table or computed."""
    match field.kind:
        case Kind.WHEN:
            return f"{field.attribute}_on", f"{field.attribute}_at"
        case Kind.REFERENCE | Kind.NAME:
            return (field.refers,)
        case Kind.NAMES | Kind.REFERENCES | Kind.RECURRENCE | Kind.COMPUTED:
            return ()
    return (field.attribute,)


def column_of(field: Field) -> Column[Any]:
    """Return the first column of the field, which is NULL if it has no value."""
    return TODOS.c[column_names(field)[0]]


def list_columns() -> list[Column[Any]]:
    """Return all columns of `todos` that hold fields, without derived columns such as folded text."""
    return [TODOS.c[name] for field in FIELDS.values() for name in column_names(field)]


def names_of(field: Field) -> Table:
    """Return the table of names of a NAME or NAMES field."""
    return Base.metadata.tables[field.names]


def links_of(field: Field) -> Table:
    """Return the table that links todos to the values of a NAMES or REFERENCES field."""
    return Base.metadata.tables[field.links]


@cache
def _readers() -> tuple[Mapping[str, Reader], Mapping[str, Reader]]:
    """Return the readers of fields in a row of `todos`: for those that `TodoPublic` declares, and for the others."""
    declared, others = {}, {}
    for field in FIELDS.values():
        if field.is_linked or not column_names(field):
            continue  # a row has at most the number of the other row
        if field.is_declared:
            declared[field.attribute] = _make_reader(field)
        else:
            others[field.name] = _make_reader(field)
    return declared, others


def read_fields(row: Any, linked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in a row of `todos`, together with the linked ones, as arguments of `TodoPublic`.

    `linked` maps the names of fields that `TodoPublic` does not declare to their values.
    """
    declared, others = _readers()
    values = {attribute: read(row) for attribute, read in declared.items()}
    fields = {**{name: read(row) for name, read in others.items()}, **linked}
    return {**values, "fields": fields} if fields else values


def _make_reader(field: Field) -> Reader:
    get: Reader = attrgetter(*column_names(field))
    match field.kind:
        case Kind.WHEN:
            return lambda row: _make_when(*get(row))
        case Kind.CHOICE if enum := field.enum:
            return lambda row: field.empty if (value := get(row)) is None else enum(value)
        case Kind.NUMBER:
            return lambda row: None if (number := get(row)) is None else simplify(number)
    return get


def _make_when(on: date | None, at: datetime | None) -> When | None:
    return None if on is None else When(on, at)
