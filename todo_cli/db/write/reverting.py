"""Reverting steps, as a step of its own.

The history entries of each step are reversed, the last one first. The resulting differences are written together with
their history, so redo is the same, applied to an undo step. Nothing is written unless everything can be reverted.

- A todo that a step added moves to the trash unchanged. A project or tag that it created is removed, unless a todo
  outside the trash has it; todos in the trash lose it, which is recorded in the history.
- A project, tag or comment that was removed is created again, with its uuid.
- A field that no longer has the value that the step gave it is a conflict, unless it has the old value anyway.
- Rows that were removed permanently by emptying the trash are skipped. A series that was started remains, invisibly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.orm.attributes import set_attribute

from todo_cli.db.read.json_sql import read_json
from todo_cli.db.scope import assign_owner, is_owner
from todo_cli.db.write.concerned import Concerned, Line, Values
from todo_cli.db.write.decoding import Plain, decode, load
from todo_cli.db.write.pending import LINKS, REFERENCES, one_of
from todo_cli.db.write.step import SERIES_FIELDS, TODO_FIELDS, UNSAID, Step, encode
from todo_cli.errors import ConflictError, CycleError
from todo_cli.models.tables import (
    COMMENTS,
    PROJECTS,
    SERIES,
    STEPS,
    TAGS,
    TODO_TAGS,
    TODOS,
    USERS,
    Comment,
    Project,
    Tag,
    Todo,
    set_value,
)
from todo_cli.models.text import fold
from todo_cli.models.values import When
from todo_cli.query.trees import find_path

_FIELDS = {
    "todo": TODO_FIELDS,
    "project": ("name", "archived_at", "created_at"),
    "tag": ("name",),
    "series": SERIES_FIELDS,
    "comment": ("todo", "text", "created_at"),
}
_TABLES = {"project": PROJECTS, "tag": TAGS, "series": SERIES, "comment": COMMENTS}
_NAMED = ("project", "tag")
_EDGES = ("depends", "parent")


@dataclass(frozen=True, slots=True)
class Turned:
    """A change made by reverting: a field of a row, with its JSON values before and after."""

    entity: str
    uuid: UUID
    field: str
    old: Plain
    new: Plain


@dataclass
class Entry:
    """A row in terms of the history: its fields, its links, and whether it exists, as read and as it should be.

    `row` is the row as read, None if it has to be created.
    """

    entity: str
    uuid: UUID
    row: Values | None = None
    fields: dict[str, Plain] = field(default_factory=dict)
    links: dict[str, set[str]] = field(default_factory=dict)
    exists: bool = False

    def __post_init__(self) -> None:
        if self.row is None:
            return
        self.exists = True
        self.fields = {name: _plain(self.row, name) for name in _FIELDS[self.entity]}
        if self.entity == "todo":
            self.links = {name: {str(uuid) for uuid in self.row[name]} for name in LINKS}
        self.before = (dict(self.fields), {name: set(uuids) for name, uuids in self.links.items()})

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the row as read."""
        if self.row is None or not self.exists:
            return self.exists != (self.row is not None)
        return (self.fields, self.links) != self.before

    def find_changes(self) -> Iterator[Turned]:
        """Yield the differences from the row as read; for a row that is created or removed, all its fields."""

        def tell(name: str, old: Plain, new: Plain) -> Turned:
            return Turned(self.entity, self.uuid, name, old, new)

        if self.row is None or not self.exists:
            if not self.is_changed:
                return
            if self.exists:
                yield tell("exists", None, True)
            for name, value in (self.fields if self.exists else self.before[0]).items():
                if value is not None:
                    yield tell(name, None, value) if self.exists else tell(name, value, None)
            if not self.exists:
                yield tell("exists", True, None)
            return
        fields, links = self.before
        for name, value in self.fields.items():
            if value != fields[name]:
                yield tell(name, fields[name], value)
        for name, others in self.links.items():
            for other in sorted(links[name] - others):
                yield tell(name, other, None)
            for other in sorted(others - links[name]):
                yield tell(name, None, other)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that was changed since the step; with `gone`, the row that it should refer to again does not exist."""

    entry: Entry
    field: str
    line: Line
    gone: bool = False


class Reverting:
    """The changes that revert steps, one after the other, starting with the last."""

    def __init__(self, step: Step, found: Concerned) -> None:
        self._step = step
        self._found = found
        self.entries = {key: Entry(*key, row) for key, row in found.rows.items()}
        self.conflicts: list[Conflict] = []
        self._told: list[Turned] = []

    def revert(self, step: Values) -> list[Turned]:
        """Revert the changes of a step; return the resulting changes, and add what prevents it to the conflicts."""
        self._told = []
        lines = self._found.lines[step["id"]]
        whole: dict[tuple[str, UUID], list[Line]] = {}
        for line in lines:
            if line.field == "exists":
                whole[line.entity, line.uuid] = []
        for line in lines:
            if (line.entity, line.uuid) in whole:
                whole[line.entity, line.uuid].append(line)
        for line in reversed(lines):
            key = (line.entity, line.uuid)
            if line.entity in ("user", *(("series",) if key in whole else ())):
                continue
            if key not in whole:
                self._set_back(line)
            elif line.field == "exists":
                self._turn_existence(key, whole[key], was_made=line.new is not None)
        return self._told

    # Creation and removal of rows.

    def _turn_existence(self, key: tuple[str, UUID], lines: Sequence[Line], *, was_made: bool) -> None:
        entry = self.entries.get(key)
        if not was_made:
            self._make_again(key, lines)
        elif entry and entry.exists and entry.entity == "todo":
            self._put_into_trash(entry, lines)
        elif entry and entry.exists and (entry.entity not in _NAMED or self._let_go(entry)):
            self._check_left(entry, lines)
            for name, value in entry.fields.items():
                self._tell(entry, name, value, None)
            self._tell(entry, "exists", True, None)
            entry.exists = False

    def _put_into_trash(self, todo: Entry, lines: Sequence[Line]) -> None:
        self._check_left(todo, lines)
        if todo.fields["deleted_at"] is None:
            self._set(todo, "deleted_at", load(encode(self._step.now)))

    def _check_left(self, entry: Entry, lines: Sequence[Line]) -> None:
        """Add a conflict for each field that differs from its value at the creation of the row."""
        left = {line.field: load(line.new) for line in lines}
        # An earlier version of `db copy` could duplicate entries.
        made = next(line for line in lines if line.field == "exists")
        if left.get("parent") and not self._is_there("parent", left["parent"]):
            left["parent"] = None  # only permanently removed todos are missing
        for name in entry.fields:
            if name != "created_at" and entry.fields[name] != left.get(name, _unsaid(name)):
                self.conflicts.append(Conflict(entry, name, made))
        for name, others in entry.links.items():
            put_on = {load(line.new) for line in lines if line.field == name and line.new is not None}
            if others != {other for other in put_on if self._is_there(name, other)}:
                self.conflicts.append(Conflict(entry, name, made))
        if self._has_subtasks(entry):
            self.conflicts.append(Conflict(entry, "subtasks", made))

    def _has_subtasks(self, entry: Entry) -> bool:
        """Return whether the todo has subtasks that would not be reverted with it."""
        if entry.row is None or entry.entity != "todo":
            return False
        known = {todo.row["id"]: todo for todo in self._todos() if todo.row}
        kept = [number for number, _, is_trashed in read_json(entry.row["children"]) if not is_trashed]
        children = [known.get(number) for number in kept]
        return any(
            child is None or (child.fields["deleted_at"] is None and child.fields["parent"] == str(entry.uuid))
            for child in children
        )

    def _let_go(self, holder: Entry) -> bool:
        """Remove a project or tag from todos in the trash; return False and do nothing if another todo has it."""
        uuid = str(holder.uuid)
        holding = [todo for todo in self._todos() if uuid in (todo.fields["project"], *todo.links["tag"])]
        is_held = holder.row is not None and holder.row["held"]
        if is_held or any(todo.fields["deleted_at"] is None for todo in holding):
            return False
        for todo in holding:
            if holder.entity == "tag":
                self._unlink(todo, "tag", uuid)
            else:
                self._set(todo, "project", None)
        return True

    def _make_again(self, key: tuple[str, UUID], lines: Sequence[Line]) -> None:
        entity, uuid = key
        entry = self.entries.setdefault(key, Entry(entity, uuid))
        kept = {line.field: load(line.old) for line in lines}
        if entry.exists or entity not in ("project", "tag", "comment") or not self._has_place(entity, kept):
            return
        if entity == "project":
            kept.setdefault("created_at", load(encode(self._step.now)))
        entry.fields = {name: kept.get(name) for name in _FIELDS[entity]}
        entry.exists = True
        self._tell(entry, "exists", None, True)
        for name, value in entry.fields.items():
            self._tell(entry, name, None, value)

    def _has_place(self, entity: str, kept: dict[str, Plain]) -> bool:
        return entity != "comment" or ("todo", UUID(kept["todo"])) in self.entries

    # Fields.

    def _set_back(self, line: Line) -> None:
        entry = self.entries.get((line.entity, line.uuid))
        if entry is None or not entry.exists:
            return
        old, new = load(line.old), load(line.new)
        if line.field in LINKS:
            if old is None and new in entry.links[line.field]:
                self._unlink(entry, line.field, new)
            elif old is not None and old not in entry.links[line.field]:
                self._link(entry, line, old)
            return
        if line.field not in entry.fields:
            return
        current, refers = entry.fields[line.field], line.field in REFERENCES
        if current == old:
            return
        was_taken_away = current is None and refers and new and not self._is_there(line.field, new)
        if current != new and not was_taken_away:
            self.conflicts.append(Conflict(entry, line.field, line))
        if refers and old is not None and not self._is_there(line.field, old):
            if line.field != "parent":  # only permanently removed todos are missing
                self.conflicts.append(Conflict(entry, line.field, line, gone=True))
            old = None
        self._set(entry, line.field, old)

    def _link(self, todo: Entry, line: Line, other: str) -> None:
        if self._is_there(line.field, other):
            todo.links[line.field].add(other)
            self._tell(todo, line.field, None, other)
        elif line.field == "tag":
            self.conflicts.append(Conflict(todo, line.field, line, gone=True))

    def _unlink(self, todo: Entry, name: str, other: str) -> None:
        todo.links[name].remove(other)
        self._tell(todo, name, other, None)

    def _set(self, entry: Entry, name: str, value: Plain) -> None:
        if entry.fields[name] != value:
            self._tell(entry, name, entry.fields[name], value)
            entry.fields[name] = value

    def _is_there(self, name: str, uuid: str) -> bool:
        """Return whether the row that a field of a todo should refer to exists."""
        if name in _EDGES:
            return UUID(uuid) in self._found.others
        entry = self.entries.get((name, UUID(uuid)))
        return entry is not None and entry.exists

    def _tell(self, entry: Entry, name: str, old: Plain, new: Plain) -> None:
        if old != new:
            self._told.append(Turned(entry.entity, entry.uuid, name, old, new))

    def check_cycles(self) -> None:
        """Raise CycleError if a todo would depend on itself or be its own ancestor."""
        changes = list(self._find_changes())
        for name, verb in (("depends", "depend on"), ("parent", "belong to")):
            bound = {each.uuid for each in changes if each.field == name and each.new is not None}
            if not bound:
                continue
            numbers = self._find_numbers()
            ways = {number: list(others) for number, others in self._found.ways[name].items()}
            for todo in self._todos():
                others = todo.links["depends"] if name == "depends" else {todo.fields["parent"]} - {None}
                ways[numbers[str(todo.uuid)]] = [numbers[other] for other in others]
            for number in (numbers[str(uuid)] for uuid in bound):
                for other in ways[number]:
                    if path := find_path(other, {number}, ways):
                        raise CycleError(verb, [number, *path])

    def _find_numbers(self) -> dict[str, int]:
        """Return the numbers of todos at both ends of edges, by uuid."""
        numbers = {str(uuid): int(other["id"]) for uuid, other in self._found.others.items()}
        for todo in self._todos():
            assert todo.row
            numbers[str(todo.uuid)] = todo.row["id"]
            numbers.update((str(uuid), int(number)) for uuid, number in todo.row["depends"].items())
            if todo.row["parent"]:
                numbers[str(todo.row["parent"])] = todo.row["parent_id"]
        return numbers

    # Writing.

    def _todos(self) -> Iterator[Entry]:
        return (entry for (entity, _), entry in self.entries.items() if entity == "todo")

    def find_touched(self) -> list[Entry]:
        """Return the todos that change, or whose comments change, sorted by number."""
        comments = [entry for entry in self.entries.values() if entry.entity == "comment" and entry.is_changed]
        commented = {UUID(comment.fields["todo"]) for comment in comments}
        touched = [todo for todo in self._todos() if todo.is_changed or todo.uuid in commented]
        return sorted(touched, key=lambda todo: todo.row["id"] if todo.row else 0)

    def make_row(self, todo: Entry) -> Todo:
        """Return the new row of the todo, in no session, with its old references."""
        row = make_todo(todo)
        row.version, row.updated_at = row.version + 1, self._step.now
        return row

    def _find_changes(self) -> Iterator[Turned]:
        """Yield all changes: first of rows that are created, last of rows that are removed, so they can be reverted."""

        def place(entry: Entry) -> int:
            return 0 if entry.row is None else 1 if entry.exists else 2

        for entry in sorted(self.entries.values(), key=place):
            yield from entry.find_changes()

    async def write(self, done: Iterable[int], *, redoing: bool) -> None:
        """Write all changes; `done` has the numbers of the reverted steps. Raises ConflictError if a name is taken.

        Raises BusyError if other commands are changing the same rows.
        """
        await self._free_names()
        pending = self._step.pending
        for todo in self.find_touched():
            row = self.make_row(todo)
            assert row.id is not None
            references = {name: todo.fields[name] and UUID(todo.fields[name]) for name in REFERENCES}
            pending.restate(row, references)
            _, before = todo.before
            for name, others in todo.links.items():
                for other in sorted(before[name] - others):
                    pending.link(name, row.id, UUID(other), off=True)
                for other in sorted(others - before[name]):
                    pending.link(name, row.id, UUID(other))
        rest = [entry for entry in self.entries.values() if entry.entity != "todo" and entry.is_changed]
        for entry in sorted(
            rest, key=lambda entry: entry.fields.get("created_at") or ""
        ):  # to keep the order of comments
            self._write_other(entry)
        changes = list(self._find_changes())
        for each in changes:
            self._step.note(each.entity, each.uuid, each.field, each.old, each.new)
        ends = {UUID(each.new) for each in changes if each.field in _EDGES and each.new is not None}
        if ends:  # a todo that was removed permanently meanwhile would be skipped, although the history has the edge
            there = select(func.count()).select_from(TODOS).where(one_of(TODOS.c.uuid, sorted(ends)))
            pending.expect(there.scalar_subquery() == len(ends))
        if any(each.field in _EDGES for each in changes):
            grown = {"edges_version": USERS.c.edges_version + 1}
            pending.execute(update(USERS).where(is_owner(self._step.scope)).values(grown))
        steps = list(done)
        if redoing:
            pending.execute(update(STEPS).where(STEPS.c.undone_by.in_(steps)).values(undone_by=None))
        pending.execute(update(STEPS).where(STEPS.c.id.in_(steps)).values(undone_by=self._step.id))
        self._step.keep()
        await self._step.send()

    def _write_other(self, entry: Entry) -> None:
        pending, table = self._step.pending, _TABLES[entry.entity]
        values = {name: decode(name, value) for name, value in entry.fields.items()}
        if entry.row is None:
            row = self._make(entry.entity, entry.uuid, values)
            assign_owner(row, self._step.scope)
            pending.create(row)
        elif entry.exists:
            before, _ = entry.before
            changed = {name: value for name, value in values.items() if entry.fields[name] != before[name]}
            if "name" in changed:
                changed["key"] = fold(changed["name"])
            pending.update(table, entry.row["id"], changed)
        else:
            pending.execute(delete(table).where(table.c.id == entry.row["id"]))
            if entry.entity in _NAMED:
                links, column, number = (TODOS, "project_id", TODOS.c.id)
                if entry.entity == "tag":
                    links, column, number = (TODO_TAGS, "tag_id", TODO_TAGS.c.todo_id)
                known = [todo.row["id"] for todo in self._todos() if todo.row]
                others = and_(links.c[column] == entry.row["id"], ~one_of(number, known))
                pending.expect(~exists(select(links.c[column]).where(others)))

    def _make(self, entity: str, uuid: UUID, values: Values) -> Project | Tag | Comment:
        common: dict[str, Any] = {"uuid": uuid}
        match entity:
            case "project":
                return Project(**common, **values)
            case "tag":
                return Tag(**common, **values)
            case _:
                todo = self.entries["todo", values.pop("todo")]
                assert todo.row
                return Comment(**common, **values, todo_id=todo.row["id"])

    async def _free_names(self) -> None:
        """Raise ConflictError if another row has a name; rename rows temporarily that exchange names with each other.

        Uniqueness is checked row by row, so a name is free only after its previous holder has another one.
        """
        for entity in _NAMED:
            taken = self._found.keys[entity]
            entries = {entry.uuid: entry for (kind, _), entry in self.entries.items() if kind == entity}
            for entry in entries.values():
                key = fold(entry.fields["name"])
                other = taken.get(key)
                if not entry.exists or other is None or other == entry.uuid:
                    continue
                there = entries.get(other)
                if there is None or (there.exists and fold(there.fields["name"]) == key):
                    raise ConflictError(
                        f"another {entity} is now called {entry.fields['name']!r}", "rename or delete that one first"
                    )
                assert there.row
                parked = str(there.uuid)
                self._step.pending.update(_TABLES[entity], there.row["id"], {"name": parked, "key": parked})
        await self._step.send()


def make_todo(entry: Entry) -> Todo:
    """Return a todo with the fields of the entry, in no session; references and other columns are unchanged."""
    assert entry.row
    columns = {column.name: entry.row[column.name] for column in TODOS.c}
    row = Todo(**columns)
    for name, value in columns.items():
        set_attribute(row, name, value)  # the constructor ignores columns that were added to the model later
    for name, value in entry.fields.items():
        if name not in REFERENCES:
            set_value(row, name, decode(name, value))
    return row


def _plain(row: Values, name: str) -> Plain:
    """Return the JSON value of a field of a row."""
    if f"{name}_on" in row:
        on, at = row[f"{name}_on"], row[f"{name}_at"]
        return load(encode(None if on is None else When(on, at)))
    value = row[name]
    return str(value) if isinstance(value, UUID) else load(encode(value))


def _unsaid(name: str) -> Plain:
    return load(encode(UNSAID.get(name)))
