"""The commands for contexts: what one is at, which narrows every list and gives attributes to every new todo."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.details import read_defaults
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.config import SavedContext
from todo_cli.errors import InvalidInputError

app = typer.Typer(help="Keep lists, and new todos, to what you are at.")

ContextName = Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_contexts)]


@command(app, "save", epilog="Example: todo context save work 'project:work or +office' --defaults 'project:work'")
def save(
    invocation: Invocation,
    name: ContextName,
    expression: Annotated[str, typer.Argument(metavar="FILTER", hidden=True)],
    defaults: Annotated[
        str,
        typer.Option("--defaults", metavar="WORDS", help="Attributes for every 'todo add', such as 'project:work'."),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Put it in the place of the one of that name.")] = False,
) -> None:
    """Save a context under a name; 'todo context use NAME' puts it in use.

    FILTER is what 'todo list' would be told, as one argument in quotes: lists show only what it finds.
    """
    from todo_cli.query.filter.parser import parse_filter
    from todo_cli.services.databases.saved import save_context

    parse_filter([expression], invocation.now, invocation.conventions)
    read_defaults(invocation, defaults)
    context = SavedContext(name, expression, defaults.strip())
    save_context(context, replace=force)
    if invocation.json:
        with after_storing(invocation):
            invocation.renderer.show_record(_describe(invocation, context))
    else:
        invocation.note(f"Saved: todo context use {name}")


@command(app, "use", epilog="Example: todo context use work")
def use(invocation: Invocation, name: ContextName) -> None:
    """Put a context in use; 'none' ends that.

    TODO_CONTEXT=NAME does the same in one shell only, and goes before what is stored; so does TODO_CONTEXT=none.
    """
    from todo_cli.services.databases.saved import use_context

    context = use_context(name)
    if invocation.json:
        with after_storing(invocation):
            invocation.renderer.show_record({"context": context.name if context else None})
    else:
        invocation.note(f"The context {context.name} is in use." if context else "No context is in use.")
    if here := os.environ.get("TODO_CONTEXT"):
        invocation.note(f"In this shell TODO_CONTEXT={here} goes before that.")


@command(app, "list", epilog="Example: todo context list")
def list_(invocation: Invocation) -> None:
    """List the contexts that are saved."""
    from todo_cli.services.databases.saved import list_contexts

    contexts = list_contexts()
    invocation.renderer.show_records([_describe(invocation, context) for context in contexts])
    if not contexts and invocation.at_terminal:
        invocation.note("No contexts. One is saved with: todo context save work project:work")


@command(app, "show", epilog="Example: todo context show work")
def show(
    invocation: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_contexts)
    ] = None,
) -> None:
    """Show what a context is made of, without NAME that of the one in use."""
    from todo_cli.services.databases.saved import find_context

    context = invocation.context if name is None else find_context(name)
    if context is None:
        raise InvalidInputError("no context is in use", "todo context show NAME")
    invocation.renderer.show_record(_describe(invocation, context))


@command(app, "delete", epilog="Example: todo context delete work")
def delete(invocation: Invocation, name: ContextName) -> None:
    """Delete a context; if it was in use, none is then. The todos stay as they are."""
    from todo_cli.services.databases.saved import delete_context

    deleted = delete_context(name)
    with after_storing(invocation):
        invocation.renderer.show_records([{"name": deleted.name}])


def _describe(invocation: Invocation, context: SavedContext) -> dict[str, str | bool | None]:
    from todo_cli.models.text import fold

    used = fold(str(invocation.settings["context"].value)) == fold(context.name)
    return {**asdict(context), "defaults": context.defaults or None, "used": used}
