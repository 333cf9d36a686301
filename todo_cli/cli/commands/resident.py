"""The commands for the resident process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.errors import TodoError

if TYPE_CHECKING:
    from todo_cli.handoff.control import ResidentStatus

_PROPERTIES = ("pid", "workers", "since", "served", "memory", "spare_host", "spare_since")

app = typer.Typer(help="Inspect, start and stop the background process that speeds up commands.")


@command(app, "status", epilog="Example: todo resident status --json")
def status(invocation: Invocation) -> None:
    """Show whether the background process is running, when it started, and its workers and memory use."""
    from todo_cli.handoff.control import find_resident

    _show(invocation, find_resident())


@command(app, "start", epilog="Example: todo resident start")
def start(invocation: Invocation) -> None:
    """Start the background process now instead of after the next command."""
    from todo_cli.handoff import protocol
    from todo_cli.handoff.control import start_resident

    if invocation.settings["resident"].value == "off":
        raise TodoError("the background process is switched off", "run 'todo config set resident auto' to allow it")
    if not protocol.is_allowed():
        hint = "set TODO_RESIDENT=on to allow it" if os.environ.get("CI") else None
        raise TodoError("the background process cannot be used here", hint)
    if (found := start_resident()) is None:
        raise TodoError("the background process did not start", "run 'todo doctor' to check the folder that it needs")
    _show(invocation, found)


@command(app, "stop", epilog="Example: todo resident stop")
def stop(invocation: Invocation) -> None:
    """Stop the background process. The next command starts a new one unless the setting 'resident' is off."""
    from todo_cli.handoff.control import stop_resident

    found = stop_resident()
    if invocation.json:
        invocation.renderer.show_record({"stopped": found is not None})
    else:
        invocation.note("Stopped." if found else "It was not running.")


def _show(invocation: Invocation, found: ResidentStatus | None) -> None:
    if found is None:
        invocation.renderer.show_record({"running": False} | dict.fromkeys(_PROPERTIES if invocation.json else ()))
        return
    local = invocation.now.tzinfo
    since, spare_since = (
        moment.astimezone(local).isoformat(timespec="seconds") if moment else None
        for moment in (found.since, found.spare_since)
    )
    invocation.renderer.show_record(
        {
            "running": True,
            "pid": found.pid,
            "workers": [str(pid) for pid in found.worker_pids] if invocation.json else len(found.worker_pids),
            "since": since,
            "served": found.served,
            "memory": found.memory if invocation.json else f"{found.memory / 1_000_000:.0f} MB",
            "spare_host": found.spare_host,
            "spare_since": spare_since,
        }
    )
