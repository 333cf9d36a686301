"""Tokens of a WHEN, and a cursor that reads them from left to right."""

from __future__ import annotations

import re
from dataclasses import dataclass

from todo_cli.query.dates.errors import UnreadableError

# The last digits of a date or zone must not be the number before a unit, as in 2026-W52-4d and 18:00+30 min.
_TOKEN = re.compile(
    r"""
      (?P<date>                              # ISO 8601, even with a missing digit, which is refused later
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
    """A token. `kind` is the name of a group above, or `end` after the last token."""

    kind: str
    text: str
    start: int
    end: int


class Cursor:
    """The tokens of a text in lower case, and the position of the next one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = [Token(str(m.lastgroup), m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
        self._end = Token("end", "", len(text), len(text))
        self._last = self._end
        self._place = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one further ahead, without consuming it."""
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else self._end

    def word(self, ahead: int = 0) -> str:
        """Return the text of the next token if it is a word, else an empty string."""
        token = self.peek(ahead)
        return token.text if token.kind == "word" else ""

    @property
    def last(self) -> Token:
        """The last token that was consumed."""
        return self._last

    def take(self) -> Token:
        """Consume and return the next token."""
        self._last = self.peek()
        self._place += 1
        return self._last

    def take_word(self, *words: str) -> str:
        """Consume and return the next token if it is one of these words; else return an empty string."""
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
        """Return an error that suggests the text with each of `instead` in place of the tokens `first` to `last`."""
        before, after = self.text[: first.start], self.text[last.end :]
        meant = (f"{before}{part}{after}" for part in instead)
        return UnreadableError(*meant, what=what, advice=advice, is_choice=is_choice)
