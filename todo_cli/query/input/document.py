"""A todo as a document to edit: its fields as a TOML header between two lines `+++`, and the description below it.

    +++
    title = "Pay rent"
    due = "2026-11-30 17:00"
    +++
    The description, in Markdown.

Each value is a text as for `add`; an empty text means no value. Concurrent changes are merged text by text.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import Kind, Settable
from todo_cli.models.text import fold
from todo_cli.query.input.setters import Action, Setter, list_setters
from todo_cli.query.kinds import format_value
from todo_cli.query.texts import check_text
from todo_cli.suggestions import nearest

if TYPE_CHECKING:
    from todo_cli.models.values import TodoPublic

Texts = Mapping[str, str]
"""The text of each field in `HEAD`, and the description."""

DESCRIPTION = "description"

HEAD: Mapping[str, Setter] = {
    setter.field.column if setter.is_list else setter.option: setter
    for setter in list_setters(Settable.BOTH).values()
    if setter.action is not Action.REMOVE and setter.name != DESCRIPTION
}
"""The fields of the header by key, in order."""

LISTS = tuple(key for key, setter in HEAD.items() if setter.field.is_set)
"""The keys of fields whose text is a list."""

_FENCE = "+++"
_REASON = "#!"
_MAX_WIDTH = 40
"""Longer lines have no comment."""
_EXPLANATION = (
    "Fields are between the +++ lines; the description, in Markdown, is below them.",
    'Values are written as for \'todo add\', such as due = "friday 17:00"; "" means none.',
)

# Characters that a TOML string must escape (TOML 1.0, String), or that break or reorder lines in an editor.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def describe_todo(todo: TodoPublic, now: datetime) -> dict[str, str]:
    """Return the texts of the todo. `now` is aware, in the user's zone."""
    texts = {key: _format(setter, todo, now) for key, setter in HEAD.items()}
    return {**texts, DESCRIPTION: todo.description or ""}


def _format(setter: Setter, todo: TodoPublic, now: datetime) -> str:
    """Return the present value of the setter's field as a user would type it."""
    from todo_cli.query.recurrence.description import phrase

    field = setter.field
    value = field.get(todo)
    match field.kind:
        case Kind.RECURRENCE:
            matches = todo.recurrence and todo.recurrence.after_completion == (setter.action is Action.SET_AFTER)
            return phrase(todo.recurrence) if todo.recurrence and matches else ""
        case Kind.NAMES | Kind.REFERENCES:
            return join_list(map(str, value))
    return format_value(field, value, now) if field.is_simple else str(value or "")


def describe_nothing() -> dict[str, str]:
    """Return the texts of a todo without any values."""
    return dict.fromkeys([*HEAD, DESCRIPTION], "")


def write_document(texts: Texts, remarks: Iterable[str] = ()) -> str:
    """Return the document, with the remarks as comments in its header."""
    introduction = [f"# {_escape(line)}" for line in (*remarks, *_EXPLANATION)]
    values = {name: f"{name} = {_quote(texts[name])}" for name in HEAD}
    comments = {name: _explain_field(setter) for name, setter in HEAD.items() if len(values[name]) <= _MAX_WIDTH}
    width = max((len(values[name]) for name, comment in comments.items() if comment), default=0)
    lines = [
        f"{value.ljust(width)}  # {comments[name]}" if comments.get(name) else value for name, value in values.items()
    ]
    return "\n".join([_FENCE, *introduction, *lines, _FENCE, texts[DESCRIPTION], ""])


def _explain_field(setter: Setter) -> str:
    """Return the comment after a field; an empty text for a field that cannot be empty."""
    if setter.action is Action.SET_AFTER:
        return "repeat it, counted from completion"
    help_ = setter.field.help
    return help_[:1].lower() + help_[1:] if setter.field.is_emptyable or setter.field.is_set else ""


def read_document(text: str, *, complete: bool = True) -> dict[str, str]:
    """Return the texts of the document.

    Raises InvalidInputError for an invalid form; the texts themselves are not parsed. A field that is missing from the
    header is an error if the document must be `complete`, and otherwise has no value.
    """
    head, description = _split(text)
    try:
        values = tomllib.loads(head)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"the header is not valid TOML: {_explain(error, head)}", 'quote each value: due = "friday"'
        ) from None
    except RecursionError:
        raise InvalidInputError("the header is not valid TOML", 'quote each value: due = "friday"') from None
    for name, value in values.items():
        if name not in HEAD:
            meant = nearest(name, HEAD)
            hint = f"did you mean {meant}? " if meant else ""
            raise InvalidInputError(f"unknown field {name!r}", f"{hint}fields: {', '.join(HEAD)}")
        if not isinstance(value, str):
            raise InvalidInputError(f"{name} must be a string", f'quote the value: {name} = "…"')
        check_text(value, name)
    missing = [name for name in HEAD if name not in values]
    if missing and complete:
        raise InvalidInputError(f"missing field {missing[0]!r}", f'for no value, write {missing[0]} = ""')
    texts = {name: _strip(name, values.get(name, "")) for name in HEAD}
    return {**texts, DESCRIPTION: description}


def is_blank(text: str) -> bool:
    """Return whether the document is empty, which means that the user wants to change nothing."""
    return not _without_reason(text).strip()


def with_reason(text: str, reason: Sequence[str]) -> str:
    """Return the document with these lines at the top, replacing the lines of an earlier call."""
    lines = "".join(f"{_REASON} {_escape(line)}\n" for line in reason)
    return lines + _without_reason(text)


def merge_texts(base: Texts, mine: Texts, theirs: Texts) -> tuple[dict[str, str], list[str]]:
    """Merge two versions of the base; return the result and the names of the fields in conflict, which have my text.

    Lists are merged item by item and have no conflicts.
    """
    merged, conflicts = {}, []
    for name in base:
        if name in LISTS:
            merged[name] = _merge_lists(base[name], mine[name], theirs[name])
        elif mine[name] in (base[name], theirs[name]):
            merged[name] = theirs[name]
        else:
            merged[name] = mine[name]
            if theirs[name] != base[name]:
                conflicts.append(name)
    return merged, conflicts


def split_list(text: str) -> list[str]:
    """Return the items of a list, each once, without regard to case."""
    items = [item.strip() for item in text.split(",")]
    return list({fold(item): item for item in reversed(items) if item}.values())[::-1]


def join_list(items: Iterable[str]) -> str:
    """Return the items as the text of a list, sorted: names without regard to case, numbers by value."""
    return ", ".join(sorted(items, key=lambda item: (len(item) if item.isdecimal() else 0, fold(item), item)))


def _split(text: str) -> tuple[str, str]:
    """Return the header and the description."""
    text = _without_reason(text)
    if text.startswith(f"{_FENCE}\r\n"):  # the editor uses Windows line endings
        text = text.replace("\r\n", "\n")
    first, _, rest = text.partition("\n")
    if first.rstrip() != _FENCE:
        raise InvalidInputError("the first line must be +++", "put the fields first, between two +++ lines")
    lines = rest.split("\n")
    end = next((place for place, line in enumerate(lines) if line.rstrip() == _FENCE), None)
    if end is None:
        raise InvalidInputError("the +++ line after the fields is missing", "put the description below it")
    return "\n".join(lines[:end]), check_text("\n".join(lines[end + 1 :]).removesuffix("\n"), DESCRIPTION)


def _without_reason(text: str) -> str:
    text = text.removeprefix("\ufeff")
    while text.startswith((_REASON, "\n", "\r\n")):
        text = text.partition("\n")[2]
    return text


def _strip(name: str, value: str) -> str:
    if HEAD[name].field.kind is Kind.TEXT:
        return value
    value = value.strip()
    return "" if value.lower() == "none" else value


def _merge_lists(base: str, mine: str, theirs: str) -> str:
    before, here, there = ({fold(item): item for item in split_list(text)} for text in (base, mine, theirs))
    kept = {
        key: item for key, item in {**here, **there}.items() if (key in here) + (key in there) - (key in before) > 0
    }
    return join_list(kept.values())


def _quote(text: str) -> str:
    """Return the text as a TOML basic string, which is a JSON string with more escapes."""
    return _escape(json.dumps(text, ensure_ascii=False))


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\n", " "))


def _explain(error: tomllib.TOMLDecodeError, head: str) -> str:
    """Return the message of the error with the line instead of its number, which differs from the editor's."""
    what, _, place = str(error).partition(" (at ")
    number = re.match(r"line (\d+)", place)
    line = head.split("\n")[int(number[1]) - 1].strip() if number else ""
    return f"{what[:1].lower()}{what[1:]}" + (f", in {line[:_MAX_WIDTH]}" if line else "")
