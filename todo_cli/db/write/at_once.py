"""Common steps as single PostgreSQL statements: the gate, the changes, the tags and the history together.

On a server, a transaction of several statements costs many round trips; a data-modifying WITH (PostgreSQL manual,
7.8.4) costs those of one. All its parts see the database as it was when the statement began, and of each other only
what they return. Therefore such a statement writes only under these conditions. Otherwise it writes nothing and returns
no row, and the caller does the same in an ordinary transaction, which can also explain what is wrong:

- the revision of the tables, the user, all references and the project are valid;
- no other command holds one of the todos or changed it after the statement began (`FOR NO KEY UPDATE SKIP LOCKED`, and
  the locked version is the one that the statement sees), so that the old values in the history are correct;
- the step is not stored yet.

Projects and tags are locked after todos and in the order of their keys, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Uuid

from todo_cli.db.read.json_sql import json_values
from todo_cli.db.read.queries import Request, select_scope
from todo_cli.db.scope import OWNER, Scope, owned, owner_values
from todo_cli.db.write.edges import Bindings
from todo_cli.db.write.edits import Edit
from todo_cli.db.write.ensuring import Wanted, ensure
from todo_cli.db.write.erasing import is_erasure
from todo_cli.db.write.history_lines import line, quoted, write_history
from todo_cli.db.write.step import TODO_FIELDS, creation_changes, encode, open_gate
from todo_cli.db.write.succession import Beginnings
from todo_cli.models.tables import CHANGES, PROJECTS, TAGS, TODO_TAGS, TODOS, Project, Series, Todo, derive
from todo_cli.models.text import fold


def add_at_once(
    request: Request,
    step: UUID,
    todo: Todo,
    project: str | None,
    tags: Iterable[str],
    series: Series | None,
    bound: Edit,
) -> Select[Any]:
    """Return the statement that adds the todo with its project, tags and series, and with the relations of the edit.

    The todo has its own fields; the statement sets the user, the project and the series. The resulting row has `id`,
    `project`, `tags` in JSON, and the columns that `read_links` reads.
    """
    derive(todo)
    me = select_scope(request).cte("me")
    uuid = literal(todo.uuid, Uuid())
    was_erased = exists().where(CHANGES.c.entity_uuid == uuid, is_erasure())
    is_new = and_(~exists().where(TODOS.c.uuid == uuid), ~was_erased)
    bindings = Bindings(me, bound)
    all_well = and_(is_new, is_not_archived(me, project), bindings.all_found())
    # Nothing depends on a new todo, so there is no cycle; but its parent may be closed or deleted concurrently.
    safe = bindings.guard(all_well) if bindings.parent is not None else all_well
    gate = open_gate_if(me, step, "add", request.now, safe)
    wanted_projects = Wanted.make(PROJECTS, [project] if project else [])
    wanted_tags = Wanted.make(TAGS, tags)
    projects = ensure(wanted_projects, gate, request.now)
    labels = ensure(wanted_tags, gate, request.now, after=projects)
    own_project: Any = select(projects.c.id).scalar_subquery()
    parent: Any = null()
    if bindings.parent is not None:
        parent = select(bindings.parent.c.id).scalar_subquery()
        if project is None:
            own_project = select(bindings.parent.c.project_id).scalar_subquery()
    made = ("id", OWNER, "project_id", "series_id", "parent_id")
    given = [column for column in TODOS.c if column.name not in made]
    beginnings = Beginnings({todo.uuid: series} if series else {})
    begun = beginnings.insert(gate, request.now)
    owner = owner_values(TODOS, Scope.given(gate))
    row = select(
        *owner.values(),
        own_project,
        select(begun.c.id).scalar_subquery(),
        cast(parent, TODOS.c.parent_id.type),
        *(literal(getattr(todo, column.name), column.type) for column in given),
    ).select_from(gate)
    added = (
        insert(TODOS)
        .from_select([*owner, "project_id", "series_id", "parent_id", *(column.name for column in given)], row)
        .returning(TODOS.c.id, TODOS.c.uuid, TODOS.c.project_id, TODOS.c.parent_id)
        .cte("added")
    )
    links = insert(TODO_TAGS).from_select(
        ["todo_id", "tag_id"], select(added.c.id, labels.c.id).select_from(added.join(labels, true()))
    )
    edges = bindings.bind(added, true())
    place = {field: number for number, field in enumerate(("exists", *TODO_FIELDS, "tag"))}
    belongs = [bindings.tell_parent(place["parent"], added, None)] if bindings.parent is not None else []
    history = write_history(
        gate,
        [
            *wanted_projects.creations(projects),
            *wanted_tags.creations(labels),
            *(
                line(place[field], todo.uuid, field, new=literal(encode(new), Text()))
                for field, new in creation_changes(todo)
            ),
            *beginnings.creations(),
            line(place["series"], todo.uuid, "series", new=quoted(begun.c.uuid)).select_from(begun),
            line(place["project"], todo.uuid, "project", todo=added.c.id, new=quoted(PROJECTS.c.uuid)).select_from(
                added.join(PROJECTS, PROJECTS.c.id == added.c.project_id)
            )
            if bindings.parent is not None and project is None
            else line(place["project"], todo.uuid, "project", new=quoted(projects.c.uuid)).select_from(projects),
            *belongs,
            line(place["tag"], todo.uuid, "tag", new=quoted(labels.c.uuid)).select_from(labels),
            *bindings.tell(place["tag"] + 1, added, edges, None),
        ],
    )
    named = select(projects.c.name).scalar_subquery()
    if bindings.parent is not None and project is None:
        named = select(PROJECTS.c.name).where(PROJECTS.c.id == added.c.project_id).correlate(added).scalar_subquery()
    nothing = cast(null(), Text())
    return select(
        added.c.id,
        added.c.parent_id,
        literal(todo.status, Text()).label("status"),
        null().label("deleted_at"),
        bindings.list_prerequisites().label("depends"),
        nothing.label("blocks"),
        nothing.label("children"),
        named.label("project"),
        select(json_values(labels.c.name)).scalar_subquery().label("tags"),
    ).add_cte(links.cte("links"), *([] if edges is None else [edges]), history)


def open_gate_if(me: CTE, step: UUID, command: str, now: datetime, condition: ColumnElement[bool]) -> CTE:
    """Return the step's own row, which is inserted if the condition holds; otherwise nothing is written."""
    gate: CTE = open_gate(insert, me, step, command, now, condition).cte("gate")
    return gate


def is_not_archived(me: CTE, project: str | None) -> ColumnElement[bool]:
    """Return whether the project accepts todos: neither it nor the nearest existing project around it is archived."""
    if project is None:
        return true()
    keys = [fold(part) for part in Project.path_of(project)]
    nearest = (
        select(PROJECTS.c.archived_at)
        .where(owned(PROJECTS, Scope.given(me)), PROJECTS.c.key.in_(keys))
        .order_by(func.length(PROJECTS.c.key).desc())
        .limit(1)
    )
    return nearest.scalar_subquery().is_(None)


def scalar(statement: Select[Any], *outer: FromClause) -> Any:
    return statement.correlate(*outer).scalar_subquery() if outer else statement.scalar_subquery()
