"""References to todos: `12`, `12-15`, `12,14`, or four or more characters of a uuid that are not all digits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import TodoPublic

MAX = 1000
MAX_PREFIXES = 200
"""Each is a condition of its own, and databases limit how many a statement may have."""

_HINT = "write 12, 12-15, 12,14 or the first characters of a uuid"
_NOT_A_REFERENCE = "is not a todo number or uuid"
_RANGE = re.compile(r"(\d+)-(\d+)", re.ASCII)
_UUID_PREFIX = re.compile(r"(?!\d+$)[0-9a-f]{4,32}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.ASCII)
_UUID_DASHES = (8, 13, 18, 23)


class Identified(Protocol):
    """The properties of a todo that a reference matches: number and uuid."""

    @property
    def id(self) -> int | None: ...

    @property
    def uuid(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class NumberReference:
    """A reference to the todo with this number."""

    number: int

    @property
    def is_exact(self) -> bool:
        """Whether it matches at most one todo: always."""
        return True

    def matches(self, todo: Identified) -> bool:
        """Return whether it refers to the todo."""
        return todo.id == self.number

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True, slots=True)
class UuidReference:
    """A reference to the todo whose uuid starts with `text`, and is between `first` and `last`, inclusive."""

    text: str
    first: UUID
    last: UUID

    @property
    def is_exact(self) -> bool:
        """Whether it is a full uuid, which matches at most one todo."""
        return self.first == self.last

    def matches(self, todo: Identified) -> bool:
        """Return whether it refers to the todo."""
        return self.first <= todo.uuid <= self.last

    def __str__(self) -> str:
        return self.text


Reference = NumberReference | UuidReference


def parse_references(words: Iterable[str], hint: str | None = None) -> tuple[Reference, ...]:
    """Return the references in the words, each once, in order.

    Raises InvalidInputError for an invalid reference, with an additional hint, and for more than `MAX` references or
    `MAX_PREFIXES` uuid prefixes.
    """
    try:
        return _parse(words)
    except InvalidInputError as error:
        if hint and _NOT_A_REFERENCE in error.message:
            error.hint = f"{error.hint}; {hint}"
        raise


def are_countable(references: Collection[Reference]) -> bool:
    """Return whether each reference matches one todo if the number of todos found equals the number of references.

    A uuid prefix could match two todos, which would hide that another reference matches none.
    """
    return len(references) < 2 or all(reference.is_exact for reference in references)


def refer_to(todos: Iterable[TodoPublic]) -> list[Reference]:
    """Return a reference to each todo by its uuid."""
    return [UuidReference(str(todo.uuid), todo.uuid, todo.uuid) for todo in todos]


def parse_uuid(text: str) -> UUID:
    """Return a full uuid, written with or without dashes (RFC 9562, 4); raises InvalidInputError."""
    if _UUID.fullmatch(text.lower()):
        return UUID(text)
    raise InvalidInputError(
        f"{text!r} is not a valid uuid", "a uuid has 32 hexadecimal digits, as printed by 'uuidgen'"
    )


def _parse(words: Iterable[str]) -> tuple[Reference, ...]:
    found: dict[Reference, None] = {}
    for word in words:
        for part in word.split(","):
            for reference in _parse_part(part.strip(), word):
                found[reference] = None
            if len(found) > MAX:
                raise InvalidInputError(f"{word!r} refers to more than {MAX} todos")
    if sum(not reference.is_exact for reference in found) > MAX_PREFIXES:
        raise InvalidInputError(f"more than {MAX_PREFIXES} uuid prefixes at once", "write the uuids in full")
    if not found:
        raise InvalidInputError("no todo given", _HINT)
    return tuple(found)


def _parse_part(part: str, word: str) -> Iterable[Reference]:
    if part.isascii() and part.isdigit():
        return (NumberReference(_number(part, word)),)
    if match := _RANGE.fullmatch(part):
        first, last = _number(match[1], word), _number(match[2], word)
        if first <= last:
            # one more than the limit, to detect longer ranges without listing them
            return (NumberReference(number) for number in range(first, min(last, first + MAX) + 1))
        raise InvalidInputError(f"invalid range {part!r}", f"did you mean '{last}-{first}'?")
    digits = part.lower().replace("-", "")
    dashes = tuple(place for place, character in enumerate(part) if character == "-")
    if _UUID_PREFIX.fullmatch(digits) and dashes in ((), _UUID_DASHES[: len(dashes)]):
        return (UuidReference(part, UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))),)
    raise InvalidInputError(f"{part or word!r} {_NOT_A_REFERENCE}", _HINT)


def _number(digits: str, word: str) -> int:
    if len(digits) > 18:  # beyond the integers of a database
        raise InvalidInputError(f"{word!r} {_NOT_A_REFERENCE}", _HINT)
    return int(digits)
