"""Starting and ending series, and creating next occurrences, as parts of a PostgreSQL statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    Values,
    and_,
    case,
    cast,
    column,
    distinct,
    exists,
    false,
    func,
    literal,
    select,
    true,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Uuid

from todo_cli.db.read.columns import column_names
from todo_cli.db.read.json_sql import json_rows
from todo_cli.db.scope import OWNER, Scope, owner_values
from todo_cli.db.write.edits import Later
from todo_cli.db.write.history_lines import line, quoted
from todo_cli.db.write.step import creation_changes, encode
from todo_cli.models.fields import FIELDS, Inherit
from todo_cli.models.tables import PROJECTS, SERIES, TAGS, TODO_TAGS, TODOS, Series, Todo, derive
from todo_cli.models.types import UtcDateTime
from todo_cli.models.values import Status

_COPIED = [name for field in FIELDS.find(inherit=Inherit.COPY) for name in column_names(field)]
_INHERITED = (OWNER, "series_id", *_COPIED, *(name for each in _COPIED if (name := f"{each}_folded") in TODOS.c))
"""The columns that the next occurrence inherits."""

_OWN = tuple(name for name in TODOS.c.keys() if name not in ("id", *_INHERITED))  # noqa: SIM118 - columns, not keys


def recurs(todos: FromClause) -> ColumnElement[bool]:
    """Return whether the todo belongs to a series that has not ended."""
    return exists().where(SERIES.c.id == todos.c.series_id, SERIES.c.ended_at.is_(None)).correlate(todos)


def list_later(todos: FromClause) -> ColumnElement[str]:
    """Return the later occurrences of the todo's series with their states (see `Later`), in JSON."""
    later = TODOS.alias("later")
    state = case(
        (later.c.deleted_at.is_(None), Later.KEPT.value),
        (later.c.status == Status.OPEN.value, Later.TRASHED.value),
        else_=Later.GONE.value,
    )
    found = select(json_rows(later.c.occurrence, state)).where(
        later.c.series_id == todos.c.series_id, later.c.occurrence > todos.c.occurrence
    )
    return found.correlate(todos).scalar_subquery()


class Beginnings:
    """New series, by the uuid of their todo."""

    def __init__(self, series: Mapping[UUID, Series]) -> None:
        self._series = series
        names = ("uuid", "rrule", "dtstart_local", "tzid", "after_completion")
        self._given = _as_values(
            "beginnings",
            [
                column("todo", Uuid()),
                column("occurrence", Text()),
                *(column(name, SERIES.c[name].type) for name in names),
            ],
            [
                (todo, row.first_occurrence, *(getattr(row, name) for name in names))
                for todo, row in sorted(series.items(), key=str)
            ],
        )
        self._names = names

    def insert(self, gate: CTE, now: datetime) -> CTE:
        """Return the new series: `id` and `uuid`."""
        if not self._series:
            return select(SERIES.c.id, SERIES.c.uuid).where(false()).cte("begun")
        owner = owner_values(SERIES, Scope.given(gate))
        rows = select(
            *owner.values(), literal(now, UtcDateTime()), *(self._given.c[name] for name in self._names)
        ).select_from(gate.join(self._given, true()))
        return (
            insert(SERIES)
            .from_select([*owner, "created_at", *self._names], rows)
            .returning(SERIES.c.id, SERIES.c.uuid)
            .cte("begun")
        )

    def occurrence_of(self, todos: FromClause) -> Any:
        """Return the occurrence of the todo in its new series."""
        found = select(self._given.c.occurrence).where(self._given.c.todo == todos.c.uuid)
        return found.correlate(todos).scalar_subquery()

    def number_of(self, todos: FromClause, begun: CTE) -> Any:
        """Return the number of the todo's new series."""
        joined = begun.join(self._given, self._given.c.uuid == begun.c.uuid)
        found = select(begun.c.id).select_from(joined).where(self._given.c.todo == todos.c.uuid)
        return found.correlate(todos).scalar_subquery()

    def uuid_of(self, todos: FromClause) -> Any:
        """Return the uuid of the todo's new series."""
        return select(self._given.c.uuid).where(self._given.c.todo == todos.c.uuid).correlate(todos).scalar_subquery()

    def creations(self) -> list[Select[Any]]:
        """Return the history of the new series."""
        return [
            line(place, row.uuid, field, entity=Series.entity, new=literal(encode(new), Text()))
            for row in self._series.values()
            for place, (field, new) in enumerate(creation_changes(row), start=-20)
        ]


def hold_series(changing: CTE) -> ColumnElement[bool]:
    """Lock the series; return whether all of them could be locked and have not ended."""
    theirs = select(changing.c.series_id).where(changing.c.recurs)
    held = (
        select(SERIES.c.id)
        .where(SERIES.c.id.in_(theirs), SERIES.c.ended_at.is_(None))
        .order_by(SERIES.c.id)
        .with_for_update(key_share=True, skip_locked=True)
        .cte("held_series")
    )
    wanted = select(func.count(distinct(changing.c.series_id))).where(changing.c.recurs).scalar_subquery()
    return select(func.count()).select_from(held).scalar_subquery() == wanted


def end_series(changing: CTE, now: datetime, is_open: ColumnElement[bool]) -> CTE:
    """End the series; return their uuids."""
    theirs = select(changing.c.series_id).where(changing.c.recurs)
    return (
        update(SERIES)
        .where(SERIES.c.id.in_(theirs), SERIES.c.ended_at.is_(None), is_open)
        .values(ended_at=now)
        .returning(SERIES.c.uuid)
        .cte("ended")
    )


def tell_endings(ended: CTE, now: datetime) -> Select[Any]:
    """Return the history of the series that ended."""
    told = literal(encode(now), Text())
    return line(-1, ended.c.uuid, "ended_at", entity=Series.entity, new=told).select_from(ended)


class Successors:
    """Next occurrences, by the uuid of their todo."""

    def __init__(self, rows: Mapping[UUID, Sequence[Todo]]) -> None:
        self._rows = [(predecessor, row) for predecessor, heirs in rows.items() for row in heirs]
        for _, row in self._rows:
            derive(row)
        self._given = _as_values(
            "given",
            [column("predecessor", Uuid()), *(column(name, _plain(TODOS.c[name])) for name in _OWN)],
            [(predecessor, *(getattr(row, name) for name in _OWN)) for predecessor, row in self._rows],
        )

    def insert(self, changed: CTE) -> CTE:
        """Return the new todos: `id`, `uuid`, and the inherited columns."""
        # PostgreSQL gives a column with only NULL the type text.
        own = (cast(self._given.c[name], _plain(TODOS.c[name])) for name in _OWN)
        rows = (
            select(*(changed.c[name] for name in _INHERITED), *own)
            .select_from(self._joined(changed))
            .order_by(changed.c.id, self._given.c.occurrence)
        )
        return (
            insert(TODOS)
            .from_select([*_INHERITED, *_OWN], rows)
            .returning(TODOS.c.id, TODOS.c.uuid, TODOS.c.project_id, TODOS.c.series_id, TODOS.c.parent_id)
            .cte("born")
        )

    def _joined(self, todos: FromClause) -> FromClause:
        return todos.join(self._given, self._given.c.predecessor == todos.c.uuid)

    def link(self, born: CTE, changed: CTE) -> CTE:
        """Return the links to tags that the new todos inherit."""
        pairs = select(born.c.id, TODO_TAGS.c.tag_id).select_from(
            self._joined(changed)
            .join(born, born.c.uuid == self._given.c.uuid)
            .join(TODO_TAGS, TODO_TAGS.c.todo_id == changed.c.id)
        )
        return (
            insert(TODO_TAGS)
            .from_select(["todo_id", "tag_id"], pairs)
            .returning(TODO_TAGS.c.todo_id, TODO_TAGS.c.tag_id)
            .cte("handed_on")
        )

    def creations(self, born: CTE, handed_on: CTE) -> list[Select[Any]]:
        """Return the history of the new todos."""
        told = _as_values(
            "told",
            [
                column("uuid", Uuid()),
                column("place", TODOS.c.version.type),
                column("field", Text()),
                column("new", Text()),
            ],
            [
                (row.uuid, place, field, encode(new))
                for _, row in self._rows
                for place, (field, new) in enumerate(creation_changes(row))
            ],
        )
        fields = line(told.c.place, born.c.uuid, told.c.field, todo=born.c.id, new=told.c.new).select_from(
            told.join(born, born.c.uuid == told.c.uuid)
        )
        last = len(TODOS.c)
        project = line(last, born.c.uuid, "project", todo=born.c.id, new=quoted(PROJECTS.c.uuid)).select_from(
            born.join(PROJECTS, PROJECTS.c.id == born.c.project_id)
        )
        older = TODOS.alias("older")
        parent = line(last + 2, born.c.uuid, "parent", todo=born.c.id, new=quoted(older.c.uuid)).select_from(
            born.join(older, older.c.id == born.c.parent_id)
        )
        series = line(last + 1, born.c.uuid, "series", todo=born.c.id, new=quoted(SERIES.c.uuid)).select_from(
            born.join(SERIES, SERIES.c.id == born.c.series_id)
        )
        tags = line(last + 3, born.c.uuid, "tag", todo=born.c.id, new=quoted(TAGS.c.uuid)).select_from(
            born.join(handed_on, handed_on.c.todo_id == born.c.id).join(TAGS, TAGS.c.id == handed_on.c.tag_id)
        )
        return [fields, project, series, parent, tags]

    def list_numbers(self, todos: FromClause, born: CTE) -> ColumnElement[str]:
        """Return the uuid and number of each next occurrence of this todo, in JSON."""
        joined = born.join(self._given, self._given.c.uuid == born.c.uuid)
        found = select(json_rows(born.c.uuid, born.c.id)).select_from(joined)
        return found.where(self._given.c.predecessor == todos.c.uuid).correlate(todos).scalar_subquery()


def _as_values(name: str, columns: Sequence[Any], rows: Iterable[tuple[object, ...]]) -> Values:
    return values(*columns, name=name).data(list(rows))


def _plain(named: Column[Any]) -> Any:
    return Text() if isinstance(named.type, Text) else named.type


def is_version(versions: Mapping[UUID, int], todos: Table = TODOS) -> ColumnElement[bool]:
    """Return whether the todo is one of these, by uuid, at the given version."""
    known = _as_values(
        "versions",
        [column("uuid", Uuid()), column("version", todos.c.version.type)],
        sorted(versions.items(), key=str),
    )
    return exists().where(and_(known.c.uuid == todos.c.uuid, known.c.version == todos.c.version)).correlate(todos)
