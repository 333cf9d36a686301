"""The manual page matches the current help, and formats without warnings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "todo.1"


@pytest.mark.parametrize("columns", ["40", "200"])
def test_matches_the_help(columns: str, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_man_page.py", "--print"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": columns, "TODO_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert made.stdout.decode() == PAGE.read_text("ascii"), "run: python docs/make_man_page.py"


def test_formats_without_warnings() -> None:
    if not shutil.which("groff"):
        assert "CI" not in os.environ, "groff is not installed"
        pytest.skip("groff is not installed")
    made = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=80n", "-P-cbou", PAGE], capture_output=True, text=True, check=True
    )
    assert made.stderr == ""
    assert "todo, neon-todo - manage todos in the terminal" in made.stdout
    assert "Example: todo list 'project:home (+bills or +shop) not due.after:friday'" in made.stdout
    assert "todo db migrate [OPTIONS]" in made.stdout
