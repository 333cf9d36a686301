"""A spinner on stderr for operations that take long; nothing is shown in a pipe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 0.5
"""Delay before the spinner appears, in seconds."""


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show a spinner with the text until the context ends, after a delay of half a second."""
    if not sys.stderr.isatty():
        yield
        return
    shown: list[Status] = []
    lock = threading.Lock()
    over = False

    def show() -> None:
        # Import Rich only now: most commands finish earlier.
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
