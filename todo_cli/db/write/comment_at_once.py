"""Adding a comment as a single PostgreSQL statement; `at_once` explains why this is safe."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from todo_cli.db.read.queries import Request, select_scope
from todo_cli.db.scope import AUTHOR, Scope, is_author, owned, owner_values
from todo_cli.db.write.at_once import open_gate_if
from todo_cli.db.write.history_lines import line, quoted, write_history
from todo_cli.db.write.step import COMMENT_FIELDS, creation_changes, encode
from todo_cli.models.tables import COMMENTS, TODOS, USERS, Comment


def comment_at_once(request: Request, step: UUID, condition: ColumnElement[bool], comment: Comment) -> Select[Any]:
    """Return the statement that adds the comment to the only todo outside the trash that matches the condition.

    The resulting row has `id`, the number of the todo, and `author`. The comment has its own fields; the statement sets
    the user and the todo.
    """
    me = select_scope(request).cte("me")
    target = (
        select(TODOS)
        .where(owned(TODOS, Scope.given(me)), condition, TODOS.c.deleted_at.is_(None))
        .order_by(TODOS.c.id)
        .with_for_update(key_share=True, skip_locked=True, of=TODOS)
        .cte("target")
    )
    seen = TODOS.alias("seen")
    current = target.join(seen, and_(seen.c.id == target.c.id, seen.c.version == target.c.version))
    is_one = select(func.count()).select_from(current).scalar_subquery() == 1
    gate = open_gate_if(me, step, "comment", request.now, is_one)
    scope = Scope.given(gate)
    changed = (
        update(TODOS)
        .where(TODOS.c.id == target.c.id, owned(TODOS, scope))
        .values(version=TODOS.c.version + 1, updated_at=request.now)
        .returning(TODOS.c.id, TODOS.c.uuid)
        .cte("changed")
    )
    given = [column for column in COMMENTS.c if column.name not in ("id", AUTHOR, "todo_id")]
    author = owner_values(COMMENTS, scope)
    row = select(*author.values(), changed.c.id, *(literal(getattr(comment, item.name), item.type) for item in given))
    added = insert(COMMENTS).from_select([*author, "todo_id", *(column.name for column in given)], row)
    place = {field: number for number, field in enumerate(("exists", "todo", *COMMENT_FIELDS))}
    told = [
        *(
            line(place[field], comment.uuid, field, entity=Comment.entity, new=literal(encode(value), Text()))
            for field, value in creation_changes(comment)
        ),
        line(place["todo"], comment.uuid, "todo", entity=Comment.entity, new=quoted(changed.c.uuid)).select_from(
            changed
        ),
    ]
    return (
        select(changed.c.id, USERS.c.name.label("author"))
        .select_from(changed.join(USERS, is_author(scope)))
        .add_cte(added.cte("added"), write_history(gate, told))
    )
