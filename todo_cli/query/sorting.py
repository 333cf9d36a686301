"""Sort orders of lists: parse `due,-priority`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import FIELDS
from todo_cli.suggestions import choose


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by, and the direction. Todos without a value come last in either direction."""

    key: str
    descending: bool = False


DEFAULT_SORT = (SortKey("due"), SortKey("priority", descending=True))


def parse_sort(text: str) -> tuple[SortKey, ...]:
    """Return the sort keys in order; a leading `-` sorts in descending order.

    Raises InvalidInputError for an unknown key, and for a repeated one, which would have no effect.
    """
    known = [field.name for field in FIELDS.find(is_sort_key=True)]
    keys: list[SortKey] = []
    for part in text.lower().split(","):
        name = choose(part.strip().removeprefix("-"), known, "sort key", "keys")
        if any(key.key == name for key in keys):
            raise InvalidInputError(f"the sort key {name!r} is given twice", "give each key once, as in due,-priority")
        keys.append(SortKey(name, descending=part.strip().startswith("-")))
    return tuple(keys)


def reverse_sort(keys: tuple[SortKey, ...]) -> tuple[SortKey, ...]:
    """Return the keys, each in the opposite direction."""
    return tuple(replace(key, descending=not key.descending) for key in keys)
