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
    # A new column needs no batch, which rebuilds the table on SQLite, but its CHECK: see revision 0005.
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    # Record the values that are lost in the history: see revision 0005.
    ${downgrades if downgrades else "pass"}
