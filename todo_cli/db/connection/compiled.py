"""Statements that were compiled to SQL once in this process, for all engines that come after."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from sqlalchemy.util import LRUCache

COMPILED: MutableMapping[Any, Any] = LRUCache(500)
"""By dialect and statement: compiling one takes longer than running it."""


class Interchangeable:
    """A dialect all of whose instances are alike, so that what one has compiled serves the others."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))
