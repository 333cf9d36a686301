"""What databases and drivers raise, in our words."""

from __future__ import annotations

import errno
import re
import socket
import sqlite3
import ssl

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from todo_cli.db.connection.backups import find_backups
from todo_cli.db.connection.sqlite import BUSY_SECONDS
from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, Target
from todo_cli.errors import (
    BusyError,
    ConflictError,
    ConnectionLostError,
    DamagedError,
    DatabaseUnavailableError,
    DiskError,
    DiskFullError,
    InvalidInputError,
    LockedError,
    NoAnswerError,
    SchemaMissingError,
    StorageError,
    TodoError,
)

# Classes and codes of PostgreSQL's errors: https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED = ("42P01", "42703", "3F000")
_TRY_AGAIN = ("40001", "40P01")
_LOST = ("08000", "08003", "08006", "25P03", "57P01", "57P02", "57P03", "57P05")
"""The connection is gone, or could not come about: the server sleeps, starts, restarts or ends idle sessions."""
_TOO_MANY = "53300"
_LOCKED = "55P03"
_ENDED = ("57014", "25P04")
"""The server ended a statement or a transaction: it took longer than the server allows, or somebody cancelled it."""
_OUT_OF_REACH_CLASSES = ("08", "28", "3D", "53", "57")
_WAKING = ("compute node", "control plane")
"""Neon's proxy gives no code of its own where it could not wake the compute."""

_TAKEN = ("uq_users_key", "uq_projects_user_id_key", "uq_tags_user_id_key")
_GONE = (
    *("fk_todos_project_id", "fk_todos_parent_id", "fk_todo_tags_tag_id", "fk_todo_tags_todo_id"),
    *("fk_dependencies_todo_id", "fk_dependencies_depends_on_id", "fk_comments_todo_id"),
)
_MET_ANOTHER = (*_GONE, "uq_todos_uuid", "ix_todos_series_id_occurrence", *_TAKEN)

_VIOLATIONS = {
    "uq_users_key": "there is a user of that name already",
    "uq_projects_user_id_key": "there is a project of that name already",
    "uq_tags_user_id_key": "there is a tag of that name already",
    "uq_todos_uuid": "there is a todo with that uuid already",
    "ck_todos_title_not_blank": "the title is blank",
    "ck_todos_title_length": "the title is too long",
    "ck_todos_description_length": "the description is too long",
    "ck_todos_status_known": "the status is not one of open, done, cancelled",
    "ck_todos_priority_known": "the priority is not one of high, medium, low",
}
# SQLite names a unique constraint by its columns.
_SQLITE_UNIQUE = {
    "users.key": "uq_users_key",
    "projects.user_id, projects.key": "uq_projects_user_id_key",
    "tags.user_id, tags.key": "uq_tags_user_id_key",
    "todos.uuid": "uq_todos_uuid",
    "todos.series_id, todos.occurrence": "ix_todos_series_id_occurrence",
}

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_DAMAGED_TEXTS = ("Could not decode to UTF-8", "unsupported file format")
"""What SQLite and Python's driver say of damage without a code for it."""

_REFUSED_TLS = "rejected SSL upgrade"  # as asyncpg says it

FAILURES = (SQLAlchemyError, sqlite3.Error, OSError)
"""What a database, its driver or the way to it raises. Errors of asyncpg at connect join them in `is_failure`."""


class AnswerTimeoutError(TimeoutError):
    """The server has been silent for so many seconds, and the connection was closed.

    `unsent` tells that the statement was only being prepared, so that it did nothing.
    """

    def __init__(self, seconds: float, *, unsent: bool) -> None:
        super().__init__(f"no answer for {seconds:g} seconds")
        self.seconds = seconds
        self.unsent = unsent


class StaleConnectionError(ConnectionResetError):
    """A connection that was opened ahead, and led nowhere any more when it was used first."""


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character code of an error, whoever wrapped it; None for any other error."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlstate", None)
    return code if isinstance(code, str) else None


def is_failure(error: BaseException) -> bool:
    """Return whether the error comes from a database or the way to it, and so can be put into our words."""
    return isinstance(error, FAILURES) or type(error).__module__.startswith("asyncpg")


def may_succeed_again(error: BaseException, failure: TodoError) -> bool:
    """Return whether the error, in our words `failure`, had to do with another transaction or with the line only.

    A project or a tag can be deleted while todos are put into it, and a todo be removed for good while others are bound
    to it: whoever comes second finds the link dangling.
    Of two that add the same uuid at once, or make the same occurrence, the second finds the first's todo; of two that
    give the same name, the name.
    """
    if isinstance(error, IntegrityError):
        return _violated(error) in _MET_ANOTHER
    return isinstance(failure, BusyError | ConnectionLostError)


def is_undefined(error: BaseException) -> bool:
    """Return whether a statement met other tables or columns than it was made for."""
    told = str(error)
    return sqlstate(error) in _UNDEFINED or "no such table" in told or "no such column" in told


def is_lost(error: BaseException) -> bool:
    """Return whether the line to the server was lost, so that it is not known what the server still did."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if sqlstate(error) in _LOST or isinstance(original, OSError | EOFError):
        return True
    # asyncpg's own complaints: it noticed before, or a message came that it did not wait for.
    return type(original).__name__ in ("InterfaceError", "InternalClientError")


def is_unsent(error: BaseException) -> bool:
    """Return whether the line was lost before the statement could do anything."""
    return isinstance(error, StaleConnectionError) or (isinstance(error, AnswerTimeoutError) and error.unsent)


def may_wake(error: BaseException) -> bool:
    """Return whether a connection that failed like this may succeed a moment later."""
    match error:
        case ssl.SSLCertVerificationError():
            return False
        case ssl.SSLError():
            return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        case socket.gaierror():
            return error.errno == socket.EAI_AGAIN
        case FileNotFoundError() | PermissionError():
            return False
        case OSError():
            return _REFUSED_TLS not in str(error)
    code = sqlstate(error)
    return code in _LOST or code == _TOO_MANY or any(told in str(error).lower() for told in _WAKING)


def translate(error: BaseException, target: Target) -> TodoError:
    """Return our error for one that `is_failure` recognised. What it says never holds a connection string."""
    if isinstance(error, TodoError):
        return error
    if isinstance(error, IntegrityError):
        return _translate_violation(error)
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(original, sqlite3.Error) or isinstance(target, SqliteTarget):
        return _translate_sqlite(original, target)
    return _translate_postgresql(original, target)


def _violated(error: IntegrityError) -> str:
    """Return the name of the violated constraint; SQLite tells it only of some."""
    named = getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
    if isinstance(named, str):
        return named
    detail = str(error.orig).partition("constraint failed: ")[2]
    return _SQLITE_UNIQUE.get(detail, detail)


def _translate_violation(error: IntegrityError) -> TodoError:
    constraint = _violated(error)
    message = _VIOLATIONS.get(constraint)
    if message is None:
        return StorageError(f"the database refused this ({constraint or 'a constraint'}); nothing was written")
    if constraint.startswith("uq_"):
        return ConflictError(message)
    return InvalidInputError(message)


def _translate_sqlite(error: BaseException, target: Target) -> TodoError:
    if isinstance(error, OSError):
        return _translate_os_error(error, target)
    text = str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if "no such table" in text:
        return SchemaMissingError(str(target))
    if code in _DAMAGED or any(told in text for told in _DAMAGED_TEXTS):
        return explain_damage(target, text)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL):
        return LockedError(str(target), BUSY_SECONDS)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _cannot_write(target)
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(str(target))
    if code == sqlite3.SQLITE_IOERR:
        return DiskError(str(target), getattr(error, "sqlite_errorname", text))
    return StorageError(f"SQLite: {text}")


def _translate_os_error(error: OSError, target: Target) -> TodoError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(str(target))
    if error.errno == errno.EIO:
        return DiskError(str(target), error.strerror or "I/O error")
    if isinstance(error, FileNotFoundError | PermissionError) or error.errno == errno.EROFS:
        return _cannot_write(target)
    return DatabaseUnavailableError(f"cannot open {target}: {error.strerror or error}")


def _cannot_write(target: Target) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"cannot open {target} for writing",
        "check that the folder exists, that you can write to it, and that the disk has room",
    )


def explain_damage(target: Target, found: str) -> DamagedError:
    """Return what is wrong with an SQLite file, with the newest backup as the way out."""
    backups = find_backups(target.path) if isinstance(target, SqliteTarget) else []
    return DamagedError(f"{target} is damaged: {found}", backups)


def explain_unreachable(error: BaseException, target: Target) -> DatabaseUnavailableError:
    """Return what kept a connection from coming about, in the words of the server or its proxy where there are any."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return DatabaseUnavailableError(
            f"the certificate of {target} is not valid: {error.verify_message}",
            "nothing was sent; check the host's name, or give the authority's certificate as sslrootcert",
        )
    if isinstance(error, TimeoutError):
        told = "no answer in time"
    elif _REFUSED_TLS in str(error):
        told = "the server offers no TLS"
    else:
        told = _first_line(error)
    code = sqlstate(error)
    hint = _CHECKS.get(code or "", _CHECKS.get((code or "")[:2], _CHECK_ALL))
    hint = "; ".join([hint, *getattr(error, "__notes__", ())])
    return DatabaseUnavailableError(f"cannot reach {target}: {told}", hint)


_CHECK_ALL = (
    "check the network, the host, the database's name and the password, and that the endpoint is neither disabled nor"
    " over its quota"
)
_CHECKS = {
    "28": "check the user and the password",
    "3D": "check the name of the database",
    _TOO_MANY: "too many connections are open; a host name with -pooler takes more",
}


def _first_line(error: BaseException) -> str:
    text = (str(error) or type(error).__name__).splitlines()[0]
    # SQLAlchemy's adapter puts the class in front: "<class '…'>: text".
    return text.partition(">: ")[2] if text.startswith("<class") else text


def _translate_postgresql(error: BaseException, target: PostgresTarget) -> TodoError:
    code = sqlstate(error)
    if isinstance(error, AnswerTimeoutError):
        return NoAnswerError(str(target), error.seconds)
    if code == _LOCKED:
        return LockedError(_locked_part(error, target), target.lock_timeout)
    if code in _ENDED:
        return _translate_ended(error, target)
    if code in _UNDEFINED:
        return SchemaMissingError(str(target))
    if is_lost(error):
        return ConnectionLostError(str(target))
    if code is None or code[:2] in _OUT_OF_REACH_CLASSES:
        return explain_unreachable(error, target)
    if code in _TRY_AGAIN:
        return BusyError()
    return StorageError(f"PostgreSQL: {_first_line(error)} ({code}); nothing was written")


_PARTS = {"todos": "a todo", "projects": "a project", "tags": "a tag", "series": "a series", "comments": "a comment"}
_RELATION = re.compile(r'in relation "(?:uq_|ix_|pk_)?(\w+?)(?:_\w+)?"')


def _locked_part(error: BaseException, target: Target) -> str:
    """Return what is locked, as far as the server says it in the context of its error."""
    context = getattr(error, "context", None) or getattr(error.__cause__, "context", None) or ""
    found = _RELATION.search(context)
    return f"{_PARTS.get(found[1], 'the list') if found else 'the list'} in {target}"


def _translate_ended(error: BaseException, target: Target) -> StorageError:
    told = _first_line(error)
    ended = StorageError(f"{target} ended the command ({told}); nothing was written")
    for setting in ("statement_timeout", "transaction_timeout"):
        if setting.replace("_", " ") in told:
            ended.hint = f"do less at once, or raise {setting} on the server for this role or database"
    return ended
