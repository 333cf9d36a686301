"""What a service asks for in one statement, and how that statement proves whose rows they are.

On a server every statement costs two round trips, so that the revision of the tables and the user are not asked for
beforehand: they come with the first row, which is there even where nothing was found.
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
    """What a statement is made for: whose list, and the moment of the command, in the user's zone.

    `lock_timeout` is for a statement of a server that is a transaction by itself: what it waits for locks, in seconds.
    """

    scope: Scope
    now: datetime
    lock_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    """One expression that rows are sorted by."""

    expression: SQLCoreOperations[Any]
    descending: bool = False
    nulls_last: bool = False

    def of(self, column: SQLCoreOperations[Any]) -> ColumnElement[Any]:
        """Return what sorts by that column, which has the values of the expression."""
        directed = column.desc() if self.descending else column.asc()
        return directed.nulls_last() if self.nulls_last else directed


@dataclass(frozen=True, slots=True)
class Query:
    """Rows that a service wants: what to select, in which order, and `beside` them values that come once."""

    select: Select[*tuple[Any, ...]]
    order: Sequence[Ordering]
    beside: Sequence[Label[Any]] = ()


def with_recurrence(todos: FromClause) -> FromClause:
    """Return the rows of todos joined with the series that they belong to, if that goes on."""
    return todos.outerjoin(SERIES, and_(SERIES.c.id == todos.c.series_id, SERIES.c.ended_at.is_(None)))


RECURRENCE: Sequence[ColumnElement[Any]] = (
    SERIES.c.uuid.label("series"),
    *(SERIES.c[name] for name in ("rrule", "dtstart_local", "tzid", "after_completion")),
)
"""What to select of the series of a todo; `series` is NULL where it does not recur."""


def select_links(todos: FromClause) -> Sequence[ColumnElement[Any]]:
    """Return what to select of the other todos that a todo has to do with: `depends`, `blocks` and `children`.

    Each is a list in JSON (see `json_links`).
    """
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
    """Return a request of the user of that name, or without a name of the only user of the database."""
    return Request(Scope.find(name), now, lock_timeout)


def prove(request: Request, *, alone: bool = False) -> Select[*tuple[Any, ...]]:
    """Return `author` and `owner`, or no row unless it is one user and the tables are those of this program.

    With `alone` the author's row is locked against others that do the same; ordinary steps are not in its way.
    """
    right_tables = REVISION == HEAD
    if request.lock_timeout is not None:
        # Once this part of the statement has been worked out, the setting counts for the locks of all others.
        limited = func.set_config("lock_timeout", milliseconds(request.lock_timeout), True)
        right_tables = and_(right_tables, limited.is_not(None))
    if alone:
        mine = request.scope.as_row().select_from(USERS).where(is_author(request.scope), right_tables)
        return mine.with_for_update(key_share=True)
    return request.scope.as_row().where(is_found(request.scope), right_tables)


def with_identity(query: Query, request: Request) -> Select[Any]:
    """Return the query so that its first row has `revision` and `author` (the user's number, or NULL) in any case.

    `found` is 1 in the rows that the query found, and NULL in one that stands for none of them.
    """
    keys = [Label(f"sort_{place}", ordering.expression) for place, ordering in enumerate(query.order)]
    inner = query.select.add_columns(literal(1).label("found"), *keys)
    page = inner.order_by(*(ordering.of(ordering.expression) for ordering in query.order)).subquery("page")
    wanted = [column for column in page.c if not column.name.startswith("sort_")]
    identity = (Label("revision", REVISION), request.scope.as_row().selected_columns.author)
    return (
        select(*identity, *query.beside, *wanted)
        .select_from(select(literal(1)).subquery("always").outerjoin(page, true()))
        .order_by(*(ordering.of(page.c[key.name]) for ordering, key in zip(query.order, keys, strict=True)))
    )
