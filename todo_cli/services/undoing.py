"""Undoing and redoing steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import select

from todo_cli.db.database import Database
from todo_cli.db.scope import author_of
from todo_cli.db.write.concerned import Concerned, Direction, find_concerned, read_concerned
from todo_cli.db.write.decoding import HOLDING, decode, load
from todo_cli.db.write.reverting import Conflict, Entry, Reverting, Turned
from todo_cli.db.write.step import Step
from todo_cli.errors import BusyError, ConflictError
from todo_cli.models.history import HistoryChange, RevertedSteps, StepName, UndoOutcome
from todo_cli.models.tables import CHANGES, STEPS, USERS
from todo_cli.models.values import Recurrence, TodoPublic
from todo_cli.services.lookup import make_public, read_links

FIELDS = {"wait_until": "wait", "expires_at": "until", "deleted_at": "trash", "completed_at": "completion"}
"""The names of fields that differ from those in the history."""

MAX_CONFLICTS = 3


async def undo_steps(db: Database, count: int = 1, *, force: bool = False) -> UndoOutcome:
    """Revert the user's last steps that are not undone, all or none, as one step; return the outcome.

    Raises ConflictError if a field was changed since the step, unless `force` overwrites it.
    """
    return await _revert(db, "undo", count, force=force)


async def redo_steps(db: Database, count: int = 1, *, force: bool = False) -> UndoOutcome:
    """Revert the user's last undo steps that are not redone, all or none, as one step.

    Raises ConflictError as `undo_steps` does, and if other changes were made since.
    """
    return await _revert(db, "redo", count, force=force)


async def _revert(db: Database, direction: Direction, count: int, *, force: bool) -> UndoOutcome:
    async def work(step: Step) -> UndoOutcome:
        rows = await step.session.execute(find_concerned(step.scope, direction, count))
        found = read_concerned(rows.all())
        if any(row["version seen"] != row["version"] for (entity, _), row in found.rows.items() if entity == "todo"):
            raise BusyError  # its links were read before its lock was acquired
        if any(each["since"] for each in found.steps):
            raise ConflictError(
                "other changes were made since the last undo",
                "run 'todo history' to see them",
            )
        if not found.steps:
            return UndoOutcome(direction, (), ())
        reverting = Reverting(step, found)
        turned = [reverting.revert(each) for each in found.steps]
        if reverting.conflicts and not force:
            await _refuse(step, reverting.conflicts)
        reverting.check_cycles()
        names = _Names(reverting, found)
        reverted = [
            RevertedSteps(
                [StepName(name["uuid"], name["at"], name["command"]) for name in each["undid"] or [each]],
                [names.describe(change) for change in changes],
            )
            for each, changes in zip(found.steps, turned, strict=True)
        ]
        todos = _publish(reverting, names)
        await reverting.write([each["id"] for each in found.steps], redoing=direction == "redo")
        return UndoOutcome(direction, reverted, todos)

    return await db.write(direction, work, alone=True)


class _Names:
    """Names and numbers of entities, by uuid, after the steps are reverted."""

    def __init__(self, reverting: Reverting, found: Concerned) -> None:
        self._others = found.others
        self._numbers = {uuid: int(other["id"]) for uuid, other in found.others.items()}
        self._names: dict[UUID, str] = {}
        for entry in reverting.entries.values():
            if entry.entity in ("project", "tag"):
                self._names[entry.uuid] = entry.fields["name"]
            if entry.entity == "todo" and entry.row:
                self._names[entry.uuid] = entry.fields["title"]
                self._numbers[entry.uuid] = entry.row["id"]
                for uuid, name in entry.row["tag"].items():
                    self._names.setdefault(uuid, name)
                for uuid, number in entry.row["depends"].items():
                    self._numbers.setdefault(uuid, int(number))
                if entry.row["project"]:
                    self._names.setdefault(entry.row["project"], entry.row["project_name"])
                if entry.row["parent"]:
                    self._numbers.setdefault(entry.row["parent"], entry.row["parent_id"])

    def link_of(self, uuid: UUID) -> list[Any]:
        """Return a dependency as `json_links` lists it."""
        other = self._others[uuid]
        return [other["id"], other["status"], bool(other["deleted_at"])]

    def name_of(self, uuid: UUID) -> str:
        return self._names[uuid]

    def number_of(self, uuid: UUID) -> int | None:
        return self._numbers.get(uuid)

    def describe(self, change: Turned) -> HistoryChange:
        old, new = (self._value(change.field, value) for value in (change.old, change.new))
        id_ = self._numbers.get(change.uuid)
        return HistoryChange(change.entity, change.uuid, id_, self._names.get(change.uuid), change.field, old, new)

    def _value(self, field: str, plain: Any) -> Any:
        value = decode(field, plain)
        if value is None or field not in HOLDING:
            return value
        if field in ("project", "tag"):
            return self._names.get(value)
        return value if field == "series" else self._numbers.get(value)


def _publish(reverting: Reverting, names: _Names) -> list[TodoPublic]:
    """Return the changed todos, as they will be stored."""
    touched = reverting.find_touched()
    rows = [reverting.make_row(todo) for todo in touched]
    linked = [_link_row(todo, row, names) for todo, row in zip(touched, rows, strict=True)]
    links = read_links(linked, bound=True)
    public = []
    for todo, row in zip(touched, rows, strict=True):
        project = todo.fields["project"] and names.name_of(UUID(todo.fields["project"]))
        tags = [names.name_of(UUID(uuid)) for uuid in todo.links["tag"]]
        public.append(make_public(row, project, tags, _read_recurrence(reverting, todo), links[row.id or 0]))
    return public


def _link_row(todo: Entry, row: Any, names: _Names) -> SimpleNamespace:
    """Return a row for `read_links` with the links of a todo and their changes."""
    assert todo.row
    _, before = todo.before
    put_on = [names.link_of(UUID(uuid)) for uuid in todo.links["depends"] - before["depends"]]
    taken_off = [names.number_of(UUID(uuid)) for uuid in before["depends"] - todo.links["depends"]]
    parent = todo.fields["parent"]
    return SimpleNamespace(
        id=row.id,
        status=row.status,
        deleted_at=row.deleted_at,
        parent_id=parent and names.number_of(UUID(parent)),
        depends=todo.row["marked_depends"],
        blocks=todo.row["blocks"],
        children=todo.row["children"],
        bound=json.dumps(put_on),
        freed=json.dumps(taken_off),
    )


def _read_recurrence(reverting: Reverting, todo: Entry) -> Recurrence | None:
    if todo.fields["series"] is None:
        return None
    series = reverting.entries["series", UUID(todo.fields["series"])]
    if series.fields["ended_at"] is not None:
        return None
    values = series.fields
    return Recurrence(
        series.uuid, values["rrule"], values["dtstart_local"], values["tzid"], bool(values["after_completion"])
    )


async def _refuse(step: Step, conflicts: Sequence[Conflict]) -> NoReturn:
    """Raise ConflictError with the conflicting changes, their authors and times."""
    messages = []
    for conflict in conflicts[:MAX_CONFLICTS]:
        entry, about = conflict.entry, conflict.entry.uuid
        subject = f"{entry.entity} {entry.fields.get('name') or ''}".strip()
        if entry.entity == "todo" and entry.row:
            subject = f"{entry.row['id']} {_shorten(entry.row['title'])}"
        text = f"{FIELDS.get(conflict.field, conflict.field)} of {subject} was changed"
        name = conflict.field
        if conflict.field == "subtasks":
            text, name = f"{subject} has new subtasks", "exists"
        if conflict.gone:
            text = f"the {conflict.field} of {subject} was deleted"
            about, name = UUID(load(conflict.line.old)), "exists"
        later = (
            select(USERS.c.name, STEPS.c.at, STEPS.c.command)
            .select_from(CHANGES)
            .join(STEPS, STEPS.c.id == CHANGES.c.step_id)
            .join(USERS, author_of(STEPS))
            .where(
                CHANGES.c.entity_uuid == about,
                CHANGES.c.field == name,
                CHANGES.c.step_id != conflict.line.step_id,
            )
            .order_by(CHANGES.c.id.desc())
            .limit(1)
        )
        if row := (await step.session.execute(later)).first():
            at = row.at.astimezone(step.now.tzinfo)
            text += f" by {row.name} on {at:%Y-%m-%d at %H:%M} ({row.command})"
        messages.append(text)
    more = len(conflicts) - MAX_CONFLICTS
    summary = "; ".join(messages) + (f"; and {more} more conflicts" if more > 0 else "")
    raise ConflictError(f"{summary}; nothing was written", "add --force to overwrite later changes")


def _shorten(title: str) -> str:
    return title if len(title) <= 40 else f"{title[:39]}…"
