"""Ranges of availability: gaps, cuts at midnight, and days that are read again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sources.mytracker.windows import (
    DELAY,
    DueDay,
    Rules,
    cut,
    end_of_day,
    find_barrier,
    find_due_days,
)
from connector.spans import Span, find_gaps, late_looks
from connector.units import LoadedUnit

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
WEEKLY = Rules(HOUR, (7 * DAY, 14 * DAY, 21 * DAY, 28 * DAY))


def span(first: float, last: float, day: datetime = MIDNIGHT) -> Span:
    """Hours of a day."""
    return Span(day + first * HOUR, day + last * HOUR)


def unit(hours: Span, as_of: datetime | None = None) -> LoadedUnit:
    name = f"{hours.lower_at}-{hours.upper_at}"
    return LoadedUnit(
        name,
        "installs",
        "",
        "availability",
        hours.lower_at,
        hours.upper_at,
        vendor_updated_at=as_of,
    )


def test_barrier_is_strictly_behind_the_vendors_three_hours() -> None:
    now = MIDNIGHT + timedelta(hours=12, microseconds=7)
    assert find_barrier(now) == MIDNIGHT + timedelta(hours=8, minutes=50)
    assert find_barrier(now) < now - timedelta(hours=3)


def test_gaps_are_what_is_not_held() -> None:
    held = [span(1, 2), span(2, 3), span(5, 8), span(6, 7), span(30, 31), span(-5, -4)]
    gaps = list(find_gaps(held, MIDNIGHT, MIDNIGHT + 10 * HOUR))
    assert gaps == [span(0, 1), span(3, 5), span(8, 10)]
    assert list(find_gaps(held, MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR)) == []
    assert list(find_gaps([], MIDNIGHT, MIDNIGHT)) == []
    assert list(find_gaps([span(-5, 20)], MIDNIGHT, MIDNIGHT + 10 * HOUR)) == []


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90))),
    st.integers(0, 500),
    st.integers(1, 500),
)
def test_gaps_and_what_is_held_are_all(
    held: list[tuple[int, int]], begin: int, length: int
) -> None:
    spans = [Span(MIDNIGHT + low * SECOND, MIDNIGHT + (low + size) * SECOND) for low, size in held]
    lower, upper = MIDNIGHT + begin * SECOND, MIDNIGHT + (begin + length) * SECOND
    gaps = list(find_gaps(spans, lower, upper))
    for number in range(begin - 1, begin + length + 1):
        moment = MIDNIGHT + number * SECOND
        is_held = any(one.lower_at <= moment < one.upper_at for one in spans)
        count = sum(gap.lower_at <= moment < gap.upper_at for gap in gaps)
        assert count == (lower <= moment < upper and not is_held)


@given(
    st.integers(0, 2 * 86_400),
    st.integers(1, 4 * 86_400),
    st.sampled_from([60, 100, 3600, 5000, 7200, 86_400]),
)
def test_intervals_are_the_gap_and_none_goes_over_midnight(
    begin: int, length: int, step_s: int
) -> None:
    gap = Span(MIDNIGHT + begin * SECOND, MIDNIGHT + (begin + length) * SECOND)
    spans = list(cut(gap, step_s * SECOND))
    edges = [gap.lower_at, *(one.upper_at for one in spans)]
    assert edges[-1] == gap.upper_at
    assert [one.lower_at for one in spans] == edges[:-1]
    for one in spans:
        assert SECOND <= one.upper_at - one.lower_at <= step_s * SECOND
        assert one.lower_at.date() == (one.upper_at - SECOND).date()
        assert end_of_day(one.upper_at) - DAY <= one.lower_at < end_of_day(one.upper_at)


def test_hours_are_cut_from_where_they_begin() -> None:
    spans = list(cut(span(22.5, 25.25), HOUR))
    assert spans == [span(22.5, 23.5), span(23.5, 24), span(24, 25), span(25, 25.25)]


@pytest.mark.parametrize(
    ("upper", "end"),
    [
        (MIDNIGHT, MIDNIGHT),
        (MIDNIGHT + SECOND, MIDNIGHT + DAY),
        (MIDNIGHT + DAY - SECOND, MIDNIGHT + DAY),
        (datetime(2026, 3, 10, 1, tzinfo=UTC).astimezone(), MIDNIGHT + DAY),
    ],
)
def test_a_range_belongs_to_the_day_it_ends_in(upper: datetime, end: datetime) -> None:
    assert end_of_day(upper) == end


@pytest.mark.parametrize(
    ("days", "looks"),
    [
        (0, []),
        (1, [1]),
        (3, [1, 2, 3]),
        (8, [1, 2, 4, 8]),
        (30, [1, 2, 4, 8, 16, 30]),
        (0.5, [0.5]),
    ],
)
def test_what_changes_is_read_again_ever_more_seldom(days: float, looks: list[float]) -> None:
    assert [look / DAY for look in late_looks(days)] == looks


def test_the_newest_look_that_has_passed_counts() -> None:
    upper, end = MIDNIGHT + 5 * HOUR, MIDNIGHT + DAY
    expected = [
        (upper + DELAY, upper + DELAY),
        (end + DELAY + 7 * DAY - SECOND, upper + DELAY),
        (end + DELAY + 7 * DAY, end + DELAY + 7 * DAY),
        (end + DELAY + 20 * DAY, end + DELAY + 14 * DAY),
        (end + 400 * DAY, end + DELAY + 28 * DAY),
    ]
    for now, look in expected:
        assert WEEKLY.last_look(upper, now) == look
        assert look <= now
    assert Rules(HOUR).last_look(upper, end + 400 * DAY) == upper + DELAY


def due(
    held: Mapping[Span, Sequence[LoadedUnit]], now: datetime, rules: Rules = WEEKLY
) -> list[DueDay]:
    return list(find_due_days(held, rules, now))


def hold(*spans: Span, as_of: datetime | None = MIDNIGHT) -> dict[Span, list[LoadedUnit]]:
    return {one: [unit(one, as_of)] for one in spans}


def test_a_day_is_due_a_week_after_its_end_and_only_once() -> None:
    held, first = hold(span(0, 1), span(1, 24)), MIDNIGHT + DAY + DELAY + 7 * DAY
    assert due(held, first - SECOND) == []
    (day,) = due(held, first)
    assert (day.span, day.as_of) == (span(0, 24), first)
    assert [one.id for one in day.units] == [one.id for units in held.values() for one in units]
    again = {day.span: [unit(day.span, day.as_of)]}
    assert due(again, first + 7 * DAY - SECOND) == []
    assert [item.as_of for item in due(again, first + 7 * DAY)] == [first + 7 * DAY]
    assert due(hold(span(0, 24), as_of=first + 21 * DAY), first + 400 * DAY) == []


def test_only_what_is_old_of_a_day_is_due() -> None:
    now = MIDNIGHT + 8 * DAY + DELAY
    held = hold(span(0, 5), span(6, 23), as_of=now) | hold(span(5, 6), span(23, 24), as_of=None)
    assert [day.span for day in due(held, now)] == [span(5, 6), span(23, 24)]


def test_days_and_what_lies_apart_in_a_day_are_read_each_for_itself() -> None:
    spans = [span(20, 24), span(24, 25), span(3, 4), span(1, 2), span(2, 3), span(-3, 0)]
    days = due(hold(*spans), MIDNIGHT + 20 * DAY)
    assert [day.span for day in days] == [span(-3, 0), span(1, 4), span(20, 24), span(24, 25)]
    assert {day.as_of for day in days[1:3]} == {MIDNIGHT + 15 * DAY + DELAY}


def test_pieces_of_ranges_that_overlap_are_of_one_run() -> None:
    """So they lie where a day was loaded in part only: one share of its apps, the rest by hours."""
    (day,) = due(hold(span(0, 24), span(0, 1), span(1, 2), span(5, 6)), MIDNIGHT + 20 * DAY)
    assert day.span == span(0, 24)
    assert len(day.units) == 4


def test_without_looks_nothing_is_due_again() -> None:
    assert due(hold(span(0, 24), as_of=None), MIDNIGHT + 400 * DAY, Rules(HOUR)) == []
