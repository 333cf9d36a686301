"""Index steps by number: `history` and `undo` follow these numbers, never clocks."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_steps_user_id_at_id", "steps")
    op.create_index("ix_steps_user_id_id", "steps", ["user_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_steps_user_id_id", "steps")
    op.create_index("ix_steps_user_id_at_id", "steps", ["user_id", "at", "id"])
