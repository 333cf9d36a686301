"""A migration like one of a later release: it adds a column to `todos`, which SQLite has to rebuild.

`TODO_TEST_REBUILD` makes it stop halfway: `fail` raises; anything else names a file to create before waiting.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from todo_cli.db.schema.revisions import migrations_folder

revision = "9001"
down_revision = max(path.name[:4] for path in (migrations_folder() / "versions").glob("0*.py"))
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("todos", recreate="auto", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("score", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_todos_score_positive"), "score > 0")
    match os.environ.get("TODO_TEST_REBUILD"):
        case None:
            pass
        case "fail":
            raise RuntimeError("on purpose")
        case path:
            Path(path).touch()
            signal.pause()  # until it is killed


def downgrade() -> None:
    with op.batch_alter_table("todos", recreate="auto", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_todos_score_positive"), type_="check")
        batch.drop_column("score")
