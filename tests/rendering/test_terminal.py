"""Footers of pages."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from todo_cli.models.values import COUNT_LIMIT, Priority, Status, TodoPage, TodoPublic
from todo_cli.rendering.terminal.renderer import describe_page

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TODO = TodoPublic(
    1, UUID(int=1), "t", None, Status.OPEN, Priority.NONE, None, (),
    None, None, None, None, None, None, None, MOMENT, MOMENT, None, None, 1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "total", "number", "size", "text"),
    [
        (20, 131, 1, 20, "1–20 of 131 · page 1 of 7"),
        (11, 131, 7, 20, "121–131 of 131 · page 7 of 7"),
        (3, 3, 1, 20, "1–3 of 3"),
        (20, 20, 1, 20, "1–20 of 20"),
        (20, COUNT_LIMIT + 1, 1, 20, "1–20 of 10,000+ · page 1 of 500+"),
        (20, COUNT_LIMIT, 500, 20, "9981–10000 of 10,000 · page 500 of 500"),
        (1, None, 1, None, "1 todo"),
        (12, None, 1, None, "12 todos"),
    ],
)
def test_footers(shown: int, total: int | None, number: int, size: int | None, text: str) -> None:
    assert describe_page(TodoPage([TODO] * shown, total, number, size)) == text
