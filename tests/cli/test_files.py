"""The embedded file and the files beside it: complete, private, checked, backed up, and readable on read-only media."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import Cli, Here, Result
from tests.tiers import is_exhaustive

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, mounts and signals are those of POSIX")


@pytest.fixture
def todo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The `todo` command in this process, on the embedded file of a new machine."""
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    for name in ("TODO_DATABASE_URL", "TODO_USER", "TODO_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    return Here(capsys)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "todo.db"


def titles(todo: Here | Cli) -> list[str]:
    result = todo("list", "--json", "--sort", "id")
    assert result.code == 0, result
    return [item["title"] for item in json.loads(result.out)]


def check_is_clear(result: Result, *codes: int) -> None:
    assert result.code in (codes or (5,)), result
    assert result.err.count("error: ") == 1, result
    assert "internal error:" not in result.err
    assert "Traceback" not in result.err


class TestCreation:
    def test_two_concurrent_first_commands_lose_nothing(self, fresh_cli: Cli) -> None:
        running = [fresh_cli.start("add", f"todo {number}") for number in range(3)]
        for process in running:
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
        assert sorted(titles(fresh_cli)) == [f"todo {number}" for number in range(3)]
        assert [file.name for file in fresh_cli.home.iterdir() if file.suffix != ".json"] == ["todo.db"]

    def test_killing_the_creation_of_the_file_blocks_nobody(self, fresh_cli: Cli) -> None:
        """Killed at the first write to the new file, which does not have its final name yet."""
        script = (
            "import os, signal, sys, todo_cli.db.schema.revisions as schema\n"
            "schema._run_alembic = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            "from todo_cli.cli.main import main\n"
            "main(['add', 'a'])\n"
        )
        killed = subprocess.run([sys.executable, "-c", script], env=fresh_cli.environment, cwd=fresh_cli.home.parent)
        assert killed.returncode == -9
        assert not (fresh_cli.home / "todo.db").exists()
        left = [file for file in fresh_cli.home.iterdir() if ".new" in file.name]
        assert left
        for file in left:
            os.utime(file, (0, 0))
        assert fresh_cli("add", "b").code == 0
        assert titles(fresh_cli) == ["b"]
        assert [file for file in fresh_cli.home.iterdir() if ".new" in file.name] == []

    def test_a_dangling_link_is_followed(self, todo: Here, path: Path, tmp_path: Path) -> None:
        path.parent.mkdir()
        path.symlink_to(tmp_path / "real.db")
        assert todo("add", "a").code == 0
        assert path.is_symlink()
        assert titles(todo) == ["a"]


COMMANDS = (["list"], ["add", "a"], ["show", "1"], ["history"], ["undo"], ["db", "status"], ["db", "init"], ["doctor"])


class TestOtherFiles:
    @pytest.mark.parametrize("content", [b"", b"0123456789", b"\0" * 4096, b"SQLite format 3\0", os.urandom(8192)])
    def test_it_is_refused_and_not_changed(self, todo: Here, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        for command in COMMANDS:
            result = todo(*command)
            if command == ["doctor"]:
                assert result.code == 1
                assert "todo db restore" in result.out
            else:
                check_is_clear(result)
                assert "todo db restore" in result.err
            assert path.read_bytes() == content

    def test_the_newest_backup_is_named(self, todo: Here, path: Path) -> None:
        todo("add", "a")
        for number, name in enumerate(["todo.db.0001.bak", "todo.db.20261124T105727Z.bak", "todo.db.old.bak"]):
            shutil.copy(path, path.with_name(name))
            os.utime(path.with_name(name), (1000 + number % 2, 1000 + number % 2))
        path.write_bytes(b"")
        assert f"todo db restore {path}.20261124T105727Z.bak" in todo("list").err

    def test_a_file_of_sqlite_without_our_mark(self, todo: Here, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 1")
        for command in COMMANDS[:-1]:
            check_is_clear(todo(*command))

    def test_tables_without_their_revision(self, todo: Here, path: Path) -> None:
        todo("add", "a")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TABLE alembic_version")
            connection.commit()
        for command in COMMANDS[:5]:
            check_is_clear(todo(*command))
        assert todo("doctor").code == 1

    def test_a_folder_is_refused(self, todo: Here, path: Path, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for place in (tmp_path, tmp_path / "pipe", Path(os.devnull)):
            check_is_clear(todo("--database", f"sqlite:///{place}", "list"))
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        check_is_clear(todo("--database", f"sqlite:///{tmp_path}/loop", "add", "a"))
        check_is_clear(todo("--database", f"sqlite:///{tmp_path}/x%00.db", "list"), 2)
        check_is_clear(todo("--database", "sqlite:///~nobody-of-that-name/x.db", "list"), 2)
        check_is_clear(todo("--database", f"sqlite:///{tmp_path}/{'x' * 300}.db", "list"), 1, 5)


def is_whole(path: Path) -> bool:
    """Return the result of SQLite's own check of the file."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False


def damage(content: bytes, chance: random.Random) -> bytes:
    """Return the content with a damaged page, header or end, or with some wrong bytes."""
    spoiled = bytearray(content)
    match chance.choice(["page", "bytes", "bits", "header", "end", "zeros"]):
        case "page":
            start = chance.randrange(len(content) // 4096) * 4096
            spoiled[start : start + 4096] = chance.randbytes(4096)
        case "zeros":
            start = chance.randrange(len(content) // 4096) * 4096
            spoiled[start : start + 4096] = bytes(4096)
        case "bytes":
            for _ in range(chance.randrange(1, 40)):
                spoiled[chance.randrange(len(content))] = chance.randrange(256)
        case "bits":
            used = [place for place, byte in enumerate(content) if byte]
            for _ in range(chance.randrange(1, 6)):
                spoiled[chance.choice(used)] ^= 1 << chance.randrange(8)
        case "header":
            start = chance.randrange(100)
            spoiled[start : start + 4] = chance.randbytes(4)
        case "end":
            del spoiled[chance.randrange(len(content)) :]
    return bytes(spoiled)


ATTACKED = (
    ["list"],
    ["show", "1"],
    ["history"],
    ["add", "x", "-p", "new", "-t", "other"],
    ["done", "4"],
    ["undo"],
    ["tree"],
    ["agenda"],
    ["db", "status"],
    ["trash", "empty", "--yes"],
    ["db", "backup"],
)


class TestDamage:
    @pytest.fixture
    def content(self, todo: Here, path: Path) -> bytes:
        """The file of a list that contains a bit of everything."""
        todo("add", "water the plants", "every:week", "due:2026-11-24", "-t", "home", "-p", "house")
        todo("add", "depends", "depends:1", "-d", "tomorrow", "wait:2026-12-01")
        todo("add", "child", "parent:2", "-t", "a")
        todo("add", "four")
        todo("comment", "4", "a remark")
        todo("modify", "4", "-t", "b", "title:'number four'")
        todo("delete", "3")
        todo("undo")
        for number in range(30):
            todo("add", f"filler {number} " + "x" * 300, "-t", f"t{number % 5}")
        return path.read_bytes()

    def attack(self, todo: Here, path: Path, content: bytes, seeds: range) -> None:
        for seed in seeds:
            chance = random.Random(seed)
            spoiled = damage(content, chance)
            path.write_bytes(spoiled)
            whole = is_whole(path)
            result = todo("doctor")
            assert result.code in (0, 1), (seed, result)
            assert whole or result.code == 1, (seed, result)
            assert "internal error:" not in result.out + result.err, (seed, result)
            for command in ATTACKED:
                path.write_bytes(spoiled)
                for suffix in ("-wal", "-shm"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
                result = todo(*command)
                assert "internal error:" not in result.err, (seed, command, result)
                assert "Traceback" not in result.err, (seed, command, result)
                assert result.code in (0, 1, 2, 3, 4, 5), (seed, command, result)
            for file in path.parent.glob("todo.db.*"):
                file.unlink()

    def test_doctor_finds_it_and_every_command_reports_it(self, todo: Here, path: Path, content: bytes) -> None:
        self.attack(todo, path, content, range(8))

    @pytest.mark.exhaustive
    @pytest.mark.long
    def test_any_damage(self, todo: Here, path: Path, content: bytes) -> None:
        self.attack(todo, path, content, range(1000, 1150))

    def test_a_byte_that_is_not_utf8(self, todo: Here, path: Path, content: bytes) -> None:
        assert content.count(b"number four") > 1
        path.write_bytes(content.replace(b"number four", b"number f\xffur"))
        for command in (["list"], ["show", "4"], ["history"]):
            result = todo(*command)
            check_is_clear(result)
            assert "is damaged" in result.err
        assert todo("doctor").code == 1

    def test_a_header_of_a_format_that_does_not_exist(self, todo: Here, path: Path) -> None:
        todo("add", "a")
        content = path.read_bytes()
        path.write_bytes(content[:44] + b"\0\0\0\x09" + content[48:])  # the schema format number
        for command in COMMANDS[:-1]:
            check_is_clear(todo(*command))
        assert todo("doctor").code == 1

    def test_it_is_neither_backed_up_nor_upgraded(self, todo: Here, path: Path, content: bytes) -> None:
        path.write_bytes(content.replace(b"filler 3 ", b"filler \xff "))
        check_is_clear(todo("db", "backup"))
        assert list(path.parent.glob("*.bak")) == []


class TestBackup:
    def test_back_up_and_restore(self, todo: Here, path: Path, tmp_path: Path) -> None:
        todo("add", "one")
        result = todo("db", "backup", "--json")
        backup = Path(json.loads(result.out)["file"])
        assert backup.parent == path.parent
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        todo("add", "two")
        check_is_clear(todo("db", "restore", str(backup)), 2)  # nobody confirmed
        restored = todo("db", "restore", str(backup), "--yes", "--json")
        assert restored.code == 0, restored
        kept = Path(json.loads(restored.out)["kept"])
        assert titles(todo) == ["one"]
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert todo("db", "restore", str(kept), "--yes").code == 0
        assert titles(todo) == ["one", "two"]
        assert todo("add", "three").out.startswith("3\t")
        assert todo("doctor").code == 0

    def test_an_existing_file_is_not_overwritten(self, todo: Here, tmp_path: Path) -> None:
        todo("add", "one")
        (tmp_path / "precious").write_text("mine")
        check_is_clear(todo("db", "backup", str(tmp_path / "precious")), 4)
        assert (tmp_path / "precious").read_text() == "mine"
        check_is_clear(todo("db", "backup", str(tmp_path / "no folder" / "file")))

    def test_a_file_that_is_not_a_backup_is_refused_and_the_list_stays(
        self, todo: Here, path: Path, tmp_path: Path
    ) -> None:
        todo("add", "one")
        todo("db", "backup", str(tmp_path / "good"))
        content = bytearray((tmp_path / "good").read_bytes())
        content[8192:12288] = os.urandom(4096)
        (tmp_path / "damaged").write_bytes(content)
        (tmp_path / "empty").touch()
        (tmp_path / "noise").write_bytes(os.urandom(5000))
        with closing(sqlite3.connect(tmp_path / "photos")) as connection:
            connection.execute("CREATE TABLE users (secret TEXT)")
        shutil.copy(tmp_path / "good", tmp_path / "newer")
        with closing(sqlite3.connect(tmp_path / "newer")) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.commit()
        for name in ("damaged", "empty", "noise", "photos"):
            check_is_clear(todo("db", "restore", str(tmp_path / name), "--yes"))
        check_is_clear(todo("db", "restore", str(tmp_path / "newer"), "--yes"), 1)
        check_is_clear(todo("db", "restore", str(tmp_path / "nowhere"), "--yes"), 3)
        check_is_clear(todo("db", "restore", str(path), "--yes"), 4)
        assert titles(todo) == ["one"]
        assert list(path.parent.glob("*.bak")) == []

    @pytest.mark.parametrize("content", [b"", b"0123456789", None])
    def test_restore_replaces_a_damaged_file(
        self, todo: Here, path: Path, tmp_path: Path, content: bytes | None
    ) -> None:
        todo("add", "one")
        todo("db", "backup", str(tmp_path / "backup"))
        if content is None:
            content = path.read_bytes()[:9000]
        path.write_bytes(content)
        result = todo("db", "restore", str(tmp_path / "backup"), "--yes", "--json")
        assert result.code == 0, result
        assert Path(json.loads(result.out)["kept"]).read_bytes() == content
        assert titles(todo) == ["one"]
        path.unlink()
        assert json.loads(todo("db", "restore", str(tmp_path / "backup"), "--yes", "--json").out)["kept"] is None
        assert titles(todo) == ["one"]

    def test_concurrent_changes_are_in_the_list_or_in_the_kept_file(self, fresh_cli: Cli) -> None:
        fresh_cli("add", "first")
        backup = fresh_cli.home / "backup"
        fresh_cli("db", "backup", str(backup))
        writers = [fresh_cli.start("add", f"todo {number}") for number in range(2)]
        restorer = fresh_cli.start("db", "restore", str(backup), "--yes")
        writers += [fresh_cli.start("add", f"todo {number}") for number in range(2, 4)]
        for process in (*writers, restorer):
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
        [kept] = fresh_cli.home.glob("*.replaced.bak")
        seen = set(titles(fresh_cli)) | set(titles(Cli(fresh_cli.home, TODO_DATABASE_URL=f"sqlite:///{kept}")))
        assert seen == {"first", *(f"todo {number}" for number in range(4))}

    def test_the_newest_five_backups_before_migrations_are_kept(self, todo: Here, path: Path) -> None:
        todo("add", "one")
        (path.with_name("todo.db.0001.bak")).touch()
        todo("db", "backup")
        for _ in range(4):
            assert todo("db", "migrate", "--to", "0002", "--yes").code == 0
            assert todo("db", "migrate").code == 0
        names = [file.name for file in path.parent.glob("*.bak")]
        assert len([name for name in names if ".revision-" in name]) == 5
        assert len(names) == 7
        assert titles(todo) == ["one"]


def test_a_server_is_backed_up_by_copying(cli: Cli, dialect: str, tmp_path: Path) -> None:
    cli("add", "one", "-t", "x")
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    cli("add", "two")
    before = (tmp_path / "copy.db").read_bytes()
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0
    assert titles(cli) == (["one"] if dialect == "sqlite" else ["one", "two"])
    assert (tmp_path / "copy.db").read_bytes() == before
    assert titles(Cli(cli.home, TODO_DATABASE_URL=f"sqlite:///{tmp_path}/copy.db")) == ["one"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


class TestPrivate:
    @pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o777])
    def test_all_files_are_private_regardless_of_the_umask(
        self, todo: Here, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
    ) -> None:
        monkeypatch.setenv("TODO_HOME", str(tmp_path / "some" / "where" / "home"))
        home = tmp_path / "some" / "where" / "home"
        seen: dict[str, int] = {}

        def look() -> None:
            seen.update({str(each): stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "some").rglob("*")})

        with umask(mask):
            assert todo("add", "a").code == 0
            assert todo("config", "set", "per_page", "7").code == 0
            assert todo("db", "backup").code == 0
            assert todo("db", "migrate", "--to", "0002", "--yes").code == 0
            with closing(sqlite3.connect(home / "todo.db")) as other:  # so that the files beside it stay
                other.execute("SELECT * FROM alembic_version").fetchall()
                assert todo("add", "b").code == 0
                look()
            assert todo("db", "restore", str(next(home.glob("*Z.bak"))), "--yes").code == 0
            look()
            assert os.umask(mask) == mask
        names = {Path(name).name for name in seen}
        assert {"todo.db", "todo.db-wal", "todo.db-shm", "config.toml", ".config.toml.lock"} <= names
        assert len([name for name in names if name.endswith(".bak")]) == 4
        for name, mode in seen.items():
            if not Path(name).name.startswith("completion-"):
                assert oct(mode) == oct(0o700 if Path(name).is_dir() else 0o600), name

    def test_doctor_lists_files_that_others_can_use(self, todo: Here, path: Path) -> None:
        todo("add", "a")
        todo("config", "set", "per_page", "7")
        todo("db", "backup")
        for file in path.parent.iterdir():
            file.chmod(0o600)
        assert todo("doctor").code == 0
        with closing(sqlite3.connect(path)) as other:
            other.execute("SELECT * FROM alembic_version").fetchall()
            for file in sorted(path.parent.iterdir()):
                file.chmod(0o640)
                result = todo("doctor")
                assert result.code == 1, file
                assert f"chmod 600 {file}" in result.out, file
                file.chmod(0o600)
        path.parent.chmod(0o755)
        assert f"chmod 700 {path.parent}" in todo("doctor").out

    def test_a_configuration_file_that_is_a_symlink_loop(self, todo: Here, path: Path) -> None:
        path.parent.mkdir(mode=0o700)
        config = path.parent / "config.toml"
        config.symlink_to(config)
        for command in (["config", "set", "per_page", "7"], ["list"], ["config", "list"], ["add", "a"]):
            check_is_clear(todo(*command), 1)
        assert config.is_symlink()
        assert todo("doctor").code == 1


class TestReadOnly:
    READING = (
        ["list"],
        ["show", "1"],
        ["history"],
        ["db", "status"],
    )

    def check_reading(self, run: Callable[..., Result], files: Path, copy: Path | None = None) -> None:
        """Check that everything can be read and nothing written, and that neither changes the folder."""
        before = {file.name: file.read_bytes() for file in files.iterdir()}
        for command in self.READING if is_exhaustive() else self.READING[::4]:
            result = run(*command)
            assert result.code == 0, (command, result)
            assert "water" in result.out or command[0] not in ("list", "show", "history"), (command, result)
        if copy:
            assert run("db", "copy", "--to", f"sqlite:///{copy}").code == 0
            assert run("db", "backup", f"{copy}.bak").code == 0
        for command in (["add", "x"], ["done", "1"], ["undo"]):
            result = run(*command)
            check_is_clear(result, 1, 5)
        assert {file.name: file.read_bytes() for file in files.iterdir()} == before

    @pytest.fixture
    def bound(self, fresh_cli: Cli) -> Callable[..., Result]:
        """Runs `todo` as a user who is bound by file modes: root without the capability to ignore them."""
        without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        if without and (
            not shutil.which("setpriv") or subprocess.run([*without, "true"], capture_output=True).returncode
        ):
            pytest.skip("root cannot give up its right to write everywhere here")

        def run(*arguments: str) -> Result:
            done = subprocess.run(
                [*without, sys.executable, "-m", "todo_cli", *arguments],
                env=fresh_cli.environment,
                cwd=fresh_cli.home.parent,
                capture_output=True,
                text=True,
            )
            return Result(done.stdout, done.stderr, done.returncode)

        return run

    @pytest.mark.parametrize("with_log", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
    def test_in_a_read_only_folder(
        self, fresh_cli: Cli, bound: Callable[..., Result], tmp_path: Path, with_log: bool
    ) -> None:
        home = fresh_cli.home
        fresh_cli("add", "first")
        if with_log:  # the last todo is only in the WAL, as in a snapshot of a folder in use
            with closing(sqlite3.connect(home / "todo.db")) as other:
                other.execute("SELECT * FROM alembic_version").fetchall()
                fresh_cli("add", "water the plants")
                for name in ("todo.db", "todo.db-wal"):
                    shutil.copy(home / name, tmp_path / name)
            shutil.rmtree(home)
            home.mkdir()
            for name in ("todo.db", "todo.db-wal"):
                shutil.move(tmp_path / name, home / name)
        else:
            fresh_cli("modify", "1", "title:'water the plants'")
        for file in home.glob("completion-*"):
            file.unlink()
        for file in home.iterdir():
            file.chmod(0o444)
        home.chmod(0o555)
        out = tmp_path / "out"
        out.mkdir()
        out.chmod(0o777)
        try:
            self.check_reading(
                lambda *arguments: bound(*["2" if with_log and word == "1" else word for word in arguments]),
                home,
                out / "copy.db",
            )
        finally:
            home.chmod(0o700)
        with closing(sqlite3.connect(out / "copy.db")) as copy:
            assert copy.execute("SELECT count(*) FROM todos").fetchone() == (2 if with_log else 1,)

    @pytest.fixture
    def mount(self, tmp_path: Path) -> Iterator[Callable[..., Path]]:
        mounted: list[Path] = []

        def make(size: str) -> Path:
            place = tmp_path / "mounted"
            place.mkdir()
            try:
                subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True, capture_output=True
                )
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"mounting is not permitted here: {error}")
            mounted.append(place)
            return place

        yield make
        for place in mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)

    def test_on_a_read_only_file_system(self, mount: Callable[..., Path], tmp_path: Path) -> None:
        place = mount("4m")
        cli = Cli(place / "home")
        cli("add", "water the plants")
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        out = tmp_path / "out"
        out.mkdir()
        self.check_reading(cli, place / "home", out / "copy.db")

    @pytest.mark.parametrize("in_use", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
    def test_on_a_full_disk(self, mount: Callable[..., Path], tmp_path: Path, in_use: bool) -> None:
        place = mount("400k")
        cli = Cli(place / "home")
        cli("add", "water the plants")
        with closing(sqlite3.connect(place / "home" / "todo.db")) as other:
            if in_use:
                other.execute("SELECT * FROM alembic_version").fetchall()
            try:
                with (place / "filler").open("wb", buffering=0) as filler:
                    while True:
                        filler.write(b"x" * 512)
            except OSError as error:
                assert error.errno == errno.ENOSPC
            for command in self.READING[:3]:
                result = cli(*command)
                assert result.code == 0, (command, result)
            assert cli("db", "copy", "--to", f"sqlite:///{tmp_path}/copy.db").code == 0
            for number in range(4):
                result = cli("add", f"{number} " + "x" * 9000)
                if result.code:
                    break
            check_is_clear(result, 1, 5)
        (place / "filler").unlink()
        assert len(titles(cli)) == number + 1
        assert cli("add", "again").code == 0


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <stdlib.h>

static int fail(int fd) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    return strlen(name) > 11 && strcmp(name + length - 11, "todo.db-wal") == 0;
}
int fsync(int fd) {
    if (fail(fd)) { errno = EIO; return -1; }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    if (fail(fd)) { errno = EIO; return -1; }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""


def test_after_a_failed_sync_it_is_unknown_whether_the_change_is_stored(fresh_cli: Cli, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux") or not shutil.which("gcc"):
        pytest.skip("needs gcc and Linux, to let a sync fail")
    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim), str(tmp_path / "shim.c"), "-ldl"], check=True)
    fresh_cli("add", "before")
    result = fresh_cli("add", "doubtful", LD_PRELOAD=str(shim))
    assert result.code == 5, result
    assert "nothing was written" not in result.err
    assert "it was stored completely or not at all" in result.err
    assert "todo history" in result.err
    assert titles(fresh_cli) in (["before"], ["before", "doubtful"])
    assert fresh_cli("add", "after").code == 0
