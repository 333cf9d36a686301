"""Backups beside an SQLite file: `todo.db.20261124T105727Z.bak`, and those that migrations and `db restore` keep."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from glob import escape
from pathlib import Path

MOST_REVISIONS = 5
"""So many of the backups that migrations make are kept."""


def find_backups(path: Path) -> list[Path]:
    """Return the backups beside the file, newest first."""
    found = []
    with suppress(OSError):
        for file in path.parent.glob(f"{escape(path.name)}.*.bak"):
            with suppress(OSError):
                found.append((file.stat().st_mtime_ns, file.name, file))
    return [file for _, _, file in sorted(found, reverse=True)]


def find_files(path: Path) -> list[Path]:
    """Return the file, those that SQLite keeps beside it, and its backups, as far as they are there."""
    beside = [path, *(Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal"))]
    return [file for file in beside if file.exists()] + find_backups(path)


def name_backup(path: Path, kind: str = "") -> Path:
    """Return a name beside the file that is not taken; `kind` says what the backup was made for."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    base = f"{path.name}.{stamp}{f'.{kind}' if kind else ''}"
    number = 1
    while (chosen := path.with_name(f"{base}{f'-{number}' if number > 1 else ''}.bak")).exists():
        number += 1
    return chosen


def drop_old_revisions(path: Path, made: Path) -> None:
    """Remove all but the newest backups that migrations of the file made, and never the one just made."""
    older = [file for file in find_backups(path) if ".revision-" in file.name and file != made]
    for file in older[MOST_REVISIONS - 1 :]:
        with suppress(OSError):
            file.unlink()
