"""Writing todos. Every function is one step: all of it is stored, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Executable, Row, and_, select
from sqlmodel import col

from todo_cli.db.at_once import add_at_once, edit_at_once
from todo_cli.db.database import Database, Shortcut
from todo_cli.db.edits import Edit
from todo_cli.db.statements import Viewer
from todo_cli.db.step import Step
from todo_cli.errors import ConflictError, NotFoundError
from todo_cli.models.tables import Project, Tag, Todo
from todo_cli.models.text import fold
from todo_cli.models.values import Priority, Status, TodoOutcome, When
from todo_cli.query.references import Reference
from todo_cli.services.lookup import (
    WITH_PROJECT,
    WITH_SERIES,
    WITH_TAGS,
    find_todos,
    is_referred_to,
    make_public,
    match_references,
    read_recurrence,
    to_public,
)


@dataclass(frozen=True, slots=True)
class NewTodo:
    """What `add` was told. Names and texts are checked (see `query`)."""

    title: str
    description: str | None = None
    priority: Priority = Priority.NONE
    project: str | None = None
    tags: tuple[str, ...] = ()
    due: When | None = None
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class TodoChanges:
    """What `modify` was told: None leaves a field as it is, `clear` names the fields to empty."""

    title: str | None = None
    description: str | None = None
    priority: Priority | None = None
    project: str | None = None
    due: When | None = None
    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    clear: frozenset[str] = frozenset()


async def add_todo(db: Database, new: NewTodo) -> TodoOutcome:
    """Store a new todo with its project and tags, which are made where there are none; return it with its number.

    If the user has a todo of the given uuid already, that one is returned, unchanged. Raises ConflictError for a
    project that is archived, and for the uuid of somebody else's todo.
    """
    uuid = new.uuid or uuid4()  # the same in every attempt

    def make_row(user_id: int) -> Todo:
        todo = Todo(
            uuid=uuid,
            user_id=user_id,
            title=new.title,
            description=new.description,
            priority=new.priority.value,
            created_at=db.now,
            updated_at=db.now,
        )
        todo.due = new.due
        return todo

    async def work(step: Step) -> TodoOutcome:
        if new.uuid and (there := await _find_own(step, new.uuid)):
            return TodoOutcome(to_public(there), changed=False)
        project = await _ensure_project(step, new.project)
        tags = await _ensure_tags(step, new.tags)
        todo = make_row(step.user_id)
        todo.project, todo.tags, todo.series = project, tags, None
        step.create(todo)
        await step.flush()
        return TodoOutcome(to_public(todo), changed=True)

    async def recall(step: Step) -> TodoOutcome:
        todo = await _find_own(step, uuid)
        if todo is None:  # somebody has removed it for good since
            raise NotFoundError("the new todo was added, and is gone again")
        return TodoOutcome(to_public(todo), changed=True)

    row = make_row(0)

    def make(viewer: Viewer, step: UUID) -> Executable:
        return add_at_once(viewer, step, row, new.project, new.tags)

    def read(rows: Sequence[Row[Any]]) -> TodoOutcome:
        [found] = rows
        row.id = found.id
        return TodoOutcome(make_public(row, found.project, _split(found.tags)), changed=True)

    return await db.write("add", work, shortcut=Shortcut(make, read, recall))


async def modify_todos(
    db: Database, references: Sequence[Reference], changes: TodoChanges, *, if_version: int | None = None
) -> list[TodoOutcome]:
    """Change the fields of each todo.

    Raises NotFoundError, and ConflictError for a project that is archived or a todo that is not of that version.
    """
    fields: dict[str, object] = dict.fromkeys(sorted(changes.clear))
    for field in ("title", "description", "due"):
        if (value := getattr(changes, field)) is not None:
            fields[field] = value
    if changes.priority is not None:
        fields["priority"] = changes.priority.value
    put_on = {fold(name) for name in changes.tags}
    untag = tuple(name for name in changes.untag if fold(name) not in put_on)
    edit = Edit(fields, changes.project, changes.tags, untag, if_version=if_version)
    return await _edit_each(db, "modify", references, edit)


async def complete_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Finish each todo, as of now; one that is done stays as it is. Raises NotFoundError."""
    return await _set_status(db, "done", references, Status.DONE)


async def reopen_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Open each todo that is done or cancelled; raises NotFoundError."""
    return await _set_status(db, "reopen", references, Status.OPEN)


async def cancel_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Cancel each todo: it is off the list without having been done. Raises NotFoundError."""
    return await _set_status(db, "cancel", references, Status.CANCELLED)


async def _set_status(db: Database, command: str, references: Sequence[Reference], status: Status) -> list[TodoOutcome]:
    fields = {"status": status.value, "completed_at": db.now if status is Status.DONE else None}
    return await _edit_each(db, command, references, Edit(fields, unless="status"))


async def delete_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Put each todo into the trash; one that is there stays as it is. Raises NotFoundError."""
    return await _edit_each(db, "delete", references, Edit({"deleted_at": db.now}, unless="deleted_at", trashed=True))


async def restore_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Take each todo from the trash, under the number that it had; raises NotFoundError."""
    return await _edit_each(db, "restore", references, Edit({"deleted_at": None}, unless="deleted_at", trashed=True))


async def empty_trash(db: Database) -> int:
    """Remove for good what was in the trash when the command began, with its history; return how many todos."""

    async def work(step: Step) -> int:
        trashed = and_(col(Todo.user_id) == step.user_id, col(Todo.deleted_at) <= step.now)
        return await step.erase(trashed)

    return await db.write("trash empty", work)


async def _edit_each(db: Database, command: str, references: Sequence[Reference], edit: Edit) -> list[TodoOutcome]:
    """Find and lock the todos, and edit each.

    Todos are locked before projects and tags are, by every step, so that no two wait for each other.
    """

    async def work(step: Step) -> list[TodoOutcome]:
        todos = await find_todos(step, references, locked=True, trashed=edit.trashed)
        if moved := [todo for todo in todos if edit.if_version not in (None, todo.version)]:
            raise ConflictError(
                f"{moved[0].id} was changed meanwhile: it is at version {moved[0].version}, not {edit.if_version}",
                f"'todo show {moved[0].id}' shows it as it is",
            )
        fields = dict(edit.fields)
        if edit.project is not None:
            fields["project"] = await _ensure_project(step, edit.project)
        tags = await _ensure_tags(step, edit.tags)
        dropped = {fold(name) for name in edit.untag}
        for todo in todos:
            if edit.spares(todo):
                continue
            step.change(todo, **fields)
            for tag in [tag for tag in todo.tags if tag.key in dropped]:
                step.unlink(todo, tag)
            for tag in tags:
                step.link(todo, tag)
        await step.flush()
        return [TodoOutcome(to_public(todo), step.has_changed(todo)) for todo in todos]

    async def recall(step: Step) -> list[TodoOutcome]:
        todos = await find_todos(step, references, trashed=True)
        changed = await step.find_changed()
        return [TodoOutcome(to_public(todo), todo.uuid in changed) for todo in todos]

    def make(viewer: Viewer, step: UUID) -> Executable:
        return edit_at_once(viewer, step, command, is_referred_to(references), len(references), edit)

    def read(rows: Sequence[Row[Any]]) -> list[TodoOutcome]:
        tags = {row.id: {*_split(row.kept), *_split(row.added)} for row in rows}
        todos = [make_public(row, row.project, tags[row.id], read_recurrence(row)) for row in rows]
        changed = {row.id for row in rows if row.changed}
        found = match_references(references, todos, trashed=True)
        return [TodoOutcome(todo, todo.id in changed) for todo in found]

    # A beginning of a uuid may stand for two todos, which only the number of rows could tell of one that is missing.
    counts = len(references) == 1 or all(reference.is_exact for reference in references)
    return await db.write(command, work, shortcut=Shortcut(make, read, recall) if counts else None)


async def _find_own(step: Step, uuid: UUID) -> Todo | None:
    """Return this user's todo of that uuid, in the trash or not; raises ConflictError if it is somebody else's."""
    statement = select(Todo).where(col(Todo.uuid) == uuid).options(WITH_PROJECT, WITH_TAGS, WITH_SERIES)
    todo = (await step.session.execute(statement)).scalar_one_or_none()
    if todo and todo.user_id != step.user_id:
        raise ConflictError("there is a todo with that uuid already, of another user")
    return todo


def _split(names: str | None) -> list[str]:
    return names.split(",") if names else []


async def _ensure_project(step: Step, name: str | None) -> Project | None:
    if name is None:
        return None
    wanted = col(Project.key).in_([fold(part) for part in Project.path_of(name)])
    found = (await step.session.execute(select(Project).where(col(Project.user_id) == step.user_id, wanted))).scalars()
    nearest = max(found, key=lambda project: len(project.key), default=None)
    if nearest is not None and nearest.archived_at:  # the project itself, or what it would be nested in
        raise ConflictError(
            f"the project {nearest.name!r} is archived", f"'todo project unarchive {nearest.name}' brings it back"
        )
    return await step.ensure(Project, name)


async def _ensure_tags(step: Step, names: Sequence[str]) -> list[Tag]:
    by_key = {fold(name): name for name in names}
    return [await step.ensure(Tag, by_key[key]) for key in sorted(by_key)]
