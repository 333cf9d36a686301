"""References to todos: `12`, `12-15`, `12,14`, or four or more characters of a uuid that are not all digits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import TodoPublic

MOST = 1000
MOST_PREFIXES = 200
"""Each is a condition of its own, and databases limit how many a statement may have."""
EXAMPLES = "12, 12-15, 12,14 or the first characters of a uuid"

_RANGE = re.compile(r"(\d+)-(\d+)", re.ASCII)
_UUID_PREFIX = re.compile(r"(?!\d+$)[0-9a-f]{4,32}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.ASCII)
_UUID_DASHES = (8, 13, 18, 23)


class Identified(Protocol):
    """A todo, as far as a reference is concerned."""

    @property
    def id(self) -> int | None: ...

    @property
    def uuid(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class NumberReference:
    """The todo of that number."""

    number: int

    @property
    def is_exact(self) -> bool:
        """Return True: it stands for one todo at most."""
        return True

    def matches(self, todo: Identified) -> bool:
        """Return whether it refers to the todo."""
        return todo.id == self.number

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True, slots=True)
class UuidReference:
    """The todo whose uuid lies between the two, both included: those that begin with `text`."""

    text: str
    first: UUID
    last: UUID

    @property
    def is_exact(self) -> bool:
        """Whether it is a whole uuid, and so stands for one todo at most."""
        return self.first == self.last

    def matches(self, todo: Identified) -> bool:
        """Return whether it refers to the todo."""
        return self.first <= todo.uuid <= self.last

    def __str__(self) -> str:
        return self.text


Reference = NumberReference | UuidReference


def parse_references(words: Iterable[str], hint: str | None = None) -> tuple[Reference, ...]:
    """Return each todo that the words refer to, once, in their order.

    Raises InvalidInputError for a word that is not a reference, with the hint besides, and for more references than
    `MOST`, or uuid prefixes than `MOST_PREFIXES`, at once.
    """
    try:
        return _parse(words)
    except InvalidInputError as error:
        if hint and "no reference" in error.message:
            error.hint = f"{error.hint}; {hint}"
        raise


def are_countable(references: Collection[Reference]) -> bool:
    """Return whether each stands for one todo if as many todos as references are found.

    The beginning of a uuid may stand for two, and make up for another reference that stands for none.
    """
    return len(references) < 2 or all(reference.is_exact for reference in references)


def refer_to(todos: Iterable[TodoPublic]) -> list[Reference]:
    """Return a reference to each of the todos, by its uuid."""
    return [UuidReference(str(todo.uuid), todo.uuid, todo.uuid) for todo in todos]


def parse_uuid(text: str) -> UUID:
    """Return a whole uuid, with or without dashes (RFC 9562, 4); raises InvalidInputError."""
    if _UUID.fullmatch(text.lower()):
        return UUID(text)
    raise InvalidInputError(f"{text!r} is no uuid", "32 hexadecimal digits, as 'uuidgen' makes them")


def _parse(words: Iterable[str]) -> tuple[Reference, ...]:
    found: dict[Reference, None] = {}
    for word in words:
        for part in word.split(","):
            for reference in _parse_part(part.strip(), word):
                found[reference] = None
            if len(found) > MOST:
                raise InvalidInputError(f"{word!r} are more than {MOST} todos at once")
    if sum(not reference.is_exact for reference in found) > MOST_PREFIXES:
        raise InvalidInputError(f"more than {MOST_PREFIXES} uuid prefixes at once", "write the uuids in full")
    if not found:
        raise InvalidInputError("no todo was named", f"references: {EXAMPLES}")
    return tuple(found)


def _parse_part(part: str, word: str) -> Iterable[Reference]:
    if part.isascii() and part.isdigit():
        return (NumberReference(_number(part, word)),)
    if match := _RANGE.fullmatch(part):
        first, last = _number(match[1], word), _number(match[2], word)
        if first <= last:
            # one more than may be, so that a range beyond the limit is seen without being spelled out
            return (NumberReference(number) for number in range(first, min(last, first + MOST) + 1))
        raise InvalidInputError(f"{part!r} runs backwards", f"did you mean '{last}-{first}'?")
    digits = part.lower().replace("-", "")
    dashes = tuple(place for place, character in enumerate(part) if character == "-")
    if _UUID_PREFIX.fullmatch(digits) and dashes in ((), _UUID_DASHES[: len(dashes)]):
        return (UuidReference(part, UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))),)
    raise InvalidInputError(f"{part or word!r} is no reference to a todo", f"references: {EXAMPLES}")


def _number(digits: str, word: str) -> int:
    if len(digits) > 18:  # no database counts so far
        raise InvalidInputError(f"{word!r} is no reference to a todo", f"references: {EXAMPLES}")
    return int(digits)
