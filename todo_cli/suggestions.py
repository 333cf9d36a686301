"""Fuzzy matching: the known word that a mistyped one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

from todo_cli.errors import InvalidInputError


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a mistyped one was meant to be, without regard to case; None if none is near.

    Near are a prefix of three or more letters, and a word that differs by one letter that is missing, added, wrong or
    swapped with its neighbour; by two of them if the word has more than five letters. Of known words with one or two
    letters, to which everything would be near, only the swapped one counts.
    """
    word = word.lower()
    ranked = [(*rank, folded, whole) for whole in known if (rank := _rank(word, folded := whole.lower()))]
    return min(ranked)[-1] if ranked else None


def _rank(word: str, known: str) -> tuple[float, int] | None:
    """Return how good a suggestion the known word is, the best is the least; None for one that is not near.

    A prefix counts as one and a half slips. Of equally near words the best is one that the mistyped word goes on from,
    then the longest, since letters are left out more often than added.
    """
    distance = edit_distance(word, known)
    if distance <= (1 if len(word) <= 5 else 2) and (len(known) > 2 or known == word[::-1]):
        return distance, -100 if word.startswith(known) else -len(known)
    return (1.5, len(known)) if len(word) >= 3 and known.startswith(word) else None


def edit_distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance in its restricted form (optimal string alignment).

    Of words whose lengths differ by more than 2 it is the difference, a lower bound.
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
    """Return the known word that the text is, without regard to case; raises InvalidInputError listing them."""
    known = list(known)
    if text.lower() in known:
        return text.lower()
    meant = nearest(text, known)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise InvalidInputError(f"{text!r} is not a valid {kind}", f"{hint}{kinds}: {', '.join(known)}")
