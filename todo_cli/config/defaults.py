"""What holds where the configuration file says nothing: how much each thing adds to urgency, and what looks how."""

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
"""The coefficients of urgency, as people know them from Taskwarrior; `age_max` is a number of days."""

STYLES: Mapping[str, str] = {
    "todo.id": "cyan",
    "todo.head": "dim",
    "todo.title": "",
    "todo.closed": "dim strike",
    "todo.project": "blue",
    "todo.tag": "green",
    "todo.faint": "dim",
    "todo.recurrence": "magenta",
    "todo.subtasks": "cyan",
    "todo.active": "bold green",
    "priority.high": "bold red",
    "priority.medium": "yellow",
    "priority.low": "dim",
    "due.overdue": "bold red",
    "due.today": "bold yellow",
    "due.soon": "yellow",
    "due.later": "",
    "urgency.high": "bold red",
    "urgency.medium": "yellow",
    "urgency.low": "",
    "status.done": "green",
    "status.cancelled": "dim",
    "agenda.overdue": "bold red",
    "agenda.today": "bold yellow",
    "agenda.day": "bold",
    "comment.author": "cyan",
    "markdown.h1": "bold underline",
    "markdown.h2": "bold",
    "markdown.h3": "bold",
    "markdown.code": "cyan",
    "markdown.code_block": "cyan",
    "markdown.link": "underline",
    "markdown.link_url": "blue",
    "history.command": "bold",
    "history.user": "dim",
    "history.added": "green",
    "history.removed": "red strike",
    "history.undone": "dim",
    "finding.well": "green",
    "finding.ill": "bold red",
    "finding.advice": "yellow",
}
"""The styles of the theme, each as Rich writes it."""
