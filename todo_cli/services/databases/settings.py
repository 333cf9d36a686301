"""Settings as a command uses them: which database, and storing values that make sense."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from todo_cli import config
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target, parse_target
from todo_cli.db.connection.waiting import Waiting
from todo_cli.db.database import Database
from todo_cli.files import make_private_folder
from todo_cli.query.names import parse_name
from todo_cli.services.databases.saved import use_context

_TIMEOUTS = ("connect_timeout", "answer_timeout", "lock_timeout", "idle_timeout")
if TYPE_CHECKING:
    from todo_cli.db.connection.spare import Spare

_OF_NAMES = re.compile(r"urgency\.(tag|project)\.")


def choose_target(settings: Mapping[str, config.Value]) -> Target:
    """Return the database that the settings name; the embedded file, whose folder is made, where they name none."""
    url = settings["database"].value
    if url is not None:
        target = parse_target(str(url))
        return replace(target, **_ways(settings)) if isinstance(target, PostgresTarget) else target
    path = config.embedded_path()
    make_private_folder(path.parent)
    return SqliteTarget(path)


def _ways(settings: Mapping[str, config.Value]) -> dict[str, Any]:
    """Return what the settings say of the way to a server; what they leave open the URL decides."""
    named = {**{key: key for key in _TIMEOUTS}, "verify_tls": "verify"}
    return {field: value for key, field in named.items() if (value := settings[key].value) is not None}


def open_database(
    target: Target,
    settings: Mapping[str, config.Value],
    now: datetime,
    *,
    before_commit: Callable[[], None] | None = None,
    waiting: Waiting = nullcontext,
    spare: Spare | None = None,
) -> Database:
    """Return the database for one command of the user that the settings name, if they name one.

    It uses the spare connection if that leads to the target and can be trusted, and closes it otherwise.
    """
    user = settings["user"].value
    name = None if user is None else parse_name(str(user), "user")
    return Database(target, now=now, user_name=name, before_commit=before_commit, waiting=waiting, spare=spare)


def store_setting(key: str, text: str) -> None:
    """Write a setting to the configuration file, or take it out for an empty text.

    Raises InvalidInputError for a value that cannot be used.
    """
    if not text:
        if key not in config.read_file().unknown_styles:
            config.find_setting(key)
        config.store({key: None})
        return
    value = config.parse_setting(key, text)
    if key == "database":
        target = parse_target(text)
        if isinstance(target, SqliteTarget):
            value = target.url  # absolute: the same file from every folder
    elif key == "user":
        parse_name(text, "user")
    elif key == "context":
        use_context(text)
        return
    elif found := _OF_NAMES.match(key):
        parse_name(key[found.end() :], "tag" if found[1] == "tag" else "project")
    config.store({key: value})


def store_connection(url: str | None, variable: str | None, user: str | None) -> None:
    """Make a database the usual one: its URL or the variable that holds it, and who one is there; None takes it out."""
    target = parse_target(url) if url else None
    config.store(
        {
            "database": target.url if isinstance(target, SqliteTarget) else url,
            "database_env": variable,
            "user": user,
        }
    )
