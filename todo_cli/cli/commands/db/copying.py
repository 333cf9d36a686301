"""The command `db copy`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli.cli import options
from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.signals import hold_interruptions
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from todo_cli.db.database import Database
    from todo_cli.models.values import CopyResult

app = typer.Typer()

EMBEDDED = "embedded"
"""The name of the embedded file as a value of --from and --to."""


@command(app, "copy", epilog="Example: todo db copy --from embedded")
def copy(
    invocation: Invocation,
    from_: Annotated[str | None, typer.Option("--from", metavar="DB", help="The database to copy from.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DB", help="The database to copy into.")] = None,
    from_user: Annotated[
        str | None, typer.Option("--from-user", metavar="NAME", help="User to copy from, if not --user.")
    ] = None,
    to_user: Annotated[
        str | None, typer.Option("--to-user", metavar="NAME", help="User to copy to, if not --user.")
    ] = None,
    renumber: Annotated[
        bool, typer.Option("--renumber", help="Give new numbers to todos whose numbers are taken.")
    ] = False,
) -> None:
    """Copy all todos, with projects, tags, comments, trash and history, into another database.

    Existing todos are kept. DB is a URL, or `embedded` for the file on this machine; the default for either side is the
    database in use. Todos keep their numbers; --renumber prints the old and new numbers of those that do not.
    """
    from todo_cli.rendering.format.progress import show_progress
    from todo_cli.services.databases.copying import copy_todos

    if from_ is None and to is None:
        raise InvalidInputError("--from or --to is required", "for example: todo db copy --from embedded")
    source = _open(invocation, from_, from_user)
    destination = _open(invocation, to, to_user)
    was_there = destination.target.exists()
    with show_progress(sys.stderr, "Copying") as progress:
        result = invocation.run_between(source, destination, copy_todos, renumber=renumber, progress=progress)
    with after_storing(invocation):
        candidates.forget(invocation)
        if not was_there and not invocation.json:
            invocation.note(f"Created a new list in {destination.target}.")
        renumbered = [{"old": old, "new": new} for old, new in result.renumbered]
        if invocation.json:
            invocation.renderer.show_record(
                {
                    "from": str(source.target),
                    "to": str(destination.target),
                    "copied": result.copied,
                    "already_there": result.already_there,
                    "projects": result.projects,
                    "tags": result.tags,
                    "renumbered": renumbered,
                }
            )
        else:
            invocation.renderer.show_records(renumbered)
            invocation.note(_describe(result, f"from {source.target} to {destination.target}"))


def _open(invocation: Invocation, address: str | None, user: str | None) -> Database:
    """Return the source or the destination. The setting `user` applies only to the database in use."""
    from todo_cli.config import Value
    from todo_cli.services.databases.settings import choose_target, open_database

    settings = dict((invocation if address is None else replace(invocation, database=address)).settings)
    if address is not None:
        settings["database"] = Value(None if address == EMBEDDED else address, "flag")
        settings["user"] = Value(None, "default")
    if (named := invocation.user if user is None else user) is not None:
        settings["user"] = Value(named, "flag")
    return open_database(choose_target(settings), settings, invocation.now, before_commit=hold_interruptions)


def _describe(result: CopyResult, route: str) -> str:
    if not (result.copied or result.projects or result.tags):
        existing = f"; {options.count_todos(result.already_there)} already existed" if result.already_there else ""
        return f"Nothing new to copy {route}{existing}."
    existing = f"; {result.already_there:,} already existed" if result.already_there else ""
    todos = options.count_todos(result.copied)
    return f"Copied {todos}, {_count(result.projects, 'project')} and {_count(result.tags, 'tag')} {route}{existing}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
