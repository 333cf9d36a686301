"""The owner of a list and the author of changes: the only module that knows the columns that refer to them.

The *owner* is the user whose list it is: the owner of todos, projects, tags, series, history entries, and the guard
`users.edges_version`. The *author* is the user who acted: the author of steps and comments. Today, both are the same
user. All other modules use this one, so that a list can have several authors without changes to queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, case, exists, func, literal, select, true
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from todo_cli.models.tables import CHANGES, STEPS, USERS, Base
from todo_cli.models.text import fold
from todo_cli.models.types import BigInt

OWNER = "user_id"
"""The column of todos, projects, tags and series that refers to their owner."""
AUTHOR = "user_id"
"""The column of steps and comments that refers to their author."""

_AUTHORED = ("steps", "comments")


@dataclass(frozen=True, slots=True)
class Scope:
    """The numbers of two users: the owner of the list and the author of changes.

    In a statement that is a transaction by itself, they are scalar subselects, which are NULL unless they find exactly
    one user. In other transactions, they are the result of the first statement. They are never reused later.
    """

    author: ColumnElement[int] | int
    owner: ColumnElement[int] | int

    @classmethod
    def find(cls, name: str | None) -> Scope:
        """Return the user with that name, by default the only user of the database, as a scalar subselect."""
        only = case((func.count() == 1, func.min(USERS.c.id)))
        user = select(only).select_from(USERS).where(users_named(name)).scalar_subquery()
        return cls(author=user, owner=user)

    @classmethod
    def known(cls, author: int) -> Scope:
        """Return the scope of a user that this transaction has found."""
        return cls(author=author, owner=author)

    @classmethod
    def given(cls, row: FromClause) -> Scope:
        """Return the scope in the only row of another part of the statement, with columns `author` and `owner`."""
        return cls(select(row.c.author).scalar_subquery(), select(row.c.owner).scalar_subquery())

    def as_row(self) -> Select[*tuple[Any, ...]]:
        """Return a statement whose only row has the columns `author` and `owner`."""
        return select(_sql(self.author).label("author"), _sql(self.owner).label("owner"))


NOBODY = Scope.known(0)
"""The scope of no user; no row has that number."""


def users_named(name: str | None) -> ColumnElement[bool]:
    """Return the condition on `users` for the user with that name, by default for all users."""
    return true() if name is None else USERS.c.key == fold(name)


def owned(rows: Any, scope: Scope, *, indexed: bool = True) -> ColumnElement[bool]:
    """Return the condition for rows of the owner; `rows` is a model, a table, or an alias of one.

    History entries and steps belong to the owner of the list that the step changed, today its author. The owner is
    compared with `=` only, because PostgreSQL does not read an index in order for IN and ANY. Without `indexed`, the
    comparison prevents the use of an index on the owner, for queries whose other conditions are more selective.
    """
    if rows is CHANGES:
        # Not a join: SQLite would start from the steps and sort the changes for every batch.
        return exists().where(STEPS.c.id == rows.c.step_id, owned(STEPS, scope))
    column = _column(rows, OWNER)
    is_owners: ColumnElement[bool] = (
        column if indexed else UnaryExpression(column, operator=custom_op("+"))
    ) == scope.owner
    return is_owners


def authored(rows: Any, scope: Scope) -> ColumnElement[bool]:
    """Return the condition for steps or comments of the author; `rows` is as for `owned`."""
    is_authors: ColumnElement[bool] = _column(rows, AUTHOR) == scope.author
    return is_authors


def author_of(rows: Any) -> ColumnElement[bool]:
    """Return the condition that joins steps or comments with their author in `users`."""
    is_author: ColumnElement[bool] = _column(rows, AUTHOR) == USERS.c.id
    return is_author


def authored_by(rows: Any, name: str) -> ColumnElement[bool]:
    """Return the condition for steps or comments of the user with that name."""
    return authored(rows, Scope.find(name))


def is_owner(scope: Scope, users: FromClause = USERS) -> ColumnElement[bool]:
    """Return the condition on `users` for the owner's row, which guards the graph of the list."""
    condition: ColumnElement[bool] = users.c.id == scope.owner
    return condition


def is_author(scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `users` for the author's row."""
    condition: ColumnElement[bool] = USERS.c.id == scope.author
    return condition


def is_found(scope: Scope) -> ColumnElement[bool]:
    """Return whether the statement finds both users."""
    return and_(_sql(scope.author).is_not(None), _sql(scope.owner).is_not(None))


def scope_of_step() -> Sequence[ColumnElement[Any]]:
    """Return the columns of `steps` that `Scope.given` reads: the author, and the owner of the list."""
    return [STEPS.c[AUTHOR].label("author"), STEPS.c[AUTHOR].label("owner")]


def owner_values(table: Any, scope: Scope) -> dict[str, Any]:
    """Return the owner or author of a new row of a table or model, by the name of the column."""
    rows = table if isinstance(table, Table) else Base.metadata.tables[table.__tablename__]
    if rows.name in _AUTHORED:
        return {AUTHOR: scope.author}
    return {OWNER: scope.owner} if OWNER in rows.c else {}


def assign_owner(row: Base, scope: Scope) -> None:
    """Set the owner or author of a new row."""
    for name, value in owner_values(row, scope).items():
        setattr(row, name, value)


def _sql(number: ColumnElement[int] | int) -> ColumnElement[int]:
    return literal(number, BigInt) if isinstance(number, int) else number


def _column(rows: Any, name: str) -> Any:
    return rows.c[name] if isinstance(rows, FromClause) else getattr(rows, name)
