"""Changing existing todos, for all commands, in one statement or in a transaction."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Row, select

from todo_cli.db.database import Database, Shortcut
from todo_cli.db.read.json_sql import read_json
from todo_cli.db.read.linked_sql import undeclared
from todo_cli.db.read.queries import Request
from todo_cli.db.read.references_sql import refers_to
from todo_cli.db.scope import owned
from todo_cli.db.write.edits import Edit, Later, Plan
from todo_cli.db.write.step import Step
from todo_cli.errors import ConflictError
from todo_cli.models.tables import PROJECTS, SERIES, TODOS, Project, Series, Tag, Todo
from todo_cli.models.text import fold
from todo_cli.models.values import Links, ReadyTodo, Recurrence, Status, TodoOutcome, TodoPublic, When
from todo_cli.query.dates import start_of_day
from todo_cli.query.references import Reference, are_countable
from todo_cli.services.editing.linking import change_links, copy_links
from todo_cli.services.editing.recurring import Every, begin_series, find_next_occurrences, make_next_occurrence
from todo_cli.services.editing.relations import (
    RelationChanges,
    check_closing,
    find_ready,
    find_related,
    load_parents,
    read_ready,
)
from todo_cli.services.lookup import (
    find_todos,
    load_todos,
    make_public,
    match_references,
    publish,
    read_links,
    read_recurrence,
    to_recurrence,
)

MAX_AT_ONCE = 100
"""The most occurrences that are created in one statement; for more, the transaction is used."""


async def edit_each(
    db: Database,
    command: str,
    references: Sequence[Reference],
    edit: Edit,
    *,
    every: Every | None = None,
    catch_up: bool = False,
) -> list[TodoOutcome]:
    """Find and lock the todos, and edit each; `every` starts a series for each, `catch_up` creates missed occurrences.

    Raises NotFoundError, ConflictError and InvalidInputError.
    """
    editing = Editing(db, command, references, edit, every, catch_up)
    # The statements for a server do not read undeclared fields.
    at_once = are_countable(references) and edit.is_countable and not undeclared()
    return await db.write(command, editing.work, shortcut=editing.begin_at_once() if at_once else None)


@dataclass(frozen=True)
class Editing:
    """An edit of some todos by one command."""

    db: Database
    command: str
    references: Sequence[Reference]
    edit: Edit
    every: Every | None = None
    catch_up: bool = False

    # The transaction. Every step locks todos before series, and series before projects and tags, to avoid deadlocks.

    async def work(self, step: Step) -> list[TodoOutcome]:
        edit = self.edit
        if edit.binds or edit.kin or edit.whole:
            await step.lock_graph(adds=edit.binds)
        named = await find_todos(step, self.references, locked=True, trashed=edit.trashed)
        self._check_versions(named)
        todos = [*named, *await find_related(step, self.references, named, edit.kin)]
        await load_parents(step, todos)
        touched = [todo for todo in todos if not edit.spares(todo)]
        self._check_open(touched)
        recurring = await lock_series(step, touched if edit.recurring != "same" else named)
        self._check_recurring(touched, recurring)
        if closed := [todo for todo in named if self.every and todo.status != Status.OPEN.value]:
            raise ConflictError(
                f"todo {closed[0].id} is {closed[0].status} and cannot repeat",
                f"run 'todo reopen {closed[0].id}' first, or change the open occurrence",
            )
        await check_closing(step, touched, edit)
        closing = [todo for todo in touched if edit.whole and todo.status == Status.OPEN.value]
        relations = await RelationChanges.find(step, named, edit)
        fields = dict(edit.fields)
        if edit.project is not None:
            fields["project"] = await get_or_create_project(step, edit.project)
        if relations.parent:
            fields["parent"] = relations.parent
        tags = await get_or_create_tags(step, edit.tags)
        for todo in touched:
            if todo in named:
                series = recurring.get(todo.uuid)
                if edit.ends_series and series:
                    step.change(series, ended_at=step.now)
                    step.touch(todo)
                step.change(todo, **{**fields, **self._begin(step, todo, fields)})
                _change_tags(step, todo, tags, edit.untag)
                await relations.apply(step, todo)
            else:
                step.change(todo, **{name: fields[name] for name in edit.kin_fields})
        await change_links(step, [todo for todo in touched if todo in named], edit.links)
        successors: dict[UUID, list[Todo]] = {}
        if edit.recurring in ("succeed", "only"):
            for todo in sorted(touched, key=lambda todo: todo.id or 0):
                if series := recurring.get(todo.uuid):
                    successors[todo.uuid] = await self._create_next(step, todo, series)
        await step.flush()
        ready = await find_ready(step, closing)
        public = await publish(step, [*todos, *(new for created in successors.values() for new in created)])
        return gather_outcomes(
            [public[todo.uuid] for todo in todos],
            {todo.id for todo in named if todo.id},
            {todo.id for todo in todos if todo.id and step.has_changed(todo)},
            {todo.id: [public[new.uuid] for new in successors.get(todo.uuid, ())] for todo in todos if todo.id},
            ready,
        )

    async def recall(self, step: Step) -> list[TodoOutcome]:
        todos = await find_todos(step, self.references, trashed=True)
        changed = await step.find_changed()
        found = await step.session.execute(load_todos(step, TODOS.c.uuid.in_(changed)))
        others = [todo for todo in found.scalars() if todo not in todos]
        created = [todo for todo in others if todo.series_id and todo.created_at == step.now]
        edited = [*todos, *(todo for todo in others if todo not in created)]
        public = await publish(step, [*edited, *created])
        return gather_outcomes(
            [public[todo.uuid] for todo in edited],
            {todo.id for todo in todos if todo.id},
            {todo.id for todo in edited if todo.id and todo.uuid in changed},
            {
                todo.id: [public[new.uuid] for new in created if new.series_id == todo.series_id]
                for todo in edited
                if todo.id
            },
            await find_ready(step, [todo for todo in edited if self.edit.whole and todo.uuid in changed]),
        )

    def _check_versions(self, todos: Sequence[Todo]) -> None:
        expected = self.edit.if_version
        if moved := [todo for todo in todos if expected not in (None, todo.version)]:
            raise ConflictError(
                f"todo {moved[0].id} has been changed: it is at version {moved[0].version}, not {expected}",
                f"run 'todo show {moved[0].id}' to see it",
            )

    def _check_open(self, todos: Sequence[Todo]) -> None:
        closed = [todo for todo in todos if self.edit.refuses_closed and todo.status != Status.OPEN.value]
        if closed:
            raise ConflictError(f"todo {closed[0].id} is {closed[0].status}", f"run 'todo reopen {closed[0].id}' first")

    def _check_recurring(self, todos: Sequence[Todo], recurring: dict[UUID, Series]) -> None:
        """Raise ConflictError if the command needs recurring todos, or refuses them."""
        for todo in todos:
            if self.edit.recurring == "only" and todo.uuid not in recurring:
                raise ConflictError(f"todo {todo.id} does not repeat", f"run 'todo cancel {todo.id}' instead")
            if self.edit.recurring == "refuse" and todo.uuid in recurring and todo.status == Status.OPEN.value:
                raise ConflictError(
                    f"todo {todo.id} repeats; deleting it would end the series",
                    f"run 'todo skip {todo.id}' to skip this occurrence or 'todo delete {todo.id} --series' to end it",
                )

    def _begin(self, step: Step, todo: Todo, fields: Mapping[str, object]) -> dict[str, object]:
        """Return the fields to set if the todo starts a series."""
        if self.every is None:
            return {}
        due = fields.get("due", todo.due)
        assert due is None or isinstance(due, When)
        series, due = begin_series(self.every, due, step.now)
        step.create(series)
        return {"due": due, "series": series, "occurrence": series.first_occurrence}

    async def _create_next(self, step: Step, todo: Todo, series: Series) -> list[Todo]:
        """Create the next occurrences, or restore them from the trash."""
        statement = load_todos(step, TODOS.c.series_id == series.id, TODOS.c.occurrence > todo.occurrence)
        later = {row.occurrence or "": row for row in (await step.session.execute(statement)).scalars()}
        recurrence = to_recurrence(series)
        assert recurrence
        marks = {occurrence: Later.of(row) for occurrence, row in later.items()}
        found, created = [], []
        now = self._closing_moment(todo.due, recurrence)
        for occurrence in find_next_occurrences(todo, recurrence, marks, now, catch_up=self.catch_up):
            row = later.get(occurrence.occurrence)
            if row:
                step.change(row, deleted_at=None)
            else:
                row = make_next_occurrence(todo, occurrence, step.now)
                row.project, row.tags, row.series, row.parent = todo.project, list(todo.tags), series, todo.parent
                step.create(row)
                created.append(row)
            found.append(row)
        await copy_links(step, todo, created)
        return found

    def _closing_moment(self, due: When | None, recurrence: Recurrence) -> datetime:
        """Return the time from which to look for the next occurrence; a skipped todo counts as done on its due date."""
        if self.edit.recurring != "only" or due is None or not recurrence.after_completion:
            return self.db.now
        return max(self.db.now, due.at or start_of_day(due.on, self.db.now))

    # The statements for a server: one, or two if the changes depend on the todos' current state.

    def begin_at_once(self) -> Shortcut[list[TodoOutcome]]:
        def make(request: Request, step: UUID) -> Executable:
            from todo_cli.db.write.edit_at_once import edit_at_once

            return edit_at_once(
                request,
                step,
                self.command,
                refers_to(self.references),
                len(self.references),
                self.edit,
                looks=self.every is not None,
            )

        def read(rows: Sequence[Row[Any]]) -> list[TodoOutcome] | Shortcut[list[TodoOutcome]] | None:
            return self._go_on(rows) if rows[0].pending else self._read(rows, Plan({}))

        return Shortcut(make, read, self.recall)

    def _go_on(self, rows: Sequence[Row[Any]]) -> Shortcut[list[TodoOutcome]] | None:
        """Return the second statement, which writes the changes that follow from these rows; None if it cannot."""
        edit, every = self.edit, self.every
        touched = [row for row in rows if not edit.spares(row)]
        series, successors = {}, {}
        named = [row for row in touched if row.named]
        if every and any(row.status != Status.OPEN.value for row in named):
            return None
        if every:
            dues = {None if row.due_on is None else When(row.due_on, row.due_at) for row in named}
            lacking = edit.fields.get("due") is None and ("due" in edit.fields or None in dues)
            if lacking and "due" not in edit.fields and len(dues) > 1:
                return None  # some would get a due date, others keep theirs
            for row in named:
                own = None if row.due_on is None else When(row.due_on, row.due_at)
                due = edit.fields.get("due", own)
                assert due is None or isinstance(due, When)
                series[row.uuid], first = begin_series(every, due, self.db.now)
                if lacking:
                    edit = replace(edit, fields={**edit.fields, "due": first})
        elif self.catch_up and len(touched) > 1:
            return None  # two todos of one series could have missed the same occurrences
        else:
            for row in touched:
                found = self._plan_next_occurrences(row)
                if found is None:
                    return None
                if found:
                    successors[row.uuid] = found
        if sum(map(len, successors.values())) > MAX_AT_ONCE:
            return None
        plan = Plan({row.uuid: row.version for row in rows}, series, successors)
        return replace(self, edit=edit).write_planned(plan)

    def write_planned(self, plan: Plan) -> Shortcut[list[TodoOutcome]]:
        """Return the statement that edits the todos of the plan and writes the changes that follow."""

        def make(request: Request, step: UUID) -> Executable:
            from todo_cli.db.write.edit_at_once import edit_at_once

            condition = refers_to(self.references)
            return edit_at_once(request, step, self.command, condition, len(plan.versions), self.edit, plan=plan)

        return Shortcut(make, lambda rows: self._read(rows, plan), self.recall)

    def _plan_next_occurrences(self, row: Row[Any]) -> list[Todo] | None:
        """Return the next occurrences; None if the todo must repeat and does not, or if one is in the trash."""
        recurrence = read_recurrence(row)
        if recurrence is None:
            return None if self.edit.recurring == "only" else []
        later = {occurrence: Later(state) for occurrence, state in read_json(row.later)}
        todo = public_row(row)
        now = self._closing_moment(todo.due, recurrence)
        found = find_next_occurrences(todo, recurrence, later, now, catch_up=self.catch_up)
        if any(occurrence.occurrence in later for occurrence in found):
            return None
        return [make_next_occurrence(todo, occurrence, self.db.now) for occurrence in found]

    def _read(self, rows: Sequence[Row[Any]], plan: Plan) -> list[TodoOutcome]:
        links = read_links(rows, bound=True)
        todos = {}
        following: dict[int, list[TodoPublic]] = {}
        for row in rows:
            recurrence = read_recurrence(row)
            if row.uuid in plan.series:
                recurrence = to_recurrence(plan.series[row.uuid])
            elif self.edit.ends_series and row.named:
                recurrence = None
            todo = replace(public_row(row), recurrence=recurrence, links=links[row.id])
            numbers = {UUID(uuid): number for uuid, number in read_json(row.next)}
            for new in plan.successors.get(row.uuid, ()):
                new.id = numbers[new.uuid]
                inherited = Links(parent=todo.links.parent)
                made = make_public(new, todo.project, todo.tags, recurrence, inherited)
                following.setdefault(row.id, []).append(made)
            todos[todo.id] = todo
        named = match_references(self.references, [todos[row.id] for row in rows if row.named], trashed=True)
        related = [todos[row.id] for row in rows if not row.named]
        return gather_outcomes(
            [*named, *related],
            {todo.id for todo in named},
            {row.id for row in rows if row.changed},
            following,
            {row.id: read_ready(row.ready) for row in rows},
        )


def gather_outcomes(
    todos: Sequence[TodoPublic],
    named: Container[int],
    changed: Container[int],
    following: Mapping[int, Sequence[TodoPublic]],
    ready: Mapping[int, Sequence[ReadyTodo]],
) -> list[TodoOutcome]:
    """Return the outcomes for the named todos, each with the related todos that were changed with it."""
    parents = {todo.id: todo.links.parent for todo in todos}
    groups: dict[int, list[TodoPublic]] = {todo.id: [todo] for todo in todos if todo.id in named}
    for todo in todos:
        if todo.id in named or todo.id not in changed:
            continue
        head: int | None = todo.id
        while head is not None and head not in groups:
            head = parents.get(head)
        if head is None:  # it is an ancestor of one of them
            head = next((number for number in groups if todo.id in _ancestors(number, parents)), min(groups))
        groups[head].append(todo)
    outcomes = []
    for head, group in groups.items():
        next_ = [new for todo in group for new in following.get(todo.id, ())]
        found = {each for todo in group for each in ready.get(todo.id, ())}
        others = tuple(sorted(group[1:], key=lambda todo: todo.id))
        outcomes.append(TodoOutcome(group[0], head in changed, tuple(next_), others, tuple(sorted(found))))
    return outcomes


def _ancestors(number: int, parents: Mapping[int, int | None]) -> set[int]:
    found = set()
    above = parents.get(number)
    while above is not None and above not in found:
        found.add(above)
        above = parents.get(above)
    return found


def public_row(row: Row[Any]) -> TodoPublic:
    tags = {*read_json(row.kept), *read_json(row.added)}
    return make_public(row, row.project, tags, read_recurrence(row))


async def lock_series(step: Step, todos: Sequence[Todo]) -> dict[UUID, Series]:
    """Return the active series of the todos, locked, by the uuid of each todo."""
    numbers = {todo.series_id for todo in todos if todo.series_id is not None}
    if not numbers:
        return {}
    statement = select(Series).where(SERIES.c.id.in_(numbers)).order_by(SERIES.c.id)
    locked = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    series = {row.id: row for row in (await step.session.execute(locked)).scalars() if row.ended_at is None}
    return {todo.uuid: series[todo.series_id] for todo in todos if todo.series_id in series}


def _change_tags(step: Step, todo: Todo, tags: Sequence[Tag], untag: Sequence[str]) -> None:
    dropped = {fold(name) for name in untag}
    for tag in [tag for tag in todo.tags if tag.key in dropped]:
        step.unlink(todo, tag)
    for tag in tags:
        step.link(todo, tag)


async def get_or_create_project(step: Step, name: str | None) -> Project | None:
    """Get or create the project with that name; raises ConflictError if it is archived."""
    if name is None:
        return None
    on_path = PROJECTS.c.key.in_([fold(part) for part in Project.path_of(name)])
    found = (await step.session.execute(select(Project).where(owned(PROJECTS, step.scope), on_path))).scalars()
    nearest = max(found, key=lambda project: len(project.key), default=None)
    if nearest is not None and nearest.archived_at:  # the project itself, or one that it is nested in
        raise ConflictError(
            f"project {nearest.name!r} is archived", f"run 'todo project unarchive {nearest.name}' first"
        )
    return await step.get_or_create(Project, name)


async def get_or_create_tags(step: Step, names: Sequence[str]) -> list[Tag]:
    """Get or create the tags with these names, each once."""
    by_key = {fold(name): name for name in names}
    return [await step.get_or_create(Tag, by_key[key]) for key in sorted(by_key)]
