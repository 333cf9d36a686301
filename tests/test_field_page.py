"""The page on fields matches the registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from todo_cli.models.fields import FIELDS

ROOT = Path(__file__).parents[1]


def test_json_has_every_field_that_is_promised_to_scripts() -> None:
    page = (ROOT / "docs" / "output.md").read_text("utf-8")
    table = page.partition("| field | value |")[2].partition("\n\n")[0]
    promised = [name for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert len(promised) > 30
    keys = [field.json for field in FIELDS.values()]
    assert [key for key in keys if key in promised] == promised, "an array or object changes its order, or loses a key"
    by_key = {field.json: field for field in FIELDS.values()}
    undescribed = [by_key[key] for key in set(keys) - set(promised)]
    assert all(field.is_simple or field.is_linked for field in undescribed), "describe it in docs/output.md"


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
