"""Lookup of references and names within a transaction, and conversion of rows to values."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import QueryableAttribute, selectinload

from todo_cli.db.read.columns import names_of, read_fields
from todo_cli.db.read.json_sql import read_json
from todo_cli.db.read.linked_sql import read_undeclared, select_undeclared, with_names
from todo_cli.db.read.queries import select_links
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import owned
from todo_cli.db.write.step import Transaction
from todo_cli.errors import BusyError, NotFoundError
from todo_cli.models.fields import FIELDS, Field
from todo_cli.models.tables import TODOS, Project, Series, Tag, Todo, table_of
from todo_cli.models.text import fold
from todo_cli.models.values import Links, Recurrence, Status, TodoPublic
from todo_cli.query.references import Reference
from todo_cli.suggestions import nearest

NamedT = TypeVar("NamedT", Project, Tag)
FoundT = TypeVar("FoundT", Todo, TodoPublic)
StatementT = TypeVar("StatementT", bound=Select[Any])


def _relationship(attribute: object) -> QueryableAttribute[Any]:
    """Return a model's relationship with its type on the class; the annotation is its type on a row."""
    assert isinstance(attribute, QueryableAttribute)
    return attribute


# Not a join: after waiting for a lock, only the locked table is read again (PostgreSQL manual, 13.2.1).
_WITH_PROJECT = selectinload(_relationship(Todo.project))
_WITH_TAGS = selectinload(_relationship(Todo.tags))
_WITH_SERIES = selectinload(_relationship(Todo.series))


def _locked(statement: StatementT) -> StatementT:
    """Return the statement with row locks; it returns the rows as they are once the locks are held."""
    return statement.with_for_update().execution_options(populate_existing=True)


async def find_todos(
    transaction: Transaction, references: Sequence[Reference], *, locked: bool = False, trashed: bool = False
) -> list[Todo]:
    """Return the user's todos in the order of their references, each once, with project and tags loaded.

    `locked` prevents others from changing them until the transaction ends; `trashed` includes those in the trash.
    Raises NotFoundError that lists the references to no todo, to several, or to one in the trash.
    """
    statement = load_todos(transaction, refers_to(references))
    if locked:
        statement = _locked(statement)
    todos = (await transaction.session.execute(statement)).scalars().all()
    return match_references(references, todos, trashed=trashed)


def load_todos(transaction: Transaction, *conditions: ColumnElement[bool]) -> Select[Todo]:
    """Return the statement for the user's todos, sorted by number, with project, tags and series loaded."""
    mine = select(Todo).where(owned(TODOS, transaction.scope), *conditions)
    return mine.options(_WITH_PROJECT, _WITH_TAGS, _WITH_SERIES).order_by(TODOS.c.id)


def match_references(references: Iterable[Reference], todos: Sequence[FoundT], *, trashed: bool) -> list[FoundT]:
    """Return the todos in the order of their references, each once; raises NotFoundError as `find_todos` does."""
    found: dict[int | None, FoundT] = {}
    unknown, deleted, ambiguous = [], [], []
    for reference in references:
        candidates = [todo for todo in todos if reference.matches(todo)]
        if not candidates:
            unknown.append(str(reference))
        elif len(candidates) > 1:
            ambiguous.append(f"{reference} ({', '.join(str(todo.id) for todo in candidates)})")
        elif candidates[0].deleted_at and not trashed:
            deleted.append(str(reference))
        else:
            found[candidates[0].id] = candidates[0]
    problems = []
    if unknown:
        problems.append(f"there is no todo {', '.join(unknown)}")
    if deleted:
        problems.append(
            f"{'todo' if len(deleted) == 1 else 'todos'} {', '.join(deleted)}"
            f" {'is' if len(deleted) == 1 else 'are'} in the trash"
        )
    if ambiguous:
        problems.append(f"several todos match {', '.join(ambiguous)}")
    if problems:
        hint = f"run 'todo restore {','.join(deleted)}' first" if deleted else "run 'todo list' to see the numbers"
        raise NotFoundError("; ".join(problems), hint)
    return list(found.values())


async def lock_named(transaction: Transaction, model: type[NamedT], condition: ColumnElement[bool]) -> list[NamedT]:
    """Return the user's projects or tags that match the condition, sorted by name and locked in that order."""
    statement = select(model).where(owned(model, transaction.scope), condition).order_by(table_of(model).c.key)
    return list((await transaction.session.execute(_locked(statement))).scalars())


async def refuse(transaction: Transaction, model: type[NamedT], name: str) -> NoReturn:
    """Raise NotFoundError for a project or tag that was not found."""
    await check_name(transaction, FIELDS[model.entity], name)
    raise BusyError  # somebody else has just created it


async def check_name(transaction: Transaction, field: Field, name: str) -> None:
    """Raise NotFoundError, with the nearest existing name, unless the field has that name.

    A nested name, such as a project, also exists if only others are nested in it.
    """
    table = names_of(field)
    statement = select(table.c.name).where(owned(table, transaction.scope))
    by_key = {fold(known): known for known in (await transaction.session.execute(statement)).scalars()}
    key = fold(name)
    if key in by_key or (field.is_nested and any(known.startswith(f"{key}.") for known in by_key)):
        return
    meant = nearest(key, by_key)
    listed = f"{field.name} list" if field.is_declared else f"list has:{field.name}"
    hint = f"did you mean {by_key[meant]!r}?" if meant else f"run 'todo {listed}' to see them"
    raise NotFoundError(f"there is no {field.item} {name!r}", hint)


async def publish(transaction: Transaction, todos: Iterable[Todo]) -> dict[UUID, TodoPublic]:
    """Return the stored rows as plain values by uuid. Project, tags and series must be loaded."""
    rows = {todo.uuid: todo for todo in todos}
    table = TODOS
    columns = (table.c.id, table.c.parent_id, table.c.status, table.c.deleted_at)
    statement = select(*columns, *select_links(table), *select_undeclared(table)).select_from(with_names(table))
    linked = (await transaction.session.execute(statement.where(table.c.uuid.in_(rows)))).all()
    links, others = read_links(linked), {row.id: read_undeclared(row) for row in linked}
    return {
        uuid: make_public(
            todo,
            todo.project.name if todo.project else None,
            [tag.name for tag in todo.tags],
            to_recurrence(todo.series),
            links[todo.id or 0],
            others[todo.id or 0],
        )
        for uuid, todo in rows.items()
    }


def to_recurrence(series: Series | None) -> Recurrence | None:
    """Return the series as a plain value; None for one that has ended."""
    if series is None or series.ended_at:
        return None
    return Recurrence(series.uuid, series.rrule, series.dtstart_local, series.tzid, series.after_completion)


def read_recurrence(row: Any) -> Recurrence | None:
    """Return the recurrence in a row of `select_recurrence`."""
    if row.series is None:
        return None
    return Recurrence(row.series, row.rrule, row.dtstart_local, row.tzid, row.after_completion)


def make_public(
    columns: Any,
    project: str | None,
    tags: Iterable[str],
    recurrence: Recurrence | None = None,
    links: Links | None = None,
    others: Mapping[str, Any] | None = None,
) -> TodoPublic:
    """Return a row with the columns of `todos`, of a model or a statement, as a plain value.

    `others` are the values that `read_undeclared` returns; without them, these fields have no value.
    """
    return TodoPublic(
        project=project,
        tags=tuple(sorted(tags, key=fold)),
        recurrence=recurrence,
        links=links or Links(),
        **read_fields(columns, read_undeclared(None) if others is None else others),
    )


def read_links(rows: Sequence[Any], *, bound: bool = False) -> dict[int, Links]:
    """Return the links of each todo by number, from rows with the columns of `select_links`.

    The rows contain the current state of the todos, but their links as of the start of the statement. With `bound`,
    they also have the columns of `Bindings.describe`.
    """
    alone = Links()
    found = {row.id: alone for row in rows}
    if not bound:  # most todos have no links
        rows = [row for row in rows if row.depends or row.blocks or row.children or row.parent_id]
    before = {row.id: _read_linked(row.depends) for row in rows}
    if bound:
        for row in rows:
            before[row.id].update(_read_linked(row.bound))
            for number in read_json(row.freed):
                before[row.id].pop(number, None)
    now = {row.id: None if row.deleted_at else Status(row.status) for row in rows}
    depends = {number: {other: now.get(other, old) for other, old in found.items()} for number, found in before.items()}
    blocks = {row.id: _without(_read_linked(row.blocks), now) for row in rows}
    children = {row.id: _without(_read_linked(row.children), now) for row in rows}
    for row in rows:
        for other in depends[row.id].keys() & blocks.keys():
            blocks[other][row.id] = now[row.id]
        if row.parent_id in children:
            children[row.parent_id][row.id] = now[row.id]
    waiting = {
        row.id: [number for number, status in depends[row.id].items() if status is Status.OPEN]
        if row.status == Status.OPEN.value
        else []
        for row in rows
    }
    return found | {
        row.id: Links(
            parent=row.parent_id,
            subtasks=sum(status in (Status.OPEN, Status.DONE) for status in children[row.id].values()),
            subtasks_done=sum(status is Status.DONE for status in children[row.id].values()),
            depends=tuple(sorted(number for number, status in depends[row.id].items() if status)),
            blocks=tuple(sorted(number for number, status in blocks[row.id].items() if status is Status.OPEN)),
            blocked=bool(waiting[row.id]),
            waits_for=tuple(sorted(waiting[row.id])),
        )
        for row in rows
    }


def _read_linked(text: str | None) -> dict[int, Status | None]:
    """Return the statuses of the todos in a value of `json_links` by number, None for one in the trash."""
    return {number: None if is_trashed else Status(status) for number, status, is_trashed in read_json(text)}


def _without(found: dict[int, Status | None], others: Container[int]) -> dict[int, Status | None]:
    return {number: status for number, status in found.items() if number not in others}
