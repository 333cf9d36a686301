"""Reading the history: steps with their changes, and earlier states of todos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, null, or_, select, true, union_all

from todo_cli.db.as_of import AsOf, find_as_of, read_as_of
from todo_cli.db.database import MAX_NAMES, Database
from todo_cli.db.read.json_sql import uuid_of_json
from todo_cli.db.read.queries import Ordering, Query, Request
from todo_cli.db.read.references_sql import are_named
from todo_cli.db.scope import authored_by, owned, users_named
from todo_cli.db.write.decoding import decode, load
from todo_cli.db.write.step import Transaction
from todo_cli.errors import NotFoundError, UnknownUserError
from todo_cli.models.history import HistoryChange, HistoryPage, HistoryStep
from todo_cli.models.tables import CHANGES, COMMENTS, STEPS, TODOS, USERS
from todo_cli.models.values import COUNT_LIMIT, CommentPublic, Links, Recurrence, Status, TodoDetails, TodoPublic
from todo_cli.query.references import Reference
from todo_cli.services.listing import get_todos
from todo_cli.services.lookup import make_public, match_references

_NAMED = ("project", "tag")
_NUMBERED = ("parent", "depends", "todo")


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A filter on steps: about one todo, since a time, by a user. `size` and `page` are as for lists."""

    reference: Reference | None = None
    since: datetime | None = None
    by: str | None = None
    page: int = 1
    size: int | None = None


async def list_history(db: Database, query: HistoryQuery) -> HistoryPage:
    """Return one page of the user's steps, newest first, each with its changes, or with those of one todo.

    Raises NotFoundError for an unknown reference and UnknownUserError for an unknown user.
    """

    def make(request: Request) -> Query:
        about = _is_about(query.reference, request)
        # The start of a series is part of the change to its todo; erased todos have no history.
        counts = or_(CHANGES.c.entity != "series", CHANGES.c.field == "ended_at")
        if query.reference is None:
            changes = exists().where(CHANGES.c.step_id == STEPS.c.id, counts)
            changed = or_(changes.correlate(STEPS), STEPS.c.command.in_(("trash empty", "db copy")))
        else:
            changed = STEPS.c.id.in_(select(CHANGES.c.step_id).where(about))
        conditions = [owned(STEPS, request.scope), changed]
        if query.since is not None:
            conditions.append(STEPS.c.at >= query.since)
        if query.by is not None:
            conditions.append(authored_by(STEPS, query.by))
        steps = select(STEPS, USERS.c.name).join(USERS).where(*conditions)
        if query.size is not None:
            steps = steps.order_by(STEPS.c.id.desc()).limit(query.size).offset((query.page - 1) * query.size)
        page = steps.subquery("steps_of_page")
        some = select(literal(1).label("one")).select_from(STEPS).where(*conditions).limit(COUNT_LIMIT + 1).subquery()
        total: Any = null() if query.size is None else select(func.count()).select_from(some).scalar_subquery()
        beside = {"total": total, "referred": _count_referred(query.reference, request), "known": _is_known(query.by)}
        statement = select(
            page.c.id.label("step_id"),
            page.c.uuid.label("step"),
            page.c.at,
            page.c.command,
            page.c.undone_by,
            page.c.name.label("user"),
            CHANGES.c.id.label("change_id"),
            *(CHANGES.c[name] for name in ("entity", "entity_uuid", "field", "old", "new")),
            TODOS.c.id.label("todo_id"),
            TODOS.c.title,
            case((CHANGES.c.entity.in_(_NAMED), _name_of(CHANGES.c.entity_uuid))).label("own_name"),
            *_name_values(),
        ).select_from(
            page.outerjoin(CHANGES, and_(CHANGES.c.step_id == page.c.id, about)).outerjoin(
                TODOS, and_(TODOS.c.uuid == CHANGES.c.entity_uuid, CHANGES.c.entity == "todo")
            )
        )
        order = [Ordering(page.c.id, descending=True), Ordering(CHANGES.c.id)]
        return Query(statement, order, beside=[each.label(name) for name, each in beside.items()])

    rows = await db.fetch(make)
    if not rows[0].known:
        await _refuse_user(db, query.by or "")
    if query.reference is not None and rows[0].referred != 1:
        await get_todos(db, [query.reference])  # raises the right error
    found = groupby((row for row in rows if row.found), key=lambda row: row.step_id)
    return HistoryPage([_read_step(list(lines)) for _, lines in found], rows[0].total, query.page, query.size)


def _is_about(reference: Reference | None, request: Request) -> ColumnElement[bool]:
    """Return the condition for changes of the todo or of its comments."""
    if reference is None:
        return true()
    mine = are_named([reference], request.scope)
    remarks = select(COMMENTS.c.uuid).join(TODOS).where(mine)
    return CHANGES.c.entity_uuid.in_(union_all(select(TODOS.c.uuid).where(mine), remarks))


def _count_referred(reference: Reference | None, request: Request) -> Any:
    if reference is None:
        return literal(1)
    named = are_named([reference], request.scope)
    return select(func.count()).select_from(TODOS).where(named).scalar_subquery()


def _is_known(name: str | None) -> ColumnElement[bool]:
    return true() if name is None else exists().where(users_named(name))


def _name_of(uuid: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the last name of a project or tag as JSON, from the history, which includes deleted ones."""
    naming = CHANGES.alias("naming")
    last = select(func.coalesce(naming.c.new, naming.c.old)).where(
        naming.c.entity_uuid == uuid, naming.c.field == "name"
    )
    return last.order_by(naming.c.id.desc()).limit(1).correlate(CHANGES).scalar_subquery()


def _name_values() -> list[ColumnElement[Any]]:
    """Return the names and numbers of the entities in the values of a change: `old_name`, `old_number` and so on."""
    found: list[ColumnElement[Any]] = []
    for value in (CHANGES.c.old, CHANGES.c.new):
        row = TODOS.alias("named")
        number = select(row.c.id).where(row.c.uuid == uuid_of_json(value)).correlate(CHANGES).scalar_subquery()
        is_name, is_number = (CHANGES.c.field.in_(fields) for fields in (_NAMED, _NUMBERED))
        found.append(case((is_name, _name_of(uuid_of_json(value)))).label(f"{value.name}_name"))
        found.append(case((is_number, number)).label(f"{value.name}_number"))
    return found


def _read_step(rows: Sequence[Any]) -> HistoryStep:
    first = rows[0]
    unique = {(row.entity_uuid, row.field, row.old, row.new): row for row in rows if row.change_id is not None}
    changes = [_read_change(row) for row in unique.values()]  # a copy may have duplicated them
    return HistoryStep(first.step, first.at, first.user, first.command, first.undone_by is not None, changes)


def _read_change(row: Any) -> HistoryChange:
    values = []
    for text, name, number in ((row.old, row.old_name, row.old_number), (row.new, row.new_name, row.new_number)):
        if row.field in _NAMED:
            values.append(load(name))
        else:
            # An erased todo has no number, so its uuid is used.
            values.append(number if row.field in _NUMBERED and number else decode(row.field, load(text)))
    name = row.title if row.entity == "todo" else load(row.own_name)
    return HistoryChange(row.entity, row.entity_uuid, row.todo_id, name, row.field, *values)


async def _refuse_user(db: Database, name: str) -> None:
    async def work(transaction: Transaction) -> None:
        names = select(USERS.c.name).order_by(USERS.c.key).limit(MAX_NAMES)
        raise UnknownUserError(name, list((await transaction.session.execute(names)).scalars()))

    await db.read(work)


async def get_todos_at(db: Database, references: Sequence[Reference], moment: datetime) -> list[TodoDetails]:
    """Return the todos as they were at that moment, including those in the trash.

    Each is in the state after its last step up to that moment, by the clock of the machine that made the step. Subtasks
    and dependents are omitted. Raises NotFoundError for a todo that did not exist yet.
    """

    def make(request: Request) -> Query:
        mine = are_named(references, request.scope)
        states = find_as_of(mine, moment).subquery("states")
        return Query(select(states.c.kind, states.c.content), [Ordering(states.c.kind)])

    rows = await db.fetch(make)
    found = read_as_of([(row.kind, row.content) for row in rows if row.found], moment)
    todos = match_references(references, [_publish(each) for each in found], trashed=True)
    missing = {each.row.uuid for each in found if each.made_later}
    for todo in todos:
        if todo.uuid in missing:
            added = todo.created_at.astimezone(db.now.tzinfo)
            raise NotFoundError(f"todo {todo.id} did not exist yet: it was added on {added:%Y-%m-%d at %H:%M}")
    comments = {each.row.uuid: _read_comments(each) for each in found}
    return [TodoDetails(todo, comments[todo.uuid]) for todo in todos]


def _read_comments(found: AsOf) -> tuple[CommentPublic, ...]:
    number = found.row.id or 0
    return tuple(
        CommentPublic(number, row["uuid"], row["text"], row["author"], row["created_at"]) for row in found.comments
    )


def _publish(found: AsOf) -> TodoPublic:
    status = {number: Status(value) for number, value in found.depends.items() if value}
    is_open = found.row.status == Status.OPEN.value
    first = sorted(number for number, value in status.items() if value is Status.OPEN) if is_open else []
    links = Links(parent=found.parent, depends=tuple(sorted(status)), blocked=bool(first), waits_for=tuple(first))
    recurrence = None
    if series := found.series:
        values = (series[name] for name in ("uuid", "rrule", "dtstart_local", "tzid", "after_completion"))
        recurrence = Recurrence(*values)
    return make_public(found.row, found.project, found.tags, recurrence, links)
