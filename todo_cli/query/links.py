"""Changes to the names and references of a field, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class LinkChange:
    """Items to add to a set and to remove from it, or the single value to set; names, or references (`references.py`).

    Removing `all` clears the field.
    """

    add: tuple[Any, ...] = ()
    remove: tuple[Any, ...] | Literal["all"] = ()

    @property
    def one(self) -> Any:
        """Return the single value to set, None if there is none."""
        return self.add[0] if self.add else None


UNCHANGED = LinkChange()
