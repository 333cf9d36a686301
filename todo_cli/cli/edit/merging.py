"""Changing a todo with the editor, and merging the changes with concurrent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from todo_cli.cli.edit.session import EditTask, Reopen
from todo_cli.cli.edit.texts import diff_texts, normalize_texts
from todo_cli.cli.field_values import make_changes
from todo_cli.cli.invocation import Invocation
from todo_cli.errors import ConflictError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoOutcome, TodoPublic
    from todo_cli.query.input.document import Texts

_MAX_SHOWN = 300
"""The number of characters to show of a text that was changed concurrently."""


@dataclass
class ModifyTask(EditTask["TodoOutcome"]):
    """Edit a todo. `todo` is the version that the document was made from."""

    todo: TodoPublic
    invocation: Invocation

    def __post_init__(self) -> None:
        self.base = self._describe(self.todo)

    def begin(self) -> str:
        return self._write(self.base)

    def process(self, invocation: Invocation, document: str) -> TodoOutcome | Reopen:
        """Write the user's changes, merged with the present version of the todo.

        Raises ConflictError if both changed the same field and nobody can be asked.
        """
        from todo_cli.models.values import TodoOutcome
        from todo_cli.query.input.document import is_blank, merge_texts, read_document
        from todo_cli.query.references import NumberReference
        from todo_cli.services.listing import get_todos
        from todo_cli.services.todos import modify_todos

        if is_blank(document):
            return TodoOutcome(self.todo, changed=False)
        written = read_document(document)
        mine = normalize_texts(invocation, self.base, written)
        reference = [NumberReference(self.todo.id)]
        todo, theirs, merged = self.todo, self.base, mine
        while merged != theirs:
            # Send the text as the user wrote it: `eom` says more than the date that it becomes.
            new = {name: written[name] if text == mine[name] else text for name, text in merged.items()}
            changes = make_changes(diff_texts(invocation, theirs, merged, new))
            try:
                [outcome] = invocation.run(modify_todos, reference, changes, if_version=todo.version)
            except ConflictError as error:
                before, previous = theirs, todo
                [todo] = invocation.run(get_todos, reference, trashed=False)
                if todo.version == previous.version:
                    raise
                theirs = self._describe(todo)
                self._report_changes(previous, todo, before, theirs)
                merged, conflicts = merge_texts(before, merged, theirs)
                if conflicts and not self._resolve(conflicts, merged, theirs, error):
                    self.todo, self.base = todo, theirs
                    return Reopen(self._write(merged), [_explain_conflict(name, theirs[name]) for name in conflicts])
            else:
                return outcome
        return TodoOutcome(todo, changed=False)

    def _describe(self, todo: TodoPublic) -> dict[str, str]:
        from todo_cli.query.input.document import describe_todo

        return describe_todo(todo, self.invocation.now)

    def _write(self, texts: Texts) -> str:
        from todo_cli.query.input.document import write_document

        return write_document(texts, [f"{self.todo.id}, {self.todo.status.value}."])

    def _report_changes(self, previous: TodoPublic, todo: TodoPublic, before: Texts, after: Texts) -> None:
        """Print what others have changed."""
        changed = [f"{name} is now {_shorten(after[name])}" for name in before if after[name] != before[name]]
        if previous.status is not todo.status:
            changed.append(f"status is now {todo.status.value}")
        self.invocation.note(
            f"todo {todo.id} was changed in the meantime"
            + (f": {'; '.join(changed)}" if changed else ", but only in fields that the editor does not show")
        )

    def _resolve(self, conflicts: Sequence[str], merged: dict[str, str], theirs: Texts, error: ConflictError) -> bool:
        """Ask which value to keep for each field in conflict; return False if the user wants to edit again.

        Raises ConflictError if nobody can be asked.
        """
        if not self.invocation.can_ask:
            both = "; ".join(
                f"{name} is now {_shorten(theirs[name])}, and you set it to {_shorten(merged[name])}"
                for name in conflicts
            )
            raise ConflictError(
                f"todo {self.todo.id} was changed in the meantime: {both}", "nothing was written"
            ) from error
        for name in conflicts:
            self.invocation.note(f"Both you and someone else changed {name}.")
            self.invocation.note(f"  mine:   {_shorten(merged[name])}")
            self.invocation.note(f"  theirs: {_shorten(theirs[name])}")
            answer = typer.prompt("Keep (m)ine, keep (t)heirs, or (e)dit again?", err=True)
            while (choice := answer.strip().lower()[:1]) not in ("m", "t", "e"):
                answer = typer.prompt("Enter m, t or e", err=True)
            if choice == "e":
                return False
            if choice == "t":
                merged[name] = theirs[name]
        return True


def _explain_conflict(name: str, text: str) -> str:
    return f"{name} was changed to {_shorten(text)} in the meantime; the value below will replace it."


def _shorten(text: str) -> str:
    shown = repr(text) if text else "none"
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
