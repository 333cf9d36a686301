"""Opening URLs with the desktop's own program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

SCHEMES = ("http", "https", "mailto")
"""Only these are opened: a URL may come from somebody else, and other schemes start programs or read files."""


def open_url(url: str) -> bool:
    """Hand the URL to the desktop and return True; return False where there is none, or for another scheme."""
    if url.partition(":")[0].lower() not in SCHEMES:
        return False
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - of a scheme that is opened
        return True
    program = _find_opener()
    if program is None:
        return False
    try:
        # It may stay until the browser is closed, and must not read from the terminal or end with it.
        subprocess.Popen(  # noqa: S603 - a URL is one argument, and begins with its scheme
            [program, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True


def _find_opener() -> str | None:
    """Return the program that opens URLs, if this is a desktop."""
    if sys.platform == "darwin":
        return shutil.which("open")
    is_desktop = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return shutil.which("xdg-open") if is_desktop else None
