"""What is told that a server keeps us waiting."""

from collections.abc import Callable
from contextlib import AbstractContextManager

Waiting = Callable[[], AbstractContextManager[object]]
"""Makes a context that is entered while a server is waited for, so that a person can be told."""
