"""Folding of text, so that comparisons are the same on every database, whatever its collation."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return the text folded for comparing and searching: canonical caseless matching (Unicode Standard, 3.13, D145).

    `ÉCLAIR`, `éclair` and `e` + combining acute + `clair` fold to the same; so do `STRASSE` and `straße`.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", decomposed.casefold()))
