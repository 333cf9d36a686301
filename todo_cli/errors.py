"""The error family. Each error carries the exit code and the hint that the user gets."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from todo_cli.redaction import conceal

NOTHING_WRITTEN = "; nothing was written"


class TodoError(Exception):
    """Something that the user is told in one line; exit code 1 unless a subclass says otherwise.

    Whatever the message repeats, passwords in URLs are not part of it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        message = conceal(message)
        super().__init__(message)
        self.message = message
        self.hint = None if hint is None else conceal(hint)


class InvalidInputError(TodoError):
    """Input that is not understood; nothing was stored."""

    exit_code = 2


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Tell of input that is not understood where it stands: in that place, not on the command line."""
    try:
        yield
    except InvalidInputError as error:
        error.message = f"in {place}: {error.message}"
        raise


class ExpressionError(InvalidInputError):
    """A filter that is not understood, and which part of its expression: characters from `start` up to `end`."""

    def __init__(self, message: str, hint: str | None, expression: str, start: int, end: int) -> None:
        super().__init__(message, hint)
        self.expression = expression
        self.start = start
        self.end = end


class NotFoundError(TodoError):
    """A reference or a name that this user does not have."""

    exit_code = 3


class ConflictError(TodoError):
    """What is asked for contradicts what is stored."""

    exit_code = 4


class CircleError(ConflictError):
    """A todo that would come before itself; `path` leads from its number back to it."""

    def __init__(self, verb: str, path: Sequence[int]) -> None:
        super().__init__(f"{path[0]} would {verb} itself: {' → '.join(map(str, path))}")


class OpenSubtasksError(ConflictError):
    """Todos that are to be closed, and have open subtasks: so many below those of these numbers."""

    def __init__(self, parents: Sequence[int], count: int) -> None:
        named = ", ".join(map(str, sorted(set(parents))))
        noun = "subtask" if count == 1 else "subtasks"
        super().__init__(f"{named} still has {count} open {noun}", "--with-subtasks closes them as well")
        self.count = count


class LockedError(ConflictError):
    """Another program held a lock for longer than it was waited for; `holder` is which, and since when."""

    def __init__(self, what: str, seconds: float, holder: str | None = None) -> None:
        held = f" by {holder}" if holder else " by another program"
        super().__init__(
            f"{what} is locked{held}",
            f"waited {seconds:g} seconds and wrote nothing; end that program or its transaction, or try again",
        )
        self.what = what
        self.seconds = seconds


class BusyError(ConflictError):
    """Others were changing the same things; it is tried again before the user hears of it."""

    def __init__(self) -> None:
        super().__init__(f"others are changing the same todos right now{NOTHING_WRITTEN}", "try again")


class DatabaseUnavailableError(TodoError):
    """The database cannot be reached, or refuses the connection."""

    exit_code = 5


class DamagedError(DatabaseUnavailableError):
    """An SQLite file that cannot be a whole list any more; `backups` are those beside it, newest first."""

    def __init__(self, message: str, backups: Sequence[Path] = ()) -> None:
        if backups:
            newest = shlex.quote(str(backups[0]))
            hint = f"run 'todo db restore {newest}' to go back to the newest backup"
        else:
            hint = "there is no backup beside it; if you have one elsewhere, run 'todo db restore FILE'"
        super().__init__(message, hint)


class DiskError(DatabaseUnavailableError):
    """The disk of an SQLite file reports an error."""

    def __init__(self, database: str, told: str) -> None:
        super().__init__(f"the disk of {database} reports an error ({told})", "check the disk, and try again")


class ConnectionLostError(DatabaseUnavailableError):
    """The line to the server was lost, more often than it was worth trying again."""

    def __init__(self, database: str) -> None:
        super().__init__(f"the connection to {database} was lost again and again", "check the network, and try again")


class NoAnswerError(ConnectionLostError):
    """A server that accepts what it is sent, and says nothing for too long."""

    def __init__(self, database: str, seconds: float) -> None:
        super().__init__(database)
        self.seconds = seconds
        self.message = f"{database} has not answered for {seconds:g} seconds"
        self.hint = "check the network and the server, and try again; the setting answer_timeout says how long to wait"


class UncertainError(DatabaseUnavailableError):
    """The line was lost, or the disk failed, after everything had been sent: nobody answered whether it is stored."""

    def __init__(self, cause: TodoError) -> None:
        told = cause.message.removesuffix(NOTHING_WRITTEN)
        super().__init__(
            f"{told} while storing the change: it was stored once or not at all",
            "'todo history' shows whether it was stored; 'todo add --id UUID' is always safe to repeat",
        )


class InterruptedByUserError(TodoError):
    """Ctrl-C, or a question left without an answer."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted")


class NotConfirmedError(TodoError):
    """A question that was answered with no."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("not done")


class StorageError(TodoError):
    """The database could be reached and still could not store or give what was asked."""


class DiskFullError(StorageError):
    """The disk of an SQLite file has no room left."""

    def __init__(self, database: str) -> None:
        super().__init__(f"the disk of {database} is full; nothing was written", "make room, and try again")


class SchemaMissingError(TodoError):
    """A server database in which `todo db init` has not been run."""

    def __init__(self, database: str) -> None:
        super().__init__(f"there are no todo tables in {database}", "run 'todo db init' to make them")


class SchemaOutdatedError(TodoError):
    """A database whose tables are older than this program."""

    def __init__(self, database: str, found: str, expected: str) -> None:
        super().__init__(
            f"the tables in {database} are at revision {found}, older than this program ({expected})",
            "run 'todo db migrate'",
        )


class SchemaUnclearError(TodoError):
    """A database whose table of revisions does not say which one it is at."""

    def __init__(self, database: str, found: Sequence[str]) -> None:
        super().__init__(
            f"alembic_version in {database} holds {len(found)} revisions ({', '.join(sorted(found))}) instead of one",
            "restore a backup, or delete the row that does not belong to these tables",
        )


class ForeignSchemaError(DatabaseUnavailableError):
    """A schema of a server's database that another program made."""

    def __init__(self, schema: str, database: str) -> None:
        super().__init__(
            f"the schema {schema} in {database} belongs to another program",
            "give the list a database of its own; nothing was changed",
        )


class SchemaTooNewError(TodoError):
    """A database whose tables were made by a newer program."""

    def __init__(self, database: str, found: str, expected: str) -> None:
        super().__init__(
            f"the tables in {database} are at revision {found}, newer than this program ({expected})",
            "install a newer version of todo, as its README describes",
        )


class UnknownUserError(NotFoundError):
    """A user name that the database does not hold."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no user {name!r} in this database",
            f"users here: {', '.join(known)}; 'todo user add {name}' makes one" if known else None,
        )


class UserNotNamedError(InvalidInputError):
    """Several users in the database, and none was named."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(
            "this database has several users, and none was named",
            f"use --user NAME, TODO_USER, or 'todo config set user NAME' with one of: {', '.join(known)}",
        )
        self.known = known
