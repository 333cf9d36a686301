"""The filter language: the meaning of expressions, and errors.

`now` is Sunday, 22 November 2026, 12:00 in Berlin.
"""

from __future__ import annotations

import re
import shlex
from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.conftest import NOW
from tests.plain_filters import TYPED, trees, type_out
from todo_cli.errors import ExpressionError, InvalidInputError
from todo_cli.models.values import Status, When
from todo_cli.query.dates import Conventions, parse_when
from todo_cli.query.filter.ast import (
    And,
    Compares,
    ContainsText,
    Filter,
    Has,
    HasName,
    HasStatus,
    IsActive,
    IsBlocked,
    IsBlocking,
    IsExpired,
    IsOneOf,
    IsOverdue,
    IsReady,
    IsWaiting,
    LinksTo,
    Not,
    Or,
    RefersTo,
)
from todo_cli.query.filter.conditions import NAMES
from todo_cli.query.filter.parser import MAX_CONDITIONS, MAX_DEPTH, MAX_TEXT_LENGTH, MAX_TEXTS, parse_filter
from todo_cli.query.references import NumberReference, parse_references

FRIDAY, TODAY = When(date(2026, 11, 27)), When(date(2026, 11, 22))
A, B, C = (ContainsText(letter) for letter in "abc")


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("a", A),
        ("a b", And((A, B))),
        ("a and b AND c", And((A, B, C))),
        ("a or b OR c", Or((A, B, C))),
        ("a or b c", Or((A, And((B, C))))),
        ("(a or b) c", And((Or((A, B)), C))),
        ("(a or b)c", And((Or((A, B)), C))),
        ("not a b", And((Not(A), B))),
        ("NOT (a b)", Not(And((A, B)))),
        ("not not a", Not(Not(A))),
        ("((a))", A),
        ("(a b) c", And((And((A, B)), C))),
        ("And Or Not", And((ContainsText("And"), ContainsText("Or"), ContainsText("Not")))),
        ('"and"', ContainsText("and")),
        ("milk \"rye bread\" 'and oil'", And(tuple(map(ContainsText, ("milk", "rye bread", "and oil"))))),
        ("don't", ContainsText("don't")),
        ('"don\'t"', ContainsText("don't")),
        ('6"', ContainsText('6"')),
        ("title:milk", ContainsText("milk", "title")),
        ('title:"rye bread"', ContainsText("rye bread", "title")),
        ("description:'a (b)'", ContainsText("a (b)", "description")),
        ("https://x", ContainsText("https://x")),
        ("12:30", ContainsText("12:30")),
        ("12:30pm", ContainsText("12:30pm")),
        ("R&D:x", ContainsText("R&D:x")),
        ("title:foo:bar", ContainsText("foo:bar", "title")),
        ("foo:", ContainsText("foo:")),
        ("Re:", ContainsText("Re:")),
        ("+5 -5 + - c++ a-b", And(tuple(map(ContainsText, ("+5", "-5", "+", "-", "c++", "a-b"))))),
        ('"due:today"', ContainsText("due:today")),
        ("+bills", HasName("tag", "bills")),
        ("tag:bills", HasName("tag", "bills")),
        ("tag:none", Not(Has("tag"))),
        ("PROJECT:home.flat", HasName("project", "home.flat")),
        ("project:none", Not(Has("project"))),
        ("due:today", Compares("due", "on", TODAY)),
        ("due:none", Not(Has("due"))),
        ("due:ANY", Has("due")),
        ("Due.Before:friday", Compares("due", "before", FRIDAY)),
        ("scheduled.after:friday", Compares("scheduled", "after", FRIDAY)),
        ("wait.by:friday", Compares("wait", "by", FRIDAY)),
        ("until.since:friday", Compares("until", "since", FRIDAY)),
        ("created:today", Compares("created", "on", TODAY)),
        ("updated:today", Compares("updated", "on", TODAY)),
        ("completed.since:today", Compares("completed", "since", TODAY)),
        (
            "due:2026-12-24T18:00",
            Compares("due", "on", When(date(2026, 12, 24), datetime(2026, 12, 24, 17, tzinfo=UTC))),
        ),
        (
            "due:'2026-12-24 18:00'",
            Compares("due", "on", When(date(2026, 12, 24), datetime(2026, 12, 24, 17, tzinfo=UTC))),
        ),
        ("priority:HIGH", IsOneOf("priority", ("high",))),
        ("priority.above:low", IsOneOf("priority", ("high", "medium"))),
        ("priority.below:medium", IsOneOf("priority", ("low", "none"))),
        ("priority.below:low", IsOneOf("priority", ("none",))),
        ("status:open", HasStatus(Status.OPEN)),
        ("status:all", HasStatus(None)),
        ("is:done", HasStatus(Status.DONE)),
        ("is:cancelled", HasStatus(Status.CANCELLED)),
        ("is:overdue", IsOverdue()),
        ("is:today", Compares("due", "on", TODAY)),
        (
            "is:week",
            And(
                (
                    Compares("due", "since", When(date(2026, 11, 16))),
                    Compares("due", "before", When(date(2026, 11, 23))),
                )
            ),
        ),
        ("is:waiting", IsWaiting()),
        ("is:expired", IsExpired()),
        ("is:scheduled", Has("scheduled")),
        ("is:recurring", Has("every")),
        ("is:untagged", Not(Has("tag"))),
        ("has:tags", Has("tag")),
        ("has:every", Has("every")),
        ("is:blocked", IsBlocked()),
        ("is:blocking", IsBlocking()),
        ("is:ready", IsReady()),
        ("is:active", IsActive()),
        ("depends:12", LinksTo("depends", parse_references(["12"]))),
        ("depends:12-14,1a2b", LinksTo("depends", parse_references(["12-14,1a2b"]))),
        ("depends:none", Not(Has("depends"))),
        ("depends:Any", Has("depends")),
        ("parent:12", LinksTo("parent", parse_references(["12"]))),
        ("parent:none", Not(Has("parent"))),
        ("no:comments", Not(Has("comments"))),
        ("has:subtasks", Has("subtasks")),
        ("no:until", Not(Has("until"))),
        ("id:12-13,9", RefersTo((NumberReference(12), NumberReference(13), NumberReference(9)))),
        ("id:3f2a", RefersTo(parse_references(["3f2a"]))),
    ],
)
def test_expressions(expression: str, tree: Filter) -> None:
    assert parse_filter(expression.split(" "), NOW) == tree
    assert parse_filter([f"({expression})"], NOW) == tree


@pytest.mark.parametrize(
    ("arguments", "tree"),
    [
        ([], And(())),
        (["a", "b"], And((A, B))),
        (["rye bread"], ContainsText("rye bread")),
        (["rye  bread "], ContainsText("rye  bread ")),
        (["rye bread", "or", "don't forget"], Or((ContainsText("rye bread"), ContainsText("don't forget")))),
        (['the 6" one'], ContainsText('the 6" one')),
        (["at 12:30"], ContainsText("at 12:30")),
        (["rye and bread"], And((ContainsText("rye"), ContainsText("bread")))),
        (["rye +bills"], And((ContainsText("rye"), HasName("tag", "bills")))),
        (["rye", "due:today bread"], And((ContainsText("rye"), Compares("due", "on", TODAY), ContainsText("bread")))),
        (["not", "(rye", "bread)"], Not(And((ContainsText("rye"), ContainsText("bread"))))),
        (['title:"rye bread"'], ContainsText("rye bread", "title")),
        (["a", ""], A),
    ],
)
def test_quotes_that_the_shell_removed_are_restored(arguments: list[str], tree: Filter) -> None:
    assert parse_filter(arguments, NOW) == tree


def test_the_first_day_of_the_week_is_configurable() -> None:
    tree = parse_filter(["is:week"], NOW, Conventions(week_start=6))
    assert tree == And((Compares("due", "since", TODAY), Compares("due", "before", When(date(2026, 11, 29)))))


@pytest.mark.parametrize(
    ("expression", "at", "message", "hint"),
    [
        ("milk prjoect:home", "prjoect", "unknown attribute 'prjoect'", "'project:'"),
        ("pri:high", "pri", "unknown attribute 'pri'", "'priority:'"),
        ("proj:home", "proj", "unknown attribute", "'project:'"),
        ("ude:today", "ude", "unknown attribute", "'due:'"),
        ("tags:x", "tags", "unknown attribute", "'tag:'"),
        ("si:open", "si", "unknown attribute", "'is:'"),
        ("a due.befor:friday", "befor", "unknown modifier 'befor' after 'due.'", "did you mean 'due.before:'?"),
        ("project.before:home", "before", "unknown modifier", "did you mean 'project:'?"),
        ("is:overdeu", "overdeu", "'overdeu' is not a valid state", "did you mean 'overdue'?"),
        ("depends:milk", "milk", "'milk' is not a todo number or uuid", "12-15"),
        ("parent:", "parent:", "'parent:' needs a value", "for example parent:12"),
        ("depend:12", "depend", "unknown attribute 'depend'", "did you mean 'depends:'?"),
        ("not urgency.above:5", "urgency", "unknown attribute 'urgency'", "did you mean '--sort=-urgency'?"),
        ("not blocked:yes", "blocked", "unknown attribute 'blocked'", "did you mean 'is:blocked'?"),
        ("not started:today", "started", "unknown attribute 'started'", "did you mean 'is:active'?"),
        ("modified.after:today", "modified", "unknown attribute", "did you mean 'updated:'?"),
        ("uuid:ea36", "uuid", "unknown attribute", "did you mean 'id:'?"),
        ("not nonsense.above:5", "nonsense", "unknown attribute 'nonsense'", "write title:nonsense.above:5"),
        ("Re:milk a", "Re", "unknown attribute 'Re'", "to search for the text, write title:Re:milk"),
        ("due-before:friday", "due-before", "unknown attribute", "write title:due-before:friday"),
        ("größe:5", "größe", "unknown attribute", "write 'title:größe:5'"),
        ("foo:'a b'", "foo", "unknown attribute", "write 'title:\"foo:a b\"'"),
        ("foo:''", "foo", "unknown attribute", "write title:foo:"),
        ("a -foo:bar", "foo", "unknown attribute", "write title:foo:bar"),
        ("call foo:bar now", "foo", "unknown attribute", "write title:foo:bar"),
        ("depends.by:12", "by", "unknown modifier 'by' after 'depends.'", "did you mean 'depends:'?"),
        ("has:deu", "deu", "'deu' is not a valid field", "did you mean 'due'?"),
        ("priority:hihg", "hihg", "'hihg' is not a valid priority", "did you mean 'high'?"),
        ("priority.above:high", "high", "no priority is above 'high'", None),
        ("status:opne", "opne", "'opne' is not a valid status", "did you mean 'open'?"),
        ("due:2026-02-31", "2026-02-31", "is not a date", "did you mean '2026-02-28'?"),
        ("due.before:none", "none", "is not a date", "examples"),
        ("due:'2026-02-31 12:00' a", "'2026-02-31 12:00'", "is not a date", "2026-02-28"),
        ("project:a#b", "a#b", "not a valid project name", "did you mean 'a-b'?"),
        ("+a#b", "+a#b", "not a valid tag name", "did you mean 'a-b'?"),
        ("id:x", "x", "not a todo number or uuid", "write 12, 12-15"),
        ("due: today", "due:", "'due:' needs a value", "for example due:today"),
        ("title:''", "title:''", "needs a value", "for example title:milk"),
        ("a -bills", "-bills", "unexpected '-' before 'bills'", "did you mean 'not +bills'?"),
        ("-due:today", "-due:today", "unexpected '-' before 'due:today'", "did you mean 'not due:today'?"),
        ("(a b", "(", "unmatched '('", "quote it"),
        ("(", "(", "unmatched '('", "quote it"),
        ("a)", ")", "unmatched ')'", "quote it"),
        (")", ")", "unmatched ')'", "quote it"),
        ("a (  )", "(  )", "empty parentheses", "quote it"),
        ('a "b', '"', "unterminated quote", "the same quotation mark"),
        ("title:'b", "'", "unterminated quote", "the same quotation mark"),
        ("''", "''", "the quoted text is empty", None),
        ("or a", "or", "expected a condition before 'or'", "quote it"),
        ("a and", "and", "expected a condition after 'and'", "quote it"),
        ("a OR or b", "or", "expected a condition before 'or'", "quote it"),
        ("(not)", "not", "expected a condition after 'not'", "quote it"),
        (" ", "", "the filter is empty", "for example"),
    ],
)
def test_errors_mark_the_invalid_part(expression: str, at: str, message: str, hint: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_filter([expression], NOW)
    error = caught.value
    assert error.expression == expression
    assert (error.expression[error.start : error.end], error.start) == (at, expression.rindex(at))
    assert message in error.message
    assert hint in error.hint if hint and error.hint else error.hint == hint


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (" ".join("a" for _ in range(MAX_TEXTS + 1)), "a filter can have at most 50 search terms"),
        (" ".join("+a" for _ in range(MAX_CONDITIONS + 1)), "200 conditions"),
        (" ".join("is:week" for _ in range(MAX_CONDITIONS // 2 + 1)), "200 conditions"),
        ("id:" + ",".join(f"{number:04x}a" for number in range(MAX_CONDITIONS)), "200 conditions"),
        ("id:1-600 id:601-1001", "1,000 todo numbers"),
        ("x" * (MAX_TEXT_LENGTH + 1), "a search term can have at most 1,000 characters"),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), "50 levels deep"),
        ("not " * (MAX_DEPTH + 1) + "a", "50 levels deep"),
        ("(" * 100_000, "50 levels deep"),
    ],
    ids=range(9),
)
def test_limits(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_filter(expression.split(" "), NOW)
    assert message in caught.value.message


@pytest.mark.parametrize("text", ["a\udcff", "due:\udcff", "a\x00", "title:'\x00'"])
def test_text_that_no_database_can_store_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"the filter (is not valid UTF-8|contains a NUL)"):
        parse_filter([text], NOW)


@given(
    st.from_regex(r"[a-z]{1,9}(\.[a-z]{0,6})?:", fullmatch=True)
    | st.sampled_from(["not nonsense.above:", "größe:", "due-before:", "x1:", "e.g.:"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: text.replace("\0", "")),
)
@example("foo:", "'a b'")
@example("foo:", '"due:today or x"')
@example("foo:", "a'b\"c(d")
def test_an_unknown_attribute_is_refused_and_the_hint_finds_it_as_text(head: str, value: str) -> None:
    """If an unknown attribute were text, it would match every todo after `not`."""
    name = head.rsplit(maxsplit=1)[-1].partition(".")[0].removesuffix(":")
    assume(name not in NAMES and value.strip() and not value.startswith("//"))
    try:
        parse_filter([f"{head}{value}"], NOW)
    except ExpressionError as error:
        if not error.message.startswith("unknown attribute"):
            return  # an unterminated quote or an unmatched parenthesis
        if value[0].isspace() or value[0] in "()":
            return  # a near miss without a value
        written = str(error.hint).partition("to search for the text, write ")[2]
        if "…" in written and "…" not in value:
            return  # it could be a password, which no message repeats
        tree = parse_filter(shlex.split(written), NOW)
        assert isinstance(tree, ContainsText)
        assert tree.field == "title"
        assert tree.text.startswith(name)
        return
    assert value[0].isspace() or value[0] in "()"  # nothing after the colon


PIECES = st.sampled_from([*"()\"':.+- ", "and", "or", "not", "due", "is", "milk", "today", "project"])


@given(st.lists(st.text() | st.lists(PIECES).map("".join)))
@example(["\u0130:x"])
def test_every_text_is_parsed_or_refused(arguments: list[str]) -> None:
    try:
        parse_filter(arguments, NOW)
    except ExpressionError as error:
        assert 0 <= error.start <= error.end <= len(error.expression)
    except InvalidInputError as error:
        assert re.match("the filter (is not valid UTF-8|contains a NUL)", error.message)


@given(trees(TYPED, fewest=2))
def test_a_formatted_filter_round_trips(tree: Filter) -> None:
    assert parse_filter([type_out(tree)], NOW) == tree


@pytest.mark.parametrize(
    ("argument", "tree"),
    [
        ("due:2026-12-24 18:00", Compares("due", "on", parse_when("2026-12-24 18:00", NOW))),
        ("due.before:friday at 5pm", Compares("due", "before", parse_when("friday at 5pm", NOW))),
        ("title:rye bread", ContainsText("rye bread", "title")),
        ("due:today milk", And((Compares("due", "on", parse_when("today", NOW)), ContainsText("milk")))),
    ],
)
def test_a_value_without_its_quotes(argument: str, tree: Filter) -> None:
    assert parse_filter([argument], NOW) == tree


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("+a | +b", "or"),
        ("milk && bread", "and"),
        ("!+shop", "not +shop"),
        ("!is:overdue", "not is:overdue"),
        ("due<friday", "due.before:friday"),
        ("created>=sow", "created.since:sow"),
        ("project=home", "project:home"),
    ],
)
def test_operators_of_other_languages_are_refused(expression: str, meant: str) -> None:
    with pytest.raises(ExpressionError, match="is not a condition") as caught:
        parse_filter(expression.split(), NOW)
    assert f"did you mean '{meant}'?" in str(caught.value.hint)
    parse_filter([f'"{expression}"'], NOW)


@pytest.mark.parametrize(
    "words", ["due:friday 5pm", "due.before:24 dec", "due:friday at 5pm +x", "milk due:2026-12-24 18:00"]
)
def test_a_date_that_continues_in_the_next_words_is_refused(words: str) -> None:
    for arguments in (words.split(), [f"{words} or milk"]):
        with pytest.raises(ExpressionError, match="may belong to this date") as caught:
            parse_filter(arguments, NOW)
        assert "did you mean due" in str(caught.value.hint)


@pytest.mark.parametrize("value", ["30 feb", "next fridya", "friday 25:00", "2027-03-28 02:30"])
def test_an_invalid_quoted_date_is_not_split_into_a_date_and_text(value: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_filter([f"due:{value}"], NOW)
    assert caught.value.expression[caught.value.start : caught.value.end].strip("\"'") == value
