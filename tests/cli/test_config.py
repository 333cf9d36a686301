"""Settings: their sources, and changes to the configuration file."""

from __future__ import annotations

import difflib
import json
import stat
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli, Here
from tests.terminal import on_screen
from tests.waits import HANGING
from todo_cli.cli.invocation import Invocation
from todo_cli.config.defaults import COEFFICIENTS, STYLES
from todo_cli.errors import InvalidInputError
from todo_cli.query.urgency import Coefficients

NEON = "postgresql://alex:AbC123dEf@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech/dbname?sslmode=require"


def test_a_flag_overrides_the_environment_the_file_and_the_default(fresh_cli: Cli, tmp_path: Path) -> None:
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


def test_comments_in_the_file_are_preserved(fresh_cli: Cli) -> None:
    fresh_cli.home.mkdir()
    path = fresh_cli.home / "config.toml"
    path.write_text("# my settings\nper_page = 7  # lines\n")
    fresh_cli("config", "set", "user", "alex")
    assert path.read_text() == '# my settings\nper_page = 7  # lines\nuser = "alex"\n'
    assert fresh_cli("config", "get", "per_page").out == "7\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_can_read_the_file(fresh_cli: Cli) -> None:
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
    ("content", "message"),
    [
        ("per_page = ", "not valid TOML"),
        ("per_pag = 3", "unknown setting"),
        ("per_page = 'many'", "a whole number"),
        ("per_page = \xff", "not valid TOML"),
        ("per_page = [3]", "per_page must be a single value"),
        ("user = {name = 'x'}", "user must be a single value"),
        ("[view.a]", "unknown setting 'view'"),
        ("views = 3", "views must be a table, not a number"),
        ("[views]\na = 'x'", "views.a must be a table, not text"),
        ("[views.a]\nfiltr = 'x'", "unknown key 'filtr' in views.a"),
        ("[views.a]\nfilter = 3", "views.a.filter must be text, not a number"),
        ("[views.a]\ncolumns = [1]", "views.a.columns must be a list of names"),
        ("[contexts.a]\nsort = 'x'", "unknown key 'sort' in contexts.a"),
        ("[contexts.a]\ndefaults = ['x']", "contexts.a.defaults must be text"),
        ("urgency = 3", "urgency must be a table, not a number"),
        ("[urgency]\nduu = 3", "did you mean 'urgency.due'?"),
        ("[urgency]\ndue = 'x'", "urgency.due must be a number"),
        ("[urgency]\ndue = nan", "urgency.due must be a number"),
        ("[urgency]\nage_max = 0", "urgency.age_max must be a number of days"),
        ("[urgency.priority]\nurgent = 3", "unknown setting 'urgency.priority.urgent'"),
        ("[urgency]\nproject = 3", "did you mean 'urgency.projects'?"),
        ("theme = 3", "theme must be a table, not a number"),
        ("[theme]\noverdue = ['red']", "theme.overdue must be a single value, not a list"),
    ],
)
def test_an_invalid_file_is_named_in_the_error(fresh_cli: Cli, content: str, message: str) -> None:
    fresh_cli.home.mkdir()
    (fresh_cli.home / "config.toml").write_bytes(content.encode("latin-1"))
    for arguments in (["list"], ["config", "set", "user", "alex"]):
        result = fresh_cli(*arguments)
        assert result.code == 2
        assert message in result.err
    assert (fresh_cli.home / "config.toml").read_bytes() == content.encode("latin-1")
    assert fresh_cli("config", "path").out == f"{fresh_cli.home / 'config.toml'}\n"


def test_concurrent_changes_are_all_stored(fresh_cli: Cli) -> None:
    fresh_cli("config", "path")
    for attempt in range(3):
        values = {"per_page": str(attempt + 5), "user": f"user{attempt}", "database": f"sqlite:////tmp/{attempt}.db"}
        processes = [fresh_cli.start("config", "set", key, value) for key, value in values.items()]
        for process in processes:
            process.communicate(timeout=HANGING)
        assert [process.returncode for process in processes] == [0, 0, 0]
        assert {key: fresh_cli("config", "get", key).out.strip() for key in values} == values


def test_a_symbolic_link_to_the_file_is_preserved(fresh_cli: Cli, tmp_path: Path) -> None:
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


def test_a_missing_home_folder_is_explained(fresh_cli: Cli) -> None:
    result = fresh_cli("list", TODO_HOME="~nobody-of-that-name/x")
    assert result.code == 1
    assert "set TODO_HOME" in result.err


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "a b", "ä", "a?mode=ro"])
def test_a_folder_may_have_any_name(fresh_cli: Cli, tmp_path: Path, name: str) -> None:
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


TABLES = """\
# mine
per_page = 7  # lines

[views.bills]  # what is to be paid
# why
filter = "+bills"  # in quotes
sort = "due"

[theme]
today = "red"  # mine

[contexts.work]
filter = "project:work"
"""


class TestTables:
    @pytest.fixture
    def path(self, todo: Here, tmp_path: Path) -> Path:
        path = tmp_path / "home" / "config.toml"
        path.parent.mkdir()
        path.write_text(TABLES)
        return path

    def test_commands_change_only_their_own_part(self, todo: Here, path: Path) -> None:
        def changed(*arguments: str) -> list[str]:
            """Return the lines that the command added and removed, marked with + and -."""
            before = path.read_text().splitlines()
            assert todo(*arguments).code == 0
            after = path.read_text().splitlines()
            shown = difflib.ndiff(before, after)
            return [line for line in shown if line[0] in "+-" and line[2:]]

        assert changed("config", "set", "user", "alex") == ['+ user = "alex"']
        assert changed("config", "set", "theme.today", "blue") == [
            '- today = "red"  # mine',
            '+ today = "blue"  # mine',
        ]
        assert changed("config", "set", "theme.overdue", "bold red") == ['+ overdue = "bold red"']
        assert changed("config", "unset", "theme.today") == ['- today = "blue"  # mine']
        assert changed("config", "set", "urgency.priority.high", "7") == ["+ [urgency.priority]", "+ high = 7.0"]
        assert changed("config", "set", "urgency.due", "3") == ["+ [urgency]", "+ due = 3.0"]
        assert changed("config", "set", "urgency.tag.next", "15") == ["+ [urgency.tag]", "+ next = 15.0"]
        assert changed("config", "set", "urgency.project.work.api", "2") == [
            "+ [urgency.project]",
            '+ "work.api" = 2.0',
        ]
        assert changed("view", "save", "bills", "+money", "--sort", "due", "--force") == [
            '- filter = "+bills"  # in quotes',
            '+ filter = "+money"  # in quotes',
        ]
        assert changed("view", "save", "x", "a") == ["+ [views.x]", '+ filter = "a"']
        assert changed("view", "delete", "x") == ["- [views.x]", '- filter = "a"']
        assert changed("context", "use", "work") == ['+ context = "work"']
        assert changed("context", "delete", "work") == [
            '- context = "work"',
            "- [contexts.work]",
            '- filter = "project:work"',
        ]
        assert changed("config", "unset", "urgency.tag.next") == ["- next = 15.0"]
        assert todo("config", "get", "urgency.project.work.api").out == "2.0\n"
        assert "# mine" in path.read_text()

    @pytest.mark.parametrize(
        "content", ["views.a.filter = 'x'\n", "urgency.due = 3\n", "contexts = {a = {filter = 'x'}}\n"]
    )
    def test_every_form_of_the_file_is_read_and_preserved(self, todo: Here, path: Path, content: str) -> None:
        path.write_text(content)
        for arguments in (
            ["view", "save", "b", "+x"],
            ["context", "save", "b", "+x"],
            ["config", "set", "urgency.tag.x", "1"],
            ["config", "set", "user", "alex"],
        ):
            before = path.read_text()
            result = todo(*arguments)
            if result.code:
                assert "cannot add to the tables" in result.err
                assert path.read_text() == before
        listed = json.loads(todo("view", "list", "--json").out), json.loads(todo("context", "list", "--json").out)
        assert {"name": "b", "filter": "+x", "defaults": None, "used": False} in listed[1] or "views" in content
        assert todo("config", "get", "user").out == "alex\n"

    def test_values_are_checked_before_they_are_stored(self, todo: Here, path: Path) -> None:
        for key, value, message in (
            ("theme.overdue", "blod red", "'blod red' is not a valid style for theme.overdue"),
            ("theme.overdu", "red", "did you mean 'theme.overdue'?"),
            ("theme.due.overdue", "red", "did you mean 'theme.overdue'?"),
            ("urgency.due", "much", "a number"),
            ("urgency.tag.a b", "1", "did you mean 'a-b'?"),
            ("urgency.tag.", "1", "unknown setting"),
            ("views.bills", "x", "unknown setting"),
        ):
            refused = todo("config", "set", key, value)
            assert (refused.code, message in refused.err) == (2, True), refused
        assert path.read_text() == TABLES

    def test_the_list_has_changed_settings_or_a_whole_table(self, todo: Here, path: Path) -> None:
        assert todo("config", "list").lines[-1].split("\t")[:3] == ["theme.today", "red", "stored"]
        assert len(todo("config", "list", "theme").lines) == len(STYLES)
        rows = [line.split("\t")[:3] for line in todo("config", "list", "urgency").lines]
        assert rows == [[f"urgency.{name}", str(value), "default"] for name, value in COEFFICIENTS.items()]
        assert todo("config", "list", "views").code == 2
        assert todo("config", "get", "urgency.tag.unheard").out == "0.0\n"

    def test_urgency_uses_the_coefficients_in_the_file(self, todo: Here, path: Path) -> None:
        path.write_text(
            "[urgency]\ndue = 3\npriority.low = 1\n[urgency.tag]\nNext = 15\n[urgency.project]\nwork.api = 2\n"
        )
        found = Invocation().coefficients
        assert found == Coefficients(due=3, priority_low=1, tag={"next": 15}, project={"work.api": 2})
        path.write_text("")
        assert Invocation().coefficients == Coefficients()
        path.write_text("[urgency.tag]\n'a b' = 1\n")
        with pytest.raises(InvalidInputError, match="not a valid tag name"):
            _ = Invocation().coefficients

    def test_the_theme_in_the_file_is_used(self, todo: Here, path: Path) -> None:
        todo("add", "late", "due:yesterday")
        path.write_text("[theme]\noverdue = 'green'\nid = 'none'\n")
        screen = "\n".join(on_screen("list", TERM="xterm-256color"))
        assert "\x1b[32m1 day overdue" in screen
        assert "\x1b[36m" not in screen
        path.write_text("[theme]\noverdue = 'gren'\n")
        assert on_screen("list")[0] == "error: 'gren' is not a valid style for theme.overdue"
        assert todo("list").code == 0  # a pipe has no use for it

    def test_styles_of_earlier_versions_are_only_a_warning(self, todo: Here, path: Path) -> None:
        todo("add", "late", "due:yesterday")
        path.write_text("[theme]\ndue.overdue = 'green'\n'todo.title' = 'red'\nlow = 'blue'\n")
        warned = on_screen("list", width=200)
        assert warned[:4] == [
            f"warning: theme.due.overdue in {path} is not a style",
            "hint: use theme.overdue, or run 'todo config unset theme.due.overdue'",
            f"warning: theme.todo.title in {path} is not a style",
            "hint: run 'todo config list theme' to list the styles, or run 'todo config unset theme.todo.title'",
        ]
        assert warned[5].endswith("1 day overdue")
        piped = todo("list")
        assert (piped.code, piped.err) == (0, "")
        assert todo("config", "unset", "theme.due.overdue").code == 0
        assert todo("config", "unset", "theme.todo.title").code == 0
        assert path.read_text().split() == ["[theme]", "low", "=", "'blue'"]
        assert on_screen("list", width=200)[0].split() == ["id", "title", "due"]
