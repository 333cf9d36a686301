"""What makes a todo urgent, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from todo_cli.config.defaults import COEFFICIENTS
from todo_cli.models.text import fold
from todo_cli.query.names import Kind, parse_name


@dataclass(frozen=True, slots=True)
class Coefficients:
    """How much each thing adds to urgency; `age_max` is in days.

    `tags` and `projects` are for having any; `tag` and `project` have what single ones add, by their folded names.
    """

    due: float = COEFFICIENTS["due"]
    priority_high: float = COEFFICIENTS["priority.high"]
    priority_medium: float = COEFFICIENTS["priority.medium"]
    priority_low: float = COEFFICIENTS["priority.low"]
    scheduled: float = COEFFICIENTS["scheduled"]
    active: float = COEFFICIENTS["active"]
    age: float = COEFFICIENTS["age"]
    age_max: float = COEFFICIENTS["age_max"]
    tags: float = COEFFICIENTS["tags"]
    projects: float = COEFFICIENTS["projects"]
    blocking: float = COEFFICIENTS["blocking"]
    blocked: float = COEFFICIENTS["blocked"]
    waiting: float = COEFFICIENTS["waiting"]
    tag: Mapping[str, float] = field(default_factory=dict)
    project: Mapping[str, float] = field(default_factory=dict)


def read_coefficients(table: Mapping[str, float]) -> Coefficients:
    """Return the coefficients that a table has by names such as `due`, `priority.high` and `tag.next`.

    Those that it does not have are the defaults. Raises InvalidInputError for what is no name of a tag or project.
    """
    plain = {name.replace(".", "_"): value for name, value in table.items() if name in COEFFICIENTS}
    return Coefficients(**plain, tag=_read_names(table, "tag"), project=_read_names(table, "project"))


def _read_names(table: Mapping[str, float], kind: Kind) -> dict[str, float]:
    prefix = f"{kind}."
    return {
        fold(parse_name(name.removeprefix(prefix), kind)): value
        for name, value in table.items()
        if name.startswith(prefix)
    }
