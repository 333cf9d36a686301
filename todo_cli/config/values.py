"""Values of settings: from the command line, else the environment, else the configuration file, else the default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from todo_cli.config.file import read_file
from todo_cli.config.settings import SETTINGS, Scalar, find_setting, parse_setting
from todo_cli.errors import InvalidInputError

Source = Literal["flag", "environment", "stored", "default"]


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a setting and its source."""

    value: Scalar | None
    source: Source


def resolve(flags: Mapping[str, str | None]) -> dict[str, Value]:
    """Return the value and source of every setting. `flags` holds the values from the command line, by key."""
    from_file = read_file().settings
    values: dict[str, Value] = {}
    for key in {**SETTINGS, **from_file}:
        setting = find_setting(key)
        if (flag := flags.get(key)) is not None:
            values[key] = Value(parse_setting(key, flag), "flag")
        elif setting.environment and (text := os.environ.get(setting.environment)):
            values[key] = Value(parse_setting(key, text), "environment")
        elif key in from_file:
            values[key] = Value(from_file[key], "stored")
        else:
            values[key] = Value(setting.default, "default")
    if values["database"].source == "default" and (name := values["database_env"].value) is not None:
        if not (text := os.environ.get(str(name))):
            raise InvalidInputError(
                f"the environment variable {name}, which should hold the database URL, is not set",
                "set it, or run 'todo db disconnect' to go back to the embedded file",
            )
        values["database"] = Value(text, "stored")
    return values
