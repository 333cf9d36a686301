"""The `config` commands."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli import config
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.redaction import conceal

app = typer.Typer(help="Show and change settings.")

_TABLES = ("urgency", "theme")

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", hidden=True, autocompletion=lambda: list(config.SETTINGS)),
]


@command(app, "list", epilog="Example: todo config list theme")
def list_(
    invocation: Invocation,
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", hidden=True, autocompletion=lambda: list(_TABLES))
    ] = None,
) -> None:
    """List the settings with their values and sources.

    The tables 'urgency' and 'theme' show only the settings that you have changed; give TABLE to list all settings of
    one table.
    """
    from todo_cli.suggestions import choose

    chosen = None if table is None else choose(table, _TABLES, "table", "tables")
    shown = [
        key
        for key, value in invocation.settings.items()
        if (key.startswith(f"{chosen}.") if chosen else "." not in key or value.source != "default")
    ]
    invocation.renderer.show_records([_describe(invocation, key) for key in shown])


@command(app, "get", epilog="Example: todo config get user")
def get(invocation: Invocation, key: Key) -> None:
    """Print the value of a setting, or nothing if it is not set.

    KEY is a key that 'list' shows, urgency.tag.NAME or urgency.project.NAME.
    """
    config.find_setting(key)
    described = _describe(invocation, key)
    if invocation.json:
        invocation.renderer.show_record(described)
    elif described["value"] is not None:
        invocation.print_value(str(described["value"]))


@command(app, "set", epilog="Example: todo config set per_page 50")
def set_(
    invocation: Invocation,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", hidden=True)],
) -> None:
    """Store a setting in the configuration file; an empty VALUE removes it.

    KEY is a key that 'list' shows, such as urgency.due. The VALUE of a theme key, such as theme.overdue, is a style
    such as 'bold red'.
    """
    from todo_cli.services.databases.settings import store_setting

    if value and key.startswith("theme."):
        from todo_cli.rendering.terminal.theme import parse_style

        config.find_setting(key)
        parse_style(key.removeprefix("theme."), value)
    store_setting(key, value)
    if key == "resident" and value.lower() == "off":
        from todo_cli.handoff.control import stop_resident

        stop_resident()
    if invocation.json:
        with after_storing(invocation):
            invocation.renderer.show_record(_describe(invocation, key))
    else:
        invocation.note(f"{'Set' if value else 'Removed'} {key} {'in' if value else 'from'} {config.config_path()}.")


@command(app, "unset", epilog="Example: todo config unset per_page")
def unset(invocation: Invocation, key: Key) -> None:
    """Remove a setting from the configuration file, to restore its default."""
    set_(invocation, key, "")


@command(app, "path", epilog="Example: todo config path")
def path(invocation: Invocation) -> None:
    """Print the path of the configuration file."""
    if invocation.json:
        invocation.renderer.show_record({"path": str(config.config_path())})
    else:
        invocation.print_value(str(config.config_path()))


def _describe(invocation: Invocation, key: str) -> dict[str, config.Scalar | None]:
    """Return a setting as a record, without the password in a database URL."""
    setting = config.find_setting(key)
    found = invocation.settings.get(key, config.Value(setting.default, "default"))
    secret = setting.secret and found.value is not None
    return {
        "key": key,
        "value": invocation.target.url
        if secret
        else conceal(found.value)
        if isinstance(found.value, str)
        else found.value,
        "source": found.source,
        "description": setting.description,
    }
