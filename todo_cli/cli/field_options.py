"""The options of `add` and `modify`, derived from the field registry.

A command takes them as one parameter, a mapping by the names of setters, which `parsing/registration.py` replaces by
the options when the command is built.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from todo_cli.cli.completion import candidates
from todo_cli.models.fields import Field, Kind, Settable
from todo_cli.query.input.setters import Action, Setter, list_setters

FieldOptions = Mapping[str, str | list[str] | None]
AddOptions = Annotated[FieldOptions, Settable.ADD]
ModifyOptions = Annotated[FieldOptions, Settable.MODIFY]

_METAVARS = {
    Kind.TEXT: "TEXT",
    Kind.URL: "URL",
    Kind.NUMBER: "NUMBER",
    Kind.DURATION: "DURATION",
    Kind.DATE: "DATE",
    Kind.WHEN: "WHEN",
    Kind.INSTANT: "WHEN",
    Kind.NAME: "NAME",
    Kind.NAMES: "NAME",
    Kind.REFERENCE: "REF",
    Kind.REFERENCES: "REF,REF",
    Kind.RECURRENCE: "RULE",
}


def find_settable(parameter: inspect.Parameter) -> Settable | None:
    """Return the purpose of the field options that the parameter represents, None for any other parameter."""
    metadata = getattr(parameter.annotation, "__metadata__", ())
    return next((each for each in metadata if isinstance(each, Settable)), None)


def make_parameters(by: Settable) -> dict[str, inspect.Parameter]:
    """Return the parameter of each option by the name of its setter."""
    return {name: _make_parameter(setter) for name, setter in list_setters(by).items()}


def _make_parameter(setter: Setter) -> inspect.Parameter:
    field = setter.field
    is_set = setter.action is Action.SET
    choices = field.choices
    option = typer.Option(
        f"--{setter.option}",
        *([f"-{field.flag}"] if field.flag and is_set else []),
        metavar="|".join(choices) if choices else _METAVARS[field.kind],
        help=f"{_explain(setter)}.",
        autocompletion=_find_completion(field),
    )
    value: Any = list[str] if setter.is_list else str
    return inspect.Parameter(
        f"set_{setter.option}".replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[value | None, option],
    )


def _find_completion(field: Field) -> Callable[..., Any] | None:
    """Return the function that completes values of the field."""
    match field.kind:
        case Kind.CHOICE:
            return lambda: list(field.choices)
        case Kind.NAME | Kind.NAMES:
            return candidates.complete_names(field.names)
        case Kind.REFERENCE | Kind.REFERENCES:
            return candidates.complete_references
    return None


def _explain(setter: Setter) -> str:
    match setter.action:
        case Action.SET_AFTER:
            return f"Like --{setter.field.name}, but counted from completion"
        case Action.REMOVE:
            return f"Remove a {setter.field.item}{'; may be repeated' if setter.is_list else ''}"
    return setter.field.option_help or setter.field.help
