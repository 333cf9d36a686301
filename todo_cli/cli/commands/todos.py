"""The commands that say what a todo is: `add` and `modify`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from todo_cli.cli import options
from todo_cli.cli.completion import candidates
from todo_cli.cli.details import gather, make_changes, make_todo, read_context_defaults, with_defaults
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.targets import Targets, finish
from todo_cli.errors import InvalidInputError

app = typer.Typer()


@command(app, "add", epilog="Example: todo add Pay rent due:eom project:home.flat +bills priority:high every:month")
def add(
    invocation: Invocation,
    words: options.Words = None,
    project: options.ProjectOption = None,
    tag: options.TagsOption = None,
    due: options.DueOption = None,
    scheduled: options.ScheduledOption = None,
    wait: options.WaitOption = None,
    until: options.UntilOption = None,
    every: options.EveryOption = None,
    every_after: options.EveryAfterOption = None,
    priority: options.PriorityOption = None,
    description: options.DescriptionOption = None,
    depends: options.DependsOption = None,
    parent: options.ParentOption = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", metavar="UUID", help="Its uuid, so that a repeated command does not add it twice."),
    ] = None,
    edit_: Annotated[
        bool,
        typer.Option("--edit", "-e", help="Open the editor on it, as 'todo edit' does."),
    ] = False,
) -> None:
    """Add a todo.

    WORDS are its title, and attributes among them do what the options do: due:friday project:home +bills every:month,
    also scheduled: wait: until: every-after: priority: description: depends:12,15 parent:9. A value of several words
    stands in quotes: due:'friday 5pm'. After -- everything is text. What was understood is printed.

    What is not said comes from the context in use, see 'todo context'; project: without a value takes none from it.
    """
    from todo_cli.query.input.quick_add import ADDED
    from todo_cli.query.references import parse_uuid
    from todo_cli.query.texts import parse_title
    from todo_cli.services.todos import add_todo

    if not words and not edit_:
        raise InvalidInputError("missing argument 'WORDS'", "'todo add --help' shows how")
    given = {
        "project": project,
        "due": due,
        "scheduled": scheduled,
        "wait": wait,
        "until": until,
        "every": every,
        "every!": every_after,
        "priority": priority,
        "description": description,
        "depends": depends,
        "parent": parent,
    }
    uuid = None if id_ is None else parse_uuid(id_)
    defaults = read_context_defaults(invocation)
    details = gather(
        invocation, words or (), ADDED, given, tag, may_empty=defaults.values, literals=invocation.literals
    )
    details = with_defaults(details, defaults)
    if edit_:
        from todo_cli.cli.edit.command import edit_new

        outcome = edit_new(invocation, details, lambda later, new: later.run(add_todo, replace(new, uuid=uuid)))
    else:
        outcome = invocation.run(add_todo, make_todo(details, parse_title(" ".join(details.text)), uuid))
    finish(invocation, [outcome], "already exists")


@command(app, "modify", epilog="Example: todo modify 12 due:friday +urgent untag:later project:")
def modify(
    invocation: Invocation,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="A new title.")] = None,
    project: options.ProjectOption = None,
    tag: options.TagsOption = None,
    untag: Annotated[
        list[str] | None,
        typer.Option(
            "--untag",
            metavar="NAME",
            help="Take a tag off; may be repeated.",
            autocompletion=candidates.complete_tags,
        ),
    ] = None,
    due: options.DueOption = None,
    scheduled: options.ScheduledOption = None,
    wait: options.WaitOption = None,
    until: options.UntilOption = None,
    every: options.EveryOption = None,
    every_after: options.EveryAfterOption = None,
    priority: options.PriorityOption = None,
    description: options.DescriptionOption = None,
    depends: options.DependsOption = None,
    undepends: Annotated[
        str | None, typer.Option("--undepends", metavar="REF,REF", help="What needs not be done first any more.")
    ] = None,
    parent: options.ParentOption = None,
    no_due: Annotated[bool, typer.Option("--no-due", help="Take the due date off.")] = False,
    no_project: Annotated[bool, typer.Option("--no-project", help="Take it out of its project.")] = False,
    if_version: Annotated[
        int | None,
        typer.Option("--if-version", metavar="N", min=1, help="Only if it is at this version, as --json shows it."),
    ] = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Change todos.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. What to change is said with
    options or attributes: due:friday +urgent untag:later title:'Buy bread'. The rest stays as it is; an attribute
    without a value empties the field: project: due: every: depends: parent: and so on. Subtasks come along into
    another project.
    """
    from todo_cli.query.input.quick_add import MODIFIED
    from todo_cli.query.references import parse_references
    from todo_cli.services.todos import TodoChanges, modify_todos

    for flag, value, name in ((no_due, due, "due"), (no_project, project, "project")):
        if flag and value is not None:
            raise InvalidInputError(f"--{name} and --no-{name} contradict each other")
    given = {
        "title": title,
        "project": "" if no_project else project,
        "due": "" if no_due else due,
        "scheduled": scheduled,
        "wait": wait,
        "until": until,
        "every": every,
        "every!": every_after,
        "priority": priority,
        "description": description,
        "depends": depends,
        "undepends": undepends,
        "parent": parent,
    }
    details = gather(
        invocation, words or (), MODIFIED, given, tag, untag, may_empty=MODIFIED, literals=invocation.literals
    )
    hint = "a new title stands in quotes: title:'Buy bread'"
    if where is None:
        parse_references(details.text, hint=hint)  # of all slips a title without quotes is the first
    changes = make_changes(details)
    if changes == TodoChanges():
        raise InvalidInputError("nothing to change was named", "'todo modify --help' shows what can be changed")
    if if_version is not None and (where is not None or len(parse_references(details.text)) > 1):
        raise InvalidInputError("--if-version is about one todo, and several are named")
    change = partial(modify_todos, changes=changes, if_version=if_version)
    outcomes = Targets(details.text, where, yes).change(invocation, change, "change")
    finish(invocation, outcomes, "nothing to change")
