"""Reading todos: pages of lists, and single todos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, cast, exists, func, literal, null, select, true

from todo_cli.db.database import Database
from todo_cli.db.read.columns import column_of, list_columns, names_of
from todo_cli.db.read.filter_sql import make_condition
from todo_cli.db.read.graph_sql import is_related
from todo_cli.db.read.json_sql import json_rows, read_instant, read_json
from todo_cli.db.read.linked_sql import read_undeclared, select_undeclared, select_value, with_names
from todo_cli.db.read.names_sql import is_named, narrows
from todo_cli.db.read.order_sql import make_order
from todo_cli.db.read.queries import RECURRENCE, Ordering, Query, Request, select_links, with_recurrence
from todo_cli.db.read.references_sql import are_named, refers_to
from todo_cli.db.scope import author_of, owned
from todo_cli.db.write.step import Transaction
from todo_cli.models.fields import FIELDS, Field
from todo_cli.models.tables import COMMENTS, TODOS, USERS
from todo_cli.models.values import COUNT_LIMIT, CommentPublic, TodoDetails, TodoPage, TodoPublic
from todo_cli.query.filter.ast import And, Filter, HasName, Not, conditions_of
from todo_cli.query.references import Reference
from todo_cli.query.sorting import DEFAULT_SORT, SortKey
from todo_cli.query.trees import gather
from todo_cli.query.urgency import USUAL, Coefficients
from todo_cli.services.lookup import (
    check_name,
    make_public,
    match_references,
    read_links,
    read_recurrence,
)


@dataclass(frozen=True, slots=True)
class Context:
    """A named filter that applies to every list."""

    name: str
    filter: Filter


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The parameters of a list. `size` is the length of a page, None for all todos; pages are counted from 1.

    `coefficients` are used to sort by urgency. `sums` are the fields to add up over all pages.
    """

    filter: Filter
    sort: tuple[SortKey, ...] = DEFAULT_SORT
    page: int = 1
    size: int | None = None
    trashed: bool = False
    context: Context | None = None
    coefficients: Coefficients = USUAL
    sums: tuple[str, ...] = ()


async def list_todos(db: Database, query: ListQuery) -> TodoPage:
    """Return one page of the user's todos, with tags, the total and the number hidden by the context, in one statement.

    If nothing is found, raises NotFoundError if the filter has an unknown name, such as that of a project, because a
    typo must not look like an empty list. A context may have names that do not exist yet.
    """
    context = query.context
    conditions = conditions_of(query.filter)
    names = list(dict.fromkeys(each for each in conditions if isinstance(each, HasName)))

    def make(request: Request) -> Query:
        def matches(tree: Filter) -> ColumnElement[bool]:
            return and_(
                # Filters by name use their own index, except in the trash.
                owned(TODOS, request.scope, indexed=query.trashed or not narrows(tree)),
                TODOS.c.deleted_at.is_not(None) if query.trashed else TODOS.c.deleted_at.is_(None),
                make_condition(tree, request),
            )

        condition = matches(And((query.filter, context.filter)) if context else query.filter)
        order = make_order(query.sort, request, query.coefficients)
        on_page = condition if query.size is None else _is_on_page(query, condition, order)
        total = _count(condition) if query.size is not None else null()
        hidden = _count(matches(And((query.filter, Not(context.filter))))) if context else literal(0)
        known = and_(true(), *(_is_known(part, request) for part in names))
        sums = {f"sum_{name}": _sum(FIELDS[name], condition) for name in query.sums}
        beside = {"total": total, "known": known, "hidden": hidden, **sums}
        return Query(select_todos().where(on_page), order, beside=[each.label(name) for name, each in beside.items()])

    rows = await db.fetch(make)
    todos = read_todos(rows)
    if query.sort == DEFAULT_SORT:
        todos = gather(todos)
    if not todos and not rows[0].known:
        await _explain_unknown(db, names)
    sums = {name: found for name in query.sums if (found := getattr(rows[0], f"sum_{name}")) is not None}
    name = context.name if context else None
    return TodoPage(todos, rows[0].total, query.page, query.size, name, rows[0].hidden, sums)


async def get_todos(db: Database, references: Sequence[Reference], *, trashed: bool = True) -> list[TodoPublic]:
    """Return the referenced todos; raises NotFoundError, unless `trashed` also for those in the trash."""

    def make(request: Request) -> Query:
        return Query(select_todos().where(are_named(references, request.scope)), [Ordering(TODOS.c.id)])

    return match_references(references, read_todos(await db.fetch(make)), trashed=trashed)


async def get_details(db: Database, references: Sequence[Reference]) -> list[TodoDetails]:
    """Return all details of the referenced todos, including those in the trash, in one statement.

    Raises NotFoundError.
    """

    def make(request: Request) -> Query:
        mine, named = owned(TODOS, request.scope), refers_to(references)
        condition = and_(mine, is_related(named, request.scope))
        return Query(select_todos().add_columns(_COMMENTS).where(condition), [Ordering(TODOS.c.id)])

    rows = await db.fetch(make)
    comments = {row.id: _read_comments(row) for row in rows}
    todos = read_todos(rows)
    related = {todo.id: todo for todo in todos if not todo.deleted_at}
    found = match_references(references, todos, trashed=True)
    return [TodoDetails(todo, comments[todo.id], related) for todo in found]


def _read_comments(row: Any) -> tuple[CommentPublic, ...]:
    """Return the comments in a row, oldest first; with equal times, in the order in which they were added."""
    found = sorted(read_json(row.comments))
    return tuple(
        CommentPublic(row.id, UUID(uuid), text, author, read_instant(created_at))
        for _, uuid, text, author, created_at in found
    )


def _is_on_page(query: ListQuery, condition: ColumnElement[bool], order: Sequence[Ordering]) -> ColumnElement[bool]:
    """Return the condition for the todos of one page, so that their details are looked up for these only."""
    assert query.size is not None
    page = (
        select(TODOS.c.id)
        .select_from(with_names(TODOS))
        .where(condition)
        .order_by(*(ordering.of(ordering.expression) for ordering in order))
        .limit(query.size)
        .offset((query.page - 1) * query.size)
    )
    return TODOS.c.id.in_(page.correlate(None))


def select_todos() -> Select[Any]:
    """Return the statement that selects todos with everything that lists show."""
    named = (select_value(FIELDS[name], TODOS) for name in ("project", "tag"))
    columns = (*list_columns(), *named, *RECURRENCE, *select_links(TODOS), *select_undeclared(TODOS))
    return select(*columns).select_from(with_names(TODOS, with_recurrence(TODOS)))


def read_todos(rows: Sequence[Any]) -> list[TodoPublic]:
    """Return the todos in rows of `select_todos`."""
    found = [row for row in rows if row.found]
    links = read_links(found)
    return [
        make_public(row, row.project, read_json(row.tags), read_recurrence(row), links[row.id], read_undeclared(row))
        for row in found
    ]


async def _explain_unknown(db: Database, names: Sequence[HasName]) -> None:
    """Raise NotFoundError with a suggestion for the first unknown name."""

    async def work(transaction: Transaction) -> None:
        for part in names:
            await check_name(transaction, FIELDS[part.field], part.name)

    await db.read(work)


def _is_known(part: HasName, request: Request) -> ColumnElement[bool]:
    field = FIELDS[part.field]
    return exists().where(owned(names_of(field), request.scope), is_named(field, part.name))


def _sum(field: Field, condition: ColumnElement[bool]) -> Any:
    """Return the sum of a field over the matches, NULL where none has a value."""
    column = column_of(field)
    return select(cast(func.sum(column), column.type)).select_from(TODOS).where(condition).scalar_subquery()


def _count(condition: ColumnElement[bool]) -> Any:
    """Count the matches up to a limit, because an exact greater number is expensive and of little use."""
    some = select(literal(1).label("one")).select_from(TODOS).where(condition).limit(COUNT_LIMIT + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


_COMMENTS = (
    select(json_rows(COMMENTS.c.id, COMMENTS.c.uuid, COMMENTS.c.text, USERS.c.name, COMMENTS.c.created_at))
    .select_from(COMMENTS)
    .join(USERS, author_of(COMMENTS))
    .where(COMMENTS.c.todo_id == TODOS.c.id)
    .correlate(TODOS)
    .scalar_subquery()
    .label("comments")
)
