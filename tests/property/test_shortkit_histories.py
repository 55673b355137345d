"""Whatever happened to days and exports, in whatever order: each day holds the rows of the export it
came from last, and in the end the warehouse is the truth.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import stamina
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.warehouse.run_report import ProgressEvent
from connector.warehouse.upkeep import reset_units
from tests.integration.shortkit_truth import TABLES
from tests.integration.shortkit_world import (
    SHORTKIT,
    UNLIMITED,
    ShortkitWorld,
    fill_day,
    open_days,
    show_day,
    video_rows,
)
from tests.integration.test_shortkit_scheduled import put

DAYS = 4
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "endpoint": "video_create", "code": 503, "times": 2},
    {"kind": "status", "endpoint": "video_status", "code": 500, "times": 3},
    {"kind": "status", "endpoint": "video_file", "code": 503, "times": -1},
    {"kind": "reset", "endpoint": "video_create", "times": 2},
    {"kind": "video_create_lost", "times": 2},
    {"kind": "video_create_lost", "times": 2, "how": "html", "is_idempotent": False},
    {"kind": "video_failed", "times": 3},
    {"kind": "video_cancelled", "times": 1},
    {"kind": "video_link_dead", "times": 2},
    {"kind": "video_link_dead", "on_get": "same", "times": 3},
    {"kind": "video_throttled", "times": 2},
    {"kind": "video_row_count", "times": 1},
    {"kind": "video_fewer", "share": 0.6, "times": 1},
    {"kind": "cut", "endpoint": "video_file", "at_bytes": 40, "times": -1},
    {"kind": "foreign_video_jobs", "count": 3, "seconds": 900.0},
]
SETTINGS = ["lookback_days=0", "lookback_days=3", "max_days=1", "max_days=2", "least_share=0"]
PLACES = st.integers(1 - DAYS, 0)
NOTHING = st.just(0)
OPERATIONS = st.one_of(
    st.tuples(st.just("sync"), NOTHING, NOTHING),
    st.tuples(st.just("ask"), NOTHING, NOTHING),
    st.tuples(st.just("next day"), NOTHING, st.integers(1, 2)),
    st.tuples(st.just("late rows"), PLACES, st.integers(5, 7)),
    st.tuples(st.just("fewer rows"), PLACES, st.integers(0, 2)),
    st.tuples(st.just("erase"), NOTHING, st.integers(0, 4)),
    st.tuples(st.just("schedule"), PLACES, st.integers(0, 1)),
    st.tuples(st.just("fail"), NOTHING, st.integers(0, len(FAULTS) - 1)),
    st.tuples(st.just("interrupt"), NOTHING, st.sampled_from(["planned", "loaded"])),
    st.tuples(st.just("set"), NOTHING, st.sampled_from(SETTINGS)),
    st.tuples(st.just("backfill"), PLACES, st.integers(0, 2)),
    st.tuples(st.just("reset"), NOTHING, NOTHING),
    st.tuples(st.just("lose home"), NOTHING, NOTHING),
)
MARKS = count()


class Interruption(KeyboardInterrupt):
    """Somebody stops the run."""


@contextmanager
def open_history() -> Iterator[ShortkitWorld]:
    with TemporaryDirectory() as folder, open_days(Path(folder), DAYS, UNLIMITED) as world:
        world.set(retries="1", daily_jobs="1000")
        yield world


def newest(world: ShortkitWorld) -> int:
    """The place of the newest settled day."""
    start = world.sandbox.scenario.start
    assert isinstance(start, datetime)
    return (world.sandbox.clock.now().date() - start.date()).days


def act(world: ShortkitWorld, operation: str, place: int, number: Any) -> None:
    """Do one thing to the vendor, or to the connector; places count from the newest day."""
    world.sandbox.clock.advance(1)  # no two requests are of one moment
    at = newest(world) + place
    match operation:
        case "sync":
            sync(world)
        case "ask":
            sync(world, max_wait_s=0)
        case "interrupt":
            interrupt(world, number)
        case "backfill":
            world.backfill(at, min(at + number, newest(world)), max_wait_s=10 * 86_400)
        case "reset":
            reset(world)
        case "lose home":
            shutil.rmtree(world.settings.home, ignore_errors=True)
        case "set":
            name, _, value = number.partition("=")
            world.set(**{name: value})
        case _:
            act_on_vendor(world, operation, at, number)


def act_on_vendor(world: ShortkitWorld, operation: str, place: int, number: int) -> None:
    """Do one thing to the vendor; a failure is there for one run."""
    mark = f"m{next(MARKS)}:"
    match operation:
        case "next day":
            for _ in range(number):
                world.next_day()
                fill_day(world, newest(world), 4, mark)
        case "late rows":
            fill_day(world, place, number, mark)
        case "fewer rows":
            for kind in TABLES:
                world.put_rows(place, video_rows(place, number, kind, mark), kind)
        case "erase":
            with suppress(ConfigError):  # nobody of that name is left
                world.sandbox.erase_person(f"user_{number}")
        case "schedule":
            put(world, place - number, place)
        case "fail":
            fault = world.sandbox.add_fault(**FAULTS[number])
            world.sync(max_wait_s=86_400)
            world.sandbox.remove_faults(fault)


def sync(world: ShortkitWorld, **request: Any) -> None:
    """One sync in which nothing fails but days that come short."""
    report = world.sync(**{"max_wait_s": 10 * 86_400} | request)
    assert [text for text in report.errors if "is held" not in text] == []


def interrupt(world: ShortkitWorld, kind: str) -> None:
    """A sync that somebody stops once something has happened in it."""

    def stop(event: ProgressEvent) -> None:
        if event.kind == kind:
            raise Interruption

    whole = world.settings
    world.settings = replace(whole, max_run_bytes=600)  # several packages
    try:
        world.run(progress=stop)
    except Interruption:
        return
    finally:
        world.settings = whole


def reset(world: ShortkitWorld) -> None:
    """`connector state reset`: everything is to be loaded once more."""
    if world.found().get("units"):
        with closing(duckdb.connect(str(world.settings.warehouse))) as connection:
            reset_units(connection, SHORTKIT, ())


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=2,
    phases=[Phase.generate],  # an example takes seconds: shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(history=st.lists(OPERATIONS, min_size=6, max_size=10))
def test_after_any_history_the_warehouse_is_what_the_last_exports_had(
    history: list[tuple[str, int, Any]],
) -> None:
    with stamina.set_testing(True, attempts=2, cap=True), open_history() as world:
        for operation, place, number in history:
            act(world, operation, place, number)
            if world.found().get("units"):
                world.check_exports()
        world.sandbox.clock.advance(1)
        sync(world)
        world.check_exports()
        last = newest(world)
        report = world.backfill(1 - DAYS, last, max_wait_s=10 * 86_400)
        assert (report.exit_code, report.errors) == (0, [])
        world.check()
        wanted = {f"{t}/{show_day(day)}" for t in TABLES for day in range(1 - DAYS, last + 1)}
        assert wanted <= set(world.units())
