"""What options and words say of a todo, for `add` and `modify`: each thing is said in one of the two ways."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TYPE_CHECKING, TypeVar

from todo_cli.cli.invocation import Invocation
from todo_cli.errors import InvalidInputError, reading

if TYPE_CHECKING:
    from uuid import UUID

    from todo_cli.models.values import When
    from todo_cli.query.references import Reference
    from todo_cli.services.editing.recurring import Every
    from todo_cli.services.todos import NewTodo, TodoChanges

T = TypeVar("T")

OPTIONS = {"every!": "--every-after"}
"""The options of attributes, where they are not called like these."""


_CLEARED = {
    "description": "description",
    "project": "project",
    "due": "due",
    "scheduled": "scheduled",
    "wait": "wait_until",
    "until": "expires_at",
    "parent": "parent",
}
"""Attributes that may be empty, and their fields."""

_EVERY = ("every", "every!")
_NONE = ("due", "scheduled", "wait", "until", *_EVERY, "project", "depends", "parent")
"""Attributes that `none` empties, as it finds in filters what has no value."""


@dataclass(frozen=True)
class Details:
    """The words that are text, and each attribute as it was written; `""` empties a field."""

    invocation: Invocation
    text: Sequence[str]
    values: Mapping[str, str]
    tags: tuple[str, ...]
    untag: tuple[str, ...]

    def get(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return the attribute as a value, None where it is not given or empties the field."""
        return parse(self.values[name]) if self.values.get(name) else None

    def empties(self, name: str) -> bool:
        """Return whether the attribute is given without a value."""
        return self.values.get(name) == ""

    def get_when(self, name: str) -> When | None:
        """Return a date on which something is due or begins; one without a time gets the hour of the settings."""
        when = self.get(name, self._parse_when)
        hour = self.invocation.settings["default_hour"].value
        if when is None or when.at or hour is None:
            return when
        from todo_cli.models.values import When
        from todo_cli.query.dates import to_instant

        return When(when.on, to_instant(when.on, time.fromisoformat(str(hour)), self.invocation.now))

    def get_start(self, name: str) -> datetime | None:
        """Return an instant; of a date its beginning."""
        from todo_cli.query.dates import start_of_day

        when = self.get(name, self._parse_when)
        return None if when is None else when.at or start_of_day(when.on, self.invocation.now)

    def get_end(self, name: str) -> datetime | None:
        """Return an instant; of a date the moment at which it is over."""
        from todo_cli.query.dates import start_of_next_day

        when = self.get(name, self._parse_when)
        return None if when is None else when.at or start_of_next_day(when.on, self.invocation.now)

    def get_references(self, name: str) -> tuple[Reference, ...]:
        """Return the todos that are named, none where the attribute is not given or empties the field."""
        from todo_cli.query.references import parse_references

        return self.get(name, lambda text: parse_references([text])) or ()

    def get_parent(self) -> Reference | None:
        """Return the todo that it is to be a part of; raises InvalidInputError for several."""
        references = self.get_references("parent")
        if len(references) > 1:
            raise InvalidInputError(f"a todo is a part of one other, not of {self.values['parent']}")
        return references[0] if references else None

    def get_every(self) -> Every | None:
        """Return how often it recurs; raises InvalidInputError if it is to count in both ways."""
        from todo_cli.query.dates import names_last_day
        from todo_cli.services.editing.recurring import Every

        given = [name for name in _EVERY if self.values.get(name)]
        if len(given) > 1:
            raise InvalidInputError("every: and every!: contradict each other")
        if not given:
            return None
        return Every(
            self.values[given[0]],
            after_completion=given[0] == "every!",
            last_day=names_last_day(self.values.get("due", "")),
            week_start=self.invocation.conventions.week_start,
        )

    def _parse_when(self, text: str) -> When:
        from todo_cli.query.dates import parse_when

        return parse_when(text, self.invocation.now, self.invocation.conventions)


def check_dates(details: Details) -> None:
    """Raise InvalidInputError for dates that contradict each other."""
    if details.empties("due") and details.get_every():
        raise InvalidInputError("what recurs has a due date: due: and every: contradict each other")
    wait, until = details.get_start("wait"), details.get_end("until")
    if wait and until and until <= wait:
        raise InvalidInputError("it would expire before it appears: until: is not after wait:")


def gather(
    invocation: Invocation,
    words: Sequence[str],
    known: Collection[str],
    options: Mapping[str, str | None],
    tags: Sequence[str] | None,
    untag: Sequence[str] | None = None,
    *,
    may_empty: Collection[str] = (),
    literals: int = 0,
) -> Details:
    """Return what the words and the options say together; attributes that `may_empty` can have no value, or `none`.

    The last words, as many as `literals`, are text.

    Raises InvalidInputError for what is said twice, for a tag that is put on and taken off, and what may be a slip.
    """
    from todo_cli.models.text import fold
    from todo_cli.query.input.quick_add import read_attributes

    read = words[: len(words) - literals]
    attributes = read_attributes(read, known, _make_test(invocation))
    values = dict(attributes.values)
    for name, value in options.items():
        if value is not None and name in values:
            raise InvalidInputError(
                f"{name}: and {OPTIONS.get(name, f'--{name}')} say the same thing", "give one of them"
            )
        if value is not None:
            values[name] = value
    for name in _NONE:
        if values.get(name, "").lower() == "none":
            values[name] = ""
    # An empty --description says what is so anyway.
    said = {"description"} if options.get("description") == "" else set()
    empty = [name for name, value in values.items() if not value and name not in {*said, *may_empty}]
    if empty:
        raise InvalidInputError(f"there is no value after {empty[0]}:", "after -- everything is text")
    on = parse_tags((*(tags or ()), *attributes.tag))
    off = parse_tags((*(untag or ()), *attributes.untag))
    if both := {fold(name) for name in on} & {fold(name) for name in off}:
        raise InvalidInputError(f"tags cannot be put on and taken off at once: {', '.join(sorted(both))}")
    return Details(invocation, [*attributes.text, *words[len(read) :]], values, on, off)


def make_todo(details: Details, title: str, uuid: UUID | None = None) -> NewTodo:
    """Return the todo that the attributes describe; raises InvalidInputError for one that is not understood."""
    from todo_cli.models.values import Priority
    from todo_cli.query.filter.attributes import parse_priority
    from todo_cli.query.names import parse_name
    from todo_cli.query.texts import parse_description
    from todo_cli.services.todos import NewTodo

    check_dates(details)
    return NewTodo(
        title=title,
        description=details.get("description", parse_description),
        priority=details.get("priority", parse_priority) or Priority.NONE,
        project=details.get("project", lambda name: parse_name(name, "project")),
        tags=details.tags,
        due=details.get_when("due"),
        scheduled=details.get_when("scheduled"),
        wait_until=details.get_start("wait"),
        expires_at=details.get_end("until"),
        every=details.get_every(),
        depends=details.get_references("depends"),
        parent=details.get_parent(),
        uuid=uuid,
    )


def make_changes(details: Details) -> TodoChanges:
    """Return what the details change of a todo; raises InvalidInputError for what is not understood of it."""
    from todo_cli.models.values import Priority
    from todo_cli.query.filter.attributes import parse_priority
    from todo_cli.query.names import parse_name
    from todo_cli.query.texts import parse_description, parse_title
    from todo_cli.services.todos import TodoChanges

    check_dates(details)
    changes = TodoChanges(
        title=parse_title(details.values["title"]) if "title" in details.values else None,
        description=details.get("description", parse_description),
        priority=Priority.NONE if details.empties("priority") else details.get("priority", parse_priority),
        project=details.get("project", lambda name: parse_name(name, "project")),
        due=details.get_when("due"),
        scheduled=details.get_when("scheduled"),
        wait_until=details.get_start("wait"),
        expires_at=details.get_end("until"),
        tags=details.tags,
        untag=details.untag,
        every=details.get_every(),
        ends_series=details.empties("every") or details.empties("every!"),
        depends=details.get_references("depends"),
        undepends="all" if details.empties("depends") else details.get_references("undepends"),
        parent=details.get_parent(),
        clear=frozenset(field for name, field in _CLEARED.items() if details.empties(name)),
    )
    if details.empties("undepends"):
        raise InvalidInputError("there is no value after undepends:", "depends: without a value takes all of them off")
    if details.empties("depends") and details.values.get("undepends"):
        raise InvalidInputError("depends: without a value, and undepends: contradict each other")
    if changes.depends and set(changes.depends) & {*changes.undepends}:
        raise InvalidInputError("depends: and undepends: contradict each other")
    if changes.every and changes.ends_series:
        raise InvalidInputError("every: and every!: contradict each other")
    return changes


def read_defaults(invocation: Invocation, text: str) -> Details:
    """Return the attributes that a context gives to every new todo; raises InvalidInputError for any other text."""
    from todo_cli.query.input.quick_add import ADDED

    details = gather(invocation, [text] if text.strip() else [], ADDED, {}, None)
    if details.text:
        raise InvalidInputError(
            f"{' '.join(details.text).strip()!r} is no attribute, and a todo has its title from 'todo add'",
            "attributes are such as project:work +office priority:low due:eom",
        )
    todo = make_todo(details, "")
    if todo.every:
        from todo_cli.services.editing.recurring import begin_series

        begin_series(todo.every, todo.due, invocation.now)
    return details


def read_context_defaults(invocation: Invocation) -> Details:
    """Return the attributes that the context in use gives to every new todo, if there is one.

    Raises NotFoundError for a context that is not saved, and InvalidInputError for what is not understood.
    """
    context = invocation.context
    if context is None or not context.defaults:
        return Details(invocation, (), {}, (), ())
    with reading(f"the defaults of the context {context.name!r}"):
        return read_defaults(invocation, context.defaults)


def with_defaults(details: Details, defaults: Details) -> Details:
    """Return what is said of a todo, and of what is not said that which the context gives; tags are added to."""
    from todo_cli.models.text import fold

    values = {**defaults.values}
    if any(name in details.values for name in _EVERY):
        values = {name: value for name, value in values.items() if name not in _EVERY}
    given = {fold(tag) for tag in details.tags}
    tags = (*details.tags, *(tag for tag in defaults.tags if fold(tag) not in given))
    return replace(details, values={**values, **details.values}, tags=tags)


def parse_tags(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names; raises InvalidInputError for what no tag can be called."""
    from todo_cli.models.text import fold
    from todo_cli.query.names import parse_name

    tags = tuple(parse_name(name, "tag") for name in names)
    if "none" in map(fold, tags):
        raise InvalidInputError("no tag is called 'none': in filters that is what has no tag", "choose another name")
    return tags


def _make_test(invocation: Invocation) -> Callable[[str, str], bool]:
    """Return what tells of an attribute's name and a text whether that is a value of it."""

    def is_value(name: str, text: str) -> bool:
        from todo_cli.query.dates import is_when
        from todo_cli.query.recurrence.parser import is_phrase

        return is_phrase(text) if name.startswith("every") else is_when(text, invocation.now, invocation.conventions)

    return is_value
