"""The write path. Whatever a command writes goes through one `Step`, which keeps the history of it."""

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
from todo_cli.models.values import Priority, Status, When

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement, FromClause, Select
    from sqlalchemy.ext.asyncio import AsyncSession

Recorded = User | Project | Tag | Series | Todo | Comment
"""The rows whose history is kept."""

TODO_FIELDS = tuple(
    "series" if field.kind is Kind.RECURRENCE else field.attribute
    for field in FIELDS.values()
    if not field.is_set and (field.settable or field.leader or field.name in ("status", "deleted"))
)
"""What history keeps of a todo besides its sets: what people set, and what the states of todos set."""

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
"""What history keeps of a row that is removed, so that it can be made again."""

UNSAID: dict[str, object] = {"status": Status.OPEN, "priority": Priority.NONE, "after_completion": False}
"""What a new row has unless it is said otherwise, beside what is absent."""


NamedT = TypeVar("NamedT", Project, Tag)


@dataclass
class Transaction:
    """What a service works in: a session in an open transaction, whose work it is, and the moment of the command.

    `now` is aware, in the user's zone; the same for all that one command does.
    """

    session: AsyncSession
    scope: Scope
    now: datetime


class Step(Transaction):
    """What one command writes: rows together with their history, gated by the step's uuid.

    Setting attributes of rows by hand would leave no history; services use `create`, `change`, `link`, `unlink` and
    `remove`. Todos are written at `flush`, everything else at `send`, all at once.
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
        """Whether anything was changed, so that there is something to keep."""
        return self._wrote

    @property
    def id(self) -> int:
        """The number of the step's own row."""
        return self._id

    @property
    def pending(self) -> Pending:
        """What `send` writes; whoever adds to it notes the history as well."""
        return self._pending

    def has_changed(self, todo: Todo) -> bool:
        """Return whether this step changed, or made, that todo."""
        return todo.uuid in self._touched

    def touch(self, todo: Todo) -> None:
        """Give the todo a new version: something was changed that shows in it."""
        self._touched[todo.uuid] = todo

    def keep(self) -> None:
        """Tell that rows were written past this step, which have a history of their own."""
        self._wrote = True

    async def open(self, user: Select[tuple[int]]) -> bool:
        """Write the step's own row for the user that the statement finds, or return False.

        Then the statement finds nobody, or the row stands there already and all of the step was written before.
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
        """Return whether the step was written before."""
        stored = await self.session.execute(select(STEPS.c.id).where(STEPS.c.uuid == self.uuid))
        return stored.first() is not None

    async def hold_edges(self, *, adds: bool) -> None:
        """Keep others from binding todos to each other until the transaction ends; `adds` tells them that we do."""
        mine = is_owner(self.scope)
        raised = update(USERS).where(mine).values(edges_version=USERS.c.edges_version + 1)
        held = select(USERS.c.id).where(mine).with_for_update(read=True)
        await self.session.execute(raised if adds else held)

    async def find_changed(self) -> set[UUID]:
        """Return what the step changed when it was stored before, by uuid."""
        stored = select(STEPS.c.id).where(STEPS.c.uuid == self.uuid).scalar_subquery()
        changed = select(CHANGES.c.entity_uuid).where(CHANGES.c.step_id == stored)
        return set((await self.session.execute(changed)).scalars())

    async def flush(self) -> None:
        """Send the pending rows to the database, which numbers new ones; a changed todo gets its new version."""
        for uuid in self._touched.keys() - self._versioned:
            self._touched[uuid].version += 1
            self._touched[uuid].updated_at = self.now
        self._versioned |= self._touched.keys()
        await self.session.flush()

    async def send(self) -> None:
        """Write what goes together, with the history so far; raises BusyError if what was read is not so any more."""
        pending, self._pending = self._pending, Pending()
        await pending.send(self.session)

    async def close(self) -> None:
        """Write what is pending, and the history."""
        await self.flush()
        await self.send()

    def create(self, row: Recorded) -> None:
        """Add a new row, and set its owner or author. Todos and series are numbered by `flush`, others not at all."""
        assign_owner(row, self.scope)
        if isinstance(row, Todo | Series):
            self.session.add(row)
        else:
            self._pending.create(row)
        self.note_creation(row)

    def change(self, row: Recorded, **fields: object) -> bool:
        """Set the fields; return whether any of them had another value before."""
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

    async def bind(self, todo: Todo, others: Mapping[int, UUID]) -> None:
        """Let the todo, which has a number, depend on these, on which it does not depend yet."""
        if others:
            rows = [{"todo_id": todo.id, "depends_on_id": number} for number in others]
            await self.session.execute(insert(DEPENDENCIES), rows)
        for uuid in others.values():
            self._record(todo, "depends", None, uuid)

    async def free(self, todo: Todo, others: Mapping[int, UUID]) -> None:
        """Let the todo depend no more on these, on which it depends."""
        edges = and_(DEPENDENCIES.c.todo_id == todo.id, DEPENDENCIES.c.depends_on_id.in_(others))
        if others:
            await self.session.execute(delete(DEPENDENCIES).where(edges))
        for uuid in others.values():
            self._record(todo, "depends", uuid, None)

    async def remove(self, model: type[NamedT], condition: ColumnElement[bool]) -> list[NamedT]:
        """Delete the user's projects, or the tag, that the condition finds, with their links to todos; return them.

        If by then another todo is in one of them, or carries it, the step is tried again.
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
        # As many as were found, and of those: while one was waited for, it may have left and another come.
        known = one_of(TODOS.c.id, [number for number, _, _ in held])
        self._pending.expect(_count(is_held) == len(held))
        self._pending.expect(_count(and_(is_held, known)) == len(held))
        return rows

    async def _lock_with_todos(
        self, model: type[NamedT], condition: ColumnElement[bool]
    ) -> tuple[list[NamedT], list[tuple[int, UUID, NamedT]]]:
        """Return projects or tags by key, and number and uuid of each todo that they hold with the one that holds it.

        Todos are locked before projects and tags, as everywhere; from then on these get no others.
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
        # The condition again: of a row that had to be waited for, what it says now decides.
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

    async def ensure(self, model: type[NamedT], name: str) -> NamedT:
        """Return this user's project or tag of that name, made if there is none.

        It is locked against being deleted until the transaction ends. Callers that ensure several do so in the order
        of their keys: two steps then never wait for each other in a circle.
        """
        wanted = (
            select(model)
            .where(owned(model, self.scope), table_of(model).c.key == fold(name))
            .with_for_update(read=True, key_share=True)
        )
        if row := (await self.session.execute(wanted)).scalar_one_or_none():
            return row
        owner: dict[str, Any] = owner_values(model, self.scope)
        values: dict[str, Any] = {**owner, "uuid": uuid4(), "name": name, "key": fold(name)}
        if model is Project:
            values["created_at"] = self.now
        statement = self._insert(model).values(values)
        inserted = statement.on_conflict_do_nothing(index_elements=[*owner, "key"]).returning(table_of(model).c.id)
        is_new = (await self.session.execute(inserted)).scalar() is not None
        row = (await self.session.execute(wanted)).scalar_one_or_none()
        if row is None:  # somebody's, and deleted in between
            raise BusyError
        if is_new:
            self.note_creation(row)
        return row

    async def erase(self, condition: ColumnElement[bool]) -> int:
        """Remove todos for good, with their history; return how many. The one thing that history does not keep.

        What is left is a line that says that each of them is gone, without its content, and lines about todos that
        depended on them or belonged to them. Steps stay, also where nothing is left of what they changed.
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
            # In this order: while the todos are there, they tell which lines are theirs.
            self._pending.execute(delete(CHANGES).where(is_about(condition)))
            for lines in tell_erasure(self._id, condition, erased):
                self._pending.note_found(lines)
            no_parent = case((TODOS.c.parent_id.in_(erased), null()), else_=TODOS.c.parent_id)
            left = and_(TODOS.c.id.in_(bound), TODOS.c.id.not_in(erased))
            versioned = {"version": TODOS.c.version + 1, "updated_at": self.now}
            self._pending.execute(update(TODOS).where(left).values(parent_id=no_parent, **versioned))
            self._pending.execute(delete(TODOS).where(condition))
            self._pending.expect(_count(condition) == count)
            # What is bound to them is what was locked, so that nobody else can be changing it.
            self._pending.expect(_count(left) == len(known))
            self._pending.expect(_count(and_(left, one_of(TODOS.c.id, known))) == len(known))
            self._wrote = True
        return count

    def note_creation(self, row: Recorded) -> None:
        """Write in the history that the row is new, as `create` does."""
        self._versioned.add(row.uuid)  # it begins with its first version
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
        """Write a line of history, about what was written past this step."""
        self._note(entity, uuid, field, old, new)

    def _note(self, entity: str, uuid: UUID, field: str, old: object, new: object) -> None:
        self._pending.note(self._id, entity, uuid, field, encode(old), encode(new))
        self._wrote = True

    @property
    def _insert(self) -> Callable[..., Any]:
        """The dialect's INSERT, the one that knows ON CONFLICT."""
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
    """Return the statement that writes a step's own row, and returns its `id`, `author` and `owner`.

    It writes nothing if `user` is empty, the condition does not hold or the step is stored.
    """
    row = select(literal(uuid, Uuid()), user.c.author, literal(now, UtcDateTime()), literal(command, Text()))
    gate = insert(STEPS).from_select(["uuid", AUTHOR, "at", "command"], row.select_from(user).where(condition))
    return gate.on_conflict_do_nothing(index_elements=["uuid"]).returning(STEPS.c.id, *scope_of_step())


def creation_changes(row: Recorded) -> list[tuple[str, object]]:
    """Return the fields that the history of a new row begins with, each with its value; tags are not among them."""
    fields = [(field, get_value(row, field)) for field in _FIELDS[type(row)]]
    return [("exists", True), *((name, new) for name, new in fields if new is not None and new != UNSAID.get(name))]


def _count(condition: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(TODOS).where(condition).scalar_subquery()


def encode(value: object) -> str | None:
    """Return the value as history keeps it: JSON, with rows as their uuid, instants in UTC; None stays None."""
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
