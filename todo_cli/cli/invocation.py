"""One run of a command: its global options, its time, and its access to the database and the user."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from todo_cli.cli.signals import asking, hold_interruptions
from todo_cli.errors import InvalidInputError, NotConfirmedError, NotFoundError

if TYPE_CHECKING:
    from todo_cli.cli.session import Session
    from todo_cli.config import SavedContext, Scalar, Value
    from todo_cli.db.connection.target import Target
    from todo_cli.db.database import Database
    from todo_cli.query.dates import Conventions
    from todo_cli.query.kinds import InputContext
    from todo_cli.query.urgency import Coefficients
    from todo_cli.rendering.renderer import Renderer

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Invocation:
    """One run of a command: its global options, its time, and its access to the database and the user."""

    database: str | None = None
    user: str | None = None
    json: bool = False
    debug: bool = False
    literals: int = 0
    """The number of arguments after `--`."""
    session: Session | None = None
    """The state that a worker of the resident prepared before it received the command."""

    @cached_property
    def now(self) -> datetime:
        """The time of the command, aware, in the user's zone. It is read once."""
        from tzlocal import reload_localzone  # `get_localzone` would return the zone of an earlier command

        try:
            return datetime.now(reload_localzone())
        except (LookupError, ValueError):
            name = os.environ.get("TZ")
            raise InvalidInputError(
                f"unknown time zone {name!r}" if name else "this machine has no time zone",
                "set TZ to a name such as Europe/Berlin",
            ) from None

    @cached_property
    def conventions(self) -> Conventions:
        """The conventions for ambiguous dates, from the settings."""
        from todo_cli.config import WEEKDAYS
        from todo_cli.query.dates import Conventions

        order = self.settings["date_order"].value
        return Conventions(
            week_start=WEEKDAYS.index(str(self.settings["week_start"].value or WEEKDAYS[0])),
            date_order="d/m/y" if order == "d/m/y" else "m/d/y" if order else None,
        )

    @cached_property
    def input_context(self) -> InputContext:
        """The context for parsing values of fields."""
        from todo_cli.query.kinds import InputContext

        hour = self.settings["default_hour"].value
        return InputContext(self.now, self.conventions, None if hour is None else time.fromisoformat(str(hour)))

    @cached_property
    def settings(self) -> Mapping[str, Value]:
        """Every setting with its source."""
        from todo_cli import config

        settings = config.resolve({"database": self.database, "user": self.user})
        if settings["database"].source == "stored" and config.is_exposed():
            self.note(f"Other users can read {config.config_path()}, which may hold a password; run 'chmod 600' on it.")
        return settings

    @cached_property
    def context(self) -> SavedContext | None:
        """The context in use, if any; raises NotFoundError if it does not exist."""
        from todo_cli.services.databases.saved import NO_CONTEXT, find_context

        used = self.settings["context"]
        if used.value is None or str(used.value).lower() == NO_CONTEXT:
            return None
        try:
            return find_context(str(used.value))
        except NotFoundError as error:
            by_environment = used.source == "environment"
            turn_off = "set TODO_CONTEXT=none" if by_environment else "run 'todo context use none'"
            source = "set by TODO_CONTEXT" if by_environment else "the context in use"
            raise NotFoundError(f"{error.message} ({source})", f"{error.hint}; {turn_off} to turn it off") from None

    @cached_property
    def target(self) -> Target:
        """The database in use."""
        from todo_cli.services.databases.settings import choose_target

        return choose_target(self.settings)

    @cached_property
    def renderer(self) -> Renderer:
        from todo_cli.rendering.factory import make_renderer

        styles = self._stored_in("theme") if self.at_terminal else {}  # a pipe has no use for the theme
        if self.at_terminal:
            self._warn_of_unknown_styles()
        return make_renderer(
            sys.stdout,
            json=self.json,
            now=self.now,
            weights=lambda: self.coefficients,
            styles={name: str(style) for name, style in styles.items()},
        )

    def _warn_of_unknown_styles(self) -> None:
        from todo_cli import config

        for key in config.read_file().unknown_styles:
            meant = config.nearest_style(key)
            hint = f"use {meant}" if meant else "run 'todo config list theme' to list the styles"
            self.note(f"warning: {key} in {config.config_path()} is not a style")
            self.note(f"hint: {hint}, or run 'todo config unset {key}'")

    @cached_property
    def coefficients(self) -> Coefficients:
        """The coefficients of urgency, from the settings."""
        from todo_cli.query.urgency import read_coefficients

        return read_coefficients({name: float(value) for name, value in self._stored_in("urgency").items()})

    def _stored_in(self, table: str) -> Mapping[str, Scalar]:
        """Return the settings of a table of the configuration file that are set, by their names in that table."""
        found = {
            key.removeprefix(f"{table}."): each for key, each in self.settings.items() if key.startswith(f"{table}.")
        }
        return {name: each.value for name, each in found.items() if each.source != "default" and each.value is not None}

    def again(self) -> Invocation:
        """Return the same run with the current time, for writing after an editor was open."""
        later = replace(self)
        later.settings = self.settings
        return later

    @property
    def at_terminal(self) -> bool:
        """Whether the output goes to a terminal, and not as JSON."""
        return sys.stdout.isatty() and not self.json

    @property
    def can_ask(self) -> bool:
        """Whether questions can be answered at a terminal."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def run(self, service: Callable[Concatenate[Database, P], Awaitable[T]], *args: P.args, **options: P.kwargs) -> T:
        """Run a service on the database in use, and return its result."""
        from todo_cli.db.connection.target import PostgresTarget
        from todo_cli.services.databases.settings import open_database

        async def call() -> T:
            async with open_database(
                self.target,
                self.settings,
                self.now,
                before_commit=hold_interruptions,
                waiting=self._waiting,
                spare=self.session.spare if self.session else None,
            ) as database:
                return await service(database, *args, **options)

        was_there = self.target.exists()
        result = _run_loop(call(), self.session)
        ahead = self.settings["connect_ahead"].value is not False
        if self.session and ahead and isinstance(self.target, PostgresTarget):
            self.session.server = self.target
        if not was_there and self.target.exists() and self.settings["database"].source != "default":
            self.note(f"Created a new list in {self.target}.")
        return result

    def _waiting(self) -> AbstractContextManager[None]:
        from todo_cli.rendering.format.escaping import neutralize
        from todo_cli.rendering.format.spinner import spinner

        return spinner(neutralize(f"Waiting for {self.target}, which may be waking up"))

    def run_between(
        self,
        source: Database,
        destination: Database,
        service: Callable[Concatenate[Database, Database, P], Awaitable[T]],
        *args: P.args,
        **options: P.kwargs,
    ) -> T:
        """Run a service on two databases, close them, and return its result."""

        async def call() -> T:
            async with source, destination:
                return await service(source, destination, *args, **options)

        return _run_loop(call(), self.session)

    def note(self, text: str) -> None:
        """Print a message to stderr."""
        from todo_cli.rendering.format.escaping import neutralize

        with suppress(OSError):  # stderr is closed
            print(neutralize(text), file=sys.stderr)  # noqa: T201 - messages go to stderr

    def print_value(self, text: str) -> None:
        """Print a value as it is; on a terminal, with its control characters escaped."""
        import typer

        from todo_cli.rendering.format.escaping import neutralize

        typer.echo(neutralize(text) if self.at_terminal else text)

    def confirm(self, action: str, *, yes: bool, warning: str | None = None) -> None:
        """Ask for confirmation of an action, such as "change 4 todos"; `yes` is the option that confirms it.

        Raises NotConfirmedError for a no, and InvalidInputError if nobody can be asked.
        """
        if yes:
            return
        if not self.can_ask:
            raise InvalidInputError(f"this would {action}; confirm with --yes")
        import typer

        from todo_cli.rendering.format.escaping import neutralize

        question = f"{action[0].upper()}{action[1:]}?{f' {warning}' if warning else ''}"
        with asking():
            agreed = typer.confirm(neutralize(question), err=True)
        if not agreed:
            raise NotConfirmedError


def _run_loop(work: Coroutine[Any, Any, T], session: Session | None) -> T:
    """Run a coroutine in an event loop, with the garbage collector enabled, and return its result."""
    import asyncio

    if not gc.isenabled():
        gc.freeze()  # imported modules are never garbage
        gc.enable()
    return session.runner.run(work) if session else asyncio.run(work)
