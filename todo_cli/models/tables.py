"""The tables. Models have no schema; on PostgreSQL, they are mapped to the schema `todo` (`db/connection/engine.py`).

Columns that end in `_key` or `_folded` are derived from another column, so that comparing, searching and sorting are
the same on both databases. `from __future__ import annotations` would break the relationships.
"""

from datetime import date, datetime
from enum import Enum
from typing import Any, ClassVar, Optional
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm.attributes import set_attribute
from sqlalchemy.types import Uuid
from sqlmodel import Field, Relationship, SQLModel
from sqlmodel._compat import SQLModelConfig

from todo_cli.models.text import fold
from todo_cli.models.types import BigInt, UtcDateTime, binary_text, identity_column
from todo_cli.models.values import (
    DESCRIPTION_LENGTH,
    NAME_LENGTH,
    NO_DUE_KEY,
    TITLE_LENGTH,
    URL_LENGTH,
    Priority,
    Status,
    When,
    due_key,
)

SCHEMA = "todo"
WHERE = "where"
"""The key of the condition of a partial index in its `info`, see `complete_tables`."""

UNASSIGNED = 0
"""The user of a row that is not written yet (see `todo_cli.db.scope.assign_owner`); no user has this number."""


class Base(SQLModel):
    """The base class, with names of constraints and indexes that are the same on both databases."""

    # Pydantic never validates rows, and building its validators would take a fifteenth of the time of a command.
    model_config = SQLModelConfig(defer_build=True)

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


def _references(column: str, *, nullable: bool = False, on_delete: str | None = None, **options: Any) -> Column[Any]:
    return Column(BigInt, ForeignKey(column, ondelete=on_delete), nullable=nullable, **options)


def _uuid() -> Column[Any]:
    return Column(Uuid(), nullable=False, unique=True)


def _instant(*, nullable: bool = False) -> Column[Any]:
    return Column(UtcDateTime(), nullable=nullable)


def _name() -> Column[Any]:
    return Column(Text(), nullable=False)


def _key() -> Column[Any]:
    return Column(binary_text(), nullable=False)


def _named() -> tuple[CheckConstraint, CheckConstraint]:
    return (
        CheckConstraint("length(trim(name)) > 0", name="name_not_blank"),
        CheckConstraint(f"length(name) <= {NAME_LENGTH}", name="name_length"),
    )


class User(Base, table=True):
    """A user of the database."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("key"), *_named())
    entity: ClassVar[str] = "user"

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    name: str = Field(sa_column=_name())
    key: str = Field(default="", sa_column=_key())
    email: str | None = Field(default=None, sa_column=Column(Text()))
    created_at: datetime = Field(sa_column=_instant())
    edges_version: int = Field(default=0, sa_column=Column(Integer(), nullable=False, server_default="0"))
    """Incremented by each change to the dependencies or parents of the user's todos."""

    projects: list["Project"] = Relationship(back_populates="user", sa_relationship_kwargs={"lazy": "raise"})
    todos: list["Todo"] = Relationship(back_populates="user", sa_relationship_kwargs={"lazy": "raise"})


class Project(Base, table=True):
    """A named list of todos. Dotted names nest: `work.api` is in `work`."""

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("user_id", "key"), *_named())
    entity: ClassVar[str] = "project"

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    user_id: int = Field(default=UNASSIGNED, sa_column=_references("users.id"))
    name: str = Field(sa_column=_name())
    key: str = Field(default="", sa_column=_key())
    archived_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    created_at: datetime = Field(sa_column=_instant())

    @staticmethod
    def path_of(name: str) -> list[str]:
        """Return the names of the projects that contain this one, the outermost first, and its own name."""
        segments = name.split(".")
        return [".".join(segments[:count]) for count in range(1, len(segments) + 1)]

    user: User = Relationship(back_populates="projects", sa_relationship_kwargs={"lazy": "raise"})
    todos: list["Todo"] = Relationship(back_populates="project", sa_relationship_kwargs={"lazy": "raise"})


class TodoTag(Base, table=True):
    """A tag on a todo."""

    __tablename__ = "todo_tags"
    __table_args__ = (Index(None, "tag_id", "todo_id"),)

    todo_id: int = Field(sa_column=_references("todos.id", on_delete="CASCADE", primary_key=True))
    tag_id: int = Field(sa_column=_references("tags.id", on_delete="CASCADE", primary_key=True))


class Tag(Base, table=True):
    """A label for any number of todos."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("user_id", "key"), *_named())
    entity: ClassVar[str] = "tag"

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    user_id: int = Field(default=UNASSIGNED, sa_column=_references("users.id"))
    name: str = Field(sa_column=_name())
    key: str = Field(default="", sa_column=_key())

    todos: list["Todo"] = Relationship(
        back_populates="tags", link_model=TodoTag, sa_relationship_kwargs={"lazy": "raise"}
    )


class Dependency(Base, table=True):
    """A dependency: a todo that is blocked until another one is closed."""

    __tablename__ = "dependencies"
    __table_args__ = (
        CheckConstraint("todo_id <> depends_on_id", name="of_another"),
        Index(None, "depends_on_id", "todo_id"),
    )

    todo_id: int = Field(sa_column=_references("todos.id", on_delete="CASCADE", primary_key=True))
    depends_on_id: int = Field(sa_column=_references("todos.id", on_delete="CASCADE", primary_key=True))


class Todo(Base, table=True):
    """A todo. A deleted todo stays, with `deleted_at`, until the trash is emptied."""

    __tablename__ = "todos"
    __table_args__ = (
        CheckConstraint("length(trim(title)) > 0", name="title_not_blank"),
        CheckConstraint(f"length(title) <= {TITLE_LENGTH}", name="title_length"),
        CheckConstraint(f"length(description) <= {DESCRIPTION_LENGTH}", name="description_length"),
        CheckConstraint("status IN ('open', 'done', 'cancelled')", name="status_known"),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority_known"),
        CheckConstraint("due_at IS NULL OR due_on IS NOT NULL", name="due_time_has_date"),
        CheckConstraint("(status = 'done') = (completed_at IS NOT NULL)", name="done_is_completed"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("scheduled_at IS NULL OR scheduled_on IS NOT NULL", name="scheduled_time_has_date"),
        CheckConstraint("(series_id IS NULL) = (occurrence IS NULL)", name="occurrence_of_series"),
        CheckConstraint("parent_id <> id", name="parent_is_another"),
        CheckConstraint("estimate >= 0", name="estimate_not_negative"),
        CheckConstraint(f"length(url) <= {URL_LENGTH}", name="url_length"),
        # Each index serves one kind of list; see docs/decisions/0008-indexes.md.
        Index("ix_todos_list", "user_id", "status", "due_key", "priority", "id", info={WHERE: "deleted_at IS NULL"}),
        Index(
            "ix_todos_project",
            "project_id",
            "status",
            "due_key",
            "priority",
            "id",
            info={WHERE: "deleted_at IS NULL"},
        ),
        Index("ix_todos_trash", "user_id", "deleted_at", "id", info={WHERE: "deleted_at IS NOT NULL"}),
        Index(
            "ix_todos_completed",
            "user_id",
            "completed_at",
            info={WHERE: "completed_at IS NOT NULL AND deleted_at IS NULL"},
        ),
        Index(None, "parent_id", info={WHERE: "parent_id IS NOT NULL"}),
        # Each occurrence of a series exists only once, even if two machines create it.
        Index(None, "series_id", "occurrence", unique=True),
    )
    entity: ClassVar[str] = "todo"

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    user_id: int = Field(default=UNASSIGNED, sa_column=_references("users.id"))
    project_id: int | None = Field(default=None, sa_column=_references("projects.id", nullable=True))
    title: str = Field(sa_column=Column(Text(), nullable=False))
    title_folded: str = Field(default="", sa_column=Column(binary_text(), nullable=False))
    description: str | None = Field(default=None, sa_column=Column(Text()))
    description_folded: str | None = Field(default=None, sa_column=Column(binary_text()))
    status: str = Field(default=Status.OPEN.value, sa_column=Column(Text(), nullable=False))
    priority: int = Field(default=Priority.NONE.value, sa_column=Column(SmallInteger(), nullable=False))
    due_on: date | None = Field(default=None, sa_column=Column(Date()))
    due_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    due_key: str = Field(default=NO_DUE_KEY, sa_column=_key())
    created_at: datetime = Field(sa_column=_instant())
    updated_at: datetime = Field(sa_column=_instant())
    completed_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    deleted_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    version: int = Field(default=1, sa_column=Column(Integer(), nullable=False))
    scheduled_on: date | None = Field(default=None, sa_column=Column(Date()))
    scheduled_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    wait_until: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    expires_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    series_id: int | None = Field(default=None, sa_column=_references("series.id", nullable=True))
    occurrence: str | None = Field(default=None, sa_column=Column(binary_text()))
    parent_id: int | None = Field(default=None, sa_column=_references("todos.id", nullable=True))
    started_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))
    estimate: int | None = Field(default=None, sa_column=Column(BigInt))
    url: str | None = Field(default=None, sa_column=Column(binary_text()))

    user: User = Relationship(back_populates="todos", sa_relationship_kwargs={"lazy": "raise"})
    project: Optional["Project"] = Relationship(back_populates="todos", sa_relationship_kwargs={"lazy": "raise"})
    tags: list["Tag"] = Relationship(
        back_populates="todos", link_model=TodoTag, sa_relationship_kwargs={"lazy": "raise"}
    )
    series: Optional["Series"] = Relationship(back_populates="todos", sa_relationship_kwargs={"lazy": "raise"})
    parent: Optional["Todo"] = Relationship(
        sa_relationship_kwargs={"lazy": "raise", "remote_side": "Todo.id", "foreign_keys": "Todo.parent_id"}
    )

    @property
    def due(self) -> When | None:
        """The due date, from the columns `due_on` and `due_at`."""
        return None if self.due_on is None else When(self.due_on, self.due_at)

    @due.setter
    def due(self, due: When | None) -> None:
        self.due_on, self.due_at = (due.on, due.at) if due else (None, None)

    @property
    def scheduled(self) -> When | None:
        """The start date, from the columns `scheduled_on` and `scheduled_at`."""
        return None if self.scheduled_on is None else When(self.scheduled_on, self.scheduled_at)

    @scheduled.setter
    def scheduled(self, scheduled: When | None) -> None:
        self.scheduled_on, self.scheduled_at = (scheduled.on, scheduled.at) if scheduled else (None, None)


class Series(Base, table=True):
    """A series of recurring todos: a rule (RFC 5545, 3.3.10, without `RRULE:`), its start and its time zone.

    `dtstart_local` is a date, or a local date and time, in ISO 8601. With `after_completion`, the rule counts from the
    completion of the previous occurrence. A series that has ended creates no more todos.
    """

    __tablename__ = "series"
    __table_args__ = (CheckConstraint("length(rrule) BETWEEN 1 AND 2000", name="rrule_length"),)
    entity: ClassVar[str] = "series"

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    user_id: int = Field(default=UNASSIGNED, sa_column=_references("users.id"))
    rrule: str = Field(sa_column=Column(Text(), nullable=False))
    dtstart_local: str = Field(sa_column=Column(Text(), nullable=False))
    tzid: str = Field(sa_column=Column(Text(), nullable=False))
    after_completion: bool = Field(default=False, sa_column=Column(Boolean(), nullable=False))
    created_at: datetime = Field(sa_column=_instant())
    ended_at: datetime | None = Field(default=None, sa_column=_instant(nullable=True))

    todos: list["Todo"] = Relationship(back_populates="series", sa_relationship_kwargs={"lazy": "raise"})

    @property
    def first_occurrence(self) -> str:
        """The occurrence of the first todo: the start of the series, or a number if it counts from completion."""
        return number_occurrence(1) if self.after_completion else self.dtstart_local


class Comment(Base, table=True):
    """A comment on a todo."""

    __tablename__ = "comments"
    __table_args__ = (
        CheckConstraint("length(trim(text)) > 0", name="text_not_blank"),
        CheckConstraint(f"length(text) <= {DESCRIPTION_LENGTH}", name="text_length"),
        Index(None, "todo_id", "id"),
    )
    entity: ClassVar[str] = "comment"

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    user_id: int = Field(default=UNASSIGNED, sa_column=_references("users.id"))
    todo_id: int = Field(sa_column=_references("todos.id", on_delete="CASCADE"))
    text: str = Field(sa_column=Column(Text(), nullable=False))
    created_at: datetime = Field(sa_column=_instant())

    todo: "Todo" = Relationship(sa_relationship_kwargs={"lazy": "raise"})


def number_occurrence(number: int) -> str:
    """Return the name of an occurrence of a series that counts from completion, padded so that it sorts correctly."""
    return f"{number:06}"


class Step(Base, table=True):
    """Everything that one command wrote. A second step with the same uuid changes nothing."""

    __tablename__ = "steps"
    __table_args__ = (
        # History and undo start with the steps stored last, regardless of clocks.
        Index(None, "user_id", "id"),
        # To find the steps that a step undid, for history and redo.
        Index(None, "undone_by", info={WHERE: "undone_by IS NOT NULL"}),
    )

    id: int | None = Field(default=None, sa_column=identity_column())
    uuid: UUID = Field(default_factory=uuid4, sa_column=_uuid())
    user_id: int = Field(default=UNASSIGNED, sa_column=_references("users.id"))
    at: datetime = Field(sa_column=_instant())
    command: str = Field(sa_column=Column(Text(), nullable=False))
    undone_by: int | None = Field(default=None, sa_column=_references("steps.id", nullable=True))


class Change(Base, table=True):
    """A field that a step changed. `old` and `new` are JSON, or SQL NULL for no value."""

    __tablename__ = "changes"
    __table_args__ = (Index(None, "step_id"), Index(None, "entity_uuid"))

    id: int | None = Field(default=None, sa_column=identity_column())
    step_id: int = Field(sa_column=_references("steps.id", on_delete="CASCADE"))
    entity: str = Field(sa_column=Column(Text(), nullable=False))
    entity_uuid: UUID = Field(sa_column=Column(Uuid(), nullable=False))
    field: str = Field(sa_column=Column(Text(), nullable=False))
    old: str | None = Field(default=None, sa_column=Column(Text()))
    new: str | None = Field(default=None, sa_column=Column(Text()))


# Statements use these tables and their columns; rows to write are instances of the models.
USERS, PROJECTS, TAGS, TODO_TAGS, TODOS, SERIES, DEPENDENCIES, COMMENTS, STEPS, CHANGES = (
    Base.metadata.tables[model.__tablename__]
    for model in (User, Project, Tag, TodoTag, Todo, Series, Dependency, Comment, Step, Change)
)


def table_of(model: type[Base]) -> Table:
    """Return the table of a model."""
    table: Table = Base.metadata.tables[str(model.__tablename__)]
    return table


def complete_tables(dialect: str) -> None:
    """Add options that are needed only to create or compare the tables in a database of that dialect.

    These are the conditions of partial indexes, and AUTOINCREMENT on SQLite. Declaring them with the tables would
    import both dialects, with their drivers, in every command.
    """
    for table in Base.metadata.tables.values():
        if dialect == "sqlite" and any(column.identity for column in table.primary_key):
            table.dialect_options["sqlite"]["autoincrement"] = True
        for index in table.indexes:
            if condition := index.info.get(WHERE):
                index.dialect_options[dialect]["where"] = text(condition)


def get_value(row: Any, field: str) -> Any:
    """Return the value of a field of a row, by attribute; two columns are combined into a `When`."""
    if f"{field}_on" not in Base.metadata.tables["todos"].c:
        return getattr(row, field)
    on = getattr(row, f"{field}_on")
    return None if on is None else When(on, getattr(row, f"{field}_at"))


def as_stored(value: Any) -> Any:
    """Return a value as it is stored in a column: a member of an enum is stored as its value."""
    return value.value if isinstance(value, Enum) else value


def set_value(row: Base, field: str, value: Any) -> None:
    """Set a field of a row, by attribute."""
    if isinstance(row, Todo) and f"{field}_on" in Base.metadata.tables["todos"].c:
        on, at = (None, None) if value is None else (value.on, value.at)
        set_attribute(row, f"{field}_on", on)
        set_attribute(row, f"{field}_at", at)
    else:
        set_attribute(row, field, as_stored(value))


def derive(row: Base) -> None:
    """Update the derived columns of a row, before it is written."""
    match row:
        case Todo():
            for folded in [name for name in Todo.metadata.tables["todos"].c.keys() if name.endswith("_folded")]:  # noqa: SIM118
                text_ = getattr(row, folded.removesuffix("_folded"))
                set_attribute(row, folded, None if text_ is None else fold(text_))
            row.due_key = due_key(row.due)
        case User() | Project() | Tag():
            row.key = fold(row.name)


@event.listens_for(Base, "before_insert", propagate=True)
@event.listens_for(Base, "before_update", propagate=True)
def _derive_before_writing(_mapper: object, _connection: object, row: Base) -> None:
    derive(row)
