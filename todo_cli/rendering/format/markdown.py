"""Descriptions in Markdown (CommonMark with tables and strikethrough), for a terminal.

Nothing that was written is left out, and nothing in it acts: HTML stands there as text, links name their address,
images are links, and a line break is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.padding import Padding
from rich.text import Text

from todo_cli.rendering.format.escaping import inert_lines, neutralise

DEEPEST = 12
"""Lists and quotes nested further are shown as they were written; the parser would leave out what lies too deep."""

NARROWEST = 12
"""Columns, for what is nested; each level takes up to four."""


def render_markdown(text: str) -> RenderableType:
    """Return the text as something that Rich prints."""
    # With `reference`, a line such as `[12]: see there` would not be shown at all.
    parser = MarkdownIt(options_update={"html": False}).enable(["strikethrough", "table"])
    parsed = parser.disable(["image", "reference"]).parse(text.expandtabs(4))
    depth = max((token.level for token in parsed), default=0)
    # Neutralised only now: an entity such as `&#x202e;` is a character from here on.
    markdown = _Markdown(list(_make_inert(parsed)))
    return markdown if depth == 0 else _Fitting(markdown, inert_lines(text), depth)


@dataclass(frozen=True)
class _Fitting:
    """Markdown with lists or quotes, where there is room for them; else the text as it was written."""

    markdown: Markdown
    plain: str
    depth: int

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        fits = self.depth <= DEEPEST and self.depth * 4 + NARROWEST <= options.max_width
        yield self.markdown if fits else Text(self.plain)


def _make_inert(tokens: Sequence[Token]) -> Iterator[Token]:
    bare = False
    for place, token in enumerate(tokens):
        if token.type == "link_open":
            bare = _is_bare(tokens[place : place + 3])
        if bare and token.type in ("link_open", "link_close"):
            continue
        if token.type == "softbreak":
            token.type = "hardbreak"
        token.content = inert_lines(token.content)
        token.attrs = {
            key: neutralise(value) if isinstance(value, str) else value for key, value in token.attrs.items()
        }
        if token.children:
            token.children = list(_make_inert(token.children))
        yield token


def _is_bare(tokens: Sequence[Token]) -> bool:
    """Return whether the tokens are a link whose text is its address, which need not be named twice."""
    return [token.type for token in tokens] == ["link_open", "text", "link_close"] and (
        tokens[0].attrs.get("href") == tokens[1].content
    )


class _Heading(Heading):
    LEVEL_ALIGN = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Padding(Text(str(self.text).rstrip("\n"), style="markdown.code_block"), (0, 0, 0, 2), expand=False)


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = tokens
