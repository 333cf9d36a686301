"""Run the migrations, which are the same on SQLite and PostgreSQL.

`todo db migrate` passes its connection in `config.attributes["connection"]`, within an open transaction. When called by
the `alembic` command, this file opens the database that `todo` would use.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, inspect, text

from todo_cli.db.connection.sqlite import APPLICATION_ID
from todo_cli.models.tables import SCHEMA, Base, complete_tables
from todo_cli.models.types import UtcDateTime


def render_item(kind: str, item: object, _autogenerate: object) -> str | Literal[False]:
    """Render our own types as database types, so that revisions do not depend on the current models."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def configure(dialect: str, **options: Any) -> None:
    complete_tables(dialect)
    context.configure(
        target_metadata=Base.metadata,
        # SQLite rebuilds the table for most changes, which loses AUTOINCREMENT unless it is repeated here.
        render_as_batch=True,
        # One transaction for all revisions, so that killing the process leaves the database unchanged, on SQLite too.
        transactional_ddl=True,
        compare_type=True,
        render_item=render_item,
        **options,
    )


def run_on(connection: Connection) -> None:
    """Upgrade or downgrade within the open transaction of the connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
        connection.dialect.default_schema_name = SCHEMA
    counters = read_counters(connection)
    configure(connection.dialect.name, connection=connection)
    with context.begin_transaction():
        context.run_migrations()
    restore_counters(connection, counters)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def read_counters(connection: Connection) -> dict[str, int]:
    """Return SQLite's counter of each table; PostgreSQL keeps counters in separate sequences."""
    if connection.dialect.name != "sqlite" or not inspect(connection).has_table("sqlite_sequence"):
        return {}
    return {row.name: row.seq for row in connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}


def restore_counters(connection: Connection, counters: dict[str, int]) -> None:
    """Restore the counter of each table.

    A rebuilt table would continue from its highest row and reuse the number of a row that was removed permanently.
    """
    now = read_counters(connection)
    for name, number in counters.items():
        if name not in now and inspect(connection).has_table(name):
            connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :seq)"), {"name": name, "seq": number})
        elif now.get(name, number) < number:
            connection.execute(
                text("UPDATE sqlite_sequence SET seq = :seq WHERE name = :name"), {"name": name, "seq": number}
            )


def run_offline(dialect: str) -> None:
    """Print the statements instead of running them."""
    configure(dialect, dialect_name=dialect, literal_binds=True)
    with context.begin_transaction():
        if dialect == "postgresql":
            context.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            context.execute(f"SET LOCAL search_path TO {SCHEMA}")
        context.run_migrations()


def run_by_alembic() -> None:
    """Serve the `alembic` command, for `revision --autogenerate`, `check` and `history`."""
    import asyncio

    from todo_cli.config import embedded_path, resolve
    from todo_cli.db.connection.engine import make_migration_engine
    from todo_cli.db.connection.target import SqliteTarget, parse_target

    url = resolve({})["database"].value
    target = parse_target(str(url)) if url else SqliteTarget(embedded_path())

    async def run() -> None:
        engine = make_migration_engine(target)
        async with engine.begin() as connection:
            await connection.run_sync(run_on)
        await engine.dispose()

    asyncio.run(run())


attributes = context.config.attributes
if context.is_offline_mode():
    run_offline(attributes.get("dialect", "postgresql"))
elif "connection" in attributes:
    run_on(attributes["connection"])
else:
    run_by_alembic()
