"""The sequence of todo numbers, for adding todos that already have numbers."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from todo_cli.models.tables import SCHEMA, TODOS, Todo

_TABLE = f"{SCHEMA}.{Todo.__tablename__}"


async def hold_numbers(session: AsyncSession) -> None:
    """Prevent others from drawing numbers until the transaction ends. Reading remains possible.

    SQLite has a single writer anyway. On PostgreSQL, sequences are not transactional, so without a lock, a number that
    this transaction adds could also be drawn by another one. The table of steps is locked first: every command inserts
    its step before anything else, so it waits there without holding other locks, which avoids deadlocks. Two such
    transactions can still deadlock; the server then cancels one of them, and it is tried again.
    """
    if _is_postgresql(session):
        await session.execute(text(f"LOCK TABLE {SCHEMA}.steps, {_TABLE} IN SHARE ROW EXCLUSIVE MODE"))


async def read_counter(session: AsyncSession) -> int:
    """Return the greatest number ever drawn, even if its todo no longer exists; 0 if there was none."""
    counter = await session.scalar(text(_READ[_is_postgresql(session)]), {"table": _name(session)})
    greatest = await session.scalar(select(func.max(TODOS.c.id)))
    return max(counter or 0, greatest or 0)


async def raise_counter(session: AsyncSession, number: int) -> bool:
    """Make the next number greater than this one; return False if it is already.

    PostgreSQL does not roll back sequences, so call this last in the transaction.
    """
    parameters = {"table": _name(session), "number": number}
    if (await session.scalar(text(_READ[_is_postgresql(session)]), parameters) or 0) >= number:
        return False
    if _is_postgresql(session):
        sequence = "pg_get_serial_sequence(:table, 'id')"
        # nextval prevents setting it back, even if this role cannot read the sequence.
        await session.execute(text(f"SELECT setval({sequence}, greatest(:number, nextval({sequence})))"), parameters)
        return True
    # SQLite creates the row with the first todo (https://sqlite.org/autoinc.html).
    await session.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), parameters)
    await session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :number)"), parameters)
    return True


_READ = {
    False: "SELECT seq FROM sqlite_sequence WHERE name = :table",
    True: "SELECT last_value FROM pg_sequences "
    "WHERE format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence(:table, 'id')",
}


def _name(session: AsyncSession) -> str:
    # The schema is translated for tables only, not for sequences.
    return _TABLE if _is_postgresql(session) else Todo.__tablename__


def _is_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"
