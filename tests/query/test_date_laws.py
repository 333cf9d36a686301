"""Properties of every WHEN, in every time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.easter import easter
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import BERLIN, NOW
from tests.tiers import choose
from todo_cli.errors import InvalidInputError
from todo_cli.query.dates import Conventions, names_last_day, parse_when, to_instant
from todo_cli.query.dates.calendar_days import add_months, easter_sunday

DATES = st.dates(date(1970, 1, 2), date(2200, 1, 1))
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "America/Santiago"]
).map(ZoneInfo)
MOMENTS = st.builds(datetime.combine, DATES, st.times(), ZONES)
CONVENTIONS = st.builds(Conventions, st.integers(0, 6), st.sampled_from([None, "d/m/y", "m/d/y"]))

WORDS = """
    now today tomorrow sod eod eow eom eoy friday fri sun next this last first fifth 1st 2nd 5th 31st 31th 0th day of
    the month quarter week year january feb sept may 24 31 0 5 17 2027 2026-12-24 2026-13-01 2026-02-31 20261224
    2026-W52-4 2026-W54 2026-366 2026-12 17:00 25:00 24:00 9:05 02:30 18:00Z 18:00+02:00 5pm 13pm 5:30 am pm noon
    midnight at in a an ago 3d -1d +2w 1mo 1h30m 2 weeks P3D PT2H P + - , 10/11/2026 10/11 25/12 24.12. 24.12.2026 17.30
    easter later tommorow 99999999999999999999 9999d 9998-12-31 9999-01-01 on foo
"""
DAYS = """
    today; tomorrow; sow; eow; eoww; som; eom; soq; eoq; soy; eoy; friday; this friday; next friday; last friday;
    next week; last quarter; december; 15th; 31st; easter; 24 dec; 29 feb; first monday of january; last day of month;
    2nd tuesday of next month; 3d; 1mo; -1y2mo3d; a week ago; eom-3d; 2026-12-24; 2026-W52; later; P1M
"""
PHRASES = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=5).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)
DAY_FORMS = st.sampled_from([form.strip() for form in DAYS.split(";")])


def meant(error: InvalidInputError) -> list[str]:
    """The texts that an error suggests."""
    said = re.match(r"did you mean ('.*?')\? ?", str(error.hint))
    return re.findall("'(.*?)'", said[1]) if said else []


def check(text: str, now: datetime, conventions: Conventions) -> None:
    names_last_day(text)
    try:
        when = parse_when(text, now, conventions)
    except InvalidInputError as error:
        assert error.hint
        assert len((error.message + error.hint).splitlines()) == 1
        for proposal in meant(error):
            parse_when(proposal, now, conventions)
    else:
        if when.at is not None:
            assert when.on == when.at.astimezone(now.tzinfo).date()


@given(st.text() | st.text(st.characters()) | st.text("0123456789-+:/.,tzpwdhmay ", max_size=30), MOMENTS, CONVENTIONS)
def test_every_text_is_parsed_or_refused(text: str, now: datetime, conventions: Conventions) -> None:
    check(text, now, conventions)


@settings(max_examples=choose(100, 600))
@given(PHRASES, MOMENTS, CONVENTIONS)
def test_suggestions_are_valid(text: str, now: datetime, conventions: Conventions) -> None:
    check(text, now, conventions)


@given(PHRASES)
def test_case_and_extra_spaces_do_not_matter(text: str) -> None:
    try:
        when = parse_when(text, NOW)
    except InvalidInputError:
        return
    assert parse_when(text.upper(), NOW) == when
    assert parse_when(text.title(), NOW) == when
    assert parse_when(f"\t {text.replace(' ', chr(0xA0) + '  ')} \n", NOW) == when


@given(DAY_FORMS, DATES, st.times(), st.times(), ZONES, ZONES)
def test_days_do_not_depend_on_the_time(
    text: str, on: date, at: time, other: time, zone: ZoneInfo, other_zone: ZoneInfo
) -> None:
    when = parse_when(text, datetime.combine(on, at, zone))
    assert when.at is None
    assert parse_when(text, datetime.combine(on, other, other_zone)) == when


@given(MOMENTS, CONVENTIONS)
def test_starts_are_not_after_today_and_ends_not_before(now: datetime, conventions: Conventions) -> None:
    for unit in "wmqy":
        first, last = (parse_when(f"{edge}o{unit}", now, conventions).on for edge in "se")
        assert first <= now.date() <= last
        assert parse_when(f"so{unit}", datetime.combine(last, time(12), BERLIN), conventions).on == first
        following = parse_when(f"so{unit}", datetime.combine(last + timedelta(1), time(12), BERLIN), conventions).on
        assert following == last + timedelta(1)
    assert 0 <= (parse_when("eoww", now, conventions).on - now.date()).days <= 6


@given(DATES, st.integers(-2000, 2000))
def test_adding_months_ends_in_the_right_month(on: date, months: int) -> None:
    total = parse_when(f"{on}{months:+}mo", NOW).on
    assert (total.year * 12 + total.month) - (on.year * 12 + on.month) == months
    assert total.day == on.day or (total.day < on.day and (total + timedelta(1)).day == 1)


@given(st.dates(date(2, 1, 8), date(9998, 12, 20)))
def test_all_forms_of_iso_8601_agree(on: date) -> None:
    year, week, weekday = on.isocalendar()
    days = on.timetuple().tm_yday
    forms = (
        on.isoformat(),
        on.isoformat().replace("-", ""),
        f"{year:04}-W{week:02}-{weekday}",
        f"{on.year:04}-{days:03}",
    )
    for text in forms:
        assert parse_when(text, NOW).on == on


@given(MOMENTS, ZONES)
def test_an_iso_8601_instant_round_trips(instant: datetime, zone: ZoneInfo) -> None:
    instant = instant.astimezone(UTC)
    assert parse_when(instant.isoformat(), datetime(2026, 1, 1, tzinfo=zone)).at == instant


@given(MOMENTS, st.integers(-(10**9), 10**9))
def test_seconds_are_elapsed_time(now: datetime, seconds: int) -> None:
    at = parse_when(f"{seconds:+}s", now).at
    assert at is not None
    assert at - now.astimezone(UTC) == timedelta(seconds=seconds)


@given(MOMENTS, st.times())
def test_a_time_alone_is_the_next_such_time(now: datetime, at: time) -> None:
    try:
        found = parse_when(f"{at:%H:%M}", now).at
    except InvalidInputError:
        return  # the clocks leave it out
    assert found is not None
    assert timedelta(0) < found - now.astimezone(UTC) <= timedelta(hours=25)
    assert f"{found.astimezone(now.tzinfo):%H:%M}" == f"{at:%H:%M}"


@given(DATES, st.times(), ZONES)
def test_an_instant_keeps_its_wall_clock_time(on: date, at: time, zone: ZoneInfo) -> None:
    now = datetime(2026, 1, 1, tzinfo=zone)
    wall = time(at.hour, at.minute)
    try:
        instant = to_instant(on, wall, now)
    except InvalidInputError as error:
        assert "did you mean" in str(error.hint)  # a time that the clocks leave out
    else:
        assert instant.astimezone(now.tzinfo).replace(tzinfo=None) == datetime.combine(on, wall)


def test_easter_agrees_with_dateutil() -> None:
    assert [easter_sunday(year) for year in range(1583, 4100)] == [easter(year) for year in range(1583, 4100)]


@given(DATES, st.integers(-1200, 1200))
def test_adding_months_agrees_with_dateutil(on: date, months: int) -> None:
    assert add_months(on, months) == on + relativedelta(months=months)
