"""Candidates for shell completion: recently seen names and numbers, from a local cache file, never from a server.

Every command that shows or changes todos adds to the cache; `project list` and `tag list` correct it.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypedDict

import typer

from todo_cli import config
from todo_cli.errors import TodoError
from todo_cli.files import create_private_file, make_private_folder

if TYPE_CHECKING:
    from todo_cli.cli.invocation import Invocation
    from todo_cli.models.values import TodoPublic

P = ParamSpec("P")

MAX_TODOS = 500


class Seen(TypedDict):
    """The content of the cache: titles of open todos by number, and names."""

    todos: dict[str, str]
    projects: list[str]
    tags: list[str]


def complete_references(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the numbers of open todos, each with its title."""
    before, comma, _ = incomplete.rpartition(",")
    return [(f"{before}{comma}{number}", title) for number, title in _load(_path_for(context)).get("todos", {}).items()]


def complete_projects(context: typer.Context) -> list[str]:
    """Return recently seen projects."""
    return _load(_path_for(context))["projects"]


def complete_tags(context: typer.Context) -> list[str]:
    """Return recently seen tags."""
    return _load(_path_for(context))["tags"]


def complete_views() -> list[str]:
    """Return the names of saved views."""
    return list(_stored().views)


def complete_contexts() -> list[str]:
    """Return the names of saved contexts."""
    return list(_stored().contexts)


def _never_failing(function: Callable[P, None]) -> Callable[P, None]:
    """Suppress errors of the cache, which must not fail a command that has done its work."""

    @functools.wraps(function)
    def run(*args: P.args, **options: P.kwargs) -> None:
        with suppress(Exception):
            function(*args, **options)

    return run


@_never_failing
def remember_todos(invocation: Invocation, todos: Iterable[TodoPublic]) -> None:
    """Add todos to the cache."""
    from todo_cli.rendering.format.escaping import neutralise

    path = _path(invocation.settings)
    seen = _load(path)
    for todo in todos:
        seen["todos"].pop(str(todo.id), None)
        if todo.status == "open" and not todo.deleted_at:
            seen["todos"][str(todo.id)] = neutralise(todo.title)[:60]
        seen["projects"] = sorted({*seen["projects"], *([todo.project] if todo.project else [])})
        seen["tags"] = sorted({*seen["tags"], *todo.tags})
    seen["todos"] = dict(list(seen["todos"].items())[-MAX_TODOS:])
    _save(path, seen)


@_never_failing
def remember_names(
    invocation: Invocation, *, projects: Sequence[str] | None = None, tags: Sequence[str] | None = None
) -> None:
    """Replace the names in the cache."""
    path = _path(invocation.settings)
    seen = _load(path)
    seen["projects"] = seen["projects"] if projects is None else list(projects)
    seen["tags"] = seen["tags"] if tags is None else list(tags)
    _save(path, seen)


@_never_failing
def forget(invocation: Invocation) -> None:
    """Remove the cache of the database in use."""
    _path(invocation.settings).unlink(missing_ok=True)


def _stored() -> config.Stored:
    with suppress(TodoError):  # an invalid file has no candidates
        return config.read_file()
    return config.Stored()


def _path_for(context: typer.Context) -> Path:
    before, after = context.find_root().params, context.params  # the command's name
    return _path(config.resolve({name: after.get(name) or before.get(name) for name in ("database", "user")}))


def _path(settings: Mapping[str, config.Value]) -> Path:
    key = f"{settings['database'].value}\n{settings['user'].value}"
    return config.cache_folder() / f"completion-{sha256(key.encode()).hexdigest()[:16]}.json"


def _load(path: Path) -> Seen:
    seen: Seen = {"todos": {}, "projects": [], "tags": []}
    with suppress(OSError, ValueError, RecursionError):  # an invalid file has no candidates
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and isinstance(found.get("todos"), dict):
            seen["todos"] = {str(number): str(title) for number, title in found["todos"].items()}
            seen["projects"] = _texts(found.get("projects"))
            seen["tags"] = _texts(found.get("tags"))
    return seen


def _texts(found: object) -> list[str]:
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _save(path: Path, seen: Seen) -> None:
    # A cache that cannot be written must not fail a command that has done its work.
    with suppress(OSError):
        make_private_folder(path.parent)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(create_private_file(unfinished), "w", encoding="utf-8") as file:
            file.write(json.dumps(seen, ensure_ascii=False))
        unfinished.replace(path)
