"""Saved views and contexts. They are stored in the configuration file, not in a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

from todo_cli import config
from todo_cli.config import SavedContext, SavedView
from todo_cli.errors import ConflictError, InvalidInputError, NotFoundError
from todo_cli.models.text import fold
from todo_cli.query.names import parse_name
from todo_cli.suggestions import nearest

Saved = TypeVar("Saved", SavedView, SavedContext)

NO_CONTEXT = "none"
"""The name that turns contexts off."""


def list_views() -> list[SavedView]:
    """Return the saved views, sorted by name."""
    return _sorted(config.read_file().views)


def list_contexts() -> list[SavedContext]:
    """Return the saved contexts, sorted by name."""
    return _sorted(config.read_file().contexts)


def find_view(name: str) -> SavedView:
    """Return the view with that name, regardless of case; raises NotFoundError with the existing names."""
    return _find(config.read_file().views, "view", name)


def find_context(name: str) -> SavedContext:
    """Return the context with that name, regardless of case; raises NotFoundError with the existing names."""
    return _find(config.read_file().contexts, "context", name)


def save_view(view: SavedView, *, replace: bool = False) -> None:
    """Store a view; `replace` overwrites one with the same name.

    Raises InvalidInputError for an invalid name and ConflictError for a taken one.
    """
    there = _check(view, config.read_file().views, "view", replace=replace)
    content: dict[str, str | list[str]] = {"filter": view.filter} if view.filter else {}
    if view.sort:
        content["sort"] = view.sort
    if view.columns:
        content["columns"] = list(view.columns)
    config.store({}, {("views", there): content})


def save_context(context: SavedContext, *, replace: bool = False) -> None:
    """Store a context; `replace` overwrites one with the same name.

    Raises InvalidInputError for an invalid name and ConflictError for a taken one.
    """
    if fold(context.name) == NO_CONTEXT:
        raise InvalidInputError("a context cannot be called 'none': 'todo context use none' turns contexts off")
    there = _check(context, config.read_file().contexts, "context", replace=replace)
    content: dict[str, str | list[str]] = {"filter": context.filter} if context.filter else {}
    if context.defaults:
        content["defaults"] = context.defaults
    config.store({}, {("contexts", there): content})


def delete_view(name: str) -> SavedView:
    """Remove and return the view with that name; raises NotFoundError."""
    view = find_view(name)
    config.store({}, {("views", view.name): None})
    return view


def delete_context(name: str) -> SavedContext:
    """Remove and return the context with that name, and turn it off if it is in use. Raises NotFoundError."""
    context = find_context(name)
    used = config.read_file().settings.get("context")
    ends: dict[str, None] = {"context": None} if fold(str(used)) == fold(context.name) else {}
    config.store(ends, {("contexts", context.name): None})
    return context


def use_context(name: str) -> SavedContext | None:
    """Use a context, and return it; `none` turns contexts off. Raises NotFoundError."""
    if fold(name) == NO_CONTEXT:
        config.store({"context": None})
        return None
    context = find_context(name)
    config.store({"context": context.name})
    return context


def _sorted(saved: Mapping[str, Saved]) -> list[Saved]:
    return sorted(saved.values(), key=lambda each: fold(each.name))


def _find(saved: Mapping[str, Saved], kind: Literal["view", "context"], name: str) -> Saved:
    for each in saved.values():
        if fold(each.name) == fold(name):
            return each
    names = sorted(saved)
    meant = nearest(name, names)
    known = f"{kind}s: {', '.join(names)}" if names else f"run 'todo {kind} save' to create one"
    raise NotFoundError(f"there is no {kind} {name!r}", f"did you mean {meant!r}? {known}" if meant else known)


def _check(new: Saved, saved: Mapping[str, Saved], kind: Literal["view", "context"], *, replace: bool) -> str:
    """Return the key for a new view or context in the file; raises InvalidInputError and ConflictError."""
    name = parse_name(new.name, kind)
    there = next((each for each in saved.values() if fold(each.name) == fold(name)), None)
    if there is not None and there != new and not replace:
        raise ConflictError(f"{kind} {there.name!r} already exists", "add --force to replace it")
    return there.name if there else name
