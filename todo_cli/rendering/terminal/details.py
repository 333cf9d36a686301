"""One todo at a terminal, with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todo_cli.models.values import CommentPublic, Recurrence, Status, TodoDetails, TodoPublic
from todo_cli.query.trees import measure_depths
from todo_cli.query.urgency import Coefficients, Term, explain, score
from todo_cli.rendering.format.dates import (
    describe_age,
    describe_due,
    describe_recurrence,
    format_end,
    format_instant,
    format_start,
    format_when,
)
from todo_cli.rendering.format.escaping import inert_lines, neutralise
from todo_cli.rendering.terminal.todo_table import ACTIVE, describe_subtasks, make_tags, make_urgency
from todo_cli.rendering.terminal.tree import name_todo


def draw_details(details: TodoDetails, now: datetime, coefficients: Coefficients) -> Group:
    """Return all that is shown of one todo."""
    todo = details.todo
    head = Text.assemble((str(todo.id), "todo.id"), " ", (neutralise(todo.title), "bold"))
    rows = [("status", Text(todo.status.value))]
    if todo.deleted_at:
        rows.append(
            (
                "in the trash",
                Text(f"since {format_instant(todo.deleted_at, now)}", style="due.overdue"),
            )
        )
    if todo.priority.label:
        rows.append(("priority", Text(todo.priority.label, style=f"priority.{todo.priority.label}")))
    if todo.project:
        rows.append(("project", Text(todo.project, style="todo.project")))
    if todo.tags:
        rows.append(("tags", make_tags(todo)))
    rows += [*_dates(todo, now), *_relations(details, now), *_moments(todo, now)]
    rows.append(("uuid", Text(str(todo.uuid), style="todo.faint")))
    if terms := explain(todo, now, coefficients):
        rows.append(("urgency", _explanation(score(todo, now, coefficients), terms)))
    parts: list[RenderableType] = [head, Padding(make_grid(rows), (0, 0, 0, 2), expand=False)]
    if todo.description:
        from todo_cli.rendering.format.markdown import render_markdown

        parts.append(Padding(render_markdown(todo.description), (1, 0, 0, 2), expand=False))
    parts += [_comment(comment, now) for comment in details.comments]
    return Group(*parts)


def _dates(todo: TodoPublic, now: datetime) -> list[tuple[str, Text]]:
    rows = []
    if todo.due:
        rows.append(("due", _due(todo, now)))
    if todo.scheduled:
        rows.append(("scheduled", Text(format_when(todo.scheduled, now))))
    if todo.wait_until:
        hidden = ("hidden until then", "due.soon") if todo.is_waiting(now) else ""
        rows.append(("wait", Text.assemble(format_start(todo.wait_until, now), "  ", hidden)))
    if todo.expires_at:
        expired = ("expired: it is listed no more", "due.overdue") if todo.is_expired(now) else ""
        rows.append(("until", Text.assemble(format_end(todo.expires_at, now), "  ", expired)))
    if todo.recurrence:
        rows.append(("every", _recurrence(todo.recurrence)))
    return rows


def _relations(details: TodoDetails, now: datetime) -> list[tuple[str, Text]]:
    """Return the other todos that it has to do with."""
    links, related = details.todo.links, details.related
    parent = () if links.parent is None else (links.parent,)
    rows = []
    for name, numbers in (("subtask of", parent), ("depends on", links.depends), ("blocks", links.blocks)):
        named = [name_todo(related[number], now) for number in numbers if number in related]
        if named:
            rows.append((name, Text("\n").join(named)))
    below = _find_below(details.todo.id, related.values())
    if below:
        lines = [
            Text("  " * depth).append_text(name_todo(todo, now))
            for todo, depth in zip(below, measure_depths(below), strict=True)
        ]
        rows.append(
            ("subtasks", Text("\n").join([Text(describe_subtasks(details.todo), style="todo.subtasks"), *lines]))
        )
    return rows


def _find_below(number: int, todos: Iterable[TodoPublic]) -> list[TodoPublic]:
    """Return the subtasks of the todo of that number, each followed by its own."""
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
    """Return what happened to it, and when."""
    rows = []
    if todo.started_at:
        started = f"since {format_instant(todo.started_at, now)}"
        rows.append(("started", Text.assemble((ACTIVE, "todo.active"), " ", started)))
    rows.append(("created", Text(format_instant(todo.created_at, now))))
    if todo.version > 1:
        rows.append(("updated", Text(f"{format_instant(todo.updated_at, now)} (version {todo.version})")))
    if todo.completed_at:
        rows.append(("completed", Text(format_instant(todo.completed_at, now))))
    return rows


def _explanation(urgency: float, terms: Sequence[Term]) -> Text:
    """Return the urgency, and below it what it is the sum of."""
    longest = max(len(term.name) for term in terms)
    lines = [make_urgency(urgency)]
    for term in terms:
        product = f"{term.factor:.2f} × {term.coefficient:5.1f} = {term.value:5.1f}"  # noqa: RUF001 - it multiplies
        lines.append(Text.assemble((f"{neutralise(term.name):<{longest}}  ", "todo.faint"), product))
    return Text("\n").join(lines)


def _recurrence(recurrence: Recurrence) -> Text:
    words = describe_recurrence(recurrence).removeprefix("every ")
    rule = f"{recurrence.rrule}\nfrom {recurrence.start.replace('T', ' ')}, {recurrence.zone}"
    return Text.assemble((words, "todo.recurrence"), "\n", (rule, "todo.faint"))


def _due(todo: TodoPublic, now: datetime) -> Text:
    assert todo.due is not None
    date = format_when(todo.due, now)
    if todo.status is not Status.OPEN:
        return Text(date)
    words, nearness = describe_due(todo.due, now)
    return Text(date) if words in date else Text.assemble(date, "  ", (words, f"due.{nearness}"))


def _comment(comment: CommentPublic, now: datetime) -> Padding:
    age = describe_age(comment.created_at, now)
    head = Text.assemble((neutralise(comment.author), "comment.author"), (f", {age}", "todo.faint"))
    text = Padding(Text(inert_lines(comment.text)), (0, 0, 0, 2), expand=False)
    return Padding(Group(head, text), (1, 0, 0, 2), expand=False)


def make_grid(rows: Sequence[tuple[str, Text]]) -> Table:
    """Return names and values, line by line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="todo.faint", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in rows:
        grid.add_row(key, value)
    return grid
