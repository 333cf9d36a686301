"""The commands `db backup` and `db restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from todo_cli.cli import options
from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing

app = typer.Typer()


@command(app, "backup", epilog="Example: todo db backup")
def backup(
    invocation: Invocation,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The file to write; by default, a new file beside the list.")
    ] = None,
) -> None:
    """Back up the whole list to a new file, and verify it.

    Other commands can run meanwhile. On a server, it backs up all your data, as 'db copy' does.
    """
    from todo_cli.services.databases.backups import back_up

    written = invocation.run(back_up, file and file.expanduser().absolute())
    if invocation.json:
        with after_storing(invocation):
            invocation.renderer.show_record({"database": str(invocation.target), "file": str(written)})
    else:
        invocation.note(f"Wrote a backup of {invocation.target} to {written}.")


@command(app, "restore", epilog="Example: todo db restore todo.db.20261124T105727Z.bak")
def restore(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to restore.")],
    yes: options.YesOption = False,
) -> None:
    """Replace the list with a backup; the old list is kept beside it.

    On a server, the backup is copied into the database, as 'db copy' does; existing todos stay.
    """
    from todo_cli.services.databases.backups import restore

    file = file.expanduser().absolute()
    embedded = invocation.target.dialect == "sqlite"
    action = f"replace {invocation.target} with {file}" if embedded else f"copy {file} into {invocation.target}"
    invocation.confirm(action, yes=yes)
    result = invocation.run(restore, file)
    candidates.forget(invocation)
    kept = None if result.kept is None else str(result.kept)
    if invocation.json:
        record = {"database": str(invocation.target), "file": str(file), "kept": kept}
        if result.copied:
            record["copied"] = str(result.copied.copied)
        with after_storing(invocation):
            invocation.renderer.show_record(record)
        return
    if result.copied:
        existing = f"; {result.copied.already_there:,} already existed" if result.copied.already_there else ""
        todos = options.count_todos(result.copied.copied)
        invocation.note(f"Copied {todos} from {file} to {invocation.target}{existing}.")
        return
    old_list = f" The old list is in {kept}." if kept else ""
    invocation.note(f"Restored {invocation.target} from {file}.{old_list}")
