"""Todos as they were at a moment: the current state with all later changes reverted, in one statement.

If clocks differ, the times of steps are not in the order of the steps. The order counts: a row is in the state after
its last step up to the moment, and all steps after that one are reverted, whatever their time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, CompoundSelect, FromClause, Select, case, func, select, union_all

from todo_cli.db.read.json_sql import select_json, uuid_of_json
from todo_cli.db.write.concerned import Values, describe_todo, typed
from todo_cli.db.write.decoding import HOLDING, decode, load
from todo_cli.db.write.reverting import Entry, make_todo
from todo_cli.db.write.step import UNSAID, encode
from todo_cli.models.tables import (
    CHANGES,
    COMMENTS,
    DEPENDENCIES,
    PROJECTS,
    SERIES,
    STEPS,
    TAGS,
    TODO_TAGS,
    TODOS,
    USERS,
    Todo,
)


@dataclass
class AsOf:
    """A todo as it was: its columns in `row`, the names of its project and tags, and its series, if any.

    `depends` maps numbers to statuses, None for todos in the trash. `made_later` means that it did not exist yet.
    `comments` are those that still exist, with `author`, oldest first.
    """

    row: Todo
    made_later: bool
    project: str | None
    tags: Sequence[str]
    series: Values | None
    parent: int | None
    depends: dict[int, str | None]
    comments: Sequence[Values]


def find_as_of(condition: ColumnElement[bool], moment: datetime) -> CompoundSelect[Any]:
    """Return the statement for the todos that match the condition on `todos`, and for their later changes."""
    todos = select(TODOS).where(condition).cte("todos_now")
    own = select(todos.c.uuid)
    since, is_since = _since(own, moment, "known_lines")
    named = case((CHANGES.c.field.in_(HOLDING), uuid_of_json(CHANGES.c.old)))
    lines = (
        select(CHANGES.c.id, CHANGES.c.entity_uuid.label("uuid"), *(CHANGES.c[name] for name in _LINE))
        .add_columns(CHANGES.c.step_id, named.label("named"))
        .select_from(since)
        .where(CHANGES.c.entity_uuid.in_(own), CHANGES.c.entity == "todo", is_since)
        .cte("lines")
    )
    before = select(func.max(STEPS.c.at)).join(CHANGES, CHANGES.c.step_id == STEPS.c.id)
    updated = before.where(CHANGES.c.entity_uuid == todos.c.uuid, STEPS.c.at <= moment).correlate(todos)
    others = _find_others(todos, lines)
    others_since, is_others_since = _since(select(others.c.uuid), moment, "known_lines_of_others")
    return union_all(
        select_json("todo", todos, {**_columns(todos), **describe_todo(todos), "updated": updated.scalar_subquery()}),
        select_json("line", lines, _columns(lines)),
        select_json(
            "name",
            CHANGES.join(STEPS, STEPS.c.id == CHANGES.c.step_id),
            {"uuid": CHANGES.c.entity_uuid, "id": CHANGES.c.id, "at": STEPS.c.at, **_values()},
        ).where(CHANGES.c.field == "name", CHANGES.c.entity_uuid.in_(_find_named(todos, lines))),
        select_json("series", SERIES, _columns(SERIES)).where(
            SERIES.c.id.in_(select(todos.c.series_id)) | SERIES.c.uuid.in_(_named(lines, "series"))
        ),
        select_json("comment", COMMENTS.join(USERS), {**_columns(COMMENTS), "author": USERS.c.name}).where(
            COMMENTS.c.todo_id.in_(select(todos.c.id))
        ),
        select_json("other", others, _columns(others)),
        select_json(
            "other line",
            others_since,
            {"uuid": CHANGES.c.entity_uuid, "id": CHANGES.c.id, "field": CHANGES.c.field, **_values()},
        ).where(
            CHANGES.c.entity_uuid.in_(select(others.c.uuid)),
            CHANGES.c.field.in_(("status", "deleted_at")),
            is_others_since,
        ),
    )


def _since(uuids: Select[Any], moment: datetime, name: str) -> tuple[FromClause, ColumnElement[bool]]:
    """Return changes, and the condition for those after the last change to their row up to the moment."""
    known = (
        select(CHANGES.c.entity_uuid, func.max(CHANGES.c.id).label("last"))
        .join(STEPS, STEPS.c.id == CHANGES.c.step_id)
        .where(CHANGES.c.entity_uuid.in_(uuids), STEPS.c.at <= moment)
        .group_by(CHANGES.c.entity_uuid)
        .cte(name)
    )
    source = CHANGES.outerjoin(known, known.c.entity_uuid == CHANGES.c.entity_uuid)
    return source, CHANGES.c.id > func.coalesce(known.c.last, 0)


_LINE = ("field", "old", "new")


def _columns(rows: FromClause) -> dict[str, ColumnElement[Any]]:
    return {column.name: column for column in rows.c}


def _values() -> dict[str, ColumnElement[Any]]:
    return {"old": CHANGES.c.old, "new": CHANGES.c.new}


def _named(lines: CTE, name: str) -> Select[Any]:
    return select(lines.c.named).where(lines.c.field == name)


def _find_named(todos: CTE, lines: CTE) -> CompoundSelect[Any]:
    """Return the uuids of the current and former projects and tags of the todos."""
    mine = select(TAGS.c.uuid).join(TODO_TAGS, TODO_TAGS.c.tag_id == TAGS.c.id)
    return union_all(
        _named(lines, "project"),
        _named(lines, "tag"),
        select(PROJECTS.c.uuid).where(PROJECTS.c.id.in_(select(todos.c.project_id))),
        mine.where(TODO_TAGS.c.todo_id.in_(select(todos.c.id))),
    )


def _find_others(todos: CTE, lines: CTE) -> CTE:
    """Return the current and former dependencies and parents of the todos."""
    bound = select(DEPENDENCIES.c.depends_on_id).where(DEPENDENCIES.c.todo_id.in_(select(todos.c.id)))
    former = TODOS.alias("former")
    then = union_all(_named(lines, "depends"), _named(lines, "parent"))
    # One list of numbers, as for subtrees (see `edges`).
    found = union_all(bound, select(todos.c.parent_id), select(former.c.id).where(former.c.uuid.in_(then)))
    columns = (TODOS.c.id, TODOS.c.uuid, TODOS.c.status, TODOS.c.deleted_at)
    return select(*columns).where(TODOS.c.id.in_(found)).cte("others")


@dataclass
class _Found:
    todos: list[Values] = field(default_factory=list)
    lines: list[Values] = field(default_factory=list)
    names: dict[UUID, list[Values]] = field(default_factory=dict)
    series: dict[str, Values] = field(default_factory=dict)
    others: dict[str, Values] = field(default_factory=dict)
    other_lines: list[Values] = field(default_factory=list)
    comments: list[Values] = field(default_factory=list)


def read_as_of(rows: Sequence[tuple[str, str]], moment: datetime) -> list[AsOf]:
    """Return the result of the statement as values."""
    found = _Found()
    for kind, content in rows:
        values: Values = json.loads(content)
        match kind:
            case "todo":
                updated = typed(STEPS, {"at": values.pop("updated")})["at"]
                found.todos.append({**typed(TODOS, values), "updated": updated})
            case "line":
                found.lines.append({**values, "uuid": UUID(values["uuid"])})
            case "name":
                line = {**values, **typed(STEPS, {"at": values["at"]})}
                found.names.setdefault(UUID(values["uuid"]), []).append(line)
            case "series":
                row = typed(SERIES, values)
                found.series[str(row["uuid"])] = row
            case "other":
                row = typed(TODOS, values)
                found.others[str(row["uuid"])] = row
            case "comment":
                found.comments.append(typed(COMMENTS, values))
            case "other line":
                found.other_lines.append(values)
    for line in sorted(found.other_lines, key=lambda line: -int(line["id"])):
        found.others[str(UUID(line["uuid"]))][line["field"]] = decode(line["field"], load(line["old"]))
    return [_take_back(row, found, moment) for row in found.todos]


def _take_back(row: Values, found: _Found, moment: datetime) -> AsOf:
    todo = Entry("todo", row["uuid"], row)
    lines = sorted((line for line in found.lines if line["uuid"] == todo.uuid), key=lambda line: -int(line["id"]))
    made_later = row["updated"] is None and row["created_at"] > moment
    for line in lines:
        old, new = load(line["old"]), load(line["new"])
        if line["field"] == "exists":
            made_later = made_later or new is not None
        elif line["field"] in todo.links:
            others = todo.links[line["field"]]
            others.discard(new)
            if old is not None:
                others.add(old)
        elif line["field"] in todo.fields:
            unsaid = UNSAID.get(line["field"])  # before it was added: not shown, but still a valid todo
            todo.fields[line["field"]] = load(encode(unsaid)) if old is None else old
    then = make_todo(todo)
    # A comment increments the version of its todo without a change to a field.
    comments = sorted((each for each in found.comments if each["todo_id"] == then.id), key=lambda each: int(each["id"]))
    remarks = [each for each in comments if each["created_at"] <= moment]
    then.version -= len({line["step_id"] for line in lines}) + len(comments) - len(remarks)
    then.updated_at = max([row["updated"] or then.created_at, *(each["created_at"] for each in remarks)])

    def name_of(uuid: str) -> str | None:
        namings = sorted(found.names.get(UUID(uuid), ()), key=lambda line: int(line["id"]))
        later = [line["old"] for line in namings if line["at"] > moment and line["old"] is not None]
        known = [line["new"] for line in namings if line["at"] <= moment and line["new"] is not None]
        text = known[-1] if known else later[0] if later else None
        name: str | None = load(text) or row["tag"].get(UUID(uuid))
        return name

    project, parent = todo.fields["project"], todo.fields["parent"]
    series = found.series.get(todo.fields["series"] or "")
    if series and series["ended_at"] and series["ended_at"] <= moment:
        series = None
    depends = [found.others[uuid] for uuid in todo.links["depends"] if uuid in found.others]
    return AsOf(
        then,
        made_later,
        project and (name_of(project) or row["project_name"]),
        [name for name in map(name_of, todo.links["tag"]) if name],
        series,
        found.others[parent]["id"] if parent in found.others else None,
        {other["id"]: None if other["deleted_at"] else other["status"] for other in depends},
        remarks,
    )
