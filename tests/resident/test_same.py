"""A command behaves the same through the resident as in its own process, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Result
from tests.resident.conftest import Home, wait_until
from tests.terminal import at_terminal


def run(home: Home, shell: str, **environment: str) -> Result:
    """Run a shell command line in which `todo` is the program."""
    line = f'todo() {{ "{sys.executable}" -m todo_cli "$@"; }}; {shell}'
    finished = subprocess.run(
        ["bash", "-c", line], env={**home.environment, **environment}, cwd=home.home.parent, capture_output=True
    )
    return Result(finished.stdout.decode(errors="surrogateescape"), finished.stderr.decode(), finished.returncode)


def both_ways(home: Home, shell: str, **environment: str) -> Result:
    """Run a shell command line with and without the resident; return both results."""
    before = home.served()
    warm = run(home, shell, **environment)
    assert home.served() > before, "no command of this line went through the resident"
    assert warm == run(home, shell, **environment, TODO_RESIDENT="off")
    return warm


@pytest.fixture
def filled(warm: Home) -> Home:
    warm.here("add", "Buy milk", "-p", "home.flat", "-t", "shop", "-d", "2030-01-02 17:00")
    warm.here("add", "Pay rent ünïcode ☃", "--every", "month", "-d", "2030-01-31")
    warm.here("add", "Nothing else")
    return warm


@pytest.mark.parametrize(
    "shell",
    [
        "todo list",
        pytest.param("todo list --json", marks=pytest.mark.exhaustive),
        "todo show 2",
        pytest.param("todo show 99", marks=pytest.mark.exhaustive),
        pytest.param("todo --version", marks=pytest.mark.exhaustive),
        "todo --help",
        pytest.param("todo done --help", marks=pytest.mark.exhaustive),
        "todo nonsense",
        pytest.param("todo list 'due.befor:x'", marks=pytest.mark.exhaustive),
        pytest.param("todo list --json nonsense:x", marks=pytest.mark.exhaustive),
        pytest.param("todo next -n 1", marks=pytest.mark.exhaustive),
        pytest.param("todo history 1", marks=pytest.mark.exhaustive),
        "printf 'a remark' | todo comment 1 - >/dev/null",
        pytest.param("todo comment 1 - </dev/null", marks=pytest.mark.exhaustive),
        "todo add -- $'\\xff'",
        pytest.param("todo trash empty </dev/null", marks=pytest.mark.exhaustive),
        # descriptors that are closed, full, or closed early
        "todo list >&-",
        pytest.param("todo list 2>&-", marks=pytest.mark.exhaustive),
        pytest.param("todo show 99 2>&-", marks=pytest.mark.exhaustive),
        pytest.param("todo list <&-", marks=pytest.mark.exhaustive),
        "todo list <&- >&- 2>&-",
        pytest.param("todo comment 1 - <&-", marks=pytest.mark.exhaustive),
        "todo list >/dev/full",
        pytest.param("todo show 99 2>/dev/full", marks=pytest.mark.exhaustive),
        "todo list | head -n 1 >/dev/null",
        pytest.param("todo list --json | true", marks=pytest.mark.exhaustive),
        # the environment of the process
        "cd / && todo list",
        pytest.param("mkdir -p gone && cd gone && rmdir ../gone && todo list", marks=pytest.mark.exhaustive),
        "umask 0777; todo list",
        pytest.param("nice -n 0 todo list 2>/dev/null || todo list", marks=pytest.mark.exhaustive),
    ],
)
def test_a_shell_command_line(filled: Home, shell: str) -> None:
    both_ways(filled, shell)


@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Asia/Tokyo"},
        pytest.param({"TZ": "America/New_York"}, marks=pytest.mark.exhaustive),
        {"TZ": "Mars/Olympus"},
        pytest.param({"TZ": ""}, marks=pytest.mark.exhaustive),
        {"TODO_USER": "nobody"},
        pytest.param({"TODO_CONTEXT": "work"}, marks=pytest.mark.exhaustive),
        pytest.param({"TODO_DATABASE_URL": "nonsense"}, marks=pytest.mark.exhaustive),
        pytest.param({"TODO_CONNECT_TIMEOUT": "nonsense"}, marks=pytest.mark.exhaustive),
        {"COLUMNS": "40"},
        {"NO_COLOR": "1"},
        pytest.param({"HOME": "/nonexistent"}, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
@pytest.mark.parametrize("shell", ["todo list", pytest.param("todo show 1 --json", marks=pytest.mark.exhaustive)])
def test_the_environment(filled: Home, environment: dict[str, str], shell: str) -> None:
    both_ways(filled, shell, **environment)


def test_no_variable_reaches_the_next_command(filled: Home) -> None:
    assert filled.serve("list", TODO_USER="nobody").code == 3
    assert filled.serve("list").code == 0
    assert "JST" not in filled.serve("show", "1").out


def test_a_relative_database_path_is_relative_to_the_client_s_folder(warm: Home, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run(warm, f"cd {name} && todo add From {name}", TODO_DATABASE_URL="sqlite:///./x.db")
    shown = both_ways(warm, "cd two && todo list", TODO_DATABASE_URL="sqlite:///./x.db")
    assert "From two" in shown.out
    assert "From one" not in shown.out


def test_files_are_created_with_the_umask_of_the_command(warm: Home, tmp_path: Path) -> None:
    """The configuration file is private regardless of the umask; the worker's own umask has no effect."""
    both_ways(warm, "umask 0; todo config set per_page 7; stat -c %a home home/config.toml")


@pytest.mark.parametrize("width", [40, pytest.param(200, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("arguments", [("list",), ("show", "2"), ("--help",), ("show", "99")])
def test_on_a_terminal(filled: Home, width: int, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "todo_cli", *arguments]
    before = filled.served()
    warm = at_terminal(command, filled.environment, width=width)
    assert filled.served() == before + 1
    assert warm == at_terminal(command, {**filled.environment, "TODO_RESIDENT": "off"}, width=width)
    assert warm.out


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 130), ("\x04", 130)])
def test_a_question_at_a_terminal(filled: Home, typed: str, code: int) -> None:
    command = [sys.executable, "-m", "todo_cli", "trash", "empty"]
    answers = []
    for resident in ("on", "off"):
        filled.here("trash", "empty", "--yes")
        filled.here("add", "For the trash")
        filled.here("delete", "4" if resident == "on" else "5")
        before = filled.served()
        answers.append(at_terminal(command, {**filled.environment, "TODO_RESIDENT": resident}, typed=typed))
        assert (filled.served() > before) == (resident == "on")
    assert answers[0] == answers[1]
    assert answers[0].code == code


@pytest.mark.parametrize("arguments", [("add", "-e"), ("resident", "status"), ("list", "/dev/fd/3")])
def test_commands_that_need_their_own_process(filled: Home, arguments: tuple[str, ...]) -> None:
    filled.cold(*arguments, EDITOR="true", VISUAL="true")


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"PYTHONOPTIMIZE": "1"}, marks=pytest.mark.exhaustive),
        {"PYTHONUTF8": "1"},
        {"LC_ALL": "C"},
        pytest.param({"LANG": "xx_XX.ISO-8859-1"}, marks=pytest.mark.exhaustive),
        pytest.param({"LD_LIBRARY_PATH": "/nowhere"}, marks=pytest.mark.exhaustive),
        {"CI": "true", "TODO_RESIDENT": "auto"},
        pytest.param({"TODO_RESIDENT": "off"}, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_variables_that_take_effect_at_the_start(filled: Home, environment: dict[str, str]) -> None:
    assert filled.cold("list", **environment).code == 0


def test_other_resource_limits(filled: Home) -> None:
    before = filled.served()
    assert run(filled, "ulimit -n 200; todo list").code == 0
    assert run(filled, 'nice -n 5 "$PYTHON" -m todo_cli list', PYTHON=sys.executable).code == 0
    assert filled.served() == before


def test_no_password_in_the_process_list(warm: Home) -> None:
    """Neither client nor worker shows it, and the resident has it neither in its arguments nor in its environment."""
    secret = "AbC123dEf"
    url = f"postgresql://alex:{secret}@127.0.0.1:1/dbname"
    process = warm.start("list", "--database", url, TODO_CONNECT_TIMEOUT="600", TODO_DATABASE_URL=url)
    try:
        wait_until(lambda: "://*" in Path(f"/proc/{process.pid}/cmdline").read_text(), "the client hides it")
        status = warm.status()
        for pid in (process.pid, status.pid, *status.worker_pids):
            assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
        assert secret not in Path(f"/proc/{status.pid}/environ").read_text()
    finally:
        process.kill()
        process.communicate()


def test_the_resident_keeps_nothing_of_the_command_that_started_it(alone: Home, tmp_path: Path) -> None:
    """Its working directory, variables and inherited descriptors, such as a pipe that somebody reads to the end."""
    run(alone, "exec 7>held; todo resident start", TODO_USER="alex", PGPASSWORD="AbC123dEf")
    pid = alone.pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    environment = Path(f"/proc/{pid}/environ").read_text()
    assert "PGPASSWORD" not in environment
    assert "TODO_USER" not in environment
    held = {entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert tmp_path / "held" not in held
