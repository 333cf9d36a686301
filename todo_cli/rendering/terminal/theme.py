"""The theme of a terminal: the default styles, overridden by the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from rich.errors import StyleSyntaxError
from rich.style import Style
from rich.theme import Theme

from todo_cli.config.defaults import STYLES
from todo_cli.errors import InvalidInputError

_MARKDOWN = {
    "markdown.h1": "bold underline",
    "markdown.h2": "bold",
    "markdown.h3": "bold",
    "markdown.code": "cyan",
    "markdown.code_block": "cyan",
    "markdown.link": "underline",
    "markdown.link_url": "blue",
}
"""Styles of Markdown, more subdued than Rich's own."""


def make_theme(changed: Mapping[str, str] | None = None) -> Theme:
    """Return the theme with these styles changed; raises InvalidInputError for an invalid style."""
    own = {name: parse_style(name, text) for name, text in (changed or {}).items()}
    return Theme({**_MARKDOWN, **STYLES, **own})


def parse_style(name: str, text: str) -> Style:
    """Parse a style in Rich's syntax; raises InvalidInputError."""
    try:
        return Style.parse(text)
    except StyleSyntaxError:
        raise InvalidInputError(
            f"{text!r} is not a valid style for theme.{name}",
            "for example 'bold red', 'white on blue', '#ff8800', 'dim italic', or 'none'",
        ) from None


THEME = make_theme()
