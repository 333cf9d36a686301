"""The `view` commands. A view is a saved filter with a sort order and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from todo_cli.cli.completion import candidates
from todo_cli.cli.index import command_names
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.listing import ColumnsOption, ListOptions, SortOption
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing
from todo_cli.errors import InvalidInputError, errors_in

if TYPE_CHECKING:
    from todo_cli.config import SavedView
    from todo_cli.query.filter.ast import Filter

app = typer.Typer(help="Save filters as views, for 'todo list --view NAME'.")

ViewName = Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_views)]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing view with the same name.")]


@command(app, "save", epilog="Example: todo view save bills '+bills due.before:eom' --sort due --columns id,title,due")
def save(
    invocation: Invocation,
    name: ViewName,
    expression: Annotated[str, typer.Argument(metavar="FILTER", hidden=True)] = "",
    sort: SortOption = None,
    columns: ColumnsOption = None,
    force: ForceOption = False,
) -> None:
    """Save a view.

    FILTER is a filter as for 'todo list', quoted as one argument. Without it, the view lists everything, with its own
    sort order and columns.
    """
    from todo_cli.config import SavedView
    from todo_cli.services.databases.saved import save_view

    if name.lower() in command_names():
        raise InvalidInputError(f"a view cannot be called {name!r}: 'todo {name}' is a command", "choose another name")
    view = SavedView(name, expression, sort, () if columns is None else tuple(columns.split(",")))
    if view == SavedView(name, ""):
        raise InvalidInputError(
            "a view needs a filter, --sort or --columns", "for example: todo view save bills '+bills'"
        )
    view = _check(invocation, view)
    save_view(view, replace=force)
    if invocation.json:
        with after_storing(invocation):
            invocation.renderer.show_record(_describe(view))
    else:
        invocation.note(f"Saved view {view.name}. List it with: todo list --view {view.name}")


@command(app, "list", epilog="Example: todo view list")
def list_(invocation: Invocation) -> None:
    """List saved views."""
    from todo_cli.services.databases.saved import list_views

    views = list_views()
    invocation.renderer.show_records([_describe(view) for view in views])
    if not views and invocation.at_terminal:
        invocation.note("No views. Save one with: todo view save bills '+bills'")


@command(app, "show", epilog="Example: todo view show bills")
def show(invocation: Invocation, name: ViewName) -> None:
    """Show the filter, sort order and columns of a view."""
    from todo_cli.services.databases.saved import find_view

    invocation.renderer.show_record(_describe(find_view(name)))


@command(app, "delete", epilog="Example: todo view delete bills")
def delete(invocation: Invocation, name: ViewName) -> None:
    """Delete a view. Its todos are kept."""
    from todo_cli.services.databases.saved import delete_view

    deleted = delete_view(name)
    with after_storing(invocation):
        invocation.renderer.show_records([{"name": deleted.name}])


def read_view(invocation: Invocation, name: str, display: ListOptions) -> tuple[Sequence[Filter], ListOptions]:
    """Return the filter of a view, and `display` completed with its sort order and columns.

    Raises NotFoundError, and InvalidInputError if the view is invalid.
    """
    from todo_cli.query.columns import parse_columns
    from todo_cli.query.filter.parser import parse_filter
    from todo_cli.query.sorting import parse_sort
    from todo_cli.services.databases.saved import find_view

    view = find_view(name)
    with errors_in(f"the view {view.name!r}"):
        parts = [parse_filter([view.filter], invocation.now, invocation.conventions)] if view.filter else []
        if view.sort:
            parse_sort(view.sort)
        if view.columns:
            parse_columns(view.columns)
    return parts, replace(
        display,
        sort=view.sort if display.sort is None else display.sort,
        columns=",".join(view.columns) or None if display.columns is None else display.columns,
    )


def _check(invocation: Invocation, view: SavedView) -> SavedView:
    """Return the view with the canonical names of its columns; raises InvalidInputError if it is invalid."""
    from todo_cli.query.columns import parse_columns
    from todo_cli.query.filter.parser import parse_filter
    from todo_cli.query.sorting import parse_sort

    if view.filter:
        parse_filter([view.filter], invocation.now, invocation.conventions)
    if view.sort is not None:
        parse_sort(view.sort)
    return replace(view, columns=parse_columns(view.columns).names)


def _describe(view: SavedView) -> dict[str, str | tuple[str, ...] | None]:
    return {**asdict(view), "filter": view.filter or None}
