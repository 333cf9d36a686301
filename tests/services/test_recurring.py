"""Recurrence: series, their next occurrences, and that no occurrence exists twice; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from tests.conftest import BERLIN, NOW, OpenDatabase
from tests.tiers import BOTH_TIERS, choose
from todo_cli.db.database import Database
from todo_cli.db.scope import owned
from todo_cli.db.write.step import Step, Transaction
from todo_cli.errors import ConflictError, InvalidInputError
from todo_cli.models.tables import Todo
from todo_cli.models.values import Priority, Status, TodoOutcome, TodoPublic, When
from todo_cli.query.filter.ast import And
from todo_cli.query.references import NumberReference, parse_references
from todo_cli.services.editing.recurring import Every
from todo_cli.services.editing.series import delete_series, list_upcoming
from todo_cli.services.listing import ListQuery, get_todos, list_todos
from todo_cli.services.lookup import find_todos
from todo_cli.services.todos import (
    NewTodo,
    TodoChanges,
    add_todo,
    cancel_todos,
    complete_todos,
    delete_todos,
    modify_todos,
    reopen_todos,
    restore_todos,
    skip_todos,
)

OCTOBER = datetime(2026, 10, 20, 9, 0, tzinfo=BERLIN)


def refs(*words: str) -> Sequence[NumberReference]:
    return parse_references(words)  # type: ignore[return-value]


def on(text: str) -> When:
    return When(date.fromisoformat(text))


def at(text: str, zone: str = "Europe/Berlin") -> When:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return When(moment.date(), moment)


async def all_todos(db: Database) -> list[TodoPublic]:
    return sorted((await list_todos(db, ListQuery(And(())))).todos, key=lambda todo: todo.id)


async def finish(open_db: OpenDatabase, number: int, now: datetime, *, catch_up: bool = False) -> TodoOutcome:
    [outcome] = await complete_todos(open_db("alex", now), refs(str(number)), catch_up=catch_up)
    return outcome


async def test_finishing_creates_the_next_occurrence_with_all_fields(db: Database, open_db: OpenDatabase) -> None:
    new = NewTodo(
        "Pay rent",
        description="to the landlord",
        priority=Priority.HIGH,
        project="home.flat",
        tags=("bills", "flat"),
        due=on("2026-11-30"),
        scheduled=on("2026-11-27"),
        wait_until=datetime(2026, 11, 25, tzinfo=BERLIN),
        expires_at=datetime(2026, 12, 5, tzinfo=BERLIN),
        every=Every("month", last_day=True),
    )
    added = (await add_todo(db, new)).todo
    assert added.recurrence
    assert (added.recurrence.rrule, added.occurrence) == ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30")
    outcome = await finish(open_db, 1, NOW)
    assert (outcome.todo.status, outcome.todo.completed_at) == (Status.DONE, NOW)
    [following] = outcome.next
    assert (following.id, following.status, following.version, following.due) == (2, Status.OPEN, 1, on("2026-12-31"))
    assert following.scheduled == on("2026-12-28")
    assert following.wait_until == datetime(2026, 12, 26, tzinfo=BERLIN)
    assert following.expires_at == datetime(2027, 1, 5, tzinfo=BERLIN)
    kept = ("title", "description", "priority", "project", "tags", "recurrence")
    assert [getattr(following, name) for name in kept] == [getattr(added, name) for name in kept]
    assert await get_todos(db, refs("2")) == [following]


async def test_missed_occurrences_are_skipped_or_created(db: Database, open_db: OpenDatabase) -> None:
    for number in (1, 2):
        await add_todo(db, NewTodo(f"water {number}", due=on("2026-11-18"), every=Every("2 days")))
    [following] = (await finish(open_db, 1, NOW)).next
    assert following.due == on("2026-11-22")  # today
    made = (await finish(open_db, 2, NOW, catch_up=True)).next
    assert [todo.due for todo in made] == [on("2026-11-20"), on("2026-11-22")]
    assert (await finish(open_db, made[0].id, NOW)).next == ()  # the series has continued
    [following] = (await finish(open_db, made[1].id, NOW)).next
    assert following.due == on("2026-11-24")


async def test_catching_up_has_a_limit(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", due=on("2020-01-01"), every=Every("day")))
    with pytest.raises(ConflictError, match="more than 500"):
        await finish(open_db, 1, NOW, catch_up=True)
    assert (await all_todos(db))[0].status is Status.OPEN
    await add_todo(db, NewTodo("b", due=on("2026-08-01"), every=Every("day")))
    assert len((await finish(open_db, 2, NOW, catch_up=True)).next) == 113


async def test_the_31st_comes_back(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", due=on("2027-12-31"), every=Every("month")))
    found = []
    for number in range(1, 6):
        [following] = (await finish(open_db, number, NOW)).next
        assert following.due
        found.append(following.due.on.isoformat())
    assert found == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]


@pytest.mark.parametrize(
    ("due", "following"),
    [
        ("2026-10-24 18:00", "2026-10-25 18:00"),  # the clocks go back in between
        ("2026-10-25 02:30", "2026-10-26 02:30"),
        ("2027-03-27 18:00", "2027-03-28 18:00"),  # and forward
    ],
)
async def test_the_clock_time_is_kept(db: Database, open_db: OpenDatabase, due: str, following: str) -> None:
    await add_todo(db, NewTodo("a", due=at(due), every=Every("day")))
    [found] = (await finish(open_db, 1, OCTOBER)).next
    assert found.due == at(following)


async def test_a_skipped_clock_time_is_moved_on_that_day_only(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", due=at("2027-03-27 02:30"), every=Every("day")))
    [gap] = (await finish(open_db, 1, OCTOBER)).next
    assert gap.due == When(date(2027, 3, 28), datetime(2027, 3, 28, 1, 30, tzinfo=UTC))  # 03:30 on the clock
    [after] = (await finish(open_db, 2, OCTOBER)).next
    assert after.due == at("2027-03-29 02:30")


async def test_a_series_keeps_the_zone_of_its_creator(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", due=at("2026-11-22 18:00"), every=Every("day")))
    in_tokyo = datetime(2026, 11, 23, 1, 0, tzinfo=ZoneInfo("Asia/Tokyo"))  # still the 22nd in Berlin
    [following] = (await finish(open_db, 1, in_tokyo)).next
    assert following.due == at("2026-11-23 18:00")
    assert following.recurrence
    assert following.recurrence.zone == "Europe/Berlin"


async def test_postponing_one_occurrence_does_not_move_others(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-23"), scheduled=on("2026-11-22"), every=Every("week")))
    await modify_todos(db, refs("1"), TodoChanges(due=on("2026-11-26")))
    [following] = (await finish(open_db, 1, NOW)).next
    assert (following.due, following.scheduled) == (on("2026-11-30"), on("2026-11-29"))


@pytest.mark.parametrize(
    ("due", "moved", "scheduled", "wait", "expected"),
    [
        # only the time was removed: days count
        ("2026-11-23 18:00", "2026-11-23", None, "2026-11-23 08:00", (None, "2026-11-30 08:00")),
        # postponed together: keeps its present distance from the due date
        ("2026-11-23", "2026-11-26", "2026-11-25", None, ("2026-11-29", None)),
        # brought forward
        ("2026-11-23", "2026-11-21", "2026-11-22", None, ("2026-11-29", None)),
    ],
)
async def test_other_dates_keep_their_distance(
    db: Database,
    due: str,
    moved: str,
    scheduled: str | None,
    wait: str | None,
    expected: tuple[str | None, str | None],
) -> None:
    when = {text: at(text) if " " in text else on(text) for text in (due, moved, scheduled, wait, *expected) if text}
    new = NewTodo("a", due=when[due], every=Every("week"), wait_until=when[wait].at if wait else None)
    await add_todo(db, new)
    changes = TodoChanges(due=when[moved], scheduled=when[scheduled] if scheduled else None)
    await modify_todos(db, refs("1"), changes)
    [following] = (await complete_todos(db, refs("1")))[0].next
    assert following.scheduled == (when[expected[0]] if expected[0] else None)
    assert following.wait_until == (when[expected[1]].at if expected[1] else None)


async def test_a_day_without_midnight(open_db: OpenDatabase) -> None:
    santiago = ZoneInfo("America/Santiago")  # where 6 September 2026 begins at 01:00
    db = open_db("alex", datetime(2026, 9, 1, 12, 0, tzinfo=santiago))
    wait = datetime(2026, 9, 5, tzinfo=santiago)
    await add_todo(db, NewTodo("a", due=on("2026-09-05"), wait_until=wait, every=Every("day")))
    found = []
    for number in (1, 2, 3):
        [following] = (await complete_todos(db, refs(str(number))))[0].next
        assert following.wait_until
        found.append(following.wait_until.astimezone(santiago).strftime("%d %H:%M"))
    assert found == ["06 01:00", "07 00:00", "08 00:00"]


@pytest.mark.parametrize(
    ("completed", "phrase", "due"),
    [
        ("2026-10-25T01:45:00+00:00", "10 minutes", "2026-10-25T01:55:00+00:00"),
        ("2026-10-25T00:45:00+00:00", "30 minutes", "2026-10-25T01:15:00+00:00"),
        ("2027-03-28T00:30:00+00:00", "2 hours", "2027-03-28T02:30:00+00:00"),
    ],
)
async def test_hours_from_completion_are_elapsed_time(
    open_db: OpenDatabase, completed: str, phrase: str, due: str
) -> None:
    db = open_db("alex", datetime.fromisoformat(completed).astimezone(BERLIN))
    await add_todo(db, NewTodo("a", due=at("2026-10-24 18:00"), every=Every(phrase, after_completion=True)))
    [following] = (await complete_todos(db, refs("1")))[0].next
    assert following.due
    assert following.due.at == datetime.fromisoformat(due)


async def test_no_two_occurrences_are_at_the_same_moment(open_db: OpenDatabase) -> None:
    db = open_db("alex", datetime(2027, 3, 28, 0, 0, tzinfo=BERLIN))
    await add_todo(db, NewTodo("a", due=at("2027-03-28 01:00"), every=Every("hour")))
    found = []
    for number in (1, 2, 3):
        [following] = (await complete_todos(db, refs(str(number))))[0].next
        assert following.due
        assert following.due.at
        found.append(following.due.at.hour)
    assert found == [1, 2, 3]  # 03:00, 04:00 and 05:00 on the clock, in UTC


async def test_skipping_counts_from_the_due_date(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-12-13"), every=Every("3 weeks", after_completion=True)))
    [skipped] = await skip_todos(db, refs("1"))
    assert skipped.next[0].due == on("2027-01-03")


async def test_changes_apply_to_later_occurrences(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", tags=("old",), due=on("2026-11-23"), every=Every("week")))
    await modify_todos(db, refs("1"), TodoChanges(title="b", project="p", tags=("new",), untag=("old",)))
    [following] = (await finish(open_db, 1, NOW)).next
    assert (following.title, following.project, following.tags) == ("b", "p", ("new",))


async def test_count_and_until_end_a_series(db: Database, open_db: OpenDatabase) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-22"), every=Every("FREQ=DAILY;COUNT=3")))
    await modify_todos(db, refs("1"), TodoChanges(due=on("2026-12-24")))  # a postponed occurrence counts too
    for number in (1, 2):
        assert len((await finish(open_db, number, NOW)).next) == 1
    assert (await finish(open_db, 3, NOW)).next == ()
    await add_todo(db, NewTodo("b", due=on("2026-11-22"), every=Every("FREQ=DAILY;UNTIL=20261123")))
    assert (await finish(open_db, 4, NOW)).next[0].due == on("2026-11-23")
    assert (await finish(open_db, 5, NOW)).next == ()


@pytest.mark.parametrize(
    ("phrase", "due", "following"),
    [
        ("2 weeks", "2026-11-10", "2026-12-06"),
        ("day", "2026-11-23", "2026-11-23"),  # done a day early, due again tomorrow
        ("month", "2026-01-31", "2026-12-22"),
        ("mon", "2026-11-16", "2026-11-23"),
    ],
)
async def test_counting_from_completion(
    db: Database, open_db: OpenDatabase, phrase: str, due: str, following: str
) -> None:
    await add_todo(db, NewTodo("a", due=on(due), every=Every(phrase, after_completion=True)))
    [found] = (await finish(open_db, 1, NOW)).next
    assert (found.due, found.occurrence) == (on(following), "000002")


async def test_without_a_due_date_the_series_starts_on_the_first_day_of_the_rule(db: Database) -> None:
    for phrase, day in (("day", 22), ("mon,thu", 23), ("month", 22), ("month on the 25th", 25)):
        added = (await add_todo(db, NewTodo(phrase, every=Every(phrase)))).todo
        assert added.due == When(date(2026, 11, day)), phrase
    with pytest.raises(InvalidInputError, match="time"):
        await add_todo(db, NewTodo("a", every=Every("2 hours")))


async def test_skipping_and_cancelling_create_the_next_occurrence(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-23"), every=Every("week")))
    [skipped] = await skip_todos(db, refs("1"))
    assert (skipped.todo.status, skipped.next[0].due) == (Status.CANCELLED, on("2026-11-30"))
    [again] = await skip_todos(db, refs("1"))
    assert (again.changed, again.next) == (False, ())
    [cancelled] = await cancel_todos(db, refs("2"))
    assert cancelled.next[0].due == on("2026-12-07")
    await add_todo(db, NewTodo("b"))
    with pytest.raises(ConflictError, match="4 does not repeat"):
        await skip_todos(db, refs("3", "4"))
    assert [todo.status for todo in await all_todos(db)][2:] == [Status.OPEN, Status.OPEN]


async def test_deleting_an_occurrence_is_refused_and_a_series_can_be_ended(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-18"), every=Every("day")))
    await add_todo(db, NewTodo("b"))
    with pytest.raises(ConflictError, match="todo 1 repeats; deleting it would end the series") as caught:
        await delete_todos(db, refs("1", "2"))
    assert "--series" in str(caught.value.hint)
    await complete_todos(db, refs("1"), catch_up=True)
    await delete_todos(db, refs("1"))  # a done todo no longer recurs
    deleted = await delete_series(db, refs("4"))
    assert [outcome.todo.id for outcome in deleted] == [3, 4, 5, 6]
    assert {outcome.todo.recurrence for outcome in deleted} == {None}
    assert [todo.id for todo in await all_todos(db)] == [2]
    await restore_todos(db, refs("1", "3"))
    await reopen_todos(db, refs("1"))
    assert (await complete_todos(db, refs("1", "3")))[0].next == ()
    with pytest.raises(ConflictError, match="does not repeat"):
        await delete_series(db, refs("2"))


async def test_deleting_the_last_open_occurrence_ends_the_series(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-22"), every=Every("FREQ=DAILY;COUNT=1")))
    await complete_todos(db, refs("1"))
    assert await delete_series(db, refs("1")) == []
    assert (await get_todos(db, refs("1")))[0].recurrence is None


@pytest.mark.parametrize("after_completion", [False, True])
async def test_an_open_next_occurrence_is_restored_from_the_trash(db: Database, after_completion: bool) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-22"), every=Every("week", after_completion)))
    await complete_todos(db, refs("1"))
    await complete_todos(db, refs("2"))
    await complete_todos(db, refs("3"))
    await delete_todos(db, refs("2,3"))  # 4 is kept, and open
    await put_into_trash(db, 4)
    await reopen_todos(db, refs("1"))
    [outcome] = await complete_todos(db, refs("1"))
    assert [(todo.id, todo.status, todo.deleted_at) for todo in outcome.next] == [(4, Status.OPEN, None)]
    assert [todo.id for todo in await all_todos(db)] == [1, 4]


async def test_a_done_and_deleted_occurrence_is_not_created_again(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-22"), every=Every("week")))
    await complete_todos(db, refs("1"))
    await complete_todos(db, refs("2"))
    await delete_todos(db, refs("2"))
    await modify_todos(db, refs("3"), TodoChanges(due=on("2027-01-01")))
    await complete_todos(db, refs("3"))
    await delete_todos(db, refs("3"))
    await reopen_todos(db, refs("1"))
    assert (await complete_todos(db, refs("1")))[0].next == ()  # 4 is kept


async def put_into_trash(db: Database, number: int) -> None:
    """Delete an occurrence as undo would; `delete` refuses to."""

    async def work(step: Step) -> None:
        [todo] = await find_todos(step, refs(str(number)))
        step.change(todo, deleted_at=step.now)

    await db.write("test", work)


async def test_modifying_the_rule(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-23")))
    [outcome] = await modify_todos(db, refs("1"), TodoChanges(every=Every("week")))
    assert outcome.todo.recurrence
    first = outcome.todo.recurrence
    [outcome] = await modify_todos(db, refs("1"), TodoChanges(due=on("2026-11-30"), every=Every("month")))
    second = outcome.todo.recurrence
    assert second
    assert (second.rrule, second.start, second.series == first.series) == (
        "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
        "2026-11-30",
        False,
    )
    [outcome] = await modify_todos(db, refs("1"), TodoChanges(ends_series=True))
    assert (outcome.changed, outcome.todo.recurrence, outcome.todo.version) == (True, None, 4)
    [outcome] = await modify_todos(db, refs("1"), TodoChanges(ends_series=True))
    assert not outcome.changed
    assert (await complete_todos(db, refs("1")))[0].next == ()


async def test_several_todos_each_start_a_series(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-23")))
    await add_todo(db, NewTodo("b"))
    await add_todo(db, NewTodo("c", due=on("2026-11-24")))
    for numbers in ("1,3", "1-3"):
        outcomes = await modify_todos(db, refs(numbers), TodoChanges(every=Every("week")))
        assert len({outcome.todo.recurrence for outcome in outcomes}) == len(outcomes)
    assert [todo.due for todo in await all_todos(db)] == [on("2026-11-23"), on("2026-11-22"), on("2026-11-24")]


async def test_upcoming_dates(db: Database) -> None:
    await add_todo(db, NewTodo("a", due=on("2026-11-30"), every=Every("month", last_day=True)))
    await add_todo(db, NewTodo("b", due=on("2026-11-30"), every=Every("3 days", after_completion=True)))
    await add_todo(db, NewTodo("c", due=on("2026-11-30"), every=Every("FREQ=DAILY;COUNT=2")))
    await add_todo(db, NewTodo("d"))
    found = {number: await list_upcoming(db, NumberReference(number), 3) for number in (1, 2, 3)}
    assert found == {
        1: [on("2026-12-31"), on("2027-01-31"), on("2027-02-28")],
        2: [on("2026-12-03"), on("2026-12-06"), on("2026-12-09")],
        3: [on("2026-12-01")],
    }
    with pytest.raises(ConflictError, match="does not repeat"):
        await list_upcoming(db, NumberReference(4), 3)


async def count(db: Database) -> int:
    async def work(transaction: Transaction) -> int:
        statement = select(func.count()).select_from(Todo).where(owned(Todo, transaction.scope))
        return int((await transaction.session.execute(statement)).scalar_one())

    return await db.read(work)


@BOTH_TIERS
@pytest.mark.long
async def test_two_machines_that_finish_a_todo_create_one_occurrence(db: Database, open_db: OpenDatabase) -> None:
    """In two zones with different dates: one of them finishes it, and there is one next occurrence."""
    tokyo = datetime(2026, 11, 23, 1, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    los_angeles = tokyo.astimezone(ZoneInfo("America/Los_Angeles"))  # the 22nd
    await add_todo(db, NewTodo("a", tags=("x",), due=at("2026-11-22 06:00"), every=Every("day")))
    for number in range(1, choose(6, 100) + 1):
        days = timedelta(days=number - 1)
        machines = (open_db("alex", tokyo + days), open_db("alex", los_angeles + days))
        first, second = await asyncio.gather(*(complete_todos(machine, refs(str(number))) for machine in machines))
        for machine in machines:
            await machine.__aexit__()
        assert sorted((outcome.changed, len(outcome.next)) for outcome in (*first, *second)) == [(False, 0), (True, 1)]
        assert await count(db) == number + 1


@BOTH_TIERS
async def test_ending_a_series_during_a_completion_leaves_nothing_open(db: Database, open_db: OpenDatabase) -> None:
    for _ in range(choose(4, 20)):
        first = (await add_todo(db, NewTodo("a", due=on("2026-11-22"), every=Every("day")))).todo.id
        [outcome] = await complete_todos(db, refs(str(first)))
        one, other = open_db("alex"), open_db("alex")
        finished = complete_todos(one, refs(str(outcome.next[0].id)))
        await asyncio.gather(finished, delete_series(other, refs(str(first))), return_exceptions=True)
        for machine in (one, other):
            await machine.__aexit__()
        assert [todo for todo in await all_todos(db) if todo.status is Status.OPEN] == []


@BOTH_TIERS
async def test_occurrences_finished_at_once_have_one_next_occurrence(db: Database, open_db: OpenDatabase) -> None:
    """Two missed occurrences lead to the same next one."""
    for start in range(1, choose(8, 40) + 1, 4):
        await add_todo(db, NewTodo("a", due=on("2026-11-20"), every=Every("FREQ=DAILY;COUNT=4")))
        await complete_todos(db, refs(str(start)), catch_up=True)  # creates the 21st and the 22nd
        both = (complete_todos(open_db("alex"), refs(str(start + number))) for number in (1, 2))
        await asyncio.gather(*both)
        assert await count(db) == start + 3
