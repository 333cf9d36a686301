"""Add an estimate and a URL to todos.

No table is rebuilt: SQLite adds these columns in place, regardless of the number of rows.
"""

from __future__ import annotations

from alembic import op

from todo_cli.db.schema.downgrading import (
    close_step,
    is_postgresql,
    open_step,
    raise_versions,
    record_loss,
    text_in_json,
)

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    integer, collation = ("BIGINT", ' COLLATE "C"') if is_postgresql() else ("INTEGER", "")
    op.execute(
        f"ALTER TABLE todos ADD COLUMN estimate {integer}"
        " CONSTRAINT ck_todos_estimate_not_negative CHECK (estimate >= 0)"
    )
    op.execute(
        f"ALTER TABLE todos ADD COLUMN url TEXT{collation} CONSTRAINT ck_todos_url_length CHECK (length(url) <= 10000)"
    )


def downgrade() -> None:
    open_step()
    record_loss("t", "todo", "estimate", "CAST(t.estimate AS TEXT)", "todos t WHERE t.estimate IS NOT NULL")
    record_loss("t", "todo", "url", text_in_json("t.url"), "todos t WHERE t.url IS NOT NULL")
    raise_versions("estimate IS NOT NULL OR url IS NOT NULL")
    close_step()
    for name in ("url", "estimate"):
        op.execute(f"ALTER TABLE todos DROP COLUMN {name}")
