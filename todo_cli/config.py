"""Settings, and where the program keeps its files.

A setting is looked for on the command line, then in the environment, then in the configuration file; else it has
its default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from todo_cli.errors import InvalidInputError, StorageError

Scalar = str | int | float | bool
Source = Literal["flag", "environment", "stored", "default"]


def _folder(kind: Literal["config", "data", "cache"]) -> Path:
    """Return the platform's folder of that kind, or `TODO_HOME` for all three of them."""
    try:
        if home := os.environ.get("TODO_HOME"):
            return Path(home).expanduser()
        import platformdirs

        find = {
            "config": platformdirs.user_config_path,
            "data": platformdirs.user_data_path,
            "cache": platformdirs.user_cache_path,
        }[kind]
        return find("todo", appauthor=False)
    except RuntimeError:  # neither HOME nor an entry for the user
        raise StorageError(
            "there is no home folder", "set TODO_HOME to a folder for the list and its settings"
        ) from None


def config_path() -> Path:
    return _folder("config") / "config.toml"


def embedded_path() -> Path:
    return _folder("data") / "todo.db"


def cache_folder() -> Path:
    return _folder("cache")


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("a value that is not blank")
    return value


def _positive(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 100_000):
        raise ValueError("a whole number from 1 to 100000")
    return int(value)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 3600:
        raise ValueError("a number of seconds from 0.1 to 3600")
    return seconds


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(value: str) -> str:
    found = [day for day in WEEKDAYS if value.lower() in (day, day[:3])]
    if not found:
        raise ValueError("a weekday, such as monday or sunday")
    return found[0]


def _date_order(value: str) -> str:
    if value.lower() not in ("d/m/y", "m/d/y"):
        raise ValueError("d/m/y or m/d/y")
    return value.lower()


def _hour(value: str) -> str:
    hour, _, minute = value.partition(":")
    if not (value.isascii() and hour.isdigit() and (minute.isdigit() or ":" not in value)) or len(value) > 5:
        raise ValueError("an hour of the day, such as 9 or 17:30")
    if int(hour) > 23 or int(minute or 0) > 59:
        raise ValueError("an hour from 0:00 to 23:59")
    return f"{int(hour):02}:{int(minute or 0):02}"


def _yes_or_no(value: str) -> bool:
    known = {"yes": True, "true": True, "no": False, "false": False}
    if value.lower() not in known:
        raise ValueError("yes or no")
    return known[value.lower()]


@dataclass(frozen=True, slots=True)
class Setting:
    """What there is to know about one setting; `parse` raises ValueError with what was expected."""

    key: str
    description: str
    parse: Callable[[str], Scalar]
    environment: str | None = None
    secret: bool = False


SETTINGS: Mapping[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting(
            "database",
            "the database in use, as a URL (unset: the embedded file)",
            _text,
            environment="TODO_DATABASE_URL",
            secret=True,
        ),
        Setting("database_env", "the environment variable that holds the URL of the database, in its place", _text),
        Setting("user", "who you are in that database (unset: its only user)", _text, environment="TODO_USER"),
        Setting(
            "connect_timeout",
            "seconds to wait for a server that sleeps or restarts (unset: 15)",
            _seconds,
            environment="TODO_CONNECT_TIMEOUT",
        ),
        Setting(
            "verify_tls",
            "whether certificates of hosts that are not local are verified (unset: yes); no means what sslmode says",
            _yes_or_no,
        ),
        Setting("week_start", "the day on which weeks begin (unset: monday)", _weekday),
        Setting("date_order", "how 10/11/2026 is read, d/m/y or m/d/y (unset: it is refused)", _date_order),
        Setting(
            "default_hour",
            "the time of day that due and scheduled dates get where none is given (unset: none, the whole day)",
            _hour,
        ),
        Setting("per_page", "todos on a page at a terminal (unset: as many as fit)", _positive),
    )
}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it comes from."""

    value: Scalar | None
    source: Source


def find_setting(key: str) -> Setting:
    """Return the setting of that name; raises InvalidInputError with the names there are."""
    if key in SETTINGS:
        return SETTINGS[key]
    raise InvalidInputError(f"there is no setting {key!r}", f"settings: {', '.join(SETTINGS)}")


def parse_setting(key: str, text: str) -> Scalar:
    """Return the text as that setting's value; raises InvalidInputError with what was expected."""
    try:
        return find_setting(key).parse(text)
    except ValueError as error:
        raise InvalidInputError(f"{key} takes {error}, not {text!r}") from None


def read_file() -> dict[str, Scalar]:
    """Return what the configuration file sets; raises InvalidInputError for a file that is not understood."""
    import tomllib

    path = config_path()
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}", "mend the file, or remove it") from None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from None
    values: dict[str, Scalar] = {}
    for key, value in content.items():
        if key not in SETTINGS:
            raise InvalidInputError(f"{path} sets {key!r}, which is no setting", f"settings: {', '.join(SETTINGS)}")
        values[key] = parse_setting(key, str(value))
    return values


def resolve(flags: Mapping[str, str | None]) -> dict[str, Value]:
    """Return every setting's value and source. `flags` holds what the command line gave, by key."""
    from_file = read_file()
    values: dict[str, Value] = {}
    for key, setting in SETTINGS.items():
        if (flag := flags.get(key)) is not None:
            values[key] = Value(parse_setting(key, flag), "flag")
        elif setting.environment and (text := os.environ.get(setting.environment)):
            values[key] = Value(parse_setting(key, text), "environment")
        elif key in from_file:
            values[key] = Value(from_file[key], "stored")
        else:
            values[key] = Value(None, "default")
    if values["database"].source == "default" and (name := values["database_env"].value) is not None:
        if not (text := os.environ.get(str(name))):
            raise InvalidInputError(
                f"the environment variable {name} is not set, which should hold the URL of the database",
                "set it, or go back to the embedded file with 'todo db disconnect'",
            )
        values["database"] = Value(text, "stored")
    return values


def is_exposed() -> bool:
    """Return whether others on this machine may read the configuration file, which can hold a password."""
    try:
        return os.name == "posix" and bool(config_path().stat().st_mode & 0o077)
    except OSError:
        return False


def store(settings: Mapping[str, Scalar | None]) -> None:
    """Write settings to the configuration file, remove those that are None, and keep the rest of the file as it is.

    The file holds credentials, so only its owner may read it (mode 0600). It is replaced whole: a kill leaves
    the old one or the new one.
    """
    import tomlkit
    from filelock import FileLock, Timeout

    path = config_path().resolve()  # the file itself, if a link to it lies in the folder
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=10):
            read_file()  # a file that is not understood is refused here, not overwritten
            document = tomlkit.parse(path.read_text("utf-8") if path.exists() else "")
            for key, value in settings.items():
                if value is None:
                    document.pop(key, None)
                else:
                    document[key] = value
            _replace(path, tomlkit.dumps(document))
    except Timeout:
        raise StorageError(f"{path} is being changed by another program", "try again") from None
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    """Put a file of mode 0600 with that text in place of the one there is."""
    unfinished = path.with_name(f".{path.name}.new")  # always the same, so that a kill leaves no heap of them
    unfinished.unlink(missing_ok=True)
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
