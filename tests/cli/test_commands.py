"""Commands as people and scripts use them, on both databases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import BERLIN, Cli, Here
from todo_cli.models.fields import FIELDS

pytestmark = pytest.mark.either_database

KEYS = [field.json for field in FIELDS.values()]


def as_json(todo: Here, *arguments: str) -> Any:
    result = todo(*arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


class TestAdd:
    def test_words_become_the_title(self, todo: Here) -> None:
        assert todo("add", "Buy", "milk").out == "1\topen\t\t\t\t\tBuy milk\n"

    def test_options_may_be_anywhere(self, todo: Here) -> None:
        added = as_json(todo, "add", "-p", "home.flat", "Pay", "-t", "bills", "rent", "-t", "money", "-d", "2026-12-24")
        assert list(added) == [*KEYS, "next", "changed_with", "ready"]
        assert (added["title"], added["project"], added["tags"]) == ("Pay rent", "home.flat", ["bills", "money"])
        assert (added["due"], added["priority"], added["description"]) == ("2026-12-24", None, None)

    def test_json_times_are_in_utc(self, todo: Here) -> None:
        assert as_json(todo, "add", "a", "--due", "2026-12-24 18:00")["due"] == "2026-12-24T17:00:00Z"

    def test_after_two_dashes_everything_is_text(self, todo: Here) -> None:
        added = todo("add", "--json", "--", "-5", "degrees", "--json", "-d", "today")
        assert json.loads(added.out)["title"] == "-5 degrees --json -d today"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["add"], "missing argument 'WORDS'"),
            (["add", " "], "the title is blank"),
            (["add", "a", "-d", "tommorow"], "did you mean 'tomorrow'?"),
            (["add", "a", "-p", "my home"], "did you mean 'my-home'?"),
            (["add", "a", "-t", "#x"], "did you mean 'x'?"),
            (["add", "a", "--priority", "hihg"], "did you mean 'high'?"),
            (["add", "a", "--projct", "x"], "did you mean --"),
            (["add", "x" * 10_001], "10,001 characters"),
            (["add", "a\udcff"], "not valid UTF-8"),
            (["add", "a", "--description", "\udcff"], "not valid UTF-8"),
        ],
    )
    def test_invalid_input_is_refused_and_nothing_is_stored(
        self, todo: Here, arguments: list[str], message: str
    ) -> None:
        result = todo(*arguments)
        assert result.code == 2
        assert result.out == ""
        assert message in result.err
        assert result.err.startswith("error: ")
        assert as_json(todo, "list", "--status", "all") == []
        assert as_json(todo, "project", "list") == []


class TestChanging:
    def test_the_lifecycle_of_a_todo(self, todo: Here) -> None:
        todo("add", "a", "-p", "home", "-t", "x")
        assert todo("done", "1").out.split("\t")[:2] == ["1", "done"]
        again = todo("done", "1")
        assert (again.code, again.err) == (0, "1: already done\n")
        assert todo("reopen", "1").out.split("\t")[1] == "open"
        assert todo("cancel", "1").out.split("\t")[1] == "cancelled"
        assert todo("delete", "1").code == 0
        assert todo("delete", "1").err == "1: already in the trash\n"
        assert todo("list", "--status", "all").out == ""
        assert todo("trash", "list").ids == [1]
        assert as_json(todo, "show", "1")["deleted_at"]
        assert todo("restore", "1").code == 0
        assert todo("restore", "1").err == "1: not in the trash\n"
        assert as_json(todo, "show", "1")["version"] == 6

    def test_modify(self, todo: Here) -> None:
        todo("add", "a", "-p", "home", "-t", "x", "-d", "today", "--description", "text")
        changed = as_json(todo, "modify", "1", "--title", "b c", "--no-due", "--no-project", "--untag", "x", "-t", "y")
        assert (changed["title"], changed["due"], changed["project"], changed["tags"]) == ("b c", None, None, ["y"])
        assert changed["description"] == "text"
        assert as_json(todo, "modify", "1", "--description", "", "--priority", "low")["description"] is None
        assert as_json(todo, "modify", "1", "--priority", "none")["priority"] is None

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ([], "nothing to change: set at least one field"),
            (["--due", "today", "--no-due"], "cannot be used together"),
            (["--project", "x", "--no-project"], "cannot be used together"),
            (["--title", ""], "the title is blank"),
        ],
    )
    def test_modify_refuses_invalid_changes(self, todo: Here, options: list[str], message: str) -> None:
        todo("add", "a")
        result = todo("modify", "1", *options)
        assert result.code == 2
        assert message in result.err

    def test_json_is_an_object_for_one_todo_and_an_array_for_several(self, todo: Here) -> None:
        todo("add", "a")
        todo("add", "b")
        assert as_json(todo, "done", "1")["id"] == 1
        assert [item["id"] for item in as_json(todo, "reopen", "1-2")] == [1, 2]
        assert [item["id"] for item in as_json(todo, "show", "2,1")] == [2, 1]

    def test_all_or_nothing_with_each_failed_reference_named(self, todo: Here) -> None:
        todo("add", "a")
        todo("add", "b")
        todo("delete", "2")
        result = todo("done", "1", "2", "7", "9")
        assert result.code == 3
        assert "there is no todo 7, 9; todo 2 is in the trash" in result.err
        assert as_json(todo, "show", "1")["status"] == "open"

    def test_a_mistyped_reference_never_becomes_a_search(self, todo: Here) -> None:
        todo("add", "milk")
        for reference in ("milk", "mil", "l", "1.", "01x"):
            result = todo("done", reference)
            assert result.code == 2
            assert "is not a todo number or uuid" in result.err
        assert as_json(todo, "show", "1")["status"] == "open"


class TestList:
    @pytest.fixture
    def filled(self, todo: Here) -> Here:
        today = datetime.now(BERLIN).date()
        for arguments in (
            ["milk", "-p", "home", "-t", "shop", "--priority", "high"],
            ["bread", "-p", "home.flat", "-t", "shop", "-t", "soon", "-d", str(today - timedelta(days=2))],
            ["MILK and honey", "-d", str(today + timedelta(days=2))],
            ["100% done_", "-p", "old"],
        ):
            assert todo("add", *arguments).code == 0
        todo("add", "finished")
        todo("done", "5")
        return todo

    @pytest.mark.parametrize(
        ("arguments", "ids"),
        [
            ([], [2, 3, 1, 4]),
            (["milk"], [3, 1]),
            (["milk", "honey"], [3]),
            (["100%"], [4]),
            (["_"], [4]),
            (["-p", "home"], [2, 1]),
            (["-t", "shop", "-t", "soon"], [2]),
            (["--status", "done"], [5]),
            (["--status", "all"], [2, 3, 1, 4, 5]),
            (["--overdue"], [2]),
            (["--due-before", "today"], [2]),
            (["--due-after", "today"], [3]),
            (["--priority", "high"], [1]),
            (["project:home", "+shop"], [2, 1]),
            (["+soon or honey"], [2, 3]),
            (["--tag", "shop", "milk", "or", "bread"], [2, 1]),
            (["is:overdue", "or", "(milk", "not", "+shop)"], [2, 3]),
            (["MILK and honey"], [3]),
            (["milk honey"], []),
            (["'MILK and honey'"], [3]),
            (["is:done"], [5]),
            (["--status", "all", "no:project"], [3, 5]),
            (["id:4-5", "--sort=-id"], [5, 4]),
            (["--priority", "none"], [2, 3, 4]),
            (["--sort", "id"], [1, 2, 3, 4]),
            (["--sort", "title", "--reverse"], [3, 1, 2, 4]),
            (["--sort", "id", "--per-page", "2", "--page", "2"], [3, 4]),
            (["--sort", "id", "--per-page", "3"], [1, 2, 3]),
            (["--all"], [2, 3, 1, 4]),
        ],
        ids=lambda value: " ".join(map(str, value)) or "nothing",
    )
    def test_filters_sort_orders_and_pages(self, filled: Here, arguments: list[str], ids: list[int]) -> None:
        for name in ("list", "ls"):
            assert filled(name, *arguments).ids == ids
        assert [item["id"] for item in as_json(filled, "list", *arguments)] == ids

    def test_without_a_command(self, filled: Here) -> None:
        assert filled().out == filled("list").out
        assert as_json(filled) == as_json(filled, "list")

    def test_an_archived_project_is_listed_if_named(self, filled: Here) -> None:
        filled("project", "archive", "old")
        assert filled("list").ids == [2, 3, 1]
        assert filled("list", "-p", "old").ids == [4]

    def test_an_unknown_name_is_an_error(self, filled: Here) -> None:
        result = filled("list", "-p", "hoem")
        assert (result.code, result.out) == (3, "")
        assert result.err == "error: there is no project 'hoem'\nhint: did you mean 'home'?\n"
        assert filled("list", "-t", "shop", "milk", "--overdue").code == 0  # the tag exists; nothing matches
        assert filled("list", "not (bread or", "+shpo)", "milk").ids == [3, 1]  # found without it
        result = filled("list", "nothing", "(bread or", "+shpo)")
        assert (result.code, result.err.splitlines()[1]) == (3, "hint: did you mean 'shop'?")

    def test_the_error_marks_the_mistake_in_an_expression(self, filled: Here) -> None:
        result = filled("list", "milk", "prjoect:home")
        assert (result.code, result.out) == (2, "")
        assert result.err.splitlines() == [
            "error: unknown attribute 'prjoect'",
            "  milk prjoect:home",
            "       ^^^^^^^",
            "hint: did you mean 'project:'? to search for the text, write title:prjoect:home",
        ]
        refused = filled("list", "milk", "prjoect:home", "--json")
        assert json.loads(refused.err) == {
            "error": "unknown attribute 'prjoect'",
            "hint": "did you mean 'project:'? to search for the text, write title:prjoect:home",
            "exit_code": 2,
            "expression": "milk prjoect:home",
            "position": 5,
        }

    @pytest.mark.parametrize("words", ["not urgency.above:5", "not blocked:yes", "not nonsense.above:5"])
    def test_an_unknown_attribute_never_matches_everything(self, filled: Here, words: str) -> None:
        before = filled("list", "status:all", "--json").out
        for arguments in (
            ["list", words],
            ["list", *words.split()],
            ["next", words],
            ["done", "--where", words, "--yes"],
            ["delete", "--where", words, "--yes"],
            ["view", "save", "mine", words],
            ["context", "save", "mine", words],
        ):
            result = filled(*arguments)
            assert (result.code, result.out) == (2, ""), arguments
            assert "error: unknown attribute" in result.err
        assert filled("list", "status:all", "--json").out == before

    def test_a_page_beyond_the_last_is_reported(self, filled: Here) -> None:
        result = filled("list", "--per-page", "3", "--page", "9")
        assert (result.code, result.out) == (0, "")
        assert result.err == "There is no page 9; the last page is 2.\n"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--status", "opne"], "did you mean 'open'?"),
            (["--sort", "deu"], "did you mean 'due'?"),
            (["--page", "0"], "--page"),
            (["--per-page", "0"], "--per-page"),
            (["--all", "--page", "1"], "cannot be used together"),
            (["--due-before", "31.12."], "is not a date"),
            (["due.before:31.12."], "is not a date"),
            ([""], "the filter is empty"),
            (["(-shop)"], "did you mean 'not +shop'?"),
            (["-shop"], "not +shop"),
            (["--page", "99999999999999999999"], "--page"),
        ],
    )
    def test_invalid_options_are_refused(self, filled: Here, arguments: list[str], message: str) -> None:
        result = filled("list", *arguments)
        assert (result.code, result.out) == (2, "")
        assert message in result.err


class TestNames:
    def test_projects(self, todo: Here) -> None:
        todo("add", "a", "-p", "home")
        todo("add", "b", "-p", "home.flat")
        todo("done", "2")
        assert as_json(todo, "project", "list") == [
            {"name": "home", "open": 1, "done": 0, "archived_at": None},
            {"name": "home.flat", "open": 0, "done": 1, "archived_at": None},
        ]
        assert todo("project", "rename", "home", "house").out == "home\thouse\nhome.flat\thouse.flat\n"
        assert todo("project", "archive", "house").out == "house\nhouse.flat\n"
        assert todo("project", "list").out == ""
        assert len(todo("project", "list", "--all").lines) == 2
        assert todo("add", "c", "-p", "house").code == 4
        assert todo("project", "unarchive", "house").code == 0
        refused = todo("project", "delete", "house")
        assert (refused.code, todo("project", "list").lines[0]) == (2, "house\t1\t0\t")
        assert "--yes" in refused.err
        assert todo("project", "delete", "house", "--yes").out == "house\nhouse.flat\n"
        assert as_json(todo, "show", "1")["project"] is None
        assert todo("project", "delete", "house").code == 3

    def test_tags(self, todo: Here) -> None:
        todo("add", "a", "-t", "x")
        assert todo("tag", "rename", "x", "y").out == "x\ty\n"
        assert as_json(todo, "tag", "list") == [{"name": "y", "open": 1, "done": 0}]
        assert todo("tag", "delete", "y").code == 2
        assert todo("tag", "delete", "y", "-y").out == "y\n"
        assert as_json(todo, "show", "1")["tags"] == []

    def test_users_do_not_see_each_other(self, todo: Here, monkeypatch: pytest.MonkeyPatch) -> None:
        todo("add", "hers")
        assert todo("user", "add", "sam").out == "sam\n"
        refused = todo("list")
        assert (refused.code, refused.out) == (2, "")
        assert "alex, sam" in refused.err
        assert todo("--user", "sam", "list").ids == []
        assert todo("list", "--user", "alex").ids == [1]
        assert todo("--user", "sam", "done", "1").code == 3
        monkeypatch.setenv("TODO_USER", "sam")
        assert todo("list").ids == []
        assert [user["you"] for user in as_json(todo, "user", "list")] == [False, True]
        unknown = todo("list", "--user", "alx")
        assert unknown.code == 3
        assert "users: alex, sam" in unknown.err


def test_renaming_yourself_updates_the_setting(todo: Here, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    todo("config", "set", "user", "Alex")
    assert todo("user", "rename", "alex", "alexa").code == 0
    assert todo("config", "get", "user").out == "Alex\n"  # that was not the default database
    assert todo("--user", "alexa", "user", "rename", "alexa", "alex").code == 0
    monkeypatch.delenv("TODO_DATABASE_URL")
    todo("config", "set", "database", url)
    assert todo("user", "rename", "alex", "sandra").code == 0
    assert todo("config", "get", "user").out == "sandra\n"
    assert todo("list").code == 0


class TestTrash:
    def test_emptying_asks_first(self, todo: Here) -> None:
        todo("add", "a")
        todo("delete", "1")
        refused = todo("trash", "empty")
        assert refused.code == 2
        assert todo("trash", "list").ids == [1]
        assert as_json(todo, "trash", "empty", "--yes") == {"removed": 1}
        assert todo("trash", "list").ids == []
        assert todo("trash", "empty").err == "The trash is empty.\n"
        assert todo("restore", "1").code == 3


def test_the_first_command_on_a_new_machine(fresh_cli: Cli) -> None:
    assert fresh_cli("list").out == ""
    assert fresh_cli("add", "Buy milk", "-d", "2026-12-24").out == "1\topen\t\t2026-12-24\t\t\tBuy milk\n"
    assert json.loads(fresh_cli("list", "--json").out)[0]["title"] == "Buy milk"
    assert (fresh_cli.home / "todo.db").exists()


def test_dates_are_in_the_time_zone_of_the_user(cli: Cli) -> None:
    added = json.loads(cli("add", "a", "-d", "2026-07-01 18:00", "--json", TZ="America/New_York").out)
    assert added["due"] == "2026-07-01T22:00:00Z"
    assert added["created_at"].endswith("Z")
    refused = cli("add", "b", "-d", "2026-03-08 02:30", TZ="America/New_York")
    assert refused.code == 2
    assert "2026-03-08 03:30" in refused.err


@pytest.mark.parametrize("zone", ["Nowhere/Land", "garbage\x01", ":", ""])
def test_an_unusable_time_zone_is_a_one_line_error(fresh_cli: Cli, zone: str) -> None:
    result = fresh_cli("add", "a", TZ=zone)
    assert result.code in (0, 2)
    assert "Traceback" not in result.err
    assert result.err == "" or result.err.startswith("error: ")


def test_adding_with_a_uuid_can_be_repeated(todo: Here) -> None:
    uuid = "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
    first = todo("add", "Pay rent", "-t", "bills", "--id", uuid, "--json")
    again = todo("add", "Something else", "--id", uuid.lower().replace("-", ""), "--json")
    assert (first.code, again.code) == (0, 0)
    assert json.loads(first.out) == json.loads(again.out)
    assert json.loads(first.out)["uuid"] == uuid.lower()
    assert again.err == "1: already exists\n"
    assert len(todo("list").lines) == 1
    for wrong in ("12", "3f2504e0", "3f2504e0-4f89-41d3-9a0c0305e82c3301", ""):
        assert todo("add", "x", "--id", wrong).code == 2


def test_modify_if_version(todo: Here) -> None:
    todo("add", "a")
    assert todo("modify", "1", "--title", "mine", "--if-version", "1").code == 0
    refused = todo("modify", "1", "--title", "theirs", "--if-version", "1")
    assert refused.code == 4
    assert "at version 2, not 1" in refused.err
    assert json.loads(todo("show", "1", "--json").out)["title"] == "mine"
    assert todo("modify", "1-2", "--title", "x", "--if-version", "1").code == 2
    assert todo("modify", "1", "--title", "x", "--if-version", "0").code == 2
