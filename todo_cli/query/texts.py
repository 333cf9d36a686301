"""Free text of users. It is stored unchanged; text that databases cannot store is rejected."""

from __future__ import annotations

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import DESCRIPTION_LENGTH, TITLE_LENGTH


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


def _check_length(text: str, what: str, limit: int) -> str:
    if len(text) > limit:
        raise InvalidInputError(f"the {what} has {len(text):,} characters; the limit is {limit:,}")
    return text
