"""Stored text on its way to a terminal or a pipe: nothing in it may act."""

from __future__ import annotations

import re

# Control characters (C0, DEL, C1) drive terminals; line and paragraph separators break lines; the embedding, override
# and isolate characters of the bidirectional algorithm (UAX #9) reorder what stands beside them.
_ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ACTIVE_OR_BACKSLASH = re.compile(rf"{_ACTIVE.pattern}|\\")
_NAMED = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"}


def _spell(match: re.Match[str]) -> str:
    character = match[0]
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def neutralise(text: str) -> str:
    r"""Return the text with active characters spelled out, as `\x1b`, to be read by people."""
    return _ACTIVE.sub(_spell, text)


def escape_field(text: str) -> str:
    r"""Return the text as a field of tab-separated output: backslashes are doubled, so that it can be undone."""
    return _ACTIVE_OR_BACKSLASH.sub(_spell, text)
