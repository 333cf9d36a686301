"""What is a matter of taste in dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DateOrder = Literal["d/m/y", "m/d/y"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """On which day a week begins (Monday 0 to Sunday 6), and how dates with slashes are read; None refuses them."""

    week_start: int = 0
    date_order: DateOrder | None = None


USUAL = Conventions()
