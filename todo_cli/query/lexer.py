"""The lexer for titles, which may contain attributes, and for filters.

An attribute is a word such as `due:friday` or `due.before:friday`: a name, an optional modifier, and a value. A name is
a letter of any script, then letters, digits, `_` and `-`, and optionally a `!`.

| WORD            | in a title                         | in a filter                                              |
|-----------------|------------------------------------|----------------------------------------------------------|
| `due:friday`    | an attribute                       | an attribute                                             |
| `+bills`        | a tag                              | a tag                                                    |
| `foo:bar`       | text                               | an attribute, which the parser refuses                   |
| `Re:`, `x://y`  | text                               | text, unless the name is similar to a known one          |
| `-bills`        | text                               | `excluded`, which the parser refuses                     |
| `and` `or` `not`| text                               | operators, in lower or upper case                        |
| `(` `)`         | text                               | parentheses, which also end a word                       |
| `'…'`, `"…"`    | text, but quotes for a whole value | quotes around a word, or around a whole value            |

In a filter an unknown name is an error and never text: `not urgncy.above:5` would match every todo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from todo_cli.errors import ExpressionError
from todo_cli.suggestions import nearest

TokenKind = Literal["(", ")", "and", "or", "not", "attribute", "tag", "excluded", "text", "end"]

HEAD = re.compile(r"([^\W\d_][\w-]*!?)(?:\.([\w.-]*))?:")
"""An attribute without its value: the name, and the modifier after a dot."""

_KEYWORDS: dict[str, TokenKind] = {"and": "and", "or": "or", "not": "not", "AND": "and", "OR": "or", "NOT": "not"}
_QUOTES = ('"', "'")
_WORD = re.compile(r"\S+")
_WORD_OF_FILTER = re.compile(r"[^\s()]+")

IsValue = Callable[[str, str], bool]
"""Returns whether a text of several words is a value of the attribute with that name."""


class Syntax(Enum):
    """The syntax of the words."""

    TITLE = auto()
    FILTER = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """The parts of an attribute. Name and modifier are in lower case; the modifier is None without a dot."""

    name: str
    modifier: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """A part of an expression: the characters from `start` to `end`, which is not included."""

    expression: str
    start: int
    end: int

    @property
    def source(self) -> str:
        """The text as it was typed."""
        return self.expression[self.start : self.end]

    def error(self, message: str, hint: str | None = None) -> ExpressionError:
        """Return an error that points at this part."""
        return ExpressionError(message, hint, self.expression, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Token:
    """A word. `text` is the word without quotes and without the `+` or `-` of a tag.

    `attribute` is set if the word has the form of an attribute, even if it is text.
    """

    kind: TokenKind
    text: str
    place: Place
    attribute: Attribute | None = None

    @property
    def is_quoted(self) -> bool:
        """Whether the word or its value is in quotes."""
        return self.place.source.endswith(_QUOTES)


def split_attribute(word: str) -> Attribute | None:
    """Return the parts of a word that has the form of an attribute, known or unknown; None for any other word."""
    if not (head := HEAD.match(word)):
        return None
    name, modifier = head.groups()
    return Attribute(name.lower(), None if modifier is None else modifier.lower(), word[head.end() :])


def tokenize(expression: str, names: Collection[str], syntax: Syntax) -> Iterator[Token]:
    """Yield the tokens of the expression and an `end` token; `names` are the known attributes.

    Raises ExpressionError for an unterminated quote in a filter.
    """
    position = 0
    while position < len(expression):
        if expression[position].isspace():
            position += 1
            continue
        token = _read_token(expression, position, names, syntax)
        yield token
        position = token.place.end
    yield Token("end", "", Place(expression, position, position))


def join_arguments(arguments: Sequence[str], names: Collection[str], is_value: IsValue) -> str:
    """Join shell words into one filter expression, and restore quotes that the shell removed.

    Arguments that consist of several words of text, and values of several words, must have been quoted.
    """
    return " ".join(_quote(argument, names, is_value) for argument in arguments)


def following_text(expression: str, start: int, names: Collection[str]) -> Iterator[str]:
    """Yield the words of a filter from that position on, as long as they are unquoted text."""
    for found in _WORD_OF_FILTER.finditer(expression, start):
        if expression[start : found.start()].strip() or not _is_text(found[0], names):
            return
        yield found[0]
        start = found.end()


def _quote(argument: str, names: Collection[str], is_value: IsValue) -> str:
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
    """Return whether the word is text. In the value of an attribute, `foo:bar` with an unknown name is also text."""
    if word.startswith(_QUOTES) or "(" in word or ")" in word:
        return False
    token = _classify(word, Place(word, 0, len(word)), names)
    if in_value and token.kind == "attribute" and token.attribute:
        return token.attribute.name not in names and nearest(token.attribute.name, names) is None
    return token.kind == "text"


def _read_token(expression: str, start: int, names: Collection[str], syntax: Syntax) -> Token:
    is_filter = syntax is Syntax.FILTER
    first = expression[start]
    if is_filter and first in "()":
        return Token("(" if first == "(" else ")", first, Place(expression, start, start + 1))
    if is_filter and first in _QUOTES:
        end = _find_closing_quote(expression, start)
        return Token("text", expression[start + 1 : end - 1], Place(expression, start, end))
    if quoted := _read_quoted_value(expression, start, syntax):
        word, end = quoted
    else:
        found = (_WORD_OF_FILTER if is_filter else _WORD).match(expression, start)
        assert found
        word, end = found[0], found.end()
    place = Place(expression, start, end)
    return _classify(word, place, names) if is_filter else _classify_in_title(word, place, names)


def _read_quoted_value(expression: str, start: int, syntax: Syntax) -> tuple[str, int] | None:
    """Return an attribute without the quotes around its value, and its end; None if the value is not quoted.

    In a title, quotes are ordinary characters unless they enclose the whole value.
    """
    head = HEAD.match(expression, start)
    if not head or not expression.startswith(_QUOTES, head.end()):
        return None
    if syntax is Syntax.TITLE:
        end = expression.find(expression[head.end()], head.end() + 1) + 1
        if end == 0 or not (end == len(expression) or expression[end].isspace()):
            return None
    else:
        end = _find_closing_quote(expression, head.end())
    return head[0] + expression[head.end() + 1 : end - 1], end


def _classify_in_title(word: str, place: Place, names: Collection[str]) -> Token:
    if word[0] == "+" and word[1:2].isalpha():
        return Token("tag", word[1:], place)
    attribute = split_attribute(word)
    return Token("attribute" if attribute and attribute.name in names else "text", word, place, attribute)


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
    """Return whether a word with an unknown name is text in a filter, such as `Re:` or `https://example.com`."""
    if not unknown.value:
        is_quoted = place.expression.endswith(_QUOTES, place.start, place.end)  # foo:''
        return not is_quoted and nearest(unknown.name, names) is None
    return unknown.value.startswith("//")


def _find_closing_quote(expression: str, start: int) -> int:
    """Return the position after the quote that closes the one at `start`."""
    end = expression.find(expression[start], start + 1)
    if end < 0:
        quote = Place(expression, start, start + 1)
        raise quote.error("unterminated quote", "close it with the same quotation mark")
    return end + 1
