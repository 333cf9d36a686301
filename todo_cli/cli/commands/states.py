"""The commands that change the state of todos: `start`, `done`, `cancel`, `delete` and others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo_cli.cli import options
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.targets import TargetOptions, Targets, finish
from todo_cli.errors import InvalidInputError, OpenSubtasksError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoOutcome

app = typer.Typer()


@command(app, "start", epilog="Example: todo start 12")
def start(invocation: Invocation, chosen: TargetOptions) -> None:
    """Mark todos as in progress, until 'todo stop' or until they are done.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import start_todos

    targets = Targets.of(chosen)
    finish(invocation, targets.change(invocation, start_todos, "start"), "already in progress")


@command(app, "stop", epilog="Example: todo stop 12")
def stop(invocation: Invocation, chosen: TargetOptions) -> None:
    """Mark todos as no longer in progress. They stay open.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import stop_todos

    targets = Targets.of(chosen)
    finish(invocation, targets.change(invocation, stop_todos, "stop"), "not in progress")


@command(app, "done", epilog="Example: todo done 12 14-16")
def done(
    invocation: Invocation,
    *,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Create every missed occurrence of recurring todos.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Finish todos even if they depend on open ones.")] = False,
    with_subtasks: options.WithSubtasksOption = False,
    chosen: TargetOptions,
) -> None:
    """Finish todos. A recurring todo gets its next occurrence: the first one due today or later.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. Todos that depend on open ones
    are refused. The output includes the todos that become ready.
    """
    from todo_cli.services.todos import complete_todos

    change = partial(complete_todos, catch_up=catch_up, force=force)
    targets = Targets.of(chosen)
    finish(invocation, _close(invocation, targets, change, "finish", with_subtasks), "already done")


def _close(
    invocation: Invocation, targets: Targets, change: Callable[..., Any], verb: str, with_subtasks: bool
) -> list[TodoOutcome]:
    """Close the todos with `change`; ask at a terminal whether to close their open subtasks as well."""
    try:
        return targets.change(invocation, partial(change, with_subtasks=with_subtasks), verb)
    except OpenSubtasksError as error:
        if not invocation.can_ask:
            raise
        invocation.note(f"{error.message[0].upper()}{error.message[1:]}.")
        invocation.confirm(f"{verb} {'it' if error.count == 1 else 'them'} as well", yes=False)
        return targets.change(invocation, partial(change, with_subtasks=True), verb)


@command(app, "reopen", epilog="Example: todo reopen 12")
def reopen(invocation: Invocation, chosen: TargetOptions) -> None:
    """Reopen todos that are done or cancelled.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.models.values import Status
    from todo_cli.query.filter.ast import HasStatus, Not
    from todo_cli.services.todos import reopen_todos

    targets = Targets.of(chosen, usual=Not(HasStatus(Status.OPEN)))
    finish(invocation, targets.change(invocation, reopen_todos, "reopen"), "already open")


@command(app, "cancel", epilog="Example: todo cancel 12")
def cancel(
    invocation: Invocation,
    *,
    with_subtasks: options.WithSubtasksOption = False,
    chosen: TargetOptions,
) -> None:
    """Cancel todos that will not be done. A recurring todo gets its next occurrence.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import cancel_todos

    targets = Targets.of(chosen)
    outcomes = _close(invocation, targets, cancel_todos, "cancel", with_subtasks)
    finish(invocation, outcomes, "already cancelled")


@command(app, "skip", epilog="Example: todo skip 12")
def skip(invocation: Invocation, chosen: TargetOptions) -> None:
    """Skip this occurrence of recurring todos.

    It is cancelled, and the next one is created. REF is a number (12), several (12,14 or 12-15), or the first
    characters of a uuid.
    """
    from todo_cli.services.todos import skip_todos

    targets = Targets.of(chosen)
    finish(invocation, targets.change(invocation, skip_todos, "skip"), "not open")


@command(app, "delete", epilog="Example: todo delete 12")
def delete(
    invocation: Invocation,
    *,
    series: Annotated[
        bool, typer.Option("--series", help="End the series of a recurring todo and delete its open occurrences.")
    ] = False,
    chosen: TargetOptions,
) -> None:
    """Move todos and their subtasks to the trash. 'todo restore' brings them back.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.editing.series import delete_series
    from todo_cli.services.todos import delete_todos

    if series and chosen.where is not None:
        raise InvalidInputError("--series and --where cannot be used together", "give one todo of each series")
    targets = Targets.of(chosen)
    outcomes = targets.change(invocation, delete_series if series else delete_todos, "delete")
    finish(invocation, outcomes, "already in the trash")
    if series and not outcomes:
        invocation.note("The series has ended. It had no open occurrences.")


@command(app, "restore", epilog="Example: todo restore 12")
def restore(invocation: Invocation, chosen: TargetOptions) -> None:
    """Restore todos from the trash, with their old numbers and the subtasks that were deleted with them.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.query.filter.ast import And
    from todo_cli.services.todos import restore_todos

    targets = Targets.of(chosen, usual=And(()), trashed=True)
    finish(invocation, targets.change(invocation, restore_todos, "restore"), "not in the trash")


@command(app, "upcoming", epilog="Example: todo upcoming 12 -n 10")
def upcoming(
    invocation: Invocation,
    reference: Annotated[str, typer.Argument(metavar="REF", hidden=True)],
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, max=1000, help="Number of dates.")] = 5,
) -> None:
    """Show the next due dates of a recurring todo.

    A recurrence that counts from completion is shown as if each occurrence were done on its due date.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.editing.series import list_upcoming

    references = parse_references([reference])
    if len(references) > 1:
        raise InvalidInputError(f"{reference!r} refers to several todos", "give a single number or uuid")
    dates = invocation.run(list_upcoming, references[0], number)
    invocation.renderer.show_dates(dates)
    if len(dates) < number and invocation.at_terminal:
        invocation.note("The series ends there." if dates else "This is the last occurrence of the series.")
