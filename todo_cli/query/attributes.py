"""Words of a filter such as `due.before:friday`: a name, perhaps a modifier, and a value.

A name is a letter of any script, then letters, digits, `_` and `-`. A word of this form with an unknown name is an
error and never text: `not urgncy.above:5` would match every todo. Two forms remain text: a word with nothing after its
colon (`Re:`), unless its name is a near miss, and a URL (`https://example.com`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HEAD = re.compile(r"([^\W\d_][\w-]*)(?:\.([\w.-]*))?:")
"""An attribute up to its value: the name, and the modifier if there is a dot."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A word in its parts; name and modifier in lower case, the modifier None where there is no dot."""

    name: str
    modifier: str | None
    value: str


def split_attribute(word: str) -> Attribute | None:
    """Return the parts of a word that has the form of an attribute, known or not; None for any other."""
    if not (head := HEAD.match(word)):
        return None
    name, modifier = head.groups()
    return Attribute(name.lower(), None if modifier is None else modifier.lower(), word[head.end() :])


def nearest_attribute(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that an unknown one was meant to be; None where it is near to none.

    Near is what differs by one letter that is missing, added, wrong or swapped with its neighbour (two such slips in
    a name of more than five letters), and the first three letters or more. Everything is near to a name of two
    letters: of those only the swapped one counts.
    """
    known = list(known)
    if len(name) >= 3 and (begun := [whole for whole in known if whole.startswith(name)]):
        return min(begun)
    slips = 1 if len(name) <= 5 else 2
    near = [
        (distance, whole)
        for whole in known
        if (len(whole) > 2 or whole == name[::-1]) and (distance := count_slips(name, whole)) <= slips
    ]
    return min(near)[1] if near else None


def count_slips(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance, in its form that touches no letter twice (optimal string alignment)."""
    if abs(len(one) - len(other)) > 2:
        return abs(len(one) - len(other))  # further apart than matters, and text may be long
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, a in enumerate(one, start=1):
        here = [row]
        for place, b in enumerate(other, start=1):
            distance = min(above[place] + 1, here[-1] + 1, above[place - 1] + (a != b))
            if row > 1 and place > 1 and (a, one[row - 2]) == (other[place - 2], b):
                distance = min(distance, before[place - 2] + 1)
            here.append(distance)
        before, above = above, here
    return above[-1]
