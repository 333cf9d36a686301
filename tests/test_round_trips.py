"""The round trips of each command: exact counts, compared with the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.round_trips import PAGE, make_table, measure
from tests.conftest import Cli
from tests.neon import ADDRESS, Neon

ALL_DAY = ("add", "list", "show", "done", "delete", "modify", "comment")
RECURRING = ("todo modify 4 every:", "todo modify 1,3-4 every!:", "todo done 4", "todo done --where", "todo delete 7")
"""Commands that first read the todos in order to calculate what to write."""


@pytest.mark.exhaustive
@pytest.mark.long
def test_every_command_stays_within_its_documented_budget(neon: Neon) -> None:
    costs = list(measure(neon))
    for cost in costs:
        is_plain = cost.command.split()[1] in ALL_DAY and not cost.command.startswith(RECURRING)
        most = 8 if is_plain else 14
        assert cost.classic <= most, cost
        assert cost.direct == cost.classic - 1
        assert cost.usual is None or cost.usual > 2 * cost.classic
    assert make_table(costs) in PAGE.read_text("utf-8"), "python -m benchmarks.round_trips --write"


def test_a_separate_process_costs_the_same(neon: Neon, tmp_path: Path) -> None:
    neon.server.fresh("trips")
    with neon.door(delay=0.02) as door:
        cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(door, "trips", host=ADDRESS))
        for command in (["add", "a", "-p", "home", "-t", "x", "-d", "eom"], ["list"], ["done", "1"]):
            assert cli(*command).code == 0
        door.settle()
        assert [connection.round_trips for connection in door.connections] == [8, 8, 8]
