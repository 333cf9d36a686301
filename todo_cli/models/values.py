"""The plain values that services take and return, independent of sessions and terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

TITLE_LENGTH = 10_000
DESCRIPTION_LENGTH = 1_000_000
NAME_LENGTH = 200
URL_LENGTH = 10_000


class Status(StrEnum):
    """The status of a todo. A deleted todo keeps its status in the trash."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """The priority of a todo. It is stored as a number, so that an ascending index starts with high priority."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3
    NONE = 4

    @property
    def label(self) -> str | None:
        """The name in lower case; None for NONE."""
        return None if self is Priority.NONE else self.name.lower()


@dataclass(frozen=True, slots=True)
class When:
    """A calendar date, or with `at` an instant (aware, UTC) whose date `on` was in the writer's zone."""

    on: date
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.at is not None:
            if self.at.tzinfo is None:
                raise ValueError("an instant needs a time zone")
            object.__setattr__(self, "at", self.at.astimezone(UTC))


NO_DUE_KEY = "~"  # sorts after digits


def due_key(due: When | None) -> str:
    """Return the sort key: by date, then by instant. Dates without a time are last on their day; None is last."""
    if due is None:
        return NO_DUE_KEY
    if due.at is None:
        return f"{due.on.isoformat()}~"
    return f"{due.on.isoformat()}T{due.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The series of a recurring todo, until it ends.

    `rrule` is a rule of RFC 5545 (3.3.10). `start` is its DTSTART, a date, or a date and time in `zone`, in ISO 8601.
    With `after_completion`, it counts from the completion of the previous occurrence.
    """

    series: UUID
    rrule: str
    start: str
    zone: str
    after_completion: bool = False


@dataclass(frozen=True, slots=True)
class Links:
    """The relations of a todo to others, by their numbers, without those in the trash, except for `parent`.

    `depends` are its dependencies, `blocks` the open todos that depend on it. `blocked` is true for an open todo with
    open dependencies, which are in `waits_for`. `subtasks` is the number of direct subtasks that are not cancelled, and
    `subtasks_done` the number of those that are done.
    """

    parent: int | None = None
    subtasks: int = 0
    subtasks_done: int = 0
    depends: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    blocked: bool = False
    waits_for: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TodoPublic:
    """A todo as commands show it. All instants are aware and in UTC.

    Lists show it from `wait_until` on and before `expires_at`. `occurrence` identifies it within its series: the date,
    or date and time, from the rule, or a number if the series counts from completion. `fields` maps the names
    of fields that are in the registry but not in this class to their values; read any field with `Field.get`.
    """

    id: int
    uuid: UUID
    title: str
    description: str | None
    status: Status
    priority: Priority
    project: str | None
    tags: tuple[str, ...]
    due: When | None
    scheduled: When | None
    wait_until: datetime | None
    expires_at: datetime | None
    recurrence: Recurrence | None
    occurrence: str | None
    started_at: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    deleted_at: datetime | None
    version: int
    links: Links = Links()
    estimate: int | None = None
    url: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def is_waiting(self, now: datetime) -> bool:
        """Return whether it is open and hidden from lists until later."""
        return self.status is Status.OPEN and self.wait_until is not None and self.wait_until > now

    def is_expired(self, now: datetime) -> bool:
        """Return whether it is open and no longer listed."""
        return self.status is Status.OPEN and self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True, order=True)
class ReadyTodo:
    """An open todo that is no longer blocked."""

    id: int
    title: str


@dataclass(frozen=True, slots=True)
class CommentPublic:
    """A comment on the todo with that number. `created_at` is aware and in UTC."""

    todo: int
    uuid: UUID
    text: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TodoDetails:
    """A todo with its comments, oldest first, and its related todos.

    `related` maps numbers to the todos in its links and all descendants, without those in the trash.
    """

    todo: TodoPublic
    comments: tuple[CommentPublic, ...] = ()
    related: Mapping[int, TodoPublic] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TodoOutcome:
    """A todo after a command, and whether the command changed it (`done` does not change a done todo).

    `next` contains the next occurrences that the command created, `changed_with` the subtasks and parents that were
    changed with the todo, and `ready` the todos that are no longer blocked by these.
    """

    todo: TodoPublic
    changed: bool
    next: tuple[TodoPublic, ...] = ()
    changed_with: tuple[TodoPublic, ...] = ()
    ready: tuple[ReadyTodo, ...] = ()


@dataclass(frozen=True, slots=True)
class TodoPage:
    """A page of a list.

    `total` is the number of matches on all pages, counted up to `COUNT_LIMIT` + 1; None if it was not requested.
    `number` is the page, from 1; `size` its maximum length, None for all on one page. `hidden` is the number of matches
    that the context hides, counted in the same way. `sums` maps the names of fields to their sums over all pages,
    without fields that have no value in any match.
    """

    todos: Sequence[TodoPublic]
    total: int | None
    number: int = 1
    size: int | None = None
    context: str | None = None
    hidden: int = 0
    sums: Mapping[str, int] = field(default_factory=dict, hash=False)


COUNT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class ProjectPublic:
    """A project with the numbers of its open and done todos, without those in the trash."""

    name: str
    open: int
    done: int
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class TagPublic:
    """A tag with the numbers of its open and done todos, without those in the trash."""

    name: str
    open: int
    done: int


@dataclass(frozen=True, slots=True)
class UserPublic:
    """A user of the database; `you` is true for the user of this command."""

    name: str
    created_at: datetime
    you: bool


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The status of a database, for `todo db status`.

    Without tables, `revision`, `users`, `user` and `todos` are None; `user` is also None if none is selected. `host`
    and the following apply to a server. `tls` is the version of the protocol, None for an unencrypted or local
    connection. `latency_ms` is one round trip; `clock_skew` is the number of seconds by which the server's clock is
    ahead.
    """

    database: str
    dialect: str
    revision: str | None
    expected_revision: str
    users: Sequence[str] | None = None
    user: str | None = None
    todos: int | None = None
    server_version: str | None = None
    host: str | None = None
    pooled: bool | None = None
    tls: str | None = None
    tls_verified: bool | None = None
    latency_ms: float | None = None
    clock_skew: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check of `todo doctor`, with advice unless it is `ok`."""

    check: str
    ok: bool
    found: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class CopyResult:
    """The result of `todo db copy`.

    `already_there` is the number of todos that already existed in the destination. `renumbered` contains the old and
    new numbers of todos whose number was taken, sorted by the old number.
    """

    copied: int
    already_there: int
    projects: int
    tags: int
    renumbered: Sequence[tuple[int, int]]
