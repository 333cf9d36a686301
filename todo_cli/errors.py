"""The errors that users see, each with an exit code, a message and an optional hint."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from todo_cli.redaction import conceal

NOTHING_WRITTEN = "; nothing was written"


class TodoError(Exception):
    """An error with a message of one line. Its exit code is 1 unless a subclass overrides it.

    Passwords in URLs are removed from the message and the hint.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        message = conceal(message)
        super().__init__(message)
        self.message = message
        self.hint = None if hint is None else conceal(hint)


class InvalidInputError(TodoError):
    """Invalid input; nothing was stored."""

    exit_code = 2


@contextmanager
def errors_in(place: str) -> Iterator[None]:
    """Add the place of invalid input to the message, for input that is not on the command line."""
    try:
        yield
    except InvalidInputError as error:
        error.message = f"in {place}: {error.message}"
        raise


class ExpressionError(InvalidInputError):
    """An invalid filter; the error is in the characters from `start` up to `end` of the expression."""

    def __init__(self, message: str, hint: str | None, expression: str, start: int, end: int) -> None:
        super().__init__(message, hint)
        self.expression = expression
        self.start = start
        self.end = end


class NotFoundError(TodoError):
    """A reference or name that does not exist for this user."""

    exit_code = 3


class ConflictError(TodoError):
    """A request that conflicts with the stored data."""

    exit_code = 4


class CycleError(ConflictError):
    """A cycle of dependencies or parents; `path` leads from a todo's number back to it."""

    def __init__(self, verb: str, path: Sequence[int]) -> None:
        super().__init__(f"todo {path[0]} would {verb} itself: {' → '.join(map(str, path))}")


class OpenSubtasksError(ConflictError):
    """Todos that cannot be closed, because `count` subtasks of theirs are open."""

    def __init__(self, parents: Sequence[int], count: int) -> None:
        numbers = sorted(set(parents))
        todos = f"todo {numbers[0]} has" if len(numbers) == 1 else f"todos {', '.join(map(str, numbers))} have"
        noun = "subtask" if count == 1 else "subtasks"
        super().__init__(f"{todos} {count} open {noun}", "add --with-subtasks to close them as well")
        self.count = count


class LockedError(ConflictError):
    """Another program held a lock for longer than the timeout; `holder` describes that program, if known."""

    def __init__(self, what: str, seconds: float, holder: str | None = None) -> None:
        held = f" by {holder}" if holder else " by another program"
        super().__init__(
            f"{what} is locked{held}",
            f"gave up after {seconds:g} seconds, nothing was written; "
            "end the other program or its transaction, or try again",
        )
        self.what = what
        self.seconds = seconds


class BusyError(ConflictError):
    """A conflict with concurrent changes that persisted through all retries."""

    def __init__(self) -> None:
        super().__init__(f"other commands are changing the same todos{NOTHING_WRITTEN}", "try again")


class DatabaseUnavailableError(TodoError):
    """The database cannot be reached or refuses the connection."""

    exit_code = 5


class DamagedError(DatabaseUnavailableError):
    """A damaged SQLite file; `backups` are the backups beside it, newest first."""

    def __init__(self, message: str, backups: Sequence[Path] = ()) -> None:
        if backups:
            newest = shlex.quote(str(backups[0]))
            hint = f"run 'todo db restore {newest}' to restore the newest backup"
        else:
            hint = "it has no backup beside it; if you have one elsewhere, run 'todo db restore FILE'"
        super().__init__(message, hint)


class DiskError(DatabaseUnavailableError):
    """The disk of an SQLite file reports an error."""

    def __init__(self, database: str, detail: str) -> None:
        super().__init__(f"disk error in {database} ({detail})", "check the disk and try again")


class ConnectionLostError(DatabaseUnavailableError):
    """The connection to the server was lost, also after retries."""

    def __init__(self, database: str) -> None:
        super().__init__(f"repeatedly lost the connection to {database}", "check the network and try again")


class NoAnswerError(ConnectionLostError):
    """A server that does not respond in time."""

    def __init__(self, database: str, seconds: float) -> None:
        super().__init__(database)
        self.seconds = seconds
        self.message = f"{database} has not answered for {seconds:g} seconds"
        self.hint = (
            "check the network and the server and try again; "
            "to wait longer, run 'todo config set answer_timeout SECONDS'"
        )


class UncertainError(DatabaseUnavailableError):
    """The connection or the disk failed during the commit, so the outcome is unknown."""

    def __init__(self, cause: TodoError) -> None:
        message = cause.message.removesuffix(NOTHING_WRITTEN)
        super().__init__(
            f"{message} while storing the change: it was stored completely or not at all",
            "run 'todo history' to see whether it was stored; 'todo add --id UUID' is always safe to repeat",
        )


class InterruptedByUserError(TodoError):
    """Ctrl-C, or the end of input at a question."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted")


class NotConfirmedError(TodoError):
    """A confirmation that was refused."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("nothing changed")


class StorageError(TodoError):
    """The database was reached but could not store or return the data."""


class DiskFullError(StorageError):
    """The disk of an SQLite file is full."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"no space left on the disk of {database}; nothing was written", "free some space and try again"
        )


class SchemaMissingError(TodoError):
    """A server database in which `todo db init` has not been run."""

    def __init__(self, database: str) -> None:
        super().__init__(f"there are no todo tables in {database}", "run 'todo db init' to create them")


class SchemaOutdatedError(TodoError):
    """A database whose tables are older than this program."""

    def __init__(self, database: str, found: str, expected: str) -> None:
        super().__init__(
            f"the tables in {database} are at revision {found}, older than this program ({expected})",
            "run 'todo db migrate'",
        )


class SchemaUnclearError(TodoError):
    """A database whose revision table does not hold exactly one revision."""

    def __init__(self, database: str, found: Sequence[str]) -> None:
        super().__init__(
            f"alembic_version in {database} holds {len(found)} revisions ({', '.join(sorted(found))}) instead of one",
            "restore a backup, or delete the row that does not belong to these tables",
        )


class ForeignSchemaError(DatabaseUnavailableError):
    """A schema on a server that another program created."""

    def __init__(self, schema: str, database: str) -> None:
        super().__init__(
            f"the schema {schema} in {database} belongs to another program",
            "use a separate database for todo; nothing was changed",
        )


class SchemaTooNewError(TodoError):
    """A database whose tables are newer than this program."""

    def __init__(self, database: str, found: str, expected: str) -> None:
        super().__init__(
            f"the tables in {database} are at revision {found}, newer than this program ({expected})",
            "install a newer version of todo, as its README describes",
        )


class UnknownUserError(NotFoundError):
    """A user name that does not exist in the database."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no user {name!r} in this database",
            f"users: {', '.join(known)}; run 'todo user add {name}' to add one" if known else None,
        )


class UserNotNamedError(InvalidInputError):
    """Several users in the database, and none is selected."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(
            "this database has several users, and none is selected",
            f"use --user NAME, TODO_USER or 'todo config set user NAME' with one of: {', '.join(known)}",
        )
        self.known = known
