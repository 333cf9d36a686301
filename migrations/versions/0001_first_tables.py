"""Create the first tables: users, projects, tags, todos, and the steps and changes of the history."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def big_integer() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def binary_text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, big_integer(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def key(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, binary_text(), nullable=nullable)


def identity(table: str) -> tuple[sa.Column[Any], sa.PrimaryKeyConstraint]:
    return (
        sa.Column("id", big_integer(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def travelling_identity(table: str) -> tuple[sa.Column[Any], sa.UniqueConstraint]:
    return (
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.UniqueConstraint("uuid", name=f"uq_{table}_uuid"),
    )


def name(table: str) -> tuple[sa.Column[Any] | sa.CheckConstraint, ...]:
    return (
        text("name"),
        key("key"),
        sa.CheckConstraint("length(trim(name)) > 0", name=op.f(f"ck_{table}_name_not_blank")),
        sa.CheckConstraint("length(name) <= 200", name=op.f(f"ck_{table}_name_length")),
    )


def refers(table: str, column: str, target: str, on_delete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", ondelete=on_delete)


def upgrade() -> None:
    op.create_table(
        "users",
        *identity("users"),
        *travelling_identity("users"),
        *name("users"),
        text("email", nullable=True),
        instant("created_at"),
        sa.UniqueConstraint("key", name="uq_users_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "projects",
        *identity("projects"),
        *travelling_identity("projects"),
        number("user_id"),
        *name("projects"),
        instant("archived_at", nullable=True),
        instant("created_at"),
        refers("projects", "user_id", "users.id"),
        sa.UniqueConstraint("user_id", "key", name="uq_projects_user_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tags",
        *identity("tags"),
        *travelling_identity("tags"),
        number("user_id"),
        *name("tags"),
        refers("tags", "user_id", "users.id"),
        sa.UniqueConstraint("user_id", "key", name="uq_tags_user_id_key"),
        sqlite_autoincrement=True,
    )
    create_todos()
    op.create_table(
        "todo_tags",
        number("todo_id"),
        number("tag_id"),
        refers("todo_tags", "todo_id", "todos.id", on_delete="CASCADE"),
        refers("todo_tags", "tag_id", "tags.id", on_delete="CASCADE"),
        sa.PrimaryKeyConstraint("todo_id", "tag_id", name="pk_todo_tags"),
    )
    op.create_index("ix_todo_tags_tag_id_todo_id", "todo_tags", ["tag_id", "todo_id"])
    create_history()


def create_todos() -> None:
    op.create_table(
        "todos",
        *identity("todos"),
        *travelling_identity("todos"),
        number("user_id"),
        number("project_id", nullable=True),
        text("title"),
        key("title_folded"),
        text("description", nullable=True),
        key("description_folded", nullable=True),
        text("status"),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        instant("due_at", nullable=True),
        key("due_key"),
        instant("created_at"),
        instant("updated_at"),
        instant("completed_at", nullable=True),
        instant("deleted_at", nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        refers("todos", "user_id", "users.id"),
        refers("todos", "project_id", "projects.id"),
        sa.CheckConstraint("length(trim(title)) > 0", name=op.f("ck_todos_title_not_blank")),
        sa.CheckConstraint("length(title) <= 10000", name=op.f("ck_todos_title_length")),
        sa.CheckConstraint("length(description) <= 1000000", name=op.f("ck_todos_description_length")),
        sa.CheckConstraint("status IN ('open', 'done', 'cancelled')", name=op.f("ck_todos_status_known")),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f("ck_todos_priority_known")),
        sa.CheckConstraint("due_at IS NULL OR due_on IS NOT NULL", name=op.f("ck_todos_due_time_has_date")),
        sa.CheckConstraint("(status = 'done') = (completed_at IS NOT NULL)", name=op.f("ck_todos_done_is_completed")),
        sa.CheckConstraint("version > 0", name=op.f("ck_todos_version_positive")),
        sqlite_autoincrement=True,
    )
    kept, deleted = sa.text("deleted_at IS NULL"), sa.text("deleted_at IS NOT NULL")
    order = ["status", "due_key", "priority", "id"]
    op.create_index("ix_todos_list", "todos", ["user_id", *order], sqlite_where=kept, postgresql_where=kept)
    op.create_index("ix_todos_project", "todos", ["project_id", *order], sqlite_where=kept, postgresql_where=kept)
    op.create_index(
        "ix_todos_trash",
        "todos",
        ["user_id", "deleted_at", "id"],
        sqlite_where=deleted,
        postgresql_where=deleted,
    )


def create_history() -> None:
    op.create_table(
        "steps",
        *identity("steps"),
        *travelling_identity("steps"),
        number("user_id"),
        instant("at"),
        text("command"),
        number("undone_by", nullable=True),
        refers("steps", "user_id", "users.id"),
        refers("steps", "undone_by", "steps.id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_steps_user_id_id", "steps", ["user_id", "id"])
    op.create_table(
        "changes",
        *identity("changes"),
        number("step_id"),
        text("entity"),
        sa.Column("entity_uuid", sa.Uuid(), nullable=False),
        text("field"),
        text("old", nullable=True),
        text("new", nullable=True),
        refers("changes", "step_id", "steps.id", on_delete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_step_id", "changes", ["step_id"])
    op.create_index("ix_changes_entity_uuid", "changes", ["entity_uuid"])


def downgrade() -> None:
    for table in ("changes", "steps", "todo_tags", "todos", "tags", "projects", "users"):
        op.drop_table(table)
