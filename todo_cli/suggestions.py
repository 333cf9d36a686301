"""Fuzzy matching: suggestions for mistyped words."""

from __future__ import annotations

from collections.abc import Iterable

from todo_cli.errors import InvalidInputError


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar to a mistyped one, regardless of case; None if none is similar.

    A known word is similar if the mistyped word is a prefix of it of three or more letters, or differs by one missing,
    added, wrong or swapped letter, or by two if it has more than five letters. A known word of one or two letters
    is similar only if its letters are swapped, because otherwise it would match almost anything.
    """
    word = word.lower()
    ranked = [(*rank, folded, whole) for whole in known if (rank := _rank(word, folded := whole.lower()))]
    return min(ranked)[-1] if ranked else None


def _rank(word: str, known: str) -> tuple[float, int] | None:
    """Return a sort key for suggestions, the best first; None for a word that is not similar.

    A prefix counts as one and a half typos. Among equally similar words, one that the mistyped word begins with comes
    first, then the longest, since letters are omitted more often than added.
    """
    distance = edit_distance(word, known)
    if distance <= (1 if len(word) <= 5 else 2) and (len(known) > 2 or known == word[::-1]):
        return distance, -100 if word.startswith(known) else -len(known)
    return (1.5, len(known)) if len(word) >= 3 and known.startswith(word) else None


def edit_distance(one: str, other: str) -> int:
    """Return the restricted Damerau-Levenshtein distance (optimal string alignment).

    If the lengths differ by more than 2, return that difference, a lower bound.
    """
    if abs(len(one) - len(other)) > 2:
        return abs(len(one) - len(other))
    previous: list[int] = []
    above = list(range(len(other) + 1))
    for row, a in enumerate(one, start=1):
        here = [row]
        for place, b in enumerate(other, start=1):
            distance = min(above[place] + 1, here[-1] + 1, above[place - 1] + (a != b))
            if row > 1 and place > 1 and (a, one[row - 2]) == (other[place - 2], b):
                distance = min(distance, previous[place - 2] + 1)
            here.append(distance)
        previous, above = above, here
    return above[-1]


def choose(text: str, known: Iterable[str], kind: str, kinds: str) -> str:
    """Return the known word equal to the text, regardless of case; raises InvalidInputError listing them."""
    known = list(known)
    if text.lower() in known:
        return text.lower()
    meant = nearest(text, known)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise InvalidInputError(f"{text!r} is not a valid {kind}", f"{hint}{kinds}: {', '.join(known)}")
