"""SQL that records the data lost by a downgrade in the history, for migrations on both databases.

Each lost value is recorded as a change of a separate step, so that rows can still be rebuilt from the history. The SQL
has no parameters, because a migration may be written to a script; it contains no user input. Migrations of released
revisions use this module: do not change its behaviour.
"""

from __future__ import annotations

from alembic import op

COMMAND = "db downgrade"


def is_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def open_step() -> None:
    """Insert the step, for each user with todos."""
    if is_postgresql():
        uuid, now = "gen_random_uuid()", "now()"
    else:
        parts = ("hex(randomblob(6))", "'4'", "substr(hex(randomblob(2)), 2)", "'8'", "substr(hex(randomblob(8)), 2)")
        uuid, now = f"lower({' || '.join(parts)})", "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    op.execute(
        f"INSERT INTO steps (uuid, user_id, at, command) SELECT {uuid}, u.id, {now}, '{COMMAND}' FROM users u"  # noqa: S608
        " WHERE EXISTS (SELECT 1 FROM todos WHERE todos.user_id = u.id)"
    )


def record_loss(row: str, entity: str, field: str, old: str, source: str) -> None:
    """Insert a change for each row of `source`; `old` is the lost value as JSON, `row` the alias of its entity."""
    own_step = f"(SELECT max(id) FROM steps WHERE command = '{COMMAND}' AND user_id = {row}.user_id)"  # noqa: S608
    op.execute(
        "INSERT INTO changes (step_id, entity, entity_uuid, field, old, new)"  # noqa: S608
        f" SELECT {own_step}, '{entity}', {row}.uuid, '{field}', {old}, NULL FROM {source} ORDER BY {row}.id"
    )


def close_step() -> None:
    """Remove the step if nothing was lost."""
    op.execute(
        f"DELETE FROM steps WHERE command = '{COMMAND}'"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM changes WHERE changes.step_id = steps.id)"
    )


def raise_versions(condition: str) -> None:
    """Give a new version to the todos that lose a value."""
    op.execute(f"UPDATE todos SET version = version + 1 WHERE {condition}")  # noqa: S608


def uuid_in_json(column: str) -> str:
    """Return SQL for the column's value as JSON, as `text_in_json` and `instant_in_json` do."""
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
