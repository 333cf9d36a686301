"""What recurs: how a series begins, and which occurrences follow when one is closed. Pure; nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from uuid import uuid4

from todo_cli.db.edits import Later
from todo_cli.errors import ConflictError, InvalidInputError
from todo_cli.models.tables import Series, Todo, number_occurrence
from todo_cli.models.values import Recurrence, TodoPublic, When
from todo_cli.query.dates import FIRST_YEAR, LAST_YEAR
from todo_cli.query.phrases import parse_every
from todo_cli.query.recurrence import check_rule, first_slot, slot_after_completion, slots_after
from todo_cli.query.rules import Rule, parse_rule
from todo_cli.query.slots import Slot, format_slot, local_time, parse_slot, slot_to_when, start_of, when_to_slot

MOST_CAUGHT_UP = 500


@dataclass(frozen=True, slots=True)
class Every:
    """How a todo is to recur, as it was written: a phrase or an RRULE.

    With `after_completion` it counts from when the occurrence before was done. `last_day` tells that the due date was
    written as the last day of its month; weeks that are counted begin on `week_start` (Monday is 0).
    """

    text: str
    after_completion: bool = False
    last_day: bool = False
    week_start: int = 0


def begin_series(every: Every, due: When | None, user_id: int, now: datetime) -> tuple[Series, When]:
    """Return a new series, and when its first occurrence is due: as given, else on the rule's first day from today on.

    `now` is aware, in the zone whose clock the series goes by. Raises InvalidInputError for what is no rule, or for
    one that does not go with the due date.
    """
    zone = zone_name(now)
    start: Slot = now.date() if due is None else when_to_slot(due, zone)
    rule = _parse(every, start)
    if due is None:
        if rule.has_times:
            raise InvalidInputError(f"every {every.text!r} needs a due date with a time", "such as due:18:00")
        first = first_slot(rule, start, zone)
        if first is None:
            raise InvalidInputError(f"{rule} never comes", "is there such a day at all?")
        start, due = first, slot_to_when(first, zone)
    check_rule(rule, start, zone, from_completion=every.after_completion)
    series = Series(
        uuid=uuid4(),
        user_id=user_id,
        rrule=str(rule),
        dtstart_local=format_slot(start),
        tzid=zone,
        after_completion=every.after_completion,
        created_at=now,
    )
    return series, due


def zone_name(now: datetime) -> str:
    """Return the IANA name of the zone of `now`; raises InvalidInputError where it has none."""
    name = getattr(now.tzinfo, "key", None)
    if name in (None, "local"):
        if now.tzinfo is not None and str(now.tzinfo) == "UTC":
            return "UTC"
        raise InvalidInputError(
            "what recurs goes by the clock of a time zone, and that of this machine has no name",
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
    """One that follows: which one of its series it is, and its dates."""

    occurrence: str
    due: When
    scheduled: When | None
    wait_until: datetime | None
    expires_at: datetime | None


def find_successors(
    todo: Todo | TodoPublic, recurrence: Recurrence, later: Mapping[str, Later], now: datetime, *, catch_up: bool
) -> list[Occurrence]:
    """Return the occurrences that follow when the todo is closed: one, or none where the series is at its end.

    That is the first that is not before today in the zone of the series; with `catch_up` all up to it. `later` has the
    occurrences that exist after this one: none of them is made again, and without `catch_up` nothing is if one of
    them is kept, since the series has gone on. Raises ConflictError for too many at once.
    """
    if not catch_up and Later.KEPT in later.values():
        return []
    assert todo.occurrence is not None
    found = []
    for occurrence, slot, is_missed in _follow(todo.occurrence, recurrence, now, since_today=not catch_up):
        if later.get(occurrence, Later.TRASHED) is Later.TRASHED:
            found.append(_make_occurrence(todo, recurrence, occurrence, slot))
        if len(found) > MOST_CAUGHT_UP:
            raise ConflictError(
                f"more than {MOST_CAUGHT_UP} occurrences of {todo.id} were missed", "leave --catch-up out"
            )
        if not is_missed and later.get(occurrence) is not Later.GONE:
            break
    return found


def _follow(
    current: str, recurrence: Recurrence, now: datetime, *, since_today: bool
) -> Iterator[tuple[str, Slot, bool]]:
    """Yield the occurrences after the current one, each with its slot and whether that lies before today."""
    rule, zone = parse_rule(recurrence.rrule), recurrence.zone
    start, here = parse_slot(recurrence.start), local_time(now, zone)
    if recurrence.after_completion:
        at = start.time() if isinstance(start, datetime) else None
        slot = slot_after_completion(rule, here, at, zone)
        for number in count(int(current) + 1):
            if slot is None:
                return
            yield number_occurrence(number), slot, False
    today = here.date()
    for slot in slots_after(rule, start, parse_slot(current), zone, not_before=today if since_today else None):
        yield format_slot(slot), slot, start_of(slot).date() < today


def _make_occurrence(todo: Todo | TodoPublic, recurrence: Recurrence, occurrence: str, slot: Slot) -> Occurrence:
    """Return the occurrence of that slot, its other dates as far from its due date as those of the todo are."""
    zone = recurrence.zone
    due = slot_to_when(slot, zone)
    if todo.due is not None:
        before = start_of(when_to_slot(todo.due, zone))
    else:  # it was taken off, and comes back
        before = start_of(parse_slot(recurrence.start if recurrence.after_completion else occurrence))
    after = start_of(slot)

    def moved(moment: datetime) -> datetime:
        try:
            there = after + (moment - before)
        except OverflowError:
            return moment
        return there if FIRST_YEAR <= there.year <= LAST_YEAR else moment  # such as `someday`

    def moved_instant(instant: datetime | None) -> datetime | None:
        return None if instant is None else slot_to_when(moved(local_time(instant, zone)), zone).at

    scheduled = None
    if todo.scheduled is not None and todo.scheduled.at is None:
        days = timedelta(days=(todo.scheduled.on - before.date()).days)
        scheduled = When(moved(before + days).date())
    elif todo.scheduled is not None and todo.scheduled.at is not None:
        scheduled = slot_to_when(moved(local_time(todo.scheduled.at, zone)), zone)
    return Occurrence(occurrence, due, scheduled, moved_instant(todo.wait_until), moved_instant(todo.expires_at))


def find_upcoming(todo: TodoPublic, recurrence: Recurrence, most: int) -> list[When]:
    """Return when the next occurrences after this one are due; fewer where the series ends."""
    assert todo.occurrence is not None
    rule, zone, start = parse_rule(recurrence.rrule), recurrence.zone, parse_slot(recurrence.start)
    if not recurrence.after_completion:
        following = slots_after(rule, start, parse_slot(todo.occurrence), zone)
        return [slot_to_when(slot, zone) for slot in islice(following, most)]
    at = start.time() if isinstance(start, datetime) else None
    slot: Slot | None = when_to_slot(todo.due, zone) if todo.due else start
    found: list[When] = []
    while len(found) < most and slot is not None:
        slot = slot_after_completion(rule, start_of(slot), at, zone)
        if slot is not None:
            found.append(slot_to_when(slot, zone))
    return found


def make_successor(todo: Todo | TodoPublic, occurrence: Occurrence, user_id: int, now: datetime) -> Todo:
    """Return the row of the occurrence that follows on the todo, in no session, without project, tags and series."""
    row = Todo(
        uuid=uuid4(),
        user_id=user_id,
        title=todo.title,
        description=todo.description,
        priority=int(todo.priority),
        occurrence=occurrence.occurrence,
        wait_until=occurrence.wait_until,
        expires_at=occurrence.expires_at,
        created_at=now,
        updated_at=now,
    )
    row.due, row.scheduled = occurrence.due, occurrence.scheduled
    return row
