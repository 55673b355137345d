"""The clocks: aware UTC, and simulated sleep that costs nothing and is remembered."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from connector.clock import Clock, RealClock, SimulatedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("clock", [RealClock(), SimulatedClock(START)])
def test_now_is_aware_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_real_clock_is_the_time_of_the_machine() -> None:
    before = datetime.now(UTC)
    now = RealClock().now()
    assert before <= now <= datetime.now(UTC)


def test_real_clock_really_sleeps() -> None:
    started = time.monotonic()
    RealClock().sleep(0.01)
    assert time.monotonic() - started >= 0.01


def test_simulated_clock_stands_still_until_told() -> None:
    clock = SimulatedClock(START)
    assert clock.now() == clock.now() == START


def test_simulated_sleep_moves_the_time_and_is_remembered() -> None:
    clock = SimulatedClock(START)
    clock.sleep(600)
    clock.sleep(0.5)
    assert clock.now() == START + timedelta(seconds=600.5)
    assert clock.slept_s == [600, 0.5]


def test_simulated_sleep_takes_no_real_time() -> None:
    started = time.monotonic()
    SimulatedClock(START).sleep(86_400)
    assert time.monotonic() - started < 1


def test_advance_moves_the_time_without_anybody_having_slept() -> None:
    clock = SimulatedClock(START)
    clock.advance(3600)
    assert clock.now() == START + timedelta(hours=1)
    assert clock.slept_s == []


def test_simulated_clock_loses_no_sleep_across_threads() -> None:
    clock = SimulatedClock(START)

    def sleep_often() -> None:
        for _ in range(200):
            clock.sleep(1)

    threads = [threading.Thread(target=sleep_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == START + timedelta(seconds=1600)
    assert len(clock.slept_s) == 1600
