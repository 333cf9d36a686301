"""The entry point of a command line: the only place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from todo_cli.cli.signals import ignore_interruptions, is_own_process
from todo_cli.cli.streams import OutputClosed, drop_output, prepare_streams, print_version, quiet_when_closed
from todo_cli.errors import InterruptedByUserError

if TYPE_CHECKING:
    from todo_cli.cli.session import Session


def main(argv: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run a command line and return its exit code. The README lists the codes."""
    arguments = [_as_utf8(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    prepare_streams()
    try:
        code = _run(arguments, session)
        with quiet_when_closed():
            sys.stdout.flush()
    except OutputClosed:
        # Discard what is still buffered, without an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as raised:  # noqa: BLE001 - the last boundary: nothing ends in a traceback
        from todo_cli.cli.reporting import print_traceback, report, translate

        ignore_interruptions()
        if is_own_process():
            import logging
            import threading

            # A driver's thread that finds its event loop closed must not print a traceback.
            threading.excepthook = lambda _: None
            logging.getLogger("asyncio").disabled = True
        error = translate(raised)
        if isinstance(error, InterruptedByUserError) and sys.stderr.isatty():
            sys.stderr.write("\n")  # the cursor is on the line of the question
        if "--debug" in options:
            print_traceback(raised, arguments)
        report(error, arguments, as_json="--json" in options)
        drop_output()
        return error.exit_code
    return code


def _run(arguments: list[str], session: Session | None) -> int:
    if arguments == ["--version"]:  # a shortcut, because importing Typer takes most of the time
        print_version()
        return 0
    if not arguments and ("_TODO_COMPLETE_LINE" in os.environ or "_TODO_COMPLETE" in os.environ):
        from todo_cli.cli.app import program
        from todo_cli.cli.completion.answers import answer

        if (candidates := answer(os.environ, program())) is not None:
            with quiet_when_closed():
                sys.stdout.write(candidates)
            return 0

    from todo_cli.cli.app import program
    from todo_cli.cli.completion.scripts import name_shell
    from todo_cli.cli.invocation import Invocation

    # With `windows_expand_args`, a title such as "buy *" would become the names of files on Windows.
    # The parser drops `--`, after which everything is text.
    literals = len(arguments) - arguments.index("--") - 1 if "--" in arguments else 0
    start = Invocation(literals=literals, session=session)
    # An empty `complete_var` turns off Typer's completion, which cli/completion replaces.
    code = program()(
        args=name_shell(arguments),
        obj=start,
        prog_name="todo",
        complete_var="",
        standalone_mode=False,
        windows_expand_args=False,
    )
    if code == InterruptedByUserError.exit_code:  # Typer returns it for Ctrl-C
        raise InterruptedByUserError
    return code if isinstance(code, int) else 0


def _as_utf8(argument: str) -> str:
    """Return an argument decoded as UTF-8, even if the locale made Python decode it as ASCII (PEP 383).

    Invalid UTF-8 is returned unchanged; it is refused where it would be stored.
    """
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument
