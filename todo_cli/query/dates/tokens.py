"""A text of WHEN as tokens, and the cursor with which they are read from left to right."""

from __future__ import annotations

import re
from dataclasses import dataclass

from todo_cli.query.dates.errors import UnreadableError

# The last digits of a date, and a zone, must not be the number of a unit, as in 2026-W52-4d and 18:00+30 min.
_TOKEN = re.compile(
    r"""
      (?P<date>                              # ISO 8601, also where a digit is missing, which is refused later
          (?: \d{4}-\d\d-\d\d (?!\d)
            | \d{4}-w\d\d (?: -\d (?! (?! t\d\d: ) [\da-z] | \ [dhmqswy] ) )? (?!\d)
            | \d{4}-\d{3} (?! (?! t\d\d: ) [\da-z] | \ [dhmqswy] )
            | \d{8} (?! (?! t\d\d: ) [\da-z] | \ [dhmqswy] )
            | \d{4}-\d\d? (?: -\d\d? )? (?! (?! t\d\d: ) [\da-z] | \ [dhmqswy] )
          ) (?: t (?=\d\d:) )?
      )
    | (?P<clock>
          \d\d?:\d\d (?: :\d\d (?: [.,]\d+ )? )? (?![\d:])
          (?: z (?![\da-z]) | [+-]\d\d (?: :?\d\d )? (?! [\d:] | \ ?[dhmqswy] ) )?
      )
    | (?P<slashes> \d+ (?: /\d+ )+ )
    | (?P<dots> \d+ (?: \.\d+ )+ \.? )
    | (?P<duration> p (?= t?\d ) [\da-z]+ )
    | (?P<number> \d+ )
    | (?P<word> [a-z]+ )
    | (?P<sign> [+-] )
    | (?P<comma> , )
    | (?P<other> \S )
    """,
    re.ASCII | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. `kind` is the name of a group above, or `end` for what follows the last."""

    kind: str
    text: str
    start: int
    end: int


class Cursor:
    """The tokens of a text in lower case, and the place of the next one to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = [Token(str(m.lastgroup), m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
        self._end = Token("end", "", len(text), len(text))
        self._last = self._end
        self._place = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one further ahead, without taking it."""
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else self._end

    def word(self, ahead: int = 0) -> str:
        """Return the next token if it is a word, else nothing."""
        token = self.peek(ahead)
        return token.text if token.kind == "word" else ""

    @property
    def last(self) -> Token:
        """The token that was taken last."""
        return self._last

    def take(self) -> Token:
        """Return the next token, and go past it."""
        self._last = self.peek()
        self._place += 1
        return self._last

    def take_word(self, *words: str) -> str:
        """Go past the next token if it is one of these words, and return it; else return nothing."""
        return self.take().text if self.word() in words else ""

    def refusal(
        self,
        first: Token,
        last: Token,
        *instead: str,
        what: str = "is not a date",
        advice: str | None = None,
        is_choice: bool = False,
    ) -> UnreadableError:
        """Return the error that proposes the text with something else instead of these tokens and those between."""
        before, after = self.text[: first.start], self.text[last.end :]
        meant = (f"{before}{part}{after}" for part in instead)
        return UnreadableError(*meant, what=what, advice=advice, is_choice=is_choice)
