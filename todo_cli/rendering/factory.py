"""Chooses the renderer: for a terminal, for a pipe, or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TextIO

from todo_cli.rendering.renderer import Renderer, Weights


def make_renderer(
    stream: TextIO, *, json: bool, now: datetime, weights: Weights, styles: Mapping[str, str]
) -> Renderer:
    """Return the renderer for what the stream is, or for JSON if that was asked for.

    `styles` are those of the theme that were changed; raises InvalidInputError for one that a terminal has no use for.
    """
    if json:
        from todo_cli.rendering.json import JsonRenderer

        return JsonRenderer(stream, now, weights)
    if stream.isatty():
        from todo_cli.rendering.terminal.renderer import TerminalRenderer

        return TerminalRenderer(stream, now, weights=weights, styles=styles)
    from todo_cli.rendering.tsv import TabularRenderer

    return TabularRenderer(stream, now, weights)
