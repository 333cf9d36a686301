"""The command `edit`: todos in the user's editor, and what others change meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import typer

from todo_cli.cli import options
from todo_cli.cli.details import Details, check_dates, make_changes, make_todo, parse_tags
from todo_cli.cli.edit.editor import Draft, open_draft
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

_ATTRIBUTES = {"every-after": "every!"}
"""Fields of the document whose attribute has another name."""

_MOST_SHOWN = 300
"""Characters of a text that was changed meanwhile."""


@command(app, "edit", epilog="Example: todo edit 12")
def edit(invocation: Invocation, references: options.References) -> None:
    """Change todos in your editor. That is VISUAL, EDITOR, or one that is there.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. The fields stand on top, the
    description below them. What somebody else changes meanwhile is kept; you are asked where both changed the same.
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
    invocation: Invocation, details: Details, add: Callable[[Invocation, NewTodo], TodoOutcome]
) -> TodoOutcome:
    """Return what `add` makes of the todo that the user writes, beginning with the details.

    Raises TodoError if nothing is written, or the title is left empty.
    """
    from todo_cli.query.input.document import DESCRIPTION, HEAD, describe_nothing, join_list

    title = " ".join(details.text)
    make_todo(details, title)  # what is not understood is told before the editor opens
    texts = describe_nothing()
    for name in (*HEAD, DESCRIPTION):
        texts[name] = details.values.get(_ATTRIBUTES.get(name, name), "")
    texts["title"], texts["tags"] = title, join_list(details.tags)
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
            told = (f"error: {error.message}", error.hint and f"hint: {error.hint}", "Leave it as it is to give up.")
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
        from todo_cli.query.input.document import is_blank, read_document, split_list
        from todo_cli.query.texts import parse_title

        if is_blank(document):
            raise TodoError("nothing was added: the text is empty")
        texts = read_document(document, complete=False)
        if not texts["title"].strip():
            raise TodoError("nothing was added: the title is empty")
        values = {name: text for name, text in texts.items() if text.strip()}
        details = _detail(invocation, values, tags=split_list(texts["tags"]))
        return self.add(invocation, make_todo(details, parse_title(texts["title"])))


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
        """Say what somebody else changed meanwhile."""
        changed = [f"{name} is {_shorten(theirs[name])}" for name in before if theirs[name] != before[name]]
        if was.status is not todo.status:
            changed.append(f"it is {todo.status.value}")
        self.invocation.note(f"{todo.id} was changed meanwhile: {'; '.join(changed) or 'nothing that is edited here'}")

    def _settle(self, conflicts: Sequence[str], wanted: dict[str, str], theirs: Texts, error: ConflictError) -> bool:
        """Ask which of both texts holds, for each field that both changed; return False if it is to be edited again.

        Raises ConflictError where there is nobody to ask.
        """
        from todo_cli.rendering.format.escaping import neutralise

        if not self.invocation.can_ask:
            both = "; ".join(
                f"{name} is {_shorten(theirs[name])} there and {_shorten(wanted[name])} here" for name in conflicts
            )
            raise ConflictError(f"{self.todo.id} was changed meanwhile: {both}", "nothing was written") from error
        for name in conflicts:
            self.invocation.note(f"You and somebody else changed {name}.")
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
    """Return what was written, each field that is not as in the base in the form in which it is described.

    So a date that is only written otherwise is no change. Raises InvalidInputError for what is not understood.
    """
    from todo_cli.models.text import fold
    from todo_cli.query.filter.attributes import parse_priority
    from todo_cli.query.input.document import DESCRIPTION, format_end, format_start, format_when, join_list, split_list
    from todo_cli.query.names import parse_name
    from todo_cli.query.texts import parse_description, parse_title

    changed = {name: text for name, text in written.items() if text != base[name]}
    details = _detail(invocation, changed)
    readers: Mapping[str, Callable[[str], str]] = {
        "title": parse_title,
        "project": lambda text: parse_name(text, "project"),
        "tags": lambda text: join_list(parse_tags(split_list(text))),
        "due": lambda _: format_when(details.get_when("due"), invocation.now),
        "scheduled": lambda _: format_when(details.get_when("scheduled"), invocation.now),
        "wait": lambda _: format_start(details.get_start("wait"), invocation.now),
        "until": lambda _: format_end(details.get_end("until"), invocation.now),
        "priority": lambda text: parse_priority(text).label or "",
        "depends": lambda _: join_list(map(str, details.get_references("depends"))),
        "parent": lambda _: str(details.get_parent()),
        DESCRIPTION: lambda text: (parse_description(text) or "") if text.strip() else "",
    }
    if changed.get("title") == "":
        raise InvalidInputError("the title is blank")
    understood = {name: readers[name](text) if text and name in readers else text for name, text in changed.items()}
    if changed.keys() & {"wait", "until"}:
        check_dates(_detail(invocation, {name: written[name] for name in ("wait", "until")}))
    for name in ("project", "tags"):  # names are the same without regard to case
        if name in understood and fold(understood[name]) == fold(base[name]):
            understood[name] = base[name]
    both = {**base, **understood}
    if both["every"] and both["every-after"]:
        raise InvalidInputError("every and every-after contradict each other", 'one of them is ""')
    return both


def _detail(invocation: Invocation, texts: Texts, *, tags: Sequence[str] = (), untag: Sequence[str] = ()) -> Details:
    """Return the texts as options and words would say them."""
    values = {_ATTRIBUTES.get(name, name): text for name, text in texts.items() if name != "tags"}
    for name, other in (("every", "every!"), ("every!", "every")):
        if values.get(name) and values.get(other) == "":  # the one takes the place of the other
            del values[other]
    return Details(invocation, (), values, parse_tags(tags), tuple(untag))


def _difference(invocation: Invocation, before: Texts, after: Texts, new: Texts) -> Details:
    """Return what changes the texts before into those after, which are written as in `new`."""
    from todo_cli.models.text import fold
    from todo_cli.query.input.document import LISTS, split_list

    changed = {name: new[name] for name in before if after[name] != before[name] and name not in LISTS}
    if changed.keys() & {"every", "every-after"} and new["due"] not in ("", before["due"]):
        changed["due"] = new["due"]  # which may tell that it is the last day of each month
    on, off = {}, {}
    for name in LISTS:
        here, there = ({fold(item): item for item in split_list(texts[name])} for texts in (after, before))
        on[name] = [item for key, item in here.items() if key not in there]
        off[name] = [item for key, item in there.items() if key not in here]
    for name, items in (("depends", on["depends"]), ("undepends", off["depends"])):
        if items:
            changed[name] = ",".join(items)
    return _detail(invocation, changed, tags=on["tags"], untag=off["tags"])


def _contradict(name: str, text: str) -> str:
    return f"{name} was changed meanwhile, to {_shorten(text)}; what stands here now will be in its place."


def _shorten(text: str) -> str:
    shown = repr(text) if text else "none"
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
