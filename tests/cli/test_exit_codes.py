"""Every exit code in the manual, from the real process; no error is ever a traceback."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, suppress
from getpass import getuser
from pathlib import Path
from unittest import mock

import pytest

from tests.commands import ignore_interruptions
from tests.conftest import Cli, Here, Server
from tests.waits import HANGING, wait_until
from todo_cli.cli.main import main

pytestmark = pytest.mark.either_database

MODULE = [sys.executable, "-m", "todo_cli"]


def test_0_for_an_empty_list(cli: Cli) -> None:
    assert cli("list").code == 0
    assert cli("list", "nothing like it").code == 0


def test_1_for_a_failure(fresh_cli: Cli, server: Server) -> None:
    server.create("bare")
    assert fresh_cli("list", TODO_DATABASE_URL=server.url("bare")).code == 1


def test_2_for_invalid_input(cli: Cli) -> None:
    for arguments in (["lst"], ["add"], ["done", "x"], ["list", "--status", "x"], ["--nope"], ["project"]):
        result = cli(*arguments)
        assert result.code == 2, arguments
        assert result.out == ""


def test_3_for_not_found(cli: Cli) -> None:
    assert cli("done", "4711").code == 3
    assert cli("tag", "delete", "nope").code == 3


def test_4_for_conflicts(cli: Cli) -> None:
    cli.here("add", "a", "-t", "x")
    cli.here("add", "b", "-t", "y")
    assert cli("tag", "rename", "x", "Y").code == 4
    assert cli("user", "add", "ALEX").code == 4


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://alex:AbC123dEf@127.0.0.1:1/db",
        "postgresql://alex:AbC123dEf@/db?host=/nowhere",
        "sqlite:////nowhere/at/all/todo.db",
        "sqlite:////proc/version",
    ],
)
def test_5_for_an_unreachable_database(fresh_cli: Cli, url: str) -> None:
    for command in (["list"], ["add", "a"], ["db", "init"], ["db", "status"], ["db", "migrate"]):
        result = fresh_cli(*command, TODO_DATABASE_URL=url, TODO_CONNECT_TIMEOUT="1")
        if command in (["db", "status"], ["db", "migrate"]) and "nowhere/at" in url:
            assert result.code == (
                0 if command == ["db", "status"] else 1
            )  # it reports that the database is unreachable
            continue
        assert result.code == 5, (command, result)
        assert result.err.count("error: ") == 1
        assert "AbC123dEf" not in result.err


def test_5_for_a_wrong_password_or_a_database_that_does_not_exist(fresh_cli: Cli, server: Server) -> None:
    for name in ("nonexistent", "template0"):  # the latter accepts no connections
        result = fresh_cli("list", TODO_DATABASE_URL=server.url(name))
        assert result.code == 5
        assert name in result.err


def test_5_for_a_file_that_is_not_a_list(fresh_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "noise.db"
    path.write_bytes(os.urandom(8192))
    before = path.read_bytes()
    result = fresh_cli("add", "a", TODO_DATABASE_URL=f"sqlite:///{path}")
    assert result.code == 5
    assert "not an intact SQLite file" in result.err
    assert path.read_bytes() == before


def test_5_for_a_file_of_another_program_which_is_not_changed(fresh_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (secret TEXT)")
    before = path.read_bytes()
    for command in (["list"], ["add", "a"], ["db", "init"], ["db", "status"], ["db", "reset", "--yes"]):
        result = fresh_cli(*command, TODO_DATABASE_URL=f"sqlite:///{path}")
        assert result.code == 5, result
        assert "belongs to another program" in result.err
    assert path.read_bytes() == before


@pytest.mark.exhaustive
def test_an_interruption_means_that_nothing_was_stored(cli: Cli) -> None:
    """Ctrl-C at twenty different times: exit 130 and nothing stored, or exit 0 and stored; never a traceback."""
    stored = []
    for number in range(20):
        process = cli.start("add", f"todo {number}")
        time.sleep(0.1 + number * 0.06)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=HANGING)
        if process.returncode == 0:
            stored.append(f"todo {number}")
        else:
            # Until the interpreter has started, Python itself prints the message.
            assert process.returncode in (130, -signal.SIGINT, 1), err
    assert [item["title"] for item in json.loads(cli("list", "--json", "--sort", "id").out)] == stored


def test_any_text_may_be_used_as_a_name_in_a_query(cli: Cli) -> None:
    for command in (
        ["project", "rename", "\udcff", "new"],
        ["tag", "delete", "\udcff"],
        ["user", "rename", "\udcff", "x"],
    ):
        assert cli(*command).code == 2
    assert cli("project", "archive", "no such name").code == 3


def is_opened_by_another(path: Path) -> bool:
    """Return whether another process, such as a resident's worker, has the file open."""
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) != os.getpid():
            with suppress(OSError):  # it has ended, or belongs to another user
                if any(link.readlink() == path for link in (folder / "fd").iterdir()):
                    return True
    return False


@contextmanager
def waiting(cli: Cli) -> Iterator[tuple[subprocess.Popen[bytes], sqlite3.Connection]]:
    """Start `done 1` while another writer holds the embedded file; yield the process and the writer."""
    path = cli.home / "todo.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with cli.start("done", "1") as process:
            if Path("/proc/self/fd").exists():
                wait_until(lambda: is_opened_by_another(path))
            else:
                time.sleep(5)  # the time of the signal does not matter, but later times are harder cases
            yield process, holder


@pytest.mark.exhaustive  # SQLite waits half a minute for its turn
def test_130_for_an_interruption(fresh_cli: Cli) -> None:
    fresh_cli("add", "a")
    with waiting(fresh_cli) as (process, _):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANGING)  # it ends without having had its turn
    assert (process.returncode, out, err) == (130, b"", b"error: interrupted\n")
    assert json.loads(fresh_cli("show", "1", "--json").out)["status"] == "open"


def test_a_background_command_is_not_interrupted(fresh_cli: Cli) -> None:
    """A shell without job control makes background commands ignore SIGINT (POSIX, XCU 2.11)."""
    fresh_cli("add", "a")
    fresh_cli.options["preexec_fn"] = ignore_interruptions
    with waiting(fresh_cli) as (process, holder):
        process.send_signal(signal.SIGINT)
        holder.execute("ROLLBACK")
        out, err = process.communicate(timeout=HANGING)
    del fresh_cli.options["preexec_fn"]
    assert (process.returncode, out[:7], err) == (0, b"1\tdone\t", b"")
    assert json.loads(fresh_cli("show", "1", "--json").out)["status"] == "done"


def test_with_json_an_error_is_one_json_object(cli: Cli) -> None:
    for arguments in (["--json", "done", "4711"], ["done", "4711", "--json"]):
        result = cli(*arguments)
        assert result.code == 3
        assert result.out == ""
        assert json.loads(result.err) == {
            "error": "there is no todo 4711",
            "hint": "run 'todo list' to see the numbers",
            "exit_code": 3,
        }
    assert json.loads(cli("lst", "--json").err)["exit_code"] == 2


def test_only_debug_shows_a_traceback(cli: Cli) -> None:
    assert "Traceback" not in cli("done", "4711").err
    assert "Traceback" in cli("--debug", "done", "4711").err
    assert cli("done", "4711", "--debug").err.splitlines()[-2] == "error: there is no todo 4711"


def test_a_closed_pipe_is_not_an_error(cli: Cli) -> None:
    for number in range(3):
        cli.here("add", f"{number} " + "x" * 9000)
    command = f"{sys.executable} -m todo_cli list --sort id --status all; echo code $? >&2"
    result = subprocess.run(
        ["bash", "-c", f"({command}) | head -c 1"], env=cli.environment, capture_output=True, text=True, check=True
    )
    assert result.stderr == "code 0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has")
def test_output_that_cannot_be_written_is_an_error(cli: Cli) -> None:
    cli.here("add", "a")
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([*MODULE, "list"], stdout=full, stderr=subprocess.PIPE, env=cli.environment, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("error: cannot read or write: No space left on device")
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has")
def test_a_stored_change_that_cannot_be_shown_is_a_success(cli: Cli) -> None:
    """Otherwise a script would repeat the command."""
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*MODULE, "add", "a"], stdout=full, stderr=subprocess.PIPE, env=cli.environment, text=True
        )
    assert result.returncode == 0
    assert result.stderr == (
        "warning: stored (1), but cannot show the result: No space left on device\nhint: do not repeat the command\n"
    )
    assert cli("list").ids == [1]


WRITING = """
    add b
    add b -p home -t shop --json
    modify 1 +new
    start 1
    stop 1
    done 1
    reopen 1
    cancel 1
    undo
    redo
    comment 1 hello
    delete 1
    restore 1
    delete 1
    trash empty --yes --json
    project rename home flat
    project archive flat
    project unarchive flat
    project delete flat --yes
    tag rename shop shops
    tag delete shops --yes
    view save mine +shops --json
    view delete mine
    context save work project:work --json
    context use work --json
    context use none
    context delete work
    config set per_page 50 --json
    user add sam
    --user sam user rename sam samira
    db init --json
    db migrate --json
    --user samira db backup backup.bak --json
    --user samira db restore backup.bak --yes --json
    --user samira db copy --to sqlite:///other.db
    db reset --yes --json
""".strip().splitlines()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has")
def test_no_error_after_storing_changes_the_exit_code(
    fresh_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that writes, with output to a full disk and an unreadable completion cache."""
    monkeypatch.chdir(tmp_path)
    fresh_cli.here("add", "first", "--user", getuser())
    for line in WRITING:
        for path in fresh_cli.home.glob("completion-*.json"):
            path.write_text("[" * 100_000)
        with (
            Path("/dev/full").open("w") as full,
            mock.patch.dict(os.environ, fresh_cli.environment, clear=True),
            mock.patch("sys.stdout", full),
            redirect_stderr(io.TextIOWrapper(io.BytesIO())) as errors,
        ):
            code = main(line.split())
            errors.seek(0)
            assert code == 0, (line, errors.read())


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(fresh_cli: Cli, closed: str) -> None:
    script = f"{sys.executable} -m todo_cli add a {closed}"
    result = subprocess.run(["bash", "-c", script], env=fresh_cli.environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    with closing(sqlite3.connect(fresh_cli.home / "todo.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert fresh_cli("list").ids == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["project"], "commands: list, rename, archive, unarchive, delete"),
        (["context", "work"], "commands: save, use, list, show, delete"),
        (["rm", "1"], "did you mean 'delete'?"),
        (["undo", "3"], "todo undo -n 3"),
        (["Buy", "milk"], "todo add Buy milk"),
        (["add", "buy", "-5", "eggs"], "after '--'"),
        (["--overdue"], "todo list …"),
        (["modify", "1", "new", "title"], "title:'Buy bread'"),
        (["modify", "1", "-t", "x", "--untag", "X"], "cannot name the same tag"),
        (
            ["modify", "1", "-phone"],
            "write -p hone; to remove a tag, write untag:phone; put words that begin with '-' after '--'",
        ),
        (["list", "-phone"], "to exclude a tag, write 'not +phone'"),
        (["add", "x", "-dtomorrow 5pm"], "write -d 'tomorrow 5pm';"),
        (["add", "x", "-p=home"], "write -p home;"),
        (["add", "x", "-ep", "home", "-tshop"], "error: -t needs a space before its value: '-tshop'"),
        (["delete", "1", "-yphone"], "no such option: -p"),
        (["undo", "-n5"], "write -n 5;"),
        (["history", "-n", "5", "-n5"], "write -n 5;"),
        (["upcoming", "1", "-n3"], "write -n 3;"),
        (["list", "--page", "0"], "--page must be a whole number"),
        (["undo", "-n", "0"], "error: -n must be at least 1\n"),
        (["undo", "-n", "9999"], "error: -n must be at most 1000\n"),
        (["undo", "-n", "x"], "error: -n must be a whole number\n"),
    ],
)
def test_typos_get_suggestions(cli: Cli, arguments: list[str], message: str) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 2 or message == "cannot name the same tag" or "page" in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "x", "-p", "-phone", "--json"],
        ["add", "--description", "-dtomorrow", "x"],
        ["add", "--", "-phone", "-tshop", "-n5"],
        ["add", "x", "--description=-dtomorrow", "-d", "tomorrow"],
        ["delete", "1", "-y"],
        ["list", "--sort", "-due"],
    ],
    ids=" ".join,
)
def test_words_that_look_like_attached_options_are_text(
    arguments: list[str], fresh_cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh_cli.here("add", "first")
    with mock.patch.dict(os.environ, fresh_cli.environment, clear=True):
        result = Here(capsys)(*arguments)
    assert "needs a space" not in result.err
    assert result.code == (2 if "-phone" in arguments[:4] and "--" not in arguments else 0), result


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell that limits the size of files")
def test_a_full_disk_stores_nothing(fresh_cli: Cli) -> None:
    fresh_cli("add", "first")
    size = (fresh_cli.home / "todo.db").stat().st_size // 1024 + 16
    command = f"{sys.executable} -m todo_cli add {'x' * 9000} --description {'y' * 90000}"
    script = f"trap '' XFSZ; ulimit -f {size}; exec {command}"
    result = subprocess.run(["bash", "-c", script], env=fresh_cli.environment, capture_output=True, text=True)
    assert result.returncode in (1, 5), result
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert fresh_cli("list", "--json").code == 0
    assert fresh_cli("list").ids == [1]
    assert fresh_cli("add", "second").ids == [2]
