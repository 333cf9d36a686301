"""Notification while waiting for a server."""

from collections.abc import Callable
from contextlib import AbstractContextManager

Waiting = Callable[[], AbstractContextManager[object]]
"""A function that returns a context, which is entered while waiting for a server, to inform the user."""
