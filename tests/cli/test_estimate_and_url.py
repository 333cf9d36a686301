"""Estimates and URLs: setting and showing them, and `todo open`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli, Here
from tests.terminal import at_terminal, on_screen
from tests.waits import wait_until

pytestmark = pytest.mark.either_database

URL = "https://example.com/a?b=1&c='d'"
ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def show(todo: Here, *arguments: str) -> Any:
    result = todo("show", *arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_set_change_and_clear(todo: Here) -> None:
    assert todo("add", "Paint", "estimate:1h30m", f"url:{URL}").code == 0
    assert (show(todo, "1")["estimate"], show(todo, "1")["url"]) == (5400, URL)
    assert todo("modify", "1", "--estimate", "2d", "--url", "mailto:alex@example.com").code == 0
    assert (show(todo, "1")["estimate"], show(todo, "1")["url"]) == (172_800, "mailto:alex@example.com")
    assert todo("modify", "1", "estimate:", "url:").code == 0
    assert (show(todo, "1")["estimate"], show(todo, "1")["url"]) == (None, None)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("estimate:90", "'90' is not a duration"),
        ("estimate:1mo", "has no fixed length"),
        ("estimate:-1h", "not a duration"),
        ("url:example.com", "is not a URL"),
        ("url:https://", "is not a URL"),
        ("url:/etc/passwd", "is not a URL"),
        ("url:https://example.com/\x1b[31m", "is not a URL"),
        ("url:https://example.com/é", "did you mean https://example.com/%C3%A9?"),
        ("url:https://example.com/%zz", "is not a URL"),
        (f"url:https://example.com/{'x' * 10_000}", "the limit is 10,000"),
    ],
)
def test_invalid_values_are_refused(todo: Here, attribute: str, message: str) -> None:
    refused = todo("add", "x", attribute)
    assert refused.code == 2
    assert message in refused.err
    assert todo("list").out == ""


def test_history_undo_and_show_at(todo: Here) -> None:
    todo("add", "Paint", "estimate:1h", f"url:{URL}")
    todo("modify", "1", "estimate:2h", "url:https://example.org")
    changes = json.loads(todo("history", "1", "--json").out)[0]["changes"]
    assert [(each["field"], each["old"], each["new"]) for each in changes] == [
        ("estimate", 3600, 7200),
        ("url", URL, "https://example.org"),
    ]
    [line] = [line for line in on_screen("history", "1", width=200) if "modify" in line]
    assert "modify 1 Paint: estimate 1h → 2h, url" in line
    todo("undo")
    assert (show(todo, "1")["estimate"], show(todo, "1")["url"]) == (3600, URL)
    todo("redo")
    assert show(todo, "1")["estimate"] == 7200


def test_the_next_occurrence_inherits_them(todo: Here) -> None:
    todo("add", "Paint", "due:tomorrow", "every:week", "estimate:1h", f"url:{URL}")
    todo("done", "1")
    assert (show(todo, "2")["estimate"], show(todo, "2")["url"]) == (3600, URL)
    creation = {each["field"]: each["new"] for each in json.loads(todo("history", "2", "--json").out)[0]["changes"]}
    assert (creation["estimate"], creation["url"]) == (3600, URL)


def test_filters(todo: Here) -> None:
    for title, estimate in (("a", "estimate:30m"), ("b", "estimate:2h"), ("c", f"url:{URL}")):
        todo("add", title, estimate)
    assert todo("list", "estimate.above:1h").ids == [2]
    assert todo("list", "estimate.below:1h").ids == [1]
    assert todo("list", "estimate:'120 min'").ids == [2]
    assert todo("list", "no:estimate").ids == [3]
    assert todo("list", "url:EXAMPLE.com").ids == [3]
    assert todo("list", "--sort=-estimate").ids == [2, 1, 3]


class TestAtATerminal:
    pytestmark = ON_SQLITE

    def test_the_footer_has_the_sum_over_all_pages(self, todo: Here) -> None:
        for title, estimate in (("a", "30m"), ("b", "2h"), ("c", "")):
            todo("add", title, *([f"estimate:{estimate}"] if estimate else []))
        shown = ("list", "--columns", "id,estimate", "--per-page", "1")
        assert on_screen(*shown)[-1] == "1–1 of 3 · page 1 of 3 · estimate 2h30m in total"
        assert on_screen(*shown, "a")[-1] == "1–1 of 1 · estimate 30m in total"
        assert on_screen(*shown, "c")[-1] == "1–1 of 1"
        assert "in total" not in on_screen("list")[-1]

    def test_a_url_is_a_link(self, todo: Here) -> None:
        todo("add", "Paint", f"url:{URL}")
        [row] = [
            line for line in on_screen("list", "--columns", "id,url", width=200, TERM="xterm-256color") if URL in line
        ]
        assert f";{URL}\x1b\\{URL}\x1b]8;;\x1b\\" in row
        assert "\x1b" not in on_screen("list", "--columns", "id,url")[1]


class TestOpen:
    pytestmark = ON_SQLITE

    @pytest.fixture
    def desktop(self, cli: Cli, tmp_path: Path) -> Path:
        """The file with the URLs that the desktop was asked to open."""
        opened = tmp_path / "opened"
        programs = tmp_path / "programs"
        programs.mkdir()
        for name in ("xdg-open", "open"):
            (programs / name).write_text(f"#!/bin/sh\nprintf '%s' \"$*\" > {opened}.new\nmv {opened}.new {opened}\n")
            (programs / name).chmod(0o755)
        cli.environment |= {"PATH": f"{programs}:{cli.environment['PATH']}", "DISPLAY": ":0"}
        return opened

    def at_terminal(self, cli: Cli, *arguments: str) -> str:
        result = at_terminal([sys.executable, "-m", "todo_cli", *arguments], cli.environment)
        assert result.code == 0, result.out
        return result.out

    @pytest.mark.parametrize("address", [URL, "HTTP://EXAMPLE.COM", "mailto:alex@example.com"])
    def test_the_desktop_opens_the_url(self, cli: Cli, desktop: Path, address: str) -> None:
        cli.here("add", "Paint", f"url:{address}")
        assert self.at_terminal(cli, "open", "1") == f"Opened {address}\n"
        wait_until(desktop.exists)
        assert desktop.read_text() == address

    @pytest.mark.parametrize("address", ["file:///etc/passwd", "ssh://example.com", "javascript:alert(1)"])
    def test_other_schemes_are_printed(self, cli: Cli, desktop: Path, address: str) -> None:
        cli.here("add", "Paint", f"url:{address}")
        assert self.at_terminal(cli, "open", "1") == f"{address}\n"
        assert not desktop.exists()

    def test_the_url_is_printed_without_a_desktop(self, cli: Cli, desktop: Path) -> None:
        cli.here("add", "Paint", f"url:{URL}")
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            cli.environment.pop(name, None)
        if sys.platform != "darwin":
            assert self.at_terminal(cli, "open", "1") == f"{URL}\n"
        assert not desktop.exists()

    def test_the_url_is_printed_in_a_pipe_and_in_json(self, cli: Cli, desktop: Path) -> None:
        cli.here("add", "Paint", f"url:{URL}")
        assert cli("open", "1").out == f"{URL}\n"
        assert json.loads(cli("open", "1", "--json").out) == {"id": 1, "url": URL}
        assert json.loads(self.at_terminal(cli, "open", "1", "--json")) == {"id": 1, "url": URL}
        assert not desktop.exists()

    def test_todos_without_a_url_are_refused(self, todo: Here) -> None:
        todo("add", "Paint")
        refused = todo("open", "1")
        assert (refused.code, refused.err.splitlines()) == (
            3,
            ["error: todo 1 has no URL", "hint: set one with 'todo modify 1 url:https://example.com'"],
        )
        assert todo("open", "2").code == 3
        assert todo("open", "1,2").code == 2
