"""Parser for one attribute of a filter, such as `due.before:friday`, with an explanation of each error."""

from __future__ import annotations

import re
import shlex
from datetime import datetime

from todo_cli.errors import ExpressionError, InvalidInputError
from todo_cli.query.dates import Conventions
from todo_cli.query.filter.ast import Filter
from todo_cli.query.filter.conditions import NAMES, example_of, make_states, modifiers_of, read_condition
from todo_cli.query.lexer import HEAD, Place, Token
from todo_cli.suggestions import nearest


def read_attribute(token: Token, now: datetime, conventions: Conventions) -> Filter:
    """Return the condition of the attribute; raises ExpressionError that points at the invalid part."""
    attribute, place = token.attribute, token.place
    assert attribute
    name, modifier = attribute.name, attribute.modifier
    if name not in NAMES:
        raise explain_unknown(token, now, conventions)
    head = HEAD.match(place.expression, place.start)
    assert head
    if modifier is not None and modifier not in modifiers_of(name):
        wrong = Place(place.expression, *head.span(2))
        raise wrong.error(f"unknown modifier {modifier!r} after '{name}.'", _explain_modifiers(name, modifier))
    if not attribute.value.strip():
        raise place.error(f"{token.text!r} needs a value", f"for example {name}:{example_of(name)}")
    try:
        return read_condition(attribute, now, conventions)
    except InvalidInputError as error:
        raise Place(place.expression, head.end(), place.end).error(error.message, error.hint) from None


def explain_unknown(token: Token, now: datetime, conventions: Conventions) -> ExpressionError:
    """Return the error for an attribute with an unknown name, with a suggestion if a similar one is known."""
    attribute, place = token.attribute, token.place
    assert attribute
    name, known = attribute.name, None
    if name in _OTHER_NAMES:
        known = _OTHER_NAMES[name]
    elif name in make_states(now, conventions):
        known = f"is:{name}"
    elif meant := nearest(name, NAMES):
        known = f"{meant}:"
    proposal = f"did you mean '{known}'? " if known else ""
    start = place.start + (place.expression[place.start] == "-")
    head = HEAD.match(place.expression, start)
    assert head
    hint = f"{proposal}to search for the text, write {_search_for(token.text)}"
    return Place(place.expression, *head.span(1)).error(f"unknown attribute {head[1]!r}", hint)


def _search_for(text: str) -> str:
    """Return a filter that searches titles for the text, quoted for a shell."""
    if re.search(r"[\s()]", text):
        quote = "'" if '"' in text else '"'
        text = f"{quote}{text}{quote}"
    return shlex.quote(f"title:{text}")


def _explain_modifiers(name: str, modifier: str) -> str:
    allowed = modifiers_of(name)
    if not allowed:
        return f"did you mean '{name}:'?"
    meant = nearest(modifier, allowed)
    return (f"did you mean '{name}.{meant}:'? " if meant else "") + f"modifiers: {', '.join(allowed)}"


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
"""Names that are used elsewhere but are not filters, and what to write instead."""
