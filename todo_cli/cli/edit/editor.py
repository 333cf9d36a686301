"""The user's own editor, on a text in a file that only they can read. What they wrote is never lost."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import typer

from todo_cli import config
from todo_cli.cli.invocation import Invocation
from todo_cli.errors import InterruptedByUserError, InvalidInputError, TodoError
from todo_cli.files import make_private_folder

USUAL = ("sensible-editor", "nano", "vi", "notepad")
"""Editors to look for where none was chosen."""


class Draft:
    """A text while it is edited; `text` is what it was last."""

    def __init__(self, name: str, editor: list[str]) -> None:
        self._editor = editor
        self._path = Path(tempfile.mkdtemp(prefix="todo-")) / f"{name}.md"  # the folder has mode 0700
        self._first: str | None = None
        self._stays = False
        self.text = ""

    def edit(self, text: str) -> str:
        """Return what the user makes of the text; raises TodoError if the editor fails."""
        self._first = text if self._first is None else self._first
        _write(self._path, text)
        try:
            code = _call([*self._editor, str(self._path)])
        finally:
            with suppress(FileNotFoundError):  # removed by the editor: then it is as before
                self.text = text = self._path.read_bytes().decode("utf-8", "surrogateescape")
        if code:
            raise TodoError(f"the editor {self._editor[0]!r} ended with exit code {code}: nothing was written")
        return text

    @property
    def is_changed(self) -> bool:
        """Whether the user has written anything."""
        return self._first not in (None, self.text)

    def keep(self) -> Path:
        """Put the text where it stays, and return that: the user's cache folder, or else where it is."""
        folder = config.cache_folder() / "drafts"
        try:
            make_private_folder(folder)
            for number in count(1):
                path = folder / f"{self._path.stem}-{number}.md"
                with suppress(FileExistsError):
                    _write(path, self.text, exclusive=True)
                    return path
        except OSError:
            self._stays = True
        return self._path

    def remove(self) -> None:
        """Remove the file with its folder, unless the text stays there."""
        if not self._stays:
            shutil.rmtree(self._path.parent, ignore_errors=True)


@contextmanager
def open_draft(name: str, invocation: Invocation) -> Iterator[Draft]:
    """Give a draft that is removed afterwards. If an error ends it, what was written is kept, and the hint tells where.

    Raises TodoError where there is no editor.
    """
    draft = Draft(name, find_editor(interactive=invocation.can_ask))
    try:
        yield draft
    except BaseException as raised:
        if not draft.is_changed:
            raise
        where = f"your text is kept in {draft.keep()}"
        if isinstance(raised, KeyboardInterrupt | typer.Abort):
            error: TodoError = InterruptedByUserError()
        elif isinstance(raised, TodoError):
            error = raised
        else:
            invocation.note(where)
            raise
        error.hint = f"{error.hint}; {where}" if error.hint else where
        raise error from None
    finally:
        draft.remove()


def find_editor(*, interactive: bool) -> list[str]:
    """Return the command of the user's editor: `VISUAL`, `EDITOR`, or at a terminal one that is there.

    Raises InvalidInputError for a command that is not understood, and TodoError where there is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if text := os.environ.get(name, "").strip():
            try:
                # Windows separates folders with a backslash.
                return [part.strip('"') for part in shlex.split(text, posix=os.name == "posix")]
            except ValueError as error:
                raise InvalidInputError(f"{name} is not a valid command: {error}", f"{name} is {text!r}") from None
    found = next((path for path in map(shutil.which, USUAL) if path), None) if interactive else None
    if found is None:
        why = "no editor was found" if interactive else "there is no terminal for an editor"
        raise TodoError(why, "set EDITOR to the command of your editor")
    return [found]


def _call(command: list[str]) -> int:
    """Run the editor to its end, and return its exit code. Ctrl-C is for the editor."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, lambda _signal, _frame: None)
    try:
        # What a pipe gets is data: there the editor shows itself on stderr.
        return subprocess.run(command, stdout=None if sys.stdout.isatty() else 2, check=False).returncode  # noqa: S603
    except OSError as error:
        raise TodoError(
            f"cannot start the editor {command[0]!r}: {error.strerror}", "set EDITOR to the command of your editor"
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, text: str, *, exclusive: bool = False) -> None:
    """Write a file that only its owner can read; raises FileExistsError if `exclusive` and it is there."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if exclusive else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
