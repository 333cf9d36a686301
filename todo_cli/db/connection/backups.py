"""Backups beside an SQLite file: `todo.db.20261124T105727Z.bak`, and those of migrations and `db restore`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from glob import escape
from pathlib import Path

MAX_REVISIONS = 5
"""The number of backups by migrations that are kept."""


def find_backups(path: Path) -> list[Path]:
    """Return the backups beside the file, newest first."""
    found = []
    with suppress(OSError):
        for file in path.parent.glob(f"{escape(path.name)}.*.bak"):
            with suppress(OSError):
                found.append((file.stat().st_mtime_ns, file.name, file))
    return [file for _, _, file in sorted(found, reverse=True)]


def find_files(path: Path) -> list[Path]:
    """Return the existing files of a list: the file itself, SQLite's files beside it, and the backups."""
    beside = [path, *(Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal"))]
    return [file for file in beside if file.exists()] + find_backups(path)


def name_backup(path: Path, kind: str = "") -> Path:
    """Return an unused name for a backup beside the file; `kind` is the reason for the backup."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    base = f"{path.name}.{stamp}{f'.{kind}' if kind else ''}"
    number = 1
    while (chosen := path.with_name(f"{base}{f'-{number}' if number > 1 else ''}.bak")).exists():
        number += 1
    return chosen


def drop_old_revisions(path: Path, made: Path) -> None:
    """Remove all but the newest backups by migrations, and never the latest one."""
    older = [file for file in find_backups(path) if ".revision-" in file.name and file != made]
    for file in older[MAX_REVISIONS - 1 :]:
        with suppress(OSError):
            file.unlink()
