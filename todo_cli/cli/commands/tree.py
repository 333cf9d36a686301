"""The command `tree`."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command

app = typer.Typer()


@command(app, "tree", epilog="Example: todo tree 12")
def tree(
    invocation: Invocation,
    references: Annotated[
        list[str] | None, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
    ] = None,
) -> None:
    """Draw a tree of todos with their dependencies and subtasks.

    Below each todo are the todos it depends on and its subtasks. Without REF, the tree has all open todos with
    dependencies or subtasks. REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.tree import list_tree

    roots, todos = invocation.run(list_tree, parse_references(references) if references else ())
    candidates.remember_todos(invocation, todos)
    invocation.renderer.show_tree(todos, roots)
    if not todos and invocation.at_terminal:
        invocation.note("No open todo has dependencies or subtasks.")
