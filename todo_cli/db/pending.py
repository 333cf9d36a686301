"""What a step is about to write, sent together: on a server each statement costs two round trips.

The parts do not depend on each other, so that they may be sent one after the other, as on SQLite, or as one statement
whose parts all see the database as it was when it began, as on PostgreSQL (its manual, 7.8.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Delete,
    Insert,
    Select,
    String,
    Subquery,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeEngine

from todo_cli.errors import BusyError
from todo_cli.models.tables import Base, Comment, Project, Series, Tag, User, derive
from todo_cli.models.text import fold

_tables = Base.metadata.tables


class Pending:
    """The writes that are still to be sent, and what has to be so for them to be right."""

    def __init__(self) -> None:
        self._created: list[User | Project | Tag | Comment] = []
        self._changed: dict[tuple[str, int], dict[str, object]] = {}
        self._statements: list[Update | Delete] = []
        self._history: list[dict[str, Any]] = []
        self._expectations: list[ColumnElement[bool]] = []

    def create(self, row: User | Project | Tag | Comment) -> None:
        """Insert the row. It is none of a session's, and has no number."""
        derive(row)
        self._created.append(row)

    def change(self, row: User | Project | Tag | Series | Comment, field: str, value: object) -> None:
        """Set the field; of the object at once, so that the session that loaded it does not write it as well."""
        values = {field: value, "key": fold(str(value))} if field == "name" else {field: value}
        for name, new in values.items():
            set_committed_value(row, name, new)
        if row.id is not None:  # else it is to be inserted, as it is by then
            self._changed.setdefault((row.__tablename__, row.id), {}).update(values)

    def execute(self, statement: Update | Delete) -> None:
        """Send that statement; where they do not all go together, after those that were given before it."""
        self._statements.append(statement)

    def note(self, step_id: int, entity: str, uuid: object, field: str, old: str | None, new: str | None) -> None:
        """Write a line of history."""
        line = {"step_id": step_id, "entity": entity, "entity_uuid": uuid, "field": field, "old": old, "new": new}
        self._history.append(line)

    def expect(self, condition: ColumnElement[bool]) -> None:
        """Write only if the condition holds then; else raise BusyError.

        Where one transaction writes at a time, as on SQLite, what it has read holds until its end.
        """
        self._expectations.append(condition)

    async def send(self, session: AsyncSession) -> None:
        """Write all of it. Raises BusyError if what is expected is not so any more."""
        if not (self._created or self._changed or self._statements or self._history):
            return
        if session.get_bind().dialect.name != "postgresql":
            await self._send_in_turn(session)
        elif (await session.execute(self._together())).first() is None:
            raise BusyError

    def _inserts(self) -> Iterable[tuple[Table, list[dict[str, Any]]]]:
        for row in self._created:
            table = _tables[row.__tablename__]
            yield table, [{column.name: getattr(row, column.name) for column in table.c if column.name != "id"}]
        if self._history:
            yield _tables["changes"], self._history

    def _updates(self) -> Iterable[tuple[Table, tuple[str, ...], list[dict[str, Any]]]]:
        """Return the changed rows with their numbers, those together of which the same columns change."""
        alike: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
        for (table, number), values in self._changed.items():
            alike.setdefault((table, tuple(values)), []).append({"id": number, **values})
        for (table, names), rows in alike.items():
            yield _tables[table], names, rows

    async def _send_in_turn(self, session: AsyncSession) -> None:
        for statement in self._statements:
            await session.execute(statement)
        for table, names, rows in self._updates():
            by_number = update(table).where(table.c.id == bindparam("number"))
            changes = by_number.values({name: bindparam(f"new_{name}") for name in names})
            parameters = [{"number": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows]
            await (await session.connection()).execute(changes, parameters)
        for table, rows in self._inserts():
            await (await session.connection()).execute(insert(table), rows)

    def _together(self) -> Select[tuple[int]]:
        """Return the one statement that writes all of it and returns a row, or does neither."""
        held = select(literal(1).label("one")).where(*self._expectations).cte("held")
        is_held = exists(select(held.c.one))
        parts: list[Update | Delete | Insert] = [statement.where(is_held) for statement in self._statements]
        for table, names, rows in self._updates():
            given = _as_table(table, ("id", *names), rows)
            by_number = update(table).where(table.c.id == given.c.id, is_held)
            parts.append(by_number.values({name: given.c[name] for name in names}))
        for table, rows in self._inserts():
            names = tuple(rows[0])
            given = _as_table(table, names, rows)
            kept = select(*(given.c[name] for name in names)).where(is_held).order_by(given.c.place)
            parts.append(insert(table).from_select(names, kept))
        return select(held.c.one).add_cte(*(part.cte(f"part_{number}") for number, part in enumerate(parts)))


def one_of(column: ColumnElement[Any], values: Sequence[object]) -> ColumnElement[bool]:
    """Return whether the column has one of the values, which are one parameter. For PostgreSQL."""
    value = func.unnest(_array(values)).column_valued("value")
    return column.in_(select(cast(value, column.type)))


def _as_table(table: Table, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> Subquery:
    """Return the rows as something to select from: a parameter for each column, however many rows there are."""
    arrays = [_array([row[name] for row in rows]) for name in names]
    texts = func.unnest(*arrays).table_valued(*names, with_ordinality="place").render_derived(name="texts")
    typed = (cast(texts.c[name], _plain(table.c[name].type)).label(name) for name in names)
    return select(*typed, texts.c.place).subquery("given")


def _array(values: Iterable[object]) -> ColumnElement[Any]:
    # Of texts: before it sends an array of another type, asyncpg asks the server about it, in six round trips.
    return literal([None if value is None else _text(value) for value in values], ARRAY(Text()))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type without a collation, which no value is cast to."""
    return Text() if isinstance(type_, String) else type_
