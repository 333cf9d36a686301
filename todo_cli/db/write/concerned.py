"""Load the steps to undo or redo, and load and lock every row that they touched, in one statement.

On a server, each statement costs two round trips, so rows of all kinds are returned together, each as JSON text.
Todos are locked before series, and series before projects and tags, each in a fixed order, as everywhere.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    Column,
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Select,
    Table,
    Uuid,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    union_all,
)

from todo_cli.db.read.graph_sql import select_ancestors, select_dependencies
from todo_cli.db.read.json_sql import json_rows, read_instant, read_json, select_json, uuid_of_json
from todo_cli.db.read.queries import select_links
from todo_cli.db.scope import Scope, authored, owned
from todo_cli.db.write.decoding import HOLDING
from todo_cli.db.write.pending import LINKS, REFERENCES
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
)
from todo_cli.models.types import UtcDateTime

Direction = Literal["undo", "redo"]
Values = dict[str, Any]


NOT_UNDONE = ("undo", "redo", "db copy", "db downgrade", "trash empty")
"""The commands that `undo` skips although their changes are in the history."""


def is_ordinary(steps: FromClause = STEPS) -> ColumnElement[bool]:
    """Return the condition on steps for those that can be undone.

    Excluded are the commands in `NOT_UNDONE`, changes to users, and steps without remaining changes.
    """
    counts = or_(CHANGES.c.entity.in_(("todo", "project", "tag", "comment")), CHANGES.c.field == "ended_at")
    has_some = exists().where(CHANGES.c.step_id == steps.c.id, counts).correlate(steps)
    return and_(steps.c.command.not_in(NOT_UNDONE), has_some)


@dataclass
class Line:
    """A history entry; `old` and `new` are encoded values."""

    id: int
    step_id: int
    entity: str
    uuid: UUID
    field: str
    old: str | None
    new: str | None


@dataclass
class Concerned:
    """The steps, newest first, their history entries, and the touched rows by uuid, with the columns of their tables.

    In addition, a step has `undid`, the steps that it undid, and `since`, whether a later step prevents redoing it.

    In addition, a todo has the uuids `project`, `series` and `parent`; `tag` and `depends`, uuids with the name or
    number of each; `project_name`; `marked_depends`, `blocks` and `children` (see `select_links`); and `version seen`,
    its version at the start of the statement, which differs from that of the row after waiting for a lock. Todos in the
    trash are included if a step created their project or one of their tags. For projects and tags, `held` is true if
    other todos have them. `others` are further todos in the entries. If edges are restored, `ways` has the edges from
    these todos, transitively, by number. If entries are about names, `keys` has the keys of all projects and tags.
    """

    steps: list[Values] = field(default_factory=list)
    lines: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[tuple[str, UUID], Values] = field(default_factory=dict)
    others: dict[UUID, Values] = field(default_factory=dict)
    ways: dict[str, dict[int, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    keys: dict[str, dict[str, UUID]] = field(default_factory=lambda: defaultdict(dict))


def find_concerned(scope: Scope, direction: Direction, most: int) -> CompoundSelect[Any]:
    """Return the statement for the user's last steps that can be undone, or for the last undo steps."""
    picked = _pick(scope, direction, most)
    lines = _find_lines(picked)
    todos = _lock_todos(scope, lines)
    theirs = SERIES.c.id.in_(select(todos.c.series_id))
    series = _lock(SERIES, owned(SERIES, scope), lines, SERIES.c.id, after=todos, key_share=True, also=theirs)
    projects = _lock(PROJECTS, owned(PROJECTS, scope), lines, PROJECTS.c.key, after=series)
    tags = _lock(TAGS, owned(TAGS, scope), lines, TAGS.c.key, after=projects)
    comments = _lock(COMMENTS, authored(COMMENTS, scope), lines, COMMENTS.c.id, after=tags)
    seen, other = TODOS.alias("seen"), TODOS.alias("other_todo")
    others = union_all(
        *(select(lines.c[name]).where(lines.c.field.in_(("parent", "depends", "todo"))) for name in _NAMED)
    )

    def tell(kind: str, source: CTE, **more: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
        return select_json(kind, source, {**{column.name: column for column in source.c}, **more})

    todo_columns = {column.name: column for column in todos.c}
    parts = [
        tell("step", picked),
        tell("line", lines),
        select_json(
            "todo",
            todos.join(seen, seen.c.id == todos.c.id),
            {**todo_columns, **describe_todo(todos), "version seen": seen.c.version},
        ),
        tell("series", series),
        tell("project", projects, held=_is_held(PROJECTS, projects, todos)),
        tell("tag", tags, held=_is_held(TAGS, tags, todos)),
        tell("comment", comments, todo=_uuid_of(TODOS.alias("its_todo"), comments, comments.c.todo_id)),
        select_json("other", other, {name: other.c[name] for name in ("id", "uuid", "status", "deleted_at")}).where(
            owned(other, scope), other.c.uuid.in_(others)
        ),
    ]
    parts += [select_json(kind, source, columns) for kind, source, columns in _find_ways(lines)]
    for table in (PROJECTS, TAGS):
        entity = table.name.removesuffix("s")
        naming = exists().where(lines.c.entity == entity, lines.c.field == "name")
        keys = select_json(f"{entity} key", table, {"uuid": table.c.uuid, "key": table.c.key})
        parts.append(keys.where(owned(table, scope), naming))
    return union_all(*parts)


def read_concerned(rows: Sequence[Any]) -> Concerned:
    """Return the result of the statement."""
    found = Concerned()
    for kind, told in rows:
        values: Values = json.loads(told)
        match kind:
            case "step":
                steps = (dict(zip(("uuid", "at", "command"), row, strict=True)) for row in read_json(values["undid"]))
                values["undid"] = [typed(STEPS, step) for step in steps]
                found.steps.append(typed(STEPS, values))
            case "line":
                line = Line(uuid=UUID(values.pop("uuid")), **{name: values[name] for name in _LINE})
                found.lines[line.step_id].append(line)
            case "other":
                found.others[UUID(values["uuid"])] = typed(TODOS, values)
            case "depends" | "parent":
                found.ways[kind].setdefault(values["todo"], []).append(values["other"])
            case "project key" | "tag key":
                found.keys[kind.removesuffix(" key")][values["key"]] = UUID(values["uuid"])
            case _:
                row = typed(_TABLES[kind], values)
                found.rows[kind, row["uuid"]] = row
    found.steps.sort(key=lambda step: int(step["id"]), reverse=True)
    for lines in found.lines.values():
        lines.sort(key=lambda line: line.id)
    return found


_LINE = ("id", "step_id", "entity", "field", "old", "new")
_TABLES = {"todo": TODOS, "series": SERIES, "project": PROJECTS, "tag": TAGS, "comment": COMMENTS}


def _pick(scope: Scope, direction: Direction, most: int) -> CTE:
    later = STEPS.alias("later")
    # Permanently removed rows cannot be restored by redo.
    something = or_(is_ordinary(later), later.c.command == "trash empty")
    since = exists().where(authored(later, scope), later.c.id > STEPS.c.id, something).correlate(STEPS)
    wanted, conflicting = is_ordinary(), false().label("since")
    if direction == "redo":
        has_some = exists().where(CHANGES.c.step_id == STEPS.c.id).correlate(STEPS)
        wanted, conflicting = and_(STEPS.c.command == "undo", has_some), since.label("since")
    undid = STEPS.alias("undid")
    undone = select(json_rows(undid.c.uuid, undid.c.at, undid.c.command)).where(undid.c.undone_by == STEPS.c.id)
    columns = (STEPS.c.id, STEPS.c.uuid, STEPS.c.at, STEPS.c.command, conflicting)
    return (
        select(*columns, undone.correlate(STEPS).scalar_subquery().label("undid"))
        .where(authored(STEPS, scope), STEPS.c.undone_by.is_(None), wanted)
        .order_by(STEPS.c.id.desc())  # never by time: clocks differ and may be set back
        .limit(most)
        .cte("picked")
    )


def _find_lines(picked: CTE) -> CTE:
    """Return the lines, with the rows of their old and new values as `named_old` and `named_new`."""
    holds = CHANGES.c.field.in_(HOLDING)
    return (
        select(
            *(CHANGES.c[name] for name in _LINE),
            CHANGES.c.entity_uuid.label("uuid"),
            case((holds, uuid_of_json(CHANGES.c.old))).label("named_old"),
            case((holds, uuid_of_json(CHANGES.c.new))).label("named_new"),
        )
        .where(CHANGES.c.step_id.in_(select(picked.c.id)))
        .cte("lines")
    )


_NAMED = ("named_old", "named_new")


def _find_ways(lines: CTE) -> Iterator[tuple[str, FromClause, Values]]:
    """Return statements for the transitive edges of todos to which edges may be restored."""
    for kind, follow in (("depends", select_dependencies), ("parent", select_ancestors)):
        again = select(lines.c.named_old).where(lines.c.field == kind)
        followed = follow(select(TODOS.c.id).where(TODOS.c.uuid.in_(again)))
        [number] = followed.c
        if kind == "depends":
            source: FromClause = DEPENDENCIES.join(followed, DEPENDENCIES.c.todo_id == number)
            yield kind, source, {"todo": DEPENDENCIES.c.todo_id, "other": DEPENDENCIES.c.depends_on_id}
        else:
            above = TODOS.alias("above")
            source = above.join(followed, and_(above.c.id == number, above.c.parent_id.is_not(None)))
            yield kind, source, {"todo": above.c.id, "other": above.c.parent_id}


def _lock_todos(scope: Scope, lines: CTE) -> CTE:
    made = select(lines.c.uuid).where(lines.c.field == "exists", lines.c.new.is_not(None))
    in_trash = TODOS.c.deleted_at.is_not(None)
    concerned = union_all(
        select(TODOS.c.id).join(lines, and_(lines.c.entity == "todo", lines.c.uuid == TODOS.c.uuid)),
        *(
            select(TODOS.c.id).join(lines, and_(lines.c.entity == "comment", lines.c[name] == TODOS.c.uuid))
            for name in _NAMED
        ),
        select(COMMENTS.c.todo_id).join(lines, and_(lines.c.entity == "comment", lines.c.uuid == COMMENTS.c.uuid)),
        select(TODOS.c.id)
        .join(PROJECTS, PROJECTS.c.id == TODOS.c.project_id)
        .where(in_trash, PROJECTS.c.uuid.in_(made.where(lines.c.entity == "project"))),
        select(TODOS.c.id)
        .join(TODO_TAGS, TODO_TAGS.c.todo_id == TODOS.c.id)
        .join(TAGS, TAGS.c.id == TODO_TAGS.c.tag_id)
        .where(in_trash, TAGS.c.uuid.in_(made.where(lines.c.entity == "tag"))),
    ).subquery("concerned")
    mine = select(TODOS).where(owned(TODOS, scope), TODOS.c.id.in_(select(concerned.c.id)))
    return mine.order_by(TODOS.c.id).with_for_update(of=TODOS).cte("held_todos")


def _lock(
    table: Table,
    mine: ColumnElement[bool],
    lines: CTE,
    order: ColumnElement[Any],
    *,
    after: CTE,
    key_share: bool = False,
    also: ColumnElement[bool] | None = None,
) -> CTE:
    entity = _ENTITIES[table]
    wanted = table.c.uuid.in_(
        union_all(
            select(lines.c.uuid).where(lines.c.entity == entity),
            *(select(lines.c[name]).where(lines.c.field == entity) for name in _NAMED),
        )
    )
    in_turn = select(func.count()).select_from(after).scalar_subquery() >= 0
    held = select(table).where(mine, wanted if also is None else or_(wanted, also), in_turn)
    return held.order_by(order).with_for_update(of=table, key_share=key_share).cte(f"held_{table.name}")


_ENTITIES = {table: entity for entity, table in _TABLES.items()}


def describe_todo(todos: CTE) -> dict[str, ColumnElement[Any]]:
    """Return columns with the rows that a todo refers to."""
    found: dict[str, ColumnElement[Any]] = {column.name: column for column in select_links(todos)}
    found["marked_depends"] = found.pop("depends")
    for name, table in REFERENCES.items():
        found[name] = _uuid_of(table.alias(f"its_{name}"), todos, todos.c[f"{name}_id"])
    project = PROJECTS.alias("its_project")
    name_of = select(project.c.name).where(project.c.id == todos.c.project_id)
    found["project_name"] = name_of.correlate(todos).scalar_subquery()
    for name, (links, column, table) in LINKS.items():
        row = table.alias(f"its_{name}")
        pairs = select(json_rows(row.c.uuid, row.c.name if name == "tag" else row.c.id))
        linked = pairs.join(links, links.c[column] == row.c.id).where(links.c.todo_id == todos.c.id)
        found[name] = linked.correlate(todos).scalar_subquery()
    return found


def _uuid_of(table: FromClause, rows: CTE, number: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(table.c.uuid).where(table.c.id == number).correlate(rows).scalar_subquery()


def _is_held(table: Table, rows: CTE, todos: CTE) -> ColumnElement[bool]:
    known = select(todos.c.id)
    if table is PROJECTS:
        return exists().where(TODOS.c.project_id == rows.c.id, TODOS.c.id.not_in(known)).correlate(rows)
    return exists().where(TODO_TAGS.c.tag_id == rows.c.id, TODO_TAGS.c.todo_id.not_in(known)).correlate(rows)


def typed(table: Table, values: Values) -> Values:
    """Convert values of the table's columns to their Python types; other values are unchanged."""
    typed = {name: _read(table.c[name], value) if name in table.c else value for name, value in values.items()}
    for name in ("project", "series", "parent", "todo"):
        if values.get(name):
            typed[name] = UUID(values[name])
    for name in LINKS.keys() & values.keys():
        typed[name] = {UUID(uuid): shown for uuid, shown in read_json(values[name])}
    return typed


def _read(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    match column.type:
        case Uuid():
            return UUID(value)
        case UtcDateTime():
            return read_instant(value)
        case Date():
            return date.fromisoformat(value)
        case Boolean():
            return bool(value)
        case _:
            return value
