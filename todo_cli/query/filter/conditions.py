"""Conversion of attributes to conditions: `due.before:friday` becomes a comparison of the field `due`.

Most attributes are fields of the registry. The modifiers and values of a field depend on its kind:

| KIND                 | MODIFIERS                 | VALUE                                                         |
|----------------------|---------------------------|---------------------------------------------------------------|
| TEXT, URL            |                           | text that the field contains                                  |
| CHOICE               | `above`, `below`          | a label or its first letter; `any`                            |
| NUMBER, DURATION     | `above`, `below`          | a number or duration (see `quantities.py`); `none`, `any`     |
| DATE, WHEN, INSTANT  | `before` `after` `by` `since` | a date (see `dates/`); `none`, `any`                      |
| NAME, NAMES          |                           | a name; `none`                                                |
| REFERENCE, REFERENCES|                           | references (see `references.py`); `none`, `any`               |
| IDENTITY             |                           | references                                                    |

`is` takes a state (`make_states`), `has` and `no` a field, `subtasks` or `comments`; `status` also takes `all`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import get_args

from todo_cli.errors import InvalidInputError
from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.values import Status, When
from todo_cli.query.dates import Conventions, parse_when
from todo_cli.query.filter.ast import (
    COMMENTS,
    SUBTASKS,
    And,
    Compares,
    ComparesNumber,
    Comparison,
    ContainsText,
    Filter,
    Has,
    HasName,
    HasStatus,
    IsActive,
    IsBlocked,
    IsBlocking,
    IsExpired,
    IsOneOf,
    IsOverdue,
    IsReady,
    IsWaiting,
    LinksTo,
    Not,
    RefersTo,
    Relation,
)
from todo_cli.query.kinds import choose_label
from todo_cli.query.lexer import Attribute
from todo_cli.query.names import parse_name
from todo_cli.query.quantities import parse_duration, parse_number
from todo_cli.query.references import parse_references
from todo_cli.suggestions import choose

_Parser = Callable[[Field, Attribute, datetime, Conventions], Filter]

_DATES = (Kind.DATE, Kind.WHEN, Kind.INSTANT)
_TEXTS = (Kind.TEXT, Kind.URL)
_QUANTITIES = (Kind.NUMBER, Kind.DURATION)
_RELATIONS: dict[str, Relation] = {relation: relation for relation in get_args(Relation) if relation != "on"}
_COMPARISONS: dict[str, Comparison] = {"above": "above", "below": "below"}
_MODIFIERS: dict[Kind, Collection[str]] = {
    **dict.fromkeys(_DATES, _RELATIONS),
    **dict.fromkeys((*_QUANTITIES, Kind.CHOICE), _COMPARISONS),
}
_STATUSES = (*(status.value for status in Status), "all")

_OWN = {"is": "overdue", "has": "due", "no": "due"}
"""Attributes that are not fields, each with an example value."""

_FILTERED = {name: field for name, field in FIELDS.items() if field.is_filter}
DATE_FIELDS = {name for name, field in _FILTERED.items() if field.kind in _DATES}
TEXT_FIELDS = {name for name, field in _FILTERED.items() if field.kind in _TEXTS}
NAMES = frozenset(_FILTERED) | _OWN.keys()
"""The names of all attributes."""


def read_condition(attribute: Attribute, now: datetime, conventions: Conventions) -> Filter:
    """Return the condition of an attribute with a known name and modifier; raises InvalidInputError for its value."""
    match attribute.name:
        case "is":
            states = make_states(now, conventions)
            return states[choose(attribute.value, states, "state", "states")]
        case "has":
            return _read_has(attribute.value)
        case "no":
            return Not(_read_has(attribute.value))
        case "status":
            return parse_status(attribute.value)
    field, word = FIELDS[attribute.name], attribute.value.lower()
    if attribute.modifier is None and word in _ABSENCE.get(field.kind, ()):
        return Has(field.name) if word == "any" else Not(Has(field.name))
    return _READERS[field.kind](field, attribute, now, conventions)


def modifiers_of(name: str) -> Collection[str]:
    """Return the modifiers of an attribute."""
    if name in _OWN or name == "status":
        return ()
    return _MODIFIERS.get(FIELDS[name].kind, ())


def example_of(name: str) -> str:
    """Return an example value of an attribute."""
    if name in _OWN:
        return _OWN[name]
    return "today" if FIELDS[name].kind in _DATES else FIELDS[name].example


def parse_status(text: str) -> HasStatus:
    """Return the filter for a status or `all`; raises InvalidInputError that lists the valid values."""
    status = choose(text, _STATUSES, "status", "statuses")
    return HasStatus(None if status == "all" else Status(status))


def make_states(now: datetime, conventions: Conventions) -> dict[str, Filter]:
    """Return the conditions of `is:` by name."""
    today = now.date()
    first_day = today - timedelta(days=(today.weekday() - conventions.week_start) % 7)
    return {
        **{status.value: HasStatus(status) for status in Status},
        "overdue": IsOverdue(),
        "today": Compares("due", "on", When(today)),
        "week": And(
            (Compares("due", "since", When(first_day)), Compares("due", "before", When(first_day + timedelta(days=7))))
        ),
        "waiting": IsWaiting(),
        "expired": IsExpired(),
        "blocked": IsBlocked(),
        "blocking": IsBlocking(),
        "ready": IsReady(),
        "active": IsActive(),
        "scheduled": Has("scheduled"),
        "recurring": Has("every"),
        "untagged": Not(Has("tag")),
    }


def _read_has(value: str) -> Filter:
    fields = [field for field in FIELDS.values() if field.is_emptyable or field.is_set or field.name in DATE_FIELDS]
    known = {name: field.name for field in fields for name in (field.name, *field.aliases)}
    known |= {SUBTASKS: SUBTASKS, COMMENTS: COMMENTS}
    return Has(known[choose(value, known, "field", "fields")])


def _read_text(field: Field, attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    return ContainsText(attribute.value, field.name)


def _read_choice(field: Field, attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    label = choose_label(field, attribute.value)
    place = field.choices.index(label)
    match attribute.modifier:
        case "above":
            labels = field.choices[:place]
        case "below":
            labels = field.choices[place + 1 :]
        case _:
            labels = (label,)
    if not labels:
        raise InvalidInputError(f"no {field.name} is {attribute.modifier} {attribute.value!r}")
    return IsOneOf(field.name, labels)


def _read_quantity(field: Field, attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    number = (parse_duration if field.kind is Kind.DURATION else parse_number)(attribute.value)
    return ComparesNumber(field.name, _COMPARISONS[attribute.modifier] if attribute.modifier else "equal", number)


def _read_date(field: Field, attribute: Attribute, now: datetime, conventions: Conventions) -> Filter:
    relation = _RELATIONS[attribute.modifier] if attribute.modifier else "on"
    return Compares(field.name, relation, parse_when(attribute.value, now, conventions))


def _read_name(field: Field, attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    return HasName(field.name, parse_name(attribute.value, field.item))


def _read_references(field: Field, attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    references = parse_references([attribute.value])
    return RefersTo(references) if field.kind is Kind.IDENTITY else LinksTo(field.name, references)


_READERS: dict[Kind, _Parser] = {
    **dict.fromkeys(_TEXTS, _read_text),
    **dict.fromkeys(_QUANTITIES, _read_quantity),
    **dict.fromkeys(_DATES, _read_date),
    **dict.fromkeys((Kind.IDENTITY, Kind.REFERENCE, Kind.REFERENCES), _read_references),
    **dict.fromkeys((Kind.NAME, Kind.NAMES), _read_name),
    Kind.CHOICE: _read_choice,
}
_ABSENCE: dict[Kind, Collection[str]] = {
    **dict.fromkeys((*_DATES, *_QUANTITIES, Kind.REFERENCE, Kind.REFERENCES), ("any", "none")),
    **dict.fromkeys((Kind.NAME, Kind.NAMES), ("none",)),
    Kind.CHOICE: ("any",),
}
"""The values that match todos with, or without, any value."""
