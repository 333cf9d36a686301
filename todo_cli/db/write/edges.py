"""Edges that an edit adds to the dependency graph and removes from it, as parts of a PostgreSQL statement.

No todo may depend on itself. A cycle check sees what was committed before its statement began, so two steps that each
add half of a cycle would both pass. Therefore each step that adds an edge also increments `users.edges_version`, and
writes nothing if another step has incremented it since: after waiting for the lock on a row, PostgreSQL compares its
new version with the one seen at the start of the statement (PostgreSQL manual, 13.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
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
    update,
)

from todo_cli.db.read.graph_sql import select_ancestors, select_dependencies
from todo_cli.db.read.json_sql import json_values
from todo_cli.db.read.linked_sql import json_links
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import Scope, is_owner, owned
from todo_cli.db.write.edits import Edit
from todo_cli.db.write.history_lines import line, quoted
from todo_cli.models.tables import DEPENDENCIES, TODOS, USERS
from todo_cli.query.references import Reference


class Bindings:
    """The edges that an edit or a new todo adds and removes. `me` has the scope (see `Scope.given`)."""

    def __init__(self, me: CTE, edit: Edit) -> None:
        self._edit = edit
        self._scope = Scope.given(me)
        self._mine = owned(TODOS, self._scope)
        self._prerequisites = self._find(edit.depends).cte("prerequisites") if edit.depends else None
        # Lock the parent, so that it is not closed or deleted without its new subtasks.
        parent = self._find((edit.parent,)) if edit.parent else None
        self.parent = None if parent is None else parent.with_for_update(read=True, skip_locked=True).cte("parent")
        """The new parent."""

    def _find(self, references: Sequence[Reference]) -> Select[Any]:
        columns = (TODOS.c.id, TODOS.c.uuid, TODOS.c.project_id, TODOS.c.status, TODOS.c.deleted_at)
        return select(*columns).where(self._mine, refers_to(references), TODOS.c.deleted_at.is_(None))

    def all_found(self) -> ColumnElement[bool]:
        """Return whether each reference matches a todo, provided that they are countable."""
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
        """Return whether no todo would depend on itself or be its own ancestor."""
        named = select(target.c.id).where(target.c.named)
        conditions: list[ColumnElement[bool]] = [true()]
        if self._prerequisites is not None:
            reached = select_dependencies(select(self._prerequisites.c.id))
            conditions.append(~exists(select(literal(1)).select_from(reached).where(reached.c.id.in_(named))))
        if self.parent is not None:
            above = select_ancestors(select(self.parent.c.id))
            conditions.append(~exists(select(literal(1)).select_from(above).where(above.c.id.in_(named))))
        return and_(*conditions)

    def guard(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the condition, and if edges matter, that nobody has added one since the statement began.

        If edges are added, this also increments the version of the graph.
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
        """Return whether edges have to be added to the todo or removed from it."""
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
        """Return the condition on `todos` for the dependencies to remove."""
        return true() if self._edit.undepends == "all" else refers_to(self._edit.undepends)

    def bind(self, todos: CTE, is_open: ColumnElement[bool]) -> CTE | None:
        """Return the added edges, `todo_id` and `depends_on_id`; None if none are to be added."""
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
        """Return the removed edges: `todo_id`, `id` and `uuid` of the other todo; None if none are to be removed."""
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
        """Return the history of the edges, starting at that place."""
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
        """Return the history of the parents of the todos."""
        assert self.parent is not None
        new = quoted(select(self.parent.c.uuid).scalar_subquery())
        return line(place, todos.c.uuid, "parent", todo=todos.c.id, old=old, new=new)

    def describe(self, target: FromClause, bound: CTE | None, freed: CTE | None) -> Sequence[ColumnElement[Any]]:
        """Return columns with the added and removed edges: `bound`, as in `select_links`, and `freed`, numbers."""
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
        """Return the dependencies to add, as in `select_links`."""
        if self._prerequisites is None:
            return cast(null(), Text())
        found = self._prerequisites
        return select(json_links(found)).scalar_subquery()
