"""How far a database has counted its todos, for whoever brings todos in with numbers of their own."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from todo_cli.models.tables import SCHEMA, TODOS, Todo

_TABLE = f"{SCHEMA}.{Todo.__tablename__}"


async def hold_numbers(session: AsyncSession) -> None:
    """Let nobody else get a number until the transaction ends. Others can read meanwhile.

    On SQLite a transaction that writes is the only one that does. On PostgreSQL the lock keeps out whoever inserts or
    changes todos; numbers are counted apart from transactions, so that otherwise one could be given out that is
    brought in. The steps are locked first: every command writes its own before anything else, so those that come now
    wait there while they hold nothing, and nobody waits in a circle with this transaction. Two that hold numbers at
    once do; the server lets one of them go on, and the other is tried again.
    """
    if _is_postgresql(session):
        await session.execute(text(f"LOCK TABLE {SCHEMA}.steps, {_TABLE} IN SHARE ROW EXCLUSIVE MODE"))


async def read_counter(session: AsyncSession) -> int:
    """Return the greatest number that was given out, to a todo that may be gone; 0 where there was none."""
    counter = await session.scalar(text(_READ[_is_postgresql(session)]), {"table": _name(session)})
    greatest = await session.scalar(select(func.max(TODOS.c.id)))
    return max(counter or 0, greatest or 0)


async def raise_counter(session: AsyncSession, number: int) -> bool:
    """Let the next todo get a number above this one; return False if it would in any case.

    What PostgreSQL counts is not taken back with the transaction: this comes last in it.
    """
    parameters = {"table": _name(session), "number": number}
    if (await session.scalar(text(_READ[_is_postgresql(session)]), parameters) or 0) >= number:
        return False
    if _is_postgresql(session):
        sequence = "pg_get_serial_sequence(:table, 'id')"
        # By nextval it never counts backwards, also where this role may not see how far it has counted.
        await session.execute(text(f"SELECT setval({sequence}, greatest(:number, nextval({sequence})))"), parameters)
        return True
    # SQLite makes the row with the first todo (https://sqlite.org/autoinc.html).
    await session.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), parameters)
    await session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :number)"), parameters)
    return True


_READ = {
    False: "SELECT seq FROM sqlite_sequence WHERE name = :table",
    True: "SELECT last_value FROM pg_sequences "
    "WHERE format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence(:table, 'id')",
}


def _name(session: AsyncSession) -> str:
    # No statement about a sequence is translated into our schema, as those about tables are.
    return _TABLE if _is_postgresql(session) else Todo.__tablename__


def _is_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"
