"""Sort orders of lists: `due,-priority` in, keys with a direction out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from todo_cli.errors import InvalidInputError
from todo_cli.suggestions import choose

SORT_KEYS = (
    "id",
    "title",
    "status",
    "priority",
    "urgency",
    "project",
    "due",
    "scheduled",
    "wait",
    "until",
    "created",
    "updated",
    "completed",
    "deleted",
)


@dataclass(frozen=True, slots=True)
class SortKey:
    """What to sort by, and whether the greatest comes first. What is missing comes last either way."""

    key: str
    descending: bool = False


DEFAULT_SORT = (SortKey("due"), SortKey("priority", descending=True))


def parse_sort(text: str) -> tuple[SortKey, ...]:
    """Return the keys in their order; a `-` in front sorts downwards.

    Raises InvalidInputError for an unknown key, and for one given twice: the second could never make a difference.
    """
    keys: list[SortKey] = []
    for part in text.lower().split(","):
        name = choose(part.strip().removeprefix("-"), SORT_KEYS, "sort key", "keys")
        if any(key.key == name for key in keys):
            raise InvalidInputError(f"the sort key {name!r} is given twice", "give each key once, as in due,-priority")
        keys.append(SortKey(name, descending=part.strip().startswith("-")))
    return tuple(keys)


def reverse_sort(keys: tuple[SortKey, ...]) -> tuple[SortKey, ...]:
    """Return the same keys, each in the other direction."""
    return tuple(replace(key, descending=not key.descending) for key in keys)
