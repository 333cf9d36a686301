"""Run the console examples on the pages of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_language_page import Reader, Section, Session, read_page, reader

__all__ = ["reader"]

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("dependencies.md", "history.md", "views-and-contexts.md")
SECTIONS = {
    f"{page}: {section.title}": section
    for page in PAGES
    for section in read_page((DOCS / page).read_text("utf-8"))
    if section.examples
}


@pytest.mark.either_database
@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_example(section: Section, reader: Reader) -> None:
    for example in section.examples:
        assert isinstance(example, Session)
        for line, output in example.lines:
            assert reader.run_line(line, output) == output, line
