"""The command `edit`."""

from __future__ import annotations

import typer

from todo_cli.cli import options
from todo_cli.cli.edit.editor import open_draft
from todo_cli.cli.edit.merging import ModifyTask
from todo_cli.cli.edit.session import edit_until_valid
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.targets import finish

app = typer.Typer()


@command(app, "edit", epilog="Example: todo edit 12")
def edit(invocation: Invocation, references: options.References) -> None:
    """Edit todos in your editor: VISUAL, EDITOR, or else a default editor that is installed.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid. The fields are at the
    top, the description below. Concurrent changes are merged; you are asked if both changed the same field.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.listing import get_todos

    outcomes = []
    try:
        for todo in invocation.run(get_todos, parse_references(references), trashed=False):
            with open_draft(f"todo-{todo.id}", invocation) as draft:
                outcomes.append(edit_until_valid(invocation, draft, ModifyTask(todo, invocation)))
    finally:  # show what is stored, even if a later todo fails
        if outcomes:
            finish(invocation, outcomes, "nothing changed")
