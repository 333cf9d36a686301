"""Conventions for dates, which users can set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DateOrder = Literal["d/m/y", "m/d/y"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """The first day of the week (Monday 0 to Sunday 6), and the order of dates with slashes; None refuses them."""

    week_start: int = 0
    date_order: DateOrder | None = None


USUAL = Conventions()
