"""Which days are wanted, and the windows they are asked for in: whole days, never too many."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.day_units import list_day_units, list_days, midnight
from connector.sources.shortkit.agenda import (
    Calendar,
    Need,
    Window,
    cut_windows,
    find_calendar,
    find_lost,
    find_need,
    halve,
    keep_asked,
    name_day,
    parse_unit,
    to_unit,
    window_of,
)
from connector.sources.shortkit.shortkit_settings import Group
from connector.units import RELOAD, LoadedUnit, Scope, Unit
from tests.unit.sources.test_shortkit_settings import ADS, VIDEOS, make_settings

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NEWEST = date(2026, 3, 9)
OLDEST = date(2025, 12, 10)  # 90 days before today
BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"
LIVE, AGAIN = Scope(), Scope(is_reload=True)


def back(days: int) -> date:
    return NEWEST - days * DAY


def load(group: Group, days: Iterable[date], **changes: Any) -> dict[str, LoadedUnit]:
    """The ledger after these days of a group."""
    settings = make_settings()
    units = [to_unit(group, Window(day, day), settings) for day in days]
    ones = [one for unit in units for one in list_day_units(unit)]
    return {one.id: replace(LoadedUnit.of(one, 5), **changes) for one in ones}


def need(
    loaded: dict[str, LoadedUnit], scope: Scope = LIVE, now: datetime = NOW, **changes: Any
) -> Need:
    settings = make_settings(**changes)
    return find_need(VIDEOS, loaded, find_calendar(settings, now), settings, scope)


def span(first: date, last: date) -> set[date]:
    return set(Window(first, last).days)


@pytest.mark.parametrize(
    ("at", "zone", "settle_hour", "newest", "today"),
    [
        ("2026-03-10T02:00:00", "UTC", 2, "2026-03-09", "2026-03-10"),
        ("2026-03-10T01:59:59", "UTC", 2, "2026-03-08", "2026-03-10"),
        ("2026-03-10T00:00:00", "UTC", 0, "2026-03-09", "2026-03-10"),
        ("2026-03-09T23:59:59", "UTC", 0, "2026-03-08", "2026-03-09"),
        ("2026-03-10T22:59:59", "UTC", 47, "2026-03-07", "2026-03-10"),
        ("2026-03-10T23:00:00", "UTC", 47, "2026-03-08", "2026-03-10"),
        ("2026-03-10T01:00:00", BERLIN, 2, "2026-03-09", "2026-03-10"),
        ("2026-03-10T00:59:59", BERLIN, 2, "2026-03-08", "2026-03-10"),
        ("2026-03-09T17:00:00", TOKYO, 2, "2026-03-09", "2026-03-10"),
        ("2026-03-09T15:00:00", TOKYO, 2, "2026-03-08", "2026-03-10"),
        ("2026-03-10T06:00:00", NEW_YORK, 2, "2026-03-09", "2026-03-10"),
        ("2026-03-10T05:59:59", NEW_YORK, 2, "2026-03-08", "2026-03-10"),
        ("2026-03-10T03:59:59", NEW_YORK, 2, "2026-03-08", "2026-03-09"),
    ],
)
def test_a_day_is_settled_so_many_hours_after_its_end(
    at: str, zone: str, settle_hour: float, newest: str, today: str
) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    calendar = find_calendar(make_settings(zone=zone, settle_hour=settle_hour), now)
    assert (calendar.newest.isoformat(), calendar.today.isoformat()) == (newest, today)
    assert calendar.oldest == calendar.today - 90 * DAY


def test_at_first_all_the_vendor_has_is_missing() -> None:
    found = need({})
    assert found.missing == span(OLDEST, NEWEST)
    assert len(found.missing) == 90
    assert found.again == frozenset()


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-02-28T23:59:59", date(2026, 2, 28)),
        ("2020-01-01", OLDEST),
        ("2026-03-09", NEWEST),
    ],
)
def test_live_loading_begins_at_the_start(start: str, first: date) -> None:
    assert need({}, start=start).missing == span(first, NEWEST)


def test_a_start_that_has_not_come_needs_nothing() -> None:
    assert need({}, start="2026-03-10") == Need(frozenset(), frozenset())
    assert need({}, start="2027-01-01") == Need(frozenset(), frozenset())


def test_the_start_is_a_moment_of_the_zone() -> None:
    found = need({}, start="2026-03-01T20:00:00Z", zone=TOKYO)
    assert min(found.missing) == date(2026, 3, 2)


def test_the_newest_days_are_loaded_again() -> None:
    loaded = load(VIDEOS, span(OLDEST, NEWEST))
    assert need(loaded) == Need(frozenset(), frozenset(span(back(2), NEWEST)))
    assert need(loaded, lookback_days=0).again == {NEWEST}
    assert need(loaded, lookback_days=30).again == span(back(30), NEWEST)


def test_the_look_back_never_begins_before_the_start() -> None:
    loaded = load(VIDEOS, span(back(1), NEWEST))
    assert need(loaded, start=back(1).isoformat()).again == span(back(1), NEWEST)


def test_a_gap_is_missing_and_so_is_a_day_of_which_one_table_lacks() -> None:
    loaded = load(VIDEOS, span(OLDEST, NEWEST))
    del loaded[name_day("quality", back(40))]
    for table in VIDEOS.tables:
        del loaded[name_day(table, back(1))]
    found = need(loaded)
    assert found.missing == {back(40), back(1)}
    assert found.again == {back(2), NEWEST}


def test_groups_are_not_mixed_up() -> None:
    settings = make_settings()
    loaded = load(ADS, span(OLDEST, NEWEST))
    calendar = find_calendar(settings, NOW)
    assert len(find_need(VIDEOS, loaded, calendar, settings, LIVE).missing) == 90
    assert find_need(ADS, loaded, calendar, settings, LIVE).missing == frozenset()


def test_a_day_that_is_marked_is_loaded_again() -> None:
    loaded = load(VIDEOS, span(OLDEST, NEWEST))
    marked = load(VIDEOS, [back(50)], schema_id=RELOAD)
    found = need(loaded | {name_day("quality", back(50)): marked[name_day("quality", back(50))]})
    assert found.again == {back(50), *span(back(2), NEWEST)}


def test_the_oldest_day_is_loaded_once_and_never_again() -> None:
    loaded = load(VIDEOS, span(OLDEST, NEWEST))
    assert OLDEST not in need(loaded, AGAIN).again
    assert need(loaded, AGAIN).again == span(OLDEST + DAY, NEWEST)
    del loaded[name_day("events", OLDEST)]
    assert need(loaded, AGAIN).missing == {OLDEST}


def to_scope(first: date, last: date, *, is_reload: bool = True) -> Scope:
    """These days of UTC."""
    zone = ZoneInfo("UTC")
    return Scope(midnight(first, zone), midnight(last + DAY, zone), is_reload)


def test_what_somebody_asks_for_is_loaded_again_and_nothing_else() -> None:
    loaded = load(VIDEOS, span(back(20), NEWEST))
    found = need(loaded, to_scope(back(25), back(18)))
    assert found.missing == span(back(25), back(21))
    assert found.again == span(back(20), back(18))


def test_a_range_reaches_behind_the_start_as_far_as_the_vendor_has_rows() -> None:
    scope = Scope(datetime(2020, 1, 1, tzinfo=UTC), None, is_reload=True)
    assert need({}, scope, start="2026-03-01").missing == span(OLDEST, NEWEST)


def test_a_range_that_cuts_days_touches_them_whole() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    found = need({}, Scope(noon, noon + DAY, is_reload=True))
    assert found.missing == {date(2026, 3, 1), date(2026, 3, 2)}


def test_a_live_run_of_a_range_has_no_more_than_is_due() -> None:
    loaded = load(VIDEOS, span(OLDEST, NEWEST))
    found = need(loaded, to_scope(back(30), back(1), is_reload=False))
    assert found == Need(frozenset(), frozenset({back(2), back(1)}))


def test_ninety_days_of_two_groups_are_six_windows() -> None:
    windows = cut_windows(need({}).missing, make_settings().max_days)
    assert [len(window) for window in windows] == [30, 30, 30]
    assert 2 * len(windows) == 6
    assert (windows[0].first, windows[-1].last) == (OLDEST, NEWEST)
    assert windows[0].name == "2025-12-10..2026-01-08"


def test_days_apart_are_windows_apart() -> None:
    days = [back(9), back(8), back(3), back(0), back(1)]
    assert cut_windows(days, 30) == [
        Window(back(9), back(8)),
        Window(back(3), back(3)),
        Window(back(1), back(0)),
    ]
    assert cut_windows([], 30) == []


@given(st.sets(st.integers(0, 400)), st.integers(1, 40))
def test_windows_have_every_day_once_and_none_is_too_wide(days: set[int], widest: int) -> None:
    wanted = {back(day) for day in days}
    windows = cut_windows(wanted, widest)
    found = [day for window in windows for day in window.days]
    assert found == sorted(wanted)
    assert all(1 <= len(window) <= widest for window in windows)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 366))
def test_halves_are_the_window(first: date, length: int) -> None:
    window = Window(first, first + (length - 1) * DAY)
    halves = halve(window)
    if length == 1:
        assert halves == []
        return
    assert [day for half in halves for day in half.days] == window.days
    assert abs(len(halves[0]) - len(halves[1])) <= 1


@pytest.mark.parametrize("zone", ["UTC", BERLIN, NEW_YORK, TOKYO])
def test_a_unit_is_what_its_name_says(zone: str) -> None:
    settings = make_settings(zone=zone)
    window = Window(date(2026, 3, 1), date(2026, 3, 30))  # in which clocks change
    unit = to_unit(VIDEOS, window, settings, "exp_1")
    assert unit.id == "events+quality/2026-03-01..2026-03-30"
    assert (unit.source, unit.table, unit.remote_id) == ("shortkit", "events", "exp_1")
    assert (unit.application_id, unit.axis, unit.zone) == ("shortkit", "event_day", zone)
    assert unit.feeds == ("events", "quality")
    assert parse_unit(unit.id) == (VIDEOS, window)
    assert window_of(unit) == window
    assert list_days(unit) == tuple(window.days)
    for moment in (unit.lower_at, unit.upper_at):
        assert moment.astimezone(ZoneInfo(zone)).hour == 0
    ones = list_day_units(unit)
    assert [one.id for one in ones] == [
        name_day(table, day) for table in VIDEOS.tables for day in window.days
    ]
    for one, following in pairwise(ones[:30]):
        assert one.upper_at == following.lower_at
    assert (ones[0].lower_at, ones[29].upper_at) == (unit.lower_at, unit.upper_at)
    assert Unit.from_json(unit.to_json()) == unit


def test_a_unit_dies_with_its_oldest_day() -> None:
    unit = to_unit(ADS, Window(OLDEST, NEWEST), make_settings())
    assert unit.expires_at == datetime(2026, 3, 11, tzinfo=UTC)
    assert unit.feeds == ("ads",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "events",
        "events/2026-03-01",
        "events/2026-03-01..",
        "events/2026-03-02..2026-03-01",
        "events/x..2026-03-01",
    ],
)
def test_what_names_no_job_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|ends before"):
        parse_unit(text)


def find_days(*days: int) -> frozenset[date]:
    return frozenset(back(day) for day in days)


def test_windows_asked_for_are_kept_while_they_are_of_use() -> None:
    wanted = Need(missing=find_days(10, 11), again=find_days(0, 1, 2))
    old, fresh = Window(back(2), back(0)), Window(back(1), back(0))
    missing, other = Window(back(12), back(10)), Window(back(40), back(30))
    asked = [(VIDEOS, missing, False), (VIDEOS, other, True), (VIDEOS, old, False)]
    assert keep_asked(VIDEOS, wanted, asked) == [missing]
    assert keep_asked(VIDEOS, wanted, [*asked, (VIDEOS, fresh, True)]) == [missing, fresh]
    assert keep_asked(ADS, wanted, asked) == []


def test_windows_asked_for_that_overlap_are_kept_once() -> None:
    wanted = Need(missing=find_days(*range(10)), again=frozenset())
    first, second = Window(back(5), back(2)), Window(back(2), back(0))
    assert keep_asked(VIDEOS, wanted, [(VIDEOS, first, True), (VIDEOS, second, True)]) == [first]
    assert keep_asked(VIDEOS, wanted, [(VIDEOS, second, True), (VIDEOS, first, True)]) == [second]


def test_days_that_died_unloaded_are_known() -> None:
    calendar = Calendar(OLDEST, NEWEST, NEWEST + DAY)
    dead = [OLDEST - days * DAY for days in range(1, 6)]
    loaded = load(VIDEOS, [dead[4], dead[2], *span(OLDEST, NEWEST)])
    assert find_lost("events", loaded, calendar, date.min) == [dead[3], dead[1], dead[0]]
    assert find_lost("events", loaded, calendar, dead[1]) == [dead[1], dead[0]]
    assert find_lost("ads", loaded, calendar, date.min) == []
    assert find_lost("events", {}, calendar, date.min) == []
