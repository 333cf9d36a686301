"""Recurring todos: starting a series, and the next occurrences after one is closed. Pure; stores nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import count, islice
from typing import Any
from uuid import uuid4

from todo_cli.db.write.edits import Later
from todo_cli.errors import ConflictError, InvalidInputError
from todo_cli.models.fields import FIELDS, Field, Inherit, Kind
from todo_cli.models.tables import Series, Todo, get_value, number_occurrence, set_value
from todo_cli.models.values import Recurrence, TodoPublic, When
from todo_cli.query.dates import FIRST_YEAR, LAST_YEAR, start_of_day
from todo_cli.query.recurrence.occurrences import check_rule, first_slot, slot_after_completion, slots_after
from todo_cli.query.recurrence.parser import parse_every
from todo_cli.query.recurrence.rules import Rule, parse_rule
from todo_cli.query.recurrence.slots import (
    Slot,
    find_zone,
    format_slot,
    local_time,
    parse_slot,
    slot_to_when,
    start_of,
    when_to_slot,
)

MAX_CAUGHT_UP = 500


@dataclass(frozen=True, slots=True)
class Every:
    """A recurrence as written by the user: a phrase or an RRULE.

    With `after_completion`, it counts from the completion of the previous occurrence. `last_day` means that the due
    date was written as the last day of its month; weeks start on `week_start` (Monday is 0).
    """

    text: str
    after_completion: bool = False
    last_day: bool = False
    week_start: int = 0


def begin_series(every: Every, due: When | None, now: datetime) -> tuple[Series, When]:
    """Return a new series and the due date of its first occurrence: as given, or the rule's first day from today on.

    `now` is aware, in the time zone of the series. Raises InvalidInputError for an invalid rule, or for one that is
    incompatible with the due date.
    """
    zone = zone_name(now)
    start: Slot = now.date() if due is None else when_to_slot(due, zone)
    rule = _parse(every, start)
    if due is None:
        if rule.has_times:
            raise InvalidInputError(f"every {every.text!r} needs a due date with a time", "such as due:18:00")
        first = first_slot(rule, start, zone)
        if first is None:
            raise InvalidInputError(f"{rule} never occurs", "check whether such a day exists")
        start, due = first, slot_to_when(first, zone)
    check_rule(rule, start, zone, from_completion=every.after_completion)
    series = Series(
        uuid=uuid4(),
        rrule=str(rule),
        dtstart_local=format_slot(start),
        tzid=zone,
        after_completion=every.after_completion,
        created_at=now,
    )
    return series, due


def zone_name(now: datetime) -> str:
    """Return the IANA name of the zone of `now`; raises InvalidInputError if it has none."""
    name = getattr(now.tzinfo, "key", None)
    if name in (None, "local"):
        if now.tzinfo is not None and str(now.tzinfo) == "UTC":
            return "UTC"
        raise InvalidInputError(
            "recurring todos need a time zone, and the time zone of this machine has no name",
            "set TZ to a name such as Europe/Berlin",
        )
    return str(name)


def _parse(every: Every, start: Slot) -> Rule:
    return parse_every(
        every.text,
        start,
        last_day=every.last_day,
        week_start=every.week_start,
        from_completion=every.after_completion,
    )


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A next occurrence: its key in the series, and the fields that move with its date, by attribute."""

    occurrence: str
    dates: Mapping[str, Any]


def find_next_occurrences(
    todo: Todo | TodoPublic, recurrence: Recurrence, later: Mapping[str, Later], now: datetime, *, catch_up: bool
) -> list[Occurrence]:
    """Return the next occurrences when the todo is closed: one, or none at the end of the series.

    This is the first that is not before today in the zone of the series; with `catch_up`, also all missed ones. `later`
    contains the existing occurrences after this one, which are not created again; without `catch_up`, nothing is
    created if one of them is kept, since the series has already continued. Raises ConflictError for too many
    occurrences.
    """
    if not catch_up and Later.KEPT in later.values():
        return []
    assert todo.occurrence is not None
    found = []
    for follower in _follow(todo.occurrence, recurrence, now, since_today=not catch_up):
        mark = later.get(follower.occurrence)
        if mark in (None, Later.TRASHED):
            found.append(_make_occurrence(todo, recurrence, follower))
        if len(found) > MAX_CAUGHT_UP:
            raise ConflictError(
                f"more than {MAX_CAUGHT_UP} occurrences of todo {todo.id} were missed", "omit --catch-up"
            )
        if not follower.is_missed and mark is not Later.GONE:
            break
    return found


@dataclass(frozen=True, slots=True)
class _Follower:
    """An occurrence of a rule: its slot, its due date, and whether it is before today."""

    occurrence: str
    slot: Slot
    due: When
    is_missed: bool = False


def _follow(current: str, recurrence: Recurrence, now: datetime, *, since_today: bool) -> Iterator[_Follower]:
    """Yield the occurrences after the current one, in order."""
    if recurrence.after_completion:
        yield from _follow_completion(int(current), recurrence, now)
        return
    rule, zone, start = parse_rule(recurrence.rrule), recurrence.zone, parse_slot(recurrence.start)
    today = local_time(now, zone).date()
    before = slot_to_when(parse_slot(current), zone)
    for slot in slots_after(rule, start, parse_slot(current), zone, not_before=today if since_today else None):
        due = slot_to_when(slot, zone)
        if due != before:  # a time in a clock-change gap equals the one after it
            yield _Follower(format_slot(slot), slot, due, start_of(slot).date() < today)


def _follow_completion(current: int, recurrence: Recurrence, now: datetime) -> Iterator[_Follower]:
    """Yield the occurrence after a completion at `now`, with one number after the other."""
    rule, zone, start = parse_rule(recurrence.rrule), recurrence.zone, parse_slot(recurrence.start)
    here = local_time(now, zone)
    slot = slot_after_completion(rule, here, start.time() if isinstance(start, datetime) else None, zone)
    if slot is None:
        return
    due = slot_to_when(slot, zone)
    if rule.freq.is_within_a_day and rule.is_distance and isinstance(slot, datetime):
        # Hours and smaller units are elapsed time (RFC 5545, 3.3.6), also across a clock change.
        moment = now.astimezone(UTC).replace(microsecond=0) + (slot - here)
        slot = local_time(moment, zone)
        due = When(slot.date(), moment)
    for number in count(current + 1):
        yield _Follower(number_occurrence(number), slot, due)


def _make_occurrence(todo: Todo | TodoPublic, recurrence: Recurrence, follower: _Follower) -> Occurrence:
    """Return the occurrence, whose other dates keep the distance of the todo's dates from its original date.

    The original date is that of the rule, so that postponing one todo does not move the next ones; if scheduled or wait
    were postponed beyond it, the due date is used. Days are counted and the wall-clock time is kept, unless the rule
    counts in hours or less.
    """
    zone, after = recurrence.zone, start_of(follower.slot)
    due = None if todo.due is None else start_of(when_to_slot(todo.due, zone))
    given = None if recurrence.after_completion else start_of(parse_slot(todo.occurrence or ""))
    by_time = parse_rule(recurrence.rrule).freq.is_within_a_day

    def move(moment: datetime, *, is_end: bool = False) -> datetime | None:
        """Return the corresponding wall-clock time of the next occurrence, None if there is no reference date."""
        before = given or due
        if given and due and given < moment <= due and not is_end:
            before = due
        if before is None:
            return None
        try:
            moved = moment + (after - before if by_time else after.date() - before.date())
        except OverflowError:
            return moment
        return moved if FIRST_YEAR <= moved.year <= LAST_YEAR else moment  # such as `someday`

    def move_instant(instant: datetime, *, is_end: bool) -> datetime | None:
        here = instant.astimezone(find_zone(zone))
        begins_day = start_of_day(here.date(), here) == instant  # which is not always 00:00
        wall = datetime.combine(here, time()) if begins_day else local_time(instant, zone)
        moved = move(wall, is_end=is_end)
        if moved is None:
            return None
        return start_of_day(moved.date(), here) if begins_day and not by_time else slot_to_when(moved, zone).at

    def move_day(on: date) -> date | None:
        moved = move(datetime.combine(on, time()))
        return None if moved is None else moved.date()

    def move_when(when: When) -> When | None:
        moved = move(start_of(when_to_slot(when, zone)))
        if moved is None:
            return None
        return slot_to_when(moved, zone) if when.at else When(moved.date())

    def move_value(field: Field) -> Any:
        value = _value_of(todo, field)
        match field.kind:
            case _ if value is None:
                return None
            case Kind.DATE:
                return move_day(value)
            case Kind.WHEN:
                return move_when(value)
        return move_instant(value, is_end=field.is_end)

    dates = {field.attribute: move_value(field) for field in FIELDS.find(inherit=Inherit.MOVE)}
    return Occurrence(follower.occurrence, {**dates, "due": follower.due})


def _value_of(todo: Todo | TodoPublic, field: Field) -> Any:
    return get_value(todo, field.attribute) if isinstance(todo, Todo) else field.get(todo)


def find_upcoming(todo: TodoPublic, recurrence: Recurrence, now: datetime, most: int) -> list[When]:
    """Return the due dates of the next occurrences, from today on; fewer at the end of the series."""
    assert todo.occurrence is not None
    rule, zone, start = parse_rule(recurrence.rrule), recurrence.zone, parse_slot(recurrence.start)
    if not recurrence.after_completion:
        today = local_time(now, zone).date()
        following = slots_after(rule, start, parse_slot(todo.occurrence), zone, not_before=today)
        return [slot_to_when(slot, zone) for slot in islice(following, most)]
    at = start.time() if isinstance(start, datetime) else None
    slot: Slot | None = when_to_slot(todo.due, zone) if todo.due else start
    found: list[When] = []
    while len(found) < most and slot is not None:
        slot = slot_after_completion(rule, start_of(slot), at, zone)
        if slot is not None:
            found.append(slot_to_when(slot, zone))
    return found


def make_next_occurrence(todo: Todo | TodoPublic, occurrence: Occurrence, now: datetime) -> Todo:
    """Return the row of the next occurrence, not in a session, without project, tags and series."""
    row = Todo(uuid=uuid4(), title=todo.title, occurrence=occurrence.occurrence, created_at=now, updated_at=now)
    for field in FIELDS.find(inherit=Inherit.COPY):
        if field.is_simple:
            set_value(row, field.attribute, _value_of(todo, field))
    for attribute, value in occurrence.dates.items():
        set_value(row, attribute, value)
    return row
