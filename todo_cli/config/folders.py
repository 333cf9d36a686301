"""Where the program keeps its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from todo_cli.errors import StorageError


def _folder(kind: Literal["config", "data", "cache"]) -> Path:
    """Return the platform's folder of that kind, or `TODO_HOME` for all three of them."""
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
    except RuntimeError:  # neither HOME nor an entry for the user
        raise StorageError(
            "there is no home folder", "set TODO_HOME to a folder for the list and its settings"
        ) from None


def config_path() -> Path:
    return _folder("config") / "config.toml"


def embedded_path() -> Path:
    return _folder("data") / "todo.db"


def cache_folder() -> Path:
    return _folder("cache")
