"""What a database URL may be, and that a refusal never repeats a password."""

from pathlib import Path

import pytest

from todo_cli.db.target import PostgresTarget, SqliteTarget, parse_target
from todo_cli.errors import InvalidInputError

HOST = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////tmp/todo.db", "/tmp/todo.db"),
        ("sqlite+aiosqlite:////tmp/todo.db", "/tmp/todo.db"),
        ("sqlite:////tmp/my%20list.db", "/tmp/my list.db"),
    ],
)
def test_sqlite(url: str, path: str) -> None:
    assert parse_target(url) == SqliteTarget(Path(path))


def test_a_relative_path_is_relative_to_the_working_folder() -> None:
    assert parse_target("sqlite:///todo.db") == SqliteTarget(Path.cwd() / "todo.db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_the_string_that_neon_shows(scheme: str) -> None:
    target = parse_target(f"{scheme}://alex:AbC123dEf@{HOST}/dbname?sslmode=require&channel_binding=require")
    assert isinstance(target, PostgresTarget)
    assert (target.host, target.port, target.name) == (HOST, None, "dbname")
    assert target.dsn == f"postgresql://alex:AbC123dEf@{HOST}/dbname?sslmode=require"


@pytest.mark.parametrize(
    ("url", "host", "local"),
    [
        ("postgresql://u@localhost:5433/db", "localhost", True),
        ("postgresql://u@[::1]/db", "::1", True),
        ("postgresql://u@127.0.0.1/db", "127.0.0.1", True),
        ("postgresql://u@/db?host=/run/postgresql", "/run/postgresql", True),
        (f"postgresql://u@{HOST}/db", HOST, False),
        ("postgresql://u@[2001:db8::1]/db", "2001:db8::1", False),
        ("postgresql://u@127.evil.example.com/db", "127.evil.example.com", False),
        ("postgresql://u@127.1.2.3/db", "127.1.2.3", True),
    ],
)
def test_which_hosts_are_local(url: str, host: str, local: bool) -> None:
    target = parse_target(url)
    assert isinstance(target, PostgresTarget)
    assert (target.host, target.is_local) == (host, local)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "todo.db",
        HOST,
        "mysql://alex:AbC123dEf@host/db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///todo.db?mode=ro",
        "postgresql://alex:AbC123dEf@/db",
        "postgresql://alex:AbC123dEf@host:port/db",
        "postgresql://alex:AbC123dEf@host:99999/db",
        "postgresql://alex:AbC123dEf@[::1/db",
        "alex:AbC123dEf@host/db",
        "postgresql://alex:AbC123dEf@host/db?host=localhost",
        "postgresql://alex:AbC123dEf@host/db?dbname=other",
        "postgresql://alex:AbC123dEf@host/?database=other",
        "postgresql://alex:AbC123dEf@host,other/db",
    ],
)
def test_everything_else_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_target(url)
    assert "AbC123dEf" not in f"{caught.value.message} {caught.value.hint}"


def test_the_password_is_in_no_representation() -> None:
    target = parse_target(f"postgresql://alex:AbC123dEf@{HOST}/db")
    assert "AbC123dEf" not in f"{target} {target!r}"
