"""Errors for texts that are not dates, with suggestions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates.words import EDGES, FILLERS, MAX_LENGTH, NAMES, WORDS, normalize
from todo_cli.suggestions import nearest

EXAMPLES = "2026-12-24, '24 dec 18:00', tomorrow, 'friday 5pm', 3d, '2 weeks', eom"

_SHOWN = 60
_EDGE = re.compile(rf"(?:the )?({'|'.join(EDGES)}) of (?:the |this )?(day|week|month|quarter|year)")


class UnreadableError(Exception):
    """An error while parsing a date. It never leaves this package: `explain` turns it into an error for users.

    `meant` are full texts that may have been meant, the likeliest first. The first valid one is suggested, or all valid
    ones with `is_choice`.
    """

    def __init__(
        self, *meant: str, what: str = "is not a date", advice: str | None = None, is_choice: bool = False
    ) -> None:
        super().__init__(what)
        self.meant = meant
        self.what = what
        self.advice = advice
        self.is_choice = is_choice


def explain(text: str, error: UnreadableError, works: Callable[[str], bool]) -> InvalidInputError:
    """Return the error for the text, which suggests only valid texts."""
    meant = [proposal for proposal in error.meant if works(proposal)]
    if not meant and len(when := normalize(text)) <= MAX_LENGTH:
        meant = [proposal for proposal in _guesses(when, works) if works(proposal)][:1]
    proposals = " or ".join(f"'{proposal}'" for proposal in (meant if error.is_choice else meant[:1]))
    hint = f"did you mean {proposals}? " if proposals else ""
    advice = f"{error.advice}; " if error.advice else ""
    return InvalidInputError(f"{_quote(text)} {error.what}", f"{hint}{advice}examples: {EXAMPLES}")


def _quote(text: str) -> str:
    """Return the text in quotes, on one line and truncated."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")


def _guesses(when: str, works: Callable[[str], bool]) -> Iterator[str]:
    """Yield the text with one mistake corrected: a typo, an extra space, a superfluous word."""
    unknown = next((match for match in re.finditer(r"[^\W\d_]+", when) if match[0] not in WORDS), None)
    if unknown:
        before, after = when[: unknown.start()], when[unknown.end() :]
        fitting = (word for word in sorted(WORDS) if works(f"{before}{word}{after}"))
        if meant := nearest(unknown[0], fitting):
            yield f"{before}{meant}{after}"
    if edge := _EDGE.fullmatch(when):
        yield f"{EDGES[edge[1]]}{edge[2][0]}"
    if (name := re.sub(r"[\W_]", "", when)) in NAMES:
        yield name
    words = re.sub(r"(?<=\w)-(?=\w)|[^a-z0-9:+-]+", " ", when).split()
    yield " ".join(word for word in words if word not in FILLERS)
