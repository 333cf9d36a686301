"""Trees of todos, with their dependencies and subtasks, in one statement."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_, select

from todo_cli.db.database import Database
from todo_cli.db.read.graph_sql import is_linked, is_live, select_descendants
from todo_cli.db.read.queries import Ordering, Query, Request
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import owned
from todo_cli.models.tables import TODOS
from todo_cli.models.values import TodoPublic
from todo_cli.query.references import Reference
from todo_cli.services.listing import read_todos, select_todos
from todo_cli.services.lookup import match_references


async def list_tree(db: Database, references: Sequence[Reference]) -> tuple[list[TodoPublic], list[TodoPublic]]:
    """Return the todos that are referred to, and these together with all their descendants, by number.

    The children of a todo are its subtasks and its dependencies, closed or not. Without references, the first list is
    empty and the second has all open todos with dependencies or subtasks. Raises NotFoundError.
    """

    def make(request: Request) -> Query:
        mine = owned(TODOS, request.scope)
        if not references:
            return Query(select_todos().where(mine, is_live(TODOS), is_linked(TODOS)), [Ordering(TODOS.c.id)])
        named = and_(mine, refers_to(references))
        below = select_descendants(select(TODOS.c.id).where(named))
        shown = and_(TODOS.c.id.in_(select(below.c.id)), or_(named, TODOS.c.deleted_at.is_(None)))
        return Query(select_todos().where(mine, shown), [Ordering(TODOS.c.id)])

    todos = read_todos(await db.fetch(make))
    return match_references(references, todos, trashed=True) if references else [], todos
