"""The history of what a downgrade takes away: SQL for the migrations that do, on both databases.

Each value that goes has a line, by a step of its own, so that the rows can still be rebuilt from history alone. It is
SQL without parameters, since a migration may be written into a script for somebody else to run; nothing in it comes
from outside. Migrations of released revisions use it: what is here stays as it is.
"""

from __future__ import annotations

from alembic import op

COMMAND = "db downgrade"


def is_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def open_step() -> None:
    """Write the step, for each user who has todos."""
    if is_postgresql():
        uuid, now = "gen_random_uuid()", "now()"
    else:
        parts = ("hex(randomblob(6))", "'4'", "substr(hex(randomblob(2)), 2)", "'8'", "substr(hex(randomblob(8)), 2)")
        uuid, now = f"lower({' || '.join(parts)})", "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    op.execute(
        f"INSERT INTO steps (uuid, user_id, at, command) SELECT {uuid}, u.id, {now}, '{COMMAND}' FROM users u"  # noqa: S608
        " WHERE EXISTS (SELECT 1 FROM todos WHERE todos.user_id = u.id)"
    )


def tell_loss(row: str, entity: str, field: str, old: str, source: str) -> None:
    """Write a line for each row that the source gives; `old` is the value in JSON, `row` the alias of what loses it."""
    own_step = f"(SELECT max(id) FROM steps WHERE command = '{COMMAND}' AND user_id = {row}.user_id)"  # noqa: S608
    op.execute(
        "INSERT INTO changes (step_id, entity, entity_uuid, field, old, new)"  # noqa: S608
        f" SELECT {own_step}, '{entity}', {row}.uuid, '{field}', {old}, NULL FROM {source} ORDER BY {row}.id"
    )


def close_step() -> None:
    """Remove the step again where nothing was lost."""
    op.execute(
        f"DELETE FROM steps WHERE command = '{COMMAND}'"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM changes WHERE changes.step_id = steps.id)"
    )


def raise_versions(condition: str) -> None:
    """Give the todos that lose something a new version."""
    op.execute(f"UPDATE todos SET version = version + 1 WHERE {condition}")  # noqa: S608


def uuid_in_json(column: str) -> str:
    """Return the SQL of what history has of the column, as `text_in_json` and `instant_in_json` do."""
    if is_postgresql():
        return f"'\"' || CAST({column} AS TEXT) || '\"'"
    groups = (f"substr({column}, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    return "'\"' || " + " || '-' || ".join(groups) + " || '\"'"


def text_in_json(column: str) -> str:
    return f"CAST(to_json({column}) AS TEXT)" if is_postgresql() else f"json_quote({column})"


def instant_in_json(column: str) -> str:
    if is_postgresql():
        text = f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""
    else:
        text = f"replace({column}, ' ', 'T')"
    return f"'\"' || {text} || 'Z\"'"
