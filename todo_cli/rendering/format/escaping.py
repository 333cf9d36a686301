"""Escaping of stored text for terminals and pipes, so that it cannot control them."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TextIO

# Control characters (C0, DEL, C1) drive terminals; line and paragraph separators break lines; the embedding, override
# and isolate characters of the bidirectional algorithm (UAX #9) reorder the text around them.
_ACTIVE_CHARACTERS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_MARKS = "\u061c\u200e\u200f"
"""Other bidirectional characters. Right-to-left scripts need them, and they do not reorder other text."""

_ACTIVE = re.compile(f"[{_ACTIVE_CHARACTERS}]")
_ESCAPED_IN_JSON = re.compile(f"[{_ACTIVE_CHARACTERS}{_MARKS}]")
_ACTIVE_OR_BACKSLASH = re.compile(rf"{_ACTIVE.pattern}|\\")
_NAMED = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"}


def _spell(match: re.Match[str]) -> str:
    character = match[0]
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def neutralize(text: str) -> str:
    r"""Return the text with active characters escaped as `\x1b`, for people to read."""
    return _ACTIVE.sub(_spell, text)


def inert_lines(text: str) -> str:
    """Return the text with all active characters except line breaks escaped."""
    return "\n".join(neutralize(line) for line in text.split("\n"))


def escape_field(text: str) -> str:
    r"""Return the text as a field of tab-separated output. Backslashes are doubled, so it can be unescaped."""
    return _ACTIVE_OR_BACKSLASH.sub(_spell, text)


def write_json(value: object, stream: TextIO, *, indent: int | None = None) -> None:
    r"""Write the value and a line break. On a terminal, active characters in strings are escaped as `\u009b`."""
    if stream.isatty():
        text = json.dumps(value, ensure_ascii=False, indent=indent)
        # Line breaks in strings are already escaped; the others separate the parts of an indented value.
        lines = (_ESCAPED_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", line) for line in text.split("\n"))
        stream.write("\n".join(lines))
    else:
        json.dump(value, stream, ensure_ascii=False, indent=indent)
    stream.write("\n")


MAX_WIDTH = 70
"""The maximum number of columns of an expression in an error."""


def point_at(expression: str, start: int, end: int) -> str:
    """Return two lines: the expression, shortened if it is long, and carets below the part from `start` to `end`."""
    cells = [neutralize(character) for character in expression]
    widths = [sum(map(_width, cell)) for cell in cells]
    first, last = _fit(widths, start, end)
    shown = ("…" if first else "") + "".join(cells[first:last]) + ("…" if last < len(cells) else "")
    indent = (1 if first else 0) + sum(widths[first:start])
    return f"{shown}\n{' ' * indent}{'^' * max(1, sum(widths[start : min(end, last)]))}"


def _fit(widths: list[int], start: int, end: int) -> tuple[int, int]:
    """Return the range of characters that fits: first the part itself, then as much as possible on either side."""
    room = MAX_WIDTH if sum(widths) <= MAX_WIDTH else MAX_WIDTH - 2  # an ellipsis at each end
    first = last = start
    while last < end and widths[last] <= room:
        room -= widths[last]
        last += 1
    grows = True
    while grows:
        grows = False
        if first > 0 and widths[first - 1] <= room:
            first -= 1
            room -= widths[first]
            grows = True
        if last < len(widths) and widths[last] <= room:
            room -= widths[last]
            last += 1
            grows = True
    return first, last


def _width(character: str) -> int:
    """Return the width of a character in terminal columns (UAX #11); combining marks have none."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
