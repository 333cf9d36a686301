"""A cache of compiled statements that all engines of this process share."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from sqlalchemy.util import LRUCache

COMPILED: MutableMapping[Any, Any] = LRUCache(500)
"""Compiled statements by dialect and statement; compiling takes longer than running them."""


class Interchangeable:
    """A dialect whose instances are all equal, so that they can share compiled statements."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))
