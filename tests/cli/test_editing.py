"""`edit` and `add -e`: the real process, and an editor that follows a script."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli, Here, Result
from tests.editor import FakeEditor, Step
from tests.terminal import at_terminal

RENT = ("Pay rent", "due:2026-11-30", "project:home", "+bills", "--description", "To the *landlord*.")


@pytest.fixture
def dialect() -> str:
    """The editor does not depend on the database; `modify` with a version and the services are tested on both."""
    return "sqlite"


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEditor:
    fake = FakeEditor(tmp_path / "editor")
    monkeypatch.setenv("VISUAL", fake.command)
    monkeypatch.setenv("EDITOR", "false")
    return fake


def show(todo: Here, reference: str = "1") -> Any:
    return json.loads(todo("show", reference, "--json").out)


def kept(result: Result) -> str:
    """Return the text that was kept, and remove it."""
    path = Path(result.err.rstrip().split("your text is kept in ")[1].splitlines()[0])
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text("utf-8")
    path.unlink()
    return text


class TestEdit:
    def test_changed_fields_are_written(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", *RENT)
        editor.will(
            Step(
                [
                    ('"Pay rent"', r'"Pay the \"rent\" \u001B"'),
                    ('due = "2026-11-30"', 'due = "2026-12-01 5pm"'),
                    ('tags = "bills"', 'tags = "flat, BILLS"'),
                    ('priority = ""', 'priority = "h"'),
                    ('wait = ""', 'wait = "2026-11-25"'),
                    ('until = ""', 'until = "2026-12-31"'),
                    ('every = ""', 'every = "month"'),
                    ("To the *landlord*.", "Line one\n+++\nline two"),
                ]
            )
        )
        result = todo("edit", "1")
        assert (result.code, result.ids, result.err) == (0, [1], "")
        now = show(todo)
        assert (now["title"], now["due"]) == ('Pay the "rent" \x1b', "2026-12-01T16:00:00Z")
        assert (now["tags"], now["priority"]) == (["bills", "flat"], "high")
        assert (now["wait"], now["until"]) == ("2026-11-24T23:00:00Z", "2026-12-31T23:00:00Z")
        assert (now["recurrence"], now["description"]) == ("FREQ=MONTHLY", "Line one\n+++\nline two")
        assert (now["project"], now["version"]) == ("home", 2)

    def test_empty_fields_are_cleared(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", *RENT, "priority:high", "scheduled:2026-11-01", "every:month")
        editor.will(
            Step(
                [
                    ('"2026-11-30"', '""'),
                    ('"2026-11-01"', '"none"'),
                    ('"bills"', '""'),
                    ('"home"', '""'),
                    ('"high"', '""'),
                    ('"month on the last day"', '""'),
                    ("To the *landlord*.\n", "\n"),
                ]
            )
        )
        todo("modify", "1", "every:'last day of month'")
        assert todo("edit", "1").code == 0
        now = show(todo)
        emptied = ("due", "scheduled", "project", "priority", "every", "description")
        assert [now[field] for field in (*emptied, "tags")] == [None] * len(emptied) + [[]]

    def test_without_changes_nothing_is_written(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", *RENT, "every:month", "wait:2026-11-25")
        for step in (
            Step(),
            Step([('"2026-11-30"', '" 30 nov 2026"'), ('"bills"', '"BILLS, bills"'), ('"home"', '"Home"')]),
            Step(text=""),
        ):
            editor.will(step)
            result = todo("edit", "1")
            assert (result.code, result.err) == (0, "1: nothing changed\n")
            assert show(todo)["version"] == 1

    def test_dependencies_and_parent(self, todo: Here, editor: FakeEditor) -> None:
        for title in "abcd":
            todo("add", title)
        todo("modify", "1", "depends:2", "parent:4")
        meanwhile = [["modify", "1", "depends:4"]]
        editor.will(
            Step([('depends = "2"', 'depends = "3"'), ('parent = "4"', 'parent = ""')], meanwhile),
            Step([('parent = ""', 'parent = "2"'), ('depends = "3, 4"', 'depends = ""')]),
            Step([('depends = ""', 'depends = "3-4"')]),
        )
        assert todo("edit", "1").code == 0
        assert (show(todo)["depends"], show(todo)["parent"]) == ([3, 4], None)
        assert todo("edit", "1").code == 0
        assert (show(todo)["depends"], show(todo)["parent"]) == ([], 2)
        assert todo("edit", "3").code == 4
        assert show(todo, "3")["depends"] == []

    def test_several_todos_are_edited_one_after_the_other(self, todo: Here, editor: FakeEditor) -> None:
        for title in "abc":
            todo("add", title)
        editor.will(Step([('"c"', '"C"')]), Step(), Step([('"b"', '"B"')]))
        assert [item["title"] for item in json.loads(todo("edit", "3,1-2", "--json").out)] == ["C", "a", "B"]

    def test_a_later_failure_keeps_earlier_changes(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a")
        todo("add", "b")
        editor.will(Step([('"a"', '"A"')]), Step(code=3))
        result = todo("edit", "1-2")
        assert (result.code, result.ids) == (1, [1])
        assert "exited with code 3" in result.err

    def test_the_file_is_private_and_removed_afterwards(self, todo: Here, editor: FakeEditor, tmp_path: Path) -> None:
        todo("add", "a")
        editor.will(Step([('"a"', '"b"')]))
        todo("edit", "1")
        assert (editor.folder / "modes").read_text() == "600 700"
        assert not list((tmp_path / "home").rglob("*.md"))

    def test_a_missing_todo_opens_no_editor(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a")
        todo("delete", "1")
        editor.will(Step())
        assert (todo("edit", "1").code, todo("edit", "7").code, todo("edit", "x").code, todo("edit").code) == (
            3,
            3,
            2,
            2,
        )
        assert editor.left == 1

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('due = ""', 'due = "fridya"', "did you mean 'friday'?"),
            ('due = ""', "due = friday", "not valid TOML"),
            ('due = ""', 'deu = ""', "did you mean due?"),
            ('title = "a"', 'title = " "', "the title is blank"),
            ('title = "a"', 'title = ""', "the title is blank"),
            ('tags = ""', 'tags = "my tag"', "did you mean 'my-tag'?"),
            ('tags = ""', 'tags = "x, none"', "a tag cannot be called 'none'"),
            ('every = ""', 'every = "fortnight"', "is not a valid recurrence"),
            ('until = ""', 'until = "2020-01-01"', "until must be after wait"),
            ("+++\n\n", "+++\n\udcff", "not valid UTF-8"),
        ],
    )
    def test_an_error_stores_nothing_and_keeps_the_text(
        self, todo: Here, editor: FakeEditor, old: str, new: str, message: str
    ) -> None:
        todo("add", "a", "wait:2026-11-30")
        editor.will(Step([(old, new)]))
        result = todo("edit", "1")
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        if "\udcff" not in new:
            assert new in kept(result)
        assert show(todo)["version"] == 1

    def test_an_editor_that_fails(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a")
        editor.will(Step([('"a"', '"b"')], code=1), Step(code=1))
        changed, unchanged = todo("edit", "1"), todo("edit", "1")
        assert (changed.code, unchanged.code) == (1, 1)
        assert 'title = "b"' in kept(changed)
        assert "kept" not in unchanged.err
        assert show(todo)["version"] == 1

    def test_a_conflict_is_refused_and_the_text_is_kept(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a", "-p", "old")
        todo("add", "b")
        todo("project", "archive", "old")
        editor.will(Step([('project = ""', 'project = "old"')]))
        result = todo("edit", "2")
        assert result.code == 4
        assert "is archived" in result.err
        assert 'project = "old"' in kept(result)

    def test_a_recurrence_may_count_from_completion_instead(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a", "due:2026-11-30", "every:2 weeks")
        editor.will(
            Step([('every = "2 weeks"', 'every = ""'), ('every-after = ""', 'every-after = "10 days"')]),
            Step([('every = ""', 'every = "day"')]),
        )
        assert todo("edit", "1").code == 0
        assert show(todo)["every"] == "10 days after it is done"
        assert "cannot be used together" in todo("edit", "1").err

    def test_the_last_day_of_a_month_stays_the_last_day(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a", "due:2026-11-30")
        editor.will(Step([('due = "2026-11-30"', 'due = "last day of november"'), ('every = ""', 'every = "month"')]))
        todo("edit", "1")
        assert show(todo)["recurrence"] == "FREQ=MONTHLY;BYMONTHDAY=-1"


class TestEditor:
    @pytest.mark.parametrize(
        ("visual", "command", "code", "message"),
        [
            ("", "true", 0, "nothing changed"),
            ("true", "false", 0, "nothing changed"),
            ("false", "true", 1, "the editor 'false' exited with code 1"),
            ("", "nowhere -w", 1, "cannot start the editor 'nowhere'"),
            ("", "'", 2, "EDITOR is not a valid command"),
            ("", " ", 1, "an editor needs a terminal"),
        ],
    )
    def test_visual_overrides_editor(
        self, todo: Here, monkeypatch: pytest.MonkeyPatch, visual: str, command: str, code: int, message: str
    ) -> None:
        todo("add", "a")
        monkeypatch.setenv("VISUAL", visual)
        monkeypatch.setenv("EDITOR", command)
        result = todo("edit", "1")
        assert result.code == code
        assert message in result.err

    def test_an_installed_editor_is_used_at_a_terminal(self, cli: Cli, tmp_path: Path) -> None:
        cli.here("add", "a")
        folder = tmp_path / "bin"
        folder.mkdir()
        environment = {**cli.environment, "PATH": str(folder), "VISUAL": "", "EDITOR": ""}
        command = [sys.executable, "-m", "todo_cli", "edit", "1"]
        none = at_terminal(command, environment)
        assert (none.code, "no editor was found" in none.out) == (1, True)
        (folder / "vi").write_text("#!/bin/sh\necho opened\n")
        (folder / "vi").chmod(0o755)
        found = at_terminal(command, environment)
        assert (found.code, "opened" in found.out) == (0, True)

    def test_its_output_goes_to_stderr(self, cli: Cli) -> None:
        cli.here("add", "a")
        result = cli("edit", "1", "--json", VISUAL="", EDITOR="sh -c 'echo hello'")
        assert json.loads(result.out)["id"] == 1
        assert "hello" in result.err


class TestConcurrentChanges:
    def test_other_fields_are_merged(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", *RENT)
        meanwhile = [["modify", "1", "due:2026-12-24", "+now", "untag:bills"], ["done", "1"]]
        editor.will(Step([('"Pay rent"', '"Pay the rent"'), ('"bills"', '"bills, flat"')], meanwhile))
        result = todo("edit", "1")
        assert result.code == 0
        assert (
            result.err
            == "todo 1 was changed in the meantime: tags is now 'now'; due is now '2026-12-24'; status is now done\n"
        )
        now = show(todo)
        assert (now["title"], now["due"], now["status"]) == ("Pay the rent", "2026-12-24", "done")
        assert (now["tags"], now["description"]) == (["flat", "now"], "To the *landlord*.")

    def test_the_same_change_is_no_conflict(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a")
        editor.will(Step([('"a"', '"b"')], [["modify", "1", "--title", "b"]]))
        result = todo("edit", "1")
        assert (result.code, show(todo)["version"]) == (0, 2)
        assert "nothing changed" in result.err

    def test_a_comment_is_no_conflict(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a")
        editor.will(Step([('"a"', '"b"')], [["comment", "1", "c"]]))
        result = todo("edit", "1")
        assert result.err == "todo 1 was changed in the meantime, but only in fields that the editor does not show\n"
        assert show(todo)["title"] == "b"

    def test_the_same_field_is_refused_without_a_terminal(self, todo: Here, editor: FakeEditor) -> None:
        todo("add", "a", "-p", "p")
        meanwhile = [["modify", "1", "--title", "theirs", "-p", "q"]]
        editor.will(Step([('"a"', '"mine"'), ('due = ""', 'due = "2026-11-30"')], meanwhile))
        result = todo("edit", "1")
        assert (result.code, result.out) == (4, "")
        assert "title is now 'theirs', and you set it to 'mine'" in result.err
        assert 'title = "mine"' in kept(result)
        now = show(todo)
        assert (now["title"], now["project"], now["due"], now["version"]) == ("theirs", "q", None, 2)

    @pytest.mark.parametrize("gone", [["delete", "1"], ["trash", "empty", "--yes"]])
    def test_a_deleted_todo_is_reported(self, todo: Here, editor: FakeEditor, gone: list[str]) -> None:
        todo("add", "a")
        editor.will(Step([('"a"', '"mine"')], [["delete", "1"], gone]))
        result = todo("edit", "1")
        assert result.code == 3
        assert 'title = "mine"' in kept(result)

    @pytest.mark.parametrize(
        ("typed", "title"), [("m\n", "mine"), ("theirs\n", "theirs"), ("what\nM\n", "mine"), ("e\n", "again")]
    )
    def test_a_terminal_asks_which_value_to_keep(self, cli: Cli, editor: FakeEditor, typed: str, title: str) -> None:
        cli.here("add", "a", "-p", "p")
        meanwhile = [["modify", "1", "--title", "theirs", "-p", "q"]]
        editor.will(Step([('"a"', '"mine"'), ('due = ""', 'due = "2026-11-30"')], meanwhile), Step([("mine", "again")]))
        environment = {**cli.environment, "VISUAL": editor.command}
        result = at_terminal([sys.executable, "-m", "todo_cli", "edit", "1"], environment, typed=typed)
        assert result.code == 0, result.out
        now = json.loads(cli("show", "1", "--json").out)
        assert (now["title"], now["project"], now["due"]) == (title, "q", "2026-11-30")
        assert editor.left == (0 if typed == "e\n" else 1)
        if typed == "e\n":
            assert editor.seen[1].startswith("#! title was changed to 'theirs' in the meantime")
            assert 'project = "q"' in editor.seen[1]

    def test_an_interruption_at_the_question_keeps_the_text(self, cli: Cli, editor: FakeEditor) -> None:
        cli.here("add", "a")
        editor.will(Step([('"a"', '"mine"')], [["modify", "1", "--title", "theirs"]]))
        environment = {**cli.environment, "VISUAL": editor.command, "COLUMNS": "200"}
        result = at_terminal([sys.executable, "-m", "todo_cli", "edit", "1"], environment, typed="\x04", width=200)
        assert result.code == 130
        assert 'title = "mine"' in kept(Result("", result.out, 0))


class TestReopening:
    """At a terminal, an error opens the editor again."""

    def edit(self, cli: Cli, editor: FakeEditor, *steps: Step) -> Result:
        cli.here("add", "a")
        editor.will(*steps)
        environment = {**cli.environment, "VISUAL": editor.command}
        return at_terminal([sys.executable, "-m", "todo_cli", "edit", "1"], environment, width=200)

    def test_the_reason_is_at_the_top(self, cli: Cli, editor: FakeEditor) -> None:
        result = self.edit(
            cli,
            editor,
            Step([('due = ""', 'due = "fridya"'), ('"a"', '"b"')]),
            Step([("fridya", "2026-11-30"), ("priority", "prio")]),
            Step([("prio", "priority")]),
        )
        assert result.code == 0, result.out
        first, second, third = editor.seen
        assert "#!" not in first
        assert second.startswith("#! error: 'fridya' is not a date\n#! hint: did you mean 'friday'?")
        assert 'due = "fridya"' in second
        assert third.startswith("#! error: unknown field 'prio'\n")
        assert "fridya" not in third
        now = json.loads(cli("show", "1", "--json").out)
        assert (now["title"], now["due"], now["version"]) == ("b", "2026-11-30", 2)

    def test_conflicts_in_the_database_reopen_the_editor(self, cli: Cli, editor: FakeEditor) -> None:
        result = self.edit(
            cli, editor, Step([('every = ""', 'every = "hour"')]), Step([('due = ""', 'due = "2026-11-30 18:00"')])
        )
        assert result.code == 0, result.out
        assert editor.seen[1].startswith("#! error: an hourly or minutely recurrence")

    def test_invalid_combinations_can_be_corrected(self, cli: Cli, editor: FakeEditor) -> None:
        result = self.edit(cli, editor, Step([('parent = ""', 'parent = "1"')]), Step([('"1"', '""')]))
        assert result.code == 0, result.out
        assert editor.seen[1].startswith("#! error: ")

    def test_an_unchanged_text_gives_up(self, cli: Cli, editor: FakeEditor) -> None:
        result = self.edit(cli, editor, Step([('due = ""', 'due = "fridya"')]), Step())
        assert result.code == 2
        assert "'fridya' is not a date" in result.out
        assert 'due = "fridya"' in kept(Result("", result.out, 0))


class TestAdding:
    def test_words_are_filled_in(self, todo: Here, editor: FakeEditor) -> None:
        editor.will(Step([("+++\n\n", "+++\nIn *detail*.\n"), ('until = ""', 'until = "2027-01-01"')]))
        todo("add", "first")
        words = (
            "Pay rent",
            "due:30 nov 2026",
            "+bills",
            "--every-after",
            "2 weeks",
            "-p",
            "home",
            "--priority=high",
            "depends:1",
        )
        assert todo("add", "-e", *words).out.split("\t")[:2] == ["2", "open"]
        for line in (
            'title = "Pay rent"',
            'tags = "bills"',
            'due = "30 nov 2026"',
            'every-after = "2 weeks"',
            'project = "home"',
            'priority = "high"',
            'depends = "1"',
        ):
            assert f"\n{line}" in editor.seen[0]
        now = show(todo, "2")
        assert now["depends"] == [1]
        assert (now["title"], now["description"], now["due"]) == ("Pay rent", "In *detail*.", "2026-11-30")
        assert (now["until"], now["every"]) == ("2027-01-01T23:00:00Z", "2 weeks after it is done")
        assert (now["tags"], now["project"], now["priority"]) == (["bills"], "home", "high")

    def test_an_unchanged_text_adds_the_words(self, todo: Here, editor: FakeEditor) -> None:
        editor.will(Step())
        assert todo("add", "--edit", "Buy milk").out == "1\topen\t\t\t\t\tBuy milk\n"
        assert show(todo)["description"] is None

    @pytest.mark.parametrize(
        "step", [Step(), Step(text=""), Step(text="+++\n+++\n"), Step([('due = ""', 'due = "x"')])]
    )
    def test_without_a_title_nothing_is_added(self, todo: Here, editor: FakeEditor, step: Step) -> None:
        editor.will(step)
        result = todo("add", "-e")
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: nothing was added")
        assert todo("list", "--status", "all").out == ""

    def test_an_error_in_the_words_opens_no_editor(self, todo: Here, editor: FakeEditor) -> None:
        editor.will(Step())
        assert todo("add", "-e", "a", "due:fridya").code == 2
        assert todo("add", "-e", "a", "--id", "x").code == 2
        assert editor.left == 1

    def test_an_error_in_the_text_adds_nothing(self, todo: Here, editor: FakeEditor) -> None:
        editor.will(Step([('due = ""', 'due = "fridya"')]))
        result = todo("add", "-e", "a")
        assert result.code == 2
        assert 'due = "fridya"' in kept(result)
        assert todo("list").out == ""
