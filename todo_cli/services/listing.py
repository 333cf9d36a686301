"""Reading todos: lists, page by page, and single ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select
from sqlmodel import col

from todo_cli.db.conditions import make_condition, make_order
from todo_cli.db.database import Database
from todo_cli.db.step import Transaction
from todo_cli.models.tables import Project, Tag, Todo, TodoTag
from todo_cli.models.values import COUNT_LIMIT, TodoPage, TodoPublic
from todo_cli.query.filters import And, Filter, HasTag, InProject
from todo_cli.query.references import Reference
from todo_cli.query.sorting import DEFAULT_SORT, SortKey
from todo_cli.services.lookup import check_name, find_todos, make_public, to_public


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What to list. `size` is the length of a page, None for all at once; pages count from 1."""

    filter: Filter
    sort: tuple[SortKey, ...] = DEFAULT_SORT
    page: int = 1
    size: int | None = None
    trashed: bool = False


async def list_todos(db: Database, query: ListQuery) -> TodoPage:
    """Return one page of the user's todos: rows, their tags and the total in one statement."""

    async def work(transaction: Transaction) -> TodoPage:
        condition = and_(
            col(Todo.user_id) == transaction.user_id,
            col(Todo.deleted_at).is_not(None) if query.trashed else col(Todo.deleted_at).is_(None),
            make_condition(query.filter, transaction),
        )
        paged = query.size is not None
        total = _count(condition) if paged else literal(None)
        statement = select(*_COLUMNS, total.label("total")).outerjoin(Project).where(condition)
        statement = statement.order_by(*make_order(query.sort))
        if query.size is not None:
            statement = statement.limit(query.size).offset((query.page - 1) * query.size)
        rows = (await transaction.session.execute(statement)).all()
        if rows or not paged:
            count = rows[0].total if rows else None
        else:  # a page beyond the last one: no row brought the total
            count = 0 if query.page == 1 else await transaction.session.scalar(select(_count(condition)))
        todos = [make_public(row, row.project, row.tags.split(",") if row.tags else ()) for row in rows]
        return TodoPage(todos, count, query.page, query.size)

    return await db.read(work)


async def get_todos(db: Database, references: Sequence[Reference]) -> list[TodoPublic]:
    """Return the todos that the references name, those in the trash too; raises NotFoundError."""

    async def work(transaction: Transaction) -> list[TodoPublic]:
        return [to_public(todo) for todo in await find_todos(transaction, references, trashed=True)]

    return await db.read(work)


async def explain_empty(db: Database, tree: Filter) -> None:
    """Raise NotFoundError if the filter names a project or tag that the user does not have, with what may be meant.

    A slip in a name must not look like a list on which there is nothing left to do.
    """

    async def work(transaction: Transaction) -> None:
        for part in tree.parts if isinstance(tree, And) else (tree,):
            match part:
                case InProject(name):
                    await check_name(transaction, Project, name)
                case HasTag(name):
                    await check_name(transaction, Tag, name)

    await db.read(work)


def _count(condition: ColumnElement[bool]) -> Any:
    """Count the matches, but no further than a person would read: beyond that it costs more than it tells."""
    some = select(literal(1).label("one")).select_from(Todo).where(condition).limit(COUNT_LIMIT + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


_TAGS = (
    select(func.aggregate_strings(col(Tag.name), ","))  # no name holds a comma
    .join(TodoTag, col(TodoTag.tag_id) == col(Tag.id))
    .where(col(TodoTag.todo_id) == col(Todo.id))
    .correlate(Todo)
    .scalar_subquery()
    .label("tags")
)

_COLUMNS: tuple[Any, ...] = (
    Todo.id,
    Todo.uuid,
    Todo.title,
    Todo.description,
    Todo.status,
    Todo.priority,
    col(Project.name).label("project"),
    _TAGS,
    Todo.due_on,
    Todo.due_at,
    Todo.created_at,
    Todo.updated_at,
    Todo.completed_at,
    Todo.deleted_at,
    Todo.version,
)
