"""The two tiers of the suite: the ordinary tests, and the exhaustive ones, which take long (`-m exhaustive`).

Tests marked `exhaustive` run only in the second tier. Tests marked `either_database` exercise code above the databases:
they run on SQLite in the first tier and on PostgreSQL in the second. Of the tests marked `two_kinds`, which go from one
database to another, the first tier runs those between different kinds. Hypothesis tests, and tests marked `both_tiers`,
run in both, with more examples or rounds in the second (`choose`). Tests of whole commands also run in both: through a
resident process in the first, cold in the second. On PostgreSQL they run in one tier, through a resident process,
because the way to run a command has nothing to do with its database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

EXHAUSTIVE = "exhaustive"
BOTH_TIERS = pytest.mark.both_tiers

_tier = "ordinary"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    global _tier  # noqa: PLW0603 - read when the modules of tests are imported, which is later
    if config.option.markexpr == EXHAUSTIVE:
        _tier = EXHAUSTIVE
    # The duration of an example means nothing, because other programs run at the same time.
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile(
        "todo", max_examples=choose(40, 300), deadline=None, suppress_health_check=slow, print_blob=True
    )
    settings.load_profile("todo")


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for `-n auto`: tests wait for servers and disks about half the time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores * (3 if is_exhaustive() else 2)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        dialect, other = parameters.get("dialect"), parameters.get("other_target")
        takes_long = (dialect == "postgresql" and item.get_closest_marker("either_database")) or (
            dialect is not None and dialect == other and item.get_closest_marker("two_kinds")
        )
        if takes_long or (is_exhaustive() and _is_in_both_tiers(item, dialect)):
            item.add_marker(EXHAUSTIVE)
    yield
    _spread(items, getattr(config, "workerinput", {}).get("workercount", 1))


def _spread(items: list[pytest.Item], processes: int) -> None:
    """Order the tests that will run so that each process starts with its share of those that take minutes.

    At first, xdist gives each process an equal number of consecutive tests.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    length = -(-len(others) // processes)
    items[:] = [
        item
        for process in range(processes)
        for item in (*long[process::processes], *others[process * length : (process + 1) * length])
    ]


def _is_in_both_tiers(item: pytest.Item, dialect: object) -> bool:
    runs_commands = isinstance(item, pytest.Function) and {"cli", "fresh_cli"} & set(item.fixturenames)
    return bool(
        (runs_commands and dialect != "postgresql") or any(map(item.get_closest_marker, ("hypothesis", "both_tiers")))
    )


def is_exhaustive() -> bool:
    return _tier == EXHAUSTIVE


def choose(ordinary: int, exhaustive: int) -> int:
    """Return the number of repetitions in this tier."""
    return exhaustive if is_exhaustive() else ordinary
