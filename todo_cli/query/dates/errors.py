"""Why a text is no date, and what may have been meant by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates.words import EDGES, FILLERS, LONGEST, NAMES, WORDS, normalise
from todo_cli.suggestions import nearest

EXAMPLES = "2026-12-24, '24 dec 18:00', tomorrow, 'friday 5pm', 3d, '2 weeks', eom"

_SHOWN = 60
_EDGE = re.compile(rf"(?:the )?({'|'.join(EDGES)}) of (?:the |this )?(day|week|month|quarter|year)")


class UnreadableError(Exception):
    """Raised while a text is read. It never leaves this package: `explain` makes the error that a user gets.

    `meant` are whole texts that may have been meant, the likeliest first; of those that can be read, the first is
    proposed, or all of them with `is_choice`.
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
    """Return the error for the text, which proposes nothing that does not work itself."""
    meant = [proposal for proposal in error.meant if works(proposal)]
    if not meant and len(when := normalise(text)) <= LONGEST:
        meant = [proposal for proposal in _guesses(when, works) if works(proposal)][:1]
    proposals = " or ".join(f"'{proposal}'" for proposal in (meant if error.is_choice else meant[:1]))
    hint = f"did you mean {proposals}? " if proposals else ""
    advice = f"{error.advice}; " if error.advice else ""
    return InvalidInputError(f"{_quote(text)} {error.what}", f"{hint}{advice}examples: {EXAMPLES}")


def _quote(text: str) -> str:
    """Return the text in quotes, on one line and not too long for it."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")


def _guesses(when: str, works: Callable[[str], bool]) -> Iterator[str]:
    """Yield what the text might be with one slip mended: a letter, a space too many, a word that says nothing."""
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
