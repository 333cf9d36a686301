"""Decoding of values in the history; `encode` in `step.py` is the inverse."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

from todo_cli.models.fields import FIELDS, Kind
from todo_cli.models.values import When

Plain = Any
"""A value in JSON: None, text, number or boolean; a date with a time is a mapping, a row is its uuid."""

HOLDING = ("project", "tag", "series", "parent", "depends", "todo")
"""Fields whose value is the uuid of another row."""

_OTHER_INSTANTS = ("archived_at", "created_at", "ended_at")
"""Instants of projects, comments and series."""


def load(text: str | None) -> Plain:
    """Parse the JSON value of a history entry."""
    return None if text is None else json.loads(text)


def decode(field: str, plain: Plain) -> Any:
    """Decode the value of a field; a reference to another row is its uuid."""
    if plain is None:
        return None
    if field in HOLDING:
        return UUID(plain)
    if field in _OTHER_INSTANTS:
        return datetime.fromisoformat(plain)
    declared = FIELDS.of_attribute(field)
    match declared.kind if declared else None:
        case Kind.CHOICE if declared and declared.enum:
            return declared.enum(plain)
        case Kind.WHEN if isinstance(plain, dict):
            return When(date.fromisoformat(plain["on"]), datetime.fromisoformat(plain["at"]))
        case Kind.WHEN:
            return When(date.fromisoformat(plain))
        case Kind.INSTANT:
            return datetime.fromisoformat(plain)
        case Kind.DATE:
            return date.fromisoformat(plain)
    return plain
