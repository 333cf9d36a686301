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

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Uuid

from todo_cli.db.edits import Edit, Plan
from todo_cli.db.ensuring import Wanted, ensure
from todo_cli.db.history_lines import OLD, line, quoted, write_history
from todo_cli.db.statements import RECURRENCE, Viewer, prove, with_recurrence
from todo_cli.db.step import TODO_FIELDS, creation_changes, encode, open_gate
from todo_cli.db.succession import Beginnings, Successors, end_series, is_version, list_later, recurs, tell_endings
from todo_cli.models.tables import Base, Project, Series, Todo, derive
from todo_cli.models.text import fold
from todo_cli.models.values import Status

_tables = Base.metadata.tables
STEPS, TODOS, TODO_TAGS = (_tables[name] for name in ("steps", "todos", "todo_tags"))
PROJECTS, TAGS = _tables["projects"], _tables["tags"]

_NEVER = datetime.min.replace(tzinfo=UTC)

_COLUMNS = {
    "title": ("title", "title_folded"),
    "description": ("description", "description_folded"),
    "due": ("due_on", "due_at", "due_key"),
    "scheduled": ("scheduled_on", "scheduled_at"),
}
"""The columns of a field, where it is not one of the same name."""


def add_at_once(
    viewer: Viewer, step: UUID, todo: Todo, project: str | None, tags: Iterable[str], series: Series | None = None
) -> Select[tuple[int, str | None, str | None]]:
    """Return the statement that adds the todo with its project, tags and series; its row has `id`, `project`, `tags`.

    The todo's own fields are set, but neither its user nor its project nor the series, which the statement makes.
    `tags` in the row are joined by commas.
    """
    derive(todo)
    me = prove(viewer).cte("me")
    is_new = ~exists().where(TODOS.c.uuid == literal(todo.uuid, Uuid()))
    gate = _open_gate(me, step, "add", viewer.now, and_(is_new, _is_not_archived(me, project)))
    wanted_projects = Wanted.make(PROJECTS, [project] if project else [])
    wanted_tags = Wanted.make(TAGS, tags)
    projects = ensure(wanted_projects, gate, viewer.now)
    labels = ensure(wanted_tags, gate, viewer.now, after=projects)
    given = [column for column in TODOS.c if column.name not in ("id", "user_id", "project_id", "series_id")]
    beginnings = Beginnings({todo.uuid: series} if series else {})
    begun = beginnings.insert(gate, viewer.now)
    row = select(
        gate.c.user_id,
        select(projects.c.id).scalar_subquery(),
        select(begun.c.id).scalar_subquery(),
        *(literal(getattr(todo, column.name), column.type) for column in given),
    )
    added = (
        insert(TODOS)
        .from_select(["user_id", "project_id", "series_id", *(column.name for column in given)], row)
        .returning(TODOS.c.id)
        .cte("added")
    )
    links = insert(TODO_TAGS).from_select(
        ["todo_id", "tag_id"], select(added.c.id, labels.c.id).select_from(added.join(labels, true()))
    )
    place = {field: number for number, field in enumerate(("exists", *TODO_FIELDS, "tag"))}
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
            line(place["project"], todo.uuid, "project", new=quoted(projects.c.uuid)).select_from(projects),
            line(place["tag"], todo.uuid, "tag", new=quoted(labels.c.uuid)).select_from(labels),
        ],
    )
    return select(
        added.c.id,
        select(projects.c.name).scalar_subquery().label("project"),
        select(func.aggregate_strings(labels.c.name, ",")).scalar_subquery().label("tags"),
    ).add_cte(links.cte("links"), history)


def edit_at_once(
    viewer: Viewer,
    step: UUID,
    command: str,
    condition: ColumnElement[bool],
    expected: int | ColumnElement[int],
    edit: Edit,
    *,
    plan: Plan | None = None,
    looks: bool = False,
) -> Select[Any]:
    """Return the statement that edits the todos that the condition finds, if they are as many as expected.

    Its rows have the columns of each todo afterwards, `project`, `kept` and `added` (names of tags, joined by commas),
    those of its recurrence before, `changed`, and `next` (see `Successors.list_numbers`).

    Where something follows from a todo that only the caller can work out, and always if it `looks` only, nothing is
    written, and all rows have `pending`, with the todo as it is and `later` (see `list_later`). The `plan` is made of
    these, and given with the same edit.
    """
    me = prove(viewer).cte("me")
    if plan:
        condition, expected = is_version(plan.versions), len(plan.versions)
    target = _lock(me, condition, edit)
    changing = _find_changing(target, edit, begins_series=looks or bool(plan and plan.series))
    seen = TODOS.alias("seen")
    current = target.join(seen, and_(seen.c.id == target.c.id, seen.c.version == target.c.version))
    all_well = and_(
        select(func.count()).select_from(current).scalar_subquery() == expected,
        ~exists().where(STEPS.c.uuid == literal(step, Uuid())),
        _is_not_archived(me, edit.project),
    )
    to_do = exists(select(changing.c.id))
    left = _is_left_to_caller(changing, edit, plan, looks=looks)
    gate = _open_gate(me, step, command, viewer.now, and_(all_well, to_do, ~left, ~_is_refused(changing, edit)))
    wanted_projects = Wanted.make(PROJECTS, [edit.project] if edit.project else [])
    wanted_tags = Wanted.make(TAGS, edit.tags)
    projects = ensure(wanted_projects, gate, viewer.now)
    labels = ensure(wanted_tags, gate, viewer.now, after=projects)
    is_open = exists(select(gate.c.id))

    beginnings = Beginnings(plan.series) if plan and plan.series else None
    begun = beginnings.insert(gate, viewer.now) if beginnings else None
    changed = _change(changing, edit, viewer.now, projects, is_open, beginnings, begun)
    unlinked = _unlink(changing, edit, is_open)
    linked = _link(changing, labels)
    new_project = None if edit.project is None else projects
    lines = [
        *wanted_projects.creations(projects),
        *wanted_tags.creations(labels),
        *_tell_fields(changing, edit, new_project),
        *_tell_tags(changing, labels, unlinked, linked),
    ]
    parts = [unlinked, linked]
    if beginnings:
        lines += [*beginnings.creations(), *_tell_beginnings(changing, beginnings)]
    if beginnings or edit.ends_series:
        ended = end_series(changing, viewer.now, is_open)
        lines.append(tell_endings(ended, viewer.now))
    numbers: ColumnElement[str] = cast(null(), Text())
    if plan and plan.successors:
        successors = Successors(plan.successors)
        born = successors.insert(changed)
        handed_on = successors.link(born, changed)
        lines += successors.creations(born, handed_on)
        parts.append(handed_on)
        numbers = successors.list_numbers(target, born)
    return (
        _describe(target, changed, edit, new_project, labels)
        .add_columns(left.label("pending"), list_later(target).label("later"), numbers.label("next"))
        .where(all_well, or_(is_open, left, ~to_do))
        .add_cte(*parts, write_history(gate, lines))
    )


def _is_left_to_caller(changing: CTE, edit: Edit, plan: Plan | None, *, looks: bool) -> ColumnElement[bool]:
    """Return whether nothing is written yet, since something follows from the todos as they are."""
    if plan:
        return false()
    if looks or edit.recurring == "only":
        return exists(select(changing.c.id))
    return exists(select(changing.c.id).where(changing.c.recurs)) if edit.recurring == "succeed" else false()


def _is_refused(changing: CTE, edit: Edit) -> ColumnElement[bool]:
    if edit.recurring != "refuse":
        return false()
    return exists(select(changing.c.id).where(changing.c.recurs, changing.c.status == Status.OPEN.value))


def _find_changing(target: CTE, edit: Edit, *, begins_series: bool) -> CTE:
    """Return those of the todos that are not as wanted, for each field in `differs_…` whether it is not, and `recurs`.

    Where they begin series, that is all of them.
    """
    differences = {field: _differs(target, field, value) for field, value in edit.fields.items()}
    if edit.project is not None:
        differences["project"] = ~_is_in_project(target, edit.project)
    tags, untag = _keys(edit.tags), _keys(edit.untag)
    lacks = _count_carried(target, tags) < len(tags) if tags else false()
    carries = _count_carried(target, untag) > 0 if untag else false()
    ends = recurs(target) if edit.ends_series else false()
    begins = literal(begins_series)
    return (
        select(
            target,
            recurs(target).label("recurs"),
            *(differs.label(f"differs_{field}") for field, differs in differences.items()),
        )
        .where(_is_not_spared(target, edit), or_(*differences.values(), lacks, carries, ends, begins))
        .cte("changing")
    )


def _change(
    changing: CTE,
    edit: Edit,
    now: datetime,
    projects: CTE,
    is_open: ColumnElement[bool],
    beginnings: Beginnings | None,
    begun: CTE | None,
) -> CTE:
    """Return the todos after their fields have been set."""
    new: dict[str, Any] = {}
    for field, value in edit.fields.items():
        new.update(_column_values(field, value))
    if edit.project is not None:
        new["project_id"] = select(projects.c.id).scalar_subquery()
    if beginnings and begun is not None:
        new["series_id"] = beginnings.number_of(TODOS, begun)
        new["occurrence"] = beginnings.occurrence_of(TODOS)
    return (
        update(TODOS)
        .where(TODOS.c.id == changing.c.id, is_open)
        .values(**new, version=TODOS.c.version + 1, updated_at=now)
        .returning(*TODOS.c)
        .cte("changed")
    )


def _unlink(changing: CTE, edit: Edit, is_open: ColumnElement[bool]) -> CTE:
    """Return the links that were taken away: `todo_id`, and the `uuid` of the tag."""
    dropped = and_(TODO_TAGS.c.tag_id == TAGS.c.id, TAGS.c.key.in_(_keys(edit.untag)))
    return (
        delete(TODO_TAGS)
        .where(TODO_TAGS.c.todo_id == changing.c.id, dropped, is_open)
        .returning(TODO_TAGS.c.todo_id, TAGS.c.uuid)
        .cte("unlinked")
    )


def _link(changing: CTE, labels: CTE) -> CTE:
    """Return the links that were made."""
    has = TODO_TAGS.alias("has")
    missing = ~exists().where(has.c.todo_id == changing.c.id, has.c.tag_id == labels.c.id)
    pairs = select(changing.c.id, labels.c.id).select_from(changing.join(labels, true())).where(missing)
    return (
        insert(TODO_TAGS)
        .from_select(["todo_id", "tag_id"], pairs)
        .returning(TODO_TAGS.c.todo_id, TODO_TAGS.c.tag_id)
        .cte("linked")
    )


def _tell_fields(changing: CTE, edit: Edit, project: CTE | None) -> list[Select[Any]]:
    """Return the history of the fields, in their order."""
    new: dict[str, ColumnElement[str]] = {field: literal(encode(value), Text()) for field, value in edit.fields.items()}
    if project is not None:
        new["project"] = quoted(select(project.c.uuid).scalar_subquery())
    return [
        line(place, changing.c.uuid, field, todo=changing.c.id, old=OLD[field](changing), new=value).where(
            changing.c[f"differs_{field}"]
        )
        for place, (field, value) in enumerate(new.items())
    ]


def _tell_beginnings(changing: CTE, beginnings: Beginnings) -> list[Select[Any]]:
    """Return the history of the todos that begin a series each."""
    place = len(TODO_FIELDS) - 2
    occurrence = beginnings.occurrence_of(changing)
    return [
        line(
            place,
            changing.c.uuid,
            "series",
            todo=changing.c.id,
            old=OLD["series"](changing),
            new=quoted(beginnings.uuid_of(changing)),
        ),
        line(
            place + 1,
            changing.c.uuid,
            "occurrence",
            todo=changing.c.id,
            old=OLD["occurrence"](changing),
            new=quoted(occurrence),
        ).where(changing.c.occurrence.is_distinct_from(occurrence)),
    ]


def _tell_tags(changing: CTE, labels: CTE, unlinked: CTE, linked: CTE) -> list[Select[Any]]:
    """Return the history of the tags, which comes after that of the fields."""
    last = len(TODO_FIELDS)
    off = line(last, changing.c.uuid, "tag", todo=changing.c.id, old=quoted(unlinked.c.uuid))
    on = line(last + 1, changing.c.uuid, "tag", todo=changing.c.id, new=quoted(labels.c.uuid))
    made = changing.join(linked, linked.c.todo_id == changing.c.id).join(labels, labels.c.id == linked.c.tag_id)
    return [
        off.select_from(changing.join(unlinked, unlinked.c.todo_id == changing.c.id)),
        on.select_from(made),
    ]


def _describe(target: CTE, changed: CTE, edit: Edit, new_project: CTE | None, labels: CTE) -> Select[Any]:
    """Return the todos as they are afterwards."""
    was_changed = changed.c.id.is_not(None)
    before = _scalar(select(PROJECTS.c.name).where(PROJECTS.c.id == target.c.project_id), target)
    after = before if new_project is None else _scalar(select(new_project.c.name))
    if "project" in edit.fields:  # it is taken out of its project
        after = null()
    kept = (
        select(func.aggregate_strings(TAGS.c.name, ","))
        .select_from(TAGS.join(TODO_TAGS, TODO_TAGS.c.tag_id == TAGS.c.id))
        .where(TODO_TAGS.c.todo_id == target.c.id, TAGS.c.key.not_in(_keys(edit.untag)))
    )
    return select(
        *(case((was_changed, changed.c[old.name]), else_=old).label(old.name) for old in target.c),
        *RECURRENCE,
        case((was_changed, after), else_=before).label("project"),
        _scalar(kept, target).label("kept"),
        _scalar(select(func.aggregate_strings(labels.c.name, ","))).label("added"),
        was_changed.label("changed"),
    ).select_from(with_recurrence(target).outerjoin(changed, changed.c.id == target.c.id))


def _keys(names: Iterable[str]) -> set[str]:
    return {fold(name) for name in names}


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


def _scalar(statement: Select[Any], *outer: FromClause) -> Any:
    return statement.correlate(*outer).scalar_subquery() if outer else statement.scalar_subquery()
