"""The source in somebody's own pipeline, on the machine's clock."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.destinations import filesystem

from connector.sources.shortkit import shortkit
from tests.integration.shortkit_truth import TABLES, compare_truth
from tests.integration.shortkit_world import (
    ALONE,
    NEWEST,
    ShortkitWorld,
    fill_day,
    open_days,
    show_day,
    video_rows,
    with_shortkit,
)
from tests.integration.stream_warehouse import Snapshot, read_warehouse
from tests.integration.stream_world import environment

PLACE = (datetime.now(UTC) - timedelta(hours=2, minutes=10)).date() - timedelta(days=1) - NEWEST
DAYS = range(PLACE.days - 2, PLACE.days + 1)  # the newest that are settled


@pytest.fixture
def live(tmp_path: Path) -> Iterator[ShortkitWorld]:
    """Three days up to yesterday; the vendor's clock is the machine's, and it is quick."""
    scenario = replace(with_shortkit(ALONE, prepare_s=0.01), clock="real", start=None)
    with open_days(tmp_path, 1, scenario, start=show_day(DAYS[0])) as world:
        for place in DAYS:
            fill_day(world, place, 4)
        yield world


def run(world: ShortkitWorld, pipeline: dlt.Pipeline) -> None:
    with environment(world.sandbox.env | world.env):
        pipeline.run(shortkit(), loader_file_format="parquet").raise_on_failed_jobs()


def open_pipeline(folder: Path, destination: Any) -> dlt.Pipeline:
    return dlt.pipeline(
        "mine",
        destination=destination,
        dataset_name="shortkit",
        pipelines_dir=str(folder / "pipelines"),
    )


def test_the_source_loads_itself_and_replaces_days(live: ShortkitWorld, tmp_path: Path) -> None:
    warehouse = tmp_path / "mine.duckdb"
    pipeline = open_pipeline(tmp_path, dlt.destinations.duckdb(str(warehouse)))
    run(live, pipeline)
    compare_truth(live.sandbox, warehouse)
    assert len(read_warehouse(warehouse, "shortkit")["events"]) == 12
    live.put_rows(DAYS[-1], video_rows(DAYS[-1], 6, mark="late"))
    run(live, pipeline)
    compare_truth(live.sandbox, warehouse)
    found: Snapshot = read_warehouse(warehouse, "shortkit")
    assert (len(found["events"]), len(found["units"])) == (14, 9)
    assert len(live.creates()) == 4


def test_a_destination_that_only_appends_hides_old_rows_by_the_ledger(
    live: ShortkitWorld, tmp_path: Path
) -> None:
    pipeline = open_pipeline(tmp_path, filesystem(bucket_url=(tmp_path / "lake").as_uri()))
    run(live, pipeline)
    live.put_rows(DAYS[-1], video_rows(DAYS[-1], 6, mark="late"))
    run(live, pipeline)
    units = newest_units(pipeline)
    assert len(units) == 9
    for table in TABLES:
        columns = ["_unit", "_row", "_dlt_load_id"]
        rows = pipeline.dataset()[table][columns].fetchall()
        alive = [(unit, row) for unit, row, load in rows if units[unit] == load]
        assert len(alive) == len(set(alive)) == {"events": 14, "quality": 9, "ads": 6}[table]
        assert len(rows) > len(alive)


def newest_units(pipeline: dlt.Pipeline) -> dict[str, str]:
    """The load that counts, by unit."""
    rows = pipeline.dataset()["units"][["unit", "_dlt_load_id"]].fetchall()
    return dict(sorted(rows, key=lambda row: str(row[1])))
