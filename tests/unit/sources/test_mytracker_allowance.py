"""Quotas: never more than the vendor lets through in any window, restarts included."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import StillWaitingError
from connector.journal import Journal
from connector.sources.mytracker.allowance import (
    ERRORS_PER_MINUTE,
    PER_MINUTE,
    PER_SECOND,
    Allowance,
)

START = datetime(2026, 3, 10, 11, 59, 30, 250_000, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SOURCE = "mytracker"


def make_allowance(
    clock: SimulatedClock,
    journal: Journal | None = None,
    per_hour: int = 600,
    wait_until: datetime | None = None,
) -> Allowance:
    context = ApiContext(journal or Journal(), clock, wait_until=wait_until)
    return Allowance(SOURCE, per_hour, context)


def take(allowance: Allowance, clock: SimulatedClock, count: int) -> list[datetime]:
    """When so many requests were let through."""
    moments = []
    for _ in range(count):
        allowance.take()
        moments.append(clock.now())
    return moments


def busiest(moments: list[datetime], window: timedelta) -> int:
    """Most requests in any window of this length."""
    return max(sum(lower <= at < lower + window for at in moments) for lower in moments)


def test_a_burst_is_spread_over_seconds_minutes_and_hours() -> None:
    clock = SimulatedClock(START)
    moments = take(make_allowance(clock), clock, 1300)
    assert busiest(moments, SECOND) == PER_SECOND == 8
    assert busiest(moments, MINUTE) == PER_MINUTE == 90
    assert busiest(moments, HOUR) == 600
    assert moments[600] - moments[0] == HOUR
    assert moments[PER_SECOND - 1] == START


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.floats(0, 900), st.booleans()), max_size=8),
    st.integers(1, 150),
)
def test_no_window_has_too_many_whatever_the_pauses(
    bursts: list[tuple[int, float, bool]], per_hour: int
) -> None:
    clock, journal, moments = SimulatedClock(START), Journal(), list[datetime]()
    allowance = make_allowance(clock, journal, per_hour)
    for count, pause_s, is_restart in [*bursts, (20, 0, False)]:
        if is_restart:
            allowance = make_allowance(clock, journal, per_hour)
        moments += take(allowance, clock, count)
        clock.advance(pause_s)
    assert busiest(moments, SECOND) <= PER_SECOND
    assert busiest(moments, MINUTE) <= PER_MINUTE
    assert busiest(moments, HOUR) <= per_hour


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


def test_a_restart_begins_no_new_hour(tmp_path: Path) -> None:
    clock, path = SimulatedClock(START), tmp_path / "journal.db"
    with open_journal(path) as journal:
        take(make_allowance(clock, journal, per_hour=5), clock, 5)
    clock.advance(60)
    with open_journal(path) as journal:
        (moment,) = take(make_allowance(clock, journal, per_hour=5), clock, 1)
    assert moment == START + HOUR


def test_quotas_of_sources_are_their_own() -> None:
    clock, journal = SimulatedClock(START), Journal()
    take(make_allowance(clock, journal), clock, PER_SECOND)
    Allowance("another", 600, ApiContext(journal, clock)).take()
    assert clock.slept_s == []


def test_refusals_have_a_quota_of_their_own() -> None:
    clock, journal = SimulatedClock(START), Journal()
    allowance = make_allowance(clock, journal)
    for _ in range(ERRORS_PER_MINUTE):
        allowance.note_error()
    clock.advance(59)
    assert take(allowance, clock, 1) == [START + MINUTE]
    restarted = make_allowance(clock, journal)
    restarted.note_error()
    assert take(restarted, clock, 1) == [START + MINUTE]


def test_nothing_is_sent_while_the_vendor_blocks() -> None:
    clock = SimulatedClock(START)
    allowance = make_allowance(clock)
    allowance.block(31)
    allowance.block(2)
    assert take(allowance, clock, 1) == [START + 31 * SECOND]
    allowance.block(-5)
    assert take(allowance, clock, 1) == [START + 31 * SECOND]


def test_where_the_run_has_no_time_left_nothing_is_sent() -> None:
    clock, journal = SimulatedClock(START), Journal()
    allowance = make_allowance(clock, journal, per_hour=1, wait_until=START + MINUTE)
    allowance.take()
    with pytest.raises(StillWaitingError, match="room for another request in 3600 s"):
        allowance.take()
    assert clock.slept_s == []
    clock.advance(3600)
    allowance.take()
    assert journal.nth_call(SOURCE, 1) == START + HOUR
    assert journal.nth_call(SOURCE, 2) == START


def test_threads_share_one_quota() -> None:
    clock, moments = SimulatedClock(START), list[datetime]()
    allowance = make_allowance(clock)
    journal = allowance._context.journal
    threads = [Thread(target=take, args=(allowance, clock, 40)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(1, 161):
        at = journal.nth_call(SOURCE, number)
        assert at is not None
        moments.append(at)
    assert busiest(moments, SECOND) <= PER_SECOND
    assert busiest(moments, MINUTE) <= PER_MINUTE
