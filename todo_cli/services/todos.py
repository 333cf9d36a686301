"""Writing todos. Every function is one step: all of it is stored, or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlmodel import col

from todo_cli.db.database import Database
from todo_cli.db.step import Step
from todo_cli.errors import ConflictError
from todo_cli.models.tables import Project, Tag, Todo
from todo_cli.models.text import fold
from todo_cli.models.values import Due, Priority, Status, TodoOutcome, TodoPublic
from todo_cli.query.references import Reference
from todo_cli.services.lookup import find_todos, to_public


@dataclass(frozen=True, slots=True)
class NewTodo:
    """What `add` was told. Names and texts are checked (see `query`)."""

    title: str
    description: str | None = None
    priority: Priority = Priority.NONE
    project: str | None = None
    tags: tuple[str, ...] = ()
    due: Due | None = None


@dataclass(frozen=True, slots=True)
class TodoChanges:
    """What `modify` was told: None leaves a field as it is, `clear` names the fields to empty."""

    title: str | None = None
    description: str | None = None
    priority: Priority | None = None
    project: str | None = None
    due: Due | None = None
    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    clear: frozenset[str] = frozenset()


async def add_todo(db: Database, new: NewTodo) -> TodoPublic:
    """Store a new todo with its project and tags, which are made where there are none; return it with its number.

    Raises ConflictError for a project that is archived.
    """

    async def work(step: Step) -> TodoPublic:
        project = await _ensure_project(step, new.project)
        todo = Todo(
            user_id=step.user_id,
            title=new.title,
            description=new.description,
            priority=new.priority.value,
            project=project,
            tags=await _ensure_tags(step, new.tags),
            created_at=step.now,
            updated_at=step.now,
        )
        todo.due = new.due
        step.create(todo)
        await step.flush()
        return to_public(todo)

    return await db.write("add", work)


async def modify_todos(db: Database, references: Sequence[Reference], changes: TodoChanges) -> list[TodoOutcome]:
    """Change the fields of each todo; raises NotFoundError, and ConflictError for a project that is archived."""

    async def prepare(step: Step) -> Callable[[Todo], object]:
        fields: dict[str, object] = dict.fromkeys(changes.clear)
        for field in ("title", "description", "due"):
            if (value := getattr(changes, field)) is not None:
                fields[field] = value
        if changes.priority is not None:
            fields["priority"] = changes.priority.value
        if changes.project is not None:
            fields["project"] = await _ensure_project(step, changes.project)
        tags = await _ensure_tags(step, changes.tags)
        dropped = {fold(name) for name in changes.untag}

        def change(todo: Todo) -> None:
            step.change(todo, **fields)
            for tag in [tag for tag in todo.tags if tag.key in dropped]:
                step.unlink(todo, tag)
            for tag in tags:
                step.link(todo, tag)

        return change

    return await _change_each(db, "modify", references, prepare)


async def complete_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Finish each todo, as of now; one that is done stays as it is. Raises NotFoundError."""
    return await _set_status(db, "done", references, Status.DONE)


async def reopen_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Open each todo that is done or cancelled; raises NotFoundError."""
    return await _set_status(db, "reopen", references, Status.OPEN)


async def cancel_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Cancel each todo: it is off the list without having been done. Raises NotFoundError."""
    return await _set_status(db, "cancel", references, Status.CANCELLED)


async def delete_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Put each todo into the trash; one that is there stays as it is. Raises NotFoundError."""

    async def prepare(step: Step) -> Callable[[Todo], object]:
        return lambda todo: todo.deleted_at is None and step.change(todo, deleted_at=step.now)

    return await _change_each(db, "delete", references, prepare, trashed=True)


async def restore_todos(db: Database, references: Sequence[Reference]) -> list[TodoOutcome]:
    """Take each todo from the trash, under the number that it had; raises NotFoundError."""

    async def prepare(step: Step) -> Callable[[Todo], object]:
        return lambda todo: step.change(todo, deleted_at=None)

    return await _change_each(db, "restore", references, prepare, trashed=True)


async def empty_trash(db: Database) -> int:
    """Remove for good what was in the trash when the command began, with its history; return how many todos."""

    async def work(step: Step) -> int:
        trashed = and_(col(Todo.user_id) == step.user_id, col(Todo.deleted_at) <= step.now)
        return await step.erase(trashed)

    return await db.write("trash empty", work)


async def _set_status(db: Database, command: str, references: Sequence[Reference], status: Status) -> list[TodoOutcome]:
    async def prepare(step: Step) -> Callable[[Todo], object]:
        completed_at = step.now if status is Status.DONE else None
        return lambda todo: todo.status != status and step.change(todo, status=status.value, completed_at=completed_at)

    return await _change_each(db, command, references, prepare)


async def _change_each(
    db: Database,
    command: str,
    references: Sequence[Reference],
    prepare: Callable[[Step], Awaitable[Callable[[Todo], object]]],
    *,
    trashed: bool = False,
) -> list[TodoOutcome]:
    """Find and lock the todos, prepare the change once, and apply it to each.

    Todos are locked before projects and tags are, by every step, so that no two wait for each other.
    """

    async def work(step: Step) -> list[TodoOutcome]:
        todos = await find_todos(step, references, locked=True, trashed=trashed)
        change = await prepare(step)
        for todo in todos:
            change(todo)
        await step.flush()
        return [TodoOutcome(to_public(todo), step.has_changed(todo)) for todo in todos]

    return await db.write(command, work)


async def _ensure_project(step: Step, name: str | None) -> Project | None:
    if name is None:
        return None
    segments = name.split(".")
    names = [".".join(segments[:count]) for count in range(1, len(segments) + 1)]
    wanted = col(Project.key).in_([fold(part) for part in names])
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
