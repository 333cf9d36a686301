"""Settings: where they come from, and what is written."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli

NEON = "postgresql://alex:AbC123dEf@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech/dbname?sslmode=require"


def test_flag_before_environment_before_file_before_default(fresh_cli: Cli, tmp_path: Path) -> None:
    def source(*arguments: str, **environment: str) -> tuple[str, str]:
        status = json.loads(fresh_cli(*arguments, "db", "status", "--json", **environment).out)
        return status["source"], status["database"]

    one, two, three = (f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "two", "three"))
    assert source() == ("default", str(fresh_cli.home / "todo.db"))
    assert fresh_cli("config", "set", "database", one).code == 0
    assert source() == ("stored", f"{tmp_path}/one.db")
    assert source(TODO_DATABASE_URL=two) == ("environment", f"{tmp_path}/two.db")
    assert source("--database", three, TODO_DATABASE_URL=two) == ("flag", f"{tmp_path}/three.db")
    assert source(DATABASE_URL=two) == ("stored", f"{tmp_path}/one.db")  # it is for other programs
    fresh_cli("config", "set", "database", "")
    assert source() == ("default", str(fresh_cli.home / "todo.db"))


def test_values_are_checked_before_they_are_stored(fresh_cli: Cli) -> None:
    for key, value in (("per_page", "0"), ("per_page", "x"), ("database", "nonsense"), ("user", "a b"), ("nope", "1")):
        refused = fresh_cli("config", "set", key, value)
        assert refused.code == 2
        assert not (fresh_cli.home / "config.toml").exists()


def test_what_a_person_wrote_in_the_file_stays(fresh_cli: Cli) -> None:
    fresh_cli.home.mkdir()
    path = fresh_cli.home / "config.toml"
    path.write_text("# my settings\nper_page = 7  # lines\n")
    fresh_cli("config", "set", "user", "alex")
    assert path.read_text() == '# my settings\nper_page = 7  # lines\nuser = "alex"\n'
    assert fresh_cli("config", "get", "per_page").out == "7\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_may_read_the_file(fresh_cli: Cli) -> None:
    fresh_cli("config", "set", "database", NEON)
    path = fresh_cli.home / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    fresh_cli("config", "set", "user", "alex")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(file.name for file in fresh_cli.home.iterdir()) == [".config.toml.lock", "config.toml"]


def test_a_password_is_stored_and_never_shown(fresh_cli: Cli) -> None:
    fresh_cli("config", "set", "database", NEON)
    assert "AbC123dEf" in (fresh_cli.home / "config.toml").read_text()
    for arguments in (["list"], ["list", "--json"], ["get", "database"], ["get", "database", "--json"]):
        result = fresh_cli("config", *arguments)
        assert result.code == 0
        assert "ep-cool-darkness" in result.out
        assert "AbC123dEf" not in result.out + result.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("per_page = ", "not valid TOML"),
        ("per_pag = 3", "no setting"),
        ("per_page = 'many'", "a whole number"),
        ("per_page = \xff", "not valid TOML"),
    ],
)
def test_a_file_that_is_not_understood_is_named(fresh_cli: Cli, content: str, told: str) -> None:
    fresh_cli.home.mkdir()
    (fresh_cli.home / "config.toml").write_bytes(content.encode("latin-1"))
    for arguments in (["list"], ["config", "set", "user", "alex"]):
        result = fresh_cli(*arguments)
        assert result.code == 2
        assert told in result.err
    assert (fresh_cli.home / "config.toml").read_bytes() == content.encode("latin-1")
    assert fresh_cli("config", "path").out == f"{fresh_cli.home / 'config.toml'}\n"


def test_settings_that_are_stored_at_once_are_all_stored(fresh_cli: Cli) -> None:
    fresh_cli("config", "path")
    for attempt in range(3):
        values = {"per_page": str(attempt + 5), "user": f"user{attempt}", "database": f"sqlite:////tmp/{attempt}.db"}
        processes = [fresh_cli.start("config", "set", key, value) for key, value in values.items()]
        for process in processes:
            process.communicate(timeout=60)
        assert [process.returncode for process in processes] == [0, 0, 0]
        assert {key: fresh_cli("config", "get", key).out.strip() for key in values} == values


def test_a_link_to_the_file_stays_a_link(fresh_cli: Cli, tmp_path: Path) -> None:
    fresh_cli.home.mkdir()
    real = tmp_path / "dotfiles.toml"
    real.write_text("per_page = 7\n")
    (fresh_cli.home / "config.toml").symlink_to(real)
    assert fresh_cli("config", "set", "user", "alex").code == 0
    assert real.read_text() == 'per_page = 7\nuser = "alex"\n'
    assert (fresh_cli.home / "config.toml").is_symlink()


def test_a_relative_file_is_the_same_from_every_folder(fresh_cli: Cli) -> None:
    fresh_cli("config", "set", "database", "sqlite:///list.db")
    assert fresh_cli("config", "get", "database").out == f"sqlite:///{fresh_cli.home.parent}/list.db\n"


def test_an_empty_option_is_not_the_default(fresh_cli: Cli) -> None:
    for arguments in (["list", "--database", ""], ["--database", "", "list"], ["list", "--user", ""]):
        assert fresh_cli(*arguments).code == 2


def test_without_a_home_folder_it_is_said_what_to_set(fresh_cli: Cli) -> None:
    result = fresh_cli("list", TODO_HOME="~nobody-of-that-name/x")
    assert result.code == 1
    assert "set TODO_HOME" in result.err


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "a b", "ä", "a?mode=ro"])
def test_a_folder_may_be_named_anything(fresh_cli: Cli, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    assert fresh_cli("add", "a", TODO_HOME=str(home)).code == 0
    assert (home / "todo.db").exists()
    assert json.loads(fresh_cli("db", "status", "--json", TODO_HOME=str(home)).out)["todos"] == 1


def test_the_list_of_settings(fresh_cli: Cli) -> None:
    settings = {item["key"]: item for item in json.loads(fresh_cli("config", "list", "--json", TODO_USER="sam").out)}
    assert (settings["user"]["value"], settings["user"]["source"]) == ("sam", "environment")
    assert (settings["per_page"]["value"], settings["per_page"]["source"]) == (None, "default")
    assert fresh_cli("config", "get", "per_page").out == ""
    assert fresh_cli("config", "get", "per_pag").code == 2
