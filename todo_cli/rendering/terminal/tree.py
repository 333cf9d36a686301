"""Trees of todos on a terminal, with their dependencies and subtasks."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text
from rich.tree import Tree

from todo_cli.models.values import TodoPublic
from todo_cli.query.columns import MARK
from todo_cli.query.trees import Node
from todo_cli.rendering.terminal.cells import describe_subtasks, make_cell


def draw_tree(node: Node, now: datetime, above: Tree | None = None) -> Tree:
    """Return the node with everything below it."""
    line = Text.assemble(("first " if node.is_prerequisite else "", "faint"))
    line.append_text(name_todo(node.todo, now))
    if node.has_more:
        line.append("  …", style="faint")
    tree = Tree(line, guide_style="faint") if above is None else above.add(line)
    for each in node.below:
        draw_tree(each, now, tree)
    return tree


def name_todo(todo: TodoPublic, now: datetime) -> Text:
    """Return the todo in one line: number, marks, title, number of done subtasks, and due date."""
    line = Text.assemble((str(todo.id), "id"), " ")
    if mark := make_cell(MARK, todo, now):
        line.append_text(mark).append(" ")
    line.append_text(make_cell("title", todo, now))
    for cell in (Text(describe_subtasks(todo), style="id"), make_cell("due", todo, now)):
        if cell:
            line.append("  ").append_text(cell)
    return line
