"""Work that each command would repeat, done once before forking: imports, building commands, first use of caches."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import todo_cli

# A terminal gets a page and a pipe everything: these are two statements, and each is compiled once.
LIKE_A_DAY = (
    ("add", "Warm", "up", "due:tomorrow", "+tag", "project:home"),
    ("list",),
    ("list", "--per-page", "9"),
    ("list", "--json"),
    ("list", "project:home", "+tag", "due.before:friday", "--per-page", "9"),
    ("next",),
    ("next", "9"),
    ("today", "--per-page", "9"),
    ("show", "{n}"),
    ("modify", "{n}", "priority:high"),
    ("done", "{n}"),
    ("--help",),
)
ELSEWHERE = ("todo_cli.resident", "todo_cli.api", "todo_cli.migrations", "todo_cli.__main__", "todo_cli.entry")
"""Packages and modules that no command needs."""


def warm_up(scratch: str) -> None:
    """Prepare this process for forking: everything is imported, and no threads are running.

    The commands run on a list in the folder `scratch`, which is created.
    """
    for module in pkgutil.walk_packages(todo_cli.__path__, "todo_cli."):
        if not module.name.startswith(ELSEWHERE):
            importlib.import_module(module.name)
    from todo_cli.cli.app import build_all
    from todo_cli.cli.main import main

    build_all()
    build_all()
    with _elsewhere(scratch):
        # Twice, because compiling changes the cache key of a statement once.
        for number in ("1", "2"):
            for arguments in LIKE_A_DAY:
                main([word.format(n=number) for word in arguments])
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()  # a database driver's, which ends shortly after its connection; threads do not survive a fork


def touch(scratch: str) -> None:
    """Copy the shared pages of this newly forked process before a client waits for it.

    The system copies a page at its first write, which would happen thousands of times during a command.
    """
    from todo_cli.cli.main import main

    if os.path.isdir(scratch):  # the resident removes it
        with _elsewhere(scratch):
            main(("list", "--per-page", "9"))


@contextmanager
def _elsewhere(home: str) -> Iterator[None]:
    """Isolate commands in this context from the user's list, settings and terminal."""
    before, streams = dict(os.environ), (sys.stdout, sys.stderr)
    try:
        for name in list(os.environ):
            if name.startswith(("TODO_", "PG")):
                del os.environ[name]
        os.environ["TODO_HOME"] = home
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            sys.stdout = sys.stderr = nowhere
            yield
    finally:
        sys.stdout, sys.stderr = streams
        os.environ.clear()
        os.environ.update(before)
