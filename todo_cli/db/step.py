"""The write path. Whatever a command writes goes through one `Step`, which keeps the history of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, exists, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from todo_cli.errors import BusyError
from todo_cli.models.tables import Change, Project, Tag, Todo, User
from todo_cli.models.tables import Step as StepRow
from todo_cli.models.text import fold
from todo_cli.models.values import Due, Priority, Status

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

Recorded = User | Project | Tag | Todo
"""The rows whose history is kept."""

TODO_FIELDS = ("title", "description", "status", "priority", "project", "due", "completed_at", "deleted_at")

_FIELDS: dict[type[Recorded], tuple[str, ...]] = {
    User: ("name", "email"),
    Project: ("name", "archived_at"),
    Tag: ("name",),
    Todo: TODO_FIELDS,
}
_UNSAID: dict[str, object] = {"status": Status.OPEN, "priority": Priority.NONE}
"""What a new row has unless it is said otherwise, beside what is absent."""

_ERASED_AT_ONCE = 500

NamedT = TypeVar("NamedT", Project, Tag)


@dataclass
class Transaction:
    """What a service works in: a session in an open transaction, whose work it is, and the moment of the command.

    `now` is aware, in the user's zone; the same for all that one command does.
    """

    session: AsyncSession
    user_id: int
    user_name: str
    now: datetime


class Step(Transaction):
    """What one command writes: rows together with their history, gated by the step's uuid.

    Setting attributes of rows by hand would leave no history; services use `create`, `change`, `link`, `unlink` and
    `remove`.
    """

    def __init__(self, transaction: Transaction, command: str, uuid: UUID) -> None:
        super().__init__(transaction.session, transaction.user_id, transaction.user_name, transaction.now)
        self.command = command
        self.uuid = uuid
        self._changes: list[dict[str, Any]] = []
        self._touched: dict[UUID, Todo] = {}
        self._versioned: set[UUID] = set()
        self._erased = False
        self._kept = False

    @property
    def wrote(self) -> bool:
        """Whether anything was changed, so that there is something to keep."""
        return bool(self._changes) or self._erased or self._kept

    def has_changed(self, todo: Todo) -> bool:
        """Return whether this step changed, or made, that todo."""
        return todo.uuid in self._touched

    def keep(self) -> None:
        """Tell that rows were written past this step, which have a history of their own."""
        self._kept = True

    async def open(self) -> bool:
        """Write the step's own row; return False if it stands there already, so that all of it was written before."""
        statement = _insert(self.session, StepRow).values(
            uuid=self.uuid, user_id=self.user_id, at=self.now, command=self.command
        )
        gate = statement.on_conflict_do_nothing(index_elements=["uuid"]).returning(col(StepRow.id))
        self._id: int | None = (await self.session.execute(gate)).scalar()
        return self._id is not None

    async def find_changed(self) -> set[UUID]:
        """Return what the step changed when it was stored before, by uuid."""
        stored = select(col(StepRow.id)).where(col(StepRow.uuid) == self.uuid).scalar_subquery()
        changed = select(Change.entity_uuid).where(col(Change.step_id) == stored)
        return set((await self.session.execute(changed)).scalars())

    async def flush(self) -> None:
        """Send the pending rows to the database, which numbers new ones; a changed todo gets its new version."""
        for uuid in self._touched.keys() - self._versioned:
            self._touched[uuid].version += 1
            self._touched[uuid].updated_at = self.now
        self._versioned |= self._touched.keys()
        await self.session.flush()

    async def close(self) -> None:
        """Write what is pending, and the history."""
        await self.flush()
        if self._changes:
            await self.session.execute(insert(Change), [{"step_id": self._id, **change} for change in self._changes])

    def create(self, row: Recorded) -> None:
        """Add a new row."""
        self.session.add(row)
        self._record_creation(row)

    def change(self, row: Recorded, **fields: object) -> bool:
        """Set the fields; return whether any of them had another value before."""
        changed = False
        for field, new in fields.items():
            old = getattr(row, field)
            if old != new:
                setattr(row, field, new)
                self._record(row, field, old, new)
                changed = True
        return changed

    def link(self, todo: Todo, tag: Tag) -> bool:
        """Put the tag on the todo, whose tags are loaded; return False if it was there."""
        if tag in todo.tags:
            return False
        todo.tags.append(tag)
        self._record(todo, "tag", None, tag)
        return True

    def unlink(self, todo: Todo, tag: Tag) -> bool:
        """Take the tag off the todo, whose tags are loaded; return False if it was not there."""
        if tag not in todo.tags:
            return False
        todo.tags.remove(tag)
        self._record(todo, "tag", tag, None)
        return True

    async def remove(self, row: Project | Tag) -> None:
        """Delete the row. Its history keeps what it was."""
        for field in _FIELDS[type(row)]:
            if (old := getattr(row, field)) is not None:
                self._record(row, field, old, None)
        self._record(row, "exists", True, None)
        # By a statement: the unit of work would unlink on its own, without history, what it finds linked by then.
        model = type(row)
        await self.session.execute(delete(model).where(col(model.id) == row.id))

    async def ensure(self, model: type[NamedT], name: str) -> NamedT:
        """Return this user's project or tag of that name, made if there is none.

        It is locked against being deleted until the transaction ends. Callers that ensure several do so in the order
        of their keys: two steps then never wait for each other in a circle.
        """
        wanted = (
            select(model)
            .where(col(model.user_id) == self.user_id, col(model.key) == fold(name))
            .with_for_update(read=True, key_share=True)
        )
        if row := (await self.session.execute(wanted)).scalar_one_or_none():
            return row
        values: dict[str, Any] = {"uuid": uuid4(), "user_id": self.user_id, "name": name, "key": fold(name)}
        if model is Project:
            values["created_at"] = self.now
        statement = _insert(self.session, model).values(values)
        inserted = statement.on_conflict_do_nothing(index_elements=["user_id", "key"]).returning(col(model.id))
        is_new = (await self.session.execute(inserted)).scalar() is not None
        row = (await self.session.execute(wanted)).scalar_one_or_none()
        if row is None:  # somebody's, and deleted in between
            raise BusyError
        if is_new:
            self._record_creation(row)
        return row

    async def erase(self, condition: ColumnElement[bool]) -> int:
        """Remove todos for good, with their history; return how many. The one thing that history does not keep."""
        chosen = select(col(Todo.id), Todo.uuid).where(condition).order_by(col(Todo.id)).with_for_update()
        rows = (await self.session.execute(chosen)).all()
        for start in range(0, len(rows), _ERASED_AT_ONCE):
            part = rows[start : start + _ERASED_AT_ONCE]
            uuids = [row.uuid for row in part]
            await self.session.execute(delete(Change).where(col(Change.entity_uuid).in_(uuids)))
            await self.session.execute(delete(Todo).where(col(Todo.id).in_([row.id for row in part])))
        if rows:
            described = exists().where(col(Change.step_id) == col(StepRow.id))
            bare = and_(col(StepRow.user_id) == self.user_id, col(StepRow.id) != self._id, ~described)
            await self.session.execute(delete(StepRow).where(bare))
            self._erased = True
        return len(rows)

    def _record_creation(self, row: Recorded) -> None:
        self._versioned.add(row.uuid)  # it begins with its first version
        for field, new in creation_changes(row):
            self._record(row, field, None, new)
        if isinstance(row, Todo):
            for tag in row.tags:
                self._record(row, "tag", None, tag)

    def _record(self, row: Recorded, field: str, old: object, new: object) -> None:
        self._changes.append(
            {
                "entity": row.entity,
                "entity_uuid": row.uuid,
                "field": field,
                "old": encode(old),
                "new": encode(new),
            }
        )
        if isinstance(row, Todo):
            self._touched[row.uuid] = row


def creation_changes(row: Recorded) -> list[tuple[str, object]]:
    """Return the fields that the history of a new row begins with, each with its value; tags are not among them."""
    fields = [(field, getattr(row, field)) for field in _FIELDS[type(row)]]
    return [("exists", True), *((name, new) for name, new in fields if new is not None and new != _UNSAID.get(name))]


def _insert(session: AsyncSession, model: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, the one that knows ON CONFLICT."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)


def encode(value: object) -> str | None:
    """Return the value as history keeps it: JSON, with rows as their uuid, instants in UTC; None stays None."""
    match value:
        case None:
            return None
        case User() | Project() | Tag() | Todo():
            plain: object = str(value.uuid)
        case Due():
            plain = {"on": value.on.isoformat(), "at": _instant(value.at)} if value.at else value.on.isoformat()
        case datetime():
            plain = _instant(value)
        case date():
            plain = value.isoformat()
        case _:
            plain = value
    return json.dumps(plain, ensure_ascii=False)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
