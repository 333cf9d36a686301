"""The commands for the database itself."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from todo_cli.cli import completion, options
from todo_cli.cli.commands import command
from todo_cli.cli.runtime import Invocation
from todo_cli.errors import InvalidInputError

app = typer.Typer(help="Make, upgrade, look at and drop the tables in the database.")


@command(app, "init", epilog="Example: todo --database postgresql://… db init --user alex")
def init(invocation: Invocation) -> None:
    """Make the tables, and the first user: --user, or named like you on this machine."""
    from todo_cli.services.databases import init_database

    changed = invocation.run(init_database)
    told = "is ready" if changed else "was ready before; nothing was changed"
    _report(invocation, {"database": str(invocation.target), "changed": changed}, f"{invocation.target} {told}.")


@command(app, "migrate", epilog="Example: todo db migrate")
def migrate(
    invocation: Invocation,
    to: Annotated[str | None, typer.Option("--to", metavar="REVISION", help="Up or down to this one.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for a new database, and change nothing.")] = False,
) -> None:
    """Bring the tables to the revision that this program works with."""
    from todo_cli.services.databases import migrate_database, migration_sql

    if sql:
        sys.stdout.write(migration_sql(invocation.target, to))
        return
    revision, changed = invocation.run(migrate_database, to)
    told = "is now at" if changed else "was at"
    _report(
        invocation,
        {"database": str(invocation.target), "revision": revision, "changed": changed},
        f"{invocation.target} {told} revision {revision}{'' if changed else ' before; nothing was changed'}.",
    )


@command(app, "status", epilog="Example: todo db status")
def status(invocation: Invocation) -> None:
    """Show which database is in use, why, and what is in it."""
    from todo_cli.services.databases import inspect_database

    found = asdict(invocation.run(inspect_database))
    database = found.pop("database")
    invocation.renderer.show_record({"database": database, "source": invocation.settings["database"].source, **found})


@command(app, "reset", epilog="Example: todo db reset")
def reset(
    invocation: Invocation,
    name: Annotated[str | None, typer.Argument(metavar="NAME", hidden=True)] = None,
    yes: options.YesOption = False,
) -> None:
    """Drop all tables with everything in them. This cannot be undone.

    For a database on a server, NAME is its name, repeated to be sure.
    """
    from todo_cli.services.databases import inspect_database, reset_database

    target = invocation.target
    if target.dialect == "postgresql" and name != target.name:
        raise InvalidInputError(
            f"the database {target} is not dropped unless its name is repeated",
            f"todo db reset {target.name}",
        )
    if name is not None and name != target.name:
        raise InvalidInputError(f"the database in use is {target}, not {name!r}")
    todos = invocation.run(inspect_database).todos
    held = "" if todos is None else f", with {options.count_todos(todos)} in it"
    invocation.confirm(f"Drop everything in {target}{held}? This cannot be undone.", yes=yes)
    invocation.run(reset_database)
    completion.forget(invocation)
    _report(invocation, {"database": str(target), "changed": True}, f"{target} is empty now.")


def _report(invocation: Invocation, record: dict[str, str | bool], text: str) -> None:
    """Tell people in a sentence, and scripts that asked for it in JSON."""
    if invocation.json:
        invocation.renderer.show_record(record)
    else:
        invocation.note(text)
