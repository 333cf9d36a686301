"""The lists that have commands of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import (
    AllOption,
    ColumnsOption,
    CompletedSortOption,
    Look,
    NoContextOption,
    PageOption,
    PerPageOption,
    ReverseOption,
    SortOption,
    WaitingSortOption,
    WordsArgument,
    read_context,
    read_words,
    say_nothing,
    show_list,
)
from todo_cli.cli.parsing.registration import command

app = typer.Typer()

MOST_DAYS = 366


@command(app, "today", epilog="Example: todo today +phone")
def today(
    invocation: Invocation,
    words: WordsArgument = None,
    sort: SortOption = None,
    reverse: ReverseOption = False,
    columns: ColumnsOption = None,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
    no_context: NoContextOption = False,
) -> None:
    """List what there is to do today.

    That is what is overdue, due today, or scheduled for today or earlier. WORDS narrow it, as in 'todo list'.
    """
    from todo_cli.query.agenda import due_or_scheduled

    look = Look(sort, reverse, columns, page, per_page, all_, no_context)
    parts = [due_or_scheduled(invocation.now.date()), *read_words(invocation, words)]
    show_list(invocation, parts, look, nothing="No todos match." if words else "Nothing for today.")


@command(app, "agenda", epilog="Example: todo agenda --days 14")
def agenda(
    invocation: Invocation,
    words: WordsArgument = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=MOST_DAYS, help="So many days, with today.")
    ] = 7,
    no_context: NoContextOption = False,
) -> None:
    """Show the coming days, one by one.

    Each has the todos that are due then, or scheduled; what is overdue comes first. A todo with both dates stands where
    it is due. WORDS narrow it, as in 'todo list'.
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
    made = make_agenda(result.todos, invocation.now, days, context=result.context, hidden=result.hidden)
    if made.todos or invocation.json:
        invocation.renderer.show_agenda(made)
    if not made.todos:
        usual = "Nothing in these days." if days > 1 else "Nothing for today."
        say_nothing(invocation, result, "No todos match." if words else usual)


@command(app, "inbox", epilog="Example: todo inbox --sort created")
def inbox(
    invocation: Invocation,
    words: WordsArgument = None,
    sort: SortOption = None,
    reverse: ReverseOption = False,
    columns: ColumnsOption = None,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
    no_context: NoContextOption = False,
) -> None:
    """List what has no project yet.

    WORDS narrow it, as in 'todo list'.
    """
    from todo_cli.query.filter.ast import Has, Not

    look = Look(sort, reverse, columns, page, per_page, all_, no_context)
    parts = [Not(Has("project")), *read_words(invocation, words)]
    show_list(invocation, parts, look, nothing="No todos match." if words else "Everything has a project.")


@command(app, "waiting", epilog="Example: todo waiting")
def waiting(
    invocation: Invocation,
    words: WordsArgument = None,
    sort: WaitingSortOption = None,
    reverse: ReverseOption = False,
    columns: ColumnsOption = None,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
    no_context: NoContextOption = False,
) -> None:
    """List what is hidden until later, sorted by when it appears.

    WORDS narrow it, as in 'todo list'.
    """
    from todo_cli.query.columns import USUAL, Columns
    from todo_cli.query.filter.ast import IsWaiting

    look = Look(sort, reverse, columns, page, per_page, all_, no_context)
    parts = [IsWaiting(), *read_words(invocation, words)]
    usual = Columns((*USUAL.names, "wait"))
    show_list(
        invocation, parts, look, nothing="No todos match." if words else "Nothing waits.", sort="wait", columns=usual
    )


@command(app, "completed", epilog="Example: todo completed --since monday")
def completed(
    invocation: Invocation,
    words: WordsArgument = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Done on that day or later, or from that moment on.")
    ] = None,
    sort: CompletedSortOption = None,
    reverse: ReverseOption = False,
    columns: ColumnsOption = None,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
    no_context: NoContextOption = False,
) -> None:
    """List what is done, the latest first.

    WORDS narrow it, as in 'todo list'.
    """
    from todo_cli.models.values import Status
    from todo_cli.query.columns import MARK, Columns
    from todo_cli.query.dates import parse_when
    from todo_cli.query.filter.ast import Compares, Filter, HasStatus

    look = Look(sort, reverse, columns, page, per_page, all_, no_context)
    parts: list[Filter] = [HasStatus(Status.DONE), *read_words(invocation, words)]
    if since is not None:
        parts.append(Compares("completed", "since", parse_when(since, invocation.now, invocation.conventions)))
    usual = Columns(("id", MARK, "title", "project", "tags", "completed"))
    show_list(
        invocation,
        parts,
        look,
        nothing="No todos match." if words else "Nothing is done.",
        sort="-completed",
        columns=usual,
    )
