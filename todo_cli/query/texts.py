"""Free text of users. It is stored unchanged; text that databases cannot store is rejected."""

from __future__ import annotations

import re

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import DESCRIPTION_LENGTH, TITLE_LENGTH, URL_LENGTH

_PUNCTUATION = ":?#[]@!$&'()*+,;=-._~%/"
_NOT_SLASH = rf"[\w{re.escape(_PUNCTUATION.replace('%', '').replace('/', ''))}]|%[0-9a-f]{{2}}"
_URL = re.compile(rf"[a-z][a-z0-9+.-]+:/*(?:{_NOT_SLASH})(?:/|{_NOT_SLASH})*", re.ASCII | re.IGNORECASE)
"""A scheme, and something after it besides slashes, of the characters of RFC 3986."""


def check_text(text: str, what: str) -> str:
    """Return the text; raises InvalidInputError for invalid UTF-8 (lone surrogates) and for NUL."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInputError(f"the {what} is not valid UTF-8") from None
    if "\x00" in text:
        raise InvalidInputError(f"the {what} contains a NUL character, which PostgreSQL cannot store")
    return text


def parse_title(text: str) -> str:
    """Return the title unchanged; raises InvalidInputError if it is blank or too long."""
    check_text(text, "title")
    if not text.strip():
        raise InvalidInputError("the title is blank")
    return _check_length(text, "title", TITLE_LENGTH)


def parse_description(text: str, what: str = "description") -> str | None:
    """Return the description unchanged, None for an empty one; raises InvalidInputError if it is too long."""
    return _check_length(check_text(text, what), what, DESCRIPTION_LENGTH) or None


def parse_comment(text: str) -> str:
    """Return the comment unchanged; raises InvalidInputError if it is blank or too long."""
    check_text(text, "comment")
    if not text.strip():
        raise InvalidInputError("the comment is blank")
    return _check_length(text, "comment", DESCRIPTION_LENGTH)


def parse_url(text: str) -> str:
    """Return the URL unchanged; raises InvalidInputError for what is not an absolute URL (RFC 3986)."""
    _check_length(check_text(text, "URL"), "URL", URL_LENGTH)
    if _URL.fullmatch(text):
        return text
    from urllib.parse import quote

    encoded = quote(text, safe=_PUNCTUATION)
    hint = f"did you mean {encoded}?" if _URL.fullmatch(encoded) else "for example https://example.com"
    raise InvalidInputError(f"{text!r} is not a URL", hint)


def _check_length(text: str, what: str, limit: int) -> str:
    if len(text) > limit:
        raise InvalidInputError(f"the {what} has {len(text):,} characters; the limit is {limit:,}")
    return text
