"""Parser for filters: turns shell words into a tree of conditions.

    expression = alternative , { "or" , alternative } ;
    alternative = part , { [ "and" ] , part } ;
    part = { "not" } , ( "(" , expression , ")" | condition ) ;
    condition = attribute | "+" , tag | text ;
    attribute = name , [ "." , modifier ] , ":" , value ;
    text, value = word | '"' , characters , '"' | "'" , characters , "'" ;

Keywords are in lower or upper case; the case of names and modifiers does not matter. A word ends at white space or at a
parenthesis. A quotation mark is special only at the beginning of a word or value.

Attributes are the fields that are filters (`docs/fields.md`), with the modifiers and values of their kinds, and `is`,
`has` and `no`; `conditions.py` has them all. `+bills` means `tag:bills`.

Everything else is text to search for in the title and the description. A word that looks like an attribute but has a
name that is none of these is an error (see `query/lexer.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from todo_cli.errors import ExpressionError, InvalidInputError
from todo_cli.query.dates import USUAL, Conventions, is_slip, is_when
from todo_cli.query.filter.ast import (
    And,
    ContainsText,
    Filter,
    HasName,
    LinksTo,
    Not,
    Or,
    RefersTo,
    conditions_of,
)
from todo_cli.query.filter.attributes import explain_unknown, read_attribute
from todo_cli.query.filter.conditions import DATE_FIELDS, NAMES, TEXT_FIELDS
from todo_cli.query.lexer import Place, Syntax, Token, following_text, join_arguments, tokenize
from todo_cli.query.names import parse_name
from todo_cli.query.references import MAX as MAX_REFERENCES
from todo_cli.query.texts import check_text

MAX_CONDITIONS, MAX_TEXTS, MAX_TEXT_LENGTH = 200, 50, 1000
MAX_DEPTH = 50
"""The maximum depth of nested parentheses and NOTs. Both databases can handle a filter that reaches all limits."""

MAX_DATE_WORDS = 6
"""The maximum number of words that are checked as one date."""

_AS_TEXT = "quote it to search for it as text"


def parse_filter(arguments: Sequence[str], now: datetime, conventions: Conventions = USUAL) -> Filter:
    """Return the filter that the shell words express; without words, it matches everything.

    `now` is aware, in the user's zone. Raises InvalidInputError, or ExpressionError if it can point at the error.
    """
    if not arguments:
        return And(())

    def is_date(text: str) -> bool:
        return is_when(text, now, conventions)

    def is_value(name: str, text: str) -> bool:
        return name in TEXT_FIELDS or (name in DATE_FIELDS and (is_date(text) or is_slip(text, is_date)))

    expression = check_text(join_arguments(arguments, NAMES, is_value), "filter")
    return _Parser(expression, now, conventions).parse()


class _Parser:
    """A recursive-descent parser, with one method for each rule of the grammar."""

    def __init__(self, expression: str, now: datetime, conventions: Conventions) -> None:
        self._tokens = tokenize(expression, NAMES, Syntax.FILTER)
        self._next = next(self._tokens)
        self._before: Token | None = None
        self._now = now
        self._conventions = conventions
        self._depth = self._conditions = self._texts = self._references = 0

    def parse(self) -> Filter:
        tree = self._expression()
        if self._next.kind != "end":
            raise self._next.place.error("unmatched ')'", _AS_TEXT)
        return tree

    def _take(self) -> Token:
        token = self._before = self._next
        self._next = next(self._tokens)
        return token

    def _expression(self) -> Filter:
        parts = [self._alternative()]
        while self._next.kind == "or":
            self._take()
            parts.append(self._alternative())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _alternative(self) -> Filter:
        parts = [self._part()]
        while self._next.kind not in ("or", ")", "end"):
            if self._next.kind == "and":
                self._take()
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _part(self) -> Filter:
        if self._next.kind in ("and", "or", ")", "end"):
            raise self._explain_missing_condition()
        token = self._take()
        if token.kind not in ("not", "("):
            return self._condition(token)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise token.place.error(f"nested more than {MAX_DEPTH} levels deep")
        if token.kind == "not":
            tree: Filter = Not(self._part())
        else:
            tree = self._expression()
            if self._next.kind != ")":
                raise token.place.error("unmatched '('", _AS_TEXT)
            self._take()
        self._depth -= 1
        return tree

    def _explain_missing_condition(self) -> ExpressionError:
        """Return the error for a token where a condition was expected."""
        here, before = self._next, self._before
        if here.kind in ("and", "or"):
            return here.place.error(f"expected a condition before {here.text!r}", _AS_TEXT)
        if here.kind == ")" and before is None:
            return here.place.error("unmatched ')'", _AS_TEXT)
        if before is None:
            return here.place.error("the filter is empty", "for example: todo list +bills due.before:friday")
        if before.kind == "(" and here.kind == ")":
            between = Place(here.place.expression, before.place.start, here.place.end)
            return between.error("empty parentheses", _AS_TEXT)
        if before.kind == "(":
            return before.place.error("unmatched '('", _AS_TEXT)
        return before.place.error(f"expected a condition after {before.text!r}", _AS_TEXT)

    def _condition(self, token: Token) -> Filter:
        tree = self._read(token)
        found = list(conditions_of(tree))
        texts = [condition for condition in found if isinstance(condition, ContainsText)]
        naming = [each for each in found if isinstance(each, RefersTo | LinksTo)]
        named = [each for condition in naming for each in condition.references]
        self._texts += len(texts)
        self._references += len(named)
        # In SQL, each uuid prefix is a condition of its own.
        self._conditions += len(found) + sum(not each.is_exact for each in named)
        for number, most, whole, things in (
            (self._conditions, MAX_CONDITIONS, "a filter", "conditions"),
            (self._texts, MAX_TEXTS, "a filter", "search terms"),
            (self._references, MAX_REFERENCES, "a filter", "todo numbers"),
            (max((len(each.text) for each in texts), default=0), MAX_TEXT_LENGTH, "a search term", "characters"),
        ):
            if number > most:
                raise token.place.error(f"{whole} can have at most {most:,} {things}")
        return tree

    def _check_end(self, token: Token) -> None:
        """Raise ExpressionError if the next words belong to the date, since they would be searched for as text."""
        attribute, place = token.attribute, token.place
        assert attribute
        if attribute.name not in DATE_FIELDS or not attribute.value or place.expression[place.end - 1] in "\"'":
            return
        value = attribute.value
        for word in islice(following_text(place.expression, place.end, NAMES), MAX_DATE_WORDS):
            value = f"{value} {word}"
            if is_when(value, self._now, self._conventions):
                head = token.text.removesuffix(attribute.value)
                raise place.error(f"{word!r} may belong to this date", f"did you mean {head}'{value}'? {_AS_TEXT}")

    def _read(self, token: Token) -> Filter:
        match token.kind:
            case "attribute":
                self._check_end(token)
                return read_attribute(token, self._now, self._conventions)
            case "tag":
                try:
                    return HasName("tag", parse_name(token.text, "tag"))
                except InvalidInputError as error:
                    raise token.place.error(error.message, error.hint) from None
            case "excluded":
                if token.attribute and token.attribute.name not in NAMES:
                    raise explain_unknown(token, self._now, self._conventions)
                meant = token.text if token.attribute else f"+{token.text}"
                raise token.place.error(
                    f"unexpected '-' before {token.text!r}", f"did you mean 'not {meant}'? {_AS_TEXT}"
                )
        if not token.text.strip():
            raise token.place.error("the quoted text is empty")
        if token.place.expression[token.place.start] not in "\"'" and (equivalent := _translate_operator(token.text)):
            raise token.place.error(f"{token.text!r} is not a condition", f"did you mean '{equivalent}'? {_AS_TEXT}")
        return ContainsText(token.text)


_SIGNS = {"|": "or", "||": "or", "&": "and", "&&": "and"}
_COMPARISON = re.compile(r"([A-Za-z]+)(<=|>=|==|[<>=])(.+)")
_MODIFIERS = {"<": ".before", ">": ".after", "<=": ".by", ">=": ".since"}


def _translate_operator(text: str) -> str | None:
    """Return the equivalent of an operator of other languages, such as `due<friday`; None for plain text."""
    if text[0] == "!" and (text[1:2].isalpha() or text[1:2] == "+"):
        return f"not {text[1:]}"
    comparison = _COMPARISON.fullmatch(text)
    if not comparison or (name := comparison[1].lower()) not in NAMES:
        return _SIGNS.get(text)
    modifier = _MODIFIERS.get(comparison[2], "") if name in DATE_FIELDS else ""
    return f"{name}{modifier}:{comparison[3]}"
