"""Word-by-word differences between two texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from todo_cli.rendering.format.escaping import neutralize

Pieces = Sequence[tuple[str, str]]
"""Parts of a line, each with the name of a style."""

REMOVED, ADDED = "removed", "added"
CONTEXT = 3
"""The number of unchanged words to show on either side of a change in a long text."""

MAX_WORDS = 400
"""Only this many words of each text are compared."""

LONG = 60
"""Texts with more characters are shortened to the changes and their context."""


def compare_texts(old: str, new: str) -> Pieces:
    """Return the new text with additions marked, and with the removed parts of the old text."""
    before, after = _split(old), _split(new)
    is_long = max(len(old), len(new)) > LONG
    pieces: list[tuple[str, str]] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in _join(list(matcher.get_opcodes()), before):
        if kind == "equal":
            kept = before[start:end]
            pieces.append(("".join(_shorten(kept, start == 0, end == len(before)) if is_long else kept), ""))
            continue
        removed, added = "".join(before[start:end]), "".join(after[new_start:new_end])
        if removed:
            pieces.append((cut(removed), REMOVED))
        if removed and added and not removed[-1].isspace():
            pieces.append((" ", ""))
        if added:
            pieces.append((cut(added), ADDED))
    return [(neutralize(text), style) for text, style in pieces]


def cut(text: str) -> str:
    """Return the text, truncated if it is long."""
    return text if len(text) <= LONG else f"{text[: LONG - 1].rstrip()}…"


def _split(text: str) -> list[str]:
    """Return words and the white space between them, alternately."""
    return re.findall(r"\s+|\S+", text)[:MAX_WORDS]


Opcode = tuple[str, int, int, int, int]


def _join(opcodes: Sequence[Opcode], before: Sequence[str]) -> Iterator[Opcode]:
    """Yield the differences; join those that only white space separates."""
    pending: Opcode | None = None
    for place, (kind, start, end, new_start, new_end) in enumerate(opcodes):
        between = kind == "equal" and 0 < place < len(opcodes) - 1 and not "".join(before[start:end]).strip()
        if kind != "equal" or between:
            first = pending or (kind, start, end, new_start, new_end)
            pending = ("replace", first[1], end, first[3], new_end)
            continue
        if pending:
            yield pending
            pending = None
        yield (kind, start, end, new_start, new_end)
    if pending:
        yield pending


def _shorten(words: Sequence[str], is_first: bool, is_last: bool) -> Sequence[str]:
    """Return the unchanged words next to a change, with an ellipsis for the others."""
    room = 2 * CONTEXT  # words and spaces
    if is_first and is_last:
        return words[:room]
    if is_first:
        return words if len(words) <= room else ["…", *words[-room:]]
    if is_last:
        return words if len(words) <= room else [*words[:room], "…"]
    return words if len(words) <= 2 * room else [*words[:room], "…", *words[-room:]]
