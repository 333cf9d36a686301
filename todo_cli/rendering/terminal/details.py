"""The details of a todo on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todo_cli.models.fields import FIELDS, Field
from todo_cli.models.values import CommentPublic, Status, TodoDetails, TodoPublic
from todo_cli.query.trees import measure_depths
from todo_cli.query.urgency import Coefficients, Term, explain, score
from todo_cli.rendering.format.dates import (
    describe_age,
    describe_due,
    format_instant,
)
from todo_cli.rendering.format.escaping import inert_lines, neutralize
from todo_cli.rendering.terminal.cells import (
    ACTIVE,
    NEARNESS_STYLES,
    REFERENCES,
    describe_subtasks,
    format_field,
    label_reference,
    make_urgency,
)
from todo_cli.rendering.terminal.tree import name_todo


def draw_details(details: TodoDetails, now: datetime, coefficients: Coefficients) -> Group:
    """Return the details of one todo."""
    todo = details.todo
    head = Text.assemble((str(todo.id), "id"), " ", (neutralize(todo.title), "bold"))
    rows = [("status", Text(todo.status.value))]
    if todo.deleted_at:
        rows.append(("in the trash", Text(f"since {format_instant(todo.deleted_at, now)}", style="overdue")))
    rows += [*_fields(todo, now), *_relations(details, now), *_moments(todo, now)]
    rows.append(("uuid", Text(str(todo.uuid), style="faint")))
    if terms := explain(todo, now, coefficients):
        rows.append(("urgency", _explanation(score(todo, now, coefficients), terms)))
    parts: list[RenderableType] = [head, Padding(make_grid(rows), (0, 0, 0, 2), expand=False)]
    if todo.description:
        from todo_cli.rendering.format.markdown import render_markdown

        parts.append(Padding(render_markdown(todo.description), (1, 0, 0, 2), expand=False))
    parts += [_comment(comment, now) for comment in details.comments]
    return Group(*parts)


def _fields(todo: TodoPublic, now: datetime) -> list[tuple[str, Text]]:
    """Return the fields that have a value, except those that are shown elsewhere."""
    rows = []
    for field in FIELDS.values():
        if not field.settable or field.name in _ELSEWHERE or field.kind in REFERENCES:
            continue
        line = _line(field, todo, now)
        if line:
            rows.append((field.column, line))
    return rows


_ELSEWHERE = ("title", "description")


def _line(field: Field, todo: TodoPublic, now: datetime) -> Text:
    """Return the value of the field, with its meaning today."""
    line = format_field(field, field.get(todo), now)
    if field.name == "due" and todo.due and todo.status is Status.OPEN:
        words, nearness = describe_due(todo.due, now)
        return line if words in line.plain else line.append("  ").append(words, style=NEARNESS_STYLES[nearness])
    if field.name == "wait" and todo.is_waiting(now):
        return line.append("  ").append("hidden until then", style="soon")
    if field.name == "until" and todo.is_expired(now):
        return line.append("  ").append("expired: no longer listed", style="overdue")
    if todo.recurrence and field.name == "every":
        rule = todo.recurrence
        return line.append(f"\n{rule.rrule}\nfrom {rule.start.replace('T', ' ')}, {rule.zone}", style="faint")
    return line


def _relations(details: TodoDetails, now: datetime) -> list[tuple[str, Text]]:
    """Return the related todos."""
    todo, related = details.todo, details.related
    links = [(label_reference(field), field.get(todo)) for field in FIELDS.values() if field.kind in REFERENCES]
    rows = []
    for name, value in [*links, ("blocks", todo.links.blocks)]:
        numbers = value if isinstance(value, tuple) else (value,)
        named = [name_todo(related[number], now) for number in numbers if number in related]
        if named:
            rows.append((name, Text("\n").join(named)))
    below = _find_below(todo.id, related.values())
    if below:
        lines = [
            Text("  " * depth).append_text(name_todo(each, now))
            for each, depth in zip(below, measure_depths(below), strict=True)
        ]
        rows.append(("subtasks", Text("\n").join([Text(describe_subtasks(todo), style="id"), *lines])))
    return rows


def _find_below(number: int, todos: Iterable[TodoPublic]) -> list[TodoPublic]:
    """Return the descendants of the todo with that number, each followed by its own."""
    children: dict[int | None, list[TodoPublic]] = {}
    for todo in todos:
        children.setdefault(todo.links.parent, []).append(todo)
    found = []
    left = children.pop(number, [])[::-1]
    while left:
        found.append(left.pop())
        left += children.pop(found[-1].id, [])[::-1]
    return found


def _moments(todo: TodoPublic, now: datetime) -> list[tuple[str, Text]]:
    """Return when it was started, created, updated and completed."""
    rows = []
    if todo.started_at:
        started = f"since {format_instant(todo.started_at, now)}"
        rows.append(("started", Text.assemble((ACTIVE, "active"), " ", started)))
    rows.append(("created", Text(format_instant(todo.created_at, now))))
    if todo.version > 1:
        rows.append(("updated", Text(f"{format_instant(todo.updated_at, now)} (version {todo.version})")))
    if todo.completed_at:
        rows.append(("completed", Text(format_instant(todo.completed_at, now))))
    return rows


def _explanation(urgency: float, terms: Sequence[Term]) -> Text:
    """Return the urgency with the terms of its sum below."""
    longest = max(len(term.name) for term in terms)
    lines = [make_urgency(urgency)]
    for term in terms:
        product = f"{term.factor:.2f} × {term.coefficient:5.1f} = {term.value:5.1f}"  # noqa: RUF001 - it multiplies
        lines.append(Text.assemble((f"{neutralize(term.name):<{longest}}  ", "faint"), product))
    return Text("\n").join(lines)


def _comment(comment: CommentPublic, now: datetime) -> Padding:
    age = describe_age(comment.created_at, now)
    head = Text.assemble((neutralize(comment.author), "id"), (f", {age}", "faint"))
    text = Padding(Text(inert_lines(comment.text)), (0, 0, 0, 2), expand=False)
    return Padding(Group(head, text), (1, 0, 0, 2), expand=False)


def make_grid(rows: Sequence[tuple[str, Text]]) -> Table:
    """Return a table of names and values."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="faint", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in rows:
        grid.add_row(key, value)
    return grid
