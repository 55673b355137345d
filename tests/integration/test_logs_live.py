"""The Logs source alone, in somebody's own dlt pipeline."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import pytest

from connector.sources.appmetrica_logs import appmetrica_logs
from tests.integration.logs_truth import compare_logs
from tests.integration.logs_world import ALONE, DAY_S, LogsWorld, log_rows, open_days, with_logs
from tests.integration.stream_warehouse import Snapshot, read_warehouse
from tests.integration.stream_world import environment

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LogsWorld]:
    """Two days; the vendor's clock is the machine's, and it is quick."""
    scenario = replace(with_logs(ALONE, prepare_s=0.01), clock="real", start=None)
    with open_days(tmp_path, 3, scenario, poll_seconds="0.01") as world:
        yield world


def run(world: LogsWorld, folder: Path, **options: Any) -> Snapshot:
    pipeline = dlt.pipeline(
        "mine",
        destination=dlt.destinations.duckdb(str(folder / "mine.duckdb")),
        dataset_name="raw",
        pipelines_dir=str(folder / "pipelines"),
    )
    with environment(world.sandbox.env | world.env):
        pipeline.run(appmetrica_logs(**options)).raise_on_failed_jobs()
    return read_warehouse(folder / "mine.duckdb", "raw")


def test_the_source_loads_itself_and_the_second_run_loads_nothing(
    live: LogsWorld, tmp_path: Path
) -> None:
    options = {"start": "2026-03-07", "slice_hours": 24 * 31}
    found = run(live, tmp_path, **options)
    assert len(found["events"]) == 9
    compare_logs(live.sandbox, found, ["events"])
    asked = live.sandbox.requests()["by_endpoint"]["export"]
    again = run(live, tmp_path, **options)
    assert live.sandbox.requests()["by_endpoint"]["export"] == asked
    assert len(again["events"]) == 9


def test_rows_without_a_time_of_receipt_are_loaded_like_others(
    live: LogsWorld, tmp_path: Path
) -> None:
    timeless = [{"event_name": f"timeless-{n}"} for n in range(3)]
    rows = [*timeless, *log_rows(live, -1, 2, "timed")]
    live.sandbox.logs.made.clear()
    live.put_rows(-1, rows)
    found = run(live, tmp_path, start="2026-03-08", slice_hours=24 * 31)
    names = [row["event_name"] for row in found["events"]]
    assert sorted(names) == sorted(str(row["event_name"]) for row in rows)
    assert sum(row["event_receive_timestamp"] is None for row in found["events"]) == 3
    assert run(live, tmp_path, start="2026-03-08", slice_hours=24 * 31)["events"] == found["events"]


def test_one_export_that_fails_stops_no_other_and_heals(live: LogsWorld, tmp_path: Path) -> None:
    fault = live.sandbox.add_fault(
        "status", endpoint="prepare", code=400, window=live.day(-1) + DAY_S // 2, times=-1
    )
    options = {"start": "2026-03-07", "slice_hours": 24 * 7}
    before = run(live, tmp_path, **options)
    held = len(before.get("events", ()))
    live.sandbox.remove_faults(fault)
    assert len(run(live, tmp_path, **options)["events"]) == 9 > held
