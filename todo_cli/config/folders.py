"""The folders of the configuration, the data and the cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from todo_cli.errors import StorageError


def _folder(kind: Literal["config", "data", "cache"]) -> Path:
    """Return the platform's folder of that kind, or `TODO_HOME` for all three."""
    try:
        if home := os.environ.get("TODO_HOME"):
            return Path(home).expanduser()
        import platformdirs

        find = {
            "config": platformdirs.user_config_path,
            "data": platformdirs.user_data_path,
            "cache": platformdirs.user_cache_path,
        }[kind]
        return find("todo", appauthor=False)
    except RuntimeError:  # neither HOME nor an entry in the user database
        raise StorageError(
            "cannot find your home folder", "set TODO_HOME to a folder for the list and its settings"
        ) from None


def config_path() -> Path:
    return _folder("config") / "config.toml"


def embedded_path() -> Path:
    return _folder("data") / "todo.db"


def cache_folder() -> Path:
    return _folder("cache")
