"""Keeps passwords out of the list of processes."""

from __future__ import annotations

import sys


def hide_passwords() -> None:
    """Overwrite passwords in the arguments that other users of the machine see in the list of processes (Linux).

    `sys.argv` is a copy, and keeps them.
    """
    if not any("://" in argument and "@" in argument for argument in sys.argv):
        return
    import ctypes
    import re
    from contextlib import suppress
    from pathlib import Path

    with suppress(OSError, ValueError, IndexError):  # elsewhere there is no such file
        # The 48th and 49th fields are where the arguments begin and end in memory (proc_pid_stat(5)).
        fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        begin, end = int(fields[45]), int(fields[46])
        arguments = ctypes.string_at(begin, end - begin)
        secret = rb"(?<=://)([^:@/\0]*:)([^\0]*)(?=@)|([?&]password=)([^&\0]*)"
        hidden = re.sub(secret, lambda m: (m[1] or m[3]) + b"*" * len(m[2] or m[4] or b""), arguments)
        ctypes.memmove(begin, hidden, len(hidden))
