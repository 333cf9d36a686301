"""The default conditions of lists."""

from __future__ import annotations

from typing import Literal

from todo_cli.models.values import Status
from todo_cli.query.filter.ast import (
    And,
    Compares,
    Condition,
    Filter,
    Has,
    HasName,
    HasStatus,
    InArchivedProject,
    IsExpired,
    IsWaiting,
    Not,
    RefersTo,
    conditions_of,
)

_Left = Literal["closed", "waiting", "expired", "archived"]

_DEFAULTS: dict[_Left, Filter] = {
    "closed": HasStatus(Status.OPEN),
    "waiting": Not(IsWaiting()),
    "expired": Not(IsExpired()),
    "archived": Not(InArchivedProject()),
}
"""The todos that lists hide, and the conditions that hide them."""


def with_defaults(tree: Filter) -> Filter:
    """Return the filter with the default conditions of lists, except those that the filter itself addresses.

    Lists show open todos that are neither waiting nor expired nor in an archived project. A filter by status, by the
    respective date or by project turns off the default condition; a filter by number turns off all of them.
    """
    asked = {left for condition in conditions_of(tree) for left in _asks_for(condition)}
    return And((*(default for left, default in _DEFAULTS.items() if left not in asked), tree))


def _asks_for(condition: Condition) -> tuple[_Left, ...]:
    match condition:
        case HasStatus(Status.OPEN) | Has("completed") | Compares("completed"):
            return ("closed",)
        case HasStatus():  # only open todos are waiting or expired
            return ("closed", "waiting", "expired")
        case IsWaiting() | Has("wait") | Compares("wait"):
            return ("waiting",)
        case IsExpired() | Has("until") | Compares("until"):
            return ("expired",)
        case HasName("project"):
            return ("archived",)
        case RefersTo():
            return ("closed", "waiting", "expired", "archived")
    return ()
