"""Translation of the errors of databases and drivers into ours."""

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
from todo_cli.models.fields import FIELDS

# Classes and codes of PostgreSQL's errors: https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED = ("42P01", "42703", "3F000")
_TRY_AGAIN = ("40001", "40P01")
_LOST = ("08000", "08003", "08006", "25P03", "57P01", "57P02", "57P03", "57P05")
"""The connection was lost or failed: the server sleeps, starts, restarts or ends idle sessions."""
_TOO_MANY = "53300"
_LOCKED = "55P03"
_ENDED = ("57014", "25P04")
"""The server ended a statement or a transaction: it exceeded a timeout or was cancelled."""
_OUT_OF_REACH_CLASSES = ("08", "28", "3D", "53", "57")
_WAKING = ("compute node", "control plane")
"""Texts in the errors of Neon's proxy when it cannot wake the compute; they have no distinct code."""

_TAKEN = ("uq_users_key", "uq_projects_user_id_key", "uq_tags_user_id_key")
_GONE = (
    *("fk_todos_project_id", "fk_todos_parent_id", "fk_todo_tags_tag_id", "fk_todo_tags_todo_id"),
    *("fk_dependencies_todo_id", "fk_dependencies_depends_on_id", "fk_comments_todo_id"),
)
_MET_ANOTHER = (*_GONE, "uq_todos_uuid", "ix_todos_series_id_occurrence", *_TAKEN)

_VIOLATIONS = {
    "uq_users_key": "a user with that name already exists",
    "uq_projects_user_id_key": "a project with that name already exists",
    "uq_tags_user_id_key": "a tag with that name already exists",
    "uq_todos_uuid": "a todo with that uuid already exists",
}
_FIELD_CHECKS = {"not_blank": "is blank", "length": "is too long", "not_negative": "is negative"}
"""Descriptions of violations of the constraints `ck_todos_<column>_<check>`, by check; `known` lists the choices."""

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
"""Messages of SQLite and Python's driver about damage that have no code."""

_REFUSED_TLS = "rejected SSL upgrade"  # asyncpg's message

FAILURES = (SQLAlchemyError, sqlite3.Error, OSError)
"""Errors of databases, drivers and connections. `is_failure` also recognizes asyncpg's errors while connecting."""


class AnswerTimeoutError(TimeoutError):
    """The server did not respond for that many seconds, and the connection was closed.

    `unsent` means that the statement was only being prepared, so that it had no effect.
    """

    def __init__(self, seconds: float, *, unsent: bool) -> None:
        super().__init__(f"no answer for {seconds:g} seconds")
        self.seconds = seconds
        self.unsent = unsent


class StaleConnectionError(ConnectionResetError):
    """A connection that was opened ahead and was dead at its first use."""


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character code of a wrapped or bare error; None for any other error."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlstate", None)
    return code if isinstance(code, str) else None


def is_failure(error: BaseException) -> bool:
    """Return whether the error comes from a database or connection, so that `translate` applies."""
    return isinstance(error, FAILURES) or type(error).__module__.startswith("asyncpg")


def may_succeed_again(error: BaseException, failure: TodoError) -> bool:
    """Return whether a retry may succeed: the error (translated: `failure`) is due to concurrency or the connection.

    If a project or tag is deleted while todos are added to it, or a todo is erased while others are linked to it, the
    second transaction finds a dangling reference. If two transactions add the same uuid, occurrence or name, the second
    finds it taken.
    """
    if isinstance(error, IntegrityError):
        return _violated(error) in _MET_ANOTHER
    return isinstance(failure, BusyError | ConnectionLostError)


def is_undefined(error: BaseException) -> bool:
    """Return whether a statement refers to tables or columns that do not exist."""
    text = str(error)
    return sqlstate(error) in _UNDEFINED or "no such table" in text or "no such column" in text


def is_lost(error: BaseException) -> bool:
    """Return whether the connection to the server was lost, so that the outcome is unknown."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if sqlstate(error) in _LOST or isinstance(original, OSError | EOFError):
        return True
    # asyncpg's own errors: it noticed the loss earlier, or received an unexpected message.
    return type(original).__name__ in ("InterfaceError", "InternalClientError")


def is_unsent(error: BaseException) -> bool:
    """Return whether the connection was lost before the statement could have an effect."""
    return isinstance(error, StaleConnectionError) or (isinstance(error, AnswerTimeoutError) and error.unsent)


def may_wake(error: BaseException) -> bool:
    """Return whether connecting may succeed a moment later after this error."""
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
    return code in _LOST or code == _TOO_MANY or any(part in str(error).lower() for part in _WAKING)


def translate(error: BaseException, target: Target) -> TodoError:
    """Return our error for one that `is_failure` recognizes. Its message never contains a connection string."""
    if isinstance(error, TodoError):
        return error
    if isinstance(error, IntegrityError):
        return _translate_violation(error)
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(original, sqlite3.Error) or isinstance(target, SqliteTarget):
        return _translate_sqlite(original, target)
    return _translate_postgresql(original, target)


def _violated(error: IntegrityError) -> str:
    """Return the name of the violated constraint; SQLite names only some of them."""
    named = getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
    if isinstance(named, str):
        return named
    detail = str(error.orig).partition("constraint failed: ")[2]
    return _SQLITE_UNIQUE.get(detail, detail)


def _translate_violation(error: IntegrityError) -> TodoError:
    constraint = _violated(error)
    message = _VIOLATIONS.get(constraint) or explain_check(constraint)
    if message is None:
        return StorageError(f"the database rejected the change ({constraint or 'a constraint'}); nothing was written")
    if constraint.startswith("uq_"):
        return ConflictError(message)
    return InvalidInputError(message)


def explain_check(constraint: str) -> str | None:
    """Return what the violation of a CHECK on a single field of a todo means; None for any other constraint."""
    for field in FIELDS.values():
        check = constraint.removeprefix(f"ck_todos_{field.attribute}_")
        if check == "known":
            values = [label for label in field.choices if field.choice(label) != field.empty]
            return f"the {field.name} is not one of {', '.join(values)}"
        if check in _FIELD_CHECKS:
            return f"the {field.name} {_FIELD_CHECKS[check]}"
    return None


def _translate_sqlite(error: BaseException, target: Target) -> TodoError:
    if isinstance(error, OSError):
        return _translate_os_error(error, target)
    text = str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if "no such table" in text:
        return SchemaMissingError(str(target))
    if code in _DAMAGED or any(part in text for part in _DAMAGED_TEXTS):
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
    """Return the error for a damaged SQLite file, whose hint is the newest backup."""
    backups = find_backups(target.path) if isinstance(target, SqliteTarget) else []
    return DamagedError(f"{target} is damaged: {found}", backups)


def explain_unreachable(error: BaseException, target: Target) -> DatabaseUnavailableError:
    """Return the error for a failed connection, with the message of the server or its proxy, if any."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return DatabaseUnavailableError(
            f"the certificate of {target} is not valid: {error.verify_message}",
            "nothing was sent; check the host name, or set sslrootcert to the authority's certificate",
        )
    if isinstance(error, TimeoutError):
        cause = "it did not respond in time"
    elif _REFUSED_TLS in str(error):
        cause = "the server does not support TLS"
    else:
        cause = _first_line(error)
    code = sqlstate(error)
    hint = _CHECKS.get(code or "", _CHECKS.get((code or "")[:2], _CHECK_ALL))
    hint = "; ".join([hint, *getattr(error, "__notes__", ())])
    return DatabaseUnavailableError(f"cannot reach {target}: {cause}", hint)


_CHECK_ALL = (
    "check the network, the host, the database name and the password, and that the endpoint is neither disabled nor"
    " over its quota"
)
_CHECKS = {
    "28": "check the user and the password",
    "3D": "check the name of the database",
    _TOO_MANY: "too many connections are open; use the host name with -pooler, which allows more",
}


def _first_line(error: BaseException) -> str:
    text = (str(error) or type(error).__name__).splitlines()[0]
    # SQLAlchemy's adapter prepends the class: "<class '…'>: text".
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
    """Return what is locked, if the context of the server's error names it."""
    context = getattr(error, "context", None) or getattr(error.__cause__, "context", None) or ""
    found = _RELATION.search(context)
    return f"{_PARTS.get(found[1], 'the list') if found else 'the list'} in {target}"


def _translate_ended(error: BaseException, target: Target) -> StorageError:
    reason = _first_line(error)
    ended = StorageError(f"{target} ended the command ({reason}); nothing was written")
    for setting in ("statement_timeout", "transaction_timeout"):
        if setting.replace("_", " ") in reason:
            ended.hint = f"change fewer todos at once, or raise {setting} on the server for this role or database"
    return ended
