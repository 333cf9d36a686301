"""Attributes among the words of `add` and `modify`: `Pay rent due:eom project:home.flat +bills every:month`.

| WORD                                        | what it gives                                     |
|---------------------------------------------|---------------------------------------------------|
| `due:` `scheduled:` `wait:` `until:` WHEN   | a date (see `dates`)                              |
| `every:` RULE                               | how often (see `phrases`)                         |
| `every!:`, `every-after:` RULE              | the same, from completion                         |
| `project:NAME`, `priority:high`             | as the options of that name                       |
| `+NAME`, `tag:NAME,NAME`                    | tags                                              |
| `description:TEXT`                          | the longer text                                   |
| `depends:REF,REF`, `parent:REF`             | todos that come first, the one that it belongs to |
| `title:TEXT`, `untag:NAME,NAME`,            | in `modify`                                       |
| `undepends:REF,REF`                         |                                                   |
| `NAME:`                                     | in `modify`: it empties the field                 |

An attribute is a word of its own, also within a quoted argument, and its name is one of these, in any case. Everything
else is text: `https://…`, `12:30`, `Fix: crash`, `+49 30 1234`. What cannot be told apart is refused: a name that is
nearly one of these, and a value that goes on in the next words (`due:friday 5pm`, which is written `due:'friday 5pm'`).
An argument that begins with an attribute has all of it as its value, if that is one, or was to be one
(`due:'next fridya'`, `due:'friday 25:00'`), which is then refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from todo_cli.errors import InvalidInputError
from todo_cli.query.dates import is_slip
from todo_cli.query.names import parse_name
from todo_cli.suggestions import nearest

ADDED = (
    *("due", "scheduled", "wait", "until", "every", "every!", "project", "priority", "tag", "description"),
    *("depends", "parent"),
)
MODIFIED = (*ADDED, "title", "untag", "undepends")

_LISTS = ("tag", "untag")
_OF_SEVERAL_WORDS = ("due", "scheduled", "wait", "until", "every", "every!")
_REFERENCES = ("depends", "undepends", "parent")
_NUMBERS = re.compile(r"[\d,-]+", re.ASCII)
_LONGEST_VALUE = 6
"""Words, in what is looked at as one value."""

_NAME = "[A-Za-z]+(?:-after|!)?"
_HEAD = re.compile(rf"({_NAME})(\.[A-Za-z]+)?:")
_EQUALS = re.compile(r"([A-Za-z]+)=(\S+)")
_WORD = re.compile(rf"""{_NAME}:(?:"[^"]*"|'[^']*')(?!\S)|\S+""")
_AS_TEXT = "after -- everything is text"

_ALIASES = {"every-after": "every!"}  # which an interactive shell may take for a word of its history
_SPOKEN = {name: alias for alias, name in _ALIASES.items()}

IsValue = Callable[[str, str], bool]
"""Tells of an attribute's name and a text whether that text is a value of it."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What words say. Values are as they were written; `tag` and `untag` are lists of names."""

    text: Sequence[str]
    values: dict[str, str] = field(default_factory=dict)
    tag: Sequence[str] = ()
    untag: Sequence[str] = ()


@dataclass(slots=True)
class _Word:
    """A word of an argument: an attribute if it has a name."""

    text: str
    argument: int
    start: int
    end: int
    name: str | None = None
    value: str = ""


def read_attributes(arguments: Sequence[str], known: Collection[str], is_value: IsValue) -> Attributes:
    """Return the attributes that stand in the arguments, and of each argument the text that is left, if any.

    Text stays as it was typed; where a word is taken out of an argument, the space before or after it goes as well.
    Raises InvalidInputError for what may be a slip, and for an attribute that stands there twice.
    """
    words = [word for number, argument in enumerate(arguments) for word in _read(argument, number, known, is_value)]
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    for place, word in enumerate(words):
        if word.name is None:
            continue
        if word.name in _LISTS and not word.value.strip(", "):
            raise InvalidInputError(
                f"there is no value after {word.name}:", f"tags are taken off with untag:NAME; {_AS_TEXT}"
            )
        if word.name in _OF_SEVERAL_WORDS:
            _check_end(word, words[place + 1 :], is_value)
        if word.name in _REFERENCES and word.value:
            _check_list(word, words[place + 1 : place + 2])
        if word.name in _LISTS:
            lists[word.name] += [name.strip() for name in word.value.split(",") if name.strip()]
        elif word.name in values:
            raise InvalidInputError(f"{word.name}: is given twice", _AS_TEXT)
        else:
            values[word.name] = word.value
    return Attributes(list(_leave_text(arguments, words)), values, **lists)


def _read(argument: str, number: int, known: Collection[str], is_value: IsValue) -> Iterator[_Word]:
    head = _HEAD.match(argument)
    if head and not head[2] and (name := _read_name(head)) in known:
        value = argument[head.end() :]
        if len(value.split()) > 1 and value[0] not in "\"'" and _is_whole(name, value, is_value):
            yield _Word(argument, number, 0, len(argument), name, value)
            return
    for match in _WORD.finditer(argument):
        word = _Word(match[0], number, match.start(), match.end())
        _name(word, known)
        yield word


def _is_whole(name: str, value: str, is_value: IsValue) -> bool:
    """Return whether all of an argument is the value, or was meant to be."""
    if name in ("project", "priority", *_LISTS):
        return not any(_HEAD.match(word) or word[0] == "+" for word in value.split())  # which is refused as a name
    if name in _OF_SEVERAL_WORDS:
        begins = is_value(name, value.split(maxsplit=1)[0])
        return is_value(name, value) or not begins or is_slip(value, lambda part: is_value(name, part))
    return name in ("title", "description")


def _name(word: _Word, known: Collection[str]) -> None:
    """Find out which attribute the word is, if it is one."""
    if word.text[0] == "+" and word.text[1:2].isalpha():
        word.name, word.value = "tag", parse_name(word.text[1:], "tag")
        return
    if (equals := _EQUALS.fullmatch(word.text)) and equals[1].lower() in known:
        written = f"{equals[1].lower()}:{equals[2]}"
        raise InvalidInputError(f"{word.text!r} is no attribute", f"did you mean '{written}'? {_AS_TEXT}")
    if not (head := _HEAD.match(word.text)):
        return
    name, value = _read_name(head), word.text[head.end() :]
    if name in known:
        if head[2]:
            raise InvalidInputError(f"{word.text!r} is a filter", f"did you mean '{name}:{value}'? {_AS_TEXT}")
        word.name, word.value = name, _unquote(value)
    elif value and name in MODIFIED:
        raise InvalidInputError(f"{name}: is for 'todo modify', as in {word.text!r}", _AS_TEXT)
    elif value and (meant := nearest(name.rstrip("!"), [*known])):
        raise InvalidInputError(
            f"there is no attribute {name!r}, as in {word.text!r}", f"did you mean '{meant}:{value}'? {_AS_TEXT}"
        )


def _read_name(head: re.Match[str]) -> str:
    name = head[1].lower()
    return _ALIASES.get(name, name)


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _check_list(word: _Word, following: Sequence[_Word]) -> None:
    """Raise InvalidInputError if a list of todos goes on in the next word."""
    if following and following[0].name is None and _NUMBERS.fullmatch(following[0].text):
        more = following[0].text.strip(",")
        hint = f"did you mean '{word.name}:{word.value.rstrip(',')},{more}'? else put {word.name}: last"
        raise InvalidInputError(f"{more!r} may belong to '{word.name}:{word.value}'", hint)


def _check_end(word: _Word, following: Iterable[_Word], is_value: IsValue) -> None:
    """Raise InvalidInputError if the value goes on in the words that follow, as far as they are text."""
    assert word.name is not None
    value, meant, is_uncertain = word.value, None, False
    for count, more in enumerate(following, start=2):
        if more.name is not None or count > _LONGEST_VALUE or word.text[-1] in "\"'" or " " in word.value:
            break
        value = f"{value} {more.text}".strip()
        if is_value(word.name, value):
            meant = value
        elif count == 2 and is_slip(value, partial(is_value, word.name)):
            is_uncertain = True
        tail = value.removeprefix(word.value).strip()
        is_time = (tail[:1].isdigit() or tail.startswith("at ")) and is_value("due", tail)
        if word.name.startswith("every") and is_time:
            when = value if is_value("due", value) else tail
            raise InvalidInputError(
                f"{word.text!r} is followed by a time", f"what recurs has it in due:, as in due:'{when}'"
            )
    if meant is not None or is_uncertain:
        proposal = f"did you mean {_SPOKEN.get(word.name, word.name)}:'{meant}'? " if meant else ""
        raise InvalidInputError(
            f"{word.text!r} is followed by what may belong to it",
            f"{proposal}what is text stands before it, or after --",
        )


def _leave_text(arguments: Sequence[str], words: Sequence[_Word]) -> Iterator[str]:
    """Yield what is left of each argument without its attributes, if there is anything."""
    for number, argument in enumerate(arguments):
        own = [word for word in words if word.argument == number]
        taken = [word for word in own if word.name is not None]
        if not taken:
            yield argument
            continue
        left = argument
        for word in reversed(taken):
            before, after = left[: word.start], left[word.end :]
            left = before.rstrip() + after if not after.strip() else before + after.lstrip()
        if left.strip():
            yield left
