"""The configuration: settings, views and contexts, and where the program keeps its files."""

from __future__ import annotations

from todo_cli.config.file import Entry, Stored, is_exposed, read_file, store
from todo_cli.config.folders import cache_folder, config_path, embedded_path
from todo_cli.config.saved import SavedContext, SavedView
from todo_cli.config.settings import SETTINGS, WEEKDAYS, Scalar, find_setting, nearest_style, parse_setting
from todo_cli.config.values import Value, resolve

__all__ = [
    "SETTINGS",
    "WEEKDAYS",
    "Entry",
    "SavedContext",
    "SavedView",
    "Scalar",
    "Stored",
    "Value",
    "cache_folder",
    "config_path",
    "embedded_path",
    "find_setting",
    "is_exposed",
    "nearest_style",
    "parse_setting",
    "read_file",
    "resolve",
    "store",
]
