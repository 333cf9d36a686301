"""Conversion of the texts in a document to the values of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from todo_cli.cli.field_values import FieldValues, check_dates, parse_names
from todo_cli.cli.invocation import Invocation
from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import FIELDS, Kind

if TYPE_CHECKING:
    from todo_cli.query.input.document import Texts


def normalize_texts(invocation: Invocation, base: Texts, written: Texts) -> dict[str, str]:
    """Return the texts with those that differ from the base in canonical form.

    So another spelling does not count as a change.
    Raises InvalidInputError for an invalid text.
    """
    from todo_cli.models.text import fold
    from todo_cli.query.input.document import HEAD

    changed = {key: text for key, text in written.items() if text != base[key]}
    given = to_values(invocation, changed)
    if changed.get("title") == "":
        raise InvalidInputError("the title is blank")
    normalized = {key: _normalize(given, key, text) if text else text for key, text in changed.items()}
    if changed.keys() & {"wait", "until"}:
        dates = to_values(invocation, {key: written[key] for key in ("wait", "until")})
        check_dates(dates, dates.parse_simple())
    for key, text in normalized.items():
        is_name = key in HEAD and HEAD[key].field.kind in (Kind.NAME, Kind.NAMES)
        if is_name and fold(text) == fold(base[key]):  # case does not matter
            normalized[key] = base[key]
    texts = {**base, **normalized}
    if texts["every"] and texts["every-after"]:
        raise InvalidInputError("every and every-after cannot be used together", 'set one of them to ""')
    return texts


def _normalize(given: FieldValues, key: str, text: str) -> str:
    """Return a text that is not empty in the form in which `describe_todo` writes it."""
    from todo_cli.query.input.document import DESCRIPTION, HEAD, join_list, split_list
    from todo_cli.query.kinds import format_value, parse_value
    from todo_cli.query.names import parse_name

    if key == DESCRIPTION and not text.strip():
        return ""
    field = HEAD[key].field if key in HEAD else FIELDS[key]
    match field.kind:
        case Kind.NAME:
            return parse_name(text, field.item)
        case Kind.NAMES:
            return join_list(parse_names(field, split_list(text)))
        case Kind.REFERENCE:
            return str(given.get_reference(field))
        case Kind.REFERENCES:
            return join_list(map(str, given.get_references(field.name)))
        case Kind.RECURRENCE:
            return text
    context = given.invocation.input_context
    return format_value(field, parse_value(field, text, context), context.now)


def to_values(invocation: Invocation, texts: Texts, removed: Mapping[str, Sequence[str]] | None = None) -> FieldValues:
    """Return the texts as values of setters; `removed` maps keys of the texts to the items to remove from sets."""
    from todo_cli.query.input.document import HEAD, split_list

    values, lists = {}, {}
    for key, text in texts.items():
        setter = HEAD.get(key)
        if setter and setter.is_list:
            lists[setter.name] = parse_names(setter.field, split_list(text))
        else:
            values[setter.name if setter else key] = text
    for name, other in (("every", "every!"), ("every!", "every")):
        if values.get(name) and values.get(other) == "":  # the new recurrence replaces the other one
            del values[other]
    for key, items in (removed or {}).items():
        if items and HEAD[key].is_list:
            lists[f"un{HEAD[key].name}"] = tuple(items)
        elif items:
            values[f"un{HEAD[key].name}"] = ",".join(items)
    return FieldValues(invocation, (), values, lists)


def diff_texts(invocation: Invocation, before: Texts, after: Texts, new: Texts) -> FieldValues:
    """Return the changes from `before` to `after`; `new` contains the texts of `after` as the user wrote them."""
    from todo_cli.models.text import fold
    from todo_cli.query.input.document import LISTS, split_list

    changed = {key: new[key] for key in before if after[key] != before[key] and key not in LISTS}
    if changed.keys() & {"every", "every-after"} and new["due"] not in ("", before["due"]):
        changed["due"] = new["due"]  # it may say that the series is due on the last day of each month
    removed = {}
    for key in LISTS:
        here, there = ({fold(item): item for item in split_list(texts[key])} for texts in (after, before))
        if added := [item for folded, item in here.items() if folded not in there]:
            changed[key] = ",".join(added)
        removed[key] = [item for folded, item in there.items() if folded not in here]
    return to_values(invocation, changed, removed)
