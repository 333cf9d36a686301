"""Private files and folders, independent of the umask, which is never changed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_private_folder(path: Path) -> None:
    """Create a folder and its missing parents with mode 0700; an existing folder is unchanged."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    try:
        path.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        path.chmod(FOLDER_MODE)  # the umask may have removed the owner's permissions


def create_private_file(path: Path) -> int:
    """Create a file with mode 0600; return its descriptor, open for writing. Raises FileExistsError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    if hasattr(os, "fchmod"):
        os.fchmod(handle, FILE_MODE)
    return handle


def put_in_place(unfinished: Path, path: Path) -> None:
    """Rename a finished file atomically and durably; raises FileExistsError.

    `path` is the complete file or does not exist, at any time. `unfinished` is removed.
    """
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(f"{path} exists") from None
        unfinished.rename(path)
    else:
        unfinished.unlink()
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make changes of names in a folder durable, if the system supports it."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_open_to_others(path: Path) -> bool:
    """Return whether the mode of a file or folder grants access to anybody but its owner."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False
