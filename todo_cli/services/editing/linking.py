"""Writing the names and references of todos, of the fields that `TodoPublic` does not declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, delete, insert, literal, select
from sqlalchemy.orm.attributes import set_attribute

from todo_cli.db.read.columns import links_of, names_of
from todo_cli.db.read.linked_sql import undeclared
from todo_cli.db.scope import owned
from todo_cli.db.write.step import Step
from todo_cli.models.fields import FIELDS, Field, Inherit
from todo_cli.models.tables import Todo
from todo_cli.models.text import fold
from todo_cli.query.links import LinkChange
from todo_cli.query.references import Reference
from todo_cli.services.lookup import find_todos


@dataclass(frozen=True)
class Links:
    """The rows that a field is to refer to from now on, and those that it is not to refer to, by their numbers."""

    field: Field
    add: frozenset[int]
    remove: frozenset[int]
    clears: bool = False

    async def apply(self, step: Step, todo: Todo) -> bool:
        """Change the field of the todo, which has a number; return whether it had another value."""
        return await self._change_set(step, todo) if self.field.is_set else self._set(todo)

    async def _change_set(self, step: Step, todo: Todo) -> bool:
        links = links_of(self.field)
        column, is_todos = links.c[self.field.refers], links.c.todo_id == todo.id
        present = set((await step.session.execute(select(column).where(is_todos))).scalars())
        old = present if self.clears else present & self.remove
        new = self.add - present
        if old:
            await step.session.execute(delete(links).where(is_todos, column.in_(old)))
        if new:
            await step.session.execute(insert(links), [{"todo_id": todo.id, column.name: number} for number in new])
        return bool(old or new)

    def _set(self, todo: Todo) -> bool:
        number = next(iter(self.add), None)
        changed = (number is not None or self.clears) and getattr(todo, self.field.refers) != number
        if changed:
            set_attribute(todo, self.field.refers, number)
        return bool(changed)


async def change_links(step: Step, todos: Iterable[Todo], changes: Mapping[str, LinkChange]) -> None:
    """Change the fields of the todos, which have numbers; names are created if needed. Raises NotFoundError."""
    found = [await _find_links(step, FIELDS[name], changes[name]) for name in sorted(changes)]
    for todo in todos:
        if any([await links.apply(step, todo) for links in found]):
            step.touch(todo)
            step.keep()


async def copy_links(step: Step, todo: Todo, followers: Sequence[Todo]) -> None:
    """Give the next occurrences of a todo, which have no numbers yet, what they inherit."""
    fields = [field for field in undeclared() if field.inherit is Inherit.COPY]
    for field in fields:
        for new in followers:
            if not field.is_set:
                set_attribute(new, field.refers, getattr(todo, field.refers))
    sets = [field for field in fields if field.is_set]
    if not (sets and followers):
        return
    await step.flush()
    for field in sets:
        links = links_of(field)
        for new in followers:
            own = select(literal(new.id), links.c[field.refers]).where(links.c.todo_id == todo.id)
            await step.session.execute(insert(links).from_select(["todo_id", field.refers], own))


async def _find_links(step: Step, field: Field, change: LinkChange) -> Links:
    clears = change.remove == "all"
    remove = () if change.remove == "all" else change.remove
    if not field.names:
        return Links(
            field,
            frozenset(await _find_numbers(step, change.add)),
            frozenset(await _find_numbers(step, remove, trashed=True)),
            clears,
        )
    table = names_of(field)
    by_key = {fold(name): name for name in change.add}
    add = [await step.get_or_create_name(table, by_key[key]) for key in sorted(by_key)]
    is_removed = and_(owned(table, step.scope), table.c.key.in_([fold(name) for name in remove]))
    removed = (await step.session.execute(select(table.c.id).where(is_removed))).scalars() if remove else ()
    return Links(field, frozenset(add), frozenset(removed), clears)


async def _find_numbers(step: Step, references: Sequence[Reference], *, trashed: bool = False) -> list[int]:
    found = await find_todos(step, references, trashed=trashed) if references else []
    return [todo.id for todo in found if todo.id]
