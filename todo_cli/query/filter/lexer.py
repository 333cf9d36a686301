"""The words of a filter expression, each with its place. What they mean together is up to `parser.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from todo_cli.errors import ExpressionError
from todo_cli.query.attributes import HEAD, Attribute, split_attribute
from todo_cli.suggestions import nearest

Kind = Literal["(", ")", "and", "or", "not", "attribute", "tag", "excluded", "text", "end"]

_KEYWORDS: dict[str, Kind] = {"and": "and", "or": "or", "not": "not", "AND": "and", "OR": "or", "NOT": "not"}
_QUOTES = ('"', "'")
_WORD = re.compile(r"[^\s()]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A part of an expression: its characters from `start` up to `end`."""

    expression: str
    start: int
    end: int

    def error(self, message: str, hint: str | None = None) -> ExpressionError:
        """Return the error that points there."""
        return ExpressionError(message, hint, self.expression, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `text` is what it says: without its quotes, or the sign in front of it."""

    kind: Kind
    text: str
    place: Place
    attribute: Attribute | None = None


def join_arguments(arguments: Sequence[str], names: Collection[str], is_value: Callable[[str, str], bool]) -> str:
    """Return one expression of shell words; those whose quotes the shell took away get them back.

    That is an argument of several words of which none is anything but text, and an attribute whose value has several
    words: `is_value` tells of a name, without a modifier, and some text whether the one can have the other.
    """
    return " ".join(_quote(argument, names, is_value) for argument in arguments)


def following_text(expression: str, start: int, names: Collection[str]) -> Iterator[str]:
    """Yield the words from there on, as long as they are text without quotes."""
    for found in _WORD.finditer(expression, start):
        if expression[start : found.start()].strip() or not _is_text(found[0], names):
            return
        yield found[0]
        start = found.end()


def tokenize(expression: str, names: Collection[str]) -> Iterator[Token]:
    """Yield the tokens of the expression, and one at its end; `names` are those that attributes have.

    Raises ExpressionError for a quote that is not closed.
    """
    position = 0
    while position < len(expression):
        if expression[position].isspace():
            position += 1
            continue
        token = _read_token(expression, position, names)
        yield token
        position = token.place.end
    yield Token("end", "", Place(expression, position, position))


def _quote(argument: str, names: Collection[str], is_value: Callable[[str, str], bool]) -> str:
    quote = next((quote for quote in _QUOTES if quote not in argument), None)
    head = HEAD.match(argument)
    name = head[1].lower() if head else None
    behind = head.end() if head and name in names else 0
    value = argument[behind:]
    words = value.split()
    is_one = quote and len(words) > 1 and all(_is_text(word, names, in_value=behind > 0) for word in words)
    if is_one and (not behind or (name and is_value(name, value))):
        return f"{argument[:behind]}{quote}{value}{quote}"
    return argument


def _is_text(word: str, names: Collection[str], *, in_value: bool = False) -> bool:
    """Return whether the word is text; in the value of an attribute, `foo:bar` with an unknown name is text too."""
    if word.startswith(_QUOTES) or "(" in word or ")" in word:
        return False
    token = _classify(word, Place(word, 0, len(word)), names)
    if in_value and token.kind == "attribute" and token.attribute:
        return token.attribute.name not in names and nearest(token.attribute.name, names) is None
    return token.kind == "text"


def _read_token(expression: str, start: int, names: Collection[str]) -> Token:
    match expression[start]:
        case "(":
            return Token("(", "(", Place(expression, start, start + 1))
        case ")":
            return Token(")", ")", Place(expression, start, start + 1))
        case '"' | "'":
            end = _find_closing_quote(expression, start)
            return Token("text", expression[start + 1 : end - 1], Place(expression, start, end))
    if (head := HEAD.match(expression, start)) and expression.startswith(_QUOTES, head.end()):
        end = _find_closing_quote(expression, head.end())
        word = head[0] + expression[head.end() + 1 : end - 1]
    else:
        found = _WORD.match(expression, start)
        assert found
        end, word = found.end(), found[0]
    return _classify(word, Place(expression, start, end), names)


def _classify(word: str, place: Place, names: Collection[str]) -> Token:
    if word in _KEYWORDS:
        return Token(_KEYWORDS[word], word, place)
    if word[0] == "+" and word[1:2].isalpha():
        return Token("tag", word[1:], place)
    is_excluded = word[0] == "-" and word[1:2].isalpha()
    said = word[1:] if is_excluded else word
    attribute = split_attribute(said)
    if attribute and attribute.name not in names and _is_plain_text(attribute, place, names):
        attribute = None
    return Token("excluded" if is_excluded else "attribute" if attribute else "text", said, place, attribute)


def _is_plain_text(unknown: Attribute, place: Place, names: Collection[str]) -> bool:
    """Return whether a word with that unknown name is text all the same, such as `Re:` or `https://example.com`."""
    if not unknown.value:
        is_quoted = place.expression.endswith(_QUOTES, place.start, place.end)  # foo:''
        return not is_quoted and nearest(unknown.name, names) is None
    return unknown.value.startswith("//")


def _find_closing_quote(expression: str, start: int) -> int:
    """Return the place behind the quote that closes the one at `start`."""
    end = expression.find(expression[start], start + 1)
    if end < 0:
        quote = Place(expression, start, start + 1)
        raise quote.error("this quote is never closed", "text in quotes ends with the quote it began with")
    return end + 1
