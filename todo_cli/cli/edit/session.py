"""The editing loop: open the editor, process the document, and reopen the editor until the document is valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from todo_cli.cli.edit.editor import Draft
from todo_cli.cli.invocation import Invocation
from todo_cli.errors import ConflictError, InvalidInputError, NotFoundError, TodoError

T = TypeVar("T")


@dataclass
class Reopen:
    """A request to open the editor again, with this document and these lines above it."""

    document: str
    reason: Sequence[str]


class EditTask(Generic[T]):
    """An editing task: its document and what to do with the result."""

    def begin(self) -> str:
        """Return the document to open in the editor."""
        raise NotImplementedError

    def process(self, invocation: Invocation, document: str) -> T | Reopen:
        """Store the changes; `invocation` has the time at which the editor was closed.

        Raises InvalidInputError, NotFoundError or ConflictError for errors that the user can correct in the editor.
        """
        raise NotImplementedError


def edit_until_valid(invocation: Invocation, draft: Draft, task: EditTask[T]) -> T:
    """Return the result of the task. After an error, open the editor again, with the error at the top.

    Raises the error if nobody can correct it, or if the user closes the editor without changes.
    """
    from todo_cli.query.input.document import with_reason
    from todo_cli.rendering.format.escaping import neutralize

    document = task.begin()
    reason: list[str] = []
    last_error: TodoError | None = None
    while True:
        before = with_reason(document, reason)
        after = draft.edit(before)
        if last_error and after == before:
            raise last_error
        document = with_reason(after, [])
        try:
            result = task.process(invocation.again(), document)
        except (InvalidInputError, NotFoundError, ConflictError) as error:
            if not invocation.can_ask:
                raise
            last_error = error
            lines = (
                f"error: {error.message}",
                error.hint and f"hint: {error.hint}",
                "To give up, close the editor without changes.",
            )
            reason = [neutralize(line) for line in lines if line]
        else:
            if not isinstance(result, Reopen):
                return result
            document, reason, last_error = result.document, [neutralize(line) for line in result.reason], None
