"""`todo doctor`: looks at everything that a command depends on, and says what to do about each finding."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from todo_cli import config
from todo_cli.cli import options
from todo_cli.cli.commands import command
from todo_cli.cli.runtime import Invocation
from todo_cli.errors import TodoError

if TYPE_CHECKING:
    from pathlib import Path

    from todo_cli.db.target import PostgresTarget
    from todo_cli.models.values import DatabaseStatus, Finding

app = typer.Typer()

MOST_SKEW = 5.0
"""Seconds by which two clocks may differ before `overdue` and the order of history are told wrong."""
SLOW_MS = 250
NARROWEST = 60


@command(app, "doctor", epilog="Example: todo doctor")
def doctor(invocation: Invocation) -> None:
    """Check the settings, the database and the way to it, the clock and the terminal; say what to do.

    The exit code is 0 only if all is well.
    """
    findings = [
        finding for check in (_check_settings, _check_database, _check_terminal) for finding in check(invocation)
    ]
    invocation.renderer.show_findings(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _check_settings(invocation: Invocation) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    path = config.config_path()
    try:
        values = config.resolve({"database": invocation.database, "user": invocation.user})
    except TodoError as error:
        yield Finding("settings", False, error.message, error.hint)
        return
    yield Finding("settings", True, str(path) if path.exists() else "none are stored")
    if config.is_exposed():
        yield Finding("permissions", False, f"others can read {path}, which may hold a password", f"chmod 600 {path}")
    else:
        yield Finding("permissions", True, "nobody else can read the settings")
    if values["database"].source == "environment" and "database" in config.read_file().settings:
        yield Finding(
            "environment",
            False,
            "TODO_DATABASE_URL goes before the database that is stored",
            "unset it, or 'todo db disconnect'",
        )


def _check_database(invocation: Invocation) -> Iterator[Finding]:
    from todo_cli.db.target import SqliteTarget
    from todo_cli.models.values import Finding
    from todo_cli.services.databases import inspect_database

    try:
        found = invocation.run(inspect_database)
    except TodoError as error:
        yield Finding("database", False, error.message, error.hint)
        return
    yield Finding("database", True, f"{found.database} ({found.server_version})")
    target = invocation.target
    yield from _check_file(target.path) if isinstance(target, SqliteTarget) else _check_way(target, found)
    yield from _check_tables(found)


def _check_way(target: PostgresTarget, found: DatabaseStatus) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    if found.tls_verified or target.is_local:
        told = f"{found.tls}, certificate and host name are verified" if found.tls_verified else "on this machine"
        yield Finding("tls", True, told)
    else:
        told = f"{found.tls}, but nobody verifies whose it is" if found.tls else "everything is sent in the clear"
        yield Finding("tls", False, told, "todo config set verify_tls yes")
    latency = found.latency_ms or 0
    yield Finding(
        "latency",
        latency <= SLOW_MS,
        f"a round trip takes {latency:g} ms{', through a pooler' if found.pooled else ''}",
        None if latency <= SLOW_MS else "a command takes about eight of them: a region that is nearer makes it quicker",
    )
    skew = found.clock_skew or 0
    yield Finding(
        "clock",
        abs(skew) <= MOST_SKEW,
        f"the server's clock is {abs(skew):g} s {'ahead of' if skew > 0 else 'behind'} this machine's"
        if abs(skew) >= 1
        else "the server's clock and this machine's agree",
        None if abs(skew) <= MOST_SKEW else "let this machine set its clock from the network",
    )


def _check_file(path: Path) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    # Whoever may not enter the folder cannot read the file, whatever its own mode is.
    exposed = os.name == "posix" and path.exists() and path.stat().st_mode & path.parent.stat().st_mode & 0o007
    if exposed:
        yield Finding("file", False, f"everybody on this machine can read {path}", f"chmod 600 {path}")
    else:
        yield Finding("file", True, "it is not open to everybody on this machine")


def _check_tables(found: DatabaseStatus) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    upgrades_itself = found.dialect == "sqlite"
    if found.revision is None:
        told = "there are none yet" + ("; the first todo makes them" if upgrades_itself else "")
        yield Finding("tables", upgrades_itself, told, None if upgrades_itself else "todo db init")
    elif found.revision != found.expected_revision:
        told = f"they are at revision {found.revision}; this program works with {found.expected_revision}"
        if found.revision > found.expected_revision:
            yield Finding("tables", False, told, "pip install --upgrade neon-todo")
        elif upgrades_itself:
            yield Finding("tables", True, f"{told}; the next command upgrades them")
        else:
            yield Finding("tables", False, told, "todo db migrate")
    else:
        yield Finding(
            "tables", True, f"they are at revision {found.revision}, and hold {options.count_todos(found.todos or 0)}"
        )
        users = f"users here: {', '.join(found.users or ())}"
        advice = None if found.user else "todo config set user NAME"
        yield Finding("user", bool(found.user), found.user or f"it is not clear who you are; {users}", advice)


def _check_terminal(invocation: Invocation) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    try:
        yield Finding("time zone", True, str(invocation.now.tzinfo))
    except TodoError as error:
        yield Finding("time zone", False, error.message, error.hint)
    if not sys.stdout.isatty():
        yield Finding("terminal", True, "the output goes to a file or a pipe")
        return
    width, encoding = shutil.get_terminal_size().columns, sys.stdout.encoding
    if encoding.lower().replace("-", "") != "utf8":
        yield Finding("terminal", False, f"its encoding, {encoding}, cannot show every title", "use a UTF-8 locale")
    elif width < NARROWEST:
        yield Finding("terminal", False, f"{width} columns are narrow", f"lists want {NARROWEST} or more")
    else:
        yield Finding("terminal", True, f"{width} columns, {encoding}")
