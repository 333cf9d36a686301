"""Names of projects, tags, users, views and contexts, and of any other field that has names.

A name is a letter (of any script) followed by letters with their marks, digits, `_` and `-`. A user name may also
contain `.` and `@`. Where names are nested (`Field.is_nested`), so is each segment between dots.
"""

from __future__ import annotations

import unicodedata

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import FIELDS
from todo_cli.models.values import NAME_LENGTH
from todo_cli.redaction import conceal

_PUNCTUATION = {"user": "_-.@"}
"""Allowed after the first letter, in addition to letters, marks and digits (Unicode categories L, M and N); otherwise
it is `_-`."""

_NESTED = {field.item for field in FIELDS.find(is_nested=True)}


def parse_name(text: str, kind: str) -> str:
    """Return the name, composed (Unicode NFC); raises InvalidInputError with a proposal if possible.

    `kind` is what messages call it, such as `tag` (see `Field.item`).
    """
    name = unicodedata.normalize("NFC", text)
    if len(name) > NAME_LENGTH:
        raise InvalidInputError(f"a {kind} name has at most {NAME_LENGTH} characters, but this one has {len(name)}")
    if _is_name(name, kind):
        return name
    proposal = propose_name(name, kind) if conceal(name) == name else None  # for a URL, it would repeat the password
    rule = "a letter, then letters, digits, '_' and '-'"
    if kind in _NESTED:
        rule += f"; '.' separates nested {kind}s"
    raise InvalidInputError(
        f"{text!r} is not a valid {kind} name",
        f"did you mean {proposal!r}? ({rule})" if proposal else f"a name is {rule}",
    )


def propose_name(text: str, kind: str) -> str | None:
    """Return a valid name that is close to the text, None if nothing of it is valid."""
    cleaned = (_clean(segment, kind) for segment in _segments(unicodedata.normalize("NFC", text), kind))
    proposal = ".".join(segment for segment in cleaned if segment)[:NAME_LENGTH]
    return proposal if _is_name(proposal, kind) else None


def _segments(name: str, kind: str) -> list[str]:
    return name.split(".") if kind in _NESTED else [name]


def _is_name(name: str, kind: str) -> bool:
    return all(
        segment and _category(segment[0]) == "L" and all(_may_follow(character, kind) for character in segment)
        for segment in _segments(name, kind)
    )


def _may_follow(character: str, kind: str) -> bool:
    return _category(character) in "LMN" or character in _PUNCTUATION.get(kind, "_-")


def _category(character: str) -> str:
    return unicodedata.category(character)[0]


def _clean(segment: str, kind: str) -> str:
    """Return the words of the segment joined with hyphens, from its first letter on."""
    words = "".join(character if _may_follow(character, kind) else " " for character in segment).split()
    text = "-".join(words)
    start = next((place for place, character in enumerate(text) if _category(character) == "L"), len(text))
    return text[start:].rstrip("-")
