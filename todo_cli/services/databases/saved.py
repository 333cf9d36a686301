"""Views and contexts under their names, in the configuration file. No database has a part in it."""

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
"""What one uses to be in no context."""


def list_views() -> list[SavedView]:
    """Return the views, sorted by name."""
    return _sorted(config.read_file().views)


def list_contexts() -> list[SavedContext]:
    """Return the contexts, sorted by name."""
    return _sorted(config.read_file().contexts)


def find_view(name: str) -> SavedView:
    """Return the view of that name, in any case; raises NotFoundError with the names there are."""
    return _find(config.read_file().views, "view", name)


def find_context(name: str) -> SavedContext:
    """Return the context of that name, in any case; raises NotFoundError with the names there are."""
    return _find(config.read_file().contexts, "context", name)


def save_view(view: SavedView, *, replace: bool = False) -> None:
    """Store a view; raises InvalidInputError for its name, and ConflictError for another of that name.

    With `replace` it takes the place of the other.
    """
    there = _check(view, config.read_file().views, "view", replace=replace)
    content: dict[str, str | list[str]] = {"filter": view.filter} if view.filter else {}
    if view.sort:
        content["sort"] = view.sort
    if view.columns:
        content["columns"] = list(view.columns)
    config.store({}, {("views", there): content})


def save_context(context: SavedContext, *, replace: bool = False) -> None:
    """Store a context; raises InvalidInputError for its name, and ConflictError for another of that name.

    With `replace` it takes the place of the other.
    """
    if fold(context.name) == NO_CONTEXT:
        raise InvalidInputError("no context is called 'none': that is what one uses to be in no context")
    there = _check(context, config.read_file().contexts, "context", replace=replace)
    content: dict[str, str | list[str]] = {"filter": context.filter} if context.filter else {}
    if context.defaults:
        content["defaults"] = context.defaults
    config.store({}, {("contexts", there): content})


def delete_view(name: str) -> SavedView:
    """Remove the view of that name, and return it; raises NotFoundError."""
    view = find_view(name)
    config.store({}, {("views", view.name): None})
    return view


def delete_context(name: str) -> SavedContext:
    """Remove the context of that name, and return it; if it is stored as the one in use, none is then.

    Raises NotFoundError.
    """
    context = find_context(name)
    used = config.read_file().settings.get("context")
    ends: dict[str, None] = {"context": None} if fold(str(used)) == fold(context.name) else {}
    config.store(ends, {("contexts", context.name): None})
    return context


def use_context(name: str) -> SavedContext | None:
    """Make a context the one in use, and return it; `none` ends that. Raises NotFoundError."""
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
    known = f"{kind}s: {', '.join(names)}" if names else f"'todo {kind} save' makes one"
    raise NotFoundError(f"there is no {kind} {name!r}", f"did you mean {meant!r}? {known}" if meant else known)


def _check(wanted: Saved, saved: Mapping[str, Saved], kind: Literal["view", "context"], *, replace: bool) -> str:
    """Return the name under which it is to stand in the file."""
    name = parse_name(wanted.name, kind)
    there = next((each for each in saved.values() if fold(each.name) == fold(name)), None)
    if there is not None and there != wanted and not replace:
        raise ConflictError(f"there is a {kind} {there.name!r} already", "--force puts the new one in its place")
    return there.name if there else name
