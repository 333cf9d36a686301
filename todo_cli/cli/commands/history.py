"""The commands `undo`, `redo` and `history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import AllOption, PageOption, page_size
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from todo_cli.models.history import UndoOutcome

app = typer.Typer()

MAX = 1_000

CountOption = Annotated[int, typer.Option("-n", metavar="N", min=1, max=MAX, help="Number of steps.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite later changes.")]


@command(app, "undo", epilog="Example: todo undo -n 2")
def undo(invocation: Invocation, number: CountOption = 1, force: ForceOption = False) -> None:
    """Undo your last command, or the last N, on any machine.

    Undoing 'todo add' moves the todo to the trash. Fields that were changed again later are not overwritten, unless you
    add --force. Emptying the trash, copying databases and changes to users cannot be undone.
    """
    from todo_cli.services.undoing import undo_steps

    _show(invocation, invocation.run(undo_steps, number, force=force), number, "undo")


@command(app, "redo", epilog="Example: todo redo")
def redo(invocation: Invocation, number: CountOption = 1, force: ForceOption = False) -> None:
    """Redo the last command that was undone, or the last N. This fails if you have changed anything else since."""
    from todo_cli.services.undoing import redo_steps

    _show(invocation, invocation.run(redo_steps, number, force=force), number, "redo")


def _show(invocation: Invocation, outcome: UndoOutcome, number: int, verb: str) -> None:
    with after_storing(invocation):
        candidates.remember_todos(invocation, outcome.todos)
        if not outcome.reverted:
            invocation.note(f"Nothing to {verb}.")
        elif len(outcome.reverted) < number:
            invocation.note(f"Nothing more to {verb}.")
        invocation.renderer.show_reverted(outcome)


@command(app, "history", epilog="Example: todo history 12 --since 'last monday'")
def history(
    invocation: Invocation,
    reference: Annotated[
        str | None, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Only steps since this day or time.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="USER", help="Only steps of this user.")] = None,
    per_page: Annotated[int | None, typer.Option("-n", "--per-page", metavar="N", help="Steps per page.")] = None,
    page: PageOption = None,
    all_: AllOption = False,
) -> None:
    """Show the history, newest first: one page on a terminal, all of it in a pipe.

    REF, a number or the first characters of a uuid, limits it to one todo. 'todo show REF --at WHEN' shows the todo as
    it was at that time.
    """
    from todo_cli.query.dates import parse_when, start_of_day
    from todo_cli.query.references import parse_references
    from todo_cli.query.texts import check_text
    from todo_cli.services.history import HistoryQuery, list_history

    references = parse_references([reference]) if reference is not None else ()
    if len(references) > 1:
        raise InvalidInputError(f"{reference!r} refers to several todos", "give a single number or uuid")
    moment = None
    if since is not None:
        when = parse_when(since, invocation.now, invocation.conventions)
        moment = when.at or start_of_day(when.on, invocation.now)
    size = page_size(invocation, page, per_page, everything=all_)
    user = None if by is None else check_text(by, "name")
    query = HistoryQuery(references[0] if references else None, moment, user, page or 1, size)
    result = invocation.run(list_history, query)
    invocation.renderer.show_history(result)
    if not result.steps and result.total and size:
        invocation.note(f"There is no page {page}; the last page is {-(-result.total // size)}.")
    elif not result.steps and invocation.at_terminal:
        invocation.note("The history is empty.")
