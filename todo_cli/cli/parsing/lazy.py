"""Commands that are imported when they are listed, and built when they are called.

To build a command, Typer processes its options, which takes longer than most commands themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command_from_info
from typer.models import CommandInfo

from todo_cli.cli.parsing import short_options
from todo_cli.cli.parsing.registration import with_global_options


class LazyCommand(short_options.Command):
    """A command with a name and help, which builds its parameters when they are first used."""

    def __init__(self, info: CommandInfo) -> None:
        super().__init__(
            info.name,
            help=inspect.getdoc(info.callback),
            epilog=info.epilog,
            hidden=info.hidden,
            rich_markup_mode=None,
        )
        self._function = info.callback
        del self.params, self.callback

    def __getattr__(self, name: str) -> Any:
        if name not in ("params", "callback"):
            raise AttributeError(name)
        assert self._function
        info = CommandInfo(self.name, callback=with_global_options(self._function))
        built = get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)
        self.params, self.callback = built.params, built.callback
        return getattr(self, name)

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        return [_read_plainly(parameter) for parameter in super().get_params(ctx)]


class LazyGroup(TyperGroup):
    """A group whose commands are imported and built when they are called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(self.commands)

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        return [_read_plainly(parameter) for parameter in super().get_params(ctx)]


class Commands(Mapping[str, TyperCommand | TyperGroup]):
    """Commands by name, in the order of the help; each is imported at the first access."""

    def __init__(self, sources: Mapping[str, Callable[[], TyperCommand | TyperGroup]]) -> None:
        self._sources = sources
        self._found: dict[str, TyperCommand | TyperGroup] = {}

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in self._found:
            self._found[name] = self._sources[name]()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def make_group(name: str, apps: Iterable[typer.Typer]) -> TyperGroup:
    """Return a group with the commands of all apps and the help of the first."""
    first, *others = apps
    registered = [info for app in (first, *others) for info in app.registered_commands]
    commands = {info.name: LazyCommand(info) for info in registered if info.name}
    return LazyGroup(name=name, commands={**commands}, help=first.info.help, rich_markup_mode=None)


def build(command: TyperCommand | TyperGroup) -> None:
    """Build a command and its subcommands."""
    assert command.params is not None
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            assert isinstance(each, TyperCommand | TyperGroup)
            build(each)


P = TypeVar("P")


def _read_plainly(parameter: P) -> P:
    """Let a parameter take text and missing values as they are.

    Typer parses each value with Pydantic, whose import takes longer than a whole command without a database.
    """
    if isinstance(parameter, TyperOption | TyperArgument) and not isinstance(parameter.get_runtime_param, _PlainReader):
        parameter.get_runtime_param = _PlainReader(parameter)  # type: ignore[method-assign, assignment]
    return parameter


class _PlainReader:
    """Replaces Typer's parser of a parameter's values, and calls it only for values other than text."""

    def __init__(self, parameter: TyperOption | TyperArgument) -> None:
        self._of_typer = parameter.get_runtime_param
        self._is_text = parameter.type_descriptor.annotation in (str, list[str])
        self._nothing = () if parameter.multiple or parameter.nargs == -1 else None

    def __call__(self) -> _PlainReader:
        return self

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        if value is None:
            return self._nothing
        return value if self._is_text else self._of_typer().coerce(value, param=param, ctx=ctx)
