"""The command `edit`: todos in the user's editor, and what others change meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import typer

from todo_cli.cli import options
from todo_cli.cli.edit.editor import Draft, open_draft
from todo_cli.cli.field_values import FieldValues, check_dates, make_changes, make_todo, parse_tags
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.targets import finish
from todo_cli.errors import ConflictError, InvalidInputError, NotFoundError, TodoError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoOutcome, TodoPublic
    from todo_cli.query.input.document import Texts
    from todo_cli.services.todos import NewTodo

app = typer.Typer()

T = TypeVar("T")

_MOST_SHOWN = 300
"""The number of characters to show of a text that was changed concurrently."""


@command(app, "edit", epilog="Example: todo edit 12")
def edit(invocation: Invocation, references: options.References) -> None:
    """Edit todos in your editor: VISUAL, EDITOR, or one that is installed.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. The fields are at the
    top, the description below. Concurrent changes are merged; you are asked if both changed the same field.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.listing import get_todos

    outcomes = []
    try:
        for todo in invocation.run(get_todos, parse_references(references), trashed=False):
            with open_draft(f"todo-{todo.id}", invocation) as draft:
                outcomes.append(_edit_until_understood(invocation, draft, _Editing(todo, invocation)))
    finally:  # what is stored is shown, whatever became of the rest
        if outcomes:
            finish(invocation, outcomes, "nothing changed")


def edit_new(
    invocation: Invocation, given: FieldValues, add: Callable[[Invocation, NewTodo], TodoOutcome]
) -> TodoOutcome:
    """Return what `add` makes of the todo that the user writes, beginning with the given values.

    Raises TodoError if nothing is written, or the title is left empty.
    """
    from todo_cli.query.input.document import DESCRIPTION, HEAD, join_list

    title = " ".join(given.text)
    make_todo(given, title)  # report what is not understood before the editor opens
    texts = {key: given.values.get(setter.name, "") for key, setter in HEAD.items()}
    texts |= {key: join_list(given.lists.get(setter.name, ())) for key, setter in HEAD.items() if setter.is_list}
    texts |= {"title": title, DESCRIPTION: given.values.get(DESCRIPTION, "")}
    with open_draft("todo-new", invocation) as draft:
        return _edit_until_understood(invocation, draft, _Adding(texts, add))


@dataclass
class _Again:
    """The editor is to be opened again."""

    document: str
    reason: Sequence[str]


class _Work(Generic[T]):
    """What is done with a document."""

    def begin(self) -> str:
        """Return the document that the user gets to see first."""
        raise NotImplementedError

    def take(self, invocation: Invocation, document: str) -> T | _Again:
        """Do it, as of the moment at which the editor was closed.

        Raises InvalidInputError, NotFoundError or ConflictError for what can be mended.
        """
        raise NotImplementedError


def _edit_until_understood(invocation: Invocation, draft: Draft, work: _Work[T]) -> T:
    """Return what is made of the document once it can be done: until then the editor opens again, with the reason.

    Raises what is wrong with it where there is nobody to mend it, or who has left it as it was.
    """
    from todo_cli.query.input.document import with_reason
    from todo_cli.rendering.format.escaping import neutralise

    document = work.begin()
    reason: list[str] = []
    mistake: TodoError | None = None
    while True:
        before = with_reason(document, reason)
        after = draft.edit(before)
        if mistake and after == before:
            raise mistake
        document = with_reason(after, [])
        try:
            result = work.take(invocation.again(), document)
        except (InvalidInputError, NotFoundError, ConflictError) as error:
            if not invocation.can_ask:
                raise
            mistake = error
            told = (
                f"error: {error.message}",
                error.hint and f"hint: {error.hint}",
                "To give up, close the editor without changes.",
            )
            reason = [neutralise(line) for line in told if line]
        else:
            if not isinstance(result, _Again):
                return result
            document, reason, mistake = result.document, [neutralise(line) for line in result.reason], None


@dataclass
class _Adding(_Work["TodoOutcome"]):
    """A todo is added."""

    texts: Texts
    add: Callable[[Invocation, NewTodo], TodoOutcome]

    def begin(self) -> str:
        from todo_cli.query.input.document import write_document

        return write_document(self.texts, ["A new todo. Leave the title empty to add nothing."])

    def take(self, invocation: Invocation, document: str) -> TodoOutcome:
        from todo_cli.query.input.document import is_blank, read_document
        from todo_cli.query.texts import parse_title

        if is_blank(document):
            raise TodoError("nothing was added: the text is empty")
        texts = read_document(document, complete=False)
        if not texts["title"].strip():
            raise TodoError("nothing was added: the title is empty")
        values = {name: text for name, text in texts.items() if text.strip()}
        title = parse_title(values.pop("title"))
        return self.add(invocation, make_todo(_to_values(invocation, values), title))


@dataclass
class _Editing(_Work["TodoOutcome"]):
    """A todo is changed. `todo` is what the document was made of."""

    todo: TodoPublic
    invocation: Invocation

    def __post_init__(self) -> None:
        self.base = self._describe(self.todo)

    def begin(self) -> str:
        return self._write(self.base)

    def take(self, invocation: Invocation, document: str) -> TodoOutcome | _Again:
        """Write what the user changed, on what the todo is by now.

        Raises ConflictError where both changed the same field and there is nobody to ask.
        """
        from todo_cli.models.values import TodoOutcome
        from todo_cli.query.input.document import is_blank, merge_texts, read_document
        from todo_cli.query.references import NumberReference
        from todo_cli.services.listing import get_todos
        from todo_cli.services.todos import modify_todos

        if is_blank(document):
            return TodoOutcome(self.todo, changed=False)
        written = read_document(document)
        mine = _understand(invocation, self.base, written)
        reference = [NumberReference(self.todo.id)]
        todo, theirs, wanted = self.todo, self.base, mine
        while wanted != theirs:
            # Of what was written the text itself: `eom` says more than the date that it stands for.
            new = {name: written[name] if text == mine[name] else text for name, text in wanted.items()}
            changes = make_changes(_difference(invocation, theirs, wanted, new))
            try:
                [outcome] = invocation.run(modify_todos, reference, changes, if_version=todo.version)
            except ConflictError as error:
                before, was = theirs, todo
                [todo] = invocation.run(get_todos, reference, trashed=False)
                if todo.version == was.version:
                    raise
                theirs = self._describe(todo)
                self._tell(was, todo, before, theirs)
                wanted, conflicts = merge_texts(before, wanted, theirs)
                if conflicts and not self._settle(conflicts, wanted, theirs, error):
                    self.todo, self.base = todo, theirs
                    return _Again(self._write(wanted), [_contradict(name, theirs[name]) for name in conflicts])
            else:
                return outcome
        return TodoOutcome(todo, changed=False)

    def _describe(self, todo: TodoPublic) -> dict[str, str]:
        from todo_cli.query.input.document import describe_todo

        return describe_todo(todo, self.invocation.now)

    def _write(self, texts: Texts) -> str:
        from todo_cli.query.input.document import write_document

        return write_document(texts, [f"{self.todo.id}, {self.todo.status.value}."])

    def _tell(self, was: TodoPublic, todo: TodoPublic, before: Texts, theirs: Texts) -> None:
        """Report concurrent changes."""
        changed = [f"{name} is {_shorten(theirs[name])}" for name in before if theirs[name] != before[name]]
        if was.status is not todo.status:
            changed.append(f"it is {todo.status.value}")
        self.invocation.note(
            f"todo {todo.id} was changed in the meantime: {'; '.join(changed) or 'nothing that is edited here'}"
        )

    def _settle(self, conflicts: Sequence[str], wanted: dict[str, str], theirs: Texts, error: ConflictError) -> bool:
        """Ask which of both texts holds, for each field that both changed; return False if it is to be edited again.

        Raises ConflictError where there is nobody to ask.
        """
        from todo_cli.rendering.format.escaping import neutralise

        if not self.invocation.can_ask:
            both = "; ".join(
                f"{name} is {_shorten(theirs[name])} there and {_shorten(wanted[name])} here" for name in conflicts
            )
            raise ConflictError(
                f"todo {self.todo.id} was changed in the meantime: {both}", "nothing was written"
            ) from error
        for name in conflicts:
            self.invocation.note(f"Both you and someone else changed {name}.")
            self.invocation.note(f"  mine:   {_shorten(wanted[name])}")
            self.invocation.note(f"  theirs: {_shorten(theirs[name])}")
            answer = typer.prompt(neutralise(f"Keep {name} of (m)ine, (t)heirs, or (e)dit again?"), err=True)
            while (choice := answer.strip().lower()[:1]) not in ("m", "t", "e"):
                answer = typer.prompt("m, t or e", err=True)
            if choice == "e":
                return False
            if choice == "t":
                wanted[name] = theirs[name]
        return True


def _understand(invocation: Invocation, base: Texts, written: Texts) -> dict[str, str]:
    """Return the texts that were written, those that differ from the base in the form in which they are described.

    So a date that is only written in another way is no change. Raises InvalidInputError for what is not understood.
    """
    from todo_cli.models.text import fold

    changed = {key: text for key, text in written.items() if text != base[key]}
    given = _to_values(invocation, changed)
    if changed.get("title") == "":
        raise InvalidInputError("the title is blank")
    understood = {key: _normalise(given, key, text) if text else text for key, text in changed.items()}
    if changed.keys() & {"wait", "until"}:
        both_dates = _to_values(invocation, {key: written[key] for key in ("wait", "until")})
        check_dates(both_dates, both_dates.parse_simple())
    for key in ("project", "tags"):  # names are the same without regard to case
        if key in understood and fold(understood[key]) == fold(base[key]):
            understood[key] = base[key]
    both = {**base, **understood}
    if both["every"] and both["every-after"]:
        raise InvalidInputError("every and every-after cannot be used together", 'set one of them to ""')
    return both


def _normalise(given: FieldValues, key: str, text: str) -> str:
    """Return a text that is not empty in the form in which the field is described."""
    from todo_cli.models.fields import FIELDS, Kind
    from todo_cli.query.input.document import DESCRIPTION, HEAD, join_list, split_list
    from todo_cli.query.kinds import format_value, parse_value
    from todo_cli.query.names import parse_name

    if key == DESCRIPTION and not text.strip():
        return ""
    field = HEAD[key].field if key in HEAD else FIELDS[key]
    match field.kind:
        case Kind.NAME:
            return parse_name(text, "project")
        case Kind.NAMES:
            return join_list(parse_tags(split_list(text)))
        case Kind.REFERENCE:
            return str(given.get_parent())
        case Kind.REFERENCES:
            return join_list(map(str, given.get_references(field.name)))
        case Kind.RECURRENCE:
            return text
    context = given.invocation.input_context
    return format_value(field, parse_value(field, text, context), context.now)


def _to_values(invocation: Invocation, texts: Texts, removed: Mapping[str, Sequence[str]] | None = None) -> FieldValues:
    """Return the texts as options and words would give them; what is `removed` from sets is by their keys."""
    from todo_cli.query.input.document import HEAD, split_list

    values, lists = {}, {}
    for key, text in texts.items():
        setter = HEAD.get(key)
        if setter and setter.is_list:
            lists[setter.name] = parse_tags(split_list(text))
        else:
            values[setter.name if setter else key] = text
    for name, other in (("every", "every!"), ("every!", "every")):
        if values.get(name) and values.get(other) == "":  # the one takes the place of the other
            del values[other]
    for key, items in (removed or {}).items():
        if items and HEAD[key].is_list:
            lists[f"un{HEAD[key].name}"] = tuple(items)
        elif items:
            values[f"un{HEAD[key].name}"] = ",".join(items)
    return FieldValues(invocation, (), values, lists)


def _difference(invocation: Invocation, before: Texts, after: Texts, new: Texts) -> FieldValues:
    """Return what changes the texts before into those after, which are written as in `new`."""
    from todo_cli.models.text import fold
    from todo_cli.query.input.document import LISTS, split_list

    changed = {key: new[key] for key in before if after[key] != before[key] and key not in LISTS}
    if changed.keys() & {"every", "every-after"} and new["due"] not in ("", before["due"]):
        changed["due"] = new["due"]  # which may tell that it is the last day of each month
    removed = {}
    for key in LISTS:
        here, there = ({fold(item): item for item in split_list(texts[key])} for texts in (after, before))
        if added := [item for folded, item in here.items() if folded not in there]:
            changed[key] = ",".join(added)
        removed[key] = [item for folded, item in there.items() if folded not in here]
    return _to_values(invocation, changed, removed)


def _contradict(name: str, text: str) -> str:
    return f"{name} was changed to {_shorten(text)} in the meantime; the value below will replace it."


def _shorten(text: str) -> str:
    shown = repr(text) if text else "none"
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
