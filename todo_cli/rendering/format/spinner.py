"""Tells a person at a terminal that something takes long, on stderr; says nothing to a pipe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 0.5
"""Seconds that people take for at once."""


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show a spinner with the text beside it while the context lasts, once it has lasted for half a second."""
    if not sys.stderr.isatty():
        yield
        return
    shown: list[Status] = []
    lock = threading.Lock()
    over = False

    def show() -> None:
        # Rich is imported only now: most commands have their answer by then.
        from rich.console import Console
        from rich.markup import escape

        with lock:
            if not over:
                shown.append(Console(stderr=True).status(escape(text)))
                shown[0].start()

    timer = threading.Timer(PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over = True
            for status in shown:
                status.stop()
