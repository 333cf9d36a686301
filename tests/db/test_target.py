"""Database URLs; errors never repeat a password."""

from dataclasses import replace
from pathlib import Path

import pytest

from todo_cli.db.connection.target import PostgresTarget, SqliteTarget, is_same, parse_target
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


def parse(url: str) -> PostgresTarget:
    target = parse_target(url)
    assert isinstance(target, PostgresTarget)
    return target


def test_a_relative_path_is_relative_to_the_working_folder() -> None:
    assert parse_target("sqlite:///todo.db") == SqliteTarget(Path.cwd() / "todo.db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
@pytest.mark.parametrize("pooler", ["", "-pooler"])
def test_the_connection_string_of_neon(scheme: str, pooler: str) -> None:
    host = HOST.replace(".", f"{pooler}.", 1)
    target = parse(f"{scheme}://alex:AbC123dEf@{host}/dbname?sslmode=require&channel_binding=require")
    assert target == PostgresTarget(host, "dbname", user="alex", password="AbC123dEf", ssl_mode="require")
    assert target.is_neon
    assert target.is_pooled == bool(pooler)
    assert target.direct.host == HOST
    assert target.direct == parse(f"postgresql://alex:AbC123dEf@{HOST}/dbname?sslmode=require")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p%40%2F%3A%25w@h/d", PostgresTarget("h", "d", user="u", password="p@/:%w")),
        ("postgresql://u:p@w@h/d", PostgresTarget("h", "d", user="u", password="p@w")),
        ("postgresql://u%20v@h/d%2Fe", PostgresTarget("h", "d/e", user="u v")),
        ("postgresql://[2001:db8::1]:6543/d", PostgresTarget("2001:db8::1", "d", port=6543)),
        ("postgresql://u@h", PostgresTarget("h", "u", user="u")),
        ("postgresql://u@h/?dbname=d&port=6543", PostgresTarget("h", "d", port=6543, user="u")),
        ("postgresql:///d?host=/run/pg&user=u&password=p", PostgresTarget("/run/pg", "d", user="u", password="p")),
        ("postgresql://%2Frun%2Fpg/d", PostgresTarget("/run/pg", "d")),
        (
            "postgresql://u@h/d?options=endpoint%3Dep-cool-darkness-a1b2c3d4",
            PostgresTarget("h", "d", user="u", server_settings=(("options", "endpoint=ep-cool-darkness-a1b2c3d4"),)),
        ),
        (
            "postgresql://h/d?sslmode=verify-full&sslrootcert=/r.pem&sslnegotiation=direct&connect_timeout=3",
            PostgresTarget(
                "h",
                "d",
                ssl_mode="verify-full",
                ssl_negotiation="direct",
                root_certificates="/r.pem",
                connect_timeout=3,
            ),
        ),
        ("postgresql://h/d?sslrootcert=system", PostgresTarget("h", "d")),
        ("postgresql://h/d?passfile=/home/alex/.pgpass", PostgresTarget("h", "d", password_file="/home/alex/.pgpass")),
        (
            "postgresql://h/d?sslcert=c.pem&sslkey=k.pem&sslpassword=p",
            PostgresTarget("h", "d", client_certificate="c.pem", client_key="k.pem", client_key_password="p"),
        ),
    ],
)
def test_each_part_is_read(url: str, expected: PostgresTarget) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://alex:AbC/123dEf@host/db", "%2F"),
        ("postgresql://alex:AbC#123dEf@host/db", "%23"),
        ("postgresql://alex:AbC?123dEf@host/db", "%3F"),
        ("postgresql://alex:AbC123dEf@host:port/db", "port"),
        ("postgresql://alex:AbC123dEf@host:99999/db", "port"),
        ("postgresql://alex:AbC123dEf@host/db?port=0", "port"),
        ("postgresql://alex:AbC123dEf@[::1/db", "IPv6"),
        ("postgresql://alex:AbC123dEf@/db", "host"),
        ("postgresql://alex:AbC123dEf@host,other/db", "one host"),
        ("postgresql://host/", "has no database name"),
        ("postgresql://a..b/db", "not a valid name"),
        (f"postgresql://{'h' * 64}.example.com/db", "not a valid name"),
        ("postgresql://\x9b/db", "not a valid name"),
        ("postgresql:///db?host=a..b", "not a valid name"),
        ("postgresql://host/db?sslmode=required", "sslmode"),
        ("postgresql://host/db?sslmod=require", "did you mean 'sslmode'"),
        ("postgresql://alex:AbC123dEf@host/db?123dEf=x", "unknown option"),
        ("postgresql://alex:12?123dEf=x@host/db", "%40"),
        ("postgresql://alex:12?user=123dEf@host/db", "%40"),
        ("postgresql://alex:12@AbC?sslmode=123dEf@host/db", "%40"),
        ("postgresql://alex@123dEf@host/db", "%40"),
        ("postgresql://alex%3A123dEf@host/db", "percent-encoded"),
        ("postgresql://alex@host/db?sslmode=123dEf", "must be one of disable"),
        ("AbC123dEf://alex@host/db", "unknown scheme"),
        ("sqlite:///~nobody-of-that-name/todo.db", "home folder"),
        ("sqlite:///postgresql://alex:AbC123dEf@host/db", "no file"),
        ("postgresql://host/db?sslnegotiation=fast", "sslnegotiation"),
        ("postgresql://host/db?connect_timeout=soon", "connect_timeout"),
        (f"postgresql://host/db?connect_timeout={'1' * 5000}", "connect_timeout"),
        (f"postgresql://host/db?port={'1' * 5000}", "port"),
        (f"postgresql://host:{'1' * 5000}/db", "port"),
        ("postgresql://host/db?sslmode", "name=value"),
        ("mysql://alex:AbC123dEf@host/db", "mysql"),
        ("alex:AbC123dEf@host/db", "URL"),
    ],
)
def test_the_error_names_the_invalid_part(url: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_target(url)
    assert message in f"{caught.value.message} {caught.value.hint}"
    assert "123dEf" not in f"{caught.value.message} {caught.value.hint}"


def test_the_displayed_url_has_no_password() -> None:
    target = parse(f"postgresql://alex:AbC123dEf@{HOST}:6543/db?sslmode=require")
    assert target.url == f"postgresql://alex@{HOST}:6543/db?sslmode=require"
    assert parse(target.url) == replace(target, password=None)


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
        "postgresql://alex:AbC123dEf@host/db?database=other",
        "postgresql://alex:AbC123dEf@host,other/db",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_target(url)
    assert "AbC123dEf" not in f"{caught.value.message} {caught.value.hint}"


def test_the_password_is_not_in_the_repr() -> None:
    target = parse_target(f"postgresql://alex:AbC123dEf@{HOST}/db")
    assert "AbC123dEf" not in f"{target} {target!r}"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (f"postgresql://alex:x@{HOST}/db", f"postgres://sam:y@{HOST.upper()}:5432/db?sslmode=require", True),
        (f"postgresql://alex@{HOST}/db", f"postgresql://alex@{HOST.replace('.', '-pooler.', 1)}/db", True),
        ("postgresql://alex@localhost/db", "postgresql://alex@127.0.0.1/db", True),
        (f"postgresql://alex@{HOST}/db", f"postgresql://alex@{HOST}/other", False),
        (f"postgresql://alex@{HOST}/db", f"postgresql://alex@{HOST}:5433/db", False),
        (f"postgresql://alex@{HOST}/db", "postgresql://alex@localhost/db", False),
        ("sqlite:////tmp/none.db", "sqlite:////tmp/x/../none.db", True),
        ("sqlite:////tmp/none.db", "sqlite:////tmp/other.db", False),
        ("sqlite:////tmp/none.db", "postgresql://alex@localhost/none.db", False),
    ],
)
def test_the_same_database_by_another_name(one: str, other: str, same: bool) -> None:
    assert is_same(parse_target(one), parse_target(other)) is same


def test_the_same_file_by_another_name(tmp_path: Path) -> None:
    (tmp_path / "todo.db").touch()
    (tmp_path / "link.db").symlink_to("todo.db")
    assert is_same(SqliteTarget(tmp_path / "todo.db"), SqliteTarget(tmp_path / "link.db"))
