"""Reading the configuration file, and changing parts of it while preserving the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from todo_cli.config.folders import config_path
from todo_cli.config.saved import SavedContext, SavedView, read_contexts, read_views
from todo_cli.config.settings import OPEN_TABLES, SETTINGS, Scalar, find_setting, kind_of, parse_setting
from todo_cli.errors import InvalidInputError, StorageError, errors_in
from todo_cli.files import FILE_MODE, create_private_file, is_open_to_others, make_private_folder, sync_folder
from todo_cli.redaction import conceal

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Entry = tuple[Literal["views", "contexts"], str]
"""The kind and name of a view or context in the file."""

_TABLES = ("urgency", "theme")


@dataclass(frozen=True, slots=True)
class Stored:
    """The contents of the configuration file: settings, views and contexts by name, and unknown `theme` keys."""

    settings: Mapping[str, Scalar] = field(default_factory=dict)
    views: Mapping[str, SavedView] = field(default_factory=dict)
    contexts: Mapping[str, SavedContext] = field(default_factory=dict)
    unknown_styles: tuple[str, ...] = ()


def read_file() -> Stored:
    """Return the content of the configuration file; raises InvalidInputError for an invalid file."""
    import tomllib

    path = config_path()
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        return Stored()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        text, at, place = str(error).rpartition(" (at ")
        detail = f"{conceal(text)}{at}{place}" if at else conceal(place)
        raise InvalidInputError(f"{path} is not valid TOML: {detail}", "correct or remove the file") from None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from None
    with errors_in(str(path)):
        return _read(content)


def _read(content: Mapping[str, object]) -> Stored:
    """Return the parsed TOML as a `Stored`; raises InvalidInputError."""
    values = dict(_read_settings({key: value for key, value in content.items() if key not in ("views", "contexts")}))
    # A style of another version changes colours only; it must not stop every command.
    unknown_styles = tuple(key for key in values if key.startswith("theme.") and key not in SETTINGS)
    return Stored(
        {key: _parse(key, value) for key, value in values.items() if key not in unknown_styles},
        read_views(content.get("views", {})),
        read_contexts(content.get("contexts", {})),
        unknown_styles,
    )


def _read_settings(content: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the settings with their values as they are written."""
    for key, value in content.items():
        if key in _TABLES:
            if not isinstance(value, dict):
                raise InvalidInputError(
                    f"{key} must be a table, not {kind_of(value)}", f"put its values under a [{key}] header"
                )
            yield from _flatten(value, key)
        elif key in SETTINGS:
            yield key, value
        else:
            known = [*(name for name in SETTINGS if "." not in name), *_TABLES, "views", "contexts"]
            raise InvalidInputError(f"unknown setting {key!r}", f"known settings: {', '.join(known)}")


def _flatten(table: Mapping[str, object], name: str) -> Iterator[tuple[str, object]]:
    """Yield the settings of a table; `"priority.high"` in it is the same as `high` in its table `priority`."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{name}.{key}")
        else:
            yield f"{name}.{key}", value


def _parse(key: str, value: object) -> Scalar:
    find_setting(key)
    if not isinstance(value, str | int | float):
        raise InvalidInputError(f"{key} must be a single value, not {kind_of(value)}")
    return parse_setting(key, str(value))


def is_exposed() -> bool:
    """Return whether other users can read the configuration file, which may hold a password."""
    return is_open_to_others(config_path())


def store(
    settings: Mapping[str, Scalar | None], entries: Mapping[Entry, Mapping[str, str | list[str]] | None] | None = None
) -> None:
    """Write settings, views and contexts to the configuration file, and preserve the rest of it.

    None removes an item. The file has mode 0600, because it may hold a password. It is replaced atomically.
    """
    import tomllib

    import tomlkit
    from filelock import FileLock, Timeout

    path = Path(os.path.realpath(config_path()))  # write to the target of a symbolic link
    try:
        make_private_folder(path.parent)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=10, mode=FILE_MODE):
            read_file()  # refuse an invalid file instead of overwriting it
            document = tomlkit.parse(path.read_text("utf-8") if path.exists() else "")
            for key, value in settings.items():
                _put_setting(document, key, value)
            for (kind, name), content in (entries or {}).items():
                _put_entry(document, kind, name, content)
            text = tomlkit.dumps(document)
            if _read(tomllib.loads(text)) != _read(document.unwrap()):  # tomlkit cannot add to some forms of tables
                raise StorageError(
                    f"cannot add to the tables in {path}",
                    "write them with headers, such as [views.NAME] or [urgency]",
                )
            _replace(path, text)
    except Timeout:
        raise StorageError(f"another program is changing {path}", "try again") from None
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from None


def _put_setting(document: TOMLDocument, key: str, value: Scalar | None) -> None:
    found = _find(document, key)
    if found and value is None:
        table, name = found
        del table[name]
    elif found:
        table, name = found
        table[name] = value
    elif value is not None:
        *tables, name = _split(key)
        _open_table(document, tables)[name] = value


def _find(table: MutableMapping[str, Any], key: str) -> tuple[MutableMapping[str, Any], str] | None:
    """Return the table that holds the setting, however it is nested, and the key in that table."""
    if key in table and not isinstance(table[key], MutableMapping):
        return table, key
    parts = key.split(".")
    for count in range(1, len(parts)):
        inner = table.get(".".join(parts[:count]))
        if isinstance(inner, MutableMapping) and (found := _find(inner, ".".join(parts[count:]))):
            return found
    return None


def _split(key: str) -> list[str]:
    """Return the nested tables and the key under which a new setting is written."""
    for table in ("theme.", "urgency.priority.", *OPEN_TABLES, "urgency."):
        if key.startswith(table):
            return [*table.split(".")[:-1], key.removeprefix(table)]
    return [key]


def _put_entry(document: TOMLDocument, kind: str, name: str, content: Mapping[str, str | list[str]] | None) -> None:
    import tomlkit
    from tomlkit.items import InlineTable

    table = _open_table(document, [kind])
    if content is None:
        table.pop(name, None)
        return
    if name not in table:
        table[name] = tomlkit.inline_table() if isinstance(table, InlineTable) else tomlkit.table()
    for key in [key for key in table[name] if key not in content]:
        del table[name][key]
    table[name].update(content)


def _open_table(document: TOMLDocument, names: list[str]) -> MutableMapping[str, Any]:
    """Return the nested table with these names; create what is missing."""
    import tomlkit

    table: MutableMapping[str, Any] = document
    for place, name in enumerate(names):
        if name not in table:
            has_values = place == len(names) - 1 and names[0] in _TABLES
            table[name] = tomlkit.table(is_super_table=not has_values)
        table = table[name]
    return table


def _replace(path: Path, text: str) -> None:
    """Replace a file atomically with a file of mode 0600 with that text."""
    unfinished = path.with_name(f".{path.name}.new")  # a fixed name, so that killed commands leave one file at most
    unfinished.unlink(missing_ok=True)
    try:
        with os.fdopen(create_private_file(unfinished), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
