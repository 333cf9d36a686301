"""Urgency, term by term; `now` is Sunday, 22 November 2026, 12:00 in Berlin."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import BERLIN, NOW
from todo_cli.models.values import Links, Priority, Status, TodoPublic, When
from todo_cli.query.urgency import Coefficients, explain, score

PLAIN = TodoPublic(
    id=1,
    uuid=UUID(int=1),
    title="a",
    description=None,
    status=Status.OPEN,
    priority=Priority.NONE,
    project=None,
    tags=(),
    due=None,
    scheduled=None,
    wait_until=None,
    expires_at=None,
    recurrence=None,
    occurrence=None,
    started_at=None,
    created_at=NOW,
    updated_at=NOW,
    completed_at=None,
    deleted_at=None,
    version=1,
)
"""A todo that was added today and has no other fields, so that its urgency is 0."""

DAY = timedelta(days=1)
TODAY = NOW.date()


def due(days: int) -> dict[str, Any]:
    return {"due": When(TODAY + days * DAY)}


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ({}, {}),
        (due(-400), {"due": 12.0}),
        (due(-7), {"due": 12.0}),
        (due(-6), {"due": 12 * (20 * 0.8 / 21 + 0.2)}),
        (due(0), {"due": 12 * (14 * 0.8 / 21 + 0.2)}),
        (due(7), {"due": 12 * (7 * 0.8 / 21 + 0.2)}),
        (due(14), {"due": 2.4}),
        (due(15), {"due": 2.4}),
        (due(4000), {"due": 2.4}),
        ({"due": When(TODAY, NOW - DAY / 24)}, {"due": 12 * (14 * 0.8 / 21 + 0.2)}),  # the day counts, not the time
        ({"priority": Priority.HIGH}, {"priority.high": 6.0}),
        ({"priority": Priority.MEDIUM}, {"priority.medium": 3.9}),
        ({"priority": Priority.LOW}, {"priority.low": 1.8}),
        ({"scheduled": When(TODAY)}, {"scheduled": 5.0}),
        ({"scheduled": When(TODAY, NOW)}, {"scheduled": 5.0}),
        ({"scheduled": When(TODAY, NOW + DAY / 24)}, {}),
        ({"scheduled": When(TODAY + DAY)}, {}),
        ({"started_at": NOW}, {"active": 4.0}),
        ({"created_at": NOW - 73 * DAY}, {"age": 0.4}),
        ({"created_at": NOW - 365 * DAY}, {"age": 2.0}),
        ({"created_at": NOW - 4000 * DAY}, {"age": 2.0}),
        ({"created_at": NOW + DAY}, {}),  # by a clock that is wrong
        ({"tags": ("a",)}, {"tags": 0.8}),
        ({"tags": ("a", "b")}, {"tags": 0.9}),
        ({"tags": ("a", "b", "c")}, {"tags": 1.0}),
        ({"tags": ("a", "b", "c", "d")}, {"tags": 1.0}),
        ({"project": "home"}, {"projects": 1.0}),
        ({"links": Links(blocks=(2, 3))}, {"blocking": 8.0}),
        ({"links": Links(depends=(2,), blocked=True, waits_for=(2,))}, {"blocked": -5.0}),
        ({"links": Links(depends=(2,))}, {}),  # which is done
        ({"wait_until": NOW + DAY}, {"waiting": -3.0}),
        ({"wait_until": NOW}, {}),
        ({"tags": ("Next",)}, {"tags": 0.8, "tag.next": 15.0}),
        ({"project": "Work.api"}, {"projects": 1.0, "project.work": 2.0, "project.work.api": -1.0}),
        ({"project": "workshop"}, {"projects": 1.0}),
        ({**due(-7), "status": Status.DONE}, {}),
        ({**due(-7), "status": Status.CANCELLED}, {}),
        ({**due(-7), "deleted_at": NOW}, {}),
    ],
    ids=str,
)
def test_terms(fields: dict[str, Any], terms: dict[str, float]) -> None:
    coefficients = Coefficients(tag={"next": 15.0}, project={"work": 2.0, "work.api": -1.0})
    todo = replace(PLAIN, **fields)
    assert {term.name: term.value for term in explain(todo, NOW, coefficients)} == pytest.approx(terms)
    assert score(todo, NOW, coefficients) == pytest.approx(sum(terms.values()))


def test_a_zero_coefficient_omits_the_term() -> None:
    todo = replace(PLAIN, due=When(TODAY - 9 * DAY), project="home", created_at=NOW - 5 * DAY)
    assert score(todo, NOW, Coefficients(due=1.5, projects=0, age=1, age_max=10)) == 2.0
    assert [term.name for term in explain(todo, NOW, Coefficients(due=1.5, projects=0))] == ["due", "age"]
    assert score(todo, NOW, Coefficients(due=0, projects=0, age=1, age_max=0)) == 1.0


def test_due_uses_days_in_the_reader_s_zone_and_age_days_in_utc() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=BERLIN)
    apia = late.astimezone(ZoneInfo("Pacific/Apia"))  # there it is the 23rd
    overdue = replace(PLAIN, due=When(date(2026, 11, 16)), created_at=late - DAY)
    assert score(overdue, apia) > score(overdue, late)
    assert [term.value for term in explain(overdue, apia) if term.name == "age"] == [2 / 365]
