"""Views and contexts in the configuration file. Their filters are parsed where they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from todo_cli.config.settings import kind_of
from todo_cli.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class SavedView:
    """A saved list: the words, `--sort` and `--columns` of `todo list`."""

    name: str
    filter: str
    sort: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedContext:
    """A context: a filter for every list, and default attributes for new todos."""

    name: str
    filter: str
    defaults: str = ""


def read_views(table: object) -> dict[str, SavedView]:
    """Return the views of the table `views` by name; raises InvalidInputError."""
    return {
        name: SavedView(
            name,
            _text(entry, f"views.{name}", "filter") or "",
            _text(entry, f"views.{name}", "sort"),
            _names(entry, f"views.{name}", "columns"),
        )
        for name, entry in _entries(table, "views", ("filter", "sort", "columns")).items()
    }


def read_contexts(table: object) -> dict[str, SavedContext]:
    """Return the contexts of the table `contexts` by name; raises InvalidInputError."""
    return {
        name: SavedContext(
            name,
            _text(entry, f"contexts.{name}", "filter") or "",
            _text(entry, f"contexts.{name}", "defaults") or "",
        )
        for name, entry in _entries(table, "contexts", ("filter", "defaults")).items()
    }


def _entries(table: object, kind: str, keys: tuple[str, ...]) -> dict[str, Mapping[str, object]]:
    entries: dict[str, Mapping[str, object]] = {}
    for name, entry in _table(table, kind, f"[{kind}.NAME]").items():
        entries[name] = _table(entry, f"{kind}.{name}", f"[{kind}.{name}]")
        if unknown := [key for key in entries[name] if key not in keys]:
            raise InvalidInputError(f"unknown key {unknown[0]!r} in {kind}.{name}", f"keys: {', '.join(keys)}")
    return entries


def _table(value: object, key: str, head: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidInputError(f"{key} must be a table, not {kind_of(value)}", f"put its values under a {head} header")
    return value


def _text(entry: Mapping[str, object], place: str, key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{place}.{key} must be text, not {kind_of(value)}")
    return value


def _names(entry: Mapping[str, object], place: str, key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InvalidInputError(f"{place}.{key} must be a list of names, such as ['id', 'title']")
    return tuple(value)
