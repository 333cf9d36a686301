"""Rebuild the rows of a user's list from history alone, to compare them with the stored rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Table, select

from todo_cli.db.database import Database
from todo_cli.db.scope import owned
from todo_cli.db.write.decoding import decode
from todo_cli.db.write.pending import LINKS, REFERENCES
from todo_cli.db.write.step import COMMENT_FIELDS, SERIES_FIELDS, TODO_FIELDS, UNSAID, Transaction, encode
from todo_cli.models.tables import Base
from todo_cli.models.values import When

_TABLES = Base.metadata.tables
_STEPS, _CHANGES, _TODOS, _COMMENTS = (_TABLES[name] for name in ("steps", "changes", "todos", "comments"))

FIELDS = {
    "todo": TODO_FIELDS,
    "project": ("name", "archived_at"),
    "tag": ("name",),
    "series": SERIES_FIELDS,
    "comment": ("todo", *COMMENT_FIELDS),
}
NOT_SAID_BEFORE = ("created_at",)
"""Fields that start with the time of the step, which the history does not repeat."""

Key = tuple[str, UUID]


@dataclass
class Replay:
    """The result of the history: the final rows, and each line that does not fit the previous one."""

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    misfits: list[str] = field(default_factory=list)

    def follow(self, entity: str, uuid: UUID, name: str, old: Any, new: Any) -> None:
        """Apply one line."""
        key = (entity, uuid)
        if name == "exists":
            if (key in self.rows) is (old is None) and not (entity == "todo" and new is None):
                self.misfits.append(f"{key} exists: {old} -> {new}")
            if new is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = {each: UNSAID.get(each) for each in FIELDS[entity]}
                if entity == "todo":
                    self.rows[key] |= {link: set() for link in LINKS}
            return
        row = self.rows.get(key)
        if row is None:
            # The fields of a removed row are recorded before its removal; no line may follow it.
            self.misfits.append(f"{key} is gone or not there yet: {name} {old} -> {new}")
        elif name in LINKS:
            if (old is not None and old not in row[name]) or (new is not None and new in row[name]):
                self.misfits.append(f"{key} {name}: {old} -> {new}, it has {row[name]}")
            row[name] = (row[name] - {old}) | ({new} - {None})
        elif name in row:
            if row[name] != old and not (old is None and row[name] == UNSAID.get(name)) and name not in NOT_SAID_BEFORE:
                self.misfits.append(f"{key} {name}: {old} -> {new}, it is {row[name]}")
            row[name] = new


async def replay(db: Database) -> Replay:
    """Apply all lines of the user's history in the order of their numbers, and return the result."""

    async def read(transaction: Transaction) -> Replay:
        lines = (
            select(*(_CHANGES.c[name] for name in ("entity", "entity_uuid", "field", "old", "new")))
            .join(_STEPS, _STEPS.c.id == _CHANGES.c.step_id)
            .where(owned(_STEPS, transaction.scope), _CHANGES.c.entity != "user")
            .order_by(_CHANGES.c.id)
        )
        found = Replay()
        for entity, uuid, name, old, new in (await transaction.session.execute(lines)).all():
            found.follow(entity, uuid, name, *(_value(name, text) for text in (old, new)))
        return found

    return await db.read(read)


def _value(name: str, text: str | None) -> Any:
    return True if name == "exists" and text else decode(name, None if text is None else json.loads(text))


async def stored(db: Database) -> dict[Key, dict[str, Any]]:
    """Return the user's rows in the form of `Replay.rows`."""

    async def read(transaction: Transaction) -> dict[Key, dict[str, Any]]:
        uuids: dict[Table, dict[int, UUID]] = {}

        async def rows_of(table: FromClause, *, mine: bool = True) -> list[dict[str, Any]]:
            statement = select(table).where(owned(table, transaction.scope)) if mine else select(table)
            return [dict(row) for row in (await transaction.session.execute(statement)).mappings()]

        found: dict[Key, dict[str, Any]] = {}
        for entity, name in (("series", "series"), ("project", "projects"), ("tag", "tags"), ("todo", "todos")):
            rows = await rows_of(_TABLES[name])
            uuids[_TABLES[name]] = {row["id"]: row["uuid"] for row in rows}
            for row in rows:
                values = row | _todo_fields(row, uuids) if entity == "todo" else row
                found[entity, row["uuid"]] = {each: values[each] for each in FIELDS[entity]}
        todos = uuids[_TODOS]
        for link, (table, column, other) in LINKS.items():
            for uuid in todos.values():
                found["todo", uuid][link] = set()
            for row in await rows_of(table, mine=False):
                if row["todo_id"] in todos:
                    found["todo", todos[row["todo_id"]]][link].add(uuids[other][row[column]])
        for row in await rows_of(_COMMENTS):
            row["todo"] = todos[row["todo_id"]]
            found["comment", row["uuid"]] = {each: row[each] for each in FIELDS["comment"]}
        return found

    return await db.read(read)


def _todo_fields(row: dict[str, Any], uuids: dict[Table, dict[int, UUID]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("due", "scheduled"):
        values[name] = When(row[f"{name}_on"], row[f"{name}_at"]) if row[f"{name}_on"] else None
    for name, table in REFERENCES.items():
        values[name] = row[f"{name}_id"] and uuids[table][row[f"{name}_id"]]
    return values


async def check_replay(db: Database) -> None:
    """Assert that replaying the history from its beginning gives the stored rows."""
    replayed = await replay(db)
    rows = await stored(db)
    assert not replayed.misfits, "\n".join(replayed.misfits)
    rebuilt, there = _plain(replayed.rows), _plain(rows)
    differing = [key for key in {**rebuilt, **there} if rebuilt.get(key) != there.get(key)]
    assert not differing, "\n".join(f"{key}: replayed {rebuilt.get(key)}, stored {there.get(key)}" for key in differing)


def _plain(rows: dict[Key, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    def form(value: Any) -> Any:
        return sorted(map(str, value)) if isinstance(value, set) else encode(value)

    return {
        f"{entity} {uuid}": {name: form(value) for name, value in row.items()} for (entity, uuid), row in rows.items()
    }
