"""Signals: Ctrl-C interrupts a command, except while it stores a change."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130

_process_is_ours = False
_storing = False
_announce: Callable[[bool], None] | None = None
_leave: Callable[[int], object] = os._exit
_interruptions = count(1)


def own_process() -> None:
    """Declare that this process ends with the command, so that it may change signal handlers and silence threads."""
    global _process_is_ours  # noqa: PLW0603 - state of the process, set once at its start
    _process_is_ours = True


def is_own_process() -> bool:
    """Return whether this process ends with the command."""
    return _process_is_ours


def is_storing() -> bool:
    """Return whether the command has begun to store a change, which it must complete."""
    return _storing


def hold_interruptions() -> None:
    """Ignore the first Ctrl-C from now on, so that the change is stored and reported.

    The second Ctrl-C quits, since a connection may not respond, and says that the outcome is unknown.
    """
    global _storing  # noqa: PLW0603 - state of the process
    if not _process_is_ours:
        return
    _storing = True
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, _count_interruption):
        signal.signal(signal.SIGINT, _count_interruption)


def _count_interruption(_signal: int, _frame: FrameType | None) -> None:
    # os.write, because the interpreter may be in the middle of another write.
    if next(_interruptions) == 1:
        if sys.stderr.isatty():
            os.write(2, b"\nStoring the change; press Ctrl-C again to quit without knowing whether it was stored.\n")
        return
    os.write(2, b"error: interrupted while storing the change: it was stored completely or not at all\n")
    _leave(INTERRUPTED)


def ignore_interruptions() -> None:
    """Ignore Ctrl-C from now on, because the command is about to end."""
    if _process_is_ours:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def leave_by(leave: Callable[[int], object]) -> None:
    """Set the function that ends the process in the middle of a command."""
    global _leave  # noqa: PLW0603 - state of the process
    _leave = leave


def announce_questions(announce: Callable[[bool], None]) -> None:
    """Set the function that `asking` calls with True before it reads the terminal, and with False afterwards."""
    global _announce  # noqa: PLW0603 - state of the process
    _announce = announce


@contextmanager
def asking() -> Iterator[None]:
    """Enclose reading from the terminal, so that job control also works through the resident."""
    if _announce is None or not sys.stdin.isatty():
        yield
        return
    _announce(True)
    try:
        yield
    finally:
        _announce(False)
