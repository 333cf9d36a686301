"""Conditions on todos by the name of a project or a tag: the name's id is looked up first, and ids are compared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from todo_cli.db.read.queries import Request
from todo_cli.db.scope import owned
from todo_cli.models.tables import PROJECTS, TAGS, TODO_TAGS, TODOS
from todo_cli.models.text import fold
from todo_cli.query.filter.ast import And, Filter, HasTag, InArchivedProject, InProject, Or


class is_among(GenericFunction[bool]):  # noqa: N801 - it is called as functions of SQL are
    """Tells whether a column is among the values that a scalar subselect of one or more rows finds.

    PostgreSQL gets them as an array, which it works out before anything else, and so finds their rows by an index. For
    IN it guesses how many there are; where it guesses too many it reads the whole list instead.
    """

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Return it as it is: otherwise it would be compared with 1 on SQLite, which then uses no index for it."""
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
    """Return whether every todo that the filter finds is in a certain project or has a certain tag.

    Then the indexes of projects and tags find them sooner than that of the whole list.
    """
    match tree:
        case InProject() | InArchivedProject() | HasTag():
            return True
        case And(parts):
            return any(map(narrows, parts))
        case Or(parts):
            return bool(parts) and all(map(narrows, parts))
        case _:
            return False


def narrows_by_tag(tree: Filter) -> bool:
    """Return whether the filter narrows, and some tag does."""
    match tree:
        case HasTag():
            return True
        case And(parts):
            return any(map(narrows_by_tag, parts))
        case Or(parts):
            return narrows(tree) and any(map(narrows_by_tag, parts))
        case _:
            return False


def project_or_nested(name: str) -> ColumnElement[bool]:
    """Return the condition on `projects` for that project and all that are nested in it."""
    key = fold(name)
    # '/' follows '.', and keys compare by code point: everything that begins with "home." and nothing else
    return or_(PROJECTS.c.key == key, and_(PROJECTS.c.key > f"{key}.", PROJECTS.c.key < f"{key}/"))


def in_project(request: Request, *names: str) -> ColumnElement[bool]:
    """Return the condition on `todos` for those in one of these projects, or in one that is nested in it."""
    return _in_one_of(or_(*map(project_or_nested, names)), request)


def in_archived_project(request: Request) -> ColumnElement[bool]:
    """Return the condition on `todos` for those in a project that is archived."""
    return _in_one_of(PROJECTS.c.archived_at.is_not(None), request)


def _in_one_of(condition: ColumnElement[bool], request: Request) -> ColumnElement[bool]:
    projects = select(PROJECTS.c.id).where(owned(PROJECTS, request.scope), condition).correlate(None)
    return and_(TODOS.c.project_id.is_not(None), is_among(TODOS.c.project_id, projects.scalar_subquery()))


def has_tag(name: str, request: Request, *, leads: bool = False) -> ColumnElement[bool]:
    """Return the condition on `todos` for those with that tag.

    `leads` lets the database start from them; as a condition on many rows, an array of many values would be slow.
    """
    tag = select(TAGS.c.id).where(owned(TAGS, request.scope), TAGS.c.key == fold(name)).scalar_subquery()
    tagged = select(TODO_TAGS.c.todo_id).where(TODO_TAGS.c.tag_id == tag).correlate(None)
    return is_among(TODOS.c.id, tagged.scalar_subquery()) if leads else TODOS.c.id.in_(tagged)
