"""Column types that behave the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, String, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. It accepts only aware datetimes, stores them in UTC, and returns aware datetimes in UTC.

    SQLite has no such type and stores the UTC time as text, which sorts correctly.
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
"""SQLite numbers rows automatically only if the type is INTEGER; it has 64 bits anyway."""


def identity_column() -> Column[Any]:
    """Return a primary key that the database generates and never reuses."""
    return Column(BigInt, Identity(always=False), primary_key=True)


def binary_text(length: int | None = None) -> String:
    """Return a text type that compares by code point on both databases; PostgreSQL's default depends on the locale."""
    plain = String(length) if length else Text()
    collated = String(length, collation="C") if length else Text(collation="C")
    return plain.with_variant(collated, "postgresql")
