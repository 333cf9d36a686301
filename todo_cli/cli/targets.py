"""Which todos a command is about, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from todo_cli.cli import completion
from todo_cli.cli.options import count_todos
from todo_cli.cli.runtime import Invocation
from todo_cli.errors import InvalidInputError, TodoError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoOutcome
    from todo_cli.query.filters import Filter
    from todo_cli.query.references import Reference

MOST_UNASKED = 3
"""So many todos that an expression finds are changed without a question."""


def choose_targets(
    invocation: Invocation,
    references: Sequence[str],
    where: str | None,
    verb: str,
    *,
    yes: bool,
    usual: Filter | None = None,
    trashed: bool = False,
    hint: str | None = None,
) -> Sequence[Reference]:
    """Return the todos that are named, or those that the expression `where` finds, if the user agrees.

    `usual` is what holds of these beside the expression, by default what holds for lists. Nothing found is an empty
    list, and said. Raises InvalidInputError for both or neither, and where there is nobody to ask.
    """
    from todo_cli.query.references import parse_references

    if where is None:
        return parse_references(references, hint=hint)
    if references:
        raise InvalidInputError(
            f"{references[0]!r} and --where both say which todos are meant", "name todos, or find them with --where"
        )
    found = _find(invocation, where, usual, trashed=trashed)
    if not found:
        invocation.note("No todos match.")
        return ()
    invocation.note(f"Found {count_todos(len(found))}.")
    if len(found) > MOST_UNASKED:
        invocation.confirm(f"{verb.capitalize()} {count_todos(len(found))}?", yes=yes)
    return found


def _find(invocation: Invocation, where: str, usual: Filter | None, *, trashed: bool) -> list[Reference]:
    from todo_cli.query.defaults import with_defaults
    from todo_cli.query.filters import And
    from todo_cli.query.language import parse_filter
    from todo_cli.query.references import MOST, UuidReference
    from todo_cli.services.listing import ListQuery, list_todos

    tree = parse_filter([where], invocation.now, invocation.conventions)
    condition = with_defaults(tree) if usual is None else And((usual, tree))
    page = invocation.run(list_todos, ListQuery(condition, size=MOST + 1, trashed=trashed))
    if len(page.todos) > MOST:
        raise InvalidInputError(f"these are more than {MOST:,} todos at once", "narrow it, and repeat the command")
    return [UuidReference(str(todo.uuid), todo.uuid, todo.uuid) for todo in page.todos]


def finish(invocation: Invocation, outcomes: Sequence[TodoOutcome], unchanged: str) -> None:
    """Show what became of the todos, and say which of them were as wanted before."""
    completion.remember_todos(invocation, [todo for outcome in outcomes for todo in (outcome.todo, *outcome.next)])
    for outcome in outcomes:
        if not outcome.changed:
            invocation.note(f"{outcome.todo.id} {unchanged}")
    try:
        invocation.renderer.show_outcomes(outcomes)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        numbers = ", ".join(str(outcome.todo.id) for outcome in outcomes)
        raise TodoError(
            f"it is stored ({numbers}), but cannot be shown: {error.strerror}", "do not repeat it"
        ) from None
