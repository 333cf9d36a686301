"""What `docs/views-and-contexts.md` shows is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_language_page import Reader, Section, Session, read_page, reader
from todo_cli.config.defaults import COEFFICIENTS, STYLES

__all__ = ["reader"]

PAGE = Path(__file__).parents[1] / "docs" / "views-and-contexts.md"
TEXT = PAGE.read_text("utf-8")
SECTIONS = list(read_page(TEXT))


@pytest.mark.parametrize("section", SECTIONS, ids=[section.title for section in SECTIONS])
def test_every_example(section: Section, reader: Reader) -> None:
    for example in section.examples:
        assert isinstance(example, Session)
        for line, output in example.lines:
            assert reader.run_line(line, output) == output, line


def test_every_coefficient_and_style_is_on_the_page() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (\S+) \|", TEXT, re.MULTILINE))
    assert {name: float(rows.get(f"urgency.{name}", "nan")) for name in COEFFICIENTS} == dict(COEFFICIENTS)
    assert {name for name in STYLES if f"`{name}`" not in TEXT} == set()
