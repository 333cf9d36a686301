"""Where the `todo` process begins and ends."""

from __future__ import annotations

import os
import sys


def run() -> None:
    """Run the command line of this process, and end it with the exit code.

    Ctrl-C while the program is still being imported is an interruption like any other. The process ends without the
    interpreter's clearing up: everything is stored and shown by then, and another Ctrl-C could only disturb.
    """
    try:
        from todo_cli.cli.runtime import ignore_interruptions, main, own_process

        own_process()
        code = main()
        ignore_interruptions()
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        code = 130
        os.write(2, b"error: interrupted\n")
    except OSError:
        code = 1
    os._exit(code)
