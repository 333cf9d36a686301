"""The `context` commands. A context filters every list and gives attributes to every new todo."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.field_values import read_defaults
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.config import SavedContext
from todo_cli.errors import InvalidInputError

app = typer.Typer(help="Limit lists and new todos to a context.")

ContextName = Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_contexts)]


@command(app, "save", epilog="Example: todo context save work 'project:work or +office' --defaults 'project:work'")
def save(
    invocation: Invocation,
    name: ContextName,
    expression: Annotated[str, typer.Argument(metavar="FILTER", hidden=True)],
    defaults: Annotated[
        str,
        typer.Option("--defaults", metavar="WORDS", help="Attributes for new todos, such as 'project:work'."),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing context with the same name.")] = False,
) -> None:
    """Save a context; 'todo context use NAME' turns it on.

    FILTER is a filter as for 'todo list', quoted as one argument. Lists show only the todos that match it.
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
        invocation.note(f"Saved context {name}. Use it with: todo context use {name}")


@command(app, "use", epilog="Example: todo context use work")
def use(invocation: Invocation, name: ContextName) -> None:
    """Use a context; 'none' turns it off.

    TODO_CONTEXT=NAME, or TODO_CONTEXT=none, does the same in one shell only and overrides the stored context.
    """
    from todo_cli.services.databases.saved import use_context

    context = use_context(name)
    if invocation.json:
        with after_storing(invocation):
            invocation.renderer.show_record({"context": context.name if context else None})
    else:
        invocation.note(f"Now using context {context.name}." if context else "No context is in use.")
    if here := os.environ.get("TODO_CONTEXT"):
        invocation.note(f"In this shell, TODO_CONTEXT={here} overrides it.")


@command(app, "list", epilog="Example: todo context list")
def list_(invocation: Invocation) -> None:
    """List saved contexts."""
    from todo_cli.services.databases.saved import list_contexts

    contexts = list_contexts()
    invocation.renderer.show_records([_describe(invocation, context) for context in contexts])
    if not contexts and invocation.at_terminal:
        invocation.note("No contexts. Save one with: todo context save work project:work")


@command(app, "show", epilog="Example: todo context show work")
def show(
    invocation: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_contexts)
    ] = None,
) -> None:
    """Show the filter and defaults of a context, by default of the one in use."""
    from todo_cli.services.databases.saved import find_context

    context = invocation.context if name is None else find_context(name)
    if context is None:
        raise InvalidInputError("no context is in use", "run 'todo context show NAME'")
    invocation.renderer.show_record(_describe(invocation, context))


@command(app, "delete", epilog="Example: todo context delete work")
def delete(invocation: Invocation, name: ContextName) -> None:
    """Delete a context, and turn it off if it is in use. Its todos are kept."""
    from todo_cli.services.databases.saved import delete_context

    deleted = delete_context(name)
    with after_storing(invocation):
        invocation.renderer.show_records([{"name": deleted.name}])


def _describe(invocation: Invocation, context: SavedContext) -> dict[str, str | bool | None]:
    from todo_cli.models.text import fold

    used = fold(str(invocation.settings["context"].value)) == fold(context.name)
    return {**asdict(context), "defaults": context.defaults or None, "used": used}
