"""The commands that change todos."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli.cli import completion, options
from todo_cli.cli.commands import command
from todo_cli.cli.runtime import Invocation
from todo_cli.errors import InvalidInputError, TodoError

if TYPE_CHECKING:
    from todo_cli.db.database import Database
    from todo_cli.models.values import TodoOutcome, When
    from todo_cli.query.references import Reference

app = typer.Typer()


@command(app, "add", epilog="Example: todo add Pay rent -p home.flat -t bills -d eom --priority high")
def add(
    invocation: Invocation,
    words: options.Words,
    project: options.ProjectOption = None,
    tag: options.TagsOption = None,
    due: options.DueOption = None,
    priority: options.PriorityOption = None,
    description: options.DescriptionOption = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", metavar="UUID", help="Its uuid, so that a repeated command does not add it twice."),
    ] = None,
) -> None:
    """Add a todo. WORDS are its title; after -- everything is taken as it is.

    What was understood is printed.
    """
    from todo_cli.models.values import Priority
    from todo_cli.query.names import parse_name
    from todo_cli.query.references import parse_uuid
    from todo_cli.query.texts import parse_description, parse_title
    from todo_cli.services.todos import NewTodo, add_todo

    new = NewTodo(
        title=parse_title(" ".join(words)),
        description=parse_description(description or ""),
        priority=options.parse_priority(priority) or Priority.NONE,
        project=None if project is None else parse_name(project, "project"),
        tags=tuple(parse_name(name, "tag") for name in tag or ()),
        due=_parse_due(due, invocation),
        uuid=None if id_ is None else parse_uuid(id_),
    )
    _finish(invocation, [invocation.run(add_todo, new)], "is there already")


@command(app, "modify", epilog="Example: todo modify 12 --due friday -t urgent --untag later --no-project")
def modify(
    invocation: Invocation,
    references: options.References,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="A new title.")] = None,
    project: options.ProjectOption = None,
    tag: options.TagsOption = None,
    untag: Annotated[
        list[str] | None,
        typer.Option(
            "--untag",
            metavar="NAME",
            help="Take a tag off; may be repeated.",
            autocompletion=completion.complete_tags,
        ),
    ] = None,
    due: options.DueOption = None,
    priority: options.PriorityOption = None,
    description: options.DescriptionOption = None,
    no_due: Annotated[bool, typer.Option("--no-due", help="Take the due date off.")] = False,
    no_project: Annotated[bool, typer.Option("--no-project", help="Take it out of its project.")] = False,
    if_version: Annotated[
        int | None,
        typer.Option("--if-version", metavar="N", min=1, help="Only if it is at this version, as --json shows it."),
    ] = None,
) -> None:
    """Change todos. What is not named stays as it is; --description '' empties that.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.models.text import fold
    from todo_cli.query.names import parse_name
    from todo_cli.query.references import parse_references
    from todo_cli.query.texts import parse_description, parse_title
    from todo_cli.services.todos import TodoChanges, modify_todos

    targets = parse_references(references, hint="a new title stands in quotes: --title 'Buy bread'")
    if both := {fold(name) for name in tag or ()} & {fold(name) for name in untag or ()}:
        raise InvalidInputError(f"--tag and --untag contradict each other: {', '.join(sorted(both))}")
    for flag, other, name in ((no_due, due, "due"), (no_project, project, "project")):
        if flag and other is not None:
            raise InvalidInputError(f"--{name} and --no-{name} contradict each other")
    emptied = {"due": no_due, "project": no_project, "description": description == ""}
    changes = TodoChanges(
        title=None if title is None else parse_title(title),
        description=parse_description(description or ""),
        priority=options.parse_priority(priority),
        project=None if project is None else parse_name(project, "project"),
        due=_parse_due(due, invocation),
        tags=tuple(parse_name(name, "tag") for name in tag or ()),
        untag=tuple(parse_name(name, "tag") for name in untag or ()),
        clear=frozenset(name for name, empty in emptied.items() if empty),
    )
    if if_version is not None and len(targets) > 1:
        raise InvalidInputError("--if-version is about one todo, and several are named")
    if changes == TodoChanges():
        raise InvalidInputError("nothing to change was named", "'todo modify --help' shows what can be changed")
    _finish(
        invocation,
        invocation.run(modify_todos, targets, changes, if_version=if_version),
        "is like that already",
    )


@command(app, "done", epilog="Example: todo done 12 14-16")
def done(invocation: Invocation, references: options.References) -> None:
    """Finish todos.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import complete_todos

    _change(invocation, complete_todos, references, "is done already")


@command(app, "reopen", epilog="Example: todo reopen 12")
def reopen(invocation: Invocation, references: options.References) -> None:
    """Open todos again that are done or cancelled.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import reopen_todos

    _change(invocation, reopen_todos, references, "is open already")


@command(app, "cancel", epilog="Example: todo cancel 12")
def cancel(invocation: Invocation, references: options.References) -> None:
    """Take todos off the list that will not be done.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import cancel_todos

    _change(invocation, cancel_todos, references, "is cancelled already")


@command(app, "delete", epilog="Example: todo delete 12")
def delete(invocation: Invocation, references: options.References) -> None:
    """Put todos into the trash; 'todo restore' takes them out.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import delete_todos

    _change(invocation, delete_todos, references, "is in the trash already")


@command(app, "restore", epilog="Example: todo restore 12")
def restore(invocation: Invocation, references: options.References) -> None:
    """Take todos from the trash, under the numbers they had.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.services.todos import restore_todos

    _change(invocation, restore_todos, references, "is not in the trash")


def _change(
    invocation: Invocation,
    service: Callable[[Database, Sequence[Reference]], Awaitable[list[TodoOutcome]]],
    references: Sequence[str],
    unchanged: str,
) -> None:
    from todo_cli.query.references import parse_references

    _finish(invocation, invocation.run(service, parse_references(references)), unchanged)


def _finish(invocation: Invocation, outcomes: Sequence[TodoOutcome], unchanged: str) -> None:
    """Show what became of the todos, and say which of them were as wanted before."""
    completion.remember_todos(invocation, [outcome.todo for outcome in outcomes])
    for outcome in outcomes:
        if not outcome.changed:
            invocation.note(f"{outcome.todo.id} {unchanged}")
    try:
        invocation.renderer.show_outcomes(outcomes)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        numbers = ", ".join(str(outcome.todo.id) for outcome in outcomes)
        raise TodoError(
            f"it is stored ({numbers}), but cannot be shown: {error.strerror}", "do not repeat it"
        ) from None


def _parse_due(text: str | None, invocation: Invocation) -> When | None:
    from todo_cli.query.dates import parse_when

    return None if text is None else parse_when(text, invocation.now)
