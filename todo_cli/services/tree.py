"""Todos with those that they depend on and that belong to them, whole trees in one statement."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlmodel import col

from todo_cli.db.database import Database
from todo_cli.db.read.queries import Ordering, Query, Request
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import owned
from todo_cli.db.write.edges import is_bound, is_live, list_below
from todo_cli.models.tables import Base, Todo
from todo_cli.models.values import TodoPublic
from todo_cli.query.references import Reference
from todo_cli.services.listing import read_todos, select_todos
from todo_cli.services.lookup import match_references

_TODOS = Base.metadata.tables["todos"]


async def list_tree(db: Database, references: Sequence[Reference]) -> tuple[list[TodoPublic], list[TodoPublic]]:
    """Return the todos that are named, and with them, by number, all that is below.

    Below a todo are its subtasks and what it depends on, closed or not, and what is below these. Without references
    none are named, and all open todos are returned that have to do with others. Raises NotFoundError.
    """

    def make(request: Request) -> Query:
        mine = owned(Todo, request.scope)
        if not references:
            return Query(select_todos().where(mine, is_live(_TODOS), is_bound(_TODOS)), [Ordering(col(Todo.id))])
        named = and_(mine, refers_to(references))
        below = list_below(select(_TODOS.c.id).where(named))
        wanted = and_(_TODOS.c.id.in_(select(below.c.id)), or_(named, _TODOS.c.deleted_at.is_(None)))
        return Query(select_todos().where(mine, wanted), [Ordering(col(Todo.id))])

    todos = read_todos(await db.fetch(make))
    return match_references(references, todos, trashed=True) if references else [], todos
