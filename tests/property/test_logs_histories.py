"""Whatever happened to the exports, in whatever order: in the end the warehouse is the truth."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import stamina
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector.warehouse.run_report import ProgressEvent
from tests.integration.logs_truth import LOG_TABLES, covered
from tests.integration.logs_world import DAY_S, LogsWorld, log_rows, open_days
from tests.integration.stream_warehouse import check_laws

FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "endpoint": "prepare", "code": 503},
    {"kind": "status", "endpoint": "download", "code": 400},
    {"kind": "cut", "endpoint": "download", "at_bytes": 50},
    {"kind": "rows_number", "endpoint": "download"},
    {"kind": "stuck"},
    {"kind": "reset", "endpoint": "prepare"},
    {"kind": "more_parts", "parts": 4},
    {"kind": "file_expired", "downloads": 1},
    {"kind": "body202_as_200"},
]
PLACES = st.integers(-2, 0)
OPERATIONS = st.one_of(
    st.tuples(st.just("sync"), st.just(0), st.just(0)),
    st.tuples(st.just("ask"), st.just(0), st.just(0)),
    st.tuples(st.just("wait"), st.just(0), st.integers(1, 30)),
    st.tuples(st.just("late rows"), PLACES, st.integers(1, 3)),
    st.tuples(st.just("fail"), PLACES, st.integers(0, len(FAULTS) - 1)),
    st.tuples(st.just("interrupt"), st.just(0), st.integers(0, 2)),
    st.tuples(st.just("slices"), st.just(0), st.sampled_from([4, 6, 12, 24, 48])),
    st.tuples(st.just("backfill"), PLACES, st.integers(0, 23)),
    st.tuples(st.just("lose home"), st.just(0), st.just(0)),
)


class Interruption(KeyboardInterrupt):
    """Somebody stops the run."""


@contextmanager
def open_history() -> Iterator[LogsWorld]:
    with TemporaryDirectory() as folder, open_days(Path(folder), 3, retries="1") as world:
        yield world


def act(world: LogsWorld, operation: str, place: int, number: int) -> None:
    """Do one thing to the vendor, or to the connector."""
    match operation:
        case "sync":
            world.quietly()
        case "ask":
            assert world.sync(max_wait_s=0).exit_code == 0
        case "wait":
            world.sandbox.clock.advance(number * 3600)
        case "late rows":
            world.put_rows(place, log_rows(world, place, number, f"late{place}"))
        case "fail":
            fault = world.spoil(place, **FAULTS[number], times=-1)
            world.sync()
            world.sandbox.remove_faults(fault)
        case "interrupt":
            interrupt(world, ("planned", "waiting", "loaded")[number])
        case "slices":
            world.set(slice_hours=str(number))
        case "backfill":
            lower = datetime.fromtimestamp(world.day(place) + 3600 * number, UTC)
            world.quietly(is_backfill=True, since=lower, until=lower + timedelta(hours=7))
        case "lose home":
            shutil.rmtree(world.settings.home, ignore_errors=True)
    check_laws(world.found(), LOG_TABLES)


def interrupt(world: LogsWorld, kind: str) -> None:
    """A sync that somebody stops once something has happened in it."""

    def stop(event: ProgressEvent) -> None:
        if event.kind == kind and kind != "waiting":
            raise Interruption
        if event.kind == kind:
            world.sandbox.clock.advance(3600)

    try:
        world.run(progress=stop)
    except Interruption:
        return


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=4,
    phases=[Phase.generate],  # an example takes a second: shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(history=st.lists(OPERATIONS, min_size=2, max_size=6))
def test_after_any_history_the_warehouse_is_the_truth(history: list[tuple[str, int, int]]) -> None:
    with stamina.set_testing(True, attempts=2, cap=True), open_history() as world:
        for operation, place, number in history:
            act(world, operation, place, number)
        world.sandbox.clock.advance(3 * DAY_S)
        world.quietly(max_wait_s=DAY_S)
        lower, upper = covered(world.found())
        assert lower.timestamp() == world.day(-2)
        assert upper.timestamp() >= world.day(1)
        world.quietly(
            is_backfill=True, since=lower, until=upper
        )  # rows may have come after all looks
        world.check()
        world.quietly()
        world.check()
