"""History entries in a PostgreSQL statement, with values encoded as by `encode`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.types import Date, Integer, String, Uuid

from todo_cli.models.tables import CHANGES, PROJECTS, SERIES, TODOS
from todo_cli.models.types import UtcDateTime


def line(
    place: int | ColumnElement[int],
    uuid: UUID | ColumnElement[UUID],
    field: str | ColumnElement[str],
    *,
    entity: str = "todo",
    todo: ColumnElement[int] | None = None,
    old: ColumnElement[str] | None = None,
    new: ColumnElement[str] | None = None,
) -> Select[*tuple[Any, ...]]:
    """Return a history entry; entries are sorted by the number of the todo and their place."""
    return select(
        (literal(0, Integer()) if todo is None else todo).label("todo"),
        (literal(place, Integer()) if isinstance(place, int) else place).label("place"),
        literal(entity, Text()).label("entity"),
        (literal(uuid, Uuid()) if isinstance(uuid, UUID) else uuid).label("uuid"),
        (literal(field, Text()) if isinstance(field, str) else field).label("field"),
        (cast(null(), Text()) if old is None else old).label("old"),
        (cast(null(), Text()) if new is None else new).label("new"),
    )


def write_history(gate: CTE, lines: Sequence[Select[Any]]) -> CTE:
    all_lines = union_all(*lines).subquery("lines")
    names = ("entity", "uuid", "field", "old", "new")
    rows = (
        select(gate.c.id, *(all_lines.c[name] for name in names))
        .select_from(gate.join(all_lines, true()))
        .order_by(all_lines.c.todo, all_lines.c.place)
    )
    return insert(CHANGES).from_select(["step_id", "entity", "entity_uuid", "field", "old", "new"], rows).cte("history")


# The same encodings as `encode`, applied by the database.


def quoted(text: ColumnElement[Any]) -> ColumnElement[str]:
    return '"' + cast(text, Text()) + '"'


def _instant(moment: ColumnElement[Any]) -> ColumnElement[str]:
    text = func.to_char(func.timezone("UTC", moment), 'YYYY-MM-DD"T"HH24:MI:SS.US', type_=Text())
    return func.replace(text, ".000000", "", type_=Text()) + "Z"


def _day(day: ColumnElement[Any]) -> ColumnElement[str]:
    return func.to_char(day, "YYYY-MM-DD", type_=Text())


def _when(day: ColumnElement[Any], moment: ColumnElement[Any]) -> ColumnElement[str]:
    on = _day(day)
    with_time = literal('{"on": "', Text()) + on + '", "at": "' + _instant(moment) + '"}'
    return case((day.is_(None), null()), (moment.is_(None), quoted(on)), else_=with_time)


def _uuid_of(table: Table, row: FromClause, reference: ColumnElement[Any]) -> ColumnElement[str]:
    return quoted(select(table.c.uuid).where(table.c.id == reference).correlate(row).scalar_subquery())


def _parent_uuid(row: FromClause) -> ColumnElement[Any]:
    parent = TODOS.alias("parent")
    return select(parent.c.uuid).where(parent.c.id == row.c.parent_id).correlate(row).scalar_subquery()


def tell_old(field: str, row: FromClause) -> ColumnElement[str]:
    """Return the encoded value of a field in a row of `todos`."""
    match field:
        case "project":
            return _uuid_of(PROJECTS, row, row.c.project_id)
        case "series":
            return _uuid_of(SERIES, row, row.c.series_id)
        case "parent":
            return quoted(_parent_uuid(row))
    if f"{field}_on" in TODOS.c:
        return _when(row.c[f"{field}_on"], row.c[f"{field}_at"])
    column = row.c[field]
    match TODOS.c[field].type:
        case UtcDateTime():
            return quoted(_instant(column))
        case Date():
            return quoted(_day(column))
        case String():
            return cast(func.to_json(column), Text())
    return cast(column, Text())
