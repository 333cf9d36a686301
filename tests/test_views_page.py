"""The lists in `docs/views-and-contexts.md` are complete."""

from __future__ import annotations

import re
from pathlib import Path

from todo_cli.config.defaults import COEFFICIENTS, STYLES

PAGE = Path(__file__).parents[1] / "docs" / "views-and-contexts.md"
TEXT = PAGE.read_text("utf-8")


def test_every_coefficient_and_style_is_on_the_page() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([-\d.]+) \|", TEXT, re.MULTILINE))
    assert {name: float(rows.get(f"urgency.{name}", "nan")) for name in COEFFICIENTS} == dict(COEFFICIENTS)
    styles = dict(re.findall(r"^\| `theme\.(\w+)` \| `([^`]+)` \|", TEXT, re.MULTILINE))
    assert styles == dict(STYLES)
