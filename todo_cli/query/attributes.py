"""Words of a filter such as `due.before:friday`: a name, perhaps a modifier, and a value.

A name is a letter of any script, then letters, digits, `_` and `-`. A word of this form with an unknown name is an
error and never text: `not urgncy.above:5` would match every todo. Two forms remain text: a word with nothing after its
colon (`Re:`), unless its name is a near miss, and a URL (`https://example.com`).
"""

from __future__ import annotations

import re
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
