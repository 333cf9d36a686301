"""The field registry: every field of a todo, declared once, with its name, its kind, and where it is used.

Each layer implements each `Kind` once and takes the fields from `FIELDS`: attributes and options of `add` and `modify`,
filters and their modifiers, sort keys, columns, JSON, tab-separated lines, the editor, the next occurrence. A new field
needs a migration, a column in `tables.py`, and an entry here.

Names are rows of a table of their own, and references are other todos: `NAME` and `REFERENCE` have a column of `todos`
that refers to the row, `NAMES` and `REFERENCES` a table of links. A few rules belong to one field only: dots nest
projects, dependencies block, and parents form a tree. History, undo and copying do not cover new fields of these four
kinds yet. There is one `RECURRENCE`, because a todo belongs to one series, whose rule decides its due date and its next
occurrence; a second rule could not do the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Any

from todo_cli.models.values import Priority, Status, TodoPublic


class Kind(Enum):
    """The kind of a field's values, with their Python type."""

    TEXT = auto()
    """str"""
    URL = auto()
    """str, an absolute URL (RFC 3986)"""
    CHOICE = auto()
    """one of `Field.choices`, in their order"""
    NUMBER = auto()
    """int, or float with a fraction"""
    DURATION = auto()
    """int, whole seconds"""
    DATE = auto()
    """datetime.date"""
    WHEN = auto()
    """When: a date, or a date with a time; two columns, `…_on` and `…_at`"""
    INSTANT = auto()
    """datetime, aware, UTC; a date without a time means its start, or its end with `Field.is_end`"""
    NAME = auto()
    """str, a name that is created if it does not exist (a project)"""
    NAMES = auto()
    """tuple of str (tags)"""
    REFERENCE = auto()
    """int, the number of another todo"""
    REFERENCES = auto()
    """tuple of int"""
    RECURRENCE = auto()
    """Recurrence"""
    IDENTITY = auto()
    """the number or uuid of the todo itself"""
    COMPUTED = auto()
    """derived from other fields or other todos, without a column of its own"""


_LINKED = (Kind.NAME, Kind.NAMES, Kind.REFERENCE, Kind.REFERENCES)
_SIMPLE = (Kind.TEXT, Kind.URL, Kind.CHOICE, Kind.NUMBER, Kind.DURATION, Kind.DATE, Kind.WHEN, Kind.INSTANT)


class Settable(Flag):
    """The commands that set a field."""

    NO = 0
    ADD = auto()
    MODIFY = auto()
    BOTH = ADD | MODIFY


class Inherit(Enum):
    """How the next occurrence of a todo inherits a field."""

    NOTHING = auto()
    COPY = auto()
    MOVE = auto()
    """keep the distance from the date of the occurrence"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field. `name` is for users, `attribute` for tables and `TodoPublic`, `column` for lists, `json` for JSON.

    The last three are the name unless given.
    """

    name: str
    kind: Kind
    attribute: str = ""
    path: str = ""
    """The path of the value in `TodoPublic`, such as `links.parent`; `attribute` unless given."""
    column: str = ""
    json: str = ""
    aliases: tuple[str, ...] = ()
    """Other names in filters and attributes, such as `tags` for `tag`."""
    settable: Settable = Settable.NO
    is_emptyable: bool = False
    inherit: Inherit = Inherit.NOTHING
    is_filter: bool = True
    is_sort_key: bool = False
    is_column: bool = True
    choices: tuple[str, ...] = ()
    """The labels of a CHOICE. If the field can be empty, the greatest comes first and the last one means no value.

    With `enum`, they are the names of its members, and `none` if the field can be empty.
    """
    enum: type[Enum] | None = None
    """The values of a CHOICE, stored as numbers if it is an IntEnum, whose numbers ascend from the greatest; without an
    enum, the values are the labels. No value is the member `NONE` if there is one, otherwise None."""
    is_end: bool = False
    is_set: bool = False
    """Whether it is a set, whose items are added and removed one by one."""
    names: str = ""
    """The table of names of a NAME or NAMES field, with `id`, `uuid`, the owner, `name` and `key`."""
    links: str = ""
    """The table that links todos to the values of a NAMES or REFERENCES field, by `todo_id` and the column `refers`."""
    refers: str = ""
    """The column, in `links` or `todos`, that refers to the name or the other todo; `<name>_id` unless given."""
    is_nested: bool = False
    """Whether names can be nested with dots, so that `work` also finds `work.api`."""
    leader: str | None = None
    """The field that this one follows in history, undo and merging."""
    help: str = ""
    """One line for --help and the editor, without a full stop."""
    option_help: str = ""
    """The line for --help, if it differs."""
    item: str = ""
    """The word for an item of a set in the help; the name unless given."""
    flag: str = ""
    """The letter of the short option."""
    example: str = ""
    """An example value, for hints and docs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "attribute", self.attribute or self.name)
        object.__setattr__(self, "path", self.path or self.attribute)
        object.__setattr__(self, "column", self.column or self.name)
        object.__setattr__(self, "json", self.json or self.name)
        object.__setattr__(self, "item", self.item or self.name)
        object.__setattr__(self, "refers", self.refers or (f"{self.name}_id" if self.is_linked else ""))
        if self.enum:
            labels = dict.fromkeys(name.lower() for name in self.enum.__members__)
            object.__setattr__(self, "choices", (*(labels | {"none": None} if self.is_emptyable else labels),))

    @property
    def is_simple(self) -> bool:
        """Whether its value is in columns of the todo itself, and is not a reference to another row."""
        return self.kind in _SIMPLE

    @property
    def is_linked(self) -> bool:
        """Whether its values are names in another table, or other todos."""
        return self.kind in _LINKED

    @property
    def is_ranked(self) -> bool:
        """Whether it is a CHOICE that is stored as a number, which ascends from the greatest to the least."""
        return self.enum is not None and issubclass(self.enum, int)

    @property
    def empty(self) -> Any:
        """The value that means no value: None, or a member of the enum."""
        return self.choice(self.choices[-1]) if self.choices and self.is_emptyable else None

    def choice(self, label: str) -> Any:
        """Return the value of a CHOICE that has this label."""
        if self.enum:
            return self.enum.__members__.get(label.upper())
        return None if self.is_emptyable and label == self.choices[-1] else label

    @property
    def is_declared(self) -> bool:
        """Whether `TodoPublic` declares it."""
        return self.path.partition(".")[0] in TodoPublic.__dataclass_fields__

    def get(self, todo: TodoPublic) -> Any:
        """Return the value of the field in a todo, None if there is none."""
        if not self.is_declared and self.path == self.attribute:
            return todo.fields.get(self.name)
        value: Any = todo
        for part in self.path.split("."):
            value = None if value is None else getattr(value, part)
        return value


class Fields(Mapping[str, Field]):
    """The fields by name, in the order of the output. A name is a letter, then letters, digits and `_`."""

    def __init__(self, *fields: Field) -> None:
        self._fields = {field.name: field for field in fields}

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def add(self, field: Field) -> None:
        """Add a field; raises ValueError if its name is taken."""
        if field.name in self._fields:
            raise ValueError(f"field {field.name!r} already exists")
        self._fields[field.name] = field

    def settable(self, by: Settable) -> list[Field]:
        """Return the fields that a command can set."""
        return [field for field in self.values() if field.settable & by]

    def of_attribute(self, attribute: str) -> Field | None:
        """Return the field with that attribute, the name in tables and history; None if there is none."""
        return next((field for field in self.values() if field.attribute == attribute), None)

    def find(self, **properties: Any) -> list[Field]:
        """Return the fields with these properties: `find(is_sort_key=True)`."""
        return [f for f in self.values() if all(getattr(f, name) == value for name, value in properties.items())]


FIELDS = Fields(
    Field(name="id", kind=Kind.IDENTITY, is_sort_key=True, help="Number", example="12-15"),
    Field(name="uuid", kind=Kind.IDENTITY, is_filter=False, help="UUID, the same in every copy"),
    Field(
        name="title",
        kind=Kind.TEXT,
        settable=Settable.MODIFY,
        inherit=Inherit.COPY,
        is_sort_key=True,
        help="Title",
        option_help="New title",
        example="milk",
    ),
    Field(
        name="description",
        kind=Kind.TEXT,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        help="Long text, in Markdown",
        example="milk",
    ),
    Field(
        name="status",
        kind=Kind.CHOICE,
        enum=Status,
        is_sort_key=True,
        help="open, done or cancelled",
        example="done",
    ),
    Field(
        name="priority",
        kind=Kind.CHOICE,
        enum=Priority,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        is_sort_key=True,
        help="Priority: high, medium or low",
        option_help="Priority",
        example="high",
    ),
    Field(
        name="project",
        kind=Kind.NAME,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        is_sort_key=True,
        names="projects",
        is_nested=True,
        help="Project, such as work or work.api",
        flag="p",
        example="home",
    ),
    Field(
        name="tag",
        kind=Kind.NAMES,
        attribute="tags",
        column="tags",
        json="tags",
        aliases=("tags",),
        settable=Settable.BOTH,
        inherit=Inherit.COPY,
        is_set=True,
        names="tags",
        links="todo_tags",
        help="Tags, such as bills, home",
        option_help="Tag; may be repeated",
        flag="t",
        example="bills",
    ),
    Field(
        name="due",
        kind=Kind.WHEN,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.MOVE,
        is_sort_key=True,
        help="Due date",
        option_help="Due date: friday, 'tomorrow 5pm', '24 dec', eom-3d, 2w, 2026-12-24",
        flag="d",
        example="friday",
    ),
    Field(
        name="scheduled",
        kind=Kind.WHEN,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.MOVE,
        is_sort_key=True,
        help="Start date",
        example="monday",
    ),
    Field(
        name="wait",
        kind=Kind.INSTANT,
        attribute="wait_until",
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.MOVE,
        is_sort_key=True,
        help="Hide the todo until this date",
        example="monday",
    ),
    Field(
        name="until",
        kind=Kind.INSTANT,
        attribute="expires_at",
        is_end=True,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.MOVE,
        is_sort_key=True,
        help="Hide the todo after this date",
        example="eom",
    ),
    Field(
        name="every",
        kind=Kind.RECURRENCE,
        attribute="recurrence",
        aliases=("recurrence",),
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        is_filter=False,
        help="Repeat it, such as month or mon,thu",
        option_help="Repeat it: day, '2 weeks', mon,thu, 'last day of month', '3rd tue of month', or an RRULE",
        example="month",
    ),
    Field(
        name="recurrence",
        kind=Kind.COMPUTED,
        path="recurrence.rrule",
        is_filter=False,
        help="Recurrence rule, an RRULE",
    ),
    Field(
        name="series",
        help="Series that it belongs to",
        kind=Kind.COMPUTED,
        path="recurrence.series",
        is_filter=False,
        is_column=False,
    ),
    Field(
        name="occurrence",
        help="Occurrence of its series",
        kind=Kind.TEXT,
        is_filter=False,
        is_column=False,
        leader="every",
    ),
    Field(
        name="estimate",
        kind=Kind.DURATION,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        is_sort_key=True,
        help="How long it takes",
        example="1h30m",
    ),
    Field(
        name="url",
        kind=Kind.URL,
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        is_sort_key=True,
        help="Address that 'todo open' opens",
        example="https://example.com",
    ),
    Field(
        name="parent",
        kind=Kind.REFERENCE,
        path="links.parent",
        settable=Settable.BOTH,
        is_emptyable=True,
        inherit=Inherit.COPY,
        help="Parent todo",
        example="12",
    ),
    Field(
        name="subtasks",
        help="Number of subtasks",
        kind=Kind.COMPUTED,
        path="links.subtasks",
        is_filter=False,
        is_column=False,
    ),
    Field(
        name="subtasks_done",
        help="Number of subtasks that are done",
        kind=Kind.COMPUTED,
        path="links.subtasks_done",
        is_filter=False,
        is_column=False,
    ),
    Field(
        name="depends",
        kind=Kind.REFERENCES,
        path="links.depends",
        settable=Settable.BOTH,
        is_emptyable=True,
        is_set=True,
        links="dependencies",
        refers="depends_on_id",
        help="Todos that have to be done first, such as 12, 15",
        item="dependency",
        example="12",
    ),
    Field(
        name="waits_for",
        kind=Kind.COMPUTED,
        path="links.waits_for",
        is_filter=False,
        help="Open todos that have to be done first",
    ),
    Field(
        name="blocks",
        help="Open todos that depend on it",
        kind=Kind.COMPUTED,
        path="links.blocks",
        is_filter=False,
        is_column=False,
    ),
    Field(
        name="blocked",
        help="Whether it depends on an open todo",
        kind=Kind.COMPUTED,
        path="links.blocked",
        is_filter=False,
        is_column=False,
    ),
    Field(name="urgency", kind=Kind.COMPUTED, is_filter=False, is_sort_key=True, help="How urgent it is"),
    Field(
        name="started",
        help="When work on it began",
        kind=Kind.INSTANT,
        attribute="started_at",
        json="started_at",
        is_filter=False,
        is_column=False,
        leader="status",
    ),
    Field(
        name="created",
        help="When it was added",
        kind=Kind.INSTANT,
        attribute="created_at",
        json="created_at",
        is_sort_key=True,
    ),
    Field(
        name="updated",
        help="When it last changed",
        kind=Kind.INSTANT,
        attribute="updated_at",
        json="updated_at",
        is_sort_key=True,
    ),
    Field(
        name="completed",
        help="When it was done",
        kind=Kind.INSTANT,
        attribute="completed_at",
        json="completed_at",
        is_sort_key=True,
        leader="status",
    ),
    Field(
        name="deleted",
        help="When it was moved to the trash",
        kind=Kind.INSTANT,
        attribute="deleted_at",
        json="deleted_at",
        is_filter=False,
        is_column=False,
        is_sort_key=True,
    ),
    Field(
        name="version", help="Version, incremented by each change", kind=Kind.NUMBER, is_filter=False, is_column=False
    ),
)
"""The fields of a todo, in the order of JSON, columns, sort keys and options."""
