"""The commands that set the fields of a todo: `add` and `modify`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from todo_cli.cli import options
from todo_cli.cli.completion import candidates
from todo_cli.cli.field_options import AddOptions, ModifyOptions
from todo_cli.cli.field_values import (
    collect_values,
    make_changes,
    make_todo,
    read_context_defaults,
    with_defaults,
)
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.targets import Targets, finish
from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import Settable

app = typer.Typer()


@command(app, "add", epilog="Example: todo add Pay rent due:eom project:home.flat +bills priority:high every:month")
def add(
    invocation: Invocation,
    fields: AddOptions,
    words: options.Words = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", metavar="UUID", help="UUID of the todo, so that repeating the command adds it only once."),
    ] = None,
    edit_: Annotated[
        bool,
        typer.Option("--edit", "-e", help="Open the new todo in your editor, as 'todo edit' does."),
    ] = False,
) -> None:
    """Add a todo.

    WORDS are its title. Attributes among them set the same fields as the options, by the same names: due:friday
    project:home every:month depends:12,15; +bills stands for tag:bills. Quote a value of several words:
    due:'friday 5pm'. After -- everything is text. The command prints what it understood.

    Fields that you do not set come from the context in use (see 'todo context'). To add the todo without a project,
    write project: without a value.
    """
    from todo_cli.query.references import parse_uuid
    from todo_cli.query.texts import parse_title
    from todo_cli.services.todos import add_todo

    if not words and not edit_:
        raise InvalidInputError("missing argument 'WORDS'", "run 'todo add --help'")
    uuid = None if id_ is None else parse_uuid(id_)
    defaults = read_context_defaults(invocation)
    given = collect_values(
        invocation,
        Settable.ADD,
        words or (),
        fields,
        may_empty=defaults.values,
        literals=invocation.literals,
    )
    given = with_defaults(given, defaults)
    if edit_:
        from todo_cli.cli.edit.adding import edit_new

        outcome = edit_new(invocation, given, lambda later, new: later.run(add_todo, replace(new, uuid=uuid)))
    else:
        outcome = invocation.run(add_todo, make_todo(given, parse_title(" ".join(given.text)), uuid))
    finish(invocation, [outcome], "already exists")


@command(app, "modify", epilog="Example: todo modify 12 due:friday +urgent untag:later project:")
def modify(
    invocation: Invocation,
    fields: ModifyOptions,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references),
    ] = None,
    no_due: Annotated[bool, typer.Option("--no-due", help="Remove the due date.")] = False,
    no_project: Annotated[bool, typer.Option("--no-project", help="Remove the todo from its project.")] = False,
    if_version: Annotated[
        int | None,
        typer.Option(
            "--if-version", metavar="N", min=1, help="Change the todo only if it is at this version; --json shows it."
        ),
    ] = None,
    where: options.WhereOption = None,
    yes: options.YesOption = False,
) -> None:
    """Change todos.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. Options and attributes set
    fields: due:friday +urgent untag:later title:'Buy bread'. An attribute without a value clears its field, such as
    project: due: every: depends: parent:. Other fields stay as they are. Subtasks move to the new project too.
    """
    from todo_cli.query.input.setters import list_setters
    from todo_cli.query.references import parse_references
    from todo_cli.services.todos import TodoChanges, modify_todos

    cleared = [name for name, flag in (("due", no_due), ("project", no_project)) if flag]
    for name in cleared:
        if fields[name] is not None:
            raise InvalidInputError(f"--{name} and --no-{name} cannot be used together")
    given = collect_values(
        invocation,
        Settable.MODIFY,
        words or (),
        {**fields, **dict.fromkeys(cleared, "")},
        may_empty=list_setters(Settable.MODIFY),
        literals=invocation.literals,
    )
    if where is None:  # an unquoted title is the most common mistake
        parse_references(given.text, hint="quote a new title: title:'Buy bread'")
    changes = make_changes(given)
    if changes == TodoChanges():
        raise InvalidInputError(
            "nothing to change: set at least one field", "run 'todo modify --help' to see the fields"
        )
    if if_version is not None and (where is not None or len(parse_references(given.text)) > 1):
        raise InvalidInputError("--if-version can be used with one todo only")
    change = partial(modify_todos, changes=changes, if_version=if_version)
    outcomes = Targets(given.text, where, yes).change(invocation, change, "change")
    finish(invocation, outcomes, "nothing to change")
