"""The entry point of the `todo` process."""

from __future__ import annotations

import gc
import os
import sys

from todo_cli.handoff import protocol
from todo_cli.redaction import hide_passwords

GARBAGE_THRESHOLD = 50_000
"""The number of new objects that triggers a garbage collection."""


def run() -> None:
    """Run the command line of this process, and exit with its exit code.

    The resident process runs the command if there is one; otherwise it runs here, and a resident is started for the
    next command. Ctrl-C is also handled while the program is being imported.
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
    # Skip the interpreter's cleanup: everything is stored and shown, and Ctrl-C could only interfere.
    os._exit(code)


def _run_in_resident() -> int | None:
    if not protocol.is_allowed():
        return None
    from todo_cli.handoff.client import run_in_resident

    return run_in_resident(sys.argv[1:])


def _run_here() -> int:
    # Imported modules stay until the process ends. Scanning them for garbage takes a fifth of the time of a command.
    # The garbage collector is enabled after the command has been imported, see `todo_cli.cli.invocation`.
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
        pass  # stderr is closed; the exit code remains
    if protocol.is_allowed() and "resident" not in sys.argv:  # `todo resident stop` must not start another one
        from todo_cli.handoff.launch import launch_if_allowed

        launch_if_allowed()
    return code
