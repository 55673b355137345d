"""Whatever happened to the exports, in whatever order: in the end the warehouse is the truth."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, count
from math import gcd
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import stamina
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector.sources.mytracker.windows import find_barrier
from connector.warehouse.run_report import ProgressEvent
from connector.warehouse.upkeep import reset_units
from tests.integration.tracker_truth import _Piece, _read_piece, check_laws, live_units
from tests.integration.tracker_world import (
    DAY_S,
    GAME_ID,
    HOUR_S,
    SHOP_ID,
    TRACKER,
    TWO_APPS,
    TrackerWorld,
    open_hours,
    tracker_rows,
)

EVENT = "customEvents"
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "endpoint": "create", "code": 503, "times": 3},
    {"kind": "status", "endpoint": "get", "code": 500, "times": 4},
    {"kind": "status", "endpoint": "storage", "code": 503, "times": -1},
    {"kind": "create_lost", "times": 2},
    {"kind": "raw_error", "times": 7},
    {"kind": "raw_cancelled", "times": 2},
    {"kind": "raw_forgotten", "times": 2},
    {"kind": "raw_link_expired", "times": -1},
    {"kind": "raw_part_missing", "part": 0, "times": 3},
    {"kind": "raw_status", "times": 2},
    {"kind": "raw_quota", "endpoint": "get", "times": 2},
    {"kind": "cut", "endpoint": "storage", "at_bytes": 40, "times": -1},
    {"kind": "foreign_exports", "count": 3, "seconds": 900},
]
SETTINGS = [
    *("slice_hours=0.5", "slice_hours=3", "slice_hours=24"),
    *("future_sweep_days=0", "future_sweep_days=2", "cut_by_tsinsert=never"),
]
PLACES = st.integers(-2, 0)
OPERATIONS = st.one_of(
    st.tuples(st.just("sync"), st.just(0), st.just(0)),
    st.tuples(st.just("ask"), st.just(0), st.just(0)),
    st.tuples(st.just("wait"), st.just(0), st.sampled_from([1, 5, 20, 40])),
    st.tuples(st.just("late rows"), PLACES, st.integers(1, 3)),
    st.tuples(st.just("crowd"), PLACES, st.integers(1, 3)),
    st.tuples(st.just("fail"), st.just(0), st.integers(0, len(FAULTS) - 1)),
    st.tuples(st.just("interrupt"), st.just(0), st.integers(0, 1)),
    st.tuples(st.just("limit"), st.just(0), st.sampled_from([0, 4, 7])),
    st.tuples(st.just("set"), st.just(0), st.sampled_from(SETTINGS)),
    st.tuples(st.just("backfill"), PLACES, st.integers(1, 5)),
    st.tuples(st.just("reset"), st.just(0), st.just(0)),
    st.tuples(st.just("lose home"), st.just(0), st.just(0)),
)
MARKS = count()


class Interruption(KeyboardInterrupt):
    """Somebody stops the run."""


@contextmanager
def open_history() -> Iterator[TrackerWorld]:
    with TemporaryDirectory() as folder, open_hours(Path(folder), 3, TWO_APPS) as world:
        world.set(future_sweep_days="1", retries="1")
        yield world


def act(world: TrackerWorld, operation: str, place: int, number: int | str) -> None:
    """Do one thing to the vendor, or to the connector."""
    match operation:
        case "sync":
            world.quietly()
        case "ask":
            assert world.sync(max_wait_s=0).exit_code == 0
        case "interrupt":
            interrupt(world, ("planned", "loaded")[int(number)])
        case "backfill":
            lower = datetime.fromtimestamp(world.hour(place) + 600, UTC)
            upper = min(lower + timedelta(hours=int(number)), barrier(world))
            world.quietly(is_backfill=True, since=lower, until=upper)
        case "reset":
            reset(world)
        case "lose home":
            shutil.rmtree(world.settings.home, ignore_errors=True)
        case "set":
            name, _, value = str(number).partition("=")
            world.set(**{name: value})
        case _:
            act_on_vendor(world, operation, place, int(number))


def act_on_vendor(world: TrackerWorld, operation: str, place: int, number: int) -> None:
    """Do one thing to the vendor; a failure is there for one run."""
    match operation:
        case "wait":
            world.sandbox.clock.advance(number * HOUR_S)
        case "late rows":
            world.put_rows(place, make_rows(world, place, number))
        case "crowd":
            world.put_rows(place, make_crowd(world, place, number))
        case "limit":
            limit_rows(world, number)
        case "fail":
            fault = world.sandbox.add_fault(**FAULTS[number])
            world.sync()
            world.sandbox.remove_faults(fault)


def make_rows(world: TrackerWorld, place: int, number: int) -> list[dict[str, str]]:
    """Rows that became available in an hour, each of a moment of its own."""
    mark = next(MARKS)
    rows = tracker_rows(world, place, number, f"late{mark}:")
    return [row | {"tsEvent": str(int(row["tsEvent"]) - mark - 1)} for row in rows]


def make_crowd(world: TrackerWorld, place: int, number: int) -> list[dict[str, str]]:
    """Rows of both apps that became available in one second and happened in one second: a vendor
    that limits rows makes them be asked for by the app.
    """
    rows = tracker_rows(world, place, 2 * number, f"crowd{next(MARKS)}:")
    apps = (str(GAME_ID), str(SHOP_ID))
    at = {name: rows[0][name] for name in ("tsEvent", "tsInsert")}
    return [row | at | {"idApp": apps[n % 2]} for n, row in enumerate(rows)]


def limit_rows(world: TrackerWorld, number: int) -> None:
    """From now on the vendor makes exports of so many rows at most; 0: of any number."""
    service = world.sandbox.mytracker
    service.settings = replace(service.settings, max_rows=number)


def interrupt(world: TrackerWorld, kind: str) -> None:
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


def reset(world: TrackerWorld) -> None:
    """`connector state reset`: everything is to be loaded once more."""
    if world.found().get("units"):
        with duckdb.connect(str(world.settings.warehouse)) as connection:
            reset_units(connection, TRACKER, ())


def barrier(world: TrackerWorld) -> datetime:
    return find_barrier(world.sandbox.clock.now())


def check_pieces(world: TrackerWorld) -> list[_Piece]:
    """The units that hold rows now; asserts that the account is right, and that no two overlap."""
    found = world.found()
    if not found.get("units"):
        return []
    check_laws(found, world.settings.warehouse)
    pieces = [_read_piece(unit, world.sandbox) for unit in live_units(found, EVENT)]
    for one, other in combinations(pieces, 2):
        assert not overlap(one, other), (one.unit, other.unit)
    return pieces


def overlap(one: _Piece, other: _Piece) -> bool:
    """True where a row could be in both."""
    return (
        max(one.low, other.low) < min(one.high, other.high)
        and max(one.event_low, other.event_low) < min(one.event_high, other.event_high)
        and all(
            (k - other_k) % gcd(n, other_n) == 0
            for name, k, n in one.shares
            for other_name, other_k, other_n in other.shares
            if name == other_name
        )
    )


def check_cover(world: TrackerWorld, pieces: Collection[_Piece]) -> None:
    """Assert that each row there is, up to the barrier, lies in one unit that holds rows."""
    until = barrier(world).timestamp() - 24 * HOUR_S  # a short rest is left to the next run
    for row in world.sandbox.mytracker_truth(EVENT)["rows"]:
        if row["available_at"] < until:
            assert [piece.holds(row) for piece in pieces].count(True) == 1, row


def list_loads(world: TrackerWorld) -> dict[str, str]:
    """The load that each unit came with."""
    return {unit["unit"]: unit["_dlt_load_id"] for unit in world.found()["units"]}


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=6,
    phases=[Phase.generate],  # an example takes seconds: shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(history=st.lists(OPERATIONS, min_size=5, max_size=9))
def test_after_any_history_the_warehouse_is_the_truth(
    history: list[tuple[str, int, int | str]],
) -> None:
    with stamina.set_testing(True, attempts=2, cap=True), open_history() as world:
        for operation, place, number in history:
            act(world, operation, place, number)
            check_pieces(world)
        world.set(slice_hours="24", future_sweep_days="2")
        world.sandbox.clock.advance(4 * DAY_S)
        world.quietly(max_wait_s=10 * DAY_S)
        world.check()
        check_cover(world, check_pieces(world))
        lower = datetime.fromtimestamp(world.hour(-2), UTC)
        world.quietly(is_backfill=True, since=lower, until=barrier(world), max_wait_s=10 * DAY_S)
        world.check()
        check_cover(world, check_pieces(world))
        loads = list_loads(world)
        world.quietly(max_wait_s=10 * DAY_S)
        assert loads.items() <= list_loads(world).items()  # waiting for quotas made new hours due
