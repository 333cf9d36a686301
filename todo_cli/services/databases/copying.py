"""Copying a user's todos with all related data from one database into another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid5

from sqlalchemy import Column, Executable, Select, Table, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from todo_cli.db.connection.target import is_same
from todo_cli.db.database import Database
from todo_cli.db.scope import authored, is_owner, owned, owner_values
from todo_cli.db.write.erasing import is_erasure
from todo_cli.db.write.sequence import hold_numbers, raise_counter, read_counter
from todo_cli.db.write.step import FIELDS_OF_REMOVED, SERIES_FIELDS, UNSAID, Step, Transaction
from todo_cli.errors import ConflictError, InvalidInputError, NotFoundError, UnknownUserError, UserNotNamedError
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
    Comment,
    Project,
    Series,
    Tag,
    Todo,
)
from todo_cli.models.values import CopyResult

T = TypeVar("T")

TODOS_AT_ONCE = 1_000
CHANGES_AT_ONCE = 5_000
MAX_NAMED = 10

Row = dict[str, Any]
Progress = Callable[[int, int], None]
"""Called with the number of copied rows and the total."""

# Rows are copied with all columns of their tables. Numbers, which differ between databases, are mapped: `id`, the owner
# or author, `todos.project_id`, `series_id` and `parent_id`, `todo_tags.todo_id` and `tag_id`, `dependencies.todo_id`
# and `depends_on_id`, `comments.todo_id`, `changes.step_id`, `steps.undone_by`; and in `changes` the uuids of entities
# that have another one in the destination. A test lists every foreign key: a new one must be mapped here as well.
_HOLDERS = (Project.entity, Tag.entity, Series.entity)
"""The entities that todos refer to by uuid; the fields of todos have the same names."""
_ENTITIES = {PROJECTS: Project.entity, TAGS: Tag.entity, SERIES: Series.entity}
_CREATED = {**FIELDS_OF_REMOVED, Series.entity: SERIES_FIELDS}
"""The fields in the history of an entity that is created again."""
_REFERRING = (*_HOLDERS, "parent", "depends")
"""The fields of todos that hold a uuid."""


async def copy_todos(
    source: Database, destination: Database, *, renumber: bool = False, progress: Progress = lambda _done, _total: None
) -> CopyResult:
    """Copy all data of the user of `source` to the user of `destination`, in one step; the source is unchanged.

    Todos whose uuid exists in the destination are kept as they are there. Raises ConflictError if another todo has the
    same number, unless `renumber`, or if a todo belongs to another user there; NotFoundError if the source does not
    exist; InvalidInputError if both are the same database.
    """
    if is_same(source.target, destination.target):
        raise InvalidInputError(f"cannot copy {source.target} to itself")
    if not source.target.exists():
        raise NotFoundError(f"there is no list in {source.target}", "run 'todo db status' to see the database in use")
    with _naming(source, "--from-user"):
        await source.read(_nothing)  # upgrades a file of an older version

    async def work(step: Step) -> CopyResult:
        async with source.snapshot() as snapshot:
            return await _Copy(source, snapshot, destination, step, renumber=renumber, progress=progress).run()

    # If the connection to the source is lost, the destination's step is retried.
    destination.patience = max(source.patience, destination.patience)
    with _naming(destination, "--to-user"):
        return await destination.write("db copy", work, batch=True)


async def _nothing(_: Transaction) -> None:
    """Read nothing but the user."""


@contextmanager
def _naming(database: Database, option: str) -> Iterator[None]:
    """Add the database and the option to errors about its user."""
    try:
        yield
    except UserNotNamedError as error:
        raise InvalidInputError(
            f"{database.target} has several users, and none is selected",
            f"use {option} NAME with one of: {', '.join(error.known)}",
        ) from None
    except UnknownUserError as error:
        raise NotFoundError(f"there is no user {database.user_name!r} in {database.target}", error.hint) from None


class _Copy:
    """One attempt, within one transaction of each database."""

    def __init__(
        self,
        source: Database,
        snapshot: Transaction,
        destination: Database,
        step: Step,
        *,
        renumber: bool,
        progress: Progress,
    ) -> None:
        self._source = source
        self._snapshot = snapshot
        self._destination = destination
        self._step = step
        self._renumber = renumber
        self._progress = progress
        self._done = 0
        self._total = 0
        self._numbers: Iterator[int] = count(1)
        self._ids: dict[Table, dict[int, int]] = {PROJECTS: {}, TAGS: {}, SERIES: {}, STEPS: {}}
        """Numbers in the source and the corresponding ones in the destination."""
        self._uuids: dict[UUID, UUID] = {}
        """Entities with another uuid in the destination, including todos that are the same occurrence of a series."""
        self._owner = UUID(int=0)
        """The uuid of the destination's user."""
        self._arrived: set[UUID] = set()
        """The uuids in the source of projects, tags and series whose history is copied."""
        self._erased: set[UUID] = set()
        """Todos erased in the source that the destination neither has nor has recorded as erased."""
        self._merged: set[UUID] = set()
        """Tags of the destination that correspond to several tags of the source."""
        self._there: set[UUID] = set()
        """Todos that the destination already has, by uuid or as the same occurrence."""
        self._batches: list[tuple[int, int]] = []
        """The first and the last number, in the source, of each batch of copied todos."""
        self._copied = 0
        self._taken: list[int] = []
        self._renumbered: list[tuple[int, int]] = []

    async def run(self) -> CopyResult:
        await hold_numbers(self._step.session)
        self._total = await self._count()
        self._advance(0)
        counter = await read_counter(self._step.session)
        with self._source.explaining():
            # Numbers of todos that were erased in the source are not reused either.
            counter = max(counter, await read_counter(self._snapshot.session))
        self._numbers = count(counter + 1)
        [me] = await self._look_up(select(USERS.c.uuid).where(is_owner(self._step.scope)))
        self._owner = me["uuid"]
        projects = await self._copy_holders(PROJECTS)
        tags = await self._copy_holders(TAGS)
        await self._copy_holders(SERIES)
        await self._copy_todos()
        if self._taken:
            raise self._clash()
        await self._copy_edges()
        await self._find_deleted()
        await self._find_erased()
        if self._copied or self._arrived or self._erased:
            await self._copy_history()
        if await raise_counter(self._step.session, next(self._numbers) - 1):
            self._step.keep()
        return CopyResult(self._copied, len(self._there), projects, tags, self._renumbered)

    async def _count(self) -> int:
        todos = select(func.count()).where(owned(TODOS, self._snapshot.scope))
        changes = select(func.count()).select_from(CHANGES).where(owned(CHANGES, self._snapshot.scope))
        [row] = await self._read(select((todos.scalar_subquery() + changes.scalar_subquery()).label("total")))
        return int(row["total"])

    async def _read(self, statement: Select[Any]) -> list[Row]:
        """Return rows of the source."""
        with self._source.explaining():
            return await _fetch(self._snapshot.session, statement)

    async def _look_up(self, statement: Select[Any]) -> list[Row]:
        """Return rows of the destination."""
        return await _fetch(self._step.session, statement)

    async def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        if rows:
            await self._step.session.execute(insert(table), rows)
            self._step.keep()

    async def _insert_counted(self, table: Table, rows: Sequence[Row]) -> list[int]:
        """Insert rows and let the destination number them; return the numbers in the order of the rows."""
        if not rows:
            return []
        self._step.keep()
        # Matched by uuid: to return numbers in order, SQLAlchemy would run one statement per row on SQLite.
        found = await _fetch(self._step.session, insert(table).returning(table.c.uuid, table.c.id), rows)
        numbers = {row["uuid"]: row["id"] for row in found}
        return [numbers[row["uuid"]] for row in rows]

    async def _taken_uuids(self, table: Table, uuids: Iterable[UUID]) -> set[UUID]:
        """Return the uuids that other users' rows have."""
        statement = select(table.c.uuid).where(table.c.uuid.in_(uuids), ~owned(table, self._step.scope))
        return {row["uuid"] for row in await self._look_up(statement)}

    def _advance(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, max(self._done, self._total))

    async def _copy_holders(self, table: Table) -> int:
        """Find the user's projects, tags or series in the destination, or insert them; return the number inserted.

        They are found by uuid, or else by name. An entity with a history in the destination that was deleted there is
        created again by this step, without copying its history.
        """
        rows = await self._read(select(table).where(owned(table, self._snapshot.scope)).order_by(table.c.id))
        there = await self._look_up(select(table).where(owned(table, self._step.scope)))
        by_uuid = {row["uuid"]: row for row in there}
        by_key = {row["key"]: row for row in there if "key" in row}
        missing = []
        became: set[UUID] = set()
        for row in rows:
            match = by_uuid.get(row["uuid"]) or by_uuid.get(self._derive(row["uuid"])) or by_key.get(row.get("key"))
            if match is None:
                missing.append(row)
                continue
            self._ids[table][row["id"]] = match["id"]
            if table is TAGS:
                (self._merged if match["uuid"] in became else became).add(match["uuid"])
            if match["uuid"] != row["uuid"]:
                self._uuids[row["uuid"]] = match["uuid"]
        for part in _parts(missing, TODOS_AT_ONCE):
            taken = await self._taken_uuids(table, [row["uuid"] for row in part])
            self._uuids.update({uuid: self._derive(uuid) for uuid in taken})
            mine = owner_values(table, self._step.scope)
            new = [_without_id(row, uuid=self._uuid(row["uuid"]), **mine) for row in part]
            ids = await self._insert_counted(table, new)
            self._ids[table].update(zip((row["id"] for row in part), ids, strict=True))
            known = await self._find_known([row["uuid"] for row in new])
            self._arrived.update(row["uuid"] for row in part if self._uuid(row["uuid"]) not in known)
            for row in new:
                if row["uuid"] in known:
                    self._note_creation(_ENTITIES[table], row)
        await self._step.send()
        return len(missing)

    async def _find_known(self, uuids: Sequence[UUID]) -> set[UUID]:
        """Return the uuids that occur in the history of the destination's user."""
        known = select(CHANGES.c.entity_uuid).where(CHANGES.c.entity_uuid.in_(uuids)).distinct()
        mine = known.where(owned(CHANGES, self._step.scope))
        return {row["entity_uuid"] for row in await self._look_up(mine)}

    def _note_creation(self, entity: str, row: Row) -> None:
        self._step.note(entity, row["uuid"], "exists", None, True)
        for field in _CREATED[entity]:
            if row[field] is not None and row[field] != UNSAID.get(field):
                self._step.note(entity, row["uuid"], field, None, row[field])

    def _derive(self, uuid: UUID) -> UUID:
        """Return the uuid to use if another user has this one; it is the same in every copy."""
        return uuid5(uuid, str(self._owner))

    def _uuid(self, uuid: UUID) -> UUID:
        return self._uuids.get(uuid, uuid)

    async def _copy_todos(self) -> None:
        last = 0
        mine = select(TODOS).where(owned(TODOS, self._snapshot.scope)).order_by(TODOS.c.id)
        while rows := await self._read(mine.where(TODOS.c.id > last).limit(TODOS_AT_ONCE)):
            last = rows[-1]["id"]
            todos = await self._place(rows)
            if not self._taken:  # otherwise only find the other taken numbers
                await self._insert(TODOS, list(todos.values()))
                await self._insert(TODO_TAGS, await self._find_links(todos))
                await self._insert(COMMENTS, await self._find_comments(todos))
                self._copied += len(todos)
                if todos:
                    self._batches.append((min(todos), max(todos)))
            self._advance(len(rows))

    async def _place(self, rows: Sequence[Row]) -> dict[int, Row]:
        """Return the rows to insert for the todos that the destination lacks, by their numbers in the source."""
        known = select(TODOS.c.id, TODOS.c.uuid, owned(TODOS, self._step.scope).label("is_own")).where(
            or_(TODOS.c.uuid.in_([row["uuid"] for row in rows]), TODOS.c.id.in_([row["id"] for row in rows]))
        )
        found = await self._look_up(known)
        is_own = {row["uuid"]: bool(row["is_own"]) for row in found}
        numbers = {row["id"] for row in found}
        occurrences = await self._find_occurrences(rows)
        todos: dict[int, Row] = {}
        for row in rows:
            number = row["id"]
            if row["uuid"] in is_own:
                self._check_owner(number, is_own=is_own[row["uuid"]])
                self._there.add(row["uuid"])
                continue
            series = None if row["series_id"] is None else self._ids[SERIES][row["series_id"]]
            if (same := occurrences.get((series, row["occurrence"]))) is not None:
                self._there.add(row["uuid"])
                self._uuids[row["uuid"]] = same
                continue
            if number in numbers and not self._renumber:
                self._taken.append(number)
                continue
            if number in numbers:
                number = next(self._numbers)
                self._renumbered.append((row["id"], number))
            project = row["project_id"]
            todos[row["id"]] = {
                **row,
                "id": number,
                **owner_values(TODOS, self._step.scope),
                "project_id": None if project is None else self._ids[PROJECTS][project],
                "series_id": series,
                "parent_id": None,  # set at the end, because parents may be copied later
            }
        return todos

    async def _find_occurrences(self, rows: Sequence[Row]) -> dict[tuple[int | None, str], UUID]:
        """Return the uuids of existing occurrences in the destination, by number of the series and occurrence."""
        series = {self._ids[SERIES][row["series_id"]] for row in rows if row["series_id"] is not None}
        found = {}
        for part in _parts(sorted(series), TODOS_AT_ONCE):
            known = select(TODOS.c.series_id, TODOS.c.occurrence, TODOS.c.uuid).where(TODOS.c.series_id.in_(part))
            found.update({(row["series_id"], row["occurrence"]): row["uuid"] for row in await self._look_up(known)})
        return found

    def _check_owner(self, number: int, *, is_own: bool) -> None:
        if not is_own:
            raise ConflictError(
                f"todo {number} of {self._source.target} belongs to another user in {self._destination.target}",
                "nothing was copied; add --to-user NAME to copy to that user",
            )

    def _clash(self) -> ConflictError:
        named = ", ".join(map(str, self._taken[:MAX_NAMED]))
        more = len(self._taken) - MAX_NAMED
        are = "the number {} is" if len(self._taken) == 1 else f"{len(self._taken):,} numbers ({{}}) are"
        return ConflictError(
            f"{are.format(named + (f' and {more:,} more' if more > 0 else ''))} taken in {self._destination.target}; "
            "nothing was copied",
            "add --renumber to give them new numbers",
        )

    async def _read_beside(self, todos: Mapping[int, Row], table: Table) -> list[Row]:
        """Return the rows of a table that belong to these todos, with the todos' new numbers."""
        if not todos:
            return []
        statement = (
            select(table)
            .join(TODOS, TODOS.c.id == table.c.todo_id)
            .where(owned(TODOS, self._snapshot.scope), TODOS.c.id.between(min(todos), max(todos)))
            .order_by(*table.primary_key)
        )
        rows = await self._read(statement)
        return [{**row, "todo_id": todos[row["todo_id"]]["id"]} for row in rows if row["todo_id"] in todos]

    async def _find_links(self, todos: Mapping[int, Row]) -> list[Row]:
        links = {}
        for row in await self._read_beside(todos, TODO_TAGS):
            tag = self._ids[TAGS][row["tag_id"]]
            links[row["todo_id"], tag] = {**row, "tag_id": tag}  # two tags may have become one
        return list(links.values())

    async def _find_comments(self, todos: Mapping[int, Row]) -> list[Row]:
        rows = await self._read_beside(todos, COMMENTS)
        for part in _parts(rows, TODOS_AT_ONCE):
            known = select(COMMENTS.c.uuid).where(COMMENTS.c.uuid.in_([row["uuid"] for row in part]))
            self._uuids.update({row["uuid"]: self._derive(row["uuid"]) for row in await self._look_up(known)})
        mine = owner_values(COMMENTS, self._step.scope)
        return [_without_id(row, uuid=self._uuid(row["uuid"]), **mine) for row in rows]

    async def _copy_edges(self) -> None:
        """Copy the dependencies and parents of the copied todos.

        Existing todos get no new edges. This prevents cycles: no edge leads from an existing to a copied todo, and
        among the copied todos the edges are the source's.
        """
        edges = 0
        async for pairs in self._find_edges(DEPENDENCIES.c.todo_id, DEPENDENCIES.c.depends_on_id):
            await self._insert(DEPENDENCIES, [{"todo_id": todo, "depends_on_id": other} for todo, other in pairs])
            edges += len(pairs)
        parents = update(TODOS).where(TODOS.c.id == bindparam("todo")).values(parent_id=bindparam("parent"))
        async for pairs in self._find_edges(TODOS.c.id, TODOS.c.parent_id):
            await self._step.session.execute(parents, [{"todo": todo, "parent": other} for todo, other in pairs])
            edges += len(pairs)
        if edges:
            me = update(USERS).where(is_owner(self._step.scope))
            await self._step.session.execute(me.values(edges_version=USERS.c.edges_version + 1))

    async def _find_edges(self, todo: Column[int], other: Column[int]) -> AsyncIterator[set[tuple[int, int]]]:
        """Yield the edges of the copied todos in batches, as pairs of numbers in the destination.

        An endpoint that exists there as the same occurrence is replaced by it. Empty batches are omitted.
        """
        one, two = TODOS.alias(), TODOS.alias()
        edges = (
            select(one.c.uuid.label("todo"), two.c.uuid.label("other"))
            .join_from(todo.table, one, one.c.id == todo)
            .join(two, two.c.id == other)
            .where(owned(one, self._snapshot.scope), owned(two, self._snapshot.scope))
        )
        for first, last in self._batches:
            rows = await self._read(edges.where(todo.between(first, last)))
            found = [(row["todo"], self._uuid(row["other"])) for row in rows if row["todo"] not in self._there]
            if found:
                numbers = await self._find_numbers({uuid for edge in found for uuid in edge})
                yield {(numbers[uuid], numbers[other_uuid]) for uuid, other_uuid in found}

    async def _find_numbers(self, uuids: set[UUID]) -> dict[UUID, int]:
        """Return the numbers of these todos in the destination."""
        numbers = {}
        for part in _parts(sorted(uuids), TODOS_AT_ONCE):
            mine = select(TODOS.c.uuid, TODOS.c.id).where(owned(TODOS, self._step.scope))
            numbers.update({row["uuid"]: row["id"] for row in await self._look_up(mine.where(TODOS.c.uuid.in_(part)))})
        return numbers

    async def _find_deleted(self) -> None:
        """Include the history of deleted projects, tags and series, if the destination has none of it.

        The history of todos refers to them.
        """
        ever = select(CHANGES.c.entity_uuid).where(CHANGES.c.entity.in_(_HOLDERS)).distinct()
        known = await self._read(ever.where(owned(CHANGES, self._snapshot.scope)))
        uuids = {row["entity_uuid"] for row in known}
        for table in (PROJECTS, TAGS, SERIES):
            mine = select(table.c.uuid).where(owned(table, self._snapshot.scope))
            uuids.difference_update(row["uuid"] for row in await self._read(mine))
        for part in _parts(sorted(uuids), TODOS_AT_ONCE):
            uuids.difference_update(await self._find_known(part))
        self._arrived |= uuids

    async def _find_erased(self) -> None:
        """Include erasures of todos, unless the destination has the todos or has recorded the erasures."""
        erasures = select(CHANGES.c.entity_uuid).where(is_erasure(CHANGES), owned(CHANGES, self._snapshot.scope))
        uuids = {row["entity_uuid"] for row in await self._read(erasures)}
        for part in _parts(sorted(uuids), TODOS_AT_ONCE):
            there = select(TODOS.c.uuid).where(TODOS.c.uuid.in_(part))
            known = select(CHANGES.c.entity_uuid).where(is_erasure(CHANGES), CHANGES.c.entity_uuid.in_(part))
            for found in (there, known):
                uuids.difference_update(uuid for row in await self._look_up(found) for uuid in row.values())
        self._erased = uuids

    async def _copy_history(self) -> None:
        """Copy the changes of inserted entities with their steps, in chronological order.

        Later steps thus have greater numbers in the destination as well.
        """
        last = 0
        undone: list[tuple[int, int]] = []
        rewritten = {json.dumps(str(old)): json.dumps(str(new)) for old, new in self._uuids.items()}
        carried: dict[tuple[UUID, str], set[str]] = {}
        mine = select(CHANGES).where(owned(CHANGES, self._snapshot.scope)).order_by(CHANGES.c.id)
        while rows := await self._read(mine.where(CHANGES.c.id > last).limit(CHANGES_AT_ONCE)):
            last = rows[-1]["id"]
            there = await self._find_comments_there(rows)
            found = (row for row in rows if self._is_copied(row) and row["entity_uuid"] not in there)
            changes = [row for row in found if self._changes_something(row, rewritten, carried)]
            undone += await self._copy_steps({row["step_id"] for row in changes} - self._ids[STEPS].keys())
            await self._insert(CHANGES, [self._make_change(row, rewritten) for row in changes])
            self._advance(len(rows))
        # Copy undo steps even without changes, so that the undone steps remain undone.
        while missing := {by for _, by in undone} - self._ids[STEPS].keys():
            undone += await self._copy_steps(missing)
        links = [{"step": step, "by": self._ids[STEPS][by]} for step, by in undone]
        if links:
            statement = update(STEPS).where(STEPS.c.id == bindparam("step")).values(undone_by=bindparam("by"))
            await self._step.session.execute(statement, links)

    def _changes_something(
        self, change: Row, rewritten: Mapping[str, str], carried: dict[tuple[UUID, str], set[str]]
    ) -> bool:
        """Return whether a change still has an effect if several projects or tags of the source became one.

        `carried` tracks, from one change to the next, which of the merged source tags each todo has.
        """
        old, new = (rewritten.get(change[side], change[side]) for side in ("old", "new"))
        if change["field"] in _HOLDERS and old == new:
            return False
        if change["field"] != Tag.entity or not self._merged or UUID(json.loads(old or new)) not in self._merged:
            return True
        tags = carried.setdefault((change["entity_uuid"], old or new), set())
        had_some = bool(tags)
        if new is None:
            tags.discard(change["old"])
        else:
            tags.add(change["new"])
        return bool(tags) != had_some

    def _is_copied(self, change: Row) -> bool:
        if change["entity"] == Todo.entity and change["field"] == "exists" and change["new"] is None:
            return change["entity_uuid"] in self._erased
        if change["entity"] in (Todo.entity, Comment.entity):
            return change["entity_uuid"] not in self._there
        return change["entity"] in _HOLDERS and change["entity_uuid"] in self._arrived

    async def _find_comments_there(self, changes: Sequence[Row]) -> set[UUID]:
        """Return the comments in these changes whose todos the destination already has.

        The history is searched, because it also has comments that were undone.
        """
        comments = {row["entity_uuid"] for row in changes if row["entity"] == Comment.entity}
        found = set()
        for part in _parts(sorted(comments), TODOS_AT_ONCE):
            about = select(CHANGES.c.entity_uuid, CHANGES.c.old, CHANGES.c.new).where(
                CHANGES.c.entity_uuid.in_(part), CHANGES.c.entity == Comment.entity, CHANGES.c.field == "todo"
            )
            for row in await self._read(about):
                if UUID(json.loads(row["new"] or row["old"])) in self._there:
                    found.add(row["entity_uuid"])
        return found

    def _make_change(self, row: Row, rewritten: Mapping[str, str]) -> Row:
        change = _without_id(row, step_id=self._ids[STEPS][row["step_id"]], entity_uuid=self._uuid(row["entity_uuid"]))
        if row["field"] in _REFERRING:
            change["old"] = rewritten.get(row["old"], row["old"])
            change["new"] = rewritten.get(row["new"], row["new"])
        return change

    async def _copy_steps(self, ids: set[int]) -> list[tuple[int, int]]:
        """Find or insert the steps in the destination; return pairs of an inserted step and the one that undid it."""
        if not ids:
            return []
        rows = await self._read(select(STEPS).where(STEPS.c.id.in_(ids)).order_by(STEPS.c.id))
        uuids = [each for row in rows for each in (row["uuid"], self._derive(row["uuid"]))]
        known = select(STEPS.c.id, STEPS.c.uuid, authored(STEPS, self._step.scope).label("is_own"))
        found = await self._look_up(known.where(STEPS.c.uuid.in_(uuids)))
        there = {row["uuid"]: row["id"] for row in found if row["is_own"]}
        taken = {row["uuid"] for row in found} - there.keys()
        missing = []
        for row in rows:
            number = there.get(row["uuid"], there.get(self._derive(row["uuid"])))
            if number is None:
                missing.append(row)
            else:
                self._ids[STEPS][row["id"]] = number
        new = [
            _without_id(
                row,
                undone_by=None,
                uuid=self._derive(row["uuid"]) if row["uuid"] in taken else row["uuid"],
                **owner_values(STEPS, self._step.scope),
            )
            for row in missing
        ]
        inserted = await self._insert_counted(STEPS, new)
        self._ids[STEPS].update(zip((row["id"] for row in missing), inserted, strict=True))
        return [
            (number, row["undone_by"])
            for number, row in zip(inserted, missing, strict=True)
            if row["undone_by"] is not None
        ]


def _without_id(row: Row, **mapped: object) -> Row:
    return {**{column: value for column, value in row.items() if column != "id"}, **mapped}


def _parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


async def _fetch(session: AsyncSession, statement: Executable, parameters: Sequence[Row] | None = None) -> list[Row]:
    result = await session.execute(statement, parameters)
    columns = list(result.keys())
    return [dict(zip(columns, row, strict=True)) for row in result]
