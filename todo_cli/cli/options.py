"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.models.fields import FIELDS

# Typer lists an argument in the help with its Python type; the help text of each command says what its arguments are.
References = Annotated[
    list[str], typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
]
ReferencesOrWhere = Annotated[
    list[str] | None, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPRESSION",
        help="Select todos with a filter, as in 'todo list'. Asks if it finds more than three.",
    ),
]
Words = Annotated[list[str] | None, typer.Argument(metavar="WORDS", hidden=True)]
ProjectOption = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        metavar="NAME",
        help="Project, such as work or work.api.",
        autocompletion=candidates.complete_projects,
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option("--tag", "-t", metavar="NAME", help="Tag; may be repeated.", autocompletion=candidates.complete_tags),
]
PriorityOption = Annotated[
    str | None,
    typer.Option(
        "--priority",
        metavar="|".join(FIELDS["priority"].choices),
        help=f"{FIELDS['priority'].option_help}.",
        autocompletion=lambda: list(FIELDS["priority"].choices),
    ),
]
WithSubtasksOption = Annotated[bool, typer.Option("--with-subtasks", help="Include their open subtasks.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def count_todos(number: int) -> str:
    """Return the number with its noun."""
    return f"{number:,} todo" if number == 1 else f"{number:,} todos"
