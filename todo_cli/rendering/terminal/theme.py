"""What looks how at a terminal: the styles of the program, and those that the configuration changes."""

from __future__ import annotations

from collections.abc import Mapping

from rich.errors import StyleSyntaxError
from rich.style import Style
from rich.theme import Theme

from todo_cli.config.defaults import STYLES
from todo_cli.errors import InvalidInputError


def make_theme(changed: Mapping[str, str] | None = None) -> Theme:
    """Return the theme with these styles in place of its own; raises InvalidInputError for one that is none."""
    own = {name: parse_style(name, text) for name, text in (changed or {}).items()}
    return Theme({**STYLES, **own})


def parse_style(name: str, text: str) -> Style:
    """Return the style that Rich makes of the text; raises InvalidInputError."""
    try:
        return Style.parse(text)
    except StyleSyntaxError:
        raise InvalidInputError(
            f"theme.{name} takes a style, and {text!r} is none",
            "for example 'bold red', 'white on blue', '#ff8800', 'dim italic', or 'none'",
        ) from None


THEME = make_theme()
