"""Parsing of database URLs. No connection is opened here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from todo_cli.errors import InvalidInputError
from todo_cli.query.texts import check_text
from todo_cli.redaction import SCHEMES
from todo_cli.suggestions import nearest

CONNECT_TIMEOUT = 15
"""Default seconds to wait for a server that sleeps or restarts."""
ANSWER_TIMEOUT = 30
"""Default seconds after which a server that does not respond counts as lost."""
LOCK_TIMEOUT = 10
"""Default seconds to wait for a lock of another client."""
IDLE_TIMEOUT = 30
"""Default seconds after which the server ends a transaction whose client has stopped."""

EXAMPLES = (
    "postgresql://alex:…@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech/dbname or sqlite:////home/alex/todo.db"
)

_SQLITE = ("sqlite", "sqlite+aiosqlite")
_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_POOLER = "-pooler"

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_NEGOTIATIONS = ("postgres", "direct")
_SERVER_SETTINGS = ("application_name", "options")
_WITHOUT_EFFECT = ("channel_binding", "gssencmode", "target_session_attrs")
"""asyncpg would pass `channel_binding` to the server, which refuses it; the certificate is verified instead."""
_OPTIONS = (
    *("host", "port", "dbname", "user", "password", "passfile", "connect_timeout"),
    *("sslmode", "sslnegotiation", "sslrootcert", "sslcert", "sslkey", "sslpassword"),
    *_SERVER_SETTINGS,
    *_WITHOUT_EFFECT,
)
_UNQUOTED = "the user or the password in the database URL contains a character that has to be percent-encoded"
_ENCODED = "write / as %2F, ? as %3F, # as %23 and @ as %40; after the '?' too"


@dataclass(frozen=True, slots=True)
class SqliteTarget:
    """An SQLite file. It is created and upgraded automatically."""

    path: Path

    dialect = "sqlite"

    def exists(self) -> bool:
        """Return whether the file exists, whatever its content."""
        return self.path.exists()

    @property
    def real_path(self) -> Path:
        """The path with symbolic links resolved."""
        return Path(os.path.realpath(self.path))

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
    """A database on a PostgreSQL server with its connection parameters. The password is never shown.

    None means libpq's default: `user` and `password` from PGUSER, PGPASSWORD or the password file. `ssl_mode`,
    `ssl_negotiation` and the files are from the URL (PostgreSQL manual, 34.1.2); `verify` is our own setting. Timeouts
    are in seconds.
    """

    host: str
    name: str
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: str | None = None
    ssl_mode: str | None = None
    ssl_negotiation: str | None = None
    root_certificates: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    client_key_password: str | None = field(default=None, repr=False)
    server_settings: tuple[tuple[str, str], ...] = ()
    connect_timeout: float = CONNECT_TIMEOUT
    answer_timeout: float = ANSWER_TIMEOUT
    lock_timeout: float = LOCK_TIMEOUT
    idle_timeout: float = IDLE_TIMEOUT
    verify: bool = True

    dialect = "postgresql"

    def exists(self) -> bool:
        """Return True: databases on a server are never created here."""
        return True

    @property
    def url(self) -> str:
        """The URL without a password, for display."""
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        port = f":{self.port}" if self.port else ""
        mode = f"?sslmode={self.ssl_mode}" if self.ssl_mode else ""
        return f"postgresql://{user}{host}{port}/{quote(self.name, safe='')}{mode}"

    @property
    def is_local(self) -> bool:
        if self.host.startswith("/") or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_neon(self) -> bool:
        return self.host.endswith(".neon.tech")

    @property
    def is_pooled(self) -> bool:
        """Whether the host is a pooler, by Neon's naming scheme."""
        return self.is_neon and self.host.partition(".")[0].endswith(_POOLER)

    @property
    def direct(self) -> PostgresTarget:
        """The same database without Neon's pooler, whose sessions do not outlast a transaction."""
        if not self.is_pooled:
            return self
        endpoint, _, domain = self.host.partition(".")
        return replace(self, host=f"{endpoint.removesuffix(_POOLER)}.{domain}")

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.name} on {self.host}{port}"


Target = SqliteTarget | PostgresTarget


def parse_target(url: str) -> Target:
    """Return the database of a URL; raises InvalidInputError that names the invalid part.

    The message does not quote the URL, any part of which may belong to a password.
    """
    check_text(url, "database URL")
    scheme, separator, _ = url.strip().partition("://")
    if separator and scheme in _SQLITE:
        return _parse_sqlite(url.strip())
    if separator and scheme in _POSTGRESQL:
        return _parse_postgresql(url.strip())
    if separator:
        known = scheme in SCHEMES
        raise InvalidInputError(
            f"{scheme} is not supported as a database" if known else "the database URL has an unknown scheme",
            f"examples: {EXAMPLES}",
        )
    raise InvalidInputError("the database must be a URL", f"examples: {EXAMPLES}")


def _parse_sqlite(url: str) -> SqliteTarget:
    _, _, rest = url.partition("://")
    path, _, options = rest.partition("?")
    if not path.startswith("/") or len(path) < 2 or "://" in path:
        raise InvalidInputError(
            "the database URL has no file name",
            "use three slashes before a relative path, four for an absolute one: sqlite:////home/alex/todo.db",
        )
    if options:
        raise InvalidInputError("the URL of an SQLite database cannot have options", "remove the part after the '?'")
    path = unquote(path[1:])
    if "\0" in path:
        raise InvalidInputError("the path in the database URL contains a NUL character")
    try:
        return SqliteTarget(Path(path).expanduser().absolute())
    except RuntimeError:  # ~name
        raise InvalidInputError("the database URL refers to the home folder of an unknown user") from None


def _parse_postgresql(url: str) -> PostgresTarget:
    """Parse the URL like libpq (PostgreSQL manual, 34.1.1.2), with a single host and only supported options."""
    try:
        parts = urlsplit(url)
        given_host, given_port = parts.hostname, parts.port
    except ValueError:
        raise _malformed_authority(url) from None
    user, password = _credentials(parts.netloc)
    written = parts.netloc.rpartition("@")[0].partition(":")[0]
    if parts.fragment or "@" in parts.path + parts.query or ":" in user or "@" in written:
        raise InvalidInputError(_UNQUOTED, _ENCODED)
    options = _parse_options(parts.query)
    host = _only_one("host", unquote(given_host or ""), options)
    if not host or "," in host:
        raise InvalidInputError("the database URL must have exactly one host", f"examples: {EXAMPLES}")
    if not _is_host(host):
        raise InvalidInputError("the host in the database URL is not a valid name", f"examples: {EXAMPLES}")
    user = _only_one("user", user, options)
    name = _only_one("dbname", unquote(parts.path.removeprefix("/")), options) or user
    if not name:
        raise InvalidInputError("the database URL has no database name", f"examples: {EXAMPLES}")
    port = _only_one("port", "" if given_port is None else str(given_port), options)
    timeout = options.get("connect_timeout")
    root_certificates = options.get("sslrootcert")
    return PostgresTarget(
        host=host,
        name=name,
        port=_whole_number("port", port, most=65535) if port else None,
        user=user or None,
        password=_only_one("password", password, options) or None,
        password_file=options.get("passfile"),
        ssl_mode=_one_of("sslmode", options, _SSL_MODES),
        ssl_negotiation=_one_of("sslnegotiation", options, _SSL_NEGOTIATIONS),
        root_certificates=None if root_certificates == "system" else root_certificates,
        client_certificate=options.get("sslcert"),
        client_key=options.get("sslkey"),
        client_key_password=options.get("sslpassword"),
        server_settings=tuple((key, options[key]) for key in _SERVER_SETTINGS if key in options),
        connect_timeout=_whole_number("connect_timeout", timeout) if timeout else CONNECT_TIMEOUT,
    )


def _is_host(host: str) -> bool:
    """Return whether the host is valid: a folder of sockets, an address, or a valid DNS name."""
    try:
        # For ASCII, the codec only checks lengths: labels have 1 to 63 characters (RFC 1035, 2.3.4).
        return host.startswith("/") or bool(host.encode("idna"))
    except UnicodeError:
        return False


def _malformed_authority(url: str) -> InvalidInputError:
    """Return the error in the part between '//' and the path, which could not be parsed."""
    authority = re.split("[/?#]", url.partition("://")[2])[0]
    if "@" not in authority and "@" in url:
        return InvalidInputError(_UNQUOTED, _ENCODED)
    if authority.count("[") != authority.count("]"):
        return InvalidInputError("the host in the database URL is invalid: write an IPv6 address in [ ]")
    return InvalidInputError("the port in the database URL is not a number from 1 to 65535", f"examples: {EXAMPLES}")


def _credentials(authority: str) -> tuple[str, str]:
    before, _, _ = authority.rpartition("@")
    user, _, password = before.partition(":")
    return unquote(user), unquote(password)


def _parse_options(query: str) -> dict[str, str]:
    try:
        given = parse_qsl(query.replace("+", "%2B"), strict_parsing=True) if query else []
    except ValueError:
        raise InvalidInputError("the part after the '?' in the database URL must have the form name=value") from None
    options = dict(given)
    if len(options) < len(given):
        raise InvalidInputError("the database URL repeats an option after the '?'")
    if "database" in options:  # as asyncpg and SQLAlchemy call it
        options.setdefault("dbname", options.pop("database"))
    for option in options:
        if option not in _OPTIONS:
            meant = nearest(option, _OPTIONS)
            raise InvalidInputError(
                "the database URL has an unknown option after the '?'",
                f"did you mean {meant!r}?" if meant else "write settings of the server as options=-c%20name%3Dvalue",
            )
    return options


def _only_one(option: str, before: str, options: Mapping[str, str]) -> str:
    """Return a part given before or after the '?'; raises InvalidInputError if it is given twice."""
    if before and option in options:
        raise InvalidInputError(
            f"the database URL has {option!r} both before and after the '?'", f"examples: {EXAMPLES}"
        )
    return before or options.get(option, "")


def _one_of(option: str, options: Mapping[str, str], known: Sequence[str]) -> str | None:
    value = options.get(option)
    if value is not None and value not in known:
        raise InvalidInputError(f"{option} in the database URL must be one of {', '.join(known)}")
    return value


def _whole_number(option: str, text: str, *, most: int = 100_000) -> int:
    is_short = len(text) <= len(str(most))  # Python refuses to parse thousands of digits
    if not (is_short and text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise InvalidInputError(f"{option} in the database URL is not a number from 1 to {most}")
    return int(text)


def milliseconds(seconds: float) -> str:
    """Return the time for a PostgreSQL setting; never 0, which would mean no limit."""
    return f"{max(1, round(seconds * 1000))}ms"


def is_same(one: Target, other: Target) -> bool:
    """Return whether both are the same database, judging by their names; a server can have other, unknown names."""
    if isinstance(one, SqliteTarget) and isinstance(other, SqliteTarget):
        if one.path.exists() and other.path.exists():
            return one.path.samefile(other.path)
        return os.path.realpath(one.path) == os.path.realpath(other.path)
    if isinstance(one, PostgresTarget) and isinstance(other, PostgresTarget):
        return _place(one) == _place(other)
    return False


def _place(target: PostgresTarget) -> tuple[str, int, str]:
    host = "localhost" if target.is_local and not target.host.startswith("/") else target.direct.host.lower()
    return host, target.port or 5432, target.name
