"""Signals: when Ctrl-C interrupts, and when what is being stored is stored to its end."""

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
    """Say that this process ends with the command, so that its signals and threads are ours to silence."""
    global _process_is_ours  # noqa: PLW0603 - a fact about the process, stated once by its entry
    _process_is_ours = True


def is_own_process() -> bool:
    """Return whether this process ends with the command."""
    return _process_is_ours


def is_storing() -> bool:
    """Return whether the command has begun to store something, and has to see it through."""
    return _storing


def hold_interruptions() -> None:
    """Ignore the first Ctrl-C from now on: what is being stored is stored, and reported.

    On a connection that does not answer this could take long: the second Ctrl-C leaves, and says what is not known.
    """
    global _storing  # noqa: PLW0603 - a fact about the process
    if not _process_is_ours:
        return
    _storing = True
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, _count_interruption):
        signal.signal(signal.SIGINT, _count_interruption)


def _count_interruption(_signal: int, _frame: FrameType | None) -> None:
    # Written with os.write: the interpreter may be in the middle of writing something else.
    if next(_interruptions) == 1:
        if sys.stderr.isatty():
            os.write(2, b"\nStoring the change; press Ctrl-C again to quit without knowing whether it was stored.\n")
        return
    os.write(2, b"error: interrupted while storing the change: it was stored completely or not at all\n")
    _leave(INTERRUPTED)


def ignore_interruptions() -> None:
    """Ignore Ctrl-C from now on: the command is at its end."""
    if _process_is_ours:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def leave_by(leave: Callable[[int], object]) -> None:
    """End the process by this function where it has to end in the middle of a command."""
    global _leave  # noqa: PLW0603 - a fact about the process
    _leave = leave


def announce_questions(announce: Callable[[bool], None]) -> None:
    """Call this with True before the terminal is read, and with False after it, in `asking`."""
    global _announce  # noqa: PLW0603 - a fact about the process
    _announce = announce


@contextmanager
def asking() -> Iterator[None]:
    """Read from the terminal within this context, so that job control works through a resident, too."""
    if _announce is None or not sys.stdin.isatty():
        yield
        return
    _announce(True)
    try:
        yield
    finally:
        _announce(False)
