"""Candidates for shell completion: recently seen names and numbers, from a local cache file, never from a server.

Every command that shows or changes todos adds to the cache; `project list` and `tag list` correct it.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import typer

from todo_cli import config
from todo_cli.errors import TodoError
from todo_cli.files import create_private_file, make_private_folder
from todo_cli.models.fields import FIELDS

if TYPE_CHECKING:
    from todo_cli.cli.invocation import Invocation
    from todo_cli.models.values import TodoPublic

P = ParamSpec("P")

MAX_TODOS = 500


@dataclass
class Seen:
    """The content of the cache: titles of open todos by number, and names by their table, such as `projects`."""

    todos: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)


def complete_references(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the numbers of open todos, each with its title."""
    before, comma, _ = incomplete.rpartition(",")
    return [(f"{before}{comma}{number}", title) for number, title in _load(_path_for(context)).todos.items()]


def complete_names(table: str) -> Callable[[typer.Context], list[str]]:
    """Return a function that returns recently seen names of a table, such as `projects`."""

    def complete(context: typer.Context) -> list[str]:
        return _load(_path_for(context)).names.get(table, [])

    return complete


complete_projects = complete_names("projects")
complete_tags = complete_names("tags")


def complete_views() -> list[str]:
    """Return the names of saved views."""
    return list(_stored().views)


def complete_contexts() -> list[str]:
    """Return the names of saved contexts."""
    return list(_stored().contexts)


def _never_failing(function: Callable[P, None]) -> Callable[P, None]:
    """Suppress errors of the cache, which must not make a command fail after it has done its work."""

    @functools.wraps(function)
    def run(*args: P.args, **options: P.kwargs) -> None:
        with suppress(Exception):
            function(*args, **options)

    return run


@_never_failing
def remember_todos(invocation: Invocation, todos: Iterable[TodoPublic]) -> None:
    """Add todos to the cache."""
    from todo_cli.rendering.format.escaping import neutralize

    path = _path(invocation.settings)
    seen = _load(path)
    named = [each for each in FIELDS.values() if each.names]
    for todo in todos:
        seen.todos.pop(str(todo.id), None)
        if todo.status == "open" and not todo.deleted_at:
            seen.todos[str(todo.id)] = neutralize(todo.title)[:60]
        for each in named:
            value = each.get(todo)
            names = value if isinstance(value, tuple) else (value,) if value else ()
            seen.names[each.names] = sorted({*seen.names.get(each.names, []), *names})
    seen.todos = dict(list(seen.todos.items())[-MAX_TODOS:])
    _save(path, seen)


@_never_failing
def remember_names(invocation: Invocation, table: str, names: Sequence[str]) -> None:
    """Replace the names of a table in the cache."""
    path = _path(invocation.settings)
    seen = _load(path)
    seen.names[table] = list(names)
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
    seen = Seen()
    with suppress(OSError, ValueError, RecursionError):  # an invalid file has no candidates
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and isinstance(found.get("todos"), dict):
            seen.todos = {str(number): str(title) for number, title in found.pop("todos").items()}
            seen.names = {table: _texts(names) for table, names in found.items()}
    return seen


def _texts(found: object) -> list[str]:
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _save(path: Path, seen: Seen) -> None:
    # A cache that cannot be written must not make a command fail after it has done its work.
    with suppress(OSError):
        make_private_folder(path.parent)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(create_private_file(unfinished), "w", encoding="utf-8") as file:
            file.write(json.dumps({"todos": seen.todos, **seen.names}, ensure_ascii=False))
        unfinished.replace(path)
