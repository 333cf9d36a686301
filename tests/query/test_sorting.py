import pytest

from todo_cli.errors import InvalidInputError
from todo_cli.query.sorting import SortKey, parse_sort, reverse_sort


def test_keys_with_directions() -> None:
    assert parse_sort("due,-priority, Project") == (
        SortKey("due"),
        SortKey("priority", descending=True),
        SortKey("project"),
    )


@pytest.mark.parametrize("text", ["due,-due", ",".join(["title"] * 10_000)])
def test_a_key_given_twice_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is given twice"):
        parse_sort(text)


def test_reverse_sort() -> None:
    assert reverse_sort(parse_sort("due,-id")) == parse_sort("-due,id")


@pytest.mark.parametrize(("text", "message"), [("deu", "did you mean 'due'?"), ("", "keys:"), ("due,,id", "keys:")])
def test_unknown_keys_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_sort(text)
    assert message in str(caught.value.hint)
