"""One call of a command: its global options, its moment, and its ways to the database and to the user."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
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
    from todo_cli.query.urgency import Coefficients
    from todo_cli.rendering.renderer import Renderer

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Invocation:
    """One call of a command: its global options, its moment, and its ways to the database and to the user."""

    database: str | None = None
    user: str | None = None
    json: bool = False
    debug: bool = False
    literals: int = 0
    """How many arguments stood after `--`."""
    session: Session | None = None
    """What this process has prepared for the command, in a worker of the resident."""

    @cached_property
    def now(self) -> datetime:
        """The moment of the command, aware, in the user's zone. It is read once."""
        from tzlocal import reload_localzone  # the other function remembers what an earlier command had

        try:
            return datetime.now(reload_localzone())
        except (LookupError, ValueError):
            named = os.environ.get("TZ")
            raise InvalidInputError(
                f"there is no time zone {named!r}" if named else "the time zone of this machine is not set up",
                "set TZ to a name such as Europe/Berlin",
            ) from None

    @cached_property
    def conventions(self) -> Conventions:
        """What the settings say of dates that can be read in several ways."""
        from todo_cli.config import WEEKDAYS
        from todo_cli.query.dates import Conventions

        order = self.settings["date_order"].value
        return Conventions(
            week_start=WEEKDAYS.index(str(self.settings["week_start"].value or WEEKDAYS[0])),
            date_order="d/m/y" if order == "d/m/y" else "m/d/y" if order else None,
        )

    @cached_property
    def settings(self) -> Mapping[str, Value]:
        """Every setting with its source."""
        from todo_cli import config

        settings = config.resolve({"database": self.database, "user": self.user})
        if settings["database"].source == "stored" and config.is_exposed():
            self.note(f"Others can read {config.config_path()}, which may hold a password: chmod 600 closes it.")
        return settings

    @cached_property
    def context(self) -> SavedContext | None:
        """The context in use, if there is one; raises NotFoundError for one that is not saved."""
        from todo_cli.services.databases.saved import NO_CONTEXT, find_context

        used = self.settings["context"]
        if used.value is None or str(used.value).lower() == NO_CONTEXT:
            return None
        try:
            return find_context(str(used.value))
        except NotFoundError as error:
            here = used.source == "environment"
            end = "TODO_CONTEXT=none" if here else "'todo context use none'"
            named = "TODO_CONTEXT names it" if here else "it is the one in use"
            raise NotFoundError(f"{error.message}, and {named}", f"{error.hint}; {end} ends that") from None

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
            hint = f"use {meant}" if meant else "'todo config list theme' lists the styles"
            self.note(f"warning: {key} in {config.config_path()} is not a style")
            self.note(f"hint: {hint}; 'todo config unset {key}' removes it")

    @cached_property
    def coefficients(self) -> Coefficients:
        """How much each thing adds to urgency."""
        from todo_cli.query.urgency import read_coefficients

        return read_coefficients({name: float(value) for name, value in self._stored_in("urgency").items()})

    def _stored_in(self, table: str) -> Mapping[str, Scalar]:
        """Return the settings of that table of the configuration file that are set, by their names in it."""
        found = {
            key.removeprefix(f"{table}."): each for key, each in self.settings.items() if key.startswith(f"{table}.")
        }
        return {name: each.value for name, each in found.items() if each.source != "default" and each.value is not None}

    def again(self) -> Invocation:
        """Return the same call as of this moment, for what is written after an editor was open."""
        later = replace(self)
        later.settings = self.settings
        return later

    @property
    def at_terminal(self) -> bool:
        """Whether a person reads the output as it comes."""
        return sys.stdout.isatty() and not self.json

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody who can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def run(self, service: Callable[Concatenate[Database, P], Awaitable[T]], *args: P.args, **options: P.kwargs) -> T:
        """Return what the service gives for the database in use."""
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
            self.note(f"Made a new list in {self.target}.")
        return result

    def _waiting(self) -> AbstractContextManager[None]:
        from todo_cli.rendering.format.escaping import neutralise
        from todo_cli.rendering.format.spinner import spinner

        return spinner(neutralise(f"Waiting for {self.target}, which may have to wake up"))

    def run_between(
        self,
        source: Database,
        destination: Database,
        service: Callable[Concatenate[Database, Database, P], Awaitable[T]],
        *args: P.args,
        **options: P.kwargs,
    ) -> T:
        """Return what the service gives for two databases, and close them."""

        async def call() -> T:
            async with source, destination:
                return await service(source, destination, *args, **options)

        return _run_loop(call(), self.session)

    def note(self, text: str) -> None:
        """Say something that is no data."""
        from todo_cli.rendering.format.escaping import neutralise

        with suppress(OSError):  # nobody listens
            print(neutralise(text), file=sys.stderr)  # noqa: T201 - talk goes to stderr

    def print_value(self, text: str) -> None:
        """Print a value as it is, for scripts; to a person with its control characters spelled out."""
        import typer

        from todo_cli.rendering.format.escaping import neutralise

        typer.echo(neutralise(text) if self.at_terminal else text)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Return if the user agrees, or did so with `--yes`; else leave with exit code 130.

        Raises InvalidInputError where there is nobody to ask.
        """
        if yes:
            return
        if not self.can_ask:
            raise InvalidInputError(f"not done without being asked: {question}", "add --yes to do it from a script")
        import typer

        from todo_cli.rendering.format.escaping import neutralise

        with asking():
            agreed = typer.confirm(neutralise(question), err=True)
        if not agreed:
            raise NotConfirmedError


def _run_loop(work: Coroutine[Any, Any, T], session: Session | None) -> T:
    """Return the result of the work; its garbage is collected, also if that was disabled before."""
    import asyncio

    if not gc.isenabled():
        gc.freeze()  # what was imported is no garbage
        gc.enable()
    return session.runner.run(work) if session else asyncio.run(work)
