"""The commands that show todos, and the trash."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli.cli import completion, options
from todo_cli.cli.commands import command
from todo_cli.cli.runtime import Invocation
from todo_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from todo_cli.models.values import TodoPage
    from todo_cli.query.filters import Filter
    from todo_cli.query.sorting import SortKey
    from todo_cli.services.listing import ListQuery

app = typer.Typer()
trash_app = typer.Typer(help="Look into the trash, and empty it.")

MOST = 1_000_000
"""The greatest page, and the most todos on one."""

STATUSES = ("open", "done", "cancelled", "all")

SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="KEY[,KEY]",
        help="due, scheduled, wait, until, priority, title, project, status, created, updated, completed, deleted or"
        " id; -KEY sorts downwards. [default: due,-priority]",
    ),
]
ReverseOption = Annotated[bool, typer.Option("--reverse", help="Sort the other way round.")]
PageOption = Annotated[int | None, typer.Option("--page", metavar="N", help="Show this page.")]
PerPageOption = Annotated[int | None, typer.Option("--per-page", metavar="N", help="So many on a page.")]
AllOption = Annotated[bool, typer.Option("--all", help="Show all on one page.")]


@command(
    app, "list", epilog="Example: todo list 'project:home (+bills or +shop) not due.after:friday' --sort priority,due"
)
@command(app, "ls", hidden=True)
def list_(
    invocation: Invocation,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", hidden=True),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="|".join(STATUSES),
            help="Of which status. [default: open]",
            autocompletion=lambda: list(STATUSES),
        ),
    ] = None,
    project: options.ProjectOption = None,
    tag: options.TagsOption = None,
    due_before: Annotated[
        str | None, typer.Option("--due-before", metavar="WHEN", help="Due before that day, or that moment.")
    ] = None,
    due_after: Annotated[
        str | None, typer.Option("--due-after", metavar="WHEN", help="Due after that day, or that moment.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Open, and due before now.")] = False,
    priority: options.PriorityOption = None,
    sort: SortOption = None,
    reverse: ReverseOption = False,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
) -> None:
    """List todos: at a terminal a page that fits, to a pipe all of them. Also: todo ls.

    WORDS are text to look for in titles and descriptions, and conditions: project:home +bills due.before:friday
    priority:high is:overdue is:waiting has:due no:project title:milk id:12-15. All must hold, unless there is an 'or'
    between; 'not' turns one round, parentheses put some together. In quotes everything is text.

    Dates are due, scheduled, wait, until, created, updated and completed: due:today, due.before: (or .after, .by,
    .since), due:none. What options ask for must hold as well. Todos that are not open, wait, have expired or lie in
    an archived project are left out, unless WORDS or options speak of status:, wait:, until: or project:.
    """
    from todo_cli.query import filters
    from todo_cli.query.dates import parse_when
    from todo_cli.query.defaults import with_defaults
    from todo_cli.query.language import parse_filter
    from todo_cli.query.meanings import parse_status
    from todo_cli.query.names import parse_name
    from todo_cli.query.texts import check_text
    from todo_cli.services.listing import ListQuery

    now, conventions = invocation.now, invocation.conventions
    words = words or []
    read = words[: len(words) - invocation.literals]
    parts: list[Filter] = [parse_filter(read, now, conventions)] if read else []
    parts.extend(filters.ContainsText(check_text(word, "text to look for")) for word in words[len(read) :])
    if status is not None:
        parts.append(parse_status(status))
    if project is not None:
        parts.append(filters.InProject(parse_name(project, "project")))
    parts.extend(filters.HasTag(parse_name(name, "tag")) for name in tag or ())
    if due_before is not None:
        parts.append(filters.Compares("due", "before", parse_when(due_before, now, conventions)))
    if due_after is not None:
        parts.append(filters.Compares("due", "after", parse_when(due_after, now, conventions)))
    if overdue:
        parts.append(filters.IsOverdue())
    if (wanted := options.parse_priority(priority)) is not None:
        parts.append(filters.HasPriority(wanted))
    size = _page_size(invocation, page, per_page, everything=all_)
    query = ListQuery(with_defaults(filters.And(tuple(parts))), _sort_keys(sort, reverse=reverse), page or 1, size)
    _show_list(invocation, query, filtered=bool(parts))


@command(app, "show", epilog="Example: todo show 12")
def show(invocation: Invocation, references: options.References) -> None:
    """Show todos whole, those in the trash as well.

    REF is a number (12), several (12,14 or 12-15), or the first characters of a uuid.
    """
    from todo_cli.query.references import parse_references
    from todo_cli.services.listing import get_todos

    todos = invocation.run(get_todos, parse_references(references))
    completion.remember_todos(invocation, todos)
    invocation.renderer.show_details(todos)


@command(trash_app, "list", epilog="Example: todo trash list")
def trash_list(
    invocation: Invocation,
    page: PageOption = None,
    per_page: PerPageOption = None,
    all_: AllOption = False,
) -> None:
    """List what is in the trash, what was deleted last first."""
    from todo_cli.query.filters import And
    from todo_cli.services.listing import ListQuery

    size = _page_size(invocation, page, per_page, everything=all_)
    result = _fetch(invocation, ListQuery(And(()), _sort_keys("-deleted"), page or 1, size, trashed=True))
    if not result.todos and invocation.at_terminal:
        invocation.note("The trash is empty.")


@command(trash_app, "empty", epilog="Example: todo trash empty")
def trash_empty(invocation: Invocation, yes: options.YesOption = False) -> None:
    """Remove for good what is in the trash, with its history. This cannot be undone."""
    from todo_cli.query.filters import And
    from todo_cli.services.listing import ListQuery, list_todos
    from todo_cli.services.todos import empty_trash

    found = None if yes else invocation.run(list_todos, ListQuery(And(()), size=1, trashed=True)).total
    if found:
        question = f"Remove {options.count_todos(found)} in the trash for good? This cannot be undone."
        invocation.confirm(question, yes=yes)
    removed = invocation.run(empty_trash) if found or yes else 0
    if invocation.json:
        invocation.renderer.show_record({"removed": removed})
    else:
        nothing = "Nothing was removed: it was put there just now." if found else "The trash is empty."
        invocation.note(f"Removed {options.count_todos(removed)} for good." if removed else nothing)


def _page_size(invocation: Invocation, page: int | None, per_page: int | None, *, everything: bool) -> int | None:
    """Return how many todos a page holds, None for all: pages are for people, unless one is asked for."""
    for option, number in (("--page", page), ("--per-page", per_page)):
        if number is not None and not 1 <= number <= MOST:
            raise InvalidInputError(f"{option} takes a whole number from 1 to {MOST:,}, not {number}")
    if everything and (page or per_page):
        raise InvalidInputError("--all and a page contradict each other")
    if everything or not (page or per_page or invocation.at_terminal):
        return None
    return per_page or _fitting(invocation)


def _sort_keys(text: str | None, *, reverse: bool = False) -> tuple[SortKey, ...]:
    from todo_cli.query.sorting import DEFAULT_SORT, parse_sort, reverse_sort

    keys = DEFAULT_SORT if text is None else parse_sort(text)
    return reverse_sort(keys) if reverse else keys


def _fitting(invocation: Invocation) -> int:
    from todo_cli.rendering.terminal import LINES_AROUND_LIST

    setting = invocation.settings["per_page"].value
    return int(setting) if setting else max(5, shutil.get_terminal_size().lines - LINES_AROUND_LIST)


def _show_list(invocation: Invocation, query: ListQuery, *, filtered: bool) -> None:
    result = _fetch(invocation, query)
    if result.todos:
        return
    if invocation.at_terminal and not result.total:
        invocation.note("No todos match." if filtered else "Nothing to do. Add something: todo add Buy milk")


def _fetch(invocation: Invocation, query: ListQuery) -> TodoPage:
    from todo_cli.services.listing import list_todos

    result = invocation.run(list_todos, query)
    if not query.trashed:
        completion.remember_todos(invocation, result.todos)
    invocation.renderer.show_page(result)
    if not result.todos and result.total and query.size:
        invocation.note(f"There is no page {query.page}; the last one is {-(-result.total // query.size)}.")
    return result
