"""Relations between todos within a transaction: subtrees, dependencies, and the checks that depend on them."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

from todo_cli.db.read.graph_sql import Subtree, in_subtree, is_live, list_ready, select_ancestors, select_dependencies
from todo_cli.db.read.json_sql import read_json
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.write.edits import Edit
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import ConflictError, CycleError, OpenSubtasksError
from todo_cli.models.tables import DEPENDENCIES, TODOS, Todo
from todo_cli.models.values import ReadyTodo, Status
from todo_cli.query.references import Reference
from todo_cli.query.trees import find_path
from todo_cli.services.lookup import find_todos, load_todos

MAX_NAMED = 5


async def find_related(
    step: Step, references: Sequence[Reference], named: Sequence[Todo], subtree: Subtree | None
) -> list[Todo]:
    """Return the todos of the subtrees, without the named todos themselves, locked."""
    if subtree is None:
        return []
    statement = load_todos(step, in_subtree(refers_to(references), step.scope, subtree)).with_for_update()
    found = await step.session.execute(statement.execution_options(populate_existing=True))
    return [todo for todo in found.scalars() if todo not in named]


@dataclass(frozen=True)
class RelationChanges:
    """The dependencies to add and to remove, and the new parent."""

    prerequisites: Mapping[int, UUID]
    removed: Container[int]
    depends: Mapping[int, Mapping[int, UUID]]
    """The existing dependencies of each todo, by its number."""
    parent: Todo | None

    @classmethod
    async def find(cls, step: Step, todos: Sequence[Todo], edit: Edit) -> RelationChanges:
        """Look up the todos of an edit; raises NotFoundError and CycleError."""
        numbers = {todo.id for todo in todos if todo.id}
        parent = await find_todos(step, [edit.parent], locked=True) if edit.parent else [None]
        if parent[0]:
            await _check_ancestors(step, parent[0], numbers)
        found = await find_todos(step, edit.depends) if edit.depends else []
        prerequisites = {other.id: other.uuid for other in found if other.id}
        depends = await _read_dependencies(step, numbers) if numbers and (edit.depends or edit.undepends) else {}
        if edit.undepends == "all":
            removed = {other for others in depends.values() for other in others}
        else:
            unbound = await find_todos(step, edit.undepends, trashed=True) if edit.undepends else []
            removed = {other.id for other in unbound if other.id}
        if prerequisites:
            await _check_dependencies(step, prerequisites, numbers, removed)
        return cls(prerequisites, removed, depends, parent[0])

    async def apply(self, step: Step, todo: Todo) -> None:
        """Add and remove the dependencies of a todo, which has a number."""
        depends = self.depends.get(todo.id or 0, {})
        await step.remove_dependencies(
            todo, {number: uuid for number, uuid in depends.items() if number in self.removed}
        )
        new = {number: uuid for number, uuid in self.prerequisites.items() if number not in depends}
        await step.add_dependencies(todo, new)


async def load_parents(step: Step, todos: Iterable[Todo]) -> None:
    """Load the parents of the todos."""
    # Eager loading would replace a parent that is one of these todos, and drop its own parent.
    for todo in todos:
        parent = await step.session.get(Todo, todo.parent_id) if todo.parent_id else None
        set_committed_value(todo, "parent", parent)


async def _read_dependencies(step: Step, numbers: Collection[int]) -> dict[int, dict[int, UUID]]:
    """Return the dependencies of the todos, including those in the trash."""
    found: dict[int, dict[int, UUID]] = {}
    statement = (
        select(DEPENDENCIES.c.todo_id, TODOS.c.id, TODOS.c.uuid)
        .join(TODOS, TODOS.c.id == DEPENDENCIES.c.depends_on_id)
        .where(DEPENDENCIES.c.todo_id.in_(numbers))
        .order_by(*DEPENDENCIES.c)
    )
    for row in await step.session.execute(statement):
        found.setdefault(row.todo_id, {})[row.id] = row.uuid
    return found


async def _check_dependencies(
    step: Step, prerequisites: Collection[int], numbers: Container[int], removed: Container[int]
) -> None:
    """Raise CycleError if one of the todos would depend on itself."""
    reached = select_dependencies(select(TODOS.c.id).where(TODOS.c.id.in_(prerequisites)))
    edges = select(DEPENDENCIES).where(DEPENDENCIES.c.todo_id.in_(select(reached.c.id)))
    further: dict[int, list[int]] = {}
    for row in await step.session.execute(edges.order_by(*DEPENDENCIES.c)):
        if row.todo_id not in numbers or row.depends_on_id not in removed:
            further.setdefault(row.todo_id, []).append(row.depends_on_id)
    for other in prerequisites:
        if path := find_path(other, numbers, further):
            raise CycleError("depend on", [path[-1], *path])


async def _check_ancestors(step: Step, parent: Todo, numbers: Container[int]) -> None:
    """Raise CycleError if one of the todos would be its own ancestor."""
    above = select_ancestors(select(TODOS.c.id).where(TODOS.c.id == parent.id))
    found = select(TODOS.c.id, TODOS.c.parent_id).where(TODOS.c.id.in_(select(above.c.id)))
    further = {row.id: [row.parent_id] for row in await step.session.execute(found) if row.parent_id}
    if path := find_path(parent.id or 0, numbers, further):
        raise CycleError("belong to", [path[-1], *path])


async def check_closing(step: Step, todos: Sequence[Todo], edit: Edit) -> None:
    """Raise ConflictError for a blocked todo, and OpenSubtasksError for one with open subtasks.

    Todos that are closed by the same edit do not count.
    """
    open_ = {todo.id: todo for todo in todos if todo.status == Status.OPEN.value}
    if edit.waits and open_:
        first = TODOS.alias("first")
        found = await step.session.execute(
            select(DEPENDENCIES.c.todo_id, first.c.id, first.c.title)
            .join(first, first.c.id == DEPENDENCIES.c.depends_on_id)
            .where(DEPENDENCIES.c.todo_id.in_(open_), is_live(first), first.c.id.not_in(open_))
            .order_by(DEPENDENCIES.c.todo_id, first.c.id)
        )
        waiting: dict[int, list[str]] = {}
        for number, other, title in found:
            waiting.setdefault(number, []).append(f"{other} {_shorten(title)}")
        for number, others in waiting.items():
            more = len(others) - MAX_NAMED
            named = ", ".join(others[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
            raise ConflictError(
                f"todo {number} is blocked by {named}",
                f"finish {'it' if len(others) == 1 else 'them'} first, or add --force",
            )
    if edit.whole and open_:
        child = TODOS.alias("subtask")
        mine = select(child.c.parent_id, child.c.id).where(child.c.parent_id.in_(open_), is_live(child))
        left = (await step.session.execute(mine.where(child.c.id.not_in([todo.id for todo in todos])))).all()
        if left:
            raise OpenSubtasksError([row.parent_id for row in left], len(left))


async def find_ready(transaction: Transaction, closed: Sequence[Todo]) -> dict[int, list[ReadyTodo]]:
    """Return the todos that became ready because these were closed, by the number of each closed todo."""
    if not closed:
        return {}
    numbers = select(TODOS.c.id).where(TODOS.c.id.in_([todo.id for todo in closed]))
    todos = TODOS.alias("closed")
    statement = select(todos.c.id, list_ready(todos, numbers)).where(todos.c.id.in_(numbers))
    return {number: read_ready(text) for number, text in await transaction.session.execute(statement)}


def read_ready(text: str | None) -> list[ReadyTodo]:
    """Return the result of `list_ready` as values."""
    return sorted(ReadyTodo(number, title) for number, title in read_json(text))


def _shorten(title: str) -> str:
    return title if len(title) <= 40 else f"{title[:39]}…"
