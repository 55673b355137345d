"""The source alone in somebody's own dlt pipeline; what plan and doctor say beforehand."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.destinations import filesystem
from typer.testing import CliRunner

from connector.cli.app import app
from connector.sources.mytracker import mytracker
from tests.integration.stream_warehouse import Snapshot, read_warehouse
from tests.integration.stream_world import environment
from tests.integration.tracker_truth import compare_tracker
from tests.integration.tracker_world import (
    ALONE,
    FEW,
    HOUR_S,
    NEWEST_S,
    START,
    TrackerWorld,
    open_hours,
    tracker_rows,
    with_tracker,
)

NEWEST = (int(time.time()) - 5 * HOUR_S - NEWEST_S) // HOUR_S  # an hour that may be asked for
HOURS = range(NEWEST - 5, NEWEST + 1)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[TrackerWorld]:
    """Six hours of today, or yesterday; the vendor's clock is the machine's, and it is quick."""
    scenario = replace(with_tracker(ALONE, prepare_s=0.01), clock="real", start=None)
    with open_hours(tmp_path, 1, scenario, poll_seconds="0.01") as world:
        for place in HOURS:
            world.put_rows(place, tracker_rows(world, place, 3))
        yield world


def run(world: TrackerWorld, pipeline: dlt.Pipeline) -> None:
    """Load these hours, in intervals that are as long as they can be."""
    start = datetime.fromtimestamp(world.hour(HOURS[0]), UTC).isoformat()
    with environment(world.sandbox.env | world.env):
        source = mytracker(start=start, slice_hours=24, future_sweep_days=0)
        pipeline.run(source).raise_on_failed_jobs()


def open_pipeline(folder: Path, destination: Any) -> dlt.Pipeline:
    return dlt.pipeline(
        "mine",
        destination=destination,
        dataset_name="mytracker",
        pipelines_dir=str(folder / "pipelines"),
    )


def test_the_source_loads_itself_and_the_second_run_loads_nothing(
    live: TrackerWorld, tmp_path: Path
) -> None:
    warehouse = tmp_path / "mine.duckdb"
    pipeline = open_pipeline(tmp_path, dlt.destinations.duckdb(str(warehouse)))
    run(live, pipeline)
    found: Snapshot = read_warehouse(warehouse, "mytracker")
    assert len(found["custom_events"]) == 18
    compare_tracker(live.sandbox, warehouse, live.wanted())
    asked = live.count("create")
    run(live, pipeline)
    assert live.count("create") == asked
    assert read_warehouse(warehouse, "mytracker")["custom_events"] == found["custom_events"]


def test_a_destination_that_only_appends_gets_each_unit_once(
    live: TrackerWorld, tmp_path: Path
) -> None:
    pipeline = open_pipeline(tmp_path, filesystem(bucket_url=(tmp_path / "lake").as_uri()))
    for _ in range(2):
        run(live, pipeline)
    names, units = (
        [name for (name,) in pipeline.dataset()[table][column].fetchall()]
        for table, column in (("custom_events", ["event_name"]), ("units", ["unit"]))
    )
    assert len(names) == len(set(names)) == 18
    assert len(units) == len(set(units)) == live.count("create")


def test_plan_says_how_many_requests_the_next_sync_sends(tmp_path: Path) -> None:
    # one at a time: on a shared clock the pauses of one export would make another look slow
    with open_hours(tmp_path, 3, with_tracker(ALONE, prepare_s=20), max_jobs="1") as world:
        assert world.plan().requests > 0
        world.quietly()
        for place in (1, 2, 3):
            world.put_rows(place, tracker_rows(world, place, 3))
        world.sandbox.clock.set(START + timedelta(hours=3))
        world.sandbox.reset_requests()
        planned = world.plan()
        assert len(planned.due) == 3
        assert sum(world.sandbox.mytracker_requests()["counts"].values()) == 0
        world.quietly()
        counts = world.sandbox.mytracker_requests()["counts"]
        assert planned.requests == sum(counts.values()) == 3 * 5
        assert planned.quota_per_hour == 600
        assert planned.requests_daily == pytest.approx(28 * 5)


def say(world: TrackerWorld, *words: str) -> tuple[int, str]:
    """What the command line says, and its exit code."""
    places = {
        "CONNECTOR__HOME": str(world.settings.home),
        "CONNECTOR__WAREHOUSE": str(world.settings.warehouse),
    }
    with environment(world.sandbox.env | world.env | places):
        result = CliRunner().invoke(app, [*words, "--json"], prog_name="connector")
    return result.exit_code, result.stdout


def test_doctor_asks_for_the_meaning_of_selectors_and_takes_the_credentials(
    tmp_path: Path,
) -> None:
    names = ["tsEvent", "tsInsert", "inventedAmount"]
    with open_hours(tmp_path, 1) as world:
        world.set(events="payments,customEvents", id_apps="")
        world.set(selectors=json.dumps({"payments": names, "customEvents": FEW}))
        code, said = say(world, "doctor")
        assert code == 0
        assert "the credentials are taken" in said
        for part in ("roles.payments", "amount", "currency", "inventedAmount", "add idApp"):
            assert part in said
        assert world.sandbox.mytracker_requests()["counts"] == {"quotas": 1}
        world.set(roles=json.dumps({"payments": {"amount": "inventedAmount"}}))
        _, said = say(world, "doctor")
        assert "do not know its currency, product, transaction, quantity" in said
        world.set(secret_key="another")
        code, said = say(world, "doctor")
        assert code == 3
        assert "sources.mytracker.api_user_id and secret_key" in said
        assert world.sandbox.scenario.secret_key not in said
