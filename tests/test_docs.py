"""Run the examples of the README, and check links, paths and exit codes in the docs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def block(name: str) -> str:
    match = re.search(rf"^<!-- {name} -->\n```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert match, name
    return match[1]


def test_the_five_minute_tour(fresh_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "todo").write_text(f'#!/bin/sh\nexec {sys.executable} -m todo_cli "$@"\n')
    (tmp_path / "todo").chmod(0o755)
    environment = {**fresh_cli.environment, "PATH": f"{tmp_path}:{fresh_cli.environment['PATH']}"}
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("tour")], env=environment, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "Found 1 todo.\n")
    assert fresh_cli("list", "--status", "all", "--sort", "id").ids == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("name", ["try", "test"])
def test_the_two_commands_are_one_line_each(name: str) -> None:
    assert block(name).count("\n") == 1


def test_links_have_targets() -> None:
    root = Path(__file__).parents[1]
    for path in (root / "README.md", *(root / "docs").rglob("*.md"), root / "CONTRIBUTING.md", root / "SECURITY.md"):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), (path, link)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "SECURITY.md"])
def test_paths_in_pages_for_contributors_exist(page: str) -> None:
    """Such as `db/write/step.py`, `resident/` or `tests/cli/test_imports.py`."""
    root = Path(__file__).parents[1]
    text = (root / page).read_text("utf-8")
    folders = {path.name: path for path in (root, *(root / "todo_cli").rglob("*")) if path.is_dir()}
    for name in re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:/|\.py))`", text):
        near = (
            [root, root / "todo_cli", *folders.values()] if "/" not in name.rstrip("/") else [root, root / "todo_cli"]
        )
        assert any((folder / name).exists() for folder in near), (page, name)


def test_every_exit_code_of_the_errors_is_in_the_readme() -> None:
    from todo_cli import errors

    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert codes | {0} == documented


@pytest.mark.exhaustive
def test_the_pictures_are_current(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    drawn = subprocess.run(
        [sys.executable, root / "docs" / "make_pictures.py", tmp_path], capture_output=True, text=True
    )
    assert (drawn.returncode, drawn.stderr) == (0, "")
    for picture in (root / "docs" / "pictures").iterdir():
        assert (tmp_path / picture.name).read_text("utf-8") == picture.read_text("utf-8"), (
            "run: python docs/make_pictures.py"
        )
