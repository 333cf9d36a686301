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

    async def apply(self, step: Step, todos: Sequence[Todo]) -> set[int]:
        """Change the field of todos, which have numbers; return the numbers of those that had another value."""
        return await self._change_sets(step, todos) if self.field.is_set else self._set(todos)

    async def _change_sets(self, step: Step, todos: Sequence[Todo]) -> set[int]:
        links, numbers = links_of(self.field), [todo.id for todo in todos if todo.id]
        column, is_theirs = links.c[self.field.refers], links.c.todo_id.in_(numbers)
        present = {tuple(row) for row in await step.session.execute(select(links.c.todo_id, column).where(is_theirs))}
        gone = {other for _, other in present if self.clears or other in self.remove} - self.add
        old = {link for link in present if link[1] in gone}
        new = {(number, other) for number in numbers for other in self.add} - present
        if old:
            await step.session.execute(delete(links).where(is_theirs, column.in_(gone)))
        if new:
            rows = [{"todo_id": number, column.name: other} for number, other in sorted(new)]
            await step.session.execute(insert(links), rows)
        return {number for number, _ in old | new}

    def _set(self, todos: Iterable[Todo]) -> set[int]:
        other = next(iter(self.add), None)
        if other is None and not self.clears:
            return set()
        changed = {todo.id: todo for todo in todos if todo.id and getattr(todo, self.field.refers) != other}
        for todo in changed.values():
            set_attribute(todo, self.field.refers, other)
        return set(changed)


async def change_links(step: Step, todos: Sequence[Todo], changes: Mapping[str, LinkChange]) -> None:
    """Change the fields of the todos, which have numbers; names are created if needed. Raises NotFoundError."""
    changed: set[int] = set()
    for name in sorted(changes):
        links = await _find_links(step, FIELDS[name], changes[name])
        changed |= await links.apply(step, todos)
    for todo in todos:
        if todo.id in changed:
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
