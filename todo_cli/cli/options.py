"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli.cli.completion import candidates

if TYPE_CHECKING:
    from todo_cli.models.values import Priority

PRIORITIES = ("high", "medium", "low", "none")

# Typer lists an argument in the help with its Python type; the help text of each command says what its arguments are.
References = Annotated[
    list[str], typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
]
ReferencesOrWhere = Annotated[
    list[str] | None, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
]
WhereOption = Annotated[
    str | None,
    typer.Option("--where", metavar="EXPRESSION", help="Those that it finds, see 'todo list'; asks above three."),
]
Words = Annotated[list[str] | None, typer.Argument(metavar="WORDS", hidden=True)]
ProjectOption = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        metavar="NAME",
        help="Project; a dot nests.",
        autocompletion=candidates.complete_projects,
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option("--tag", "-t", metavar="NAME", help="Tag; may be repeated.", autocompletion=candidates.complete_tags),
]
DueOption = Annotated[
    str | None,
    typer.Option("--due", "-d", metavar="WHEN", help="friday, 'tomorrow 5pm', '24 dec', eom-3d, 2w, 2026-12-24."),
]
ScheduledOption = Annotated[str | None, typer.Option("--scheduled", metavar="WHEN", help="From when on to work on it.")]
WaitOption = Annotated[str | None, typer.Option("--wait", metavar="WHEN", help="Hide it from lists until then.")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="List it no more after that.")]
EveryOption = Annotated[
    str | None,
    typer.Option(
        "--every", metavar="RULE", help="day, '2 weeks', mon,thu, 'last day of month', '3rd tue of month', RRULE:... ."
    ),
]
EveryAfterOption = Annotated[
    str | None, typer.Option("--every-after", metavar="RULE", help="The same, counted from when it is done.")
]
PriorityOption = Annotated[
    str | None,
    typer.Option(
        "--priority",
        metavar="high|medium|low|none",
        help="How much it matters.",
        autocompletion=lambda: list(PRIORITIES),
    ),
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="A longer text.")]
DependsOption = Annotated[
    str | None,
    typer.Option(
        "--depends", metavar="REF,REF", help="What has to be done first.", autocompletion=candidates.complete_references
    ),
]
ParentOption = Annotated[
    str | None,
    typer.Option(
        "--parent", metavar="REF", help="The todo it is a part of.", autocompletion=candidates.complete_references
    ),
]
WithSubtasksOption = Annotated[bool, typer.Option("--with-subtasks", help="And what is open below them.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def count_todos(number: int) -> str:
    """Return the number with its noun."""
    return f"{number:,} todo" if number == 1 else f"{number:,} todos"


def parse_priority(text: str | None) -> Priority | None:
    """Return the priority of that name, None for None; raises InvalidInputError with the names there are."""
    from todo_cli.query.filter import attributes as meanings

    return None if text is None else meanings.parse_priority(text)
