"""The commands for the configuration file."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli import config
from todo_cli.cli.commands import command
from todo_cli.cli.runtime import Invocation

app = typer.Typer(help="Show and change settings.")

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", hidden=True, autocompletion=lambda: list(config.SETTINGS)),
]


@command(app, "list", epilog="Example: todo config list")
def list_(invocation: Invocation) -> None:
    """Show every setting, its value, and where that comes from."""
    invocation.renderer.show_records([_describe(invocation, key) for key in config.SETTINGS])


@command(app, "get", epilog="Example: todo config get user")
def get(invocation: Invocation, key: Key) -> None:
    """Print the value of a setting, and nothing where it has none. KEY is one of those that 'list' shows."""
    config.find_setting(key)
    described = _describe(invocation, key)
    if invocation.json:
        invocation.renderer.show_record(described)
    elif described["value"] is not None:
        typer.echo(described["value"])


@command(app, "set", epilog="Example: todo config set per_page 50")
def set_(
    invocation: Invocation,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", hidden=True)],
) -> None:
    """Store a setting in the configuration file; an empty VALUE takes it out."""
    from todo_cli.services.settings import store_setting

    store_setting(key, value)
    if invocation.json:
        invocation.renderer.show_record(_describe(invocation, key))
    else:
        invocation.note(f"{key} is {'set' if value else 'no longer set'} in {config.config_path()}.")


@command(app, "path", epilog="Example: todo config path")
def path(invocation: Invocation) -> None:
    """Print where the configuration file is, or would be."""
    if invocation.json:
        invocation.renderer.show_record({"path": str(config.config_path())})
    else:
        typer.echo(config.config_path())


def _describe(invocation: Invocation, key: str) -> dict[str, config.Scalar | None]:
    """Return a setting as a record; the URL of the database without its password."""
    found = invocation.settings[key]
    secret = config.SETTINGS[key].secret and found.value is not None
    return {
        "key": key,
        "value": invocation.target.url if secret else found.value,
        "source": found.source,
        "description": config.SETTINGS[key].description,
    }
