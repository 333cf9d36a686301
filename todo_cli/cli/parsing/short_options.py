"""Rejection of values attached to a short option.

`-phone` would be read as `-p hone`, and would move a todo into a project.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from todo_cli.errors import InvalidInputError


class Command(TyperCommand):
    """A command whose short options need a space before their values; flags can be combined, as in `-ye`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not ctx.resilient_parsing:  # which shell completion sets
            _refuse_attached_values(args, _list_options(self.get_params(ctx)), ctx.command_path)
        return super().parse_args(ctx, args)


def _list_options(parameters: Iterable[Any]) -> dict[str, bool]:
    """Return for each option whether it takes a value."""
    options = (each for each in parameters if isinstance(each, TyperOption))
    return {name: not (each.is_flag or each.count) for each in options for name in each.opts}


def _refuse_attached_values(arguments: Sequence[str], takes_value: Mapping[str, bool], command: str) -> None:
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return
        if argument.startswith("--"):
            if takes_value.get(argument):
                next(rest, None)
            continue
        for place, letter in enumerate(argument[1:] if argument.startswith("-") else "", 2):
            option = f"-{letter}"
            if option not in takes_value:
                break  # Typer reports it
            if takes_value[option]:
                if value := argument[place:].removeprefix("="):
                    raise InvalidInputError(
                        f"{option} needs a space before its value: {argument!r}",
                        _propose(command, option, value, argument),
                    )
                next(rest, None)
                break


def _propose(command: str, option: str, value: str, argument: str) -> str:
    meant = {
        "todo modify": f"; to remove a tag, write untag:{argument[1:]}",
        "todo list": f"; to exclude a tag, write 'not +{argument[1:]}'",
    }.get(command, "")
    return f"write {option} {shlex.quote(value)}{meant}; put words that begin with '-' after '--'"
