"""The holder of a lock on a PostgreSQL server, after a lock timeout."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from todo_cli.models.tables import SCHEMA

MIGRATION_LOCK = "hashtext('todo migration')"
"""The number, as SQL, of the advisory lock that serializes migrations."""

# Row locks are not in pg_locks unless somebody waits for them, but their holder also holds a lock on the table. An
# older transaction is more likely to block; one that began during the wait is not the cause.
_HOLDER = text(f"""
SELECT a.pid, a.usename, a.application_name, a.state, a.xact_start
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND a.pid <> pg_backend_pid() AND a.datname = current_database() AND l.mode <> 'AccessShareLock'
    AND (l.relation IN (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace('{SCHEMA}'))
        OR l.locktype = 'advisory' AND l.objid = ({MIGRATION_LOCK}::bigint & 4294967295)::oid)
    AND coalesce(a.xact_start, '-infinity') <= clock_timestamp() - make_interval(secs => :waited)
ORDER BY a.xact_start NULLS LAST
LIMIT 1
""").bindparams(bindparam("waited"))  # noqa: S608 - no user input


async def find_lock_holder(connection: AsyncConnection, waited: float, zone: tzinfo | None) -> str | None:
    """Return a description of who has held locks on our tables for that long; None if the server does not show it.

    A server shows the sessions of other roles only to roles that may read its statistics.
    """
    row: Row[Any] | None = (await connection.execute(_HOLDER, {"waited": waited})).first()
    if row is None:
        return None
    known = [f"user {row.usename}" if row.usename else "", row.state or "", f"pid {row.pid}"]
    since = f" since {row.xact_start.astimezone(zone):%Y-%m-%d %H:%M:%S}" if row.xact_start else ""
    return f"{row.application_name or 'another program'} ({', '.join(filter(None, known))}){since}"
