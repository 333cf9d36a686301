"""Add more dates to todos, and series for recurring todos.

No table is rebuilt: SQLite adds these columns in place, regardless of the number of rows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from todo_cli.db.schema.downgrading import (
    close_step,
    instant_in_json,
    is_postgresql,
    open_step,
    raise_versions,
    record_loss,
    text_in_json,
    uuid_in_json,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def big_integer() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def binary_text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def instant() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("id", big_integer(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_id", big_integer(), nullable=False),
        sa.Column("rrule", sa.Text(), nullable=False),
        sa.Column("dtstart_local", sa.Text(), nullable=False),
        sa.Column("tzid", sa.Text(), nullable=False),
        sa.Column("after_completion", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("ended_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("uuid", name="uq_series_uuid"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_series_user_id"),
        sa.CheckConstraint("length(rrule) BETWEEN 1 AND 2000", name=op.f("ck_series_rrule_length")),
        sqlite_autoincrement=True,
    )
    add("scheduled_on", sa.Date())
    add(
        "scheduled_at", instant(), check=("scheduled_time_has_date", "scheduled_at IS NULL OR scheduled_on IS NOT NULL")
    )
    add("wait_until", instant())
    add("expires_at", instant())
    add("series_id", big_integer(), references="series")
    add("occurrence", binary_text(), check=("occurrence_of_series", "(series_id IS NULL) = (occurrence IS NULL)"))
    op.create_index("ix_todos_series_id_occurrence", "todos", ["series_id", "occurrence"], unique=True)
    done = sa.text("completed_at IS NOT NULL AND deleted_at IS NULL")
    columns = ["user_id", "completed_at"]
    op.create_index("ix_todos_completed", "todos", columns, sqlite_where=done, postgresql_where=done)
    undone = sa.text("undone_by IS NOT NULL")
    op.create_index("ix_steps_undone_by", "steps", ["undone_by"], sqlite_where=undone, postgresql_where=undone)


def add(
    name: str,
    type_: sa.types.TypeEngine[Any],
    *,
    references: str | None = None,
    check: tuple[str, str] | None = None,
) -> None:
    """Add a nullable column together with its constraints, which SQLite cannot add afterwards."""
    statement = f"ALTER TABLE todos ADD COLUMN {name} {type_.compile(op.get_context().dialect)}"
    if references:
        statement += f" CONSTRAINT fk_todos_{name} REFERENCES {references} (id)"
    if check:
        statement += f" CONSTRAINT ck_todos_{check[0]} CHECK ({check[1]})"
    op.execute(statement)


def record_losses() -> None:
    open_step()
    at = instant_in_json("t.scheduled_at")
    on = "to_char(t.scheduled_on, 'YYYY-MM-DD')" if is_postgresql() else "t.scheduled_on"
    scheduled = f"""CASE WHEN t.scheduled_at IS NULL THEN '"' || {on} || '"'
        ELSE '{{"on": "' || {on} || '", "at": ' || {at} || '}}' END"""
    for field, old in (
        ("scheduled", scheduled),
        ("wait_until", instant_in_json("t.wait_until")),
        ("expires_at", instant_in_json("t.expires_at")),
        ("occurrence", text_in_json("t.occurrence")),
    ):
        column = "scheduled_on" if field == "scheduled" else field
        record_loss("t", "todo", field, old, f"todos t WHERE t.{column} IS NOT NULL")
    record_loss("t", "todo", "series", uuid_in_json("s.uuid"), "todos t JOIN series s ON s.id = t.series_id")
    held = "series s WHERE EXISTS (SELECT 1 FROM todos WHERE todos.user_id = s.user_id)"
    for field in ("rrule", "dtstart_local", "tzid"):
        record_loss("s", "series", field, text_in_json(f"s.{field}"), held)
    record_loss("s", "series", "after_completion", "'true'", f"{held} AND s.after_completion")
    record_loss("s", "series", "ended_at", instant_in_json("s.ended_at"), f"{held} AND s.ended_at IS NOT NULL")
    record_loss("s", "series", "exists", "'true'", held)
    columns = ("scheduled_on", "wait_until", "expires_at", "series_id")
    raise_versions(" OR ".join(f"{column} IS NOT NULL" for column in columns))
    close_step()


def downgrade() -> None:
    record_losses()
    op.drop_index("ix_steps_undone_by", "steps")
    op.drop_index("ix_todos_completed", "todos")
    op.drop_index("ix_todos_series_id_occurrence", "todos")
    for name in ("occurrence", "series_id", "expires_at", "wait_until", "scheduled_at", "scheduled_on"):
        op.execute(f"ALTER TABLE todos DROP COLUMN {name}")
    op.drop_table("series")
