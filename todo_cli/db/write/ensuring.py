"""Get or create projects and tags, as parts of a PostgreSQL statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import CTE, Select, Table, Text, Values, column, false, func, literal, select, true, union_all, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Uuid

from todo_cli.db.scope import Scope, owned, owner_values
from todo_cli.db.write.history_lines import line
from todo_cli.db.write.step import encode
from todo_cli.models.text import fold
from todo_cli.models.types import UtcDateTime


@dataclass(frozen=True)
class Wanted:
    """Projects or tags to get or create: a row for each with `key`, `name`, a new `uuid`, and `told`."""

    table: Table
    rows: Values
    keys: Sequence[str]

    @classmethod
    def make(cls, table: Table, names: Iterable[str]) -> Wanted:
        by_key = {fold(name): name for name in names}
        rows = values(
            column("key", Text()),
            column("name", Text()),
            column("uuid", Uuid()),
            column("told", Text()),
            name=f"wanted_{table.name}",
        ).data([(key, name, uuid4(), encode(name)) for key, name in sorted(by_key.items())])
        return cls(table, rows, sorted(by_key))

    def creations(self, ensured: CTE) -> list[Select[Any]]:
        """Return the history of those that were created."""
        if not self.keys:
            return []
        entity = self.table.name.removesuffix("s")
        made = ensured.join(self.rows, self.rows.c.uuid == ensured.c.uuid)
        first = {"projects": -4, "tags": -2}[self.table.name]
        return [
            line(first, ensured.c.uuid, "exists", entity=entity, new=literal("true", Text())).select_from(made),
            line(first + 1, ensured.c.uuid, "name", entity=entity, new=self.rows.c.told).select_from(made),
        ]


def ensure(wanted: Wanted, gate: CTE, now: datetime, after: CTE | None = None) -> CTE:
    """Return the rows with `id`, `uuid`, `name` and `key`: existing ones, locked against deletion, or new ones.

    If another command is creating the same row, this waits for it and returns its row; `after` is read first.
    """
    table, rows = wanted.table, wanted.rows
    columns = (table.c.id, table.c.uuid, table.c.name, table.c.key)
    if not wanted.keys:
        return select(*columns).where(false()).cte(f"no_{table.name}")
    in_turn = true() if after is None else select(func.count()).select_from(after).scalar_subquery() >= 0
    found = (
        select(*columns)
        .where(owned(table, Scope.given(gate)), table.c.key.in_(wanted.keys), in_turn)
        .order_by(table.c.key)
        .with_for_update(read=True, key_share=True, of=table)
        .cte(f"found_{table.name}")
    )
    created_at = {"created_at": literal(now, UtcDateTime())} if "created_at" in table.c else {}
    owner = owner_values(table, Scope.given(gate))
    missing = (
        select(*owner.values(), rows.c.uuid, rows.c.name, rows.c.key, *created_at.values())
        .select_from(gate.join(rows, true()))
        .where(rows.c.key.not_in(select(found.c.key)))
        .order_by(rows.c.key)
    )
    made = (
        insert(table)
        .from_select([*owner, "uuid", "name", "key", *created_at], missing)
        # Not DO NOTHING, which returns no row if another command has created it meanwhile.
        .on_conflict_do_update(index_elements=[*owner, "key"], set_={"name": table.c.name})
        .returning(*columns)
        .cte(f"made_{table.name}")
    )
    return union_all(select(found), select(made)).cte(f"ensured_{table.name}")
