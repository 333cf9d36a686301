"""Queries of services as single statements, which also check the user and the revision of the tables.

On a server, each statement costs two round trips. Therefore the revision and the user are not queried separately: they
are in the first row, which exists even if nothing is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Label,
    Select,
    and_,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.sql.elements import SQLCoreOperations

from todo_cli.db.connection.target import milliseconds
from todo_cli.db.read.linked_sql import json_links, select_value
from todo_cli.db.schema.revisions import HEAD, REVISION
from todo_cli.db.scope import Scope, is_author, is_found
from todo_cli.models.fields import FIELDS
from todo_cli.models.tables import DEPENDENCIES, SERIES, TODOS, USERS


@dataclass(frozen=True, slots=True)
class Request:
    """The scope of a statement and the time of the command, in the user's zone.

    `lock_timeout`, in seconds, is for a statement that is a transaction by itself on a server.
    """

    scope: Scope
    now: datetime
    lock_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    """An expression to sort by."""

    expression: SQLCoreOperations[Any]
    descending: bool = False
    nulls_last: bool = False

    def of(self, column: SQLCoreOperations[Any]) -> ColumnElement[Any]:
        """Return the ordering applied to a column that has the values of the expression."""
        directed = column.desc() if self.descending else column.asc()
        return directed.nulls_last() if self.nulls_last else directed


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a service: its rows, their order, and `beside` them, values that are the same in every row."""

    select: Select[*tuple[Any, ...]]
    order: Sequence[Ordering]
    beside: Sequence[Label[Any]] = ()


def with_recurrence(todos: FromClause) -> FromClause:
    """Return the todos joined with their series, unless it has ended."""
    return todos.outerjoin(SERIES, and_(SERIES.c.id == todos.c.series_id, SERIES.c.ended_at.is_(None)))


RECURRENCE: Sequence[ColumnElement[Any]] = (
    SERIES.c.uuid.label("series"),
    *(SERIES.c[name] for name in ("rrule", "dtstart_local", "tzid", "after_completion")),
)
"""The columns of the series of a todo; `series` is NULL if the todo does not repeat."""


def select_links(todos: FromClause) -> Sequence[ColumnElement[Any]]:
    """Return columns with the related todos of each todo: `depends`, `blocks` and `children`, as `json_links`."""
    other = TODOS.alias("other")
    linked = select(json_links(other))
    edges = DEPENDENCIES.c
    lists = {
        "blocks": linked.join(DEPENDENCIES, edges.todo_id == other.c.id).where(edges.depends_on_id == todos.c.id),
        "children": linked.where(other.c.parent_id == todos.c.id),
    }
    found = [statement.correlate(todos).scalar_subquery().label(name) for name, statement in lists.items()]
    return [select_value(FIELDS["depends"], todos), *found]


def make_request(name: str | None, now: datetime, lock_timeout: float | None = None) -> Request:
    """Return a request for the user with that name, by default the only user of the database."""
    return Request(Scope.find(name), now, lock_timeout)


def select_scope(request: Request, *, alone: bool = False) -> Select[*tuple[Any, ...]]:
    """Select `author` and `owner`; no row unless exactly one user matches and the tables have this program's revision.

    With `alone`, the author's row is locked against other such statements, but not against ordinary steps.
    """
    right_tables = REVISION == HEAD
    if request.lock_timeout is not None:
        # Once this part of the statement is evaluated, the setting applies to the locks of all other parts.
        limited = func.set_config("lock_timeout", milliseconds(request.lock_timeout), True)
        right_tables = and_(right_tables, limited.is_not(None))
    if alone:
        mine = request.scope.as_row().select_from(USERS).where(is_author(request.scope), right_tables)
        return mine.with_for_update(key_share=True)
    return request.scope.as_row().where(is_found(request.scope), right_tables)


def with_identity(query: Query, request: Request) -> Select[Any]:
    """Add `revision` and `author` (the user's number, or NULL) to the query, whose result has at least one row.

    `found` is 1 in the rows of the query, and NULL in the only row if the query found nothing.
    """
    keys = [Label(f"sort_{place}", ordering.expression) for place, ordering in enumerate(query.order)]
    inner = query.select.add_columns(literal(1).label("found"), *keys)
    page = inner.order_by(*(ordering.of(ordering.expression) for ordering in query.order)).subquery("page")
    columns = [column for column in page.c if not column.name.startswith("sort_")]
    identity = (Label("revision", REVISION), request.scope.as_row().selected_columns.author)
    return (
        select(*identity, *query.beside, *columns)
        .select_from(select(literal(1)).subquery("always").outerjoin(page, true()))
        .order_by(*(ordering.of(page.c[key.name]) for ordering, key in zip(query.order, keys, strict=True)))
    )
