"""The steps that people take all day as one statement of PostgreSQL each: gate, change, tags and history together.

On a server a transaction of several statements costs many round trips; a data-modifying WITH (PostgreSQL manual,
7.8.4) costs those of one. All its parts see the database as it was when it began, and nothing of each other but what
they return. So each of these statements writes only where that is enough, and otherwise writes nothing and returns no
row; the caller then does the same in an ordinary transaction, which also knows how to explain what is wrong:

- the revision of the tables, the user, every reference and the project are as they should be;
- no other command holds one of the todos, or changed it after the statement began (`FOR NO KEY UPDATE SKIP LOCKED`,
  and the version that was locked is the one that is seen), so that what history calls the old value was the old value;
- the step is not stored yet.

Projects and tags are locked after todos and in the order of their keys, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    Values,
    and_,
    case,
    cast,
    column,
    delete,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Integer, Uuid

from todo_cli.db.edits import Edit
from todo_cli.db.statements import Viewer, prove
from todo_cli.db.step import TODO_FIELDS, creation_changes, encode, open_gate
from todo_cli.models.tables import Base, Project, Todo, derive
from todo_cli.models.text import fold
from todo_cli.models.types import UtcDateTime

_tables = Base.metadata.tables
STEPS, CHANGES, TODOS, TODO_TAGS = (_tables[name] for name in ("steps", "changes", "todos", "todo_tags"))
PROJECTS, TAGS = _tables["projects"], _tables["tags"]

_NEVER = datetime.min.replace(tzinfo=UTC)

_COLUMNS = {
    "title": ("title", "title_folded"),
    "description": ("description", "description_folded"),
    "due": ("due_on", "due_at", "due_key"),
}
"""The columns of a field, where it is not one of the same name."""


def add_at_once(
    viewer: Viewer, step: UUID, todo: Todo, project: str | None, tags: Iterable[str]
) -> Select[tuple[int, str | None, str | None]]:
    """Return the statement that adds the todo with its project and tags; its one row has `id`, `project`, `tags`.

    The todo's own fields are set, but neither its user nor its project. `tags` in the row are joined by commas.
    """
    derive(todo)
    me = prove(viewer).cte("me")
    is_new = ~exists().where(TODOS.c.uuid == literal(todo.uuid, Uuid()))
    gate = _open_gate(me, step, "add", viewer.now, and_(is_new, _is_not_archived(me, project)))
    wanted_projects = _Wanted.make(PROJECTS, [project] if project else [])
    wanted_tags = _Wanted.make(TAGS, tags)
    projects = _ensure(wanted_projects, gate, viewer.now)
    labels = _ensure(wanted_tags, gate, viewer.now, after=projects)
    given = [column for column in TODOS.c if column.name not in ("id", "user_id", "project_id")]
    row = select(
        gate.c.user_id,
        select(projects.c.id).scalar_subquery(),
        *(literal(getattr(todo, column.name), column.type) for column in given),
    )
    added = (
        insert(TODOS)
        .from_select(["user_id", "project_id", *(column.name for column in given)], row)
        .returning(TODOS.c.id)
        .cte("added")
    )
    links = insert(TODO_TAGS).from_select(
        ["todo_id", "tag_id"], select(added.c.id, labels.c.id).select_from(added.join(labels, true()))
    )
    place = {field: number for number, field in enumerate(("exists", *TODO_FIELDS, "tag"))}
    history = _write_history(
        gate,
        [
            *wanted_projects.creations(projects),
            *wanted_tags.creations(labels),
            *(
                _change(place[field], todo.uuid, field, new=literal(encode(new), Text()))
                for field, new in creation_changes(todo)
            ),
            _change(place["project"], todo.uuid, "project", new=_quoted(projects.c.uuid)).select_from(projects),
            _change(place["tag"], todo.uuid, "tag", new=_quoted(labels.c.uuid)).select_from(labels),
        ],
    )
    return select(
        added.c.id,
        select(projects.c.name).scalar_subquery().label("project"),
        select(func.aggregate_strings(labels.c.name, ",")).scalar_subquery().label("tags"),
    ).add_cte(links.cte("links"), history)


def edit_at_once(
    viewer: Viewer, step: UUID, command: str, condition: ColumnElement[bool], expected: int, edit: Edit
) -> Select[Any]:
    """Return the statement that edits the todos that the condition finds, if they are as many as expected.

    Its rows have the columns of each todo afterwards, `project`, `kept` and `added` (names of tags, joined by commas),
    and `changed`.
    """
    me = prove(viewer).cte("me")
    target = _lock(me, condition, edit)
    differences = {field: _differs(target, field, value) for field, value in edit.fields.items()}
    if edit.project is not None:
        differences["project"] = ~_is_in_project(target, edit.project)
    tag_keys, untag_keys = {fold(name) for name in edit.tags}, {fold(name) for name in edit.untag}
    carried = [_count_carried(target, tag_keys) < len(tag_keys)] if tag_keys else []
    dropped = [_count_carried(target, untag_keys) > 0] if untag_keys else []
    changing = (
        select(target, *(differs.label(f"differs_{field}") for field, differs in differences.items()))
        .where(_is_not_spared(target, edit), or_(false(), *differences.values(), *carried, *dropped))
        .cte("changing")
    )
    seen = TODOS.alias("seen")
    current = target.join(seen, and_(seen.c.id == target.c.id, seen.c.version == target.c.version))
    all_well = and_(
        select(func.count()).select_from(current).scalar_subquery() == expected,
        ~exists().where(STEPS.c.uuid == literal(step, Uuid())),
        _is_not_archived(me, edit.project),
    )
    gate = _open_gate(me, step, command, viewer.now, and_(all_well, exists(select(changing.c.id))))
    wanted_projects = _Wanted.make(PROJECTS, [edit.project] if edit.project else [])
    wanted_tags = _Wanted.make(TAGS, edit.tags)
    projects = _ensure(wanted_projects, gate, viewer.now)
    labels = _ensure(wanted_tags, gate, viewer.now, after=projects)
    is_open = exists(select(gate.c.id))

    new_values: dict[str, Any] = {}
    for field, value in edit.fields.items():
        new_values.update(_column_values(field, value))
    if edit.project is not None:
        new_values["project_id"] = select(projects.c.id).scalar_subquery()
    changed = (
        update(TODOS)
        .where(TODOS.c.id == changing.c.id, is_open)
        .values(**new_values, version=TODOS.c.version + 1, updated_at=viewer.now)
        .returning(*TODOS.c)
        .cte("changed")
    )
    unlinked = (
        delete(TODO_TAGS)
        .where(
            TODO_TAGS.c.todo_id == changing.c.id, TODO_TAGS.c.tag_id == TAGS.c.id, TAGS.c.key.in_(untag_keys), is_open
        )
        .returning(TODO_TAGS.c.todo_id, TAGS.c.uuid)
        .cte("unlinked")
    )
    has = TODO_TAGS.alias("has")
    missing = ~exists().where(has.c.todo_id == changing.c.id, has.c.tag_id == labels.c.id)
    linked = (
        insert(TODO_TAGS)
        .from_select(
            ["todo_id", "tag_id"],
            select(changing.c.id, labels.c.id).select_from(changing.join(labels, true())).where(missing),
        )
        .returning(TODO_TAGS.c.todo_id, TODO_TAGS.c.tag_id)
        .cte("linked")
    )
    uuid = changing.c.uuid
    history = _write_history(
        gate,
        [
            *wanted_projects.creations(projects),
            *wanted_tags.creations(labels),
            *(
                _change(number, uuid, field, todo=changing.c.id, old=_OLD[field](changing), new=new)
                .select_from(changing.outerjoin(projects, true()))
                .where(changing.c[f"differs_{field}"])
                for number, (field, new) in enumerate(
                    (
                        field,
                        _quoted(projects.c.uuid)
                        if field == "project" and edit.project is not None
                        else literal(encode(edit.fields[field]), Text()),
                    )
                    for field in differences
                )
            ),
            _change(100, uuid, "tag", todo=changing.c.id, old=_quoted(unlinked.c.uuid)).select_from(
                changing.join(unlinked, unlinked.c.todo_id == changing.c.id)
            ),
            _change(101, uuid, "tag", todo=changing.c.id, new=_quoted(labels.c.uuid)).select_from(
                changing.join(linked, linked.c.todo_id == changing.c.id).join(labels, labels.c.id == linked.c.tag_id)
            ),
        ],
    )
    was_changed = changed.c.id.is_not(None)
    project_before = _scalar(select(PROJECTS.c.name).where(PROJECTS.c.id == target.c.project_id), target)
    project_after = _scalar(select(projects.c.name)) if edit.project is not None else project_before
    if edit.fields.get("project", "") is None:
        project_after = null()
    kept = (
        select(func.aggregate_strings(TAGS.c.name, ","))
        .select_from(TAGS.join(TODO_TAGS, TODO_TAGS.c.tag_id == TAGS.c.id))
        .where(TODO_TAGS.c.todo_id == target.c.id, TAGS.c.key.not_in(untag_keys))
    )
    return (
        select(
            *(case((was_changed, changed.c[old.name]), else_=old).label(old.name) for old in target.c),
            case((was_changed, project_after), else_=project_before).label("project"),
            _scalar(kept, target).label("kept"),
            _scalar(select(func.aggregate_strings(labels.c.name, ","))).label("added"),
            was_changed.label("changed"),
        )
        .select_from(target.outerjoin(changed, changed.c.id == target.c.id))
        .where(all_well, or_(is_open, ~exists(select(changing.c.id))))
        .add_cte(unlinked, linked, history)
    )


def _open_gate(me: CTE, step: UUID, command: str, now: datetime, condition: ColumnElement[bool]) -> CTE:
    """Return the step's own row, written if the condition holds; without it nothing else is written."""
    gate: CTE = open_gate(insert, me, step, command, now, condition).cte("gate")
    return gate


def _is_not_archived(me: CTE, project: str | None) -> ColumnElement[bool]:
    """Return whether todos may be put into the project: the nearest that there is, itself or above it, is not away."""
    if project is None:
        return true()
    keys = [fold(part) for part in Project.path_of(project)]
    nearest = (
        select(PROJECTS.c.archived_at)
        .where(PROJECTS.c.user_id == _scalar(select(me.c.id)), PROJECTS.c.key.in_(keys))
        .order_by(func.length(PROJECTS.c.key).desc())
        .limit(1)
    )
    return nearest.scalar_subquery().is_(None)


@dataclass(frozen=True)
class _Wanted:
    """Projects or tags that there have to be: a row for each with `key`, `name`, `uuid` if it is made, and `told`."""

    table: Table
    rows: Values
    keys: Sequence[str]

    @classmethod
    def make(cls, table: Table, names: Iterable[str]) -> _Wanted:
        by_key = {fold(name): name for name in names}
        rows = values(
            column("key", Text()),
            column("name", Text()),
            column("uuid", Uuid()),
            column("told", Text()),
            name=f"wanted_{table.name}",
        ).data([(key, name, uuid4(), encode(name)) for key, name in sorted(by_key.items())])
        return cls(table, rows, sorted(by_key))

    def creations(self, ensured: CTE) -> list[Select[Any]]:
        """Return the history of those that were made."""
        if not self.keys:
            return []
        entity = self.table.name.removesuffix("s")
        made = ensured.join(self.rows, self.rows.c.uuid == ensured.c.uuid)
        first = {"projects": -4, "tags": -2}[self.table.name]
        return [
            _change(first, ensured.c.uuid, "exists", entity=entity, new=literal("true", Text())).select_from(made),
            _change(first + 1, ensured.c.uuid, "name", entity=entity, new=self.rows.c.told).select_from(made),
        ]


def _ensure(wanted: _Wanted, gate: CTE, now: datetime, after: CTE | None = None) -> CTE:
    """Return the wanted rows with `id`, `uuid`, `name`, `key`: those there are, locked against deletion, or made.

    Whoever makes the same at the same moment is waited for, and its row is taken; `after` is read first.
    """
    table, rows = wanted.table, wanted.rows
    columns = (table.c.id, table.c.uuid, table.c.name, table.c.key)
    if not wanted.keys:
        return select(*columns).where(false()).cte(f"no_{table.name}")
    in_turn = true() if after is None else _scalar(select(func.count()).select_from(after)) >= 0
    found = (
        select(*columns)
        .where(table.c.user_id == _scalar(select(gate.c.user_id)), table.c.key.in_(wanted.keys), in_turn)
        .order_by(table.c.key)
        .with_for_update(read=True, key_share=True, of=table)
        .cte(f"found_{table.name}")
    )
    created_at = {"created_at": literal(now, UtcDateTime())} if "created_at" in table.c else {}
    missing = (
        select(gate.c.user_id, rows.c.uuid, rows.c.name, rows.c.key, *created_at.values())
        .select_from(gate.join(rows, true()))
        .where(rows.c.key.not_in(select(found.c.key)))
        .order_by(rows.c.key)
    )
    made = (
        insert(table)
        .from_select(["user_id", "uuid", "name", "key", *created_at], missing)
        # Not DO NOTHING: that returns no row for one that another command has made meanwhile.
        .on_conflict_do_update(index_elements=["user_id", "key"], set_={"name": table.c.name})
        .returning(*columns)
        .cte(f"made_{table.name}")
    )
    return union_all(select(found), select(made)).cte(f"ensured_{table.name}")


def _lock(me: CTE, condition: ColumnElement[bool], edit: Edit) -> CTE:
    """Return the todos that are meant, locked; those that another command holds are passed over."""
    return (
        select(TODOS)
        .where(
            TODOS.c.user_id == _scalar(select(me.c.id)),
            condition,
            true() if edit.trashed else TODOS.c.deleted_at.is_(None),
            true() if edit.if_version is None else TODOS.c.version == edit.if_version,
        )
        .order_by(TODOS.c.id)
        .with_for_update(key_share=True, skip_locked=True, of=TODOS)
        .cte("target")
    )


def _column_values(field: str, value: object) -> dict[str, object]:
    """Return the columns that the field is stored in."""
    scratch = Todo(user_id=0, title="", created_at=_NEVER, updated_at=_NEVER)
    setattr(scratch, "project_id" if field == "project" else field, value)
    derive(scratch)
    names = ("project_id",) if field == "project" else _COLUMNS.get(field, (field,))
    return {name: getattr(scratch, name) for name in names}


def _differs(target: CTE, field: str, value: object) -> ColumnElement[bool]:
    return or_(
        *(
            target.c[name].is_distinct_from(literal(new, target.c[name].type))
            for name, new in _column_values(field, value).items()
        )
    )


def _is_not_spared(target: CTE, edit: Edit) -> ColumnElement[bool]:
    """Say in SQL what `Edit.spares` says of a row."""
    if edit.unless is None:
        return true()
    old, new = target.c[edit.unless], edit.fields[edit.unless]
    if edit.unless == "deleted_at":
        return old.is_not(None) if new is None else old.is_(None)
    return old != new


def _is_in_project(target: CTE, name: str) -> ColumnElement[bool]:
    return exists().where(PROJECTS.c.id == target.c.project_id, PROJECTS.c.key == fold(name)).correlate(target)


def _count_carried(target: CTE, keys: set[str]) -> Any:
    carried = (
        select(func.count())
        .select_from(TODO_TAGS.join(TAGS, TAGS.c.id == TODO_TAGS.c.tag_id))
        .where(TODO_TAGS.c.todo_id == target.c.id, TAGS.c.key.in_(keys))
    )
    return _scalar(carried, target)


def _change(
    place: int,
    uuid: UUID | ColumnElement[UUID],
    field: str,
    *,
    entity: str = "todo",
    todo: ColumnElement[int] | None = None,
    old: ColumnElement[str] | None = None,
    new: ColumnElement[str] | None = None,
) -> Select[*tuple[Any, ...]]:
    """Return one line of history; lines are sorted by the todo's number and their place."""
    return select(
        (literal(0, Integer()) if todo is None else todo).label("todo"),
        literal(place, Integer()).label("place"),
        literal(entity, Text()).label("entity"),
        (literal(uuid, Uuid()) if isinstance(uuid, UUID) else uuid).label("uuid"),
        literal(field, Text()).label("field"),
        (cast(null(), Text()) if old is None else old).label("old"),
        (cast(null(), Text()) if new is None else new).label("new"),
    )


def _write_history(gate: CTE, lines: Sequence[Select[Any]]) -> CTE:
    all_lines = union_all(*lines).subquery("lines")
    names = ("entity", "uuid", "field", "old", "new")
    rows = (
        select(gate.c.id, *(all_lines.c[name] for name in names))
        .select_from(gate.join(all_lines, true()))
        .order_by(all_lines.c.todo, all_lines.c.place)
    )
    return insert(CHANGES).from_select(["step_id", "entity", "entity_uuid", "field", "old", "new"], rows).cte("history")


# What `encode` makes of a value, made by the database of the value it has.


def _quoted(text: ColumnElement[Any]) -> ColumnElement[str]:
    return '"' + cast(text, Text()) + '"'


def _instant(moment: ColumnElement[Any]) -> ColumnElement[str]:
    text = func.to_char(func.timezone("UTC", moment), 'YYYY-MM-DD"T"HH24:MI:SS.US', type_=Text())
    return func.replace(text, ".000000", "", type_=Text()) + "Z"


def _due(row: FromClause) -> ColumnElement[str]:
    on = func.to_char(row.c.due_on, "YYYY-MM-DD", type_=Text())
    with_time = literal('{"on": "', Text()) + on + '", "at": "' + _instant(row.c.due_at) + '"}'
    return case((row.c.due_on.is_(None), null()), (row.c.due_at.is_(None), _quoted(on)), else_=with_time)


_OLD: Mapping[str, Callable[[FromClause], ColumnElement[str]]] = {
    "title": lambda row: cast(func.to_json(row.c.title), Text()),
    "description": lambda row: cast(func.to_json(row.c.description), Text()),
    "status": lambda row: _quoted(row.c.status),
    "priority": lambda row: cast(row.c.priority, Text()),
    "project": lambda row: _quoted(_scalar(select(PROJECTS.c.uuid).where(PROJECTS.c.id == row.c.project_id), row)),
    "due": _due,
    "completed_at": lambda row: _quoted(_instant(row.c.completed_at)),
    "deleted_at": lambda row: _quoted(_instant(row.c.deleted_at)),
}


def _scalar(statement: Select[Any], *outer: FromClause) -> Any:
    return statement.correlate(*outer).scalar_subquery() if outer else statement.scalar_subquery()
