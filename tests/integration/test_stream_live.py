"""The source alone, in somebody's own dlt pipeline: a database, and parquet files in a folder."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow.parquet as pq
import pytest
from dlt.common.pipeline import LoadInfo
from dlt.pipeline.exceptions import PipelineStepFailed

from connector.fields import load_tables
from connector.sources.appmetrica_stream import appmetrica_stream
from tests.integration.stream_truth import TABLES, Expected, expect_truth
from tests.integration.stream_warehouse import Snapshot, check_laws, compare, read_warehouse
from tests.integration.stream_world import (
    EMPTY,
    PEOPLED,
    World,
    environment,
    event_rows,
    open_world,
)

LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)
SQL_TYPES = {
    "bigint": "BIGINT",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "decimal": "DECIMAL(38,9)",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
}


class Live:
    """Somebody's pipeline, fed from a world whose windows have all settled long ago."""

    def __init__(self, world: World, kind: str, folder: Path) -> None:
        self.world, self.kind, self.folder = world, kind, folder
        self.pipeline = self.open()

    def open(self, pipelines: str = "pipelines") -> dlt.Pipeline:
        """The pipeline, with its working folder in `pipelines`."""
        destination: Any = dlt.destinations.duckdb(str(self.folder / "mine.duckdb"))
        if self.kind == "filesystem":
            destination = dlt.destinations.filesystem(str(self.folder / "lake"))
        self.pipeline = dlt.pipeline(
            "mine",
            destination=destination,
            dataset_name="raw",
            pipelines_dir=str(self.folder / pipelines),
        )
        return self.pipeline

    def run(self, **options: Any) -> LoadInfo:
        """One run of the source in the pipeline."""
        with environment(self.world.sandbox.env | self.world.env):
            source = appmetrica_stream(**options)
            info = self.pipeline.run(source, loader_file_format="parquet")
        info.raise_on_failed_jobs()
        return info

    def live(self) -> Snapshot:
        """The rows that count: those of the load that the ledger holds for their unit."""
        if self.kind == "duckdb":
            return read_warehouse(self.folder / "mine.duckdb", "raw")
        lake = self.folder / "lake" / "raw"
        return keep_live(read_lake(lake)) if lake.exists() else {}

    def expected(self) -> Expected:
        """The truth of all windows: by the machine's clock they have settled."""
        named = self.world.env.get("SOURCES__APPMETRICA_STREAM__TABLES")
        tables = named.split(",") if named else TABLES
        return expect_truth(self.world.sandbox, tables=tables, settled_only=False)


def read_lake(folder: Path) -> Snapshot:
    """Every row ever written, by table, and the loads that were finished."""
    found: Snapshot = {
        place.name: [
            row
            for path in sorted(place.glob("*.parquet"))
            for row in pq.read_table(path).to_pylist()
        ]
        for place in folder.iterdir()
    }
    lines = [path.read_text() for path in (folder / "_dlt_loads").glob("*.jsonl")]
    found["_dlt_loads"] = [json.loads(line) for text in lines for line in text.splitlines()]
    return found


def keep_live(found: Snapshot) -> Snapshot:
    """The live rule: of each unit the newest finished load."""
    finished = {row["load_id"] for row in found["_dlt_loads"] if row["status"] == 0}
    newest: dict[str, str] = {}
    for row in found.get("units", ()):
        if row["_dlt_load_id"] in finished:
            newest[row["unit"]] = max(newest.get(row["unit"], ""), row["_dlt_load_id"])
    return found | {
        table: [row for row in found.get(table, ()) if newest.get(row[key]) == row["_dlt_load_id"]]
        for table in (*TABLES, "units", "quarantine")
        for key in ["_unit" if table in TABLES else "unit"]
    }


@pytest.fixture(params=["duckdb", "filesystem"])
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Live]:
    scenario = replace(EMPTY, start=LONG_AGO)
    with open_world(scenario, tmp_path, tables="event,ad_revenue") as world:
        yield Live(world, request.param, tmp_path)


@pytest.fixture(scope="module", params=["duckdb", "filesystem"])
def peopled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with open_world(replace(PEOPLED, start=LONG_AGO), folder) as world:
        made = Live(world, request.param, folder)
        made.run()
        yield made


def test_all_types_arrive_row_for_row(peopled: Live) -> None:
    compare(peopled.expected(), peopled.live())


def test_a_second_run_fetches_nothing(peopled: Live) -> None:
    before = peopled.world.downloads()
    found = peopled.live()
    peopled.run()
    assert peopled.world.downloads() == before
    assert {t: len(rows) for t, rows in found.items() if t in TABLES} == {
        t: len(rows) for t, rows in peopled.live().items() if t in TABLES
    }


def test_the_state_holds_the_vendors_cursor_and_the_reporting_cursor(peopled: Live) -> None:
    resources = peopled.pipeline.state["sources"]["appmetrica_stream"]["resources"]
    units = [u for u in peopled.expected().units.values() if u["table_name"] == "event"]
    cursor = resources["event"]["incremental"]["update_timestamp"]["last_value"]
    assert cursor == max(unit["vendor_updated_at"] for unit in units)
    times = [row["event_timestamp"] for row in peopled.live()["event"] if row["event_timestamp"]]
    assert datetime.fromisoformat(resources["event"]["event_timestamp"]) == max(times)


def test_tables_of_a_database_have_the_types_of_the_contract(peopled: Live) -> None:
    if peopled.kind == "filesystem":
        schema = pq.read_schema(next((peopled.folder / "lake/raw/event").glob("*.parquet")))
        assert str(schema.field("event_timestamp").type) == "timestamp[us, tz=UTC]"
        assert str(schema.field("appmetrica_device_id").type) == "string"
        return
    with duckdb.connect(str(peopled.folder / "mine.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'raw'"
        ).fetchall()
    found = {(table, column): kind for table, column, kind in rows}
    for table, declared in load_tables("appmetrica_stream").items():
        wanted = {(table, f.column): SQL_TYPES.get(f.type, "VARCHAR") for f in declared.fields}
        assert {key: found.get(key) for key in wanted} == wanted
        system = {"_unit": "VARCHAR", "_row": "BIGINT", "_dlt_load_id": "VARCHAR"}
        assert {name: found[table, name] for name in system} == system
        assert ((table, "_application_id") in found) != ((table, "application_id") in found)
    assert found["event", "appmetrica_device_id"] == "VARCHAR"
    assert found["revenue", "revenue_price"] == "DECIMAL(38,9)"
    assert found["units", "event_days"] == "JSON"


def test_a_window_sent_again_replaces_or_supersedes_what_was_loaded(live: Live) -> None:
    world = live.world
    world.sandbox.add_fault("empty_windows", mode="listed")
    for place in range(3):
        world.put(place, [*event_rows(3, f"w{place}"), {"event_timestamp": "soon"}])
    live.run()
    compare(live.expected(), live.live())
    world.put(0, event_rows(1, "shrunk"), update_timestamp=world.window(6))
    world.put(1, [], update_timestamp=world.window(6))
    before = world.downloads()
    live.run()
    assert world.downloads() - before == 2
    compare(live.expected(), live.live())


def test_one_unit_that_fails_stops_no_other_and_is_loaded_by_the_next_run(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    world = live.world
    units = [world.put(place, event_rows(2, f"w{place}")) for place in range(3)]
    world.fail(1, "status", endpoint="data", code=500, times=-1)
    expected = live.expected()
    expected.drop([units[1]])
    with caplog.at_level(logging.ERROR, logger="connector"):
        live.run()
    compare(expected, live.live())
    assert units[1] in caplog.text
    world.sandbox.remove_faults()
    live.run()
    compare(live.expected(), live.live())


def test_a_new_machine_goes_on_from_what_the_destination_holds(live: Live) -> None:
    world = live.world
    for place in range(3):
        world.put(place, event_rows(2, f"w{place}"))
    live.run()
    world.put(2, event_rows(3, "new"), update_timestamp=world.window(6))
    before = world.downloads()
    live.open("pipelines of another machine")
    live.run()
    assert world.downloads() - before == 1
    compare(live.expected(), live.live())


def test_a_selection_of_resources_loads_only_these(live: Live) -> None:
    live.world.put(0, event_rows(2))
    fields = ("ad_revenue_timestamp", "ad_revenue")
    live.world.put(0, [[1, 2]], data_type="ad_revenue", field_names=fields)
    live.run(tables=["ad_revenue"])
    assert [row["table_name"] for row in live.live()["units"]] == ["ad_revenue"]
    live.run()
    compare(live.expected(), live.live())


def test_resources_chosen_dlts_way_keep_the_account(live: Live) -> None:
    live.world.put(0, event_rows(2))
    before = threading.enumerate()
    with environment(live.world.sandbox.env | live.world.env):
        chosen = appmetrica_stream().with_resources("event")
        with suppress(PipelineStepFailed):  # it may refuse, but not load rows without their units
            live.pipeline.run(chosen, loader_file_format="parquet")
    check_laws(live.live() if live.pipeline.list_completed_load_packages() else {})
    started = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in started if name.startswith("fetch")] == []
    live.run()
    compare(live.expected(), live.live())
