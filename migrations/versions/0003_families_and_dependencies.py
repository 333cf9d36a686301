"""Add dependencies, parents and comments, and when a todo was started.

No table is rebuilt: SQLite adds these columns in place, regardless of the number of rows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from todo_cli.db.schema.downgrading import (
    close_step,
    instant_in_json,
    open_step,
    raise_versions,
    record_loss,
    text_in_json,
    uuid_in_json,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def big_integer() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def instant() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    big, moment = (type_.compile(op.get_context().dialect) for type_ in (big_integer(), instant()))
    op.execute("ALTER TABLE users ADD COLUMN edges_version INTEGER DEFAULT 0 NOT NULL")
    op.execute(
        f"ALTER TABLE todos ADD COLUMN parent_id {big}"
        " CONSTRAINT fk_todos_parent_id REFERENCES todos (id)"
        " CONSTRAINT ck_todos_parent_is_another CHECK (parent_id <> id)"
    )
    op.execute(f"ALTER TABLE todos ADD COLUMN started_at {moment}")
    has_parent = sa.text("parent_id IS NOT NULL")
    op.create_index("ix_todos_parent_id", "todos", ["parent_id"], sqlite_where=has_parent, postgresql_where=has_parent)
    op.create_table(
        "dependencies",
        sa.Column("todo_id", big_integer(), nullable=False),
        sa.Column("depends_on_id", big_integer(), nullable=False),
        sa.PrimaryKeyConstraint("todo_id", "depends_on_id", name="pk_dependencies"),
        sa.ForeignKeyConstraint(["todo_id"], ["todos.id"], name="fk_dependencies_todo_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["depends_on_id"], ["todos.id"], name="fk_dependencies_depends_on_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("todo_id <> depends_on_id", name=op.f("ck_dependencies_of_another")),
    )
    op.create_index("ix_dependencies_depends_on_id_todo_id", "dependencies", ["depends_on_id", "todo_id"])
    op.create_table(
        "comments",
        sa.Column("id", big_integer(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_id", big_integer(), nullable=False),
        sa.Column("todo_id", big_integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
        sa.UniqueConstraint("uuid", name="uq_comments_uuid"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_comments_user_id"),
        sa.ForeignKeyConstraint(["todo_id"], ["todos.id"], name="fk_comments_todo_id", ondelete="CASCADE"),
        sa.CheckConstraint("length(trim(text)) > 0", name=op.f("ck_comments_text_not_blank")),
        sa.CheckConstraint("length(text) <= 1000000", name=op.f("ck_comments_text_length")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_comments_todo_id_id", "comments", ["todo_id", "id"])
    op.drop_index("ix_steps_user_id_id", "steps")
    op.create_index("ix_steps_user_id_at_id", "steps", ["user_id", "at", "id"])


def record_losses() -> None:
    open_step()
    prerequisite = "dependencies d JOIN todos t ON t.id = d.todo_id JOIN todos o ON o.id = d.depends_on_id"
    record_loss("t", "todo", "depends", uuid_in_json("o.uuid"), prerequisite)
    record_loss("t", "todo", "parent", uuid_in_json("o.uuid"), "todos t JOIN todos o ON o.id = t.parent_id")
    begun = "todos t WHERE t.started_at IS NOT NULL"
    record_loss("t", "todo", "started_at", instant_in_json("t.started_at"), begun)
    commented = "comments c JOIN todos t ON t.id = c.todo_id"
    record_loss("c", "comment", "todo", uuid_in_json("t.uuid"), commented)
    record_loss("c", "comment", "text", text_in_json("c.text"), commented)
    record_loss("c", "comment", "created_at", instant_in_json("c.created_at"), commented)
    record_loss("c", "comment", "exists", "'true'", commented)
    raise_versions(
        "parent_id IS NOT NULL OR started_at IS NOT NULL OR id IN (SELECT todo_id FROM dependencies)"
        " OR id IN (SELECT todo_id FROM comments)"
    )
    close_step()


def downgrade() -> None:
    record_losses()
    op.drop_index("ix_steps_user_id_at_id", "steps")
    op.create_index("ix_steps_user_id_id", "steps", ["user_id", "id"])
    op.drop_table("comments")
    op.drop_table("dependencies")
    op.drop_index("ix_todos_parent_id", "todos")
    for name in ("started_at", "parent_id"):
        op.execute(f"ALTER TABLE todos DROP COLUMN {name}")
    op.execute("ALTER TABLE users DROP COLUMN edges_version")
