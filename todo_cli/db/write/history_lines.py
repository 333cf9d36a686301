"""History as one statement of PostgreSQL writes it: its lines, and values as `encode` gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from sqlalchemy.types import Integer, Uuid

from todo_cli.models.tables import Base

CHANGES, PROJECTS, SERIES, TODOS = (Base.metadata.tables[name] for name in ("changes", "projects", "series", "todos"))


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
    """Return one line of history; lines are sorted by the todo's number and their place."""
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


# What `encode` makes of a value, made by the database of the value it has.


def quoted(text: ColumnElement[Any]) -> ColumnElement[str]:
    return '"' + cast(text, Text()) + '"'


def _instant(moment: ColumnElement[Any]) -> ColumnElement[str]:
    text = func.to_char(func.timezone("UTC", moment), 'YYYY-MM-DD"T"HH24:MI:SS.US', type_=Text())
    return func.replace(text, ".000000", "", type_=Text()) + "Z"


def _when(day: ColumnElement[Any], moment: ColumnElement[Any]) -> ColumnElement[str]:
    on = func.to_char(day, "YYYY-MM-DD", type_=Text())
    with_time = literal('{"on": "', Text()) + on + '", "at": "' + _instant(moment) + '"}'
    return case((day.is_(None), null()), (moment.is_(None), quoted(on)), else_=with_time)


def _uuid_of(table: Table, row: FromClause, reference: ColumnElement[Any]) -> ColumnElement[str]:
    return quoted(select(table.c.uuid).where(table.c.id == reference).correlate(row).scalar_subquery())


def _parent_uuid(row: FromClause) -> ColumnElement[Any]:
    parent = TODOS.alias("parent")
    return select(parent.c.uuid).where(parent.c.id == row.c.parent_id).correlate(row).scalar_subquery()


OLD: Mapping[str, Callable[[FromClause], ColumnElement[str]]] = {
    "title": lambda row: cast(func.to_json(row.c.title), Text()),
    "description": lambda row: cast(func.to_json(row.c.description), Text()),
    "status": lambda row: quoted(row.c.status),
    "priority": lambda row: cast(row.c.priority, Text()),
    "project": lambda row: _uuid_of(PROJECTS, row, row.c.project_id),
    "due": lambda row: _when(row.c.due_on, row.c.due_at),
    "scheduled": lambda row: _when(row.c.scheduled_on, row.c.scheduled_at),
    "wait_until": lambda row: quoted(_instant(row.c.wait_until)),
    "expires_at": lambda row: quoted(_instant(row.c.expires_at)),
    "series": lambda row: _uuid_of(SERIES, row, row.c.series_id),
    "occurrence": lambda row: quoted(row.c.occurrence),
    "parent": lambda row: quoted(_parent_uuid(row)),
    "started_at": lambda row: quoted(_instant(row.c.started_at)),
    "completed_at": lambda row: quoted(_instant(row.c.completed_at)),
    "deleted_at": lambda row: quoted(_instant(row.c.deleted_at)),
}
