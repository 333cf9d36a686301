"""SQLAlchemy's dialect for SQLite without unnecessary queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from todo_cli.db.connection.compiled import Interchangeable

if TYPE_CHECKING:
    from sqlalchemy import Connection


class PlainSqliteDialect(Interchangeable, SQLiteDialect_aiosqlite):
    """The dialect without queries on a new connection."""

    supports_statement_cache = True
    default_schema_name = "main"

    def initialize(self, connection: Connection) -> None:
        """Run no queries."""
