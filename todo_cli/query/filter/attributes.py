"""What the attributes of filter expressions mean: one word such as `due.before:friday` in, a filter out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import get_args

from todo_cli.errors import ExpressionError, InvalidInputError
from todo_cli.models.values import Priority, Status, When
from todo_cli.query.attributes import HEAD, Attribute
from todo_cli.query.dates import Conventions, parse_when
from todo_cli.query.filter.ast import (
    And,
    BelongsTo,
    Compares,
    ContainsText,
    DateField,
    DependsOn,
    Field,
    Filter,
    Has,
    HasPriority,
    HasStatus,
    HasTag,
    InProject,
    IsActive,
    IsBlocked,
    IsBlocking,
    IsExpired,
    IsOverdue,
    IsReady,
    IsWaiting,
    Not,
    Or,
    RefersTo,
    Relation,
    TextField,
)
from todo_cli.query.filter.lexer import Place, Token
from todo_cli.query.names import parse_name
from todo_cli.query.references import parse_references
from todo_cli.suggestions import choose, nearest

_RELATIONS: dict[str, Relation] = {"before": "before", "after": "after", "by": "by", "since": "since"}
DATE_FIELDS: dict[str, DateField] = {field: field for field in get_args(DateField)}
TEXT_FIELDS: dict[str, TextField] = {field: field for field in get_args(TextField)}
_FIELDS: dict[str, Field] = {**{field: field for field in get_args(Field)}, "tags": "tag", "every": "recurrence"}
_STATUSES = (*(status.value for status in Status), "all")
_PRIORITIES = tuple(priority.name.lower() for priority in Priority)
"""From the most urgent to none."""

_Reader = Callable[[Attribute, datetime, Conventions], Filter]


def read_attribute(token: Token, now: datetime, conventions: Conventions) -> Filter:
    """Return what the attribute asks for; raises ExpressionError that points at the part that is not understood."""
    attribute, place = token.attribute, token.place
    assert attribute
    name, modifier = attribute.name, attribute.modifier
    if name not in NAMES:
        raise refuse_unknown(token, now, conventions)
    head = HEAD.match(place.expression, place.start)
    assert head
    if modifier is not None and modifier not in _MODIFIERS.get(name, ()):
        wrong = Place(place.expression, *head.span(2))
        raise wrong.error(f"{modifier!r} cannot stand behind '{name}.'", _explain_modifiers(name, modifier))
    if not attribute.value.strip():
        raise place.error(f"there is no value after '{token.text}'", f"for example {name}:{_EXAMPLES[name]}")
    try:
        return _READERS[name](attribute, now, conventions)
    except InvalidInputError as error:
        raise Place(place.expression, head.end(), place.end).error(error.message, error.hint) from None


def refuse_unknown(token: Token, now: datetime, conventions: Conventions) -> ExpressionError:
    """Return the error for an attribute whose name is not one of ours, with the known form that is nearest to it."""
    attribute, place = token.attribute, token.place
    assert attribute
    name, known = attribute.name, None
    if name in _OTHER_NAMES:
        known = _OTHER_NAMES[name]
    elif name in _states(now, conventions):
        known = f"is:{name}"
    elif meant := nearest(name, NAMES):
        known = f"{meant}:"
    proposal = f"did you mean '{known}'? " if known else ""
    start = place.start + (place.expression[place.start] == "-")
    head = HEAD.match(place.expression, start)
    assert head
    hint = f"{proposal}to search for the text, write {_search_for(token.text)}"
    return Place(place.expression, *head.span(1)).error(f"there is no attribute {head[1]!r}", hint)


def _search_for(text: str) -> str:
    """Return what to type in a shell, which takes quotes away, in order to search titles for the text."""
    if re.search(r"[\s()]", text):
        quote = "'" if '"' in text else '"'
        text = f"{quote}{text}{quote}"
    return shlex.quote(f"title:{text}")


def parse_priority(text: str) -> Priority:
    """Return the priority of that name or first letter; raises InvalidInputError with the names there are."""
    begun = [name for name in _PRIORITIES if name[0] == text.lower()]
    return Priority[(begun[0] if begun else choose(text, _PRIORITIES, "priority", "priorities")).upper()]


def parse_status(text: str) -> HasStatus:
    """Return the filter for that status, or `all`; raises InvalidInputError with the names there are."""
    status = choose(text, _STATUSES, "status", "statuses")
    return HasStatus(None if status == "all" else Status(status))


def _explain_modifiers(name: str, modifier: str) -> str:
    allowed = _MODIFIERS.get(name)
    if not allowed:
        return f"did you mean '{name}:'?"
    meant = nearest(modifier, allowed)
    return (f"did you mean '{name}.{meant}:'? " if meant else "") + f"there are {', '.join(allowed)}"


def _read_date(attribute: Attribute, now: datetime, conventions: Conventions) -> Filter:
    field = DATE_FIELDS[attribute.name]
    if attribute.modifier is None and attribute.value.lower() == "any":
        return Has(field)
    if attribute.modifier is None and attribute.value.lower() == "none":
        return Not(Has(field))
    relation = _RELATIONS[attribute.modifier] if attribute.modifier else "on"
    return Compares(field, relation, parse_when(attribute.value, now, conventions))


def _read_text(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    return ContainsText(attribute.value, TEXT_FIELDS[attribute.name])


def _read_project(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    if attribute.value.lower() == "none":
        return Not(Has("project"))
    return InProject(parse_name(attribute.value, "project"))


def _read_tag(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    return Not(Has("tag")) if attribute.value.lower() == "none" else HasTag(parse_name(attribute.value, "tag"))


def _read_priority(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    chosen = parse_priority(attribute.value)
    if attribute.modifier is None:
        return HasPriority(chosen)
    above = attribute.modifier == "above"  # the most urgent has the least number
    wanted = tuple(HasPriority(each) for each in Priority if (each < chosen if above else each > chosen))
    if not wanted:
        raise InvalidInputError(f"no priority is {attribute.modifier} {attribute.value!r}")
    return wanted[0] if len(wanted) == 1 else Or(wanted)


def _read_status(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    return parse_status(attribute.value)


def _read_id(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    return RefersTo(parse_references([attribute.value]))


def _read_link(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    has = Has("depends" if attribute.name == "depends" else "parent")
    if attribute.value.lower() in ("any", "none"):
        return has if attribute.value.lower() == "any" else Not(has)
    references = parse_references([attribute.value])
    return DependsOn(references) if attribute.name == "depends" else BelongsTo(references)


def _read_is(attribute: Attribute, now: datetime, conventions: Conventions) -> Filter:
    states = _states(now, conventions)
    return states[choose(attribute.value, states, "state", "states")]


def _states(now: datetime, conventions: Conventions) -> dict[str, Filter]:
    """Return the filters that `is:` has, by their names."""
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
        "recurring": Has("recurrence"),
        "untagged": Not(Has("tag")),
    }


def _read_has(attribute: Attribute, _: datetime, __: Conventions) -> Filter:
    has = Has(_FIELDS[choose(attribute.value, _FIELDS, "field", "fields")])
    return has if attribute.name == "has" else Not(has)


_READERS: dict[str, _Reader] = {
    "project": _read_project,
    "tag": _read_tag,
    "priority": _read_priority,
    "status": _read_status,
    "id": _read_id,
    "depends": _read_link,
    "parent": _read_link,
    "is": _read_is,
    "has": _read_has,
    "no": _read_has,
    **dict.fromkeys(TEXT_FIELDS, _read_text),
    **dict.fromkeys(DATE_FIELDS, _read_date),
}
_MODIFIERS: dict[str, tuple[str, ...]] = {
    "priority": ("above", "below"),
    **dict.fromkeys(DATE_FIELDS, tuple(_RELATIONS)),
}
_EXAMPLES = {
    "project": "home",
    "tag": "bills",
    "priority": "high",
    "status": "done",
    "id": "12-15",
    "depends": "12",
    "parent": "12",
    "is": "overdue",
    "has": "due",
    "no": "due",
    **dict.fromkeys(TEXT_FIELDS, "milk"),
    **dict.fromkeys(DATE_FIELDS, "today"),
}
_OTHER_NAMES = {
    **dict.fromkeys(("every", "recur", "recurrence", "repeat"), "is:recurring"),
    "closed": "completed:",
    "deadline": "due:",
    "end": "completed:",
    "entry": "created:",
    "label": "tag:",
    "limit": "--per-page",
    "modified": "updated:",
    "start": "scheduled:",
    "started": "is:active",
    "urgency": "--sort=-urgency",
    "uuid": "id:",
}
"""Names that other programs use, or that are no filters here, and what to write instead."""

NAMES = frozenset(_READERS)
"""What attributes are called."""
