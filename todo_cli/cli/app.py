"""The `todo` command: its global options and its commands."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from todo_cli.cli.completion.scripts import InstallCompletionOption, ShowCompletionOption
from todo_cli.cli.index import COMMANDS, GROUPS
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.lazy import Commands, LazyCommand, LazyGroup, build, make_group
from todo_cli.cli.parsing.registration import DatabaseOption, DebugOption, JsonOption, UserOption
from todo_cli.cli.streams import print_version, quiet_when_closed

app = typer.Typer(
    name="todo",
    cls=LazyGroup,
    help="Manage todos in the terminal, stored in a local file or in a PostgreSQL database such as Neon.",
    epilog="Start with: todo add Buy milk -d tomorrow",
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,  # replaced by cli/completion
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(context: typer.Context, requested: bool) -> None:
    if requested and not context.resilient_parsing:
        print_version()
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    database: DatabaseOption = None,
    user: UserOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    show_completion: ShowCompletionOption = None,
    install_completion: InstallCompletionOption = None,
) -> None:
    """Store the global options; without a command, list the open todos."""
    before = context.obj or Invocation()
    context.obj = replace(before, database=database, user=user, json=json, debug=debug)
    if context.invoked_subcommand is None:
        from todo_cli.cli.commands.lists import list_
        from todo_cli.cli.listing import ListOptions

        with quiet_when_closed():
            list_(context.obj, display=ListOptions())


@cache
def program() -> TyperGroup:
    """Return the `todo` command. Commands that have been built are kept for the next call in this process."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    sources: dict[str, Callable[[], TyperCommand | TyperGroup]] = {}
    for module, names in COMMANDS.items():
        sources |= {name: partial(_load_command, module, name) for name in names}
    sources |= {name: partial(_load_group, name) for name in GROUPS}
    group.commands = cast("MutableMapping[str, Any]", Commands(sources))  # which Typer only reads
    return group


def build_all() -> None:
    """Import and build every command, for a process that runs many of them."""
    build(program())


def _load_command(module: str, name: str) -> LazyCommand:
    registered = _load_app(f"{module}:app").registered_commands
    return LazyCommand(next(info for info in registered if info.name == name))


def _load_group(name: str) -> TyperGroup:
    return make_group(name, map(_load_app, GROUPS[name]))


def _load_app(place: str) -> typer.Typer:
    module, _, name = place.partition(":")
    found = getattr(import_module(f"todo_cli.cli.{module}"), name)
    assert isinstance(found, typer.Typer)
    return found
