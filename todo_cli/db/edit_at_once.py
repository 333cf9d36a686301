"""Editing todos as one statement of PostgreSQL; see `at_once` for what makes it safe."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
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

from todo_cli.db.at_once import is_not_archived, open_gate_if, scalar
from todo_cli.db.edits import Edit, Plan
from todo_cli.db.ensuring import Wanted, ensure
from todo_cli.db.history_lines import OLD, line, quoted, write_history
from todo_cli.db.statements import RECURRENCE, Viewer, prove, select_links, with_recurrence
from todo_cli.db.step import TODO_FIELDS, encode
from todo_cli.db.succession import (
    Beginnings,
    Successors,
    end_series,
    hold_series,
    is_version,
    list_later,
    recurs,
    tell_endings,
)
from todo_cli.models.tables import Base, Todo, derive
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
        hold_series(changing) if plan or edit.ends_series else true(),
        ~exists().where(STEPS.c.uuid == literal(step, Uuid())),
        is_not_archived(me, edit.project),
    )
    to_do = exists(select(changing.c.id))
    left = _is_left_to_caller(changing, edit, plan, looks=looks)
    gate = open_gate_if(me, step, command, viewer.now, and_(all_well, to_do, ~left, ~_is_refused(changing, edit)))
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
    before = scalar(select(PROJECTS.c.name).where(PROJECTS.c.id == target.c.project_id), target)
    after = before if new_project is None else scalar(select(new_project.c.name))
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
        *select_links(target),
        case((was_changed, after), else_=before).label("project"),
        scalar(kept, target).label("kept"),
        scalar(select(func.aggregate_strings(labels.c.name, ","))).label("added"),
        was_changed.label("changed"),
    ).select_from(with_recurrence(target).outerjoin(changed, changed.c.id == target.c.id))


def _lock(me: CTE, condition: ColumnElement[bool], edit: Edit) -> CTE:
    """Return the todos that are meant, locked; those that another command holds are passed over."""
    return (
        select(TODOS)
        .where(
            TODOS.c.user_id == scalar(select(me.c.id)),
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
    if edit.only_open:
        return target.c.status == Status.OPEN.value
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
    return scalar(carried, target)


def _keys(names: Iterable[str]) -> set[str]:
    return {fold(name) for name in names}
