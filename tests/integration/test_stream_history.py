"""The whole history arrives row for row, and what was loaded is not asked for again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox import FileShape, Population, StreamType
from connector.warehouse.run_report import SourceReport
from tests.integration.stream_truth import TABLES, expect_truth, expected_rows
from tests.integration.stream_world import (
    EMPTY,
    PEOPLED,
    START,
    World,
    event_rows,
    open_world,
    with_stream,
)

HISTORY = replace(
    PEOPLED,
    history_days=0.5,
    population=Population(devices=160, warmup_days=4, awkward_share=0.3, has_nul=True),
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, SourceReport]]:
    """A warehouse with half a day of all data types of two apps, and the report of its sync."""
    with open_world(HISTORY, tmp_path_factory.mktemp("history")) as world:
        report = world.sync()
        assert (report.exit_code, report.errors, report.units_failed) == (0, [], 0)
        yield world, report


@pytest.fixture
def history(loaded: tuple[World, SourceReport]) -> World:
    return loaded[0]


def test_history_of_all_types_equals_the_truth(history: World) -> None:
    expected = history.compare()
    assert [table for table in TABLES if not any(expected_rows(expected, table))] == []


def test_the_report_counts_what_the_warehouse_holds(loaded: tuple[World, SourceReport]) -> None:
    world, report = loaded
    expected = world.truth()
    rows = sum(1 for table in TABLES for _ in expected_rows(expected, table))
    assert report.units_loaded == len(expected.units)
    assert (report.rows_loaded, report.rows_quarantined) == (rows, 0)
    assert report.cells_quarantined == len(expected.cells)
    assert report.bytes == sum(row["bytes"] for row in world.found()["units"]) > 0
    assert report.units_pending == len(expect_truth(world.sandbox, settled_only=False).units) - len(
        expected.units
    )


def test_rows_of_wrong_clocks_and_late_rows_are_kept_and_move_no_cursor(world: World) -> None:
    times = {"1970": 86_400, "2099": 4_070_908_800, "late": int(START.timestamp()) - 5 * 86_400}
    rows = [{"event_name": name, "event_timestamp": time} for name, time in times.items()]
    world.put(4, rows)
    report = world.sync()
    world.compare()
    loaded = {row["event_name"]: row["event_timestamp"] for row in world.found()["event"]}
    assert {name: time.timestamp() for name, time in loaded.items()} == times
    changed_at = datetime.fromtimestamp(world.window(4) + 360, UTC)
    assert datetime.fromisoformat(report.cursors["event"]) == changed_at
    world.put(0, event_rows(1))
    assert world.sync().units_loaded == 1
    world.compare()


def test_cursors_follow_the_vendors_changes_and_no_event_time(history: World) -> None:
    report = history.sync()
    newest: dict[str, datetime] = {}
    for unit in history.truth().units.values():
        table, updated = unit["table_name"], unit["vendor_updated_at"]
        newest[table] = max(newest.get(table, updated), updated)
    assert {name: datetime.fromisoformat(text) for name, text in report.cursors.items()} == newest


def test_a_cursor_never_goes_back(world: World) -> None:
    world.put(5, event_rows(2, "young"))
    cursors = world.sync().cursors
    world.put(1, event_rows(2, "old"))
    report = world.sync()
    assert report.units_loaded == 1
    assert report.cursors == cursors


def test_a_calm_second_sync_loads_nothing_and_keeps_every_row(history: World) -> None:
    before = history.found()
    history.sandbox.reset_requests()
    report = history.sync()
    assert (report.units_loaded, report.rows_loaded, report.bytes) == (0, 0, 0)
    assert (report.exit_code, history.downloads()) == (0, 0)
    assert history.found() == before


def test_only_new_windows_are_fetched_as_the_clock_goes_on(peopled: World) -> None:
    peopled.set(tables="event,session_start,session_end")
    peopled.sync()
    before = set(peopled.truth().units)
    peopled.sandbox.reset_requests()
    peopled.sandbox.clock.advance(900)
    report = peopled.sync()
    fresh = set(peopled.compare().units) - before
    assert report.units_loaded == len(fresh) > 0
    downloads = peopled.sandbox.requests()["downloads"]
    asked = {(d["app"], d["data_type"], d["window"]): d["count"] for d in downloads}
    wanted = {tuple(unit.split("/")[:3]) for unit in fresh}
    assert {(str(app), table, str(start)) for app, table, start in asked} == wanted
    assert set(asked.values()) == {1}


def test_growing_windows_wait_until_they_have_settled(world: World) -> None:
    world.put(0, event_rows(2))
    growing = world.put(11, event_rows(1, "young"))
    first = world.sync()
    assert (first.units_loaded, first.units_pending, first.exit_code) == (1, 1, 0)
    world.compare()
    world.sandbox.clock.advance(900)
    assert world.sync().units_loaded == 1
    assert growing in world.compare().units


def test_only_a_changed_window_is_fetched_again(world: World) -> None:
    for place in range(4):
        world.put(place, event_rows(3, f"w{place}"))
    world.sync()
    old = {row["unit"]: row["_dlt_load_id"] for row in world.found()["units"]}
    moved = world.put(2, event_rows(5, "new"), update_timestamp=world.window(5))
    world.sandbox.reset_requests()
    assert world.sync().units_loaded == 1
    world.compare()
    new = {row["unit"]: row["_dlt_load_id"] for row in world.found()["units"]}
    assert [unit for unit in new if new[unit] != old[unit]] == [moved]
    assert world.downloads() == 1


@pytest.mark.parametrize(
    "changed",
    [{"update_timestamp": 0}, {"count": 4}, {"schema_id": 900_002}],
    ids=lambda changed: next(iter(changed)),
)
def test_any_of_three_marks_makes_a_window_new(world: World, changed: dict[str, int]) -> None:
    first = world.put(1, event_rows(3))
    world.sync()
    if "update_timestamp" in changed:
        world.put(1, event_rows(3, "other"), update_timestamp=world.window(5))
    elif "count" in changed:
        world.put(1, event_rows(4), update_timestamp=world.window(1) + 360)
    else:
        world.put(1, event_rows(2, "second"), schema_id=changed["schema_id"])
        world.sandbox.add_fault("two_schemas", data_type="deeplink", serve="new")
    report = world.sync()
    assert (report.units_loaded, report.exit_code) == (1, 0)
    assert first in world.compare().units


JSON = {table: StreamType(export_format="json") for table in TABLES}
SHAPES = {
    "object-string-empty": FileShape(),
    "array-native-null": FileShape(
        json_layout="array", json_values="native", json_empty="null", json_arrays="native"
    ),
    "lines-native-missing": FileShape(
        json_layout="lines", json_values="native", json_empty="missing", final_newline=False
    ),
    "lines-string-null": FileShape(json_layout="lines", json_empty="null", bom=True),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_json_in_every_layout_gives_the_same_tables(tmp_path: Path, shape: FileShape) -> None:
    scenario = with_stream(PEOPLED, types=JSON, shape=shape)
    tables = "event,installation,session_end,ad_revenue,ecommerce,attributed_event"
    with open_world(scenario, tmp_path, tables=tables) as world:
        report = world.sync()
        assert (report.exit_code, report.errors) == (0, [])
        world.compare()


@pytest.mark.parametrize("mode", ["listed", "absent"])
def test_empty_windows_are_no_error(tmp_path: Path, mode: str) -> None:
    with open_world(EMPTY, tmp_path, tables="event") as world:
        world.sandbox.add_fault("empty_windows", mode=mode)
        world.put(3, event_rows(2))
        report = world.sync()
        assert (report.exit_code, report.errors) == (0, [])
        expected = world.compare()
        assert (len(expected.units) > 5) == (mode == "listed")
        assert report.rows_loaded == 2


def test_unordered_windows_and_unknown_keys_are_accepted(peopled: World) -> None:
    peopled.set(tables="event,session_start,ecommerce")
    peopled.sandbox.add_fault("unordered")
    peopled.sandbox.add_fault("unknown_keys")
    assert (peopled.sync().exit_code, peopled.sync().units_loaded) == (0, 0)
    peopled.compare()


def test_windows_of_any_key_are_loaded_and_none_is_computed(world: World) -> None:
    odd: dict[str, Any] = {"field_names": ["event_name"], "rows": [["odd"]]}
    world.sandbox.add_window(11, "event", world.window(2) + 137, **odd)
    world.put(2, event_rows(1))
    assert world.sync().units_loaded == 2
    world.compare()
    assert datetime.fromtimestamp(world.window(2) + 137, UTC) in {
        row["lower_at"] for row in world.found()["units"]
    }
