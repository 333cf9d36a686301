"""Writing todos. Every function is one step: all of its changes are stored, or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import Executable, Row, and_, select

from todo_cli.db.database import Database, Shortcut
from todo_cli.db.read.json_sql import read_json
from todo_cli.db.read.queries import Request
from todo_cli.db.scope import owned
from todo_cli.db.write.edits import Edit
from todo_cli.db.write.erasing import is_erasure
from todo_cli.db.write.step import UNSAID, Step
from todo_cli.errors import ConflictError, NotFoundError
from todo_cli.models.fields import FIELDS, Settable
from todo_cli.models.tables import CHANGES, TODOS, Series, Todo, as_stored, set_value
from todo_cli.models.text import fold
from todo_cli.models.values import Status, TodoOutcome, TodoPublic, When
from todo_cli.query.links import LinkChange
from todo_cli.query.references import Reference, refer_to
from todo_cli.services.editing.editing import edit_each, get_or_create_project, get_or_create_tags
from todo_cli.services.editing.linking import change_links
from todo_cli.services.editing.recurring import Every, begin_series
from todo_cli.services.editing.relations import RelationChanges
from todo_cli.services.listing import ListQuery, list_todos
from todo_cli.services.lookup import (
    load_todos,
    make_public,
    publish,
    read_links,
    to_recurrence,
)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, init=False)
class NewTodo:
    """The arguments of `add`, which are validated (see `query`).

    `values` maps the attributes of simple fields to their values; `links` maps fields to names and references that no
    other argument contains.
    """

    title: str
    values: Mapping[str, Any]
    project: str | None
    tags: tuple[str, ...]
    every: Every | None
    depends: tuple[Reference, ...]
    parent: Reference | None
    uuid: UUID | None
    links: Mapping[str, LinkChange]

    def __init__(
        self,
        title: str,
        values: Mapping[str, Any] = _NOTHING,
        *,
        project: str | None = None,
        tags: tuple[str, ...] = (),
        every: Every | None = None,
        depends: tuple[Reference, ...] = (),
        parent: Reference | None = None,
        uuid: UUID | None = None,
        links: Mapping[str, LinkChange] = _NOTHING,
        **simple: Any,
    ) -> None:
        """Take simple fields as a mapping, as keywords, or both; those that are None have no value."""
        given = _check_simple({**values, **simple}, Settable.ADD)
        own = (title, {name: value for name, value in given.items() if value is not None})
        _fill(self, *own, project, tags, every, depends, parent, uuid, links)

    @property
    def due(self) -> When | None:
        """When it is due."""
        return self.values.get("due")


@dataclass(frozen=True, slots=True, init=False)
class TodoChanges:
    """The arguments of `modify`.

    `values` maps the attributes of simple fields to their new values; `clear` contains the attributes to empty, which
    may include `project` and `parent`. `ends_series` ends the recurrence. `links` maps fields to names and references
    that no other argument contains.
    """

    values: Mapping[str, Any]
    project: str | None
    tags: tuple[str, ...]
    untag: tuple[str, ...]
    clear: frozenset[str]
    every: Every | None
    ends_series: bool
    depends: tuple[Reference, ...]
    undepends: tuple[Reference, ...] | Literal["all"]
    parent: Reference | None
    links: Mapping[str, LinkChange]

    def __init__(
        self,
        title: str | None = None,
        *,
        values: Mapping[str, Any] = _NOTHING,
        project: str | None = None,
        tags: tuple[str, ...] = (),
        untag: tuple[str, ...] = (),
        clear: frozenset[str] = frozenset(),
        every: Every | None = None,
        ends_series: bool = False,
        depends: tuple[Reference, ...] = (),
        undepends: tuple[Reference, ...] | Literal["all"] = (),
        parent: Reference | None = None,
        links: Mapping[str, LinkChange] = _NOTHING,
        **simple: Any,
    ) -> None:
        """Take simple fields as a mapping, in which None empties one, or as keywords, in which None leaves it."""
        kept = {name: value for name, value in {"title": title, **simple}.items() if value is not None}
        given = _check_simple({**values, **kept}, Settable.MODIFY)
        set_ = {name: value for name, value in given.items() if value is not None}
        clear |= given.keys() - set_.keys()
        _fill(self, set_, project, tags, untag, clear, every, ends_series, depends, undepends, parent, links)


def _check_simple(values: Mapping[str, Any], by: Settable) -> Mapping[str, Any]:
    """Return the values; raises TypeError for one that belongs to no simple field which this command sets."""
    known = {field.attribute for field in FIELDS.settable(by) if field.is_simple}
    if unknown := values.keys() - known:
        raise TypeError(f"unknown field {min(unknown)!r}")
    return values


def _fill(new: NewTodo | TodoChanges, *values: object) -> None:
    for each, value in zip(fields(new), values, strict=True):
        object.__setattr__(new, each.name, value)


async def add_todo(db: Database, new: NewTodo) -> TodoOutcome:
    """Add a todo with its project and tags, which are created if needed; return it with its number.

    If the user already has a todo with the given uuid, it is returned unchanged. A recurring todo without a due date is
    due on the first day of its rule; a subtask without a project gets its parent's. Raises ConflictError for an
    archived project and for the uuid of another user's or an erased todo, NotFoundError for an unknown dependency or
    parent, and InvalidInputError for an invalid rule.
    """
    uuid = new.uuid or uuid4()  # the same in every attempt
    series_uuid, due = uuid4(), new.due
    if new.every:
        _, due = begin_series(new.every, new.due, db.now)

    def make_series() -> Series | None:
        if not new.every:
            return None
        series, _ = begin_series(new.every, new.due, db.now)
        series.uuid = series_uuid
        return series

    async def work(step: Step) -> TodoOutcome:
        if new.uuid and (there := await _find_own(step, new.uuid)):
            return TodoOutcome((await publish(step, [there]))[there.uuid], changed=False)
        if new.parent:
            await step.lock_graph(adds=True)
        relations = await RelationChanges.find(step, [], bound)
        project = await get_or_create_project(step, new.project)
        if new.project is None and relations.parent:
            project = relations.parent.project
        tags = await get_or_create_tags(step, new.tags)
        todo = _make_row(new, uuid, due, db.now)
        todo.project, todo.tags, todo.series = project, tags, make_series()
        todo.parent = relations.parent
        if todo.series:
            todo.occurrence = todo.series.first_occurrence
            step.create(todo.series)
        step.create(todo)
        await step.flush()
        await relations.apply(step, todo)
        await change_links(step, [todo], new.links)
        await step.flush()
        return TodoOutcome((await publish(step, [todo]))[todo.uuid], changed=True)

    async def recall(step: Step) -> TodoOutcome:
        todo = (await step.session.execute(load_todos(step, TODOS.c.uuid == uuid))).scalar_one_or_none()
        if todo is None:  # it has been erased since
            raise NotFoundError("the todo was added, but has been permanently deleted since")
        return TodoOutcome((await publish(step, [todo]))[todo.uuid], changed=True)

    bound = Edit(depends=new.depends, parent=new.parent)
    row, series = _make_row(new, uuid, due, db.now), make_series()
    if series:
        row.occurrence = series.first_occurrence

    def make(request: Request, step: UUID) -> Executable:
        from todo_cli.db.write.at_once import add_at_once

        return add_at_once(request, step, row, new.project, new.tags, series, bound)

    def read(rows: Sequence[Row[Any]]) -> TodoOutcome:
        [found] = rows
        row.id = found.id
        links = read_links([found])[found.id]
        todo = make_public(row, found.project, read_json(found.tags), to_recurrence(series), links)
        return TodoOutcome(todo, changed=True)

    at_once = bound.is_countable and not new.links
    return await db.write("add", work, shortcut=Shortcut(make, read, recall) if at_once else None)


def _make_row(new: NewTodo, uuid: UUID, due: When | None, now: datetime) -> Todo:
    todo = Todo(uuid=uuid, title=new.title, created_at=now, updated_at=now)
    for attribute, value in {**new.values, "due": due}.items():
        set_value(todo, attribute, value)
    return todo


async def modify_todos(
    db: Database, references: Sequence[Reference], changes: TodoChanges, *, if_version: int | None = None
) -> list[TodoOutcome]:
    """Change the fields of each todo; subtasks move along to another project.

    With `every`, each todo starts its own series, from its due date on. Raises NotFoundError, ConflictError for an
    archived project, another version or a cycle, and InvalidInputError for an invalid rule.
    """
    stored = {attribute: as_stored(value) for attribute, value in changes.values.items()}
    emptied = {name: as_stored(UNSAID.get(name)) for name in sorted(changes.clear)}
    put_on = {fold(name) for name in changes.tags}
    untag = tuple(name for name in changes.untag if fold(name) not in put_on)
    moves = changes.project is not None or "project" in changes.clear
    edit = Edit(
        {**emptied, **stored},
        changes.project,
        changes.tags,
        untag,
        if_version=if_version,
        ends_series=changes.ends_series or changes.every is not None,
        depends=changes.depends,
        undepends=changes.undepends,
        parent=changes.parent,
        kin="kept" if moves else None,
        kin_fields=("project",) if moves else (),
        links=changes.links,
    )
    return await edit_each(db, "modify", references, edit, every=changes.every)


async def complete_todos(
    db: Database,
    references: Sequence[Reference],
    *,
    catch_up: bool = False,
    force: bool = False,
    with_subtasks: bool = False,
) -> list[TodoOutcome]:
    """Finish each todo, and `with_subtasks` its open subtasks; done todos are unchanged.

    A recurring todo gets its next occurrence: the first one due today or later; `catch_up` also creates each missed
    one. Raises NotFoundError, ConflictError for a todo that depends on an open one, unless `force`, and
    OpenSubtasksError.
    """
    return await _set_status(
        db,
        "done",
        references,
        Status.DONE,
        recurring="succeed",
        catch_up=catch_up,
        waits=not force,
        with_subtasks=with_subtasks,
    )


async def reopen_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Reopen each todo that is done or cancelled; raises NotFoundError."""
    return await _set_status(db, "reopen", references, Status.OPEN)


async def cancel_todos(
    db: Database, references: Sequence[Reference], *, with_subtasks: bool = False
) -> list[TodoOutcome]:
    """Cancel each todo, and `with_subtasks` its open subtasks.

    A recurring todo gets its next occurrence. Raises NotFoundError and OpenSubtasksError.
    """
    return await _set_status(
        db, "cancel", references, Status.CANCELLED, recurring="succeed", with_subtasks=with_subtasks
    )


async def skip_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Cancel this occurrence of each todo and create the next one; closed todos are unchanged.

    Raises NotFoundError, and ConflictError for a todo that does not repeat.
    """
    return await _set_status(db, "skip", references, Status.CANCELLED, recurring="only", only_open=True)


async def _set_status(
    db: Database,
    command: str,
    references: Sequence[Reference],
    status: Status,
    *,
    recurring: Literal["same", "succeed", "only"] = "same",
    catch_up: bool = False,
    only_open: bool = False,
    waits: bool = False,
    with_subtasks: bool = False,
) -> list[TodoOutcome]:
    fields = {
        "status": status.value,
        "started_at": None,  # a closed todo is not in progress
        "completed_at": db.now if status is Status.DONE else None,
    }
    edit = Edit(
        fields,
        unless="status",
        recurring=recurring,
        only_open=only_open,
        kin="open" if with_subtasks else None,
        kin_fields=tuple(fields) if with_subtasks else (),
        waits=waits,
        whole=status is not Status.OPEN,
    )
    return await edit_each(db, command, references, edit, catch_up=catch_up)


async def start_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Mark each todo as in progress; todos in progress are unchanged.

    Raises NotFoundError, and ConflictError for a todo that is not open.
    """
    edit = Edit({"started_at": db.now}, unless="started_at", refuses_closed=True)
    return await edit_each(db, "start", references, edit)


async def stop_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Mark each todo as not in progress; raises NotFoundError."""
    return await edit_each(db, "stop", references, Edit({"started_at": None}, unless="started_at"))


async def delete_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Move each todo to the trash with all its subtasks; todos in the trash are unchanged.

    Raises NotFoundError, and ConflictError for an open recurring todo.
    """
    edit = Edit(
        {"deleted_at": db.now},
        unless="deleted_at",
        trashed=True,
        recurring="refuse",
        kin="kept",
        kin_fields=("deleted_at",),
    )
    return await edit_each(db, "delete", references, edit)


async def restore_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Restore each todo from the trash, with its old number; raises NotFoundError.

    Its parents and the subtasks that were deleted with it are restored as well.
    """
    edit = Edit({"deleted_at": None}, unless="deleted_at", trashed=True, kin="trashed", kin_fields=("deleted_at",))
    return await edit_each(db, "restore", references, edit)


async def change_found(
    db: Database,
    query: ListQuery,
    change: Callable[[Database, Sequence[Reference]], Awaitable[list[TodoOutcome]]],
    *,
    most: int,
) -> tuple[Sequence[TodoPublic], list[TodoOutcome] | None]:
    """Return the todos that the query finds, and the outcomes of `change` on them; None if there are more than `most`.

    All found todos are changed in one step, even if one of them no longer matches by then.
    """
    found = (await list_todos(db, query)).todos
    return found, await change(db, refer_to(found)) if 0 < len(found) <= most else None


async def empty_trash(db: Database) -> int:
    """Permanently delete the todos that were in the trash at the start of the command; return their number."""

    async def work(step: Step) -> int:
        trashed = and_(owned(TODOS, step.scope), TODOS.c.deleted_at <= step.now)
        return await step.erase(trashed)

    return await db.write("trash empty", work, batch=True)


async def _find_own(step: Step, uuid: UUID) -> Todo | None:
    """Return this user's todo with that uuid, in the trash or not; None if there is none.

    Raises ConflictError if the uuid belongs to another user's todo or to an erased one.
    """
    todo = (await step.session.execute(load_todos(step, TODOS.c.uuid == uuid))).scalar_one_or_none()
    if todo is None:
        erased = select(CHANGES.c.id).where(CHANGES.c.entity_uuid == uuid, is_erasure()).limit(1)
        if (await step.session.execute(erased)).first() is not None:
            raise ConflictError(
                f"todo {uuid} was permanently deleted", "to add a new todo, omit --id or give another uuid"
            )
        others = await step.session.execute(select(TODOS.c.id).where(TODOS.c.uuid == uuid))
        if others.first() is not None:
            raise ConflictError("a todo of another user already has that uuid")
    return todo
