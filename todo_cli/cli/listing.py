"""Code shared by all list commands: filter words, options, pages and the context in use."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.errors import InvalidInputError, errors_in
from todo_cli.models.fields import FIELDS

if TYPE_CHECKING:
    from todo_cli.models.values import TodoPage
    from todo_cli.query.columns import Columns
    from todo_cli.query.filter.ast import Filter
    from todo_cli.query.sorting import SortKey
    from todo_cli.services.listing import Context, ListQuery

MAX = 1_000_000
"""The largest page number, and the largest number of todos on a page."""

WordsArgument = Annotated[list[str] | None, typer.Argument(metavar="WORDS", hidden=True)]


def _sort_option(default: str) -> Any:
    return typer.Option(
        "--sort",
        metavar="KEY[,KEY]",
        help=f"{', '.join(field.name for field in FIELDS.find(is_sort_key=True))};"
        f" -KEY sorts in descending order. [default: {default}]",
    )


SortOption = Annotated[str | None, _sort_option("due,-priority")]
WaitingSortOption = Annotated[str | None, _sort_option("wait")]
CompletedSortOption = Annotated[str | None, _sort_option("-completed")]
ReverseOption = Annotated[bool, typer.Option("--reverse", help="Reverse the sort order.")]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAME[,NAME]",
        help=f"{', '.join(field.column for field in FIELDS.find(is_column=True))}.",
    ),
]
PageOption = Annotated[int | None, typer.Option("--page", metavar="N", help="Show this page.")]
PerPageOption = Annotated[int | None, typer.Option("--per-page", metavar="N", help="Todos per page.")]
AllOption = Annotated[bool, typer.Option("--all", help="Show all on one page.")]
NoContextOption = Annotated[bool, typer.Option("--no-context", help="Include todos that the context in use hides.")]


@dataclass(frozen=True)
class ListOptions:
    """The options that determine how a list is shown."""

    sort: SortOption = None
    reverse: ReverseOption = False
    columns: ColumnsOption = None
    page: PageOption = None
    per_page: PerPageOption = None
    everything: AllOption = False
    no_context: NoContextOption = False


@dataclass(frozen=True)
class WaitingOptions(ListOptions):
    sort: WaitingSortOption = None


@dataclass(frozen=True)
class CompletedOptions(ListOptions):
    sort: CompletedSortOption = None


def show_list(
    invocation: Invocation,
    parts: Sequence[Filter],
    display: ListOptions,
    *,
    nothing: str,
    sort: str | None = None,
    columns: Columns | None = None,
) -> None:
    """Show the todos that match all `parts`; print `nothing` on a terminal if there are none.

    `sort` and `columns` are the defaults of this list, which options override.
    """
    from todo_cli.query.columns import USUAL, duration_columns, parse_columns
    from todo_cli.query.defaults import with_defaults
    from todo_cli.query.filter.ast import And
    from todo_cli.services.listing import ListQuery

    keys = sort_keys(sort if display.sort is None else display.sort, reverse=display.reverse)
    shown = columns if display.columns is None else parse_columns(display.columns.split(","))
    if shown is None and any(key.key == "urgency" for key in keys):
        shown = USUAL.extended_by("urgency")
    query = ListQuery(
        with_defaults(And(tuple(parts))),
        keys,
        display.page or 1,
        page_size(invocation, display.page, display.per_page, everything=display.everything),
        context=None if display.no_context else read_context(invocation),
        coefficients=invocation.coefficients,
        sums=duration_columns(shown) if shown and invocation.at_terminal else (),
    )
    result = fetch(invocation, query, shown)
    if not result.todos and not result.total:
        note_empty_list(invocation, result, nothing)


def fetch(invocation: Invocation, query: ListQuery, columns: Columns | None = None) -> TodoPage:
    """Show and return a page of todos; print a note if it lies after the last page."""
    from todo_cli.query.columns import USUAL
    from todo_cli.services.listing import list_todos

    result = invocation.run(list_todos, query)
    if not query.trashed:
        candidates.remember_todos(invocation, result.todos)
    invocation.renderer.show_page(result, columns or USUAL)
    if not result.todos and result.total and query.size:
        invocation.note(f"There is no page {query.page}; the last page is {-(-result.total // query.size)}.")
    return result


def note_empty_list(invocation: Invocation, result: TodoPage, nothing: str) -> None:
    """Print a note that a list is empty, in a pipe only if the context hides all matches."""
    from todo_cli.rendering.renderer import format_count

    if result.hidden:
        todos = "todo" if result.hidden == 1 else "todos"
        hidden = f"context {result.context} hides {format_count(result.hidden)} {todos}"
        invocation.note(f"Nothing to show: {hidden}; add --no-context to include them.")
    elif invocation.at_terminal:
        invocation.note(nothing)


def read_words(invocation: Invocation, words: Sequence[str] | None) -> list[Filter]:
    """Return the filters that the words express, all of which must match; words after `--` are text."""
    from todo_cli.query.filter.ast import ContainsText
    from todo_cli.query.filter.parser import parse_filter
    from todo_cli.query.texts import check_text

    words = words or []
    read = words[: len(words) - invocation.literals]
    parts: list[Filter] = [parse_filter(read, invocation.now, invocation.conventions)] if read else []
    parts.extend(ContainsText(check_text(word, "search text")) for word in words[len(read) :])
    return parts


def read_context(invocation: Invocation) -> Context | None:
    """Return the filter of the context in use, if any; raises NotFoundError if it does not exist."""
    from todo_cli.query.filter.parser import parse_filter
    from todo_cli.services.listing import Context

    context = invocation.context
    if context is None:
        return None
    with errors_in(f"the context {context.name!r}"):
        tree = parse_filter([context.filter] if context.filter else [], invocation.now, invocation.conventions)
    return Context(context.name, tree)


def page_size(invocation: Invocation, page: int | None, per_page: int | None, *, everything: bool) -> int | None:
    """Return the number of todos per page, None for all: a pipe gets pages only if an option asks for one."""
    for option, number in (("--page", page), ("--per-page", per_page)):
        if number is not None and not 1 <= number <= MAX:
            raise InvalidInputError(f"{option} must be a whole number from 1 to {MAX:,}, not {number}")
    if everything and (page or per_page):
        raise InvalidInputError(f"--all and {'--page' if page else '--per-page'} cannot be used together")
    if everything or not (page or per_page or invocation.at_terminal):
        return None
    return per_page or _default_page_size(invocation)


def sort_keys(text: str | None, *, reverse: bool = False) -> tuple[SortKey, ...]:
    """Return the keys to sort by, the default ones for None."""
    from todo_cli.query.sorting import DEFAULT_SORT, parse_sort, reverse_sort

    keys = DEFAULT_SORT if text is None else parse_sort(text)
    return reverse_sort(keys) if reverse else keys


def _default_page_size(invocation: Invocation) -> int:
    from todo_cli.rendering.terminal.renderer import LINES_AROUND_LIST

    setting = invocation.settings["per_page"].value
    return int(setting) if setting else max(5, shutil.get_terminal_size().lines - LINES_AROUND_LIST)
