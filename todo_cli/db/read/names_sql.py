"""Conditions on todos by name, such as the name of a project. Its id is looked up first, and ids are compared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from todo_cli.db.read.columns import links_of, names_of
from todo_cli.db.read.queries import Request
from todo_cli.db.scope import owned
from todo_cli.models.fields import FIELDS, Field
from todo_cli.models.tables import PROJECTS, TODOS
from todo_cli.models.text import fold
from todo_cli.query.filter.ast import And, Filter, HasName, InArchivedProject, Or


class is_among(GenericFunction[bool]):  # noqa: N801 - named like an SQL function
    """Whether a column has one of the values of a subselect.

    On PostgreSQL, the values are an array, which is evaluated first, so that an index finds the rows. For IN,
    PostgreSQL estimates the number of values, and if the estimate is too high, it reads the whole list.
    """

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Return it unchanged: otherwise it would be compared with 1 on SQLite, which prevents the use of an index."""
        return self


@compiles(is_among, "postgresql")
def _compile_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY{values})"


@compiles(is_among, "sqlite")
def _compile_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN {values}"


def narrows(tree: Filter) -> bool:
    """Return whether the filter finds only todos with certain names, such as those of projects or tags.

    If so, the index on the reference to the name is better than the index on the whole list.
    """
    match tree:
        case HasName() | InArchivedProject():
            return True
        case And(parts):
            return any(map(narrows, parts))
        case Or(parts):
            return bool(parts) and all(map(narrows, parts))
        case _:
            return False


def narrows_by_set(tree: Filter) -> bool:
    """Return whether the filter finds only todos with certain names, including a name in a set, such as a tag."""
    match tree:
        case HasName(field):
            return FIELDS[field].is_set
        case And(parts):
            return any(map(narrows_by_set, parts))
        case Or(parts):
            return narrows(tree) and any(map(narrows_by_set, parts))
        case _:
            return False


def is_named(field: Field, name: str) -> ColumnElement[bool]:
    """Return the condition on the field's table of names for a name and, if names are nested, those nested in it."""
    column, key = names_of(field).c.key, fold(name)
    if not field.is_nested:
        return column == key
    # '/' follows '.', and keys compare by code point, so the range has exactly the keys that begin with "home."
    return or_(column == key, and_(column > f"{key}.", column < f"{key}/"))


def has_name(field: Field, request: Request, *names: str, leads: bool = False) -> ColumnElement[bool]:
    """Return the condition on `todos` for those whose field has one of these names; a set takes one name at a time.

    For a set, `leads` lets the database start from these todos; otherwise a large array would be searched for each row.
    """
    found = or_(*(is_named(field, name) for name in names))
    if not field.is_set:
        return _refers_to_one(field, found, request)
    table, links = names_of(field), links_of(field)
    number = select(table.c.id).where(owned(table, request.scope), found).scalar_subquery()
    linked = select(links.c.todo_id).where(links.c[field.refers] == number).correlate(None)
    return is_among(TODOS.c.id, linked.scalar_subquery()) if leads else TODOS.c.id.in_(linked)


def in_archived_project(request: Request) -> ColumnElement[bool]:
    """Return the condition on `todos` for those in an archived project."""
    return _refers_to_one(FIELDS["project"], PROJECTS.c.archived_at.is_not(None), request)


def _refers_to_one(field: Field, condition: ColumnElement[bool], request: Request) -> ColumnElement[bool]:
    table, column = names_of(field), TODOS.c[field.refers]
    numbers = select(table.c.id).where(owned(table, request.scope), condition).correlate(None)
    return and_(column.is_not(None), is_among(column, numbers.scalar_subquery()))
