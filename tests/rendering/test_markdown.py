"""Markdown descriptions on a terminal: nothing controls the terminal, and nothing is omitted."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from todo_cli.rendering.format.markdown import render_markdown
from todo_cli.rendering.terminal.theme import THEME

ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def show(text: str, *, width: int = 60, colour: bool = False) -> str:
    stream = io.StringIO()
    system = {"force_terminal": True, "color_system": "standard"} if colour else {}
    console = Console(file=stream, theme=THEME, highlight=False, emoji=False, markup=False, width=width, **system)  # type: ignore[arg-type]
    console.print(render_markdown(text))
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n")).rstrip("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("# Head\ntext", "Head\n\ntext"),
        ("one\ntwo", "one\ntwo"),
        ("- a\n- b", "\n • a\n • b"),
        ("1. a\n2. b", "\n 1 a\n 2 b"),
        ("- [ ] a", "\n • [ ] a"),
        ("some *soft* and **loud** `code`", "some soft and loud code"),
        ("```sh\nls  -l\n\n\tcd\n```", "  ls  -l\n\n      cd"),
        ("[text](https://a.example/b)", "text (https://a.example/b)"),
        ("<https://a.example>", "https://a.example"),
        ("![a picture](x.png)", "!a picture (x.png)"),
        ("[12]: see there", "[12]: see there"),
        ("<b>bold</b> List<int>", "<b>bold</b> List<int>"),
        ("<script>\nalert(1)\n</script>", "<script>\nalert(1)\n</script>"),
        ("<!-- hidden -->", "<!-- hidden -->"),
        ("[red]no markup[/red] :smile:", "[red]no markup[/red] :smile:"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a&#x202e;b&#27;c", "a\\u202eb\ufffdc"),
        ("`\x1b]0;x\x07`", r"\x1b]0;x\x07"),
        ("```\n\x9b31m\n```", r"  \x9b31m"),
        ("[x](<a\u202eb>)", "x (a%E2%80%AEb)"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("&amp; &lt;", "& <"),
    ],
)
def test_rendered_text(text: str, shown: str) -> None:
    assert show(text) == shown


def test_only_our_colours_are_used() -> None:
    coloured = show("# a *b* `c` \x1b[41m [d](e) \x1b]8;;http://x\x1b\\", colour=True)
    assert "\x1b]8" not in coloured
    assert "\x1b[41m" not in coloured
    assert r"\x1b[41m" in coloured


SIGNS = (
    *("# ", "- ", "1. ", "999999999. ", "> ", "`", "```", "~~~", "*", "_", "~~", "[", "](", ")", "<", ">", "|", "|-|"),
    *("---", "&#27;", "&#x202e;", "\\", "\n", "\n\n", "    ", "\t", "\r", "![", "\x1b[2J", "\u202e", "a", "<kbd>"),
    *("</kbd>", "http://a.b ", "🎉", "e\u0301"),
)
PIECES = st.lists(st.sampled_from(SIGNS) | st.text(max_size=3), max_size=40).map("".join)


@given(PIECES, st.integers(1, 60))
def test_no_text_controls_the_terminal(text: str, width: int) -> None:
    assert not ACTIVE.search(show(text, width=width))


@given(st.text(st.sampled_from("abc <>\n"), max_size=60))
def test_every_word_is_rendered(text: str) -> None:
    assert re.findall("[abc]", show(text)) == re.findall("[abc]", text)


def test_deep_nesting_is_limited() -> None:
    for sign in ("> ", "- ", "[", "*", "**a "):
        assert "x" in show(sign * 3000 + "x", width=20), sign
