"""The command `open`."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.errors import InvalidInputError, NotFoundError
from todo_cli.models.fields import FIELDS

app = typer.Typer()


@command(app, "open", epilog="Example: todo open 12")
def open_(
    invocation: Invocation,
    reference: Annotated[
        str, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
    ],
) -> None:
    """Open the URL of a todo.

    The URL is printed, not opened, in a pipe, with --json, without a desktop, or if it does not begin with http:,
    https: or mailto:. REF is a number (12) or the first characters of a uuid.
    """
    from todo_cli.cli.opener import open_url
    from todo_cli.query.references import parse_references
    from todo_cli.rendering.format.escaping import escape_field
    from todo_cli.services.listing import get_todos

    references = parse_references([reference])
    if len(references) > 1:
        raise InvalidInputError(f"{reference!r} refers to several todos", "give a single number or uuid")
    [todo] = invocation.run(get_todos, references)
    url = FIELDS["url"].get(todo)
    if url is None:
        raise NotFoundError(
            f"todo {todo.id} has no URL", f"set one with 'todo modify {todo.id} url:https://example.com'"
        )
    if invocation.json:
        invocation.renderer.show_record({"id": todo.id, "url": url})
    elif invocation.at_terminal and open_url(url):
        invocation.note(f"Opened {url}")
    else:
        invocation.print_value(escape_field(url))
