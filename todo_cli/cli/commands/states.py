"""The commands that begin and close todos, open them again, and put them into the trash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo_cli.cli import options
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.targets import Targets, finish
from todo_cli.errors import InvalidInputError, OpenSubtasksError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoOutcome

app = typer.Typer()


@command(app, "start", epilog="Example: todo start 12")
def start(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Mark todos as what you are at. That lasts until 'todo stop', or until they are done.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import start_todos

    targets = Targets(references or (), where, yes)
    finish(invocation, targets.change(invocation, start_todos, "start"), "is started already")


@command(app, "stop", epilog="Example: todo stop 12")
def stop(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """End what 'todo start' began. The todos stay open.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import stop_todos

    targets = Targets(references or (), where, yes)
    finish(invocation, targets.change(invocation, stop_todos, "stop"), "is not started")


@command(app, "done", epilog="Example: todo done 12 14-16")
def done(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Of what recurs, make each occurrence that was missed.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what depends on something that is open.")] = False,
    with_subtasks: options.WithSubtasksOption = False,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Finish todos. Of what recurs the next occurrence is made, the first that is not before today.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. What depends on an open todo is
    refused. It says which todos wait for nothing any more.
    """
    from todo_cli.services.todos import complete_todos

    change = partial(complete_todos, catch_up=catch_up, force=force)
    targets = Targets(references or (), where, yes)
    finish(invocation, _close(invocation, targets, change, "finish", with_subtasks), "is done already")


def _close(
    invocation: Invocation, targets: Targets, change: Callable[..., Any], verb: str, with_subtasks: bool
) -> list[TodoOutcome]:
    """Return what `change` makes of the todos; asks whether subtasks that are open are meant as well."""
    try:
        return targets.change(invocation, partial(change, with_subtasks=with_subtasks), verb)
    except OpenSubtasksError as error:
        if not invocation.can_ask:
            raise
        invocation.note(f"{error.message[0].upper()}{error.message[1:]}.")
        invocation.confirm(f"{verb.capitalize()} {'it' if error.count == 1 else 'them'} as well?", yes=False)
        return targets.change(invocation, partial(change, with_subtasks=True), verb)


@command(app, "reopen", epilog="Example: todo reopen 12")
def reopen(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Open todos again that are done or cancelled.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.models.values import Status
    from todo_cli.query.filter.ast import HasStatus, Not
    from todo_cli.services.todos import reopen_todos

    targets = Targets(references or (), where, yes, usual=Not(HasStatus(Status.OPEN)))
    finish(invocation, targets.change(invocation, reopen_todos, "open"), "is open already")


@command(app, "cancel", epilog="Example: todo cancel 12")
def cancel(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    with_subtasks: options.WithSubtasksOption = False,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Take todos off the list that will not be done. Of what recurs the next occurrence is made.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import cancel_todos

    targets = Targets(references or (), where, yes)
    outcomes = _close(invocation, targets, cancel_todos, "cancel", with_subtasks)
    finish(invocation, outcomes, "is cancelled already")


@command(app, "skip", epilog="Example: todo skip 12")
def skip(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Pass over this occurrence of todos that recur.

    It is cancelled, and the next one is made. REF is a number (12), several (12,14 or 12-15), or the first characters
    of a uuid.
    """
    from todo_cli.services.todos import skip_todos

    targets = Targets(references or (), where, yes)
    finish(invocation, targets.change(invocation, skip_todos, "skip"), "is not open")


@command(app, "delete", epilog="Example: todo delete 12")
def delete(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    series: Annotated[
        bool, typer.Option("--series", help="End the series of what recurs, and delete what is open of it.")
    ] = False,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Put todos into the trash, with their subtasks. 'todo restore' takes them out.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.editing.series import delete_series
    from todo_cli.services.todos import delete_todos

    if series and where is not None:
        raise InvalidInputError("--series deletes more than --where finds", "name one todo of each series")
    targets = Targets(references or (), where, yes)
    outcomes = targets.change(invocation, delete_series if series else delete_todos, "delete")
    finish(invocation, outcomes, "is in the trash already")
    if series and not outcomes:
        invocation.note("Nothing of it was open; it will not come again.")


@command(app, "restore", epilog="Example: todo restore 12")
def restore(
    invocation: Invocation,
    references: options.ReferencesOrWhere = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Take todos from the trash. They have their old numbers, and what went there with them comes along.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.query.filter.ast import And
    from todo_cli.services.todos import restore_todos

    targets = Targets(references or (), where, yes, usual=And(()), trashed=True)
    finish(invocation, targets.change(invocation, restore_todos, "restore"), "is not in the trash")


@command(app, "upcoming", epilog="Example: todo upcoming 12 -n 10")
def upcoming(
    invocation: Invocation,
    reference: Annotated[str, typer.Argument(metavar="REF", hidden=True)],
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, max=1000, help="So many.")] = 5,
) -> None:
    """Show when a todo that recurs comes next.

    These are the dates on which the occurrences after this one will be due. What counts from completion is shown as if
    each were done when it is due.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.editing.series import list_upcoming

    references = parse_references([reference])
    if len(references) > 1:
        raise InvalidInputError(f"{reference!r} are several todos", "name one")
    dates = invocation.run(list_upcoming, references[0], number)
    invocation.renderer.show_dates(dates)
    if len(dates) < number and invocation.at_terminal:
        invocation.note("The series ends there." if dates else "It is the last one of its series.")
