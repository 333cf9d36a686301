"""The `todo` command: its global options and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

import todo_cli
from todo_cli.cli import (
    backups,
    comments,
    contexts,
    copying,
    databases,
    doctor,
    editing,
    history,
    lists,
    names,
    ready,
    resident,
    saved_views,
    settings,
    states,
    todos,
    tree,
    views,
)
from todo_cli.cli.commands import DatabaseOption, DebugOption, JsonOption, UserOption
from todo_cli.cli.runtime import Invocation, quiet_when_closed
from todo_cli.cli.shell_scripts import InstallCompletionOption, ShowCompletionOption

app = typer.Typer(
    name="todo",
    help="Keep a todo list in the terminal: on this machine at once, or in a PostgreSQL database such as Neon's.",
    epilog="Start with: todo add Buy milk -d tomorrow",
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,  # ours is in shell_completion.py and shell_scripts.py
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        typer.echo(f"todo {todo_cli.__version__}")
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
    """Take the global options, and list the open todos when no command is named."""
    literals = context.obj.literals if context.obj else 0
    context.obj = Invocation(database=database, user=user, json=json, debug=debug, literals=literals)
    if context.invoked_subcommand is None:
        with quiet_when_closed():
            lists.list_(context.obj)


for commands in (
    todos.app,
    editing.app,
    states.app,
    comments.app,
    lists.app,
    ready.app,
    views.app,
    tree.app,
    history.app,
    doctor.app,
):
    app.registered_commands.extend(commands.registered_commands)
app.add_typer(lists.trash_app, name="trash")
app.add_typer(saved_views.app, name="view")
app.add_typer(contexts.app, name="context")
app.add_typer(names.project_app, name="project")
app.add_typer(names.tag_app, name="tag")
app.add_typer(names.user_app, name="user")
databases.app.registered_commands.extend(copying.app.registered_commands)
databases.app.registered_commands.extend(backups.app.registered_commands)
app.add_typer(databases.app, name="db")
app.add_typer(settings.app, name="config")
app.add_typer(resident.app, name="resident")
