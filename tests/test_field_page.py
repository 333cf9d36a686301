"""The page on fields matches the registry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_matches_the_registry(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_field_table.py", "--print"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
    )
    written = (ROOT / "docs" / "fields.md").read_text("utf-8")
    assert made.stdout.decode() == written, "run: python docs/make_field_table.py"
