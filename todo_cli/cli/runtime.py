"""Runs commands: the only `asyncio.run`, and the only place where an error becomes a message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import todo_cli
from todo_cli.cli.signals import asking, hold_interruptions, ignore_interruptions, is_own_process
from todo_cli.errors import (
    ExpressionError,
    InterruptedByUserError,
    InvalidInputError,
    NotConfirmedError,
    NotFoundError,
    TodoError,
)
from todo_cli.redaction import conceal, conceal_arguments, mask

if TYPE_CHECKING:
    from todo_cli.cli.session import Session
    from todo_cli.config import SavedContext, Scalar, Value
    from todo_cli.db.database import Database
    from todo_cli.db.target import Target
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
        from todo_cli.services.saved import NO_CONTEXT, find_context

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
        from todo_cli.services.settings import choose_target

        return choose_target(self.settings)

    @cached_property
    def renderer(self) -> Renderer:
        from todo_cli.rendering.renderer import make_renderer

        styles = self._stored_in("theme") if self.at_terminal else {}  # a pipe needs no settings to be understood
        return make_renderer(
            sys.stdout,
            json=self.json,
            now=self.now,
            weights=lambda: self.coefficients,
            styles={name: str(style) for name, style in styles.items()},
        )

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
        from todo_cli.db.target import PostgresTarget
        from todo_cli.services.settings import open_database

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
        from todo_cli.rendering.text import neutralise
        from todo_cli.rendering.waiting import spinner

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
        from todo_cli.rendering.text import neutralise

        with suppress(OSError):  # nobody listens
            print(neutralise(text), file=sys.stderr)  # noqa: T201 - talk goes to stderr

    def print_value(self, text: str) -> None:
        """Print a value as it is, for scripts; to a person with its control characters spelled out."""
        import typer

        from todo_cli.rendering.text import neutralise

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

        from todo_cli.rendering.text import neutralise

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


def main(argv: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run one command line; return its exit code. The README lists them."""
    arguments = [_as_utf8(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    _prepare_streams()
    try:
        code = _run(arguments, session)
        with quiet_when_closed():
            sys.stdout.flush()
    except OutputClosed:
        # What is still buffered goes nowhere, without a complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as raised:  # noqa: BLE001 - the last boundary: nothing ends in a traceback
        ignore_interruptions()
        if is_own_process():
            import logging
            import threading

            # A driver's thread that finds its loop gone, or what it left half done, has nothing to tell.
            threading.excepthook = lambda _: None
            logging.getLogger("asyncio").disabled = True
        error = _translate(raised)
        if isinstance(error, InterruptedByUserError) and sys.stderr.isatty():
            sys.stderr.write("\n")  # what was typed stands on the line of the question
        if "--debug" in options:
            print_traceback(raised, arguments)
        _report(error, arguments, as_json="--json" in options)
        drop_output()
        return error.exit_code
    return code


def print_version() -> None:
    """Print what `--version` prints."""
    with quiet_when_closed():
        sys.stdout.write(f"todo {todo_cli.__version__}\n")


def _run(arguments: list[str], session: Session | None) -> int:
    if arguments == ["--version"]:  # scripts ask this often, and Typer takes longer to import than to answer
        print_version()
        return 0
    if not arguments and ("_TODO_COMPLETE_LINE" in os.environ or "_TODO_COMPLETE" in os.environ):
        from todo_cli.cli.shell_completion import answer

        if (candidates := answer(os.environ)) is not None:
            with quiet_when_closed():
                sys.stdout.write(candidates)
            return 0

    from todo_cli.cli.app import program
    from todo_cli.cli.shell_scripts import name_shell

    # Without `windows_expand_args` a title such as "buy *" would become the names of files there.
    # The parser drops `--`, behind which everything is text.
    literals = len(arguments) - arguments.index("--") - 1 if "--" in arguments else 0
    start = Invocation(literals=literals, session=session)
    # Completion is ours: an empty `complete_var` switches Typer's own off.
    code = program()(
        args=name_shell(arguments),
        obj=start,
        prog_name="todo",
        complete_var="",
        standalone_mode=False,
        windows_expand_args=False,
    )
    if code == InterruptedByUserError.exit_code:  # what Typer makes of Ctrl-C
        raise InterruptedByUserError
    return code if isinstance(code, int) else 0


def _as_utf8(argument: str) -> str:
    """Return an argument as the UTF-8 that was typed, also where the locale made Python expect ASCII (PEP 383).

    What is no UTF-8 stays as it is, and is refused where it would be stored.
    """
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


def _prepare_streams() -> None:
    """Let text that the terminal or the locale cannot show never end a command halfway."""
    # With a closed stream (`>&-`) a database could be opened under its number, and be written into.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        else:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


class OutputClosed(Exception):  # noqa: N818 - it is no error: whoever read the output had enough of it
    """Nobody reads the output any more."""


@contextmanager
def quiet_when_closed() -> Iterator[None]:
    """Turn a closed pipe into `OutputClosed`, which passes through Typer, that would end with an error."""
    try:
        yield
    except BrokenPipeError:
        raise OutputClosed from None


def drop_output() -> None:
    """Keep the interpreter from trying once more, at its exit, to write what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _translate(error: BaseException) -> TodoError:
    """Return what ended a command in the words and form of our own errors."""
    import typer

    from todo_cli.cli.usage import translate_usage

    match error:
        case TodoError():
            return error
        case KeyboardInterrupt() | typer.Abort():
            return InterruptedByUserError()
        case typer.TyperException():
            return translate_usage(error)
        case OSError():
            where = f" {error.filename}" if error.filename else ""
            return TodoError(f"cannot read or write{where}: {error.strerror or error}")
        case _:
            return TodoError(
                f"this should not have happened: {type(error).__name__}",
                "run it again with --debug and report what it says",
            )


def print_traceback(raised: BaseException, arguments: list[str]) -> None:
    """Print the traceback for `--debug`, in which exceptions of drivers and parsers may repeat a password."""
    import traceback

    from todo_cli.rendering.text import neutralise

    lines = "".join(traceback.format_exception(raised)).splitlines()
    with suppress(OSError):
        for line in lines:
            print(neutralise(conceal(conceal_arguments(line, arguments))), file=sys.stderr)  # noqa: T201


def _report(error: TodoError, arguments: list[str], *, as_json: bool) -> None:
    from todo_cli.rendering.text import neutralise, point_at, write_json

    message = conceal_arguments(error.message, arguments)
    hint = conceal_arguments(error.hint, arguments) if error.hint else None
    place = error if isinstance(error, ExpressionError) else None
    expression = mask(conceal_arguments(place.expression, arguments)) if place else ""
    if as_json:
        told: dict[str, object] = {"error": message, "hint": hint, "exit_code": error.exit_code}
        if place:
            told |= {"expression": expression, "position": place.start}
        with suppress(OSError):
            write_json(told, sys.stderr)
        return
    text = neutralise(f"error: {message}")
    if place:
        from textwrap import indent

        text += "\n" + indent(point_at(expression, place.start, place.end), "  ")
    if hint:
        text += "\n" + neutralise(f"hint: {hint}")
    with suppress(OSError):  # where nobody listens, the exit code has to do
        print(text, file=sys.stderr)  # noqa: T201 - errors go to stderr
