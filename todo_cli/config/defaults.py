"""Default coefficients of urgency and default styles: the tables `urgency` and `theme` of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping

COEFFICIENTS: Mapping[str, float] = {
    "due": 12.0,
    "priority.high": 6.0,
    "priority.medium": 3.9,
    "priority.low": 1.8,
    "scheduled": 5.0,
    "active": 4.0,
    "age": 2.0,
    "age_max": 365.0,
    "tags": 1.0,
    "projects": 1.0,
    "blocking": 8.0,
    "blocked": -5.0,
    "waiting": -3.0,
}
"""The coefficients of urgency, the same as in Taskwarrior; `age_max` is a number of days."""

STYLES: Mapping[str, str] = {
    "id": "cyan",
    "project": "blue",
    "tag": "green",
    "recurrence": "magenta",
    "active": "bold green",
    "done": "green",
    "closed": "dim strike",
    "high": "bold red",
    "medium": "yellow",
    "low": "dim",
    "overdue": "bold red",
    "today": "bold yellow",
    "soon": "yellow",
    "added": "green",
    "removed": "red strike",
    "heading": "bold",
    "faint": "dim",
}
"""The styles of the theme, each in the syntax of Rich."""

STYLE_DESCRIPTIONS: Mapping[str, str] = {
    "id": "numbers of todos, numbers of subtasks, and authors",
    "project": "projects",
    "tag": "tags",
    "recurrence": "recurrence of todos",
    "active": "todos in progress",
    "done": "check marks",
    "closed": "titles of done and cancelled todos",
    "high": "high priority and urgency, and problems",
    "medium": "medium priority and urgency, and advice",
    "low": "low priority",
    "overdue": "overdue dates",
    "today": "today's dates",
    "soon": "dates in the next few days",
    "added": "values that a step added, in the history",
    "removed": "values that a step removed, in the history",
    "heading": "headings, and commands in the history",
    "faint": "secondary text",
}
