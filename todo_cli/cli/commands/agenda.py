"""The commands `today`, `agenda`, `inbox`, `waiting` and `completed`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import (
    CompletedOptions,
    ListOptions,
    NoContextOption,
    WaitingOptions,
    WordsArgument,
    note_empty_list,
    read_context,
    read_words,
    show_list,
)
from todo_cli.cli.parsing.registration import command

app = typer.Typer()

MAX_DAYS = 366


@command(app, "today", epilog="Example: todo today +phone")
def today(
    invocation: Invocation,
    words: WordsArgument = None,
    *,
    display: ListOptions,
) -> None:
    """List the todos for today.

    These are todos that are overdue, due today, or scheduled for today or earlier. WORDS filter the list, as in
    'todo list'.
    """
    from todo_cli.query.agenda import due_or_scheduled

    parts = [due_or_scheduled(invocation.now.date()), *read_words(invocation, words)]
    show_list(invocation, parts, display, nothing="No todos match." if words else "Nothing to do today.")


@command(app, "agenda", epilog="Example: todo agenda --days 14")
def agenda(
    invocation: Invocation,
    words: WordsArgument = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=MAX_DAYS, help="Number of days, including today.")
    ] = 7,
    no_context: NoContextOption = False,
) -> None:
    """Show the coming days, one by one.

    Each day lists the todos that are due or scheduled on it; overdue todos come first. A todo with both dates appears
    on its due date. WORDS filter the list, as in 'todo list'.
    """
    from todo_cli.query.agenda import due_or_scheduled, make_agenda
    from todo_cli.query.defaults import with_defaults
    from todo_cli.query.filter.ast import And
    from todo_cli.services.listing import ListQuery, list_todos

    last = invocation.now.date() + timedelta(days=days - 1)
    tree = with_defaults(And((due_or_scheduled(last), *read_words(invocation, words))))
    context = None if no_context else read_context(invocation)
    result = invocation.run(list_todos, ListQuery(tree, context=context))
    candidates.remember_todos(invocation, result.todos)
    schedule = make_agenda(result.todos, invocation.now, days, context=result.context, hidden=result.hidden)
    if schedule.todos or invocation.json:
        invocation.renderer.show_agenda(schedule)
    if not schedule.todos:
        nothing = f"Nothing to do in the next {days} days." if days > 1 else "Nothing to do today."
        note_empty_list(invocation, result, "No todos match." if words else nothing)


@command(app, "inbox", epilog="Example: todo inbox --sort created")
def inbox(
    invocation: Invocation,
    words: WordsArgument = None,
    *,
    display: ListOptions,
) -> None:
    """List todos without a project.

    WORDS filter the list, as in 'todo list'.
    """
    from todo_cli.query.filter.ast import Has, Not

    parts = [Not(Has("project")), *read_words(invocation, words)]
    show_list(invocation, parts, display, nothing="No todos match." if words else "Every todo has a project.")


@command(app, "waiting", epilog="Example: todo waiting")
def waiting(
    invocation: Invocation,
    words: WordsArgument = None,
    *,
    display: WaitingOptions,
) -> None:
    """List hidden todos, in the order in which they will appear.

    WORDS filter the list, as in 'todo list'.
    """
    from todo_cli.query.columns import USUAL, Columns
    from todo_cli.query.filter.ast import IsWaiting

    parts = [IsWaiting(), *read_words(invocation, words)]
    usual = Columns((*USUAL.names, "wait"))
    show_list(
        invocation,
        parts,
        display,
        nothing="No todos match." if words else "Nothing is waiting.",
        sort="wait",
        columns=usual,
    )


@command(app, "completed", epilog="Example: todo completed --since monday")
def completed(
    invocation: Invocation,
    words: WordsArgument = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Completed on or after that day or time.")
    ] = None,
    *,
    display: CompletedOptions,
) -> None:
    """List completed todos, most recent first.

    WORDS filter the list, as in 'todo list'.
    """
    from todo_cli.models.values import Status
    from todo_cli.query.columns import MARK, Columns
    from todo_cli.query.dates import parse_when
    from todo_cli.query.filter.ast import Compares, Filter, HasStatus

    parts: list[Filter] = [HasStatus(Status.DONE), *read_words(invocation, words)]
    if since is not None:
        parts.append(Compares("completed", "since", parse_when(since, invocation.now, invocation.conventions)))
    usual = Columns(("id", MARK, "title", "project", "tags", "completed"))
    show_list(
        invocation,
        parts,
        display,
        nothing="No todos match." if words else "No completed todos.",
        sort="-completed",
        columns=usual,
    )
