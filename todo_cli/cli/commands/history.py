"""The commands that tell what was done, take it back, and do it again."""

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

MOST = 1_000

CountOption = Annotated[int, typer.Option("-n", metavar="N", min=1, max=MOST, help="So many steps.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Also over what was changed since.")]


@command(app, "undo", epilog="Example: todo undo -n 2")
def undo(invocation: Invocation, number: CountOption = 1, force: ForceOption = False) -> None:
    """Take back what you did last. That is one command, or the last N, on whatever machine.

    A todo that was added goes into the trash. What somebody changed since is not set back, unless with --force. Only
    the emptying of the trash, and what copying or users are about, cannot be taken back.
    """
    from todo_cli.services.undoing import undo_steps

    _show(invocation, invocation.run(undo_steps, number, force=force), number, "undo")


@command(app, "redo", epilog="Example: todo redo")
def redo(invocation: Invocation, number: CountOption = 1, force: ForceOption = False) -> None:
    """Do again what was undone last. That goes as long as nothing else was done since."""
    from todo_cli.services.undoing import redo_steps

    _show(invocation, invocation.run(redo_steps, number, force=force), number, "redo")


def _show(invocation: Invocation, outcome: UndoOutcome, number: int, verb: str) -> None:
    with after_storing(invocation):
        candidates.remember_todos(invocation, outcome.todos)
        if not outcome.reverted:
            invocation.note(f"There is nothing to {verb}.")
        elif len(outcome.reverted) < number:
            invocation.note(f"There was no more to {verb}.")
        invocation.renderer.show_reverted(outcome)


@command(app, "history", epilog="Example: todo history 12 --since 'last monday'")
def history(
    invocation: Invocation,
    reference: Annotated[
        str | None, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="From that day, or moment, on.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="USER", help="What that user did.")] = None,
    per_page: Annotated[int | None, typer.Option("-n", "--per-page", metavar="N", help="So many on a page.")] = None,
    page: PageOption = None,
    all_: AllOption = False,
) -> None:
    """Tell what was done, the last first. At a terminal it is a page that fits, to a pipe all of it.

    With REF only what became of that todo: its number, or the first characters of its uuid. 'todo show REF --at WHEN'
    shows how it was.
    """
    from todo_cli.query.dates import parse_when, start_of_day
    from todo_cli.query.references import parse_references
    from todo_cli.query.texts import check_text
    from todo_cli.services.history import HistoryQuery, list_history

    references = parse_references([reference]) if reference is not None else ()
    if len(references) > 1:
        raise InvalidInputError(f"{reference!r} are several todos", "name one of them")
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
        invocation.note(f"There is no page {page}; the last one is {-(-result.total // size)}.")
    elif not result.steps and invocation.at_terminal:
        invocation.note("Nothing was done.")
