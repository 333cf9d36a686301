"""Selection of the renderer: for a terminal, for a pipe, or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TextIO

from todo_cli.rendering.renderer import Renderer, Weights


def make_renderer(
    stream: TextIO, *, json: bool, now: datetime, weights: Weights, styles: Mapping[str, str]
) -> Renderer:
    """Return the renderer for the stream, or for JSON if requested.

    `styles` are the styles that override those of the theme; raises InvalidInputError if one is invalid.
    """
    if json:
        from todo_cli.rendering.json import JsonRenderer

        return JsonRenderer(stream, now, weights)
    if stream.isatty():
        from todo_cli.rendering.terminal.renderer import TerminalRenderer

        return TerminalRenderer(stream, now, weights=weights, styles=styles)
    from todo_cli.rendering.tsv import TabularRenderer

    return TabularRenderer(stream, now, weights)
