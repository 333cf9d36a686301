"""What history keeps, read back as the values of fields."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

from todo_cli.models.fields import FIELDS, Kind
from todo_cli.models.values import Priority, When

Plain = Any
"""A value as JSON has it: None, text, number or truth, of a due date with a time a mapping; rows are their uuids."""

HOLDING = ("project", "tag", "series", "parent", "depends", "todo")
"""Fields whose value is the uuid of another row."""

_OTHER_INSTANTS = ("archived_at", "created_at", "ended_at")
"""Those of projects, comments and series."""


def load(text: str | None) -> Plain:
    """Return what a line of history says, as JSON has it."""
    return None if text is None else json.loads(text)


def decode(field: str, plain: Plain) -> Any:
    """Return the value of a field as rows have it; of one that names another row, its uuid."""
    if plain is None:
        return None
    if field in HOLDING:
        return UUID(plain)
    if field in _OTHER_INSTANTS:
        return datetime.fromisoformat(plain)
    if field == "priority":
        return Priority(plain)
    declared = FIELDS.of_attribute(field)
    match declared.kind if declared else None:
        case Kind.WHEN if isinstance(plain, dict):
            return When(date.fromisoformat(plain["on"]), datetime.fromisoformat(plain["at"]))
        case Kind.WHEN:
            return When(date.fromisoformat(plain))
        case Kind.INSTANT:
            return datetime.fromisoformat(plain)
        case Kind.DATE:
            return date.fromisoformat(plain)
    return plain
