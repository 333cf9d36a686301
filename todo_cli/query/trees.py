"""Trees of todos with their dependencies and subtasks, and paths through them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from todo_cli.models.values import TodoPublic

MAX_DEPTH = 50
"""The greatest depth; deeper todos start a new tree, because terminals are not wide enough."""


@dataclass
class Node:
    """A todo in a tree. `is_prerequisite` means that it is a dependency of the todo above, and not a subtask.

    `is_repeated` means that it also occurs elsewhere; with `has_more`, its descendants are shown there.
    """

    todo: TodoPublic
    is_prerequisite: bool = False
    is_repeated: bool = False
    has_more: bool = False
    below: list[Node] = field(default_factory=list)

    def flatten(self) -> Iterator[TodoPublic]:
        """Yield the todos from top to bottom, each once."""
        if not self.is_repeated:
            yield self.todo
        for node in self.below:
            yield from node.flatten()


def grow(todos: Sequence[TodoPublic], roots: Sequence[TodoPublic]) -> list[Node]:
    """Return the trees of the roots: each todo is shown once with its descendants, as far as they are among the todos.

    By default, the roots are the todos without dependents and parents.
    """
    forest = _Forest(todos)
    nodes = [forest.grow(root) for root in roots or forest.find_roots()]
    # Todos that are too deep, or that are in a cycle of dependencies and subtasks.
    return [*nodes, *(forest.grow(todo) for todo in todos if todo.id not in forest.seen)]


def gather(todos: Sequence[TodoPublic]) -> list[TodoPublic]:
    """Return the todos in order, but each subtask after its parent, if that is among them."""
    numbers = {todo.id for todo in todos}
    children: dict[int | None, list[TodoPublic]] = {}
    for todo in todos:
        parent = todo.links.parent
        children.setdefault(parent if parent in numbers else None, []).append(todo)
    if len(children.get(None, ())) == len(todos):
        return list(todos)
    found = []
    left = children.pop(None, [])[::-1]
    while left:
        todo = left.pop()
        found.append(todo)
        left += children.pop(todo.id, [])[::-1]
    return found


def measure_depths(todos: Sequence[TodoPublic]) -> list[int]:
    """Return the indentation of each todo: its depth below its ancestors that directly precede it."""
    depths = []
    above: list[int] = []
    for todo in todos:
        while above and above[-1] != todo.links.parent:
            above.pop()
        depths.append(len(above))
        above.append(todo.id)
    return depths


class _Forest:
    def __init__(self, todos: Sequence[TodoPublic]) -> None:
        self._todos = {todo.id: todo for todo in todos}
        self._children: dict[int | None, list[TodoPublic]] = {}
        for todo in todos:
            self._children.setdefault(todo.links.parent, []).append(todo)
        self.seen: set[int] = set()

    def find_roots(self) -> list[TodoPublic]:
        held = {number for todo in self._todos.values() for number in todo.links.depends}
        return [todo for todo in self._todos.values() if todo.id not in held and todo.links.parent not in self._todos]

    def grow(self, todo: TodoPublic, depth: int = 1, *, is_prerequisite: bool = False) -> Node:
        first = [self._todos[number] for number in todo.links.depends if number in self._todos]
        parts = [part for part in self._children.get(todo.id, ()) if part not in first]
        if todo.id in self.seen or depth > MAX_DEPTH:
            return Node(todo, is_prerequisite, is_repeated=True, has_more=bool(first or parts))
        self.seen.add(todo.id)
        below = [self.grow(other, depth + 1, is_prerequisite=True) for other in first]
        below += [self.grow(other, depth + 1) for other in parts]
        return Node(todo, is_prerequisite, below=below)


def find_path(start: int, goals: Container[int], further: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the shortest path from the start to one of the goals, both included, or an empty list."""
    paths = [[start]]
    seen = {start}
    for path in paths:
        if path[-1] in goals:
            return path
        for number in further.get(path[-1], ()):
            if number not in seen:
                seen.add(number)
                paths.append([*path, number])
    return []
