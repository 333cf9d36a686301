"""Registration of commands, each with the global options, which are accepted before and after the command's name.

A parameter that is annotated with a dataclass is replaced by the options that the attributes of the dataclass declare,
and receives an instance of it. In this way, commands share options and pass them on as one value.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, get_type_hints

import typer

from todo_cli.cli.field_options import find_settable, make_parameters
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.streams import quiet_when_closed

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="Use this database."),
]
UserOption = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Act as this user."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

_EVERYWHERE: dict[str, tuple[Any, Any]] = {
    "database": (DatabaseOption, None),
    "user": (UserOption, None),
    "json": (JsonOption, False),
    "debug": (DebugOption, False),
}

Command = Callable[..., None]


def command(
    app: typer.Typer, name: str, *, epilog: str | None = None, hidden: bool = False
) -> Callable[[Command], Command]:
    """Return a decorator that registers a function as a command; its first parameter is an `Invocation`.

    `todo_cli.cli.parsing.lazy` builds the command when it is called.
    """

    def register(function: Command) -> Command:
        app.command(name, epilog=epilog, hidden=hidden)(function)
        return function

    return register


def with_global_options(function: Command) -> Command:
    """Return the function that Typer calls for a command: it adds the global options and passes an `Invocation`."""
    signature = inspect.signature(function, eval_str=True)
    _, *own = signature.parameters.values()
    groups = {item.name: group for item in own if (group := _find_group(item))}

    @functools.wraps(function)
    def run(context: typer.Context, **arguments: Any) -> None:
        before = context.find_object(Invocation) or Invocation()
        after = {option: arguments.pop(option) for option in _EVERYWHERE}
        given = {
            option: getattr(before, option) if value in (None, False) else value for option, value in after.items()
        }
        for name, group in groups.items():
            arguments[name] = group.make(**{key: arguments.pop(each.name) for key, each in group.parameters.items()})
        with quiet_when_closed():
            function(replace(before, **given), **arguments)

    everywhere = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for option, (annotation, default) in _EVERYWHERE.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    own = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own]
    parameters = [
        context,
        *(each for item in own for each in (groups[item.name].parameters.values() if item.name in groups else [item])),
        *everywhere,
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    del run.__dict__["__wrapped__"]  # Typer would read its annotations instead of those of `run`
    return run


@dataclass(frozen=True)
class _Group:
    """The parameters that replace one parameter of a function, by key, and the function that combines their values."""

    parameters: Mapping[str, inspect.Parameter]
    make: Callable[..., Any]


def _find_group(parameter: inspect.Parameter) -> _Group | None:
    if (by := find_settable(parameter)) is not None:
        return _Group(make_parameters(by), dict)
    options = parameter.annotation
    if not is_dataclass(options) or not isinstance(options, type):
        return None
    types = get_type_hints(options, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = {
        each.name: inspect.Parameter(each.name, kind, default=each.default, annotation=types[each.name])
        for each in fields(options)
    }
    return _Group(parameters, options)
