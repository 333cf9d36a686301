"""Editing todos as a single PostgreSQL statement; `at_once` explains why this is safe."""

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

from todo_cli.db.read.graph_sql import in_subtree, is_blocked, is_live, list_ready
from todo_cli.db.read.json_sql import json_values
from todo_cli.db.read.queries import RECURRENCE, Request, select_links, select_scope, with_recurrence
from todo_cli.db.scope import Scope, owned
from todo_cli.db.write.at_once import is_not_archived, open_gate_if, scalar
from todo_cli.db.write.edges import Bindings
from todo_cli.db.write.edits import Edit, Plan
from todo_cli.db.write.ensuring import Wanted, ensure
from todo_cli.db.write.history_lines import line, quoted, tell_old, write_history
from todo_cli.db.write.pending import REFERENCES
from todo_cli.db.write.step import TODO_FIELDS, encode
from todo_cli.db.write.succession import (
    Beginnings,
    Successors,
    end_series,
    hold_series,
    is_version,
    list_later,
    recurs,
    tell_endings,
)
from todo_cli.models.tables import PROJECTS, STEPS, TAGS, TODO_TAGS, TODOS, Todo, derive, set_value
from todo_cli.models.text import fold
from todo_cli.models.values import Status

_NEVER = datetime.min.replace(tzinfo=UTC)


def edit_at_once(
    request: Request,
    step: UUID,
    command: str,
    condition: ColumnElement[bool],
    expected: int | ColumnElement[int],
    edit: Edit,
    *,
    plan: Plan | None = None,
    looks: bool = False,
) -> Select[Any]:
    """Return the statement that edits the todos matching the condition, if their number is the expected one.

    Related todos that the edit includes do not count; the column `named` is false for them.

    The rows have the columns of each todo afterwards, `project`, `kept` and `added` (names of tags, in JSON), its
    recurrence before, its links before with their changes (see `Bindings.describe`), `changed`, `next` (see
    `Successors.list_numbers`) and `ready` (see `list_ready`).

    If the caller has to calculate something from the todos, and always with `looks` (a dry run), nothing is written,
    and all rows have `pending`, with the present todo and `later` (see `list_later`). The caller makes the `plan` from
    these rows and passes it with the same edit.
    """
    me = select_scope(request).cte("me")
    named = condition
    scope = Scope.given(me)
    mine = owned(TODOS, scope)
    family = in_subtree(named, scope, edit.kin) if edit.kin else named
    target = _lock(and_(mine, is_version(plan.versions) if plan else family), named, edit)
    bindings = Bindings(me, edit)
    changing = _find_changing(target, edit, bindings, begins_series=looks or bool(plan and plan.series))
    seen = TODOS.alias("seen")
    current = target.join(seen, and_(seen.c.id == target.c.id, seen.c.version == target.c.version))
    found = select(func.count()).select_from(current)
    all_well = and_(
        (found if plan else found.where(target.c.named)).scalar_subquery()
        == (len(plan.versions) if plan else expected),
        # No related todo was skipped because another command has locked it.
        found.scalar_subquery() == _count(and_(mine, family, _may_be(edit))) if edit.kin else true(),
        bindings.all_found(),
        bindings.makes_no_circle(target),
        hold_series(changing) if plan or edit.ends_series else true(),
        ~exists().where(STEPS.c.uuid == literal(step, Uuid())),
        is_not_archived(me, edit.project),
    )
    to_do = exists(select(changing.c.id))
    left = _is_left_to_caller(changing, edit, plan, looks=looks)
    may_be = and_(all_well, to_do, ~left, ~_is_refused(changing, target, edit))
    gate = open_gate_if(me, step, command, request.now, bindings.guard(may_be))
    wanted_projects = Wanted.make(PROJECTS, [edit.project] if edit.project else [])
    wanted_tags = Wanted.make(TAGS, edit.tags)
    projects = ensure(wanted_projects, gate, request.now)
    labels = ensure(wanted_tags, gate, request.now, after=projects)
    is_open = exists(select(gate.c.id))

    beginnings = Beginnings(plan.series) if plan and plan.series else None
    begun = beginnings.insert(gate, request.now) if beginnings else None
    changed = _change(changing, edit, request.now, projects, is_open, beginnings, begun, bindings)
    unlinked = _unlink(changing, edit, is_open)
    linked = _link(changing, labels)
    bound, freed = bindings.bind(changing, is_open), bindings.free(changing, is_open)
    new_project = None if edit.project is None else projects
    lines = [
        *wanted_projects.creations(projects),
        *wanted_tags.creations(labels),
        *_tell_fields(changing, edit, new_project, bindings),
        *_tell_tags(changing, labels, unlinked, linked),
        *bindings.tell(len(TODO_FIELDS) + 2, changing, bound, freed),
    ]
    parts = [unlinked, linked, *(part for part in (bound, freed) if part is not None)]
    if beginnings:
        lines += [*beginnings.creations(), *_tell_beginnings(changing, beginnings)]
    if beginnings or edit.ends_series:
        ended = end_series(changing, request.now, is_open)
        lines.append(tell_endings(ended, request.now))
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
        .add_columns(*bindings.describe(target, bound, freed), _tell_ready(target, changing, edit).label("ready"))
        .where(all_well, or_(is_open, left, ~to_do))
        .add_cte(*parts, write_history(gate, lines))
    )


def _is_left_to_caller(changing: CTE, edit: Edit, plan: Plan | None, *, looks: bool) -> ColumnElement[bool]:
    """Return whether nothing is written yet, because the caller has to make a plan first."""
    if plan:
        return false()
    if looks or edit.recurring == "only":
        return exists(select(changing.c.id))
    return exists(select(changing.c.id).where(changing.c.recurs)) if edit.recurring == "succeed" else false()


def _is_refused(changing: CTE, target: CTE, edit: Edit) -> ColumnElement[bool]:
    is_open = changing.c.status == Status.OPEN.value
    reasons: list[ColumnElement[bool]] = [false()]
    if edit.refuses_closed:
        reasons.append(exists(select(changing.c.id).where(~is_open)))
    if edit.recurring == "refuse":
        reasons.append(exists(select(changing.c.id).where(changing.c.recurs, is_open)))
    if edit.waits:
        waiting = is_blocked(changing, select(changing.c.id).correlate(None))
        reasons.append(exists(select(changing.c.id).where(is_open, waiting)))
    if edit.whole:
        child = TODOS.alias("subtask")
        # Subtasks matter only for todos that are being closed.
        left = child.c.id.not_in(select(target.c.id))
        open_ones = select(child.c.id).join(changing, child.c.parent_id == changing.c.id).where(is_live(child), left)
        reasons.append(exists(open_ones.where(is_open)))
    return or_(*reasons)


def _tell_ready(target: CTE, changing: CTE, edit: Edit) -> ColumnElement[str]:
    if not edit.whole:
        return cast(null(), Text())
    was_open = exists(select(changing.c.id).where(changing.c.id == target.c.id, changing.c.status == Status.OPEN.value))
    return case((was_open.correlate(target), list_ready(target, select(changing.c.id))), else_=null())


def _count(condition: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(TODOS).where(condition).scalar_subquery()


def _may_be(edit: Edit) -> ColumnElement[bool]:
    return true() if edit.trashed else TODOS.c.deleted_at.is_(None)


def _find_changing(target: CTE, edit: Edit, bindings: Bindings, *, begins_series: bool) -> CTE:
    """Return the todos to change, with `differs_…` for each field, and `recurs`.

    If they start series, these are all todos.
    """
    differences = {field: _differs(target, field, value) for field, value in edit.fields.items()}
    if edit.project is not None:
        differences["project"] = ~_is_in_project(target, edit.project)
    if edit.kin:
        for field in differences.keys() - {*edit.kin_fields}:
            differences[field] = and_(target.c.named, differences[field])
    if edit.parent:
        differences["parent"] = and_(target.c.named, bindings.differs_in_parent(target))
    tags, untag = _keys(edit.tags), _keys(edit.untag)
    lacks = _count_carried(target, tags) < len(tags) if tags else false()
    carries = _count_carried(target, untag) > 0 if untag else false()
    goes_on = and_(target.c.named, recurs(target)) if edit.recurring == "same" else recurs(target)
    ends = goes_on if edit.ends_series else false()
    begins = literal(begins_series)
    named_only = and_(target.c.named, or_(lacks, carries, ends, begins, bindings.lacks(target)))
    return (
        select(
            target,
            goes_on.label("recurs"),
            *(differs.label(f"differs_{field}") for field, differs in differences.items()),
        )
        .where(_is_not_spared(target, edit), or_(*differences.values(), named_only))
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
    bindings: Bindings,
) -> CTE:
    """Return the todos with their new fields."""
    new: dict[str, Any] = {}
    shared: set[str] = set()
    for field, value in edit.fields.items():
        new.update(_column_values(field, value))
        shared |= {*_columns_of(field)} if field in edit.kin_fields else set()
    if edit.project is not None:
        new["project_id"] = select(projects.c.id).scalar_subquery()
        shared.add("project_id")
    if bindings.parent is not None:
        new["parent_id"] = select(bindings.parent.c.id).scalar_subquery()
    if beginnings and begun is not None:
        new["series_id"] = beginnings.number_of(TODOS, begun)
        new["occurrence"] = beginnings.occurrence_of(TODOS)
    if edit.kin:
        for name in new.keys() - shared:
            value = literal(new[name], TODOS.c[name].type) if not isinstance(new[name], ColumnElement) else new[name]
            new[name] = case((changing.c.named, value), else_=TODOS.c[name])
    return (
        update(TODOS)
        .where(TODOS.c.id == changing.c.id, is_open)
        .values(**new, version=TODOS.c.version + 1, updated_at=now)
        .returning(*TODOS.c)
        .cte("changed")
    )


def _unlink(changing: CTE, edit: Edit, is_open: ColumnElement[bool]) -> CTE:
    """Return the removed links: `todo_id`, and the `uuid` of the tag."""
    dropped = and_(TODO_TAGS.c.tag_id == TAGS.c.id, TAGS.c.key.in_(_keys(edit.untag)), changing.c.named)
    return (
        delete(TODO_TAGS)
        .where(TODO_TAGS.c.todo_id == changing.c.id, dropped, is_open)
        .returning(TODO_TAGS.c.todo_id, TAGS.c.uuid)
        .cte("unlinked")
    )


def _link(changing: CTE, labels: CTE) -> CTE:
    """Return the added links."""
    has = TODO_TAGS.alias("has")
    missing = ~exists().where(has.c.todo_id == changing.c.id, has.c.tag_id == labels.c.id)
    pairs = select(changing.c.id, labels.c.id).select_from(changing.join(labels, true()))
    return (
        insert(TODO_TAGS)
        .from_select(["todo_id", "tag_id"], pairs.where(missing, changing.c.named))
        .returning(TODO_TAGS.c.todo_id, TODO_TAGS.c.tag_id)
        .cte("linked")
    )


def _tell_fields(changing: CTE, edit: Edit, project: CTE | None, bindings: Bindings) -> list[Select[Any]]:
    """Return the history of the fields, in order."""
    new: dict[str, ColumnElement[str]] = {field: literal(encode(value), Text()) for field, value in edit.fields.items()}
    if project is not None:
        new["project"] = quoted(select(project.c.uuid).scalar_subquery())
    if bindings.parent is not None:
        new["parent"] = quoted(select(bindings.parent.c.uuid).scalar_subquery())
    return [
        line(place, changing.c.uuid, field, todo=changing.c.id, old=tell_old(field, changing), new=value).where(
            changing.c[f"differs_{field}"]
        )
        for place, (field, value) in enumerate(new.items())
    ]


def _tell_beginnings(changing: CTE, beginnings: Beginnings) -> list[Select[Any]]:
    """Return the history of the todos that start series."""
    place = len(TODO_FIELDS) - 2
    occurrence = beginnings.occurrence_of(changing)
    return [
        line(
            place,
            changing.c.uuid,
            "series",
            todo=changing.c.id,
            old=tell_old("series", changing),
            new=quoted(beginnings.uuid_of(changing)),
        ),
        line(
            place + 1,
            changing.c.uuid,
            "occurrence",
            todo=changing.c.id,
            old=tell_old("occurrence", changing),
            new=quoted(occurrence),
        ).where(changing.c.occurrence.is_distinct_from(occurrence)),
    ]


def _tell_tags(changing: CTE, labels: CTE, unlinked: CTE, linked: CTE) -> list[Select[Any]]:
    """Return the history of the tags, which follows that of the fields."""
    last = len(TODO_FIELDS)
    off = line(last, changing.c.uuid, "tag", todo=changing.c.id, old=quoted(unlinked.c.uuid))
    on = line(last + 1, changing.c.uuid, "tag", todo=changing.c.id, new=quoted(labels.c.uuid))
    made = changing.join(linked, linked.c.todo_id == changing.c.id).join(labels, labels.c.id == linked.c.tag_id)
    return [
        off.select_from(changing.join(unlinked, unlinked.c.todo_id == changing.c.id)),
        on.select_from(made),
    ]


def _describe(target: CTE, changed: CTE, edit: Edit, new_project: CTE | None, labels: CTE) -> Select[Any]:
    """Return the todos after the edit."""
    was_changed = changed.c.id.is_not(None)
    before = scalar(select(PROJECTS.c.name).where(PROJECTS.c.id == target.c.project_id), target)
    after = before if new_project is None else scalar(select(new_project.c.name))
    if "project" in edit.fields:  # it is removed from its project
        after = null()
    gets_project = target.c.named if "project" not in edit.kin_fields else true()
    kept = (
        select(json_values(TAGS.c.name))
        .select_from(TAGS.join(TODO_TAGS, TODO_TAGS.c.tag_id == TAGS.c.id))
        .where(TODO_TAGS.c.todo_id == target.c.id, or_(TAGS.c.key.not_in(_keys(edit.untag)), ~target.c.named))
    )
    return select(
        *(case((was_changed, changed.c[name]), else_=target.c[name]).label(name) for name in TODOS.c.keys()),  # noqa: SIM118 - a collection of columns gives these
        target.c.named,
        *RECURRENCE,
        *select_links(target),
        case((was_changed & gets_project, after), else_=before).label("project"),
        scalar(kept, target).label("kept"),
        case((target.c.named, scalar(select(json_values(labels.c.name)))), else_=null()).label("added"),
        was_changed.label("changed"),
    ).select_from(with_recurrence(target).outerjoin(changed, changed.c.id == target.c.id))


def _lock(condition: ColumnElement[bool], named: ColumnElement[bool], edit: Edit) -> CTE:
    """Return the todos to edit, locked; todos that another command has locked are skipped."""
    return (
        select(TODOS, named.label("named"))
        .where(
            condition,
            _may_be(edit),
            true() if edit.if_version is None else or_(~named, TODOS.c.version == edit.if_version),
        )
        .order_by(TODOS.c.id)
        .with_for_update(key_share=True, skip_locked=True, of=TODOS)
        .cte("target")
    )


def _columns_of(field: str) -> list[str]:
    """Return the columns of a field, including derived ones."""
    endings = ("_id",) if field in REFERENCES else ("", "_on", "_at", "_key", "_folded")
    return [name for name in (f"{field}{ending}" for ending in endings) if name in TODOS.c]


def _column_values(field: str, value: object) -> dict[str, object]:
    """Return the values of the columns of a field."""
    names = _columns_of(field)
    scratch = Todo(title="", created_at=_NEVER, updated_at=_NEVER)
    set_value(scratch, names[0] if field in REFERENCES else field, value)
    derive(scratch)
    return {name: getattr(scratch, name) for name in names}


def _differs(target: CTE, field: str, value: object) -> ColumnElement[bool]:
    return or_(
        *(
            target.c[name].is_distinct_from(literal(new, target.c[name].type))
            for name, new in _column_values(field, value).items()
        )
    )


def _is_not_spared(target: CTE, edit: Edit) -> ColumnElement[bool]:
    """Return the opposite of `Edit.spares` as a condition."""
    if edit.only_open:
        return target.c.status == Status.OPEN.value
    if edit.unless is None:
        return true()
    old, new = target.c[edit.unless], edit.fields[edit.unless]
    if edit.unless == "status":
        return old != new
    return old.is_not(None) if new is None else old.is_(None)


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
