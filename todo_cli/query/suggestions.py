"""What may have been meant."""

from __future__ import annotations

from collections.abc import Iterable

from todo_cli.errors import InvalidInputError


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known word that is most like the given one; None where none is so alike (0 to 1)."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1, cutoff=likeness)), None)


def choose(text: str, known: Iterable[str], kind: str, kinds: str) -> str:
    """Return the known word that the text is, in any case; raises InvalidInputError with what there is."""
    known = list(known)
    if text.lower() in known:
        return text.lower()
    meant = nearest(text.lower(), known)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise InvalidInputError(f"{text!r} is no {kind}", f"{hint}{kinds}: {', '.join(known)}")
