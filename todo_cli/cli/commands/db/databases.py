"""The commands for the database itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli import config
from todo_cli.cli import options
from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError, UnknownUserError, UserNotNamedError

if TYPE_CHECKING:
    from todo_cli.config import Scalar
    from todo_cli.models.values import DatabaseStatus

app = typer.Typer(help="Make, upgrade, inspect, copy, back up, restore and drop the tables in the database.")


@command(
    app,
    "connect",
    epilog="Example: todo db connect 'postgresql://alex:…@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech/dbname'",
)
def connect(
    invocation: Invocation,
    url: Annotated[str | None, typer.Argument(metavar="URL", hidden=True)] = None,
    from_env: Annotated[
        str | None, typer.Option("--from-env", metavar="NAME", help="Store the name of a variable that holds the URL.")
    ] = None,
) -> None:
    """Make a database the usual one: URL is the string as Neon's console shows it.

    It is tried first. The URL is stored, with its password, in a file that only you can read; with --from-env only the
    name of the variable is. Without URL it is asked for, and not shown; - reads it from the standard input.
    With several users in the database, --user says which one you are.
    """
    from todo_cli.services.databases.administration import inspect_database
    from todo_cli.services.databases.settings import store_connection

    if url is not None and from_env is not None:
        raise InvalidInputError("URL and --from-env NAME contradict each other", "todo db connect 'postgresql://…'")
    if from_env is None:
        url = _read_url(url)
    else:
        config.parse_setting("database_env", from_env)
    address = url or os.environ.get(from_env or "")
    if not address:
        raise InvalidInputError(f"the environment variable {from_env} is not set" if from_env else "the URL is empty")
    there = replace(invocation, database=address)
    found = there.run(inspect_database)
    if found.revision is None:
        found = _offer_tables(there) or found
    user = _settle_user(invocation.user, found.users)
    store_connection(url, from_env, user)
    if invocation.json:
        with after_storing(invocation):
            record = {"database": str(there.target), "revision": found.revision, "user": user}
            invocation.renderer.show_record(record)
        return
    who = f" as {user}" if user else ""
    invocation.note(f"Connected to {there.target}{who}. It is the usual database now; 'todo db disconnect' goes back.")
    _warn_of_environment(invocation)
    if found.revision is None:
        invocation.note("There are no tables in it yet: 'todo db init' makes them.")
    elif found.revision < found.expected_revision:
        invocation.note(f"Its tables are at revision {found.revision}: 'todo db migrate' brings them up to date.")


def _read_url(given: str | None) -> str:
    """Return the URL that is given, or typed at a terminal, or piped; what is not an argument no shell remembers."""
    if given == "-":
        try:
            return sys.stdin.buffer.readline().decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InvalidInputError("the URL on standard input is not UTF-8") from None
    if given is None and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInputError("one of URL and --from-env NAME is needed", "todo db connect 'postgresql://…'")
    return given if given is not None else str(typer.prompt("Connection string", hide_input=True, err=True)).strip()


def _warn_of_environment(invocation: Invocation) -> None:
    if os.environ.get("TODO_DATABASE_URL") and not invocation.json:
        invocation.note("TODO_DATABASE_URL is set, and goes before what is stored.")


def _offer_tables(there: Invocation) -> DatabaseStatus | None:
    """Make the tables if somebody is there to agree; return what is in the database then."""
    from todo_cli.rendering.format.escaping import neutralise
    from todo_cli.services.databases.administration import init_database, inspect_database

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    question = neutralise(f"There are no tables in {there.target} yet. Make them now?")
    if not typer.confirm(question, default=True, err=True):
        return None
    there.run(init_database)
    return there.run(inspect_database)


def _settle_user(named: str | None, users: Sequence[str] | None) -> str | None:
    """Return who one is in that database: the one that was named, the only one, or the one that is chosen."""
    from todo_cli.models.text import fold
    from todo_cli.rendering.format.escaping import neutralise

    if not users:
        return named
    if named is not None:
        by_key = {fold(user): user for user in users}
        if fold(named) not in by_key:
            raise UnknownUserError(named, users)
        return by_key[fold(named)]
    if len(users) == 1:
        return users[0]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserNotNamedError(users)
    return _settle_user(typer.prompt(neutralise(f"Who are you? ({', '.join(users)})"), err=True), users)


@command(app, "disconnect", epilog="Example: todo db disconnect")
def disconnect(invocation: Invocation) -> None:
    """Go back to the embedded file. The database and what is in it stay as they are."""
    from todo_cli.services.databases.settings import store_connection

    store_connection(None, None, None)
    there = replace(invocation, database=None)
    _report(invocation, {"database": str(there.target), "changed": True}, f"The list in use is {there.target} now.")
    _warn_of_environment(invocation)


@command(app, "init", epilog="Example: todo --database postgresql://… db init --user alex")
def init(invocation: Invocation) -> None:
    """Make the tables, and the first user: --user, or named like you on this machine."""
    from todo_cli.services.databases.administration import init_database

    changed = invocation.run(init_database)
    told = "is ready" if changed else "was ready before; nothing was changed"
    _report(invocation, {"database": str(invocation.target), "changed": changed}, f"{invocation.target} {told}.")


@command(app, "migrate", epilog="Example: todo db migrate")
def migrate(
    invocation: Invocation,
    to: Annotated[str | None, typer.Option("--to", metavar="REVISION", help="Up or down to this one.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for a new database, and change nothing.")] = False,
    yes: options.YesOption = False,
) -> None:
    """Bring the tables to the revision that this program works with.

    Downwards it asks: what the older tables have no place for is removed.
    """
    from todo_cli.services.databases.administration import expected_revision, migrate_database, migration_sql

    if sql:
        sys.stdout.write(migration_sql(invocation.target, to))
        return
    if to is not None and to < expected_revision():
        question = f"Go back to revision {to}, and remove what its tables have no place for?"
        invocation.confirm(question, yes=yes)
    revision, changed = invocation.run(migrate_database, to)
    told = "is now at" if changed else "was at"
    _report(
        invocation,
        {"database": str(invocation.target), "revision": revision, "changed": changed},
        f"{invocation.target} {told} revision {revision}{'' if changed else ' before; nothing was changed'}.",
    )


@command(app, "status", epilog="Example: todo db status")
def status(invocation: Invocation) -> None:
    """Show which database is in use and why, how it is reached, and what is in it.

    The latency is one round trip to a server, in milliseconds.
    """
    from todo_cli.services.databases.administration import inspect_database

    found = invocation.run(inspect_database)
    record: dict[str, Scalar | Sequence[str] | None] = {
        "database": found.database,
        "source": invocation.settings["database"].source,
        "dialect": found.dialect,
        "server": found.server_version,
        "host": found.host,
        "pooled": found.pooled,
        "tls": found.tls,
        "tls_verified": found.tls_verified,
        "latency_ms": found.latency_ms,
        "revision": found.revision,
        "expected_revision": found.expected_revision,
        "user": found.user,
        "users": found.users,
        "todos": found.todos,
    }
    if invocation.at_terminal:  # what a file has not needs no line
        record = {key: value for key, value in record.items() if value is not None}
    invocation.renderer.show_record(record)


@command(app, "reset", epilog="Example: todo db reset")
def reset(
    invocation: Invocation,
    name: Annotated[str | None, typer.Argument(metavar="NAME", hidden=True)] = None,
    yes: options.YesOption = False,
) -> None:
    """Drop all tables with everything in them. This cannot be undone.

    For a database on a server, NAME is its name, repeated to be sure.
    """
    from todo_cli.services.databases.administration import inspect_database, reset_database

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
    candidates.forget(invocation)
    _report(invocation, {"database": str(target), "changed": True}, f"{target} is empty now.")


def _report(invocation: Invocation, record: dict[str, str | bool], text: str) -> None:
    """Tell people in a sentence, and scripts that asked for it in JSON."""
    with after_storing(invocation):
        if invocation.json:
            invocation.renderer.show_record(record)
        else:
            invocation.note(text)
