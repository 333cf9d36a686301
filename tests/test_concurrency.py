"""Many processes at once: no acknowledged change is lost, and nothing happens twice."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import Cli
from tests.tiers import BOTH_TIERS, choose
from tests.waits import HANGING

# One process runs many commands to save their start; every command opens its own connection.
PROGRAM = """
import io, sys
from contextlib import redirect_stdout
from todo_cli.cli.main import main
for number in range(int(sys.argv[2])):
    text = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(text):
        code = main([word.format(me=sys.argv[1], number=number) for word in sys.argv[3:]])
    text.seek(0)
    print(code, text.read().partition("\\t")[0].strip().replace("\\n", " "), flush=True)
"""


def run_at_once(cli: Cli, processes: int, times: int, *command: str) -> list[list[str]]:
    """Return the exit code of each command and the number of its todo."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(me), str(times), *command],
            env=cli.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(processes)
    ]
    said: list[list[str]] = []
    for process in running:
        out, err = process.communicate(timeout=HANGING)
        assert err == ""
        said.extend(line.split(" ", 1) for line in out.splitlines())
    return said


@BOTH_TIERS
@pytest.mark.long
def test_concurrent_adds_lose_no_todo_and_repeat_no_number(cli: Cli) -> None:
    processes, times = choose(3, 16), choose(6, 50)
    said = run_at_once(cli, processes, times, "add", "todo {me} {number}", "-p", "p{number}", "-t", "t{me}")
    assert [code for code, _ in said] == ["0"] * processes * times
    listed = json.loads(cli("list", "--json").out)
    assert sorted(item["id"] for item in listed) == sorted(int(number) for _, number in said)
    assert {item["title"] for item in listed} == {
        f"todo {me} {number}" for me in range(processes) for number in range(times)
    }
    assert len(json.loads(cli("project", "list", "--json").out)) == times
    assert len(json.loads(cli("tag", "list", "--json").out)) == processes


@pytest.mark.parametrize("attempt", range(choose(1, 3)))
@BOTH_TIERS
def test_concurrent_commands_that_each_add_a_tag_to_one_todo_keep_all_tags(cli: Cli, attempt: int) -> None:
    cli.here("add", "one")
    processes = choose(3, 8)
    said = run_at_once(cli, processes, 4, "modify", "1", "-t", "tag{me}-{number}", "-t", "shared{number}")
    assert [code for code, _ in said] == ["0"] * processes * 4
    [todo] = json.loads(cli("list", "--json").out)
    expected = {f"tag{me}-{number}" for me in range(processes) for number in range(4)}
    assert set(todo["tags"]) == expected | {f"shared{number}" for number in range(4)}
    assert todo["version"] == processes * 4 + 1


@BOTH_TIERS
def test_concurrent_renames_deletes_and_changes_are_serialized(cli: Cli) -> None:
    """Commands that lock the same todos, projects and tags from several sides neither hang nor fail halfway."""
    times = choose(5, 15)
    for number in range(4):
        cli.here("add", f"todo {number}", "-p", "p", "-t", "t")
    commands = [
        ["modify", "1-4", "-p", "p", "-t", "t"],
        ["modify", "4,3,2,1", "--untag", "t", "--no-project"],
        ["project", "delete", "p", "--yes"],
        ["tag", "delete", "t", "--yes"],
        ["add", "another", "-p", "p", "-t", "t"],
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "x", str(times), *command],
            env=cli.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for command, process in zip(commands, running, strict=True):
        out, err = process.communicate(timeout=HANGING)
        codes = {line.split(" ")[0] for line in out.splitlines()}
        assert codes <= ({"0", "3"} if "delete" in command else {"0"}), (command, out, err)
    listed = json.loads(cli("list", "--json").out)
    assert len(listed) == 4 + times


@BOTH_TIERS
def test_concurrent_first_commands_create_one_file(fresh_cli: Cli) -> None:
    processes = [fresh_cli.start("add", f"todo {number}") for number in range(choose(5, 16))]
    for process in processes:
        _, err = process.communicate(timeout=HANGING)
        assert (process.returncode, err) == (0, b""), err
    assert sorted(fresh_cli("list").ids) == list(range(1, len(processes) + 1))
    assert len(fresh_cli("user", "list").lines) == 1
