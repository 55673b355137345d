"""Slices: every second once, whatever the zone, the length of slices and what went before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sources.appmetrica_logs.export import name_dates
from connector.sources.appmetrica_logs.slices import (
    DueSlice,
    Rules,
    cut,
    find_due,
    find_due_snapshot,
    halve,
    is_repeated,
)
from connector.spans import Span, find_gaps, late_looks
from connector.units import RELOAD, LoadedUnit, Scope
from tests.unit.sources.slice_probes import CHANGES, HOUR, ZONES, assert_each_second_once, at

DAY = timedelta(days=1)
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 72)
DAILY = Rules()
BERLIN = ZoneInfo("Europe/Berlin")


def load(due: DueSlice) -> LoadedUnit:
    """The unit as the ledger holds it after a load."""
    lower, upper = due.span.lower_at, due.span.upper_at
    return LoadedUnit(
        f"{lower}-{upper}", "events", "1", "receive", lower, upper, vendor_updated_at=due.as_of
    )


def spans_of(loaded: dict[str, LoadedUnit]) -> list[Span]:
    return sorted(
        (Span(unit.lower_at, unit.upper_at) for unit in loaded.values()),
        key=lambda span: span.lower_at,
    )


@settings(max_examples=30)
@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2017, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001 - UTC is put on
    runs=st.lists(
        st.tuples(st.sampled_from(LENGTHS), st.integers(0, 100), st.integers(0, 4)),
        min_size=1,
        max_size=4,
    ),
)
def test_after_any_history_each_second_since_the_start_is_asked_for_once(
    zone: str, start: datetime, runs: list[tuple[int, int, int]]
) -> None:
    place, begin = ZoneInfo(zone), start.replace(second=0, microsecond=0, tzinfo=UTC)
    now, loaded = begin, dict[str, LoadedUnit]()
    for hours, later, failing in [*runs, (24, 48, 0)]:
        now += timedelta(hours=later)
        due, settling = find_due(
            loaded.values(), now, place, replace(DAILY, slice_hours=hours), start=begin
        )
        assert all(span.upper_at + DAILY.settle > now for span in settling)
        for number, item in enumerate(due):
            if not failing or number % failing:
                loaded |= {load(item).id: load(item)}
    done = spans_of(loaded)
    assert begin - 2 * HOUR < done[0].lower_at <= begin
    assert now - DAILY.settle - 27 * HOUR < done[-1].upper_at <= now - DAILY.settle
    assert_each_second_once(done, place)


@pytest.mark.parametrize("hours", LENGTHS)
@pytest.mark.parametrize(
    ("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days]
)
def test_days_on_which_clocks_change_are_cut_without_loss(
    zone: str, day: tuple[int, int, int], hours: int
) -> None:
    place, middle = ZoneInfo(zone), at(*day)
    gap = Span(middle - 3 * DAY, middle + 4 * DAY)
    spans = list(cut(gap, place, hours, is_closed=True))
    assert (spans[0].lower_at, spans[-1].upper_at) == (gap.lower_at, gap.upper_at)
    assert_each_second_once(spans, place)
    inner = [span.lower_at.astimezone(place) for span in spans[1:]]
    assert [local for local in inner if is_repeated(local.replace(fold=0)) and local.hour] == []


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 3, 10), 24)]
)
def test_a_local_day_has_as_many_hours_as_its_clocks_say(day: date, hours: int) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    (span,) = [
        span
        for span in cut(Span(noon - 3 * DAY, noon + 3 * DAY), BERLIN, 24)
        if span.lower_at <= noon < span.upper_at
    ]
    assert span.upper_at - span.lower_at == hours * HOUR
    assert name_dates(span.lower_at, span.upper_at, BERLIN, is_inclusive=True) == (
        f"{day} 00:00:00",
        f"{day} 23:59:59",
    )


def test_the_end_of_a_range_is_its_last_second_or_the_next_ones_start() -> None:
    lower, upper, kolkata = (
        at(2026, 3, 9, 18, 30),
        at(2026, 3, 10, 18, 30),
        ZoneInfo("Asia/Kolkata"),
    )
    assert name_dates(lower, upper, kolkata, is_inclusive=True) == (
        "2026-03-10 00:00:00",
        "2026-03-10 23:59:59",
    )
    assert name_dates(lower, upper, kolkata, is_inclusive=False)[1] == "2026-03-11 00:00:00"


@given(
    zone=st.sampled_from(sorted(CHANGES)),
    place=st.integers(0, 1),
    before=st.integers(0, 30),
    hours=st.integers(2, 60),
)
def test_halves_are_the_whole_and_each_second_stays_asked_once(
    zone: str, place: int, before: int, hours: int
) -> None:
    where, days = ZoneInfo(zone), CHANGES[zone]
    lower = at(*days[place % len(days)]) - before * HOUR
    if is_repeated(lower.astimezone(where).replace(fold=0)):
        lower -= 2 * HOUR
    span = Span(lower, lower + hours * HOUR)
    halves = halve(span, where)
    if halves:
        assert (halves[0].lower_at, halves[-1].upper_at) == (span.lower_at, span.upper_at)
        assert halves[0].upper_at == halves[1].lower_at
        assert not is_repeated(halves[0].upper_at.astimezone(where).replace(fold=0))
    else:
        assert hours <= 3


def test_an_hour_is_not_halved() -> None:
    assert halve(Span(at(2026, 3, 1, 0), at(2026, 3, 1, 1)), BERLIN) == []


def test_gaps_are_what_no_unit_covers() -> None:
    known = [load(DueSlice(Span(at(2026, 3, low), at(2026, 3, up)), at(2026, 4, 1)))
             for low, up in ((2, 3), (3, 5), (4, 6), (8, 9), (20, 21))]  # fmt: skip
    found = list(find_gaps(known, at(2026, 3, 1), at(2026, 3, 10)))
    days = [(gap.lower_at.day, gap.upper_at.day) for gap in found]
    assert days == [(1, 2), (6, 8), (9, 10)]


def due_at(now: datetime, loaded: Sequence[LoadedUnit], rules: Rules = DAILY) -> list[DueSlice]:
    return find_due(loaded, now, ZoneInfo("UTC"), rules, start=at(2026, 3, 9))[0]


def test_a_slice_is_due_once_it_has_settled_and_once_more_when_it_is_closed() -> None:
    end = at(2026, 3, 10)
    assert due_at(end + timedelta(minutes=9, seconds=59), []) == []
    (first,) = due_at(end + timedelta(minutes=10), [])
    assert (first.span, first.as_of) == (Span(at(2026, 3, 9), end), end + timedelta(minutes=10))
    loaded = [load(first)]
    assert due_at(end + timedelta(hours=23, minutes=59), loaded) == []
    again, *_ = due_at(end + timedelta(hours=24), loaded)
    assert (again.span, again.as_of) == (first.span, end + timedelta(hours=24))
    later = due_at(end + 10 * DAY, [load(again)])
    assert first.span not in [item.span for item in later]


def test_a_slice_first_loaded_after_its_closing_is_loaded_once() -> None:
    (first,) = [item for item in due_at(at(2026, 3, 12), []) if item.span.upper_at.day == 10]
    assert first.as_of == at(2026, 3, 11)
    assert all(item.span != first.span for item in due_at(at(2026, 4, 12), [load(first)]))


def test_closing_before_settling_means_one_look() -> None:
    rules = Rules(settle=timedelta(hours=30), close=timedelta(hours=24))
    assert rules.looks(at(2026, 3, 10)) == [at(2026, 3, 11, 6)]


def test_late_rows_are_looked_for_ever_more_seldom() -> None:
    assert [late / DAY for late in late_looks(14)] == [1, 2, 4, 8, 14]
    assert [late / DAY for late in late_looks(4)] == [1, 2, 4]
    assert late_looks(0) == ()
    rules, loaded, taken = Rules(later=late_looks(14)), list[LoadedUnit](), list[float]()
    for hour in range(24 * 30):
        now = at(2026, 3, 10) + hour * HOUR
        for item in due_at(now, loaded, rules):
            if item.span.upper_at == at(2026, 3, 10):
                loaded = [load(item)]
                taken.append(hour)
    assert taken == [1, 24, 48, 96, 192, 336]


def test_a_range_to_load_again_takes_the_units_that_touch_it_as_they_are() -> None:
    now, unit = (
        at(2026, 3, 12),
        load(DueSlice(Span(at(2026, 3, 9), at(2026, 3, 10)), at(2026, 3, 11))),
    )
    scope = Scope(at(2026, 3, 9, 5), at(2026, 3, 9, 6), is_reload=True)
    due, _ = find_due([unit], now, ZoneInfo("UTC"), DAILY, start=at(2026, 3, 9), scope=scope)
    assert [item.span for item in due] == [Span(at(2026, 3, 9), at(2026, 3, 10))]
    marked = replace(unit, schema_id=f"{RELOAD}x")
    assert unit.id in [load(item).id for item in due_at(now, [marked])]


@pytest.mark.parametrize("minute", [0, 15, 30, 45])
@pytest.mark.parametrize("hour", [0, 1])
def test_a_start_in_the_hour_that_comes_twice_loses_nothing(hour: int, minute: int) -> None:
    start = at(2025, 10, 26, hour, minute)
    due, _ = find_due([], at(2025, 10, 28), BERLIN, DAILY, start=start)
    spans = [item.span for item in due]
    assert at(2025, 10, 25, 22) < spans[0].lower_at <= start
    assert_each_second_once(spans, BERLIN)


def test_an_end_in_the_hour_that_comes_twice_is_put_behind_it() -> None:
    scope = Scope(at(2025, 10, 25), at(2025, 10, 26, 0, 30))
    due, _ = find_due([], at(2025, 10, 28), BERLIN, DAILY, start=at(2025, 10, 1), scope=scope)
    assert due[-1].span.upper_at == at(2025, 10, 26, 2)


@pytest.mark.parametrize("settle_minutes", [0, 10, 24 * 60, 7 * 24 * 60])
@pytest.mark.parametrize("hours", [1, 24, 72, 24 * 31])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Havana"])
def test_a_snapshot_is_due_once_a_slice(zone: str, hours: int, settle_minutes: int) -> None:
    rules = Rules(slice_hours=hours, settle=timedelta(minutes=settle_minutes))
    place, now = ZoneInfo(zone), at(2026, 3, 10, 12)
    (due,) = find_due_snapshot(None, now, place, rules, Scope())
    assert now - timedelta(hours=hours + 1) - rules.settle <= due.as_of <= now
    assert find_due_snapshot(load(due), now, place, rules, Scope()) == []
    assert find_due_snapshot(load(due), now, place, rules, Scope(is_reload=True)) == [due]
    (later,) = find_due_snapshot(load(due), now + timedelta(hours=hours), place, rules, Scope())
    assert later.as_of > due.as_of
