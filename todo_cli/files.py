"""Files and folders that only their owner can use, whatever the umask is. The umask itself is never changed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, with mode 0700; one that is there stays as it is."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    try:
        path.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        path.chmod(FOLDER_MODE)  # the umask may have taken away the owner's own rights


def create_private_file(path: Path) -> int:
    """Make a new file with mode 0600; return its descriptor, open for writing. Raises FileExistsError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    if hasattr(os, "fchmod"):
        os.fchmod(handle, FILE_MODE)
    return handle


def put_in_place(unfinished: Path, path: Path) -> None:
    """Give a finished file its name, and make sure that it survives a power cut; raises FileExistsError.

    At every moment the name stands for the whole file or for none. The unfinished name is gone afterwards.
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
    """Make sure that the names in a folder survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_open_to_others(path: Path) -> bool:
    """Return whether the mode of a file or folder lets anybody but its owner use it."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False
