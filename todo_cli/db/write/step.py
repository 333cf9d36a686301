"""The write path. Everything that a command writes goes through one `Step`, which records the history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import (
    Text,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased
from sqlalchemy.types import Uuid

from todo_cli.db.read.json_sql import json_values, read_json
from todo_cli.db.scope import AUTHOR, NOBODY, Scope, assign_owner, is_owner, owned, owner_values, scope_of_step
from todo_cli.db.write.erasing import is_about, select_bound, tell_erasure
from todo_cli.db.write.pending import Pending, one_of
from todo_cli.errors import BusyError
from todo_cli.models.fields import FIELDS, Kind
from todo_cli.models.tables import (
    CHANGES,
    DEPENDENCIES,
    STEPS,
    TODO_TAGS,
    TODOS,
    USERS,
    Comment,
    Project,
    Series,
    Tag,
    Todo,
    User,
    get_value,
    set_value,
    table_of,
)
from todo_cli.models.text import fold
from todo_cli.models.types import UtcDateTime
from todo_cli.models.values import Status, When

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement, FromClause, Select, Table
    from sqlalchemy.ext.asyncio import AsyncSession

Recorded = User | Project | Tag | Series | Todo | Comment
"""The rows whose history is recorded."""

TODO_FIELDS = tuple(
    "series" if field.kind is Kind.RECURRENCE else field.attribute
    for field in FIELDS.values()
    if not field.is_set
    and (field.is_declared or not field.is_linked)
    and (field.settable or field.leader or field.name in ("status", "deleted"))
)
"""The fields of a todo in the history, without its sets."""

COMMENT_FIELDS = ("text", "created_at")
SERIES_FIELDS = ("rrule", "dtstart_local", "tzid", "after_completion", "ended_at")

_FIELDS: dict[type[Recorded], tuple[str, ...]] = {
    User: ("name", "email"),
    Project: ("name", "archived_at"),
    Tag: ("name",),
    Series: SERIES_FIELDS,
    Comment: ("todo", *COMMENT_FIELDS),
    Todo: TODO_FIELDS,
}
FIELDS_OF_REMOVED = {"project": ("name", "archived_at", "created_at"), "tag": ("name",)}
"""The fields of a removed row in the history, so that it can be restored."""

UNSAID: dict[str, object] = {
    **{field.attribute: field.empty for field in FIELDS.values() if field.empty is not None},
    "status": Status.OPEN,
    "after_completion": False,
}
"""Default values of a new row, which the history omits, as it omits missing values."""


NamedT = TypeVar("NamedT", Project, Tag)


@dataclass
class Transaction:
    """A session in an open transaction, with the scope and the time of the command.

    `now` is aware, in the user's zone, and the same for everything that a command does.
    """

    session: AsyncSession
    scope: Scope
    now: datetime


class Step(Transaction):
    """The writes of one command: rows together with their history, stored at most once by the step's uuid.

    Services use `create`, `change`, `link`, `unlink` and `remove`, because setting attributes of rows directly would
    not be recorded. Todos are written at `flush`, everything else together at `send`.
    """

    def __init__(self, session: AsyncSession, now: datetime, command: str, uuid: UUID) -> None:
        super().__init__(session, NOBODY, now)
        self.command = command
        self.uuid = uuid
        self._id = 0
        self._pending = Pending()
        self._touched: dict[UUID, Todo] = {}
        self._versioned: set[UUID] = set()
        self._wrote = False

    @property
    def wrote(self) -> bool:
        """Whether anything was changed, so that the step must be kept."""
        return self._wrote

    @property
    def id(self) -> int:
        """The number of the step's own row."""
        return self._id

    @property
    def pending(self) -> Pending:
        """The writes that `send` sends; callers that add to them must also record the history."""
        return self._pending

    def has_changed(self, todo: Todo) -> bool:
        """Return whether this step created or changed the todo."""
        return todo.uuid in self._touched

    def touch(self, todo: Todo) -> None:
        """Give the todo a new version, because something that belongs to it was changed."""
        self._touched[todo.uuid] = todo

    def keep(self) -> None:
        """Keep the step although its rows, with their own history, were written directly."""
        self._wrote = True

    async def open(self, user: Select[tuple[int]]) -> bool:
        """Insert the step's own row for the user that the statement finds, and return whether it was inserted.

        If not, the statement finds no user, or the step was stored by an earlier attempt.
        """
        me = user.subquery("me")
        gate = open_gate(self._insert, me, self.uuid, self.command, self.now, me.c.author.is_not(None))
        row = (await self.session.execute(gate)).first()
        if row is None:
            return False
        self._id, author, owner = row
        self.scope = Scope(author, owner)
        return True

    async def is_stored(self) -> bool:
        """Return whether the step was stored by an earlier attempt."""
        stored = await self.session.execute(select(STEPS.c.id).where(STEPS.c.uuid == self.uuid))
        return stored.first() is not None

    async def lock_graph(self, *, adds: bool) -> None:
        """Lock the dependency graph until the transaction ends; `adds` also increments its version."""
        mine = is_owner(self.scope)
        raised = update(USERS).where(mine).values(edges_version=USERS.c.edges_version + 1)
        held = select(USERS.c.id).where(mine).with_for_update(read=True)
        await self.session.execute(raised if adds else held)

    async def find_changed(self) -> set[UUID]:
        """Return the uuids of the rows that an earlier, stored attempt of this step changed."""
        stored = select(STEPS.c.id).where(STEPS.c.uuid == self.uuid).scalar_subquery()
        changed = select(CHANGES.c.entity_uuid).where(CHANGES.c.step_id == stored)
        return set((await self.session.execute(changed)).scalars())

    async def flush(self) -> None:
        """Send new and changed todos and series; the database assigns numbers, and changed todos get a new version."""
        for uuid in self._touched.keys() - self._versioned:
            self._touched[uuid].version += 1
            self._touched[uuid].updated_at = self.now
        self._versioned |= self._touched.keys()
        await self.session.flush()

    async def send(self) -> None:
        """Send the pending writes with the history so far; raises BusyError if something that was read has changed."""
        pending, self._pending = self._pending, Pending()
        await pending.send(self.session)

    async def close(self) -> None:
        """Send everything that is pending."""
        await self.flush()
        await self.send()

    def create(self, row: Recorded) -> None:
        """Add a new row, and set its owner or author. Todos and series get a number at `flush`, other rows get none."""
        assign_owner(row, self.scope)
        if isinstance(row, Todo | Series):
            self.session.add(row)
        else:
            self._pending.create(row)
        self.note_creation(row)

    def change(self, row: Recorded, **fields: object) -> bool:
        """Set the fields; return whether any value changed."""
        changed = False
        for field, new in fields.items():
            old = get_value(row, field)
            if old != new:
                if isinstance(row, Todo):
                    set_value(row, field, new)
                else:
                    self._pending.change(row, field, new)
                self._record(row, field, old, new)
                changed = True
        return changed

    def link(self, todo: Todo, tag: Tag) -> bool:
        """Add the tag to the todo, whose tags must be loaded; return False if the todo has it already."""
        if tag in todo.tags:
            return False
        todo.tags.append(tag)
        self._record(todo, "tag", None, tag)
        return True

    def unlink(self, todo: Todo, tag: Tag) -> bool:
        """Remove the tag from the todo, whose tags must be loaded; return False if the todo does not have it."""
        if tag not in todo.tags:
            return False
        todo.tags.remove(tag)
        self._record(todo, "tag", tag, None)
        return True

    async def add_dependencies(self, todo: Todo, others: Mapping[int, UUID]) -> None:
        """Add dependencies that the todo does not have yet; it must have a number."""
        if others:
            rows = [{"todo_id": todo.id, "depends_on_id": number} for number in others]
            await self.session.execute(insert(DEPENDENCIES), rows)
        for uuid in others.values():
            self._record(todo, "depends", None, uuid)

    async def remove_dependencies(self, todo: Todo, others: Mapping[int, UUID]) -> None:
        """Remove existing dependencies of the todo."""
        edges = and_(DEPENDENCIES.c.todo_id == todo.id, DEPENDENCIES.c.depends_on_id.in_(others))
        if others:
            await self.session.execute(delete(DEPENDENCIES).where(edges))
        for uuid in others.values():
            self._record(todo, "depends", uuid, None)

    async def remove(self, model: type[NamedT], condition: ColumnElement[bool]) -> list[NamedT]:
        """Delete the user's projects or tags that match the condition, with their links to todos; return them.

        If another todo is linked to one of them by then, the step is tried again.
        """
        rows, held = await self._lock_with_todos(model, and_(owned(model, self.scope), condition))
        if not rows:
            return rows
        for _, uuid, row in held:
            self._note("todo", uuid, row.entity, row, None)
        for row in rows:
            for field in FIELDS_OF_REMOVED[row.entity]:
                if (old := getattr(row, field)) is not None:
                    self._record(row, field, old, None)
            self._record(row, "exists", True, None)
        ids = [row.id for row in rows]
        links = select(TODO_TAGS.c.todo_id).where(TODO_TAGS.c.tag_id.in_(ids))
        is_held = TODOS.c.project_id.in_(ids) if model is Project else TODOS.c.id.in_(links)
        emptied = {"project_id": None} if model is Project else {}  # links of a tag go with it
        versioned = {"version": TODOS.c.version + 1, "updated_at": self.now}
        self._pending.execute(update(TODOS).where(is_held).values(**emptied, **versioned))
        self._pending.execute(delete(table_of(model)).where(table_of(model).c.id.in_(ids)))
        # The same todos, not only as many: during a wait, one may have been removed and another one added.
        known = one_of(TODOS.c.id, [number for number, _, _ in held])
        self._pending.expect(_count(is_held) == len(held))
        self._pending.expect(_count(and_(is_held, known)) == len(held))
        return rows

    async def _lock_with_todos(
        self, model: type[NamedT], condition: ColumnElement[bool]
    ) -> tuple[list[NamedT], list[tuple[int, UUID, NamedT]]]:
        """Lock projects or tags and their todos; return the former by key, and number, uuid and holder of each todo.

        Todos are locked before projects and tags, as everywhere.
        """
        wanted = select(table_of(model).c.id).where(condition)
        by = TODOS.c.project_id if model is Project else TODO_TAGS.c.tag_id
        source = TODOS if model is Project else TODOS.join(TODO_TAGS, TODO_TAGS.c.todo_id == TODOS.c.id)
        held = (
            select(TODOS.c.id, TODOS.c.uuid, by.label("by"))
            .select_from(source)
            .where(by.in_(wanted))
            .order_by(TODOS.c.id)
            .with_for_update(of=TODOS)
            .cte("held")
        )
        in_turn = select(func.count()).select_from(held).scalar_subquery() >= 0
        # Repeat the condition, because it is evaluated again for a row after waiting for its lock.
        chosen = select(table_of(model)).where(condition, in_turn).order_by(table_of(model).c.key)
        holding = chosen.with_for_update().cte("holder")
        holder = aliased(model, holding)
        statement = (
            select(holder, held.c.id, held.c.uuid)
            .outerjoin(held, held.c.by == holding.c.id)
            .order_by(holding.c.key, held.c.id)
        )
        found = (await self.session.execute(statement)).all()
        rows = list({row.uuid: row for row, _, _ in found}.values())
        return rows, sorted(((id_, uuid, row) for row, id_, uuid in found if id_ is not None), key=itemgetter(0))

    async def get_or_create(self, model: type[NamedT], name: str) -> NamedT:
        """Get or create the user's project or tag with that name.

        It is locked against deletion until the transaction ends. Callers must process several names in the order of
        their keys, to avoid deadlocks.
        """
        wanted = (
            select(model)
            .where(owned(model, self.scope), table_of(model).c.key == fold(name))
            .with_for_update(read=True, key_share=True)
        )
        if row := (await self.session.execute(wanted)).scalar_one_or_none():
            return row
        is_new = await self._insert_name(table_of(model), name)
        row = (await self.session.execute(wanted)).scalar_one_or_none()
        if row is None:  # created and deleted by others in the meantime
            raise BusyError
        if is_new:
            self.note_creation(row)
        return row

    async def get_or_create_name(self, table: Table, name: str) -> int:
        """Return the number of the owner's name in a table of names that has no history, as `get_or_create` does."""
        is_wanted = and_(owned(table, self.scope), table.c.key == fold(name))
        wanted = select(table.c.id).where(is_wanted).with_for_update(read=True, key_share=True)
        number: int | None = (await self.session.execute(wanted)).scalar_one_or_none()
        if number is None:
            await self._insert_name(table, name)
            number = (await self.session.execute(wanted)).scalar_one_or_none()
        if number is None:  # created and deleted by others in the meantime
            raise BusyError
        return number

    async def _insert_name(self, table: Table, name: str) -> bool:
        """Insert a name unless it exists; return whether it is new."""
        owner: dict[str, Any] = owner_values(table, self.scope)
        values: dict[str, Any] = {**owner, "uuid": uuid4(), "name": name, "key": fold(name)}
        if "created_at" in table.c:
            values["created_at"] = self.now
        statement = self._insert(table).values(values)
        inserted = statement.on_conflict_do_nothing(index_elements=[*owner, "key"]).returning(table.c.id)
        return (await self.session.execute(inserted)).scalar() is not None

    async def erase(self, condition: ColumnElement[bool]) -> int:
        """Permanently remove todos with their history; return their number.

        What remains in the history is an entry for each removed todo, without its content, and entries for todos that
        depended on it or were its subtasks. Steps remain even without any changes.
        """
        erased = select(TODOS.c.id).where(condition).correlate(None)
        bound = select_bound(erased)
        goes = select(TODOS.c.id, condition.label("goes")).where(TODOS.c.id.in_(union_all(erased, *bound.selects)))
        chosen = goes.order_by(TODOS.c.id).with_for_update().subquery()
        stays = case((chosen.c.goes, null()), else_=chosen.c.id)
        locked = select(func.count().filter(chosen.c.goes), json_values(stays)).select_from(chosen)
        count, others = (await self.session.execute(locked)).one()
        known = [number for number in read_json(others) if number is not None]
        if count:
            # In this order, because the todos are needed to find their lines.
            self._pending.execute(delete(CHANGES).where(is_about(condition)))
            for lines in tell_erasure(self._id, condition, erased):
                self._pending.note_found(lines)
            no_parent = case((TODOS.c.parent_id.in_(erased), null()), else_=TODOS.c.parent_id)
            left = and_(TODOS.c.id.in_(bound), TODOS.c.id.not_in(erased))
            versioned = {"version": TODOS.c.version + 1, "updated_at": self.now}
            self._pending.execute(update(TODOS).where(left).values(parent_id=no_parent, **versioned))
            self._pending.execute(delete(TODOS).where(condition))
            self._pending.expect(_count(condition) == count)
            # The linked todos must be those that were locked, so that nobody else can be changing them.
            self._pending.expect(_count(left) == len(known))
            self._pending.expect(_count(and_(left, one_of(TODOS.c.id, known))) == len(known))
            self._wrote = True
        return count

    def note_creation(self, row: Recorded) -> None:
        """Record that the row is new, as `create` does."""
        self._versioned.add(row.uuid)  # it has its first version
        for field, new in creation_changes(row):
            self._record(row, field, None, new)
        if isinstance(row, Todo):
            for tag in row.tags:
                self._record(row, "tag", None, tag)

    def _record(self, row: Recorded, field: str, old: object, new: object) -> None:
        self._note(row.entity, row.uuid, field, old, new)
        if isinstance(row, Todo):
            self._touched[row.uuid] = row

    def note(self, entity: str, uuid: UUID, field: str, old: object, new: object) -> None:
        """Record a change that was written directly."""
        self._note(entity, uuid, field, old, new)

    def _note(self, entity: str, uuid: UUID, field: str, old: object, new: object) -> None:
        self._pending.note(self._id, entity, uuid, field, encode(old), encode(new))
        self._wrote = True

    @property
    def _insert(self) -> Callable[..., Any]:
        """The dialect's INSERT, which supports ON CONFLICT."""
        if self.session.get_bind().dialect.name == "postgresql":
            from sqlalchemy.dialects import postgresql

            return postgresql.insert
        from sqlalchemy.dialects import sqlite

        return sqlite.insert


def open_gate(
    insert: Callable[..., Any],
    user: FromClause,
    uuid: UUID,
    command: str,
    now: datetime,
    condition: ColumnElement[bool],
) -> Any:
    """Return the statement that inserts a step's own row and returns its `id`, `author` and `owner`.

    It inserts nothing if `user` is empty, the condition is false, or the step is already stored.
    """
    row = select(literal(uuid, Uuid()), user.c.author, literal(now, UtcDateTime()), literal(command, Text()))
    gate = insert(STEPS).from_select(["uuid", AUTHOR, "at", "command"], row.select_from(user).where(condition))
    return gate.on_conflict_do_nothing(index_elements=["uuid"]).returning(STEPS.c.id, *scope_of_step())


def creation_changes(row: Recorded) -> list[tuple[str, object]]:
    """Return the fields and values at the beginning of a new row's history, without tags."""
    fields = [(field, get_value(row, field)) for field in _FIELDS[type(row)]]
    return [("exists", True), *((name, new) for name, new in fields if new is not None and new != UNSAID.get(name))]


def _count(condition: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(TODOS).where(condition).scalar_subquery()


def encode(value: object) -> str | None:
    """Encode a value for the history: JSON, with uuids for rows and instants in UTC; None stays None."""
    match value:
        case None:
            return None
        case User() | Project() | Tag() | Series() | Todo() | Comment():
            plain: object = str(value.uuid)
        case UUID():
            plain = str(value)
        case When():
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
