"""The command `comment`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.signals import asking
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError

app = typer.Typer()


@command(app, "comment", epilog="Example: todo comment 12 The landlord has called back")
def comment(
    invocation: Invocation,
    reference: Annotated[
        str, typer.Argument(metavar="REF", hidden=True, autocompletion=candidates.complete_references)
    ],
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", hidden=True)] = None,
) -> None:
    """Add a comment to a todo. 'todo show' lists comments with their author and time.

    REF is a number (12) or the first characters of a uuid. TEXT is everything that follows; a single - reads it from
    standard input.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.query.texts import parse_comment
    from todo_cli.services.comments import add_comment

    words = text or []
    references = parse_references([reference])
    if len(references) > 1:
        raise InvalidInputError(f"{reference!r} refers to several todos", "give a single number or uuid")
    if not words:
        raise InvalidInputError(
            "the comment is missing",
            f"for example: todo comment {reference} Called back; a single - reads standard input",
        )
    body = _read_stdin() if words == ["-"] and not invocation.literals else " ".join(words)
    added = invocation.run(add_comment, references[0], parse_comment(body))
    with after_storing(invocation):
        invocation.renderer.show_comment(added)


def _read_stdin() -> str:
    """Return standard input as text, without its final line break."""
    try:
        with asking():
            text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not valid UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")
