"""What todos are to each other, in SQL: who belongs to a family, and what depends on what.

No todo may come before itself. A check for circles sees what was committed before its statement began; two steps that
each add half of a circle would both pass it. So every step that adds such an edge also raises `users.edges_version`,
and writes nothing where another one has raised it since the check: of a row that had to be waited for, PostgreSQL
compares the new version with the one that the statement saw at its beginning (PostgreSQL manual, 13.2.1).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)

from todo_cli.db.read.json_sql import json_rows, json_values
from todo_cli.db.read.queries import json_links
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import Scope, is_owner, owned
from todo_cli.db.write.edits import Edit, Kin
from todo_cli.db.write.history_lines import line, quoted
from todo_cli.models.tables import DEPENDENCIES, TODOS, USERS
from todo_cli.models.values import Status
from todo_cli.query.references import Reference

# For both databases. Families and related todos are one list of numbers each: for `this OR id IN (…)` PostgreSQL uses
# no index, and reads all rows.


def is_kin(named: ColumnElement[bool], scope: Scope, kin: Kin) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that `named` finds and their family: see `Edit.kin`."""
    start = select(TODOS.c.id, TODOS.c.deleted_at).where(owned(TODOS, scope), named)
    if kin != "trashed":
        found = TODOS.c.id.in_(select(_list_kept(start).c.id))
        return and_(found, or_(named, TODOS.c.status == Status.OPEN.value)) if kin == "open" else found
    thrown = start.cte("below", recursive=True)
    child = TODOS.alias("child")
    children = select(child.c.id, child.c.deleted_at).join(thrown, child.c.parent_id == thrown.c.id)
    thrown = thrown.union(children.where(child.c.deleted_at == thrown.c.deleted_at))
    above = select(TODOS.c.parent_id).where(owned(TODOS, scope), named).cte("above", recursive=True)
    parent = TODOS.alias("older")
    older = select(parent.c.parent_id).join(above, parent.c.id == above.c.parent_id)
    above = above.union(older.where(parent.c.deleted_at.is_not(None)))
    trashed = select(parent.c.id).join(above, parent.c.id == above.c.parent_id).where(parent.c.deleted_at.is_not(None))
    return TODOS.c.id.in_(union_all(select(thrown.c.id), trashed))


def _list_kept(start: Select[Any]) -> CTE:
    """Return the todos of `start`, which selects their numbers, and their subtasks that are not in the trash: `id`."""
    below = start.with_only_columns(TODOS.c.id).cte("below", recursive=True)
    child = TODOS.alias("child")
    return below.union(
        select(child.c.id).join(below, child.c.parent_id == below.c.id).where(child.c.deleted_at.is_(None))
    )


def is_related(named: ColumnElement[bool], scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `todos` for those that `named` finds, all below these, and what they are bound to.

    That is what they depend on, block, or belong to. What is in the trash is none of it, unless it is named.
    """
    numbers = select(TODOS.c.id).where(owned(TODOS, scope), named).correlate(None)
    edges = DEPENDENCIES.c
    found = union_all(
        select(_list_kept(numbers).c.id),
        select(edges.depends_on_id).where(edges.todo_id.in_(numbers)),
        select(edges.todo_id).where(edges.depends_on_id.in_(numbers)),
        numbers.with_only_columns(TODOS.c.parent_id),
    )
    return and_(TODOS.c.id.in_(found), or_(named, TODOS.c.deleted_at.is_(None)))


def reach(start: Select[Any]) -> CTE:
    """Return all that the todos of `start`, a statement that selects numbers, depend on, and these: `id`."""
    found = start.cte("reach", recursive=True)
    [number] = found.c
    further = select(DEPENDENCIES.c.depends_on_id).join(found, DEPENDENCIES.c.todo_id == number)
    return found.union(further)


def list_ancestors(start: Select[Any]) -> CTE:
    """Return all that the todos of `start`, a statement that selects numbers, belong to, and these."""
    found = start.cte("ancestors", recursive=True)
    [number] = found.c
    further = select(TODOS.c.parent_id).join(found, TODOS.c.id == number).where(TODOS.c.parent_id.is_not(None))
    return found.union(further)


def list_below(start: Select[Any]) -> CTE:
    """Return all that the todos of `start`, a statement that selects numbers as `id`, depend on or consist of: `id`."""
    found = start.cte("below", recursive=True)
    child, edge = TODOS.alias("child"), DEPENDENCIES.alias("edge")
    # A recursion refers to itself once, and so takes both kinds of edges at a time. As a union of all that there are
    # of both, these would be read from the first to the last; joined one by one, each is found by its index.
    kind = union_all(select(literal(0).label("is_child")), select(literal(1))).subquery("kind")
    further = (
        select(func.coalesce(edge.c.depends_on_id, child.c.id))
        .select_from(found.join(kind, true()))
        .outerjoin(edge, and_(kind.c.is_child == 0, edge.c.todo_id == found.c.id))
        .outerjoin(child, and_(kind.c.is_child == 1, child.c.parent_id == found.c.id))
    )
    return found.union(further.where(or_(edge.c.depends_on_id.is_not(None), child.c.id.is_not(None))))


def is_bound(todos: FromClause) -> ColumnElement[bool]:
    """Return whether it depends on a todo that is open, blocks one, or belongs to one or the other way round."""
    other = TODOS.alias("other_end")
    edges = DEPENDENCIES.c
    ends = or_(
        and_(edges.todo_id == todos.c.id, edges.depends_on_id == other.c.id),
        and_(edges.depends_on_id == todos.c.id, edges.todo_id == other.c.id),
    )
    kin = or_(other.c.parent_id == todos.c.id, other.c.id == todos.c.parent_id)
    depends = exists().where(ends, is_live(other)).correlate(todos)
    return or_(depends, exists().where(kin, is_live(other)).correlate(todos))


def is_live(todos: FromClause) -> ColumnElement[bool]:
    """Return whether the todo is open, and not in the trash."""
    return and_(todos.c.status == Status.OPEN.value, todos.c.deleted_at.is_(None))


def waits(todos: FromClause, besides: Select[Any] | None = None) -> ColumnElement[bool]:
    """Return whether the todo depends on one that is open, apart from those whose numbers `besides` selects."""
    first = TODOS.alias("first")
    found = (
        select(first.c.id)
        .join(DEPENDENCIES, DEPENDENCIES.c.depends_on_id == first.c.id)
        .where(DEPENDENCIES.c.todo_id == todos.c.id, is_live(first))
    )
    return exists(found if besides is None else found.where(first.c.id.not_in(besides))).correlate(todos)


def list_ready(todos: FromClause, closing: Select[Any]) -> ColumnElement[str]:
    """Return the open todos that wait for nothing any more once all those that `closing` selects are closed.

    They are those that depend on the given one: a list in JSON of their numbers and titles.
    """
    after = TODOS.alias("after")
    found = (
        select(json_rows(after.c.id, after.c.title))
        .select_from(after.join(DEPENDENCIES, DEPENDENCIES.c.todo_id == after.c.id))
        .where(
            DEPENDENCIES.c.depends_on_id == todos.c.id,
            is_live(after),
            after.c.id.not_in(closing),
            ~waits(after, closing),
        )
    )
    return found.correlate(todos).scalar_subquery()


def find_path(start: int, goals: Container[int], further: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the shortest way from the start to one of the goals, both included; nothing if there is none."""
    ways = [[start]]
    seen = {start}
    for way in ways:
        if way[-1] in goals:
            return way
        for number in further.get(way[-1], ()):
            if number not in seen:
                seen.add(number)
                ways.append([*way, number])
    return []


# As parts of one statement of PostgreSQL.


class Bindings:
    """What todos are bound to and freed from by an edit, or in being added. `me` has the scope (see `Scope.given`)."""

    def __init__(self, me: CTE, edit: Edit) -> None:
        self._edit = edit
        self._scope = Scope.given(me)
        self._mine = owned(TODOS, self._scope)
        self._prerequisites = self._find(edit.depends).cte("prerequisites") if edit.depends else None
        # A parent that is closed or deleted at this moment takes no more subtasks, unless it sees them.
        parent = self._find((edit.parent,)) if edit.parent else None
        self.parent = None if parent is None else parent.with_for_update(read=True, skip_locked=True).cte("parent")
        """The todo to belong to."""

    def _find(self, references: Sequence[Reference]) -> Select[Any]:
        columns = (TODOS.c.id, TODOS.c.uuid, TODOS.c.project_id, TODOS.c.status, TODOS.c.deleted_at)
        return select(*columns).where(self._mine, refers_to(references), TODOS.c.deleted_at.is_(None))

    def all_found(self) -> ColumnElement[bool]:
        """Return whether every reference stands for one todo, if they are countable."""
        freed = self._edit.undepends
        groups: list[tuple[FromClause, int]] = []
        if self._prerequisites is not None:
            groups.append((self._prerequisites, len(self._edit.depends)))
        if self.parent is not None:
            groups.append((self.parent, 1))
        if freed and freed != "all":
            groups.append((select(TODOS.c.id).where(self._mine, refers_to(freed)).cte("to_be_freed"), len(freed)))
        counts = (select(func.count()).select_from(found).scalar_subquery() == expected for found, expected in groups)
        return and_(true(), *counts)

    def makes_no_circle(self, target: CTE) -> ColumnElement[bool]:
        """Return whether none of the todos would come before itself."""
        named = select(target.c.id).where(target.c.named)
        conditions: list[ColumnElement[bool]] = [true()]
        if self._prerequisites is not None:
            reached = reach(select(self._prerequisites.c.id))
            conditions.append(~exists(select(literal(1)).select_from(reached).where(reached.c.id.in_(named))))
        if self.parent is not None:
            above = list_ancestors(select(self.parent.c.id))
            conditions.append(~exists(select(literal(1)).select_from(above).where(above.c.id.in_(named))))
        return and_(*conditions)

    def guard(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return whether nobody has added an edge since the statement began, where that matters, and the condition.

        Others are told of the edges that are added.
        """
        if not (self._edit.binds or self._edit.kin or self._edit.whole):
            return condition
        seen = USERS.alias("seen_user")
        version = select(seen.c.edges_version).where(is_owner(self._scope, seen)).scalar_subquery()
        if not self._edit.binds:
            same = select(USERS.c.id).where(is_owner(self._scope), USERS.c.edges_version == version)
            return and_(condition, exists(select(same.with_for_update(read=True).cte("unchanged").c.id)))
        raised = (
            update(USERS)
            .where(is_owner(self._scope), USERS.c.edges_version == version, condition)
            .values(edges_version=USERS.c.edges_version + 1)
            .returning(USERS.c.id)
            .cte("raised")
        )
        return exists(select(raised.c.id))

    def lacks(self, target: CTE) -> ColumnElement[bool]:
        """Return whether the todo is not bound yet as wanted."""
        edge = DEPENDENCIES.alias("edge")
        conditions: list[ColumnElement[bool]] = []
        if self._prerequisites is not None:
            has = exists().where(edge.c.todo_id == target.c.id, edge.c.depends_on_id == self._prerequisites.c.id)
            conditions.append(exists(select(self._prerequisites.c.id).where(~has)).correlate(target))
        if self.parent is not None:
            conditions.append(self.differs_in_parent(target))
        if self._edit.undepends:
            bound = select(TODOS.c.id).join(edge, edge.c.depends_on_id == TODOS.c.id)
            freed = bound.where(edge.c.todo_id == target.c.id, self._is_freed()).correlate(target)
            conditions.append(exists(freed))
        return or_(*conditions) if conditions else null().is_not(None)

    def differs_in_parent(self, target: FromClause) -> ColumnElement[bool]:
        assert self.parent is not None
        return target.c.parent_id.is_distinct_from(select(self.parent.c.id).scalar_subquery())

    def _is_freed(self) -> ColumnElement[bool]:
        """Return the condition on `todos` for those on which nothing is to depend any more."""
        return true() if self._edit.undepends == "all" else refers_to(self._edit.undepends)

    def bind(self, todos: CTE, is_open: ColumnElement[bool]) -> CTE | None:
        """Return the new edges, `todo_id` and `depends_on_id`; None where there are to be none."""
        if self._prerequisites is None:
            return None
        edge = DEPENDENCIES.alias("known")
        has = exists().where(edge.c.todo_id == todos.c.id, edge.c.depends_on_id == self._prerequisites.c.id)
        pairs = select(todos.c.id, self._prerequisites.c.id).select_from(todos.join(self._prerequisites, true()))
        named = todos.c.named if "named" in todos.c else true()
        return (
            insert(DEPENDENCIES)
            .from_select(["todo_id", "depends_on_id"], pairs.where(named, ~has, is_open))
            .returning(DEPENDENCIES.c.todo_id, DEPENDENCIES.c.depends_on_id)
            .cte("bound")
        )

    def free(self, changing: CTE, is_open: ColumnElement[bool]) -> CTE | None:
        """Return the edges that were taken away: `todo_id`, `id` and `uuid` of the other; None where none are to be."""
        if not self._edit.undepends:
            return None
        return (
            delete(DEPENDENCIES)
            .where(
                DEPENDENCIES.c.todo_id == changing.c.id,
                changing.c.named,
                DEPENDENCIES.c.depends_on_id == TODOS.c.id,
                self._is_freed(),
                is_open,
            )
            .returning(DEPENDENCIES.c.todo_id, TODOS.c.id, TODOS.c.uuid)
            .cte("freed")
        )

    def tell(self, place: int, todos: CTE, bound: CTE | None, freed: CTE | None) -> list[Select[Any]]:
        """Return the history of the edges, which begins at that place."""
        lines = []
        if freed is not None:
            off = line(place, todos.c.uuid, "depends", todo=todos.c.id, old=quoted(freed.c.uuid))
            lines.append(off.select_from(todos.join(freed, freed.c.todo_id == todos.c.id)))
        if bound is not None and self._prerequisites is not None:
            found = self._prerequisites
            on = line(place + 1, todos.c.uuid, "depends", todo=todos.c.id, new=quoted(found.c.uuid))
            pairs = todos.join(bound, bound.c.todo_id == todos.c.id).join(found, found.c.id == bound.c.depends_on_id)
            lines.append(on.select_from(pairs))
        return lines

    def tell_parent(self, place: int, todos: CTE, old: ColumnElement[str] | None) -> Select[Any]:
        """Return the history of what the todos belong to."""
        assert self.parent is not None
        new = quoted(select(self.parent.c.uuid).scalar_subquery())
        return line(place, todos.c.uuid, "parent", todo=todos.c.id, old=old, new=new)

    def describe(self, target: FromClause, bound: CTE | None, freed: CTE | None) -> Sequence[ColumnElement[Any]]:
        """Return what to select of new and old edges: `bound`, as in `select_links`, and `freed`, numbers."""
        new: ColumnElement[Any] = cast(null(), Text())
        old: ColumnElement[Any] = cast(null(), Text())
        if bound is not None and self._prerequisites is not None:
            found = self._prerequisites
            linked = select(json_links(found))
            joined = linked.join(bound, bound.c.depends_on_id == found.c.id).where(bound.c.todo_id == target.c.id)
            new = joined.correlate(target).scalar_subquery()
        if freed is not None:
            numbers = select(json_values(freed.c.id))
            old = numbers.where(freed.c.todo_id == target.c.id).correlate(target).scalar_subquery()
        return [new.label("bound"), old.label("freed")]

    def list_prerequisites(self) -> ColumnElement[Any]:
        """Return all that is to come before, as in `select_links`."""
        if self._prerequisites is None:
            return cast(null(), Text())
        found = self._prerequisites
        return select(json_links(found)).scalar_subquery()
