"""What databases and drivers raise, in our words."""

from __future__ import annotations

import sqlite3
import ssl

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from todo_cli.db.target import SqliteTarget, Target
from todo_cli.errors import (
    BusyError,
    ConflictError,
    DatabaseUnavailableError,
    InvalidInputError,
    SchemaMissingError,
    StorageError,
    TodoError,
)

# Classes and codes of PostgreSQL's errors: https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED = ("42P01", "3F000")
_TRY_AGAIN = ("40001", "40P01")
_UNREACHABLE_CLASSES = ("08", "28", "3D", "53", "57")

_MET_A_DELETION = ("fk_todos_project_id", "fk_todo_tags_tag_id")

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
}

FAILURES = (SQLAlchemyError, sqlite3.Error, OSError)
"""What a database, its driver or the way to it raises. Errors of asyncpg at connect join them in `is_failure`."""


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character code of an error, whoever wrapped it; None for any other error."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlstate", None)
    return code if isinstance(code, str) else None


def is_failure(error: BaseException) -> bool:
    """Return whether the error comes from a database or the way to it, and so can be put into our words."""
    return isinstance(error, FAILURES) or type(error).__module__.startswith("asyncpg")


def may_succeed_again(error: BaseException) -> bool:
    """Return whether the transaction was undone only because of another one, and may be tried once more.

    A project or a tag can be deleted while todos are put into it: whoever comes second finds the link dangling.
    """
    if isinstance(error, IntegrityError):
        return _violated(error) in _MET_A_DELETION
    if isinstance(error, BusyError):
        return True
    return sqlstate(error) in _TRY_AGAIN


def translate(error: BaseException, target: Target) -> TodoError:
    """Return our error for one that `is_failure` recognised. What it says never holds a connection string."""
    if isinstance(error, TodoError):
        return error
    if isinstance(error, IntegrityError):
        return _translate_violation(error)
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(original, sqlite3.Error) or isinstance(target, SqliteTarget):
        return _translate_sqlite(original, target)
    return _translate_postgresql(
        original, target, at_connect=not isinstance(error, DBAPIError) or error.statement is None
    )


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
    text = str(error)
    if "no such table" in text:
        return SchemaMissingError(str(target))
    if "database is locked" in text:
        return DatabaseUnavailableError(
            f"{target} has been in use by another program for too long", "try again, or end the other program"
        )
    if "unable to open" in text or "readonly" in text:
        return DatabaseUnavailableError(
            f"cannot open {target} for writing", "check that the folder exists and is yours to write in"
        )
    if "not a database" in text or "malformed" in text:
        return DatabaseUnavailableError(f"{target} is not an intact SQLite file", "restore it from a backup")
    if "disk is full" in text or "disk I/O" in text:
        return StorageError(f"the disk of {target} is full or broken; nothing was written")
    return StorageError(f"SQLite: {text}")


def _translate_postgresql(error: BaseException, target: Target, *, at_connect: bool) -> TodoError:
    code = sqlstate(error)
    text = (str(error) or type(error).__name__).splitlines()[0]
    # SQLAlchemy's adapter puts the class in front: "<class '…'>: text".
    text = text.partition(">: ")[2] if text.startswith("<class") else text
    if code in _UNDEFINED:
        return SchemaMissingError(str(target))
    if isinstance(error, ssl.SSLCertVerificationError):
        return DatabaseUnavailableError(f"the certificate of {target} is not valid: {error.verify_message}")
    if at_connect or code is None or code[:2] in _UNREACHABLE_CLASSES:
        return DatabaseUnavailableError(
            f"cannot reach {target}: {text}",
            "check the network, the host, the database's name and the password",
        )
    if code in _TRY_AGAIN:
        return BusyError()
    return StorageError(f"PostgreSQL: {text} ({code}); nothing was written")
