"""Free text that a user stores: any characters at all come back as they were, save those no database can hold."""

from __future__ import annotations

from todo_cli.errors import InvalidInputError
from todo_cli.models.values import DESCRIPTION_LENGTH, TITLE_LENGTH


def check_text(text: str, what: str) -> str:
    """Return the text; raises InvalidInputError for bytes that are no UTF-8 (lone surrogates) and for NUL."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInputError(f"the {what} holds bytes that are not valid UTF-8") from None
    if "\x00" in text:
        raise InvalidInputError(f"the {what} holds a NUL character, which PostgreSQL cannot store")
    return text


def parse_title(text: str) -> str:
    """Return the title unchanged; raises InvalidInputError for one that is blank or too long."""
    check_text(text, "title")
    if not text.strip():
        raise InvalidInputError("the title is blank")
    return _check_length(text, "title", TITLE_LENGTH)


def parse_description(text: str) -> str | None:
    """Return the description unchanged, None for an empty one; raises InvalidInputError for one that is too long."""
    return _check_length(check_text(text, "description"), "description", DESCRIPTION_LENGTH) or None


def parse_comment(text: str) -> str:
    """Return the comment unchanged; raises InvalidInputError for one that is blank or too long."""
    check_text(text, "comment")
    if not text.strip():
        raise InvalidInputError("the comment is blank")
    return _check_length(text, "comment", DESCRIPTION_LENGTH)


def _check_length(text: str, what: str, limit: int) -> str:
    if len(text) > limit:
        raise InvalidInputError(f"the {what} has {len(text):,} characters; {limit:,} are the most")
    return text
