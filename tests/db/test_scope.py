"""Only `todo_cli.db.scope` knows which column contains the owner or author of a row."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql, sqlite

import todo_cli
from todo_cli.db import scope
from todo_cli.db.scope import AUTHOR, OWNER, Scope, assign_owner, author_of, authored, owned
from todo_cli.models.tables import Comment, Project, Series, Step, Tag, Todo, User

_PACKAGE = Path(todo_cli.__file__).parent
_KNOWS = {
    "db/scope.py",
    "models/tables.py",  # which declares the columns
    "db/connection/error_translation.py",  # which reads names of constraints
    "db/schema/downgrading.py",  # which writes older tables
}


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE).as_posix()
        if name not in _KNOWS:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield name, node


def _words(node: ast.AST) -> str:
    """Return the names in a node of a syntax tree, without those in its children."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return name
        case ast.Constant(value=str(text)):
            return text
        case _:
            return ""


def _reads_a_scope(node: ast.AST) -> bool:
    """Return whether the node is `scope.owner`, `request.scope.author` or the like."""
    match node:
        case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr="owner" | "author"):
            return name.endswith("scope")
        case _:
            return False


def test_the_columns_are_named_in_one_place() -> None:
    column = re.compile(rf"\b({OWNER}|{AUTHOR})\b")
    found = [f"{name}: {_words(node)}" for name, node in _nodes() if column.search(_words(node))]
    assert not found, "use owned, authored or owner_values of todo_cli.db.scope"


def test_scopes_are_compared_in_one_place() -> None:
    found = [f"{name}: {ast.unparse(node)}" for name, node in _nodes() if _reads_a_scope(node)]
    assert not found, "use owned, authored or owner_values of todo_cli.db.scope"


@pytest.mark.parametrize("source", ["row.user_id", "f(user_id=1)", "f('user_id')", "def f(user_id): ..."])
def test_mentions_are_detected(source: str) -> None:
    assert any("user_id" in _words(node) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize("source", ["scope.owner", "step.scope.author", "self._scope.owner"])
def test_comparisons_are_detected(source: str) -> None:
    assert any(map(_reads_a_scope, ast.walk(ast.parse(source))))


@pytest.mark.parametrize("dialect", [postgresql.dialect, sqlite.dialect])
@pytest.mark.parametrize("model", [Todo, Project, Tag, Series])
def test_the_owner_is_compared_with_one_value(model: type[Todo], dialect: Any) -> None:
    condition = str(owned(model, Scope.find("alex")).compile(dialect=dialect()))
    assert f".{OWNER} = (SELECT" in condition
    assert not re.search(r"\b(IN|ANY)\b", condition)


# A row gets its owner or author when it is created. Once they differ, each row has to get the right one.
TWO = Scope(author=1, owner=2)


@pytest.mark.parametrize(
    ("model", "user"),
    [
        (Todo, 2),
        (Project, 2),
        (Tag, 2),
        (Series, 2),
        (Comment, 1),
        (Step, 1),
    ],
)
def test_a_new_row_gets_its_owner_or_its_author(model: Callable[[], Todo], user: int) -> None:
    row = model()
    assign_owner(row, TWO)
    assert row.user_id == user


def test_users_have_no_owner() -> None:
    assert scope.owner_values(User, TWO) == {}


def test_owner_and_author_are_distinguished() -> None:
    def numbers(condition: Any) -> list[object]:
        return list(condition.compile().params.values())

    assert numbers(owned(Todo, TWO)) == [2]
    assert numbers(owned(Step, TWO)) == [2]
    assert numbers(authored(Step, TWO)) == [1]
    assert numbers(authored(Comment, TWO)) == [1]
    assert str(author_of(Comment)) == f"comments.{AUTHOR} = users.id"
