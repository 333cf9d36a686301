"""Column types that behave alike on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, String, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: takes aware datetimes only, stores UTC, gives aware UTC back.

    SQLite has no type for instants: there the UTC time is kept as text that sorts.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the type is INTEGER; its integers hold 64 bits all the same."""


def identity_column() -> Column[Any]:
    """Return a primary key that the database counts up and never gives out twice."""
    return Column(BigInt, Identity(always=False), primary_key=True)


def binary_text(length: int | None = None) -> String:
    """Return a text type that compares by code point on both databases (PostgreSQL's default is the locale's order)."""
    plain = String(length) if length else Text()
    collated = String(length, collation="C") if length else Text(collation="C")
    return plain.with_variant(collated, "postgresql")
