"""Which database: a URL in, a value out. No connection is made here."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from todo_cli.errors import InvalidInputError
from todo_cli.query.texts import check_text

EXAMPLES = (
    "postgresql://alex:…@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech/dbname or sqlite:////home/alex/todo.db"
)

_SQLITE = ("sqlite", "sqlite+aiosqlite")
_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")


@dataclass(frozen=True, slots=True)
class SqliteTarget:
    """An SQLite file. It is made, and brought up to date, by itself."""

    path: Path

    dialect = "sqlite"

    def exists(self) -> bool:
        """Return whether there is a file; what it holds is another matter."""
        return self.path.exists()

    @property
    def url(self) -> str:
        return f"sqlite:///{quote(str(self.path))}"

    @property
    def name(self) -> str:
        return self.path.name

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresTarget:
    """A PostgreSQL server. `dsn` holds the password and is shown nowhere."""

    dsn: str = field(repr=False)
    host: str
    port: int | None
    name: str
    root_certificates: str | None = None

    dialect = "postgresql"

    def exists(self) -> bool:
        """Return True: a server's database is never made here."""
        return True

    @property
    def url(self) -> str:
        """The URL without any password, to be shown."""
        parts = urlsplit(self.dsn)
        user, at, host = parts.netloc.rpartition("@")
        options = [(key, value) for key, value in parse_qsl(parts.query) if "password" not in key]
        return parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=urlencode(options)).geturl()

    @property
    def is_local(self) -> bool:
        if self.host.startswith("/") or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.name} on {self.host}{port}"


Target = SqliteTarget | PostgresTarget


def parse_target(url: str) -> Target:
    """Return the database that the URL names; raises InvalidInputError that says which part is wrong.

    The message never repeats the URL, since it may hold a password.
    """
    check_text(url, "database URL")
    scheme, separator, _ = url.strip().partition("://")
    if separator and scheme in _SQLITE:
        return _parse_sqlite(url.strip())
    if separator and scheme in _POSTGRESQL:
        return _parse_postgresql(url.strip())
    if separator:
        raise InvalidInputError(f"{scheme!r} is no kind of database that is known here", f"examples: {EXAMPLES}")
    raise InvalidInputError("the database is not given as a URL", f"examples: {EXAMPLES}")


def _parse_sqlite(url: str) -> SqliteTarget:
    _, _, rest = url.partition("://")
    path, _, options = rest.partition("?")
    if not path.startswith("/") or len(path) < 2:
        raise InvalidInputError(
            "the database URL names no file",
            "three slashes begin a relative path, four an absolute one: sqlite:////home/alex/todo.db",
        )
    if options:
        raise InvalidInputError("a database URL of SQLite takes no options", "leave out what follows the '?'")
    return SqliteTarget(Path(unquote(path[1:])).expanduser().absolute())


def _parse_postgresql(url: str) -> PostgresTarget:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInputError(
            "the port or the host of the database URL is not understood", f"examples: {EXAMPLES}"
        ) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    # asyncpg would send it to the server, which refuses it; certificates are verified instead.
    options.pop("channel_binding", None)
    for option, given in (("host", parts.hostname), ("dbname", parts.path.lstrip("/")), ("database", True)):
        if given and option in options:
            raise InvalidInputError(f"the database URL gives {option!r} after the '?' as well", f"examples: {EXAMPLES}")
    host = parts.hostname or options.get("host")
    if not host or "," in host:
        raise InvalidInputError("the database URL does not name one host", f"examples: {EXAMPLES}")
    name = unquote(parts.path.lstrip("/")) or options.get("dbname") or unquote(parts.username or "")
    if not name:
        raise InvalidInputError("the database URL names no database", f"examples: {EXAMPLES}")
    dsn = parts._replace(scheme="postgresql", query=urlencode(options)).geturl()
    return PostgresTarget(
        dsn=dsn, host=host, port=port, name=name, root_certificates=options.get("sslrootcert") or None
    )
