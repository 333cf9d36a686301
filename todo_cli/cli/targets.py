"""Selection of the todos that a command changes, and output of the result."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import read_context
from todo_cli.cli.options import ReferencesOrWhere, WhereOption, YesOption, count_todos
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from todo_cli.db.database import Database
    from todo_cli.models.values import TodoOutcome
    from todo_cli.query.filter.ast import Filter
    from todo_cli.query.references import Reference
    from todo_cli.services.listing import ListQuery

    Change = Callable[[Database, Sequence[Reference]], Awaitable[list[TodoOutcome]]]

MAX = 1000
"""The largest number of todos that one command changes."""

MAX_UNASKED = 3
"""The largest number of todos found by --where that are changed without a question."""

MAX_SHOWN = 10
"""The largest number of todos that are shown with the question."""


@dataclass(frozen=True)
class TargetOptions:
    """The todos of a command: references, or a filter that may ask."""

    references: ReferencesOrWhere = None
    where: WhereOption = None
    yes: YesOption = False


@dataclass(frozen=True)
class Targets:
    """The todos given by references, or by a filter within the context in use.

    `usual` is a condition added to the filter, by default the one of lists; `trashed` searches the trash. `yes` answers
    the question that is asked if many todos are found.
    """

    references: Sequence[str]
    where: str | None
    yes: bool
    usual: Filter | None = None
    trashed: bool = False

    @classmethod
    def of(cls, chosen: TargetOptions, *, usual: Filter | None = None, trashed: bool = False) -> Targets:
        """Return the targets that the options of a command select."""
        return cls(chosen.references or (), chosen.where, chosen.yes, usual, trashed)

    def change(self, invocation: Invocation, change: Change, verb: str) -> list[TodoOutcome]:
        """Apply `change` to the todos and return the outcomes. `verb` names the change in the question.

        Raises InvalidInputError if references and a filter are given, or neither, and if nobody can be asked.
        """
        from todo_cli.query.references import parse_references, refer_to
        from todo_cli.services.todos import change_found

        if self.where is None:
            return invocation.run(change, parse_references(self.references))
        if self.references:
            raise InvalidInputError(
                f"{self.references[0]!r} and --where cannot be used together",
                "give references or --where, not both",
            )
        most = MAX if self.yes else MAX_UNASKED
        query = self._parse_where(invocation)
        found, outcomes = invocation.run(change_found, query, change, most=most)
        within = f" in context {query.context.name}" if query.context else ""
        if not found:
            invocation.note(f"No todos match{within}.")
            return []
        if len(found) > MAX:
            raise InvalidInputError(
                f"--where matches more than {MAX:,} todos, the most that one command changes", "narrow the filter"
            )
        invocation.note(f"Found {count_todos(len(found))}{within}.")
        if outcomes is None:
            for todo in found[:MAX_SHOWN]:
                invocation.note(f"  {todo.id}  {todo.title}")
            if len(found) > MAX_SHOWN:
                invocation.note(f"  and {len(found) - MAX_SHOWN} more")
            invocation.confirm(f"{verb} {count_todos(len(found))}", yes=self.yes)
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
        return ListQuery(condition, size=MAX + 1, trashed=self.trashed, context=read_context(invocation))


def finish(invocation: Invocation, outcomes: Sequence[TodoOutcome], unchanged: str) -> None:
    """Show the changed todos; print `unchanged` for each of the others."""
    with after_storing(invocation, ", ".join(str(outcome.todo.id) for outcome in outcomes)):
        known = [todo for outcome in outcomes for todo in (outcome.todo, *outcome.changed_with, *outcome.next)]
        candidates.remember_todos(invocation, known)
        for outcome in outcomes:
            if not outcome.changed:
                invocation.note(f"{outcome.todo.id}: {unchanged}")
        invocation.renderer.show_outcomes(outcomes)
        sys.stdout.flush()
        if invocation.at_terminal:
            for ready in sorted({each for outcome in outcomes for each in outcome.ready}):
                invocation.note(f"Ready now: {ready.id} {ready.title}")
