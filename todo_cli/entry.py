"""Where the `todo` process begins and ends."""

from __future__ import annotations

import gc
import os
import sys

from todo_cli.handoff import protocol
from todo_cli.redaction import hide_passwords

GARBAGE_THRESHOLD = 50_000
"""How many new objects there may be before Python looks for cycles among them."""


def run() -> None:
    """Run the command line of this process, and end it with the exit code.

    A resident process runs it where there is one; otherwise it runs here, and a resident is started for the next.
    Ctrl-C while the program is still being imported is an interruption like any other.
    """
    try:
        hide_passwords()
        code = _run_in_resident()
        if code is None:
            code = _run_here()
    except KeyboardInterrupt:
        code = 130
        os.write(2, b"error: interrupted\n")
    except OSError:
        code = 1
    # Without the interpreter's clearing up: everything is stored and shown, and another Ctrl-C could only disturb.
    os._exit(code)


def _run_in_resident() -> int | None:
    if not protocol.is_wanted():
        return None
    from todo_cli.handoff.client import run_in_resident

    return run_in_resident(sys.argv[1:])


def _run_here() -> int:
    # Imported modules stay until the process ends. Looking through them for garbage again and again takes a fifth of
    # the time of a command; it is enabled when the command has been imported, see `todo_cli.cli.main`.
    gc.disable()
    gc.set_threshold(GARBAGE_THRESHOLD)
    from todo_cli.cli.main import main
    from todo_cli.cli.signals import ignore_interruptions, own_process

    own_process()
    code = main()
    ignore_interruptions()
    sys.stdout.flush()
    try:
        sys.stderr.flush()
    except OSError:
        pass  # nobody can be told; the exit code has to do
    if protocol.is_wanted() and "resident" not in sys.argv:  # `todo resident stop` must not start another one
        from todo_cli.handoff.launch import launch_if_allowed

        launch_if_allowed()
    return code
