"""The document of the editor: it round-trips, and concurrent changes are merged."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import BERLIN, NOW
from todo_cli.errors import InvalidInputError
from todo_cli.models.values import Links, Priority, Recurrence, Status, TodoPublic, When
from todo_cli.query.input.document import (
    DESCRIPTION,
    HEAD,
    LISTS,
    Texts,
    describe_nothing,
    describe_todo,
    is_blank,
    join_list,
    merge_texts,
    read_document,
    split_list,
    with_reason,
    write_document,
)

BARE = TodoPublic(
    1, UUID(int=1), "Pay rent", None, Status.OPEN, Priority.NONE, None, (),
    None, None, None, None, None, None, None, NOW, NOW, None, None, 1,
)  # fmt: skip


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=BERLIN)


def recurs(rrule: str, start: str = "2026-11-15", *, after: bool = False) -> Recurrence:
    return Recurrence(UUID(int=2), rrule, start, "Europe/Berlin", after)


def test_a_document() -> None:
    todo = replace(
        BARE,
        description="# Why\n\nIt is *due*.",
        project="home.flat",
        tags=("bills", "Flat"),
        due=When(date(2026, 11, 30), at(30, 17)),
        recurrence=recurs("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30"),
        priority=Priority.HIGH,
        links=Links(parent=3, depends=(9, 12)),
    )
    shown = (
        "+++\n"
        "# 1, open.\n"
        "# Fields are between the +++ lines; the description, in Markdown, is below them.\n"
        '# Values are written as for \'todo add\', such as due = "friday 17:00"; "" means none.\n'
        'title = "Pay rent"\n'
        'priority = "high"                # priority: high, medium or low\n'
        'project = "home.flat"            # project, such as work or work.api\n'
        'tags = "bills, Flat"             # tags, such as bills, home\n'
        'due = "2026-11-30 17:00"         # due date\n'
        'scheduled = ""                   # start date\n'
        'wait = ""                        # hide the todo until this date\n'
        'until = ""                       # hide the todo after this date\n'
        'every = "month on the last day"  # repeat it, such as month or mon,thu\n'
        'every-after = ""                 # repeat it, counted from completion\n'
        'estimate = ""                    # how long it takes\n'
        "url = \"\"                         # address that 'todo open' opens\n"
        'parent = "3"                     # parent todo\n'
        'depends = "9, 12"                # todos that have to be done first, such as 12, 15\n'
        "+++\n"
        "# Why\n\nIt is *due*.\n"
    ).splitlines()
    written = write_document(describe_todo(todo, NOW), ["1, open."]).splitlines()
    assert [line for line in written if line in shown] == shown
    assert all(re.match(r'\w+ = ""( |$)', line) for line in written if line not in shown)  # other fields have no value


def test_the_page_shows_a_real_document() -> None:
    page = (Path(__file__).parents[2] / "docs" / "editing.md").read_text("utf-8")
    [document] = re.findall(r"^```\n(\+\+\+\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    written = write_document(describe_nothing() | read_document(document, complete=False), ["12, open."])
    lines = document.splitlines()
    assert [line for line in written.splitlines() if line in lines] == lines


@pytest.mark.parametrize(
    ("todo", "field", "text"),
    [
        (replace(BARE, due=When(date(2026, 11, 30))), "due", "2026-11-30"),
        (replace(BARE, due=When(date(2026, 11, 30), at(30, 17, 5, 30))), "due", "2026-11-30 17:05:30"),
        (replace(BARE, due=When(date(2026, 11, 30), at(30, 0))), "due", "2026-11-30 00:00"),
        (replace(BARE, due=When(date(9998, 12, 31))), "due", "someday"),
        (replace(BARE, wait_until=at(30, 0)), "wait", "2026-11-30"),
        (replace(BARE, wait_until=at(30, 9)), "wait", "2026-11-30 09:00"),
        (replace(BARE, expires_at=at(30, 0)), "until", "2026-11-29"),
        (replace(BARE, expires_at=at(30, 9)), "until", "2026-11-30 09:00"),
        (replace(BARE, recurrence=recurs("FREQ=MONTHLY;BYMONTHDAY=15")), "every", "month on the 15th"),
        (replace(BARE, recurrence=recurs("FREQ=MONTHLY")), "every", "month"),
        (replace(BARE, recurrence=recurs("FREQ=WEEKLY;INTERVAL=2")), "every", "2 weeks"),
        (replace(BARE, recurrence=recurs("FREQ=WEEKLY;BYDAY=MO,TH")), "every", "week on Monday and Thursday"),
        (replace(BARE, recurrence=recurs("FREQ=DAILY;COUNT=3")), "every", "FREQ=DAILY;COUNT=3"),
        (replace(BARE, recurrence=recurs("FREQ=WEEKLY;INTERVAL=2", after=True)), "every-after", "2 weeks"),
        (replace(BARE, recurrence=recurs("FREQ=WEEKLY;INTERVAL=2", after=True)), "every", ""),
        (replace(BARE, priority=Priority.LOW), "priority", "low"),
        (replace(BARE, description=None), DESCRIPTION, ""),
    ],
)
def test_fields_are_written_in_the_language_of_add(todo: TodoPublic, field: str, text: str) -> None:
    assert describe_todo(todo, NOW)[field] == text


ANY_TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=0xD7FF), max_size=30)
TRICKY = st.lists(
    st.sampled_from(
        ["+++", "\n", "\r\n", "\r", '"', '"""', "'", "\\", "\\n", "#", "#!", "=", "[x]", "\t", "\x1b[31m", "\x7f",
         "\x85", "\u2028", "\u202e", "\ufeff", "🎉", "e\u0301", " ", "none", "+++\n", "\n+++\n", "title = \"x\"\n"]
    )
    | ANY_TEXT,
    max_size=8,
).map("".join)  # fmt: skip
INSTANTS = st.integers(0, 250_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
WHENS = st.none() | st.builds(When, st.dates(date(1971, 1, 1), date(9998, 12, 31)), st.none() | INSTANTS)
RRULES = st.sampled_from(
    ["FREQ=DAILY", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=DAILY;COUNT=9"]
)
TODOS = st.builds(
    replace,
    st.just(BARE),
    title=TRICKY.filter(str.strip),
    description=st.none() | TRICKY.filter(bool),
    priority=st.sampled_from(Priority),
    project=st.none() | st.sampled_from(["home", "home.flat-2", "Élan"]),
    tags=st.sampled_from([(), ("bills",), ("a", "B", "ä")]),
    due=WHENS,
    scheduled=WHENS,
    wait_until=st.none() | INSTANTS,
    expires_at=st.none() | INSTANTS,
    links=st.builds(Links, parent=st.none() | st.integers(1, 99), depends=st.sampled_from([(), (9, 12, 100)])),
    recurrence=st.none() | st.builds(lambda rrule, after: recurs(rrule, after=after), RRULES, st.booleans()),
)


@given(TODOS, st.lists(TRICKY, max_size=3))
def test_a_document_round_trips(todo: TodoPublic, reason: list[str]) -> None:
    texts = describe_todo(todo, NOW)
    document = write_document(texts, ["1, open."])
    assert read_document(document) == texts
    explained = with_reason(document, reason)
    assert read_document(explained) == texts
    assert with_reason(explained, []) == document


@given(TODOS.filter(lambda todo: "\r" not in (todo.description or "")))
def test_windows_line_endings_change_nothing(todo: TodoPublic) -> None:
    texts = describe_todo(todo, NOW)
    document = write_document(texts).replace("\n", "\r\n")
    assert read_document("\ufeff" + document) == texts


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Pay rent"', "title = Pay rent", "the header is not valid TOML: invalid value, in title = Pay rent"),
        ('due = ""', 'due = ""\ndue = ""', 'cannot overwrite a value, in due = ""'),
        ('due = ""', "due = 2026-11-30", "due must be a string"),
        ('tags = ""', 'tags = ["a"]', "tags must be a string"),
        ('due = ""', 'duue = ""', "unknown field 'duue'"),
        ('due = ""', 'status = "done"', "unknown field 'status'"),
        ('depends = ""', "", "missing field 'depends'"),
        ('due = ""', f"due = {'[' * 5000}", "the header is not valid TOML"),
        ("+++\ntext", "text", "the +++ line after the fields is missing"),
        ("+++\n# 1", "# 1", "the first line must be +++"),
        ('title = "Pay', 'title = "\udcffPay', "not valid UTF-8"),
        ("text", "te\udcffxt", "not valid UTF-8"),
        ("text", "te\x00xt", "NUL"),
        ('title = "Pay', 'title = "\\u0000Pay', "NUL"),
        ("+++\n# 1", "[x]\n+++\n# 1", "the first line must be +++"),
    ],
)
def test_errors(old: str, new: str, message: str) -> None:
    document = write_document(describe_todo(replace(BARE, description="text"), NOW), ["1, open."])
    assert old in document
    with pytest.raises(InvalidInputError) as caught:
        read_document(document.replace(old, new, 1))
    assert message in caught.value.message


def test_fields_may_be_missing_for_a_new_todo() -> None:
    assert read_document('+++\ntitle = "a"\ndue = " None "\n+++\n', complete=False) == {
        **describe_nothing(),
        "title": "a",
    }


@pytest.mark.parametrize(
    ("text", "blank"), [("", True), ("\n \n", True), ("#! error: x\n\n", True), ("+++", False), ("# Head", False)]
)
def test_an_empty_document(text: str, blank: bool) -> None:
    assert is_blank(text) is blank


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged", "conflicts"),
    [
        ("a", "a", "a", "a", False),
        ("a", "b", "a", "b", False),
        ("a", "a", "b", "b", False),
        ("a", "b", "b", "b", False),
        ("a", "b", "c", "b", True),
        ("a", "", "c", "", True),
        ("", "b", "", "b", False),
    ],
)
def test_both_changed_a_field(base: str, mine: str, theirs: str, merged: str, conflicts: bool) -> None:
    for field in ("title", DESCRIPTION):
        found = merge_texts(*({**describe_nothing(), field: text} for text in (base, mine, theirs)))
        assert found == ({**describe_nothing(), field: merged}, [field] if conflicts else [])


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ("a, b", "a, b", "a, b", "a, b"),
        ("a, b", "a, b, c", "a, b, d", "a, b, c, d"),
        ("a, b", "b", "a", ""),
        ("a, b", "b", "a, b, c", "b, c"),
        ("", "New", "new", "new"),
        ("A", "a, x", "A", "A, x"),
    ],
)
def test_tags_are_merged_one_by_one(base: str, mine: str, theirs: str, merged: str) -> None:
    found, conflicts = merge_texts(*({**describe_nothing(), "tags": text} for text in (base, mine, theirs)))
    assert (found["tags"].lower(), conflicts) == (merged.lower(), [])


SOME = st.fixed_dictionaries(
    {name: st.sampled_from(["", "a", "b"]) for name in (*HEAD, DESCRIPTION)}
    | {name: st.lists(st.sampled_from("abc"), unique=True).map(join_list) for name in LISTS}
)


@given(SOME, SOME)
def test_merging_with_the_base_gives_the_other_version(base: Texts, other: Texts) -> None:
    for mine, theirs in ((other, base), (base, other), (other, other)):
        assert merge_texts(base, mine, theirs) == (other, [])


@given(SOME, SOME, SOME)
def test_a_change_on_one_side_is_kept(base: Texts, mine: Texts, theirs: Texts) -> None:
    merged, conflicts = merge_texts(base, mine, theirs)
    for name in merged.keys() - {*LISTS}:
        sides = {mine[name], theirs[name]} - {base[name]}
        assert (name in conflicts) == (len({mine[name], theirs[name], base[name]}) == 3)
        assert merged[name] == base[name] if not sides else merged[name] in sides


def test_lists() -> None:
    assert split_list(" a,b ,, B, ä") == ["a", "b", "ä"]
    assert join_list(["b", "A", "ä"]) == "A, b, ä"
    assert join_list(["12", "9", "100"]) == "9, 12, 100"
