"""Running the user's editor on a private file. The user's text is never lost."""

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
"""Editors to look for if neither VISUAL nor EDITOR is set."""


class Draft:
    """A text in a temporary file; `text` is its content after the last edit."""

    def __init__(self, name: str, editor: list[str]) -> None:
        self._editor = editor
        self._path = Path(tempfile.mkdtemp(prefix="todo-")) / f"{name}.md"  # the folder has mode 0700
        self._first: str | None = None
        self._is_kept = False
        self.text = ""

    def edit(self, text: str) -> str:
        """Open the text in the editor and return the result; raises TodoError if the editor fails."""
        self._first = text if self._first is None else self._first
        _write(self._path, text)
        try:
            code = _call([*self._editor, str(self._path)])
        finally:
            with suppress(FileNotFoundError):  # the editor removed the file: keep the text as it was
                self.text = text = self._path.read_bytes().decode("utf-8", "surrogateescape")
        if code:
            raise TodoError(f"the editor {self._editor[0]!r} exited with code {code}; nothing was written")
        return text

    @property
    def is_changed(self) -> bool:
        """Whether the user has changed the text."""
        return self._first not in (None, self.text)

    def keep(self) -> Path:
        """Save the text in the cache folder and return its path; if that fails, keep the temporary file."""
        folder = config.cache_folder() / "drafts"
        try:
            make_private_folder(folder)
            for number in count(1):
                path = folder / f"{self._path.stem}-{number}.md"
                with suppress(FileExistsError):
                    _write(path, self.text, exclusive=True)
                    return path
        except OSError:
            self._is_kept = True
        return self._path

    def remove(self) -> None:
        """Remove the temporary file with its folder, unless `keep` had to keep it."""
        if not self._is_kept:
            shutil.rmtree(self._path.parent, ignore_errors=True)


@contextmanager
def open_draft(name: str, invocation: Invocation) -> Iterator[Draft]:
    """Provide a draft, which is removed afterwards. After an error, keep the user's text and add its path to the hint.

    Raises TodoError if there is no editor.
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
    """Return the command of the user's editor: `VISUAL`, else `EDITOR`, else at a terminal one that is installed.

    Raises InvalidInputError for an invalid command, and TodoError if there is no editor.
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
        why = "no editor was found" if interactive else "an editor needs a terminal"
        raise TodoError(why, "set EDITOR to the command of your editor")
    return [found]


def _call(command: list[str]) -> int:
    """Run the editor and return its exit code. Ctrl-C is left to the editor."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, lambda _signal, _frame: None)
    try:
        # Data goes to stdout: if it is a pipe, the editor uses stderr.
        return subprocess.run(command, stdout=None if sys.stdout.isatty() else 2, check=False).returncode  # noqa: S603
    except OSError as error:
        raise TodoError(
            f"cannot start the editor {command[0]!r}: {error.strerror}", "set EDITOR to the command of your editor"
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, text: str, *, exclusive: bool = False) -> None:
    """Write a file that only its owner can read; raises FileExistsError if it exists and `exclusive` is set."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if exclusive else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
