"""The `db` commands for connecting to a database and for its tables."""

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

app = typer.Typer(help="Create, upgrade, inspect, copy, back up, restore and drop the database.")


@command(
    app,
    "connect",
    epilog="Example: todo db connect 'postgresql://alex:…@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech/dbname'",
)
def connect(
    invocation: Invocation,
    url: Annotated[str | None, typer.Argument(metavar="URL", hidden=True)] = None,
    from_env: Annotated[
        str | None, typer.Option("--from-env", metavar="NAME", help="Environment variable that holds the URL.")
    ] = None,
) -> None:
    """Connect to a database and use it from now on. URL is the connection string from Neon's console.

    The connection is tested first. The URL is stored, with its password, in a file that only you can read; --from-env
    stores only the name of the variable. Without URL, the command prompts for it without echo; - reads it from
    standard input. If the database has several users, choose yours with --user.
    """
    from todo_cli.services.databases.administration import inspect_database
    from todo_cli.services.databases.settings import store_connection

    if url is not None and from_env is not None:
        raise InvalidInputError(
            "URL and --from-env cannot be used together", "for example: todo db connect 'postgresql://…'"
        )
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
    user = _choose_user(invocation.user, found.users)
    store_connection(url, from_env, user)
    if invocation.json:
        with after_storing(invocation):
            record = {"database": str(there.target), "revision": found.revision, "user": user}
            invocation.renderer.show_record(record)
        return
    who = f" as {user}" if user else ""
    invocation.note(f"Connected to {there.target}{who}. It is now the default; run 'todo db disconnect' to go back.")
    _warn_of_environment(invocation)
    if found.revision is None:
        invocation.note("It has no tables yet; run 'todo db init' to create them.")
    elif found.revision < found.expected_revision:
        invocation.note(f"Its tables are at revision {found.revision}; run 'todo db migrate' to upgrade them.")


def _read_url(given: str | None) -> str:
    """Return the URL from the command line, a prompt or standard input; the last two keep it out of shell history."""
    if given == "-":
        try:
            return sys.stdin.buffer.readline().decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InvalidInputError("the URL on standard input is not valid UTF-8") from None
    if given is None and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInputError("URL or --from-env is required", "for example: todo db connect 'postgresql://…'")
    return given if given is not None else str(typer.prompt("Connection string", hide_input=True, err=True)).strip()


def _warn_of_environment(invocation: Invocation) -> None:
    if os.environ.get("TODO_DATABASE_URL") and not invocation.json:
        invocation.note("TODO_DATABASE_URL is set and overrides the stored database.")


def _offer_tables(there: Invocation) -> DatabaseStatus | None:
    """Offer to create the tables at a terminal; return the new status, None if they were not created."""
    from todo_cli.rendering.format.escaping import neutralize
    from todo_cli.services.databases.administration import init_database, inspect_database

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    question = neutralize(f"{there.target} has no tables yet. Create them now?")
    if not typer.confirm(question, default=True, err=True):
        return None
    there.run(init_database)
    return there.run(inspect_database)


def _choose_user(named: str | None, users: Sequence[str] | None) -> str | None:
    """Return the user in that database: the named one, the only one, or the one chosen at a prompt."""
    from todo_cli.models.text import fold
    from todo_cli.rendering.format.escaping import neutralize

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
    return _choose_user(typer.prompt(neutralize(f"Which user are you? ({', '.join(users)})"), err=True), users)


@command(app, "disconnect", epilog="Example: todo db disconnect")
def disconnect(invocation: Invocation) -> None:
    """Go back to the embedded file. The database and its contents are kept."""
    from todo_cli.services.databases.settings import store_connection

    store_connection(None, None, None)
    there = replace(invocation, database=None)
    _report(invocation, {"database": str(there.target), "changed": True}, f"Now using {there.target}.")
    _warn_of_environment(invocation)


@command(app, "init", epilog="Example: todo --database postgresql://… db init --user alex")
def init(invocation: Invocation) -> None:
    """Create the tables and the first user. The user is named by --user, or after your login name."""
    from todo_cli.services.databases.administration import init_database

    changed = invocation.run(init_database)
    state = "is ready" if changed else "was already set up"
    _report(invocation, {"database": str(invocation.target), "changed": changed}, f"{invocation.target} {state}.")


@command(app, "migrate", epilog="Example: todo db migrate")
def migrate(
    invocation: Invocation,
    to: Annotated[
        str | None, typer.Option("--to", metavar="REVISION", help="Upgrade or downgrade to this revision.")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for a new database and do not run it.")] = False,
    yes: options.YesOption = False,
) -> None:
    """Upgrade the tables to the revision that this program uses.

    A downgrade asks for confirmation: it deletes the data that older tables cannot hold.
    """
    from todo_cli.services.databases.administration import expected_revision, migrate_database, migration_sql

    if sql:
        sys.stdout.write(migration_sql(invocation.target, to))
        return
    if to is not None and to < expected_revision():
        invocation.confirm(f"downgrade to revision {to} and delete the data that its tables cannot hold", yes=yes)
    revision, changed = invocation.run(migrate_database, to)
    state = "is now" if changed else "is already"
    _report(
        invocation,
        {"database": str(invocation.target), "revision": revision, "changed": changed},
        f"{invocation.target} {state} at revision {revision}.",
    )


@command(app, "status", epilog="Example: todo db status")
def status(invocation: Invocation) -> None:
    """Show the database in use, the source of that setting, the connection and the contents.

    The latency is one round trip to the server, in milliseconds.
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
    if invocation.at_terminal:  # a file has no host, TLS or latency
        record = {key: value for key, value in record.items() if value is not None}
    invocation.renderer.show_record(record)


@command(app, "reset", epilog="Example: todo db reset")
def reset(
    invocation: Invocation,
    name: Annotated[str | None, typer.Argument(metavar="NAME", hidden=True)] = None,
    yes: options.YesOption = False,
) -> None:
    """Drop all tables with everything in them. This cannot be undone.

    To reset a database on a server, confirm by giving its name as NAME.
    """
    from todo_cli.services.databases.administration import inspect_database, reset_database

    target = invocation.target
    if target.dialect == "postgresql" and name != target.name:
        raise InvalidInputError(
            f"to drop everything in {target}, repeat its name",
            f"run 'todo db reset {target.name}'",
        )
    if name is not None and name != target.name:
        raise InvalidInputError(f"the database in use is {target}, not {name!r}")
    todos = invocation.run(inspect_database).todos
    including = "" if todos is None else f", including {options.count_todos(todos)}"
    invocation.confirm(f"drop everything in {target}{including}", warning="This cannot be undone.", yes=yes)
    invocation.run(reset_database)
    candidates.forget(invocation)
    _report(invocation, {"database": str(target), "changed": True}, f"{target} is now empty.")


def _report(invocation: Invocation, record: dict[str, str | bool], text: str) -> None:
    """Print the record as JSON, or else the text."""
    with after_storing(invocation):
        if invocation.json:
            invocation.renderer.show_record(record)
        else:
            invocation.note(text)
