"""The attributes and options by which `add` and `modify` set fields, derived from the registry of fields.

A field is set by its own name. A set is also reduced, by `un` and its name (`untag`), and a recurrence is also set to
count from completion (`every!`, as an option `--every-after`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from todo_cli.models.fields import FIELDS, Field, Kind, Settable


class Action(Enum):
    """What a setter does with its value."""

    SET = auto()
    REMOVE = auto()
    """take it out of a set"""
    SET_AFTER = auto()
    """set a recurrence that counts from completion"""


@dataclass(frozen=True, slots=True)
class Setter:
    """One way to set a field: `name` as an attribute, `option` without its hyphens on the command line."""

    name: str
    field: Field
    action: Action = Action.SET
    option: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "option", self.option or self.name)

    @property
    def is_list(self) -> bool:
        """Whether it takes several names, and may be given several times."""
        return self.field.kind is Kind.NAMES


def list_setters(by: Settable) -> Mapping[str, Setter]:
    """Return the setters of a command by their names, in the order of the fields."""
    found = [setter for field in FIELDS.settable(by) for setter in _setters_of(field, by)]
    return {setter.name: setter for setter in found}


def list_aliases(by: Settable) -> Mapping[str, str]:
    """Return the other names of these setters, each with the one that it stands for.

    An interactive shell may take the `!` of `every!:` for a word of its history.
    """
    aliases = {alias: field.name for field in FIELDS.settable(by) for alias in field.aliases}
    options = {setter.option: name for name, setter in list_setters(by).items() if setter.option != name}
    return {**aliases, **options}


def _setters_of(field: Field, by: Settable) -> list[Setter]:
    setters = [Setter(field.name, field)]
    if field.kind is Kind.RECURRENCE:
        setters.append(Setter(f"{field.name}!", field, Action.SET_AFTER, f"{field.name}-after"))
    if field.is_set and by & Settable.MODIFY:
        setters.append(Setter(f"un{field.name}", field, Action.REMOVE))
    return setters
