"""Adding a todo with the editor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from todo_cli.cli.edit.editor import open_draft
from todo_cli.cli.edit.session import EditTask, edit_until_valid
from todo_cli.cli.edit.texts import to_values
from todo_cli.cli.field_values import FieldValues, make_todo
from todo_cli.cli.invocation import Invocation
from todo_cli.errors import TodoError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoOutcome
    from todo_cli.query.input.document import Texts
    from todo_cli.services.todos import NewTodo


def edit_new(
    invocation: Invocation, given: FieldValues, add: Callable[[Invocation, NewTodo], TodoOutcome]
) -> TodoOutcome:
    """Open the editor with the given values, and return the result of `add` for the todo that the user writes.

    Raises TodoError if the user adds nothing or leaves the title empty.
    """
    from todo_cli.query.input.document import DESCRIPTION, HEAD, join_list

    title = " ".join(given.text)
    make_todo(given, title)  # report invalid values before the editor opens
    texts = {key: given.values.get(setter.name, "") for key, setter in HEAD.items()}
    texts |= {key: join_list(given.lists.get(setter.name, ())) for key, setter in HEAD.items() if setter.is_list}
    texts |= {"title": title, DESCRIPTION: given.values.get(DESCRIPTION, "")}
    with open_draft("todo-new", invocation) as draft:
        return edit_until_valid(invocation, draft, _AddTask(texts, add))


@dataclass
class _AddTask(EditTask["TodoOutcome"]):
    texts: Texts
    add: Callable[[Invocation, NewTodo], TodoOutcome]

    def begin(self) -> str:
        from todo_cli.query.input.document import write_document

        return write_document(self.texts, ["A new todo. Leave the title empty to add nothing."])

    def process(self, invocation: Invocation, document: str) -> TodoOutcome:
        from todo_cli.query.input.document import is_blank, read_document
        from todo_cli.query.texts import parse_title

        if is_blank(document):
            raise TodoError("nothing was added: the text is empty")
        texts = read_document(document, complete=False)
        if not texts["title"].strip():
            raise TodoError("nothing was added: the title is empty")
        values = {name: text for name, text in texts.items() if text.strip()}
        title = parse_title(values.pop("title"))
        return self.add(invocation, make_todo(to_values(invocation, values), title))
