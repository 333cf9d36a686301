"""Opening the database that the settings select, and storing validated settings."""

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

_NAME_SETTING = re.compile(r"urgency\.(tag|project)\.")


def choose_target(settings: Mapping[str, config.Value]) -> Target:
    """Return the database in the settings, by default the embedded file, whose folder is created if needed."""
    url = settings["database"].value
    if url is not None:
        target = parse_target(str(url))
        return replace(target, **_connection_settings(settings)) if isinstance(target, PostgresTarget) else target
    path = config.embedded_path()
    make_private_folder(path.parent)
    return SqliteTarget(path)


def _connection_settings(settings: Mapping[str, config.Value]) -> dict[str, Any]:
    """Return the settings that override the connection parameters of a server's URL."""
    fields = {**{key: key for key in _TIMEOUTS}, "verify_tls": "verify"}
    return {field: value for key, field in fields.items() if (value := settings[key].value) is not None}


def open_database(
    target: Target,
    settings: Mapping[str, config.Value],
    now: datetime,
    *,
    before_commit: Callable[[], None] | None = None,
    waiting: Waiting = nullcontext,
    spare: Spare | None = None,
) -> Database:
    """Return the database for one command, as the user in the settings, if any.

    It uses the spare connection if that leads to the target and is still valid, and closes it otherwise.
    """
    user = settings["user"].value
    name = None if user is None else parse_name(str(user), "user")
    return Database(target, now=now, user_name=name, before_commit=before_commit, waiting=waiting, spare=spare)


def store_setting(key: str, text: str) -> None:
    """Write a setting to the configuration file; an empty text removes it.

    Raises InvalidInputError for an invalid value.
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
            value = target.url  # an absolute path, independent of the working directory
    elif key == "user":
        parse_name(text, "user")
    elif key == "context":
        use_context(text)
        return
    elif found := _NAME_SETTING.match(key):
        parse_name(key[found.end() :], "tag" if found[1] == "tag" else "project")
    config.store({key: value})


def store_connection(url: str | None, variable: str | None, user: str | None) -> None:
    """Store the database to use, as a URL or an environment variable, and the user in it; None removes a setting."""
    target = parse_target(url) if url else None
    config.store(
        {
            "database": target.url if isinstance(target, SqliteTarget) else url,
            "database_env": variable,
            "user": user,
        }
    )
