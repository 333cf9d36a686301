"""Names of projects, tags and users.

A tag, and each dot-separated segment of a project, is a letter (of any script) followed by letters, digits, `_` and
`-`. A user name may hold `.` and `@` besides.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import NAME_LENGTH

Kind = Literal["project", "tag", "user"]

_SEGMENT = r"[^\W\d_](?:[\w-]|[\u0300-\u036f])*"
_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "project": re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*"),
    "tag": re.compile(_SEGMENT),
    "user": re.compile(r"[^\W\d_][\w.@-]*"),
}


def parse_name(text: str, kind: Kind) -> str:
    """Return the name, composed (Unicode NFC); raises InvalidInputError with a proposal where one can be made."""
    name = unicodedata.normalize("NFC", text)
    if len(name) > NAME_LENGTH:
        raise InvalidInputError(f"a {kind} name has at most {NAME_LENGTH} characters, this one has {len(name)}")
    if _PATTERNS[kind].fullmatch(name):
        return name
    proposal = propose_name(name, kind)
    rule = "a letter, then letters, digits, '_' and '-'"
    if kind == "project":
        rule += "; a '.' nests"
    raise InvalidInputError(
        f"{text!r} is no {kind} name",
        f"did you mean {proposal!r}? ({rule})" if proposal else f"a name is {rule}",
    )


def propose_name(text: str, kind: Kind) -> str | None:
    """Return a valid name that is close to the text, or None where nothing of it is left."""
    segments = text.split(".") if kind == "project" else [text]
    kept = r"[^\w.@-]+" if kind == "user" else r"[^\w-]+"
    cleaned = (re.sub(r"^[\W\d_]+", "", re.sub(kept, "-", segment)).rstrip("-") for segment in segments)
    proposal = ".".join(segment for segment in cleaned if segment)[:NAME_LENGTH]
    return proposal if _PATTERNS[kind].fullmatch(proposal) else None
