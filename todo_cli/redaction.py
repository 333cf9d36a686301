"""Removal of passwords in database URLs from messages and from the list of processes.

Every start runs `hide_passwords` before other imports, so this module must import nothing heavy.
"""

from __future__ import annotations

import os
import sys

SCHEMES = (
    *("postgresql", "postgres", "postgresql+asyncpg", "sqlite", "sqlite+aiosqlite"),
    *("mysql", "mariadb", "mssql", "oracle", "https", "http"),
)
"""Schemes that may be shown; other text before `://` may be part of a password."""

_ADDRESS_OPTIONS = ("--database", "--from", "--to")
_BEFORE_ADDRESS = (("db", "connect"), ("set", "database"))
_PLACEHOLDERS = ("…", "alex:…@")
"""Texts after `://` in our own examples."""


def conceal(text: str) -> str:
    """Return the text, truncated where a password may start: after the scheme of a URL, or at `user:password@host`."""
    start = _find_secret(text)
    return text if start is None else f"{text[:start]}…"


def mask(text: str) -> str:
    """Return the text with each character that `conceal` would remove replaced by `*`."""
    start = _find_secret(text)
    return text if start is None else text[:start] + "*" * (len(text) - start)


def conceal_arguments(text: str, arguments: list[str]) -> str:
    """Return the text with possible passwords from the command-line arguments replaced by `*`."""
    for argument, start in zip(arguments, find_secrets(arguments), strict=True):
        secret = "" if start is None else argument[start:]
        name, equals, _ = argument.partition("=")
        # A message about an unknown option contains the text before its equals sign.
        for shown in (secret, name[start:] if equals and argument.startswith("-") else ""):
            if len(shown) > 3:
                text = text.replace(shown, "*" * len(shown)).replace(repr(shown)[1:-1], "*" * len(shown))
    return text


def find_secrets(arguments: list[str]) -> list[int | None]:
    """Return for each argument of a command line the position where a password may start, None if it has none.

    These are secret: the values of options for databases, the arguments of `db connect` and `config set database` in
    any form, and URLs with a password anywhere else. An unquoted URL may continue in the next argument.
    """
    found: list[int | None] = []
    before = last = ""  # words that are not options
    is_value = is_open = is_address = is_literal = False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        is_option = argument.startswith("-") and not is_literal
        start = None
        if is_value:
            start = _find_secret_address(argument)
        elif equals and option in _ADDRESS_OPTIONS:
            start = _find_secret_address(value)
            start = None if start is None else start + len(option) + 1
        elif is_address and not is_option:
            start = _find_address(argument)
        if start is None:
            start = 0 if is_open and "@" in argument else _find_secret(argument)
        found.append(start)
        is_open = "@" not in argument and (is_open or start is not None)
        is_value = not is_value and argument in _ADDRESS_OPTIONS
        is_literal = is_literal or argument == "--"
        if not is_option:
            before, last = last, argument
            is_address = is_address or (before, last) in _BEFORE_ADDRESS
    return found


def hide_passwords(arguments: list[str] | None = None) -> None:
    """Overwrite passwords in the arguments that other users can see in the list of processes (Linux).

    `arguments` are those of this process, by default `sys.argv`, which is a copy and is not changed.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    starts = find_secrets(arguments)
    if any(start is not None for start in starts):
        _overwrite(arguments, starts)


def _overwrite(arguments: list[str], starts: list[int | None]) -> None:
    try:
        import ctypes

        # Fields 48 and 49 are the addresses of the start and end of the arguments (proc_pid_stat(5)).
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib takes longer to import than all of this
            fields = file.read().rpartition(b")")[2].split()
        begin, end = int(fields[45]), int(fields[46])
        memory = ctypes.string_at(begin, end - begin)
    except (ImportError, OSError, ValueError, IndexError):  # not Linux
        return
    given = [os.fsencode(argument) for argument in arguments]
    place = len(memory) - sum(len(argument) + 1 for argument in given)
    if memory[max(0, place) :] != b"".join(argument + b"\0" for argument in given):
        return  # the memory does not hold our arguments
    for argument, start, whole in zip(arguments, starts, given, strict=True):
        if start is not None:
            kept = len(os.fsencode(argument[:start]))
            ctypes.memset(begin + place + kept, ord("*"), len(whole) - kept)
        place += len(whole) + 1


def _find_secret_address(text: str) -> int | None:
    """Return where the secret part of a database option's value may start; the URL of a file is not secret."""
    return _find_address(text) if any(sign in text for sign in ":@=%") else None


def _find_address(text: str) -> int | None:
    """Return where the secret part of a database address may start: after a known scheme."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES:
        return 0
    if scheme.startswith("sqlite") and rest.startswith("/") and not any(sign in rest for sign in "@?:"):
        return None
    return len(scheme) + 3


def _find_secret(text: str) -> int | None:
    """Return where a password in any text may start, None if there is none."""
    if "://" not in text and "@" not in text and "=" not in text:
        return None
    starts = []
    place = text.find("://")
    while place >= 0:
        rest = text[place + 3 :].lower()
        scheme = _begin_word(text, place)
        query = rest.partition("?")[2]
        is_secret = "@" in rest or "pass" in query or "%" in query or "postg" in text[scheme:place].lower()
        if is_secret and not rest.startswith(_PLACEHOLDERS):
            starts.append(place + 3 if text[scheme:place] in SCHEMES else scheme)
            break
        place = text.find("://", place + 3)
    at = text.find("@")
    while at >= 0:
        word = _begin_word(text, at)
        if ":" in text[word:at] and not text[word:at].endswith(":…"):
            starts.append(word if "://" not in text[word:at] else text.index("://", word) + 3)
            break
        at = text.find("@", at + 1)
    lower = text.lower()
    starts.extend(lower.index(key) + len(key) for key in ("password=", "passwd=") if key in lower)
    return min(starts, default=None)


def _begin_word(text: str, end: int) -> int:
    """Return the start of the word that ends at that position; words start after white space or a quote."""
    begin = end
    while begin and not text[begin - 1].isspace() and text[begin - 1] not in "'\"`=(,[":
        begin -= 1
    return begin
