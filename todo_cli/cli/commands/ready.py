"""The commands `next` and `blocked`."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import (
    MAX,
    AllOption,
    ColumnsOption,
    ListOptions,
    NoContextOption,
    PageOption,
    PerPageOption,
    WordsArgument,
    read_words,
    show_list,
)
from todo_cli.cli.parsing.registration import command
from todo_cli.errors import InvalidInputError

app = typer.Typer()


@command(app, "next", epilog="Example: todo next 3 project:work")
def next_(
    invocation: Invocation,
    words: Annotated[list[str] | None, typer.Argument(metavar="N WORDS", hidden=True)] = None,
    columns: ColumnsOption = None,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
    no_context: NoContextOption = False,
) -> None:
    """Show what to do next: the todos that are ready, most urgent first.

    A todo is ready if it is open, depends on no open todo, is not waiting, has not expired and is not scheduled for
    later. N is the number of todos to show; the default is one page on a terminal, all of them in a pipe. WORDS filter
    the list, as in 'todo list'. 'todo show' explains the urgency of a todo.
    """
    from todo_cli.query.filter.ast import IsReady

    words = words or []
    if len(words) > invocation.literals and words[0].isascii() and words[0].isdigit():
        if per_page is not None:
            raise InvalidInputError(f"N ({words[0]}) and --per-page cannot be used together", "use one of them")
        per_page, words = _read_number(words[0]), words[1:]
    parts = read_words(invocation, words)
    display = ListOptions(None, False, columns, page, per_page, all_, no_context)
    nothing = "No todos match." if parts else "Nothing is ready."
    show_list(invocation, [IsReady(), *parts], display, nothing=nothing, sort="-urgency")


@command(app, "blocked", epilog="Example: todo blocked project:work")
def blocked(
    invocation: Invocation,
    words: WordsArgument = None,
    *,
    display: ListOptions,
) -> None:
    """List blocked todos, with the numbers of the todos they wait for.

    WORDS filter the list, as in 'todo list'.
    """
    from todo_cli.query.columns import USUAL
    from todo_cli.query.filter.ast import IsBlocked

    parts = read_words(invocation, words)
    nothing = "No todos match." if parts else "Nothing is blocked."
    show_list(invocation, [IsBlocked(), *parts], display, nothing=nothing, columns=USUAL.extended_by("waits_for"))


def _read_number(text: str) -> int:
    if len(text) > len(str(MAX)) or not 1 <= int(text) <= MAX:
        raise InvalidInputError(
            f"N must be a whole number from 1 to {MAX:,}, not {text}", "quote it to search for it as text: '\"7\"'"
        )
    return int(text)
