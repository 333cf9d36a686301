"""Values of fields from options, words, contexts and the editor, for `add`, `modify` and `edit`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from todo_cli.cli.invocation import Invocation
from todo_cli.errors import InvalidInputError, errors_in
from todo_cli.models.fields import FIELDS, Field, Kind, Settable

if TYPE_CHECKING:
    from uuid import UUID

    from todo_cli.query.links import LinkChange
    from todo_cli.query.references import Reference
    from todo_cli.services.editing.recurring import Every
    from todo_cli.services.todos import NewTodo, TodoChanges

_AS_TEXT = "after -- everything is text"
_EVERY = ("every", "every!")
_ARGUMENTS = ("project", "tag", "depends", "parent")
"""The names and references that `NewTodo` and `TodoChanges` have as arguments."""


@dataclass(frozen=True)
class FieldValues:
    """Values as they were typed, by the name of the setter (see `query/input/setters.py`); `""` clears a field.

    `text` contains the words that are not attributes; `lists` maps setters to names to add to sets or to remove from
    them.
    """

    invocation: Invocation
    text: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def clears(self, name: str) -> bool:
        """Return whether the field is given without a value, which clears it."""
        return self.values.get(name) == ""

    def parse_simple(self) -> dict[str, Any]:
        """Return the values of simple fields by attribute, None for one to clear.

        Raises InvalidInputError for an invalid value.
        """
        from todo_cli.query.kinds import parse_value

        fields = [each for name, each in FIELDS.items() if name in self.values and each.is_simple]
        context = self.invocation.input_context
        return {
            each.attribute: None if each.is_emptyable and self.clears(each.name)
            # For a field that cannot be empty, the parser explains what is wrong.
            else parse_value(each, self.values[each.name], context)
            for each in fields
        }  # fmt: skip

    def parse_links(self) -> dict[str, LinkChange]:
        """Return the changes to names and references by field, without those that change nothing.

        Raises InvalidInputError for an invalid value.
        """
        from todo_cli.query.links import UNCHANGED

        changes = {name: self._parse_link(each) for name, each in FIELDS.items() if each.is_linked}
        return {name: change for name, change in changes.items() if change != UNCHANGED}

    def _parse_link(self, field: Field) -> LinkChange:
        from todo_cli.query.links import LinkChange
        from todo_cli.query.names import parse_name

        match field.kind:
            case Kind.NAMES:
                return LinkChange(self.lists.get(field.name, ()), self.lists.get(f"un{field.name}", ()))
            case Kind.REFERENCES:
                return self._parse_references(field.name)
            case Kind.NAME:
                name = self.values.get(field.name)
                add: tuple[Any, ...] = (parse_name(name, field.item),) if name else ()
            case _:
                reference = self.get_reference(field)
                add = (reference,) if reference else ()
        return LinkChange(add, "all" if self.clears(field.name) else ())

    def _parse_references(self, name: str) -> LinkChange:
        """Return the change to a set of references; raises InvalidInputError for a contradiction."""
        from todo_cli.query.links import LinkChange

        add, remove = self.get_references(name), self.get_references(f"un{name}")
        if self.clears(f"un{name}"):
            raise InvalidInputError(f"un{name}: needs a value", f"to remove all of them, write {name}:")
        if self.clears(name) and remove:
            raise InvalidInputError(f"{name}: without a value and un{name}: cannot be used together")
        if set(add) & set(remove):
            raise InvalidInputError(f"{name}: and un{name}: cannot name the same todo")
        return LinkChange(add, "all" if self.clears(name) else remove)

    def get_references(self, name: str) -> tuple[Reference, ...]:
        """Return the references in a field, none if it is not given or cleared."""
        from todo_cli.query.references import parse_references

        text = self.values.get(name)
        return parse_references([text]) if text else ()

    def get_reference(self, field: Field) -> Reference | None:
        """Return the single reference in a field, None if it is not given or cleared; raises InvalidInputError."""
        references = self.get_references(field.name)
        if len(references) > 1:
            raise InvalidInputError(f"a todo can have only one {field.item}, not {self.values[field.name]}")
        return references[0] if references else None

    def get_every(self) -> Every | None:
        """Return the recurrence, if any; raises InvalidInputError if both kinds are given."""
        from todo_cli.query.dates import names_last_day
        from todo_cli.services.editing.recurring import Every

        given = [name for name in _EVERY if self.values.get(name)]
        if len(given) > 1:
            raise InvalidInputError("every: and every!: cannot be used together")
        if not given:
            return None
        return Every(
            self.values[given[0]],
            after_completion=given[0] == "every!",
            last_day=names_last_day(self.values.get("due", "")),
            week_start=self.invocation.conventions.week_start,
        )


def check_dates(given: FieldValues, simple: Mapping[str, Any]) -> None:
    """Raise InvalidInputError for dates that cannot be used together; `simple` has the parsed values."""
    if given.clears("due") and given.get_every():
        raise InvalidInputError("a todo that repeats needs a due date", "omit due:, or give it a value")
    wait, until = simple.get("wait_until"), simple.get("expires_at")
    if wait and until and until <= wait:
        raise InvalidInputError("until must be after wait")


def collect_values(
    invocation: Invocation,
    by: Settable,
    words: Sequence[str],
    options: Mapping[str, str | Sequence[str] | None],
    *,
    may_empty: Collection[str] = (),
    literals: int = 0,
) -> FieldValues:
    """Return the values given by words and options together; options are by the name of their setter.

    Fields in `may_empty` may have no value, or `none`. The last `literals` words are text. Raises InvalidInputError for
    a field that is given twice, for a tag that is both added and removed, and for likely typos.
    """
    from todo_cli.query.input.setters import list_setters
    from todo_cli.query.input.words import read_words

    setters = list_setters(by)
    read = words[: len(words) - literals]
    given = read_words(read, by, invocation.input_context)
    values, lists = dict(given.values), {name: list(names) for name, names in given.lists.items()}
    for name, value in options.items():
        if isinstance(value, str):
            if name in values:
                raise InvalidInputError(f"{name}: and --{setters[name].option} set the same field", "use one of them")
            values[name] = value
        elif value:
            lists[name] = [*value, *lists.get(name, ())]
    for name, value in values.items():
        if value.lower() == "none" and setters[name].field.kind not in (Kind.TEXT, Kind.CHOICE):
            values[name] = ""
    # An empty --description changes nothing.
    stays = {"description"} if options.get("description") == "" else set()
    empty = [name for name, value in values.items() if not value and name not in {*stays, *may_empty}]
    if empty:
        raise InvalidInputError(f"{empty[0]}: needs a value", _AS_TEXT)
    parsed = {name: parse_names(setters[name].field, names) for name, names in lists.items()}
    for each in FIELDS.find(kind=Kind.NAMES):
        _check_set(each, parsed.get(each.name, ()), parsed.get(f"un{each.name}", ()))
    return FieldValues(invocation, [*given.text, *words[len(read) :]], values, parsed)


def _check_set(field: Field, added: Iterable[str], removed: Iterable[str]) -> None:
    """Raise InvalidInputError for a name that is both added and removed."""
    from todo_cli.models.text import fold

    if both := {fold(name) for name in added} & {fold(name) for name in removed}:
        name = field.name
        raise InvalidInputError(f"{name}: and un{name}: cannot name the same {field.item}: {', '.join(sorted(both))}")


def make_todo(given: FieldValues, title: str, uuid: UUID | None = None) -> NewTodo:
    """Return the values as a new todo; raises InvalidInputError for an invalid value."""
    from todo_cli.query.links import UNCHANGED
    from todo_cli.services.todos import NewTodo

    simple = given.parse_simple()
    check_dates(given, simple)
    links = given.parse_links()
    project, tag, depends, parent = (links.pop(name, UNCHANGED) for name in _ARGUMENTS)
    return NewTodo(
        title,
        simple,
        project=project.one,
        tags=tag.add,
        every=given.get_every(),
        depends=depends.add,
        parent=parent.one,
        uuid=uuid,
        links=links,
    )


def make_changes(given: FieldValues) -> TodoChanges:
    """Return the values as changes to a todo; raises InvalidInputError for an invalid value."""
    from todo_cli.query.links import UNCHANGED
    from todo_cli.services.todos import TodoChanges

    simple = given.parse_simple()
    check_dates(given, simple)
    links = given.parse_links()
    project, tag, depends, parent = (links.pop(name, UNCHANGED) for name in _ARGUMENTS)
    assert tag.remove != "all"  # an empty tag: is refused
    changes = TodoChanges(
        values=simple,
        project=project.one,
        tags=tag.add,
        untag=tag.remove,
        every=given.get_every(),
        ends_series=any(map(given.clears, _EVERY)),
        depends=depends.add,
        undepends=depends.remove,
        parent=parent.one,
        clear=frozenset(name for name in ("project", "parent") if given.clears(name)),
        links=links,
    )
    if changes.every and changes.ends_series:
        raise InvalidInputError("every: and every!: cannot be used together")
    return changes


def read_defaults(invocation: Invocation, text: str) -> FieldValues:
    """Parse the defaults of a context; raises InvalidInputError for anything but valid attributes."""
    given = collect_values(invocation, Settable.ADD, [text] if text.strip() else [], {})
    if given.text:
        raise InvalidInputError(
            f"{' '.join(given.text).strip()!r} is not an attribute; defaults cannot contain a title",
            "for example: project:work +office priority:low due:eom",
        )
    todo = make_todo(given, "")
    if todo.every:
        from todo_cli.services.editing.recurring import begin_series

        begin_series(todo.every, todo.due, invocation.now)
    return given


def read_context_defaults(invocation: Invocation) -> FieldValues:
    """Return the defaults of the context in use, if there is one.

    Raises NotFoundError if the context does not exist, and InvalidInputError if its defaults are invalid.
    """
    context = invocation.context
    if context is None or not context.defaults:
        return FieldValues(invocation)
    with errors_in(f"the defaults of the context {context.name!r}"):
        return read_defaults(invocation, context.defaults)


def with_defaults(given: FieldValues, defaults: FieldValues) -> FieldValues:
    """Return the values, with defaults for fields that are not given; the defaults of sets are added."""
    from todo_cli.models.text import fold

    values = {**defaults.values}
    if any(name in given.values for name in _EVERY):
        values = {name: value for name, value in values.items() if name not in _EVERY}
    lists = dict(given.lists)
    for name, names in defaults.lists.items():
        own = given.lists.get(name, ())
        known = {fold(each) for each in own}
        lists[name] = (*own, *(each for each in names if fold(each) not in known))
    return replace(given, values={**values, **given.values}, lists=lists)


def parse_names(field: Field, names: Iterable[str]) -> tuple[str, ...]:
    """Return names for a set, such as tags; raises InvalidInputError for an invalid one."""
    from todo_cli.models.text import fold
    from todo_cli.query.names import parse_name

    parsed = tuple(parse_name(name, field.item) for name in names)
    if "none" in map(fold, parsed):
        found = f"{field.name}:none finds todos without {field.column}"
        raise InvalidInputError(f"a {field.item} cannot be called 'none': {found}", "use another name")
    return parsed
