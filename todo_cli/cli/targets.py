"""Which todos a command is about, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import read_context
from todo_cli.cli.options import count_todos
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from todo_cli.db.database import Database
    from todo_cli.models.values import TodoOutcome
    from todo_cli.query.filter.ast import Filter
    from todo_cli.query.references import Reference
    from todo_cli.services.listing import ListQuery

    Change = Callable[[Database, Sequence[Reference]], Awaitable[list[TodoOutcome]]]

MOST = 1000
"""So many todos are changed at once."""

MOST_UNASKED = 3
"""So many todos that an expression finds are changed without a question."""

MOST_SHOWN = 10
"""So many of them are shown with the question."""


@dataclass(frozen=True)
class Targets:
    """The todos that are named, or those that an expression finds within the context in use.

    `usual` is what holds of the latter beside the expression, by default what holds for lists; `trashed` looks for
    them in the trash. `yes` is the answer to the question that is asked where many are found.
    """

    references: Sequence[str]
    where: str | None
    yes: bool
    usual: Filter | None = None
    trashed: bool = False

    def change(self, invocation: Invocation, change: Change, verb: str) -> list[TodoOutcome]:
        """Return what `change` makes of the todos; nothing found is said. `verb` is for the question.

        Raises InvalidInputError if todos are named and looked for, or neither, and where there is nobody to ask.
        """
        from todo_cli.query.references import parse_references, refer_to
        from todo_cli.services.todos import change_found

        if self.where is None:
            return invocation.run(change, parse_references(self.references))
        if self.references:
            raise InvalidInputError(
                f"{self.references[0]!r} and --where both say which todos are meant",
                "name todos, or find them with --where",
            )
        most = MOST if self.yes else MOST_UNASKED
        query = self._parse_where(invocation)
        found, outcomes = invocation.run(change_found, query, change, most=most)
        within = f" in the context {query.context.name}" if query.context else ""
        if not found:
            invocation.note(f"No todos match{within}.")
            return []
        if len(found) > MOST:
            raise InvalidInputError(f"these are more than {MOST:,} todos at once", "narrow it, and repeat the command")
        invocation.note(f"Found {count_todos(len(found))}{within}.")
        if outcomes is None:
            for todo in found[:MOST_SHOWN]:
                invocation.note(f"  {todo.id}  {todo.title}")
            if len(found) > MOST_SHOWN:
                invocation.note(f"  and {len(found) - MOST_SHOWN} more")
            invocation.confirm(f"{verb.capitalize()} {count_todos(len(found))}?", yes=self.yes)
            outcomes = invocation.run(change, refer_to(found))
        return outcomes

    def _parse_where(self, invocation: Invocation) -> ListQuery:
        from todo_cli.query.defaults import with_defaults
        from todo_cli.query.filter.ast import And
        from todo_cli.query.filter.parser import parse_filter
        from todo_cli.services.listing import ListQuery

        assert self.where is not None
        tree = parse_filter([self.where], invocation.now, invocation.conventions)
        condition = with_defaults(tree) if self.usual is None else And((self.usual, tree))
        return ListQuery(condition, size=MOST + 1, trashed=self.trashed, context=read_context(invocation))


def finish(invocation: Invocation, outcomes: Sequence[TodoOutcome], unchanged: str) -> None:
    """Show what became of the todos, and say which of them were as wanted before."""
    with after_storing(invocation, ", ".join(str(outcome.todo.id) for outcome in outcomes)):
        known = [todo for outcome in outcomes for todo in (outcome.todo, *outcome.family, *outcome.next)]
        candidates.remember_todos(invocation, known)
        for outcome in outcomes:
            if not outcome.changed:
                invocation.note(f"{outcome.todo.id} {unchanged}")
        invocation.renderer.show_outcomes(outcomes)
        sys.stdout.flush()
        if invocation.at_terminal:
            for ready in sorted({each for outcome in outcomes for each in outcome.ready}):
                invocation.note(f"Ready now: {ready.id} {ready.title}")
