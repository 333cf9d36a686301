"""Whatever is wrong with the resident, the command runs exactly once, and acknowledged changes are stored."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

import todo_cli
from tests.resident.conftest import Home, end, is_alive, main_residents, residents, wait_until


def titles(home: Home, *options: str) -> Counter[str]:
    listed = home("list", "--status", "all", "--all", "--json", *options, TODO_RESIDENT="off")
    return Counter(todo["title"] for todo in json.loads(listed.out))


def finish(process: subprocess.Popen[bytes]) -> int:
    with process:
        process.communicate()
    return process.returncode


def test_the_first_command_runs_on_its_own_and_starts_the_resident(alone: Home) -> None:
    assert alone("add", "First").code == 0
    wait_until(lambda: alone.find() is not None, "the resident answers")
    assert alone.serve("list").ids == [1]


def test_two_first_commands_start_one_resident(alone: Home) -> None:
    processes = [alone.start("list") for _ in range(3)]
    assert [finish(process) for process in processes] == [0] * 3
    wait_until(lambda: alone.find() is not None, "the resident answers")
    assert len(alone.sockets) == 1
    wait_until(lambda: main_residents(alone) == [alone.pid], "there is one")


def remove(home: Home) -> None:
    home.sockets[0].unlink()


def leave_stale(home: Home) -> None:
    end(home.pid)


def put_a_link(home: Home) -> None:
    path = home.sockets[0]
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def put_a_file(home: Home) -> None:
    path = home.sockets[0]
    path.unlink()
    path.write_text("")


def open_to_others(home: Home) -> None:
    home.folder.chmod(0o755)


def give_away(home: Home) -> None:
    os.chown(home.sockets[0], 65534, 65534)


def give_away_folder(home: Home) -> None:
    os.chown(home.folder, 65534, 65534)


def listen_as_another_user(home: Home) -> None:
    """Impersonate the resident as another user, on a socket that looks like the user's own."""
    path = home.sockets[0]
    path.unlink()
    home.runtime.chmod(0o777)
    home.folder.chmod(0o777)
    program = f"""
import socket, sys
listener = socket.socket(socket.AF_UNIX); listener.bind({str(path)!r}); listener.listen()
while True:
    client, _ = listener.accept()
    client.sendall(b"HO" + (1).to_bytes(8, sys.byteorder) + b"BX\\0")
    client.recv(65536)
"""
    process = subprocess.Popen(["python3", "-c", program], user=65534, group=65534)
    home.processes.append(process)
    wait_until(path.exists, "the impostor listens")
    home.folder.chmod(0o700)
    os.chown(path, os.geteuid(), os.getegid())


def stop_it(home: Home) -> None:
    os.kill(home.pid, signal.SIGSTOP)


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")


@pytest.mark.parametrize(
    "breaks",
    [
        remove,
        pytest.param(leave_stale, marks=pytest.mark.exhaustive),
        pytest.param(put_a_link, marks=pytest.mark.exhaustive),
        pytest.param(put_a_file, marks=pytest.mark.exhaustive),
        pytest.param(open_to_others, marks=pytest.mark.exhaustive),
        stop_it,
        pytest.param(give_away, marks=[AS_ROOT, pytest.mark.exhaustive]),
        pytest.param(give_away_folder, marks=[AS_ROOT, pytest.mark.exhaustive]),
        pytest.param(listen_as_another_user, marks=AS_ROOT),
    ],
)
def test_an_untrusted_or_unreachable_resident(alone: Home, breaks: Callable[[Home], None]) -> None:
    alone.start_resident()
    breaks(alone)
    assert alone("add", "Still stored", TODO_RESIDENT_PATIENCE="0.2").code == 0
    assert titles(alone) == {"Still stored": 1}


def test_no_place_for_a_socket(alone: Home, tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 120)
    too_long.mkdir()
    for runtime in (too_long, tmp_path / "nonexistent", Path("/dev/null")):
        assert alone("list", XDG_RUNTIME_DIR=str(runtime)).code == 0
    assert alone("list", XDG_RUNTIME_DIR="", HOME="/nonexistent", XDG_CACHE_HOME="").code == 0


@pytest.mark.parametrize(
    "options", ["ro", pytest.param("size=4k,nr_inodes=2", marks=pytest.mark.exhaustive)], ids=["read-only", "full"]
)
def test_a_folder_that_cannot_contain_a_socket(alone: Home, options: str) -> None:
    mounting = ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", str(alone.runtime)]
    try:
        subprocess.run(mounting, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting is not permitted here: {error}")
    try:
        for title in ("One", "Two"):
            assert alone("add", title, TODO_RESIDENT_PATIENCE="0.2").code == 0
        wait_until(lambda: not residents(alone), "what could not listen has ended")
        assert titles(alone) == {"One": 1, "Two": 1}
    finally:
        subprocess.run(["umount", "-l", str(alone.runtime)], check=True)


@pytest.fixture
def installed(alone: Home, tmp_path: Path) -> Path:
    """A copy of the program that a test can modify; `alone` runs it."""
    package = Path(todo_cli.__file__).parent
    shutil.copytree(package, tmp_path / "lib" / "todo_cli")
    if not (package / "migrations").exists():
        shutil.copytree(package.parent / "migrations", tmp_path / "lib" / "migrations")
    alone.environment["PYTHONPATH"] = str(tmp_path / "lib")
    alone("resident", "start")
    assert len(main_residents(alone)) == 1
    return tmp_path / "lib" / "todo_cli"


def test_another_version_is_not_served_by_the_old_resident(alone: Home, installed: Path) -> None:
    init = installed / "__init__.py"
    init.write_text(init.read_text() + '\n__version__ = "9.9.9"\n')
    assert alone("--version").out == "todo 9.9.9\n"


def test_replacing_the_program_ends_the_old_resident(alone: Home, installed: Path) -> None:
    """The version does not change, as during development."""
    (old,) = main_residents(alone)
    usage = installed / "cli" / "parsing" / "usage.py"
    usage.write_text(usage.read_text().replace("did you mean", "perhaps you mean"))
    assert "perhaps you mean" in alone("lsit").err
    wait_until(lambda: not is_alive(old), "the old one ends")


def test_starting_after_an_edit_replaces_the_old_one(alone: Home, installed: Path) -> None:
    (old,) = main_residents(alone)
    usage = installed / "cli" / "parsing" / "usage.py"
    usage.write_text(usage.read_text() + "\n")
    assert alone("resident", "start").code == 0
    wait_until(lambda: not is_alive(old), "the old one ends")
    assert len(main_residents(alone)) == 1


def test_it_blocks_no_signal_of_the_command_that_started_it(alone: Home) -> None:
    def block() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})

    program = [sys.executable, "-m", "todo_cli", "resident", "start"]
    subprocess.run(program, env=alone.environment, check=True, capture_output=True, preexec_fn=block)
    status = Path(f"/proc/{alone.pid}/status").read_text()
    assert int(status.partition("SigBlk:")[2].split()[0], 16) == 0


def test_it_ends_when_idle_and_removes_its_files(alone: Home) -> None:
    pid = alone.start_resident(idle_seconds=0.2)
    wait_until(lambda: not is_alive(pid), "the resident ends itself")
    assert list(alone.folder.iterdir()) == []
    wait_until(lambda: not residents(alone), "its workers are gone")


def test_it_ends_when_its_socket_is_gone(alone: Home) -> None:
    pid = alone.start_resident(idle_seconds=0.2)
    remove(alone)
    wait_until(lambda: not is_alive(pid), "the resident ends itself")


OTHERS = [pytest.param(number, marks=pytest.mark.exhaustive) for number in (signal.SIGHUP, signal.SIGINT)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *OTHERS])
def test_a_signal_ends_it_and_removes_its_files(alone: Home, number: int) -> None:
    pid = alone.start_resident()
    end(pid, number)
    assert list(alone.folder.iterdir()) == []
    wait_until(lambda: not residents(alone), "its workers are gone")


def test_a_killed_resident_is_replaced(alone: Home) -> None:
    end(alone.start_resident())
    assert alone("list").code == 0
    wait_until(lambda: alone.find() is not None, "another resident answers")


def test_workers_end_with_a_killed_resident(alone: Home) -> None:
    end(alone.start_resident())
    wait_until(lambda: not residents(alone), "its workers are gone")


def test_thirty_two_commands_at_once(warm: Home) -> None:
    processes = [warm.start("add", f"Todo {number}") for number in range(32)]
    assert [finish(process) for process in processes] == [0] * 32
    assert titles(warm) == {f"Todo {number}": 1 for number in range(32)}


def test_a_worker_holds_only_its_client_s_descriptors(warm: Home) -> None:
    """Waiting workers hold neither the listening socket, nor the lock, nor each other's sockets."""
    status = warm.status()
    wait_until(lambda: any(map(is_alive, status.worker_pids)), "a worker waits")
    theirs = {pid: held_by(pid) for pid in (status.pid, *status.worker_pids) if is_alive(pid)}
    for pid, held in theirs.items():
        if pid != status.pid:
            assert not any(each.endswith(".lock") for each in held)
            assert [other for other in theirs if other != pid and held & theirs[other]] == []


def held_by(pid: int) -> set[str]:
    """Return the open files and sockets of a process, by names that are the same in every process."""
    with suppress(OSError):
        names = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
        return {name for name in names if name.startswith(("/", "socket:", "pipe:"))} - {"/dev/null"}
    return set()


def test_other_users_are_not_served(alone: Home) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can act as two users")
    alone.start_resident()
    alone.runtime.chmod(0o755)
    alone.folder.chmod(0o755)
    alone.sockets[0].chmod(0o777)
    program = (
        f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(alone.sockets[0])!r}); print(s.recv(1))"
    )
    output = subprocess.run(
        ["python3", "-c", program], user=65534, group=65534, capture_output=True, text=True, check=True
    )
    assert output.stdout == "b''\n"


@pytest.mark.parametrize("sent", [b"", b"\xff" * 8, b"\x10" + b"\0" * 7 + b"not marshalled data", b"\x01" + b"\0" * 7])
def test_invalid_requests_are_survived(warm: Home, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(warm.sockets[0]))
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert client.recv(65536) in (b"H", b"")
            assert client.recv(65536) == b""
    assert warm.serve("list").code == 0


def kill_at_random(home: Home, command: tuple[str, ...], whom: str, generator: random.Random) -> int:
    """Start a command and kill one of the three processes after a while; return the exit code of the client."""
    known = set(home.status().worker_pids)
    process = home.start(*command)
    victim = {"client": [process.pid], "worker": sorted(known), "resident": [home.pid]}[whom]

    def kill() -> None:
        for pid in victim:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    timer = threading.Timer(generator.uniform(0, 0.25), kill)
    timer.start()
    code = finish(process)
    timer.join()
    return code


def check_kills(home: Home, rounds: int, seed: int) -> None:
    """Kill processes during `add` and `done` in turn, at least that often, and until one of each was acknowledged."""
    generator = random.Random(seed)
    added: list[str] = []
    attempted: list[str] = []
    done: list[str] = []
    for number in count():
        if number >= rounds and added and done:
            break
        assert number < 10 * rounds, "every 'add' or every 'done' was killed"
        if home.find() is None:
            home.start_resident()
        whom = generator.choice(["client", "client", "worker", "worker", "resident"])
        title = f"Todo {number}"
        if number % 2 and added:
            if kill_at_random(home, ("done", "--where", f"title:'{added[-1]}'", "--yes"), whom, generator) == 0:
                done.append(added[-1])
            continue
        attempted.append(title)
        if kill_at_random(home, ("add", title), whom, generator) == 0:
            added.append(title)
    found = titles(home)
    assert set(found.values()) <= {1}, "something is there twice"
    assert set(added) <= set(found), "something acknowledged is lost"
    assert set(found) <= set(attempted)
    assert set(done) <= set(titles(home, "--status", "done")), "something acknowledged is not done"


@pytest.mark.parametrize("seed", [1])
def test_kills_at_random_moments(alone: Home, seed: int) -> None:
    check_kills(alone, 12, seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 103))
@pytest.mark.long
def test_many_kills_at_random_moments(alone: Home, url: str, seed: int) -> None:
    alone.environment["TODO_DATABASE_URL"] = url
    check_kills(alone, 50, seed)


def test_switched_off_in_the_settings(alone: Home) -> None:
    alone.start_resident()
    del alone.environment["TODO_RESIDENT"]
    assert "has run" in alone("doctor").out
    assert alone("config", "set", "resident", "off").code == 0
    wait_until(lambda: not residents(alone), "it has ended")
    assert alone("list").code == 0
    assert not alone.sockets
    assert alone("resident", "start").code == 1
