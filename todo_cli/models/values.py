"""The plain values that services take and return. They know no session and no terminal."""

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
    """What became of a todo. Deleted ones keep theirs, in the trash."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """Stored as these numbers, so that an ascending index gives the most urgent first and those without one last."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3
    NONE = 4

    @property
    def label(self) -> str | None:
        """Its name as people write it; None for NONE."""
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


NO_DUE_KEY = "~"  # sorts behind every digit


def due_key(due: When | None) -> str:
    """Return the text by which todos sort: by date, then by instant; no time comes last of its day, no date last."""
    if due is None:
        return NO_DUE_KEY
    if due.at is None:
        return f"{due.on.isoformat()}~"
    return f"{due.on.isoformat()}T{due.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The series that a todo is an occurrence of, while it goes on.

    `rrule` is a rule of RFC 5545 (3.3.10); `start` is its DTSTART, a date or a date and time in ISO 8601 on the clock
    of `zone`. With `after_completion` it counts from when the occurrence before was done.
    """

    series: UUID
    rrule: str
    start: str
    zone: str
    after_completion: bool = False


@dataclass(frozen=True, slots=True)
class Links:
    """What a todo is to others, which are named by their numbers. Those in the trash do not count, save as `parent`.

    `depends` are those that come before it, `blocks` the open ones that come after it. `blocked` is true for an open
    todo that depends on one that is open, and `waits_for` has these. `subtasks` counts what belongs directly to it and
    was not cancelled, `subtasks_done` what is done of that.
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
    """One todo as a command shows it. All instants are aware and in UTC.

    `wait_until` is when it appears in lists, `expires_at` the first moment at which it no longer does. `started_at` is
    when work on it began. `occurrence` identifies it within its series: the date, or date and time, that the rule gave
    it, or a number where the series counts from completion. `fields` has, by name, the values of the fields that the
    registry declares and this class does not; read any field with `Field.get`.
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
        """Return whether it is still open and no longer listed."""
        return self.status is Status.OPEN and self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True, order=True)
class ReadyTodo:
    """An open todo that waits for nothing any more."""

    id: int
    title: str


@dataclass(frozen=True, slots=True)
class CommentPublic:
    """What somebody remarked about the todo of that number, and when: an instant, aware and in UTC."""

    todo: int
    uuid: UUID
    text: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TodoDetails:
    """A todo with all that is shown of it alone. Comments are in the order in which they were made.

    `related` has, by number, what its links name, and all that is below it as subtasks; nothing that is in the trash.
    """

    todo: TodoPublic
    comments: tuple[CommentPublic, ...] = ()
    related: Mapping[int, TodoPublic] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TodoOutcome:
    """A todo after a command, and whether the command changed it (`done` on a done todo does not).

    `next` has the occurrences that the command made to follow it, `family` those that belong to the same family and
    were changed with it, `ready` the todos that waited for it, or for one of these, and for nothing else that is open.
    """

    todo: TodoPublic
    changed: bool
    next: tuple[TodoPublic, ...] = ()
    family: tuple[TodoPublic, ...] = ()
    ready: tuple[ReadyTodo, ...] = ()


@dataclass(frozen=True, slots=True)
class TodoPage:
    """One page of a list.

    `total` counts the matches on all pages and stops at `COUNT_LIMIT` + 1; None where nobody asked for it.
    `number` is the page, from 1; `size` its greatest length, None for all on one page. `hidden` counts the matches
    that the context of that name keeps from the list, in the same way. `sums` has, by name, the sums of fields over the
    matches on all pages, of those that any match has a value of.
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
    """A project with how many of its todos are open and done; those in the trash are not counted."""

    name: str
    open: int
    done: int
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class TagPublic:
    """A tag with how many open and done todos carry it; those in the trash are not counted."""

    name: str
    open: int
    done: int


@dataclass(frozen=True, slots=True)
class UserPublic:
    """A user of the database; `you` is true for the one the command runs as."""

    name: str
    created_at: datetime
    you: bool


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What `todo db status` tells.

    `revision` is None where there are no tables, `users`, `user` and `todos` are so then too, and `user` also where it
    is not clear who one is. `host` and the rest are those of a server; `tls` is the version of the protocol, None
    where the connection is in the clear or on this machine. `latency_ms` is one round trip; `clock_skew` is by how
    many seconds the server's clock is ahead.
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
    """What `todo doctor` found at one place: all well, or what to do about it."""

    check: str
    ok: bool
    found: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What `todo db copy` brought into another database.

    `already_there` counts the todos that it held before. `renumbered` has the old and the new number of each todo
    whose own was taken, in the order of the old ones.
    """

    copied: int
    already_there: int
    projects: int
    tags: int
    renumbered: Sequence[tuple[int, int]]
