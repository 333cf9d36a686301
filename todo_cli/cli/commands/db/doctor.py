"""The command `doctor`: checks everything that commands depend on and gives advice on each problem."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from todo_cli import config
from todo_cli.cli import options
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.errors import TodoError

if TYPE_CHECKING:
    from pathlib import Path

    from todo_cli.db.connection.target import PostgresTarget
    from todo_cli.models.values import DatabaseStatus, Finding

app = typer.Typer()

MAX_SKEW = 5.0
"""Seconds by which two clocks may differ before `overdue` and the order of the history become wrong."""
SLOW_MS = 250
MIN_WIDTH = 60
MAX_NAMED = 3


@command(app, "doctor", epilog="Example: todo doctor")
def doctor(invocation: Invocation) -> None:
    """Check the settings, the database, the connection, file permissions, the clock and the terminal.

    Each problem comes with advice. The exit code is 0 only if there are no problems.
    """
    findings = [
        finding
        for check in (_check_settings, _check_permissions, _check_database, _check_resident, _check_terminal)
        for finding in check(invocation)
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
    yield Finding("settings", True, str(path) if path.exists() else "no configuration file")
    if values["database"].source == "environment" and "database" in config.read_file().settings:
        yield Finding(
            "environment",
            False,
            "TODO_DATABASE_URL overrides the stored database",
            "unset it, or run 'todo db disconnect'",
        )


def _check_database(invocation: Invocation) -> Iterator[Finding]:
    from todo_cli.db.connection.target import SqliteTarget
    from todo_cli.models.values import Finding
    from todo_cli.services.databases.administration import inspect_database

    try:
        found = invocation.run(inspect_database)
    except TodoError as error:
        yield Finding("database", False, error.message, error.hint)
        return
    yield Finding("database", True, f"{found.database} ({found.server_version})")
    target = invocation.target
    if isinstance(target, SqliteTarget):
        yield from _check_integrity(invocation)
    else:
        yield from _check_connection(target, found)
    yield from _check_tables(found)


def _check_connection(target: PostgresTarget, found: DatabaseStatus) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    if found.tls_verified or target.is_local:
        text = f"{found.tls}, certificate and host name are verified" if found.tls_verified else "on this machine"
        yield Finding("tls", True, text)
    else:
        text = f"{found.tls}, but the certificate is not verified" if found.tls else "the connection is not encrypted"
        yield Finding("tls", False, text, "run 'todo config set verify_tls yes'")
    latency = found.latency_ms or 0
    yield Finding(
        "latency",
        latency <= SLOW_MS,
        f"a round trip takes {latency:g} ms{', through a pooler' if found.pooled else ''}",
        None if latency <= SLOW_MS else "a command takes about eight round trips; use a region closer to you",
    )
    skew = found.clock_skew or 0
    yield Finding(
        "clock",
        abs(skew) <= MAX_SKEW,
        f"the server's clock is {abs(skew):g} s {'ahead of' if skew > 0 else 'behind'} this machine's"
        if abs(skew) >= 1
        else "the server's clock and this machine's agree",
        None if abs(skew) <= MAX_SKEW else "enable network time on this machine",
    )


def _check_integrity(invocation: Invocation) -> Iterator[Finding]:
    from todo_cli.db.connection.error_translation import explain_damage
    from todo_cli.models.values import Finding
    from todo_cli.services.databases.administration import find_damage

    try:
        found = invocation.run(find_damage)
    except TodoError as error:
        yield Finding("integrity", False, error.message, error.hint)
        return
    if found:
        yield Finding("integrity", False, "; ".join(found), explain_damage(invocation.target, found[0]).hint)
    elif invocation.target.exists():
        yield Finding("integrity", True, "no damage found")


def _check_permissions(invocation: Invocation) -> Iterator[Finding]:
    """Check that other users of this machine cannot access our files and folders."""
    from todo_cli.db.connection.backups import find_files
    from todo_cli.db.connection.target import SqliteTarget
    from todo_cli.files import is_open_to_others
    from todo_cli.models.values import Finding

    folders = {config.config_path().parent, config.embedded_path().parent, config.cache_folder()}
    files = {config.config_path(), config.config_path().with_name(".config.toml.lock"), *_glob(config.cache_folder())}
    files |= set(find_files(config.embedded_path()))
    with suppress(TodoError):
        if isinstance(invocation.target, SqliteTarget):
            files |= set(find_files(invocation.target.path))
    exposed = {"700": sorted(filter(is_open_to_others, folders)), "600": sorted(filter(is_open_to_others, files))}
    paths = [path for mode in exposed.values() for path in mode]
    if not paths:
        yield Finding("permissions", True, "only you can access your files")
        return
    named = ", ".join(map(str, paths[:MAX_NAMED])) + (
        f" and {more} more" if (more := len(paths) - MAX_NAMED) > 0 else ""
    )
    commands = [f"chmod {mode} {shlex.join(map(str, paths))}" for mode, paths in exposed.items() if paths]
    yield Finding("permissions", False, f"other users of this machine can access {named}", "; ".join(commands))


def _glob(cache: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from cache.glob("completion-*")


def _check_tables(found: DatabaseStatus) -> Iterator[Finding]:
    from todo_cli.models.values import Finding

    upgrades_itself = found.dialect == "sqlite"
    if found.revision is None:
        text = "none yet" + ("; the first todo creates them" if upgrades_itself else "")
        yield Finding("tables", upgrades_itself, text, None if upgrades_itself else "run 'todo db init'")
    elif found.revision != found.expected_revision:
        text = f"at revision {found.revision}; this program needs {found.expected_revision}"
        if found.revision > found.expected_revision:
            yield Finding("tables", False, text, "install a newer version of todo, as its README describes")
        elif upgrades_itself:
            yield Finding("tables", True, f"{text}; the next command upgrades them")
        else:
            yield Finding("tables", False, text, "run 'todo db migrate'")
    else:
        yield Finding("tables", True, f"at revision {found.revision}, with {options.count_todos(found.todos or 0)}")
        users = ", ".join(found.users or ())
        advice = None if found.user else "run 'todo config set user NAME'"
        yield Finding("user", bool(found.user), found.user or f"not selected; users: {users}", advice)


def _check_resident(invocation: Invocation) -> Iterator[Finding]:
    from todo_cli.handoff import protocol
    from todo_cli.handoff.control import find_resident
    from todo_cli.models.values import Finding

    place = protocol.folder()
    with suppress(TodoError):  # which another check reports
        if invocation.settings["resident"].value == "off":
            place = None
    if not protocol.is_allowed() or place is None:
        yield Finding("resident", True, "the background process is disabled here")
    elif found := find_resident():
        count = "1 command" if found.served == 1 else f"{found.served:,} commands"
        yield Finding("resident", True, f"the background process {found.pid} has run {count}")
    elif os.path.lexists(place) and not protocol.is_private(place):
        text = f"other users can access {place}, so the background process is disabled"
        yield Finding("resident", False, text, f"run 'chmod 700 {place}' if you own it")
    else:
        yield Finding("resident", True, "the background process is not running; the next command starts it")


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
        yield Finding("terminal", False, f"the encoding {encoding} cannot display every title", "use a UTF-8 locale")
    elif width < MIN_WIDTH:
        yield Finding("terminal", False, f"{width} columns are too few", f"lists need at least {MIN_WIDTH}")
    else:
        yield Finding("terminal", True, f"{width} columns, {encoding}")
