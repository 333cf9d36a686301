"""The pending writes of a step, which are sent together, because each statement costs two round trips on a server.

The writes are independent, so they can be sent one after the other on SQLite, and as one statement on PostgreSQL, whose
parts all see the database as it was when the statement began (PostgreSQL manual, 7.8.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BindParameter,
    ColumnElement,
    Delete,
    Insert,
    Select,
    String,
    Subquery,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeEngine, Uuid

from todo_cli.db.scope import OWNER
from todo_cli.errors import BusyError
from todo_cli.models.tables import (
    CHANGES,
    DEPENDENCIES,
    PROJECTS,
    SERIES,
    TAGS,
    TODO_TAGS,
    TODOS,
    Base,
    Comment,
    Project,
    Series,
    Tag,
    Todo,
    User,
    derive,
    table_of,
)
from todo_cli.models.text import fold

LINKS = {
    "tag": (TODO_TAGS, "tag_id", TAGS),
    "depends": (DEPENDENCIES, "depends_on_id", TODOS),
}
"""Sets of a todo: the table of links, its column for the other row, and the table of that row."""

REFERENCES = {"project": PROJECTS, "series": SERIES, "parent": TODOS}
"""Fields of a todo that refer to one row, and its table; the column is the field with `_id`."""

LINE = ("step_id", "entity", "entity_uuid", "field", "old", "new")
"""The columns of a history entry."""

_RESTATED = tuple(
    column.name
    for column in TODOS.c
    if column.name not in ("id", "uuid", OWNER, "created_at", *(f"{field}_id" for field in REFERENCES))
)


class Pending:
    """The writes to send, and the conditions that must hold for them."""

    def __init__(self) -> None:
        self._created: list[User | Project | Tag | Comment] = []
        self._changed: dict[tuple[str, int], dict[str, object]] = {}
        self._restated: list[dict[str, Any]] = []
        self._linked: dict[tuple[str, bool], list[dict[str, Any]]] = {}
        self._statements: list[Update | Delete | Select[Any]] = []
        self._history: list[dict[str, Any]] = []
        self._expectations: list[ColumnElement[bool]] = []

    def create(self, row: User | Project | Tag | Comment) -> None:
        """Insert the row, which must be in no session and have no number."""
        derive(row)
        self._created.append(row)

    def change(self, row: User | Project | Tag | Series | Comment, field: str, value: object) -> None:
        """Set the field. The object is updated as if loaded, so that its session does not write it as well."""
        values = {field: value, "key": fold(str(value))} if field == "name" else {field: value}
        for name, new in values.items():
            set_committed_value(row, name, new)
        if row.id is not None:  # otherwise it will be inserted with the new values
            self._changed.setdefault((row.__tablename__, row.id), {}).update(values)

    def update(self, table: Table, number: int, values: Mapping[str, object]) -> None:
        """Set columns of the row with that number."""
        self._changed.setdefault((table.name, number), {}).update(values)

    def restate(self, todo: Todo, references: Mapping[str, UUID | None]) -> None:
        """Write all columns of a todo that is in no session; `references` has the uuids for `REFERENCES`.

        They may be those of rows inserted together with it. A reference to a row that no longer exists becomes None.
        """
        derive(todo)
        columns = {name: getattr(todo, name) for name in _RESTATED}
        self._restated.append({"id": todo.id, **columns, **{field: references[field] for field in REFERENCES}})

    def link(self, field: str, todo_id: int, other: UUID, *, off: bool = False) -> None:
        """Add the row with that uuid to one of the `LINKS` of a todo, or with `off` remove it.

        The row may be inserted together with the link. A row that no longer exists is skipped.
        """
        self._linked.setdefault((field, off), []).append({"todo_id": todo_id, "other": other})

    def execute(self, statement: Update | Delete) -> None:
        """Send the statement; if writes are sent one by one, in the order of the calls."""
        self._statements.append(statement)

    def note_found(self, lines: Select[Any]) -> None:
        """Write the history entries that the statement selects, with the columns `LINE`, in the order of `execute`."""
        self._statements.append(lines)

    def note(self, step_id: int, entity: str, uuid: object, field: str, old: str | None, new: str | None) -> None:
        """Write a history entry."""
        line = {"step_id": step_id, "entity": entity, "entity_uuid": uuid, "field": field, "old": old, "new": new}
        self._history.append(line)

    def expect(self, condition: ColumnElement[bool]) -> None:
        """Write only if the condition holds when the writes are sent; otherwise `send` raises BusyError.

        SQLite has a single writer, so what a transaction has read cannot change.
        """
        self._expectations.append(condition)

    async def send(self, session: AsyncSession) -> None:
        """Send all writes; raises BusyError if a condition no longer holds."""
        if not (self._created or self._changed or self._restated or self._linked or self._statements or self._history):
            return
        if session.get_bind().dialect.name != "postgresql":
            await self._send_in_turn(session)
        elif (await session.execute(self._together())).first() is None:
            raise BusyError

    def _creations(self) -> Iterable[tuple[Table, list[dict[str, Any]]]]:
        for row in self._created:
            table = table_of(type(row))
            yield table, [{column.name: getattr(row, column.name) for column in table.c if column.name != "id"}]

    def _updates(self) -> Iterable[tuple[Table, tuple[str, ...], list[dict[str, Any]]]]:
        """Yield the changed rows with their numbers, grouped by the changed columns."""
        alike: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
        for (table, number), values in self._changed.items():
            alike.setdefault((table, tuple(values)), []).append({"id": number, **values})
        for (table, names), rows in alike.items():
            yield Base.metadata.tables[table], names, rows

    async def _send_in_turn(self, session: AsyncSession) -> None:
        connection = await session.connection()
        for table, rows in self._creations():
            await connection.execute(insert(table), rows)
        if self._restated:
            await connection.execute(_restate_by_number(), _as_new(self._restated))
        for (field, off), rows in self._linked.items():
            await connection.execute(_link_by_number(field, off=off), _as_new(rows))
        for statement in self._statements:
            await session.execute(_insert_lines(statement) if isinstance(statement, Select) else statement)
        for table, names, rows in self._updates():
            by_number = update(table).where(table.c.id == bindparam("new_id"))
            changes = by_number.values({name: bindparam(f"new_{name}") for name in names})
            await connection.execute(changes, _as_new(rows))
        if self._history:
            await connection.execute(insert(CHANGES), self._history)

    def _together(self) -> Select[tuple[int]]:
        """Return a single statement that writes everything and returns a row, or does neither."""
        held = select(literal(1).label("one")).where(*self._expectations).cte("held")
        is_held = exists(select(held.c.one))
        made: dict[Table, list[CTE]] = {}
        for number, (table, rows) in enumerate(self._creations()):
            inserted = _insert_given(table, rows, is_held).returning(table.c.id, table.c.uuid)
            made.setdefault(table, []).append(inserted.cte(f"made_{number}"))
        parts: list[Update | Delete | Insert] = []
        for statement in self._statements:
            held_back = statement.where(is_held)
            parts.append(_insert_lines(held_back) if isinstance(held_back, Select) else held_back)
        if self._restated:
            parts.append(_restate_given(self._restated, made, is_held))
        for (field, off), rows in self._linked.items():
            parts.append(_link_given(field, rows, made, is_held, off=off))
        for table, names, rows in self._updates():
            given = _as_table(_types(table, ("id", *names)), rows)
            by_number = update(table).where(table.c.id == given.c.id, is_held)
            parts.append(by_number.values({name: given.c[name] for name in names}))
        if self._history:
            parts.append(_insert_given(CHANGES, self._history, is_held))
        ctes = [part.cte(f"part_{number}") for number, part in enumerate(parts)]
        return select(held.c.one).add_cte(*(cte for found in made.values() for cte in found), *ctes)


def _insert_lines(lines: Select[Any]) -> Insert:
    return insert(CHANGES).from_select(LINE, lines)


def _as_new(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows as parameters, whose names must differ from those of columns."""
    return [{f"new_{name}": value for name, value in row.items()} for row in rows]


def _restate_by_number() -> Update:
    """Return the statement that writes a todo for each set of parameters."""
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _RESTATED}
    for field, table in REFERENCES.items():
        columns[f"{field}_id"] = _number_of(table, bindparam(f"new_{field}", type_=Uuid()))
    return update(TODOS).where(TODOS.c.id == bindparam("new_id")).values(columns)


def _restate_given(rows: Sequence[dict[str, Any]], made: Mapping[Table, Sequence[CTE]], condition: Any) -> Update:
    references: dict[str, TypeEngine[Any]] = {field: Uuid() for field in REFERENCES}
    given = _as_table({**_types(TODOS, ("id", *_RESTATED)), **references}, rows)
    columns: dict[str, Any] = {name: given.c[name] for name in _RESTATED}
    for field, table in REFERENCES.items():
        columns[f"{field}_id"] = _number_of(_known(table, made), given.c[field])
    return update(TODOS).where(TODOS.c.id == given.c.id, condition).values(columns)


def _link_by_number(field: str, *, off: bool) -> Insert | Delete:
    """Return the statement that adds or removes a link for each set of parameters."""
    links, column, table = LINKS[field]
    todo_id: BindParameter[int] = bindparam("new_todo_id")
    other = bindparam("new_other", type_=Uuid())
    if off:
        return delete(links).where(links.c.todo_id == todo_id, links.c[column] == _number_of(table, other))
    return insert(links).from_select(["todo_id", column], select(todo_id, table.c.id).where(table.c.uuid == other))


def _link_given(
    field: str, rows: Sequence[dict[str, Any]], made: Mapping[Table, Sequence[CTE]], condition: Any, *, off: bool
) -> Insert | Delete:
    links, column, table = LINKS[field]
    given = _as_table({"todo_id": links.c.todo_id.type, "other": Uuid()}, rows)
    known = _known(table, made)
    if off:
        is_other = and_(known.c.uuid == given.c.other, links.c[column] == known.c.id)
        return delete(links).where(links.c.todo_id == given.c.todo_id, is_other, condition)
    pairs = select(given.c.todo_id, known.c.id).join(known, known.c.uuid == given.c.other).where(condition)
    return insert(links).from_select(["todo_id", column], pairs)


def _known(table: Table, made: Mapping[Table, Sequence[CTE]]) -> Table | Subquery:
    """Return the rows with `id` and `uuid`, including those that the same statement inserts."""
    if table not in made:
        return table
    there = select(table.c.id, table.c.uuid)
    return union_all(there, *(select(cte.c.id, cte.c.uuid) for cte in made[table])).subquery()


def _number_of(table: Table | Subquery, uuid: ColumnElement[Any]) -> Any:
    row = table.alias()  # which is not the one that is written
    return select(row.c.id).where(row.c.uuid == uuid).scalar_subquery()


def _insert_given(table: Table, rows: Sequence[dict[str, Any]], condition: Any) -> Insert:
    names = tuple(rows[0])
    given = _as_table(_types(table, names), rows)
    kept = select(*(given.c[name] for name in names)).where(condition).order_by(given.c.place)
    return insert(table).from_select(names, kept)


def one_of(column: ColumnElement[Any], values: Sequence[object]) -> ColumnElement[bool]:
    """Return whether the column has one of the values, which are a single parameter (PostgreSQL only)."""
    value = func.unnest(_array(values)).column_valued("value")
    return column.in_(select(cast(value, column.type)))


def _types(table: Table, names: Iterable[str]) -> dict[str, TypeEngine[Any]]:
    return {name: table.c[name].type for name in names}


def _as_table(types: Mapping[str, TypeEngine[Any]], rows: Sequence[dict[str, Any]]) -> Subquery:
    """Return the rows as a table, with one parameter for each column, whatever the number of rows."""
    arrays = [_array([row[name] for row in rows]) for name in types]
    texts = func.unnest(*arrays).table_valued(*types, with_ordinality="place").render_derived(name="texts")
    typed = (cast(texts.c[name], _plain(type_)).label(name) for name, type_ in types.items())
    return select(*typed, texts.c.place).subquery("given")


def _array(values: Iterable[object]) -> ColumnElement[Any]:
    # Of texts: before it sends an array of another type, asyncpg asks the server about it, in six round trips.
    return literal([None if value is None else _text(value) for value in values], ARRAY(Text()))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type without a collation, which no value is cast to."""
    return Text() if isinstance(type_, String) else type_
