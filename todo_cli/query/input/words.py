"""Parser for the words of `add` and `modify`: `Pay rent due:eom project:home.flat +bills every:month`.

| WORD                            | meaning                                                                          |
|---------------------------------|----------------------------------------------------------------------------------|
| `due:friday`, `project:home`, … | the value of a field (see `models/fields.py`), like the option of that name      |
| `+NAME`, `tag:NAME,NAME`        | tags                                                                             |
| `every!:RULE`, `every-after:RULE` | a recurrence that counts from completion                                       |
| `untag:NAME`, `undepends:REF`   | in `modify`: removes items from a set                                            |
| `NAME:`                         | in `modify`: clears the field                                                    |

An attribute is a separate word, also within a quoted argument, with a known name, whose case does not matter.
Everything else is text: `https://…`, `12:30`, `Fix: crash`, `+49 30 1234`. Likely typos are refused: a name that is
similar to a known one, and a value that continues in the next words (`due:friday 5pm` must be `due:'friday 5pm'`). If
an argument begins with an attribute, the rest of the argument is its value if it is a valid value or a likely typo
(`due:'next fridya'`, `due:'friday 25:00'`), which is then refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import Kind, Settable
from todo_cli.query.dates import is_slip
from todo_cli.query.input.setters import Setter, list_aliases, list_setters
from todo_cli.query.kinds import InputContext, is_value, takes_words
from todo_cli.query.lexer import HEAD, Attribute, Place, Syntax, Token, split_attribute, tokenize
from todo_cli.query.names import parse_name
from todo_cli.suggestions import nearest

_NUMBERS = re.compile(r"[\d,-]+", re.ASCII)
_MAX_VALUE_WORDS = 6
"""The maximum number of words that are checked as one value."""

_EQUALS = re.compile(r"([A-Za-z]\w*)=(\S+)")
_AS_TEXT = "after -- everything is text"


@dataclass(frozen=True, slots=True)
class GivenWords:
    """The words that are text, and the values of attributes as they were typed, by the name of the setter.

    `lists` maps setters that take several names, such as tags, to their values.
    """

    text: Sequence[str]
    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Word:
    """A word of an argument; it is an attribute if it has a setter."""

    token: Token
    argument: int
    setter: Setter | None = None
    value: str = ""

    @property
    def source(self) -> str:
        return self.token.place.source


def read_words(arguments: Sequence[str], by: Settable, context: InputContext) -> GivenWords:
    """Return the attributes in the arguments, and the text that remains of each argument.

    Text is unchanged, except that the space before or after an attribute is removed with it. Raises InvalidInputError
    for a likely typo, and for an attribute that is given twice.
    """
    return _Parser(by, context).read(arguments)


class _Parser:
    """Parses the words of one command."""

    def __init__(self, by: Settable, context: InputContext) -> None:
        self._setters = list_setters(by)
        self._aliases = list_aliases(by)
        self._names = {*self._setters, *self._aliases}
        self._context = context

    def read(self, arguments: Sequence[str]) -> GivenWords:
        words = [word for number, argument in enumerate(arguments) for word in self._read_argument(argument, number)]
        values: dict[str, str] = {}
        lists: dict[str, list[str]] = {}
        for place, word in enumerate(words):
            if (setter := word.setter) is None:
                continue
            name = setter.name
            self._check_value(word, setter, words[place + 1 :])
            if setter.is_list:
                lists.setdefault(name, []).extend(part.strip() for part in word.value.split(",") if part.strip())
            elif name in values:
                raise InvalidInputError(f"{name}: is given twice", _AS_TEXT)
            else:
                values[name] = word.value
        return GivenWords(list(_leave_text(arguments, words)), values, lists)

    def _find_setter(self, name: str) -> Setter | None:
        return self._setters.get(self._aliases.get(name, name))

    def _read_argument(self, argument: str, number: int) -> Iterator[_Word]:
        if whole := self._read_whole(argument, number):
            yield whole
            return
        for token in tokenize(argument, self._names, Syntax.TITLE):
            if token.kind != "end":
                yield self._read_token(token, number)

    def _read_whole(self, argument: str, number: int) -> _Word | None:
        """Return an argument that is a single attribute, or is probably meant to be one; None for any other."""
        attribute = split_attribute(argument)
        if not attribute or attribute.modifier is not None or not (setter := self._find_setter(attribute.name)):
            return None
        value = attribute.value
        if len(value.split()) < 2 or value[0] in "\"'" or not self._is_whole(setter, value):
            return None
        token = Token("attribute", argument, Place(argument, 0, len(argument)), attribute)
        return _Word(token, number, setter, value)

    def _is_whole(self, setter: Setter, value: str) -> bool:
        if setter.field.kind is Kind.TEXT:
            return True
        if not takes_words(setter.field):  # a likely typo is refused later, unless it is an attribute followed by text
            is_one = setter.field.kind in (Kind.NAME, Kind.NAMES, Kind.CHOICE)
            return is_one and not any(HEAD.match(word) or word[0] == "+" for word in value.split())
        test = partial(is_value, setter.field, context=self._context)
        return test(value) or not test(value.split(maxsplit=1)[0]) or is_slip(value, test)

    def _read_token(self, token: Token, number: int) -> _Word:
        word = _Word(token, number)
        if token.kind == "tag":
            word.setter, word.value = self._setters["tag"], parse_name(token.text, "tag")
        elif token.attribute:
            self._read_attribute(word, token.attribute)
        else:
            self._check_equals(token)
        return word

    def _read_attribute(self, word: _Word, attribute: Attribute) -> None:
        name, value = attribute.name, attribute.value
        if setter := self._find_setter(name):
            if attribute.modifier is not None:
                raise InvalidInputError(f"{word.source!r} is a filter", f"did you mean '{name}:{value}'? {_AS_TEXT}")
            word.setter, word.value = setter, value
        elif value and name in list_setters(Settable.BOTH):
            raise InvalidInputError(f"only 'todo modify' accepts {name}:", _AS_TEXT)
        elif value and (meant := nearest(name.rstrip("!"), self._setters)):
            raise InvalidInputError(
                f"unknown attribute {name!r} in {word.source!r}", f"did you mean '{meant}:{value}'? {_AS_TEXT}"
            )

    def _check_equals(self, token: Token) -> None:
        equals = _EQUALS.fullmatch(token.text)
        if equals and equals[1].lower() in self._setters:
            meant = f"{equals[1].lower()}:{equals[2]}"
            raise InvalidInputError(f"{token.text!r} is not an attribute", f"did you mean '{meant}'? {_AS_TEXT}")

    def _check_value(self, word: _Word, setter: Setter, following: Sequence[_Word]) -> None:
        """Raise InvalidInputError for a list without a value, and for a value that may continue in the next words."""
        if setter.is_list and not word.value.strip(", "):
            raise InvalidInputError(
                f"{setter.name}: needs a value",
                f"to remove one, write un{setter.field.name}:NAME; {_AS_TEXT}",
            )
        if setter.field.kind in (Kind.REFERENCE, Kind.REFERENCES) and word.value:
            _check_references(word, setter, following[:1])
        if takes_words(setter.field) and setter.field.kind is not Kind.TEXT:
            self._check_end(word, setter, following)

    def _check_end(self, word: _Word, setter: Setter, following: Iterable[_Word]) -> None:
        """Raise InvalidInputError if the value continues in the words of text that follow."""
        test = partial(is_value, setter.field, context=self._context)
        value, meant, is_uncertain = word.value, None, False
        for count, more in enumerate(following, start=2):
            if more.setter is not None or count > _MAX_VALUE_WORDS or word.token.is_quoted or " " in word.value:
                break
            value = f"{value} {more.source}".strip()
            if test(value):
                meant = value
            elif count == 2 and is_slip(value, test):
                is_uncertain = True
            if setter.field.kind is Kind.RECURRENCE:
                self._check_time(word, value)
        if meant is not None or is_uncertain:
            proposal = f"did you mean {setter.option}:'{meant}'? " if meant else ""
            raise InvalidInputError(
                f"the next word may belong to {word.source!r}",
                f"{proposal}write text before it, or after --",
            )

    def _check_time(self, word: _Word, value: str) -> None:
        """Raise InvalidInputError for a time after a recurrence: it belongs to the due date."""
        is_when = partial(is_value, self._setters["due"].field, context=self._context)
        tail = value.removeprefix(word.value).strip()
        if (tail[:1].isdigit() or tail.startswith("at ")) and is_when(tail):
            when = value if is_when(value) else tail
            raise InvalidInputError(
                f"{word.source!r} cannot have a time", f"the time belongs to the due date, as in due:'{when}'"
            )


def _check_references(word: _Word, setter: Setter, following: Sequence[_Word]) -> None:
    """Raise InvalidInputError if a list of references continues in the next word."""
    if following and following[0].setter is None and _NUMBERS.fullmatch(following[0].source):
        more = following[0].source.strip(",")
        hint = f"did you mean '{setter.name}:{word.value.rstrip(',')},{more}'? if not, put {setter.name}: last"
        raise InvalidInputError(f"{more!r} may belong to '{setter.name}:{word.value}'", hint)


def _leave_text(arguments: Sequence[str], words: Sequence[_Word]) -> Iterator[str]:
    """Yield the text that remains of each argument without its attributes."""
    for number, argument in enumerate(arguments):
        own = [word for word in words if word.argument == number]
        taken = [word.token.place for word in own if word.setter is not None]
        if not taken:
            yield argument
            continue
        left = argument
        for place in reversed(taken):
            before, after = left[: place.start], left[place.end :]
            left = before.rstrip() + after if not after.strip() else before + after.lstrip()
        if left.strip():
            yield left
