"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # To add a column, write ALTER TABLE with its CHECK instead, as in 0005: a batch rebuilds the table on SQLite.
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    # Record the lost values in the history first, as in 0005.
    ${downgrades if downgrades else "pass"}
