"""Rendering of Markdown descriptions (CommonMark with tables and strikethrough) on a terminal.

Nothing is omitted, and nothing can control the terminal: HTML is shown as text, links show their address, images are
links, and line breaks are kept.
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

from todo_cli.rendering.format.escaping import inert_lines, neutralize

MAX_DEPTH = 12
"""Text with lists and quotes nested deeper is shown unrendered, because the parser omits what is too deep."""

MIN_WIDTH = 12
"""The minimum number of columns for nested text; each level of nesting takes up to four."""


def render_markdown(text: str) -> RenderableType:
    """Return the text as a Rich renderable."""
    # The rule `reference` would hide a line such as `[12]: see there`.
    parser = MarkdownIt(options_update={"html": False}).enable(["strikethrough", "table"])
    parsed = parser.disable(["image", "reference"]).parse(text.expandtabs(4))
    depth = max((token.level for token in parsed), default=0)
    # Escape after parsing, which turns an entity such as `&#x202e;` into a character.
    markdown = _Markdown(list(_make_inert(parsed)))
    return markdown if depth == 0 else _Fitting(markdown, inert_lines(text), depth)


@dataclass(frozen=True)
class _Fitting:
    """Markdown with lists or quotes if there is room for them, else the unrendered text."""

    markdown: Markdown
    plain: str
    depth: int

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        fits = self.depth <= MAX_DEPTH and self.depth * 4 + MIN_WIDTH <= options.max_width
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
            key: neutralize(value) if isinstance(value, str) else value for key, value in token.attrs.items()
        }
        if token.children:
            token.children = list(_make_inert(token.children))
        yield token


def _is_bare(tokens: Sequence[Token]) -> bool:
    """Return whether the tokens are a link whose text is its address, which need not be shown twice."""
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
