"""The commands `list` and `show`, and those for the trash."""

from __future__ import annotations

from typing import Annotated

import typer

from todo_cli.cli import options
from todo_cli.cli.commands.views import read_view
from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import (
    AllOption,
    ListOptions,
    PageOption,
    PerPageOption,
    WordsArgument,
    fetch,
    page_size,
    read_words,
    show_list,
    sort_keys,
)
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.models.fields import FIELDS

app = typer.Typer()
trash_app = typer.Typer(help="List and empty the trash.")

STATUSES = ("open", "done", "cancelled", "all")


@command(
    app, "list", epilog="Example: todo list 'project:home (+bills or +shop) not due.after:friday' --sort priority,due"
)
@command(app, "ls", hidden=True)
def list_(
    invocation: Invocation,
    words: WordsArgument = None,
    view: Annotated[
        str | None,
        typer.Option(
            "--view",
            metavar="NAME",
            help="List this saved view.",
            autocompletion=candidates.complete_views,
        ),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="|".join(STATUSES),
            help="Only todos with this status. [default: open]",
            autocompletion=lambda: list(STATUSES),
        ),
    ] = None,
    project: options.ProjectOption = None,
    tag: options.TagsOption = None,
    due_before: Annotated[
        str | None, typer.Option("--due-before", metavar="WHEN", help="Due before this day or time.")
    ] = None,
    due_after: Annotated[
        str | None, typer.Option("--due-after", metavar="WHEN", help="Due after that day or time.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only overdue todos.")] = False,
    priority: options.PriorityOption = None,
    *,
    display: ListOptions,
) -> None:
    """List todos: one page on a terminal, all of them in a pipe. Alias: todo ls.

    WORDS are text to search for in titles and descriptions, and conditions: project:home +bills due.before:friday
    priority:high is:overdue is:waiting has:due no:project title:milk id:12-15. All of them must match; combine them
    with 'or', 'not' and parentheses. Quoted words are text.

    Dates are due, scheduled, wait, until, created, updated and completed: due:today, due.before: (or .after, .by,
    .since), due:none. Options are further conditions. Todos that are not open, are waiting, have expired or are in an
    archived project are hidden, unless WORDS or options filter by status:, wait:, until: or project:.
    """
    from todo_cli.query.dates import parse_when
    from todo_cli.query.filter import ast as filters
    from todo_cli.query.filter.conditions import parse_status
    from todo_cli.query.kinds import choose_label
    from todo_cli.query.names import parse_name

    now, conventions = invocation.now, invocation.conventions
    parts = read_words(invocation, words)
    if view is not None:
        saved, display = read_view(invocation, view, display)
        parts = [*saved, *parts]
    if status is not None:
        parts.append(parse_status(status))
    if project is not None:
        parts.append(filters.HasName("project", parse_name(project, "project")))
    parts.extend(filters.HasName("tag", parse_name(name, "tag")) for name in tag or ())
    if due_before is not None:
        parts.append(filters.Compares("due", "before", parse_when(due_before, now, conventions)))
    if due_after is not None:
        parts.append(filters.Compares("due", "after", parse_when(due_after, now, conventions)))
    if overdue:
        parts.append(filters.IsOverdue())
    if priority is not None:
        parts.append(filters.IsOneOf("priority", (choose_label(FIELDS["priority"], priority),)))
    nothing = "No todos match." if parts else "Nothing to do. Add a todo: todo add Buy milk"
    show_list(invocation, parts, display, nothing=nothing)


@command(app, "show", epilog="Example: todo show 12")
def show(
    invocation: Invocation,
    references: options.References,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="WHEN", help="Show the todos as they were at this time, or at the end of this day."
        ),
    ] = None,
) -> None:
    """Show all details of todos, including those in the trash.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.listing import get_details

    if at is not None:
        _show_at(invocation, references, at)
        return
    details = invocation.run(get_details, parse_references(references))
    candidates.remember_todos(invocation, [each.todo for each in details])
    invocation.renderer.show_details(details)


def _show_at(invocation: Invocation, references: list[str], text: str) -> None:
    from datetime import timedelta

    from todo_cli.query.dates import parse_when, start_of_next_day
    from todo_cli.query.references import parse_references
    from todo_cli.services.history import get_todos_at

    when = parse_when(text, invocation.now, invocation.conventions)
    moment = when.at or start_of_next_day(when.on, invocation.now) - timedelta(microseconds=1)
    invocation.renderer.show_details(invocation.run(get_todos_at, parse_references(references), moment))


@command(trash_app, "list", epilog="Example: todo trash list")
def trash_list(
    invocation: Invocation,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
) -> None:
    """List the todos in the trash, most recently deleted first."""
    from todo_cli.query.filter.ast import And
    from todo_cli.services.listing import ListQuery

    size = page_size(invocation, page, per_page, everything=all_)
    result = fetch(invocation, ListQuery(And(()), sort_keys("-deleted"), page or 1, size, trashed=True))
    if not result.todos and invocation.at_terminal:
        invocation.note("The trash is empty.")


@command(trash_app, "empty", epilog="Example: todo trash empty")
def trash_empty(invocation: Invocation, yes: options.YesOption = False) -> None:
    """Permanently delete the todos in the trash and their history. This cannot be undone."""
    from todo_cli.query.filter.ast import And
    from todo_cli.services.listing import ListQuery, list_todos
    from todo_cli.services.todos import empty_trash

    found = None if yes else invocation.run(list_todos, ListQuery(And(()), size=1, trashed=True)).total
    if found:
        action = f"permanently delete {options.count_todos(found)} in the trash"
        invocation.confirm(action, warning="This cannot be undone.", yes=yes)
    removed = invocation.run(empty_trash) if found or yes else 0
    with after_storing(invocation):
        if invocation.json:
            invocation.renderer.show_record({"removed": removed})
        else:
            nothing = (
                "Nothing removed: the todos were moved to the trash after this command started."
                if found
                else "The trash is empty."
            )
            invocation.note(f"Permanently deleted {options.count_todos(removed)}." if removed else nothing)
