"""Detection of changes to the installed program since this process imported it."""

from __future__ import annotations

import os
import sys

import todo_cli


class Installation:
    """The files of the program, as they were at the start of this process."""

    def __init__(self) -> None:
        package = os.path.dirname(todo_cli.__file__) + os.sep
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        self._paths = [path for path in files if path and path.startswith(package)]
        # Installing another version of a dependency changes the entries of these folders.
        self._paths += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        self._paths.append(sys.executable)
        self._known = self._scan()

    def is_unchanged(self) -> bool:
        """Return whether all files are unchanged."""
        return self._scan() == self._known

    def _scan(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
