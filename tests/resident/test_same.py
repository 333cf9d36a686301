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
        "todo list --json",
        "todo show 2",
        "todo show 99",
        "todo --version",
        "todo --help",
        "todo done --help",
        "todo nonsense",
        "todo list 'due.befor:x'",
        "todo list --json nonsense:x",
        "todo next -n 1",
        "todo history 1",
        "printf 'a remark' | todo comment 1 - >/dev/null",
        "todo comment 1 - </dev/null",
        "todo add -- $'\\xff'",
        "todo trash empty </dev/null",
        # descriptors that are closed, full, or closed early
        "todo list >&-",
        "todo list 2>&-",
        "todo show 99 2>&-",
        "todo list <&-",
        "todo list <&- >&- 2>&-",
        "todo comment 1 - <&-",
        "todo list >/dev/full",
        "todo show 99 2>/dev/full",
        "todo list | head -n 1 >/dev/null",
        "todo list --json | true",
        # the environment of the process
        "cd / && todo list",
        "mkdir -p gone && cd gone && rmdir ../gone && todo list",
        "umask 0777; todo list",
        "nice -n 0 todo list 2>/dev/null || todo list",
    ],
)
def test_a_shell_command_line(filled: Home, shell: str) -> None:
    both_ways(filled, shell)


@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Asia/Tokyo"},
        {"TZ": "America/New_York"},
        {"TZ": "Mars/Olympus"},
        {"TZ": ""},
        {"TODO_USER": "nobody"},
        {"TODO_CONTEXT": "work"},
        {"TODO_DATABASE_URL": "nonsense"},
        {"TODO_CONNECT_TIMEOUT": "nonsense"},
        {"COLUMNS": "40"},
        {"NO_COLOR": "1"},
        {"HOME": "/nonexistent"},
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


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("arguments", [("list",), ("show", "2"), ("--help",), ("show", "99")])
def test_at_a_terminal(filled: Home, width: int, arguments: tuple[str, ...]) -> None:
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


@pytest.mark.parametrize(
    "arguments", [("add", "-e"), ("edit", "1"), ("db", "status"), ("resident", "status"), ("list", "/dev/fd/3")]
)
def test_commands_that_need_their_own_process(filled: Home, arguments: tuple[str, ...]) -> None:
    filled.cold(*arguments, EDITOR="true", VISUAL="true")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONOPTIMIZE": "1"},
        {"PYTHONUTF8": "1"},
        {"LC_ALL": "C"},
        {"LANG": "xx_XX.ISO-8859-1"},
        {"LD_LIBRARY_PATH": "/nowhere"},
        {"CI": "true", "TODO_RESIDENT": "auto"},
        {"TODO_RESIDENT": "off"},
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
    """Its folder, its variables, and inherited descriptors, such as a pipe that somebody reads to the end."""
    run(alone, "exec 7>held; todo resident start", TODO_USER="alex", PGPASSWORD="AbC123dEf")
    pid = alone.pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    environment = Path(f"/proc/{pid}/environ").read_text()
    assert "PGPASSWORD" not in environment
    assert "TODO_USER" not in environment
    held = {entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert tmp_path / "held" not in held
