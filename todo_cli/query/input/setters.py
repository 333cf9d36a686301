"""The attributes and options with which `add` and `modify` set fields, derived from the field registry.

A setter has the name of its field. In addition, `un` and the name of a set removes items from it (`untag`), and
`every!` (the option `--every-after`) sets a recurrence that counts from completion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from todo_cli.models.fields import FIELDS, Field, Kind, Settable


class Action(Enum):
    """The effect of a setter."""

    SET = auto()
    REMOVE = auto()
    """remove items from a set"""
    SET_AFTER = auto()
    """set a recurrence that counts from completion"""


@dataclass(frozen=True, slots=True)
class Setter:
    """A way to set a field: `name` is that of the attribute, `option` that of the option, without hyphens."""

    name: str
    field: Field
    action: Action = Action.SET
    option: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "option", self.option or self.name)

    @property
    def is_list(self) -> bool:
        """Whether it takes several names and can be repeated."""
        return self.field.kind is Kind.NAMES


def list_setters(by: Settable) -> Mapping[str, Setter]:
    """Return the setters of a command by name, in the order of the fields."""
    found = [setter for field in FIELDS.settable(by) for setter in _setters_of(field, by)]
    return {setter.name: setter for setter in found}


def list_aliases(by: Settable) -> Mapping[str, str]:
    """Return the aliases of these setters, each with the name of its setter.

    For example, `every-after` is an alias of `every!`, because an interactive shell may expand the `!` (history).
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
