"""Valid names, and suggestions for invalid ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_cli.errors import InvalidInputError
from todo_cli.query.names import parse_name, propose_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("home", "project"),
        ("work.api", "project"),
        ("a.b.c-d_e2", "project"),
        ("Küche", "tag"),
        ("日本", "tag"),
        ("дом", "project"),
        ("x", "tag"),
        ("हिन्दी", "tag"),  # its vowels are marks
        ("ภาษาไทย", "project"),
        ("שָׁלוֹם", "tag"),
        ("alex.smith", "user"),
        ("sam@example", "user"),
    ],
)
def test_valid_names(name: str, kind: str) -> None:
    assert parse_name(name, kind) == name


def test_composed_and_decomposed_letters_are_one_name() -> None:
    assert parse_name("Ku\u0308che", "tag") == parse_name("K\u00fcche", "tag")


@pytest.mark.parametrize(
    ("name", "kind", "proposal"),
    [
        ("my project", "project", "my-project"),
        ("#bills", "tag", "bills"),
        ("+bills", "tag", "bills"),
        ("home..flat", "project", "home.flat"),
        (".home", "project", "home"),
        ("home.", "project", "home"),
        ("a.b", "tag", "a-b"),
        ("2fast", "tag", "fast"),
        ("a,b", "tag", "a-b"),
        ("tab\there", "tag", "tab-here"),
        ("49", "tag", None),
        ("", "project", None),
        ("-", "tag", None),
        ("🥐", "tag", None),
    ],
)
def test_refused_with_a_proposal(name: str, kind: str, proposal: str | None) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_name(name, kind)
    assert propose_name(name, kind) == proposal
    if proposal:
        assert f"did you mean {proposal!r}?" in str(caught.value.hint)


def test_too_long() -> None:
    with pytest.raises(InvalidInputError, match="200"):
        parse_name("x" * 201, "tag")


@given(st.text(max_size=30), st.sampled_from(["project", "tag", "user"]))
def test_a_proposal_is_always_valid(text: str, kind: str) -> None:
    proposal = propose_name(text, kind)
    if proposal is not None:
        parse_name(proposal, kind)
