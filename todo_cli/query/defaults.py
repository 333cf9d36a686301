"""What a list leaves out unless it is asked for."""

from __future__ import annotations

from typing import Literal

from todo_cli.models.values import Status
from todo_cli.query.filter.ast import (
    And,
    Compares,
    Condition,
    Filter,
    Has,
    HasStatus,
    InArchivedProject,
    InProject,
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
"""What a list leaves out, and the condition by which it does."""


def with_defaults(tree: Filter) -> Filter:
    """Return the filter with the conditions added that hold for lists unless the filter speaks of the same.

    A list is of open todos which neither wait nor have expired, outside of archived projects. It shows those it would
    leave out to a filter that names another status, the dates in question or a project; one that names todos by
    number finds them whatever they are.
    """
    asked = {left for condition in conditions_of(tree) for left in _asks_for(condition)}
    return And((*(default for left, default in _DEFAULTS.items() if left not in asked), tree))


def _asks_for(condition: Condition) -> tuple[_Left, ...]:
    match condition:
        case HasStatus(Status.OPEN) | Has("completed") | Compares("completed"):
            return ("closed",)
        case HasStatus():  # waiting and expired are open ones, which a list of another status shows only on purpose
            return ("closed", "waiting", "expired")
        case IsWaiting() | Has("wait") | Compares("wait"):
            return ("waiting",)
        case IsExpired() | Has("until") | Compares("until"):
            return ("expired",)
        case InProject():
            return ("archived",)
        case RefersTo():
            return ("closed", "waiting", "expired", "archived")
    return ()
