"""Columns that come, go and move: windows under several schemas, settings the vendor changes."""

from pathlib import Path

import httpx
import pytest

from tests.integration.stream_world import FIELDS, GAME, PEOPLED, World, event_rows, open_world

NEWER = ("appmetrica_device_id", "event_timestamp", "event_name")


def two_schemas_at_once(world: World, names: tuple[str, ...] = NEWER) -> tuple[str, str]:
    """One window under two schema ids, three rows each; the ids of its units."""
    older = world.put(1, event_rows(3, "old"), schema_id=107)
    rows = [{name: row[name] for name in names} for row in event_rows(3, "new")]
    newer = world.put(1, rows, schema_id=108, field_names=names)
    return older, newer


@pytest.mark.parametrize("names", [NEWER, FIELDS[::-1]], ids=["fewer", "reordered"])
@pytest.mark.parametrize("asked_before", [0, 1])
def test_one_window_under_two_schemas_is_two_entries_and_none_is_lost(
    world: World, asked_before: int, names: tuple[str, ...]
) -> None:
    world.set(parallel="1")
    two_schemas_at_once(world, names)
    for _ in range(asked_before):
        world.sandbox.stream.find_file(GAME, "event", world.window(1))
    report = world.sync()
    assert (report.exit_code, report.errors, report.units_loaded) == (0, [], 2)
    world.compare()
    assert world.sync().units_loaded == 0


def test_a_schema_whose_file_is_never_served_fails_and_takes_no_rows_of_the_other(
    world: World,
) -> None:
    older, newer = two_schemas_at_once(world)
    world.sandbox.add_fault("two_schemas", data_type="deeplink", serve="old")
    report = world.sync()
    assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 1, 1)
    assert newer in report.errors[0]
    world.compare(without=(newer,))
    assert {row["_unit"] for row in world.found()["event"]} == {older}


@pytest.mark.parametrize("drop", [[], ["event_json", "city"]])
def test_a_window_split_between_two_schemas_is_whole(tmp_path: Path, drop: list[str]) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        counted = [w for w in world.sandbox.windows(GAME, "event")[:-4] if w["event_count"] > 1]
        window = counted[0]["stream_window_timestamp"]
        world.sandbox.add_fault(
            "two_schemas", app=GAME, data_type="event", window=window, drop=drop
        )
        report = world.sync()
        assert (report.exit_code, report.errors) == (0, [])
        schemas = {u["schema_id"] for u in world.found()["units"] if u["remote_id"] == str(window)}
        assert len(schemas) == 2
        world.compare()


def test_columns_that_come_and_go_are_mapped_by_name_and_reported(tmp_path: Path) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        add_fault = world.sandbox.add_fault
        add_fault("schema_change", window_index=5, remove=["city", "event_json"], reverse=True)
        add_fault("schema_change", window_index=9, duplicate=["event_name", "country"])
        add_fault("schema_change", window_index=12, unknown=["brand_new", "another_one"])
        report = world.sync()
        assert (report.exit_code, report.errors) == (0, [])
        assert {name: set(columns) for name, columns in report.drift.items()} == {
            "event": {"brand_new", "another_one"}
        }
        world.compare()
        assert any(row["brand_new"] for row in world.found()["event"])
        assert len({row["schema_id"] for row in world.found()["units"]}) >= 4


def test_odd_names_of_unknown_columns_become_text_columns(world: World) -> None:
    names = ("event_name", "Weird Name", "weird_name", "_row", "123", "event-json")
    world.put(0, [["a", "1", "2", "3", "4", "5"]], field_names=names)
    world.put(1, event_rows(1))
    report = world.sync()
    assert (report.exit_code, report.errors) == (0, [])
    assert set(report.drift["event"]) == set(names) - {"event_name"}
    (row,) = [row for row in world.found()["event"] if row["event_name"] == "a"]
    assert {"1", "2", "3", "4", "5"} <= {v for v in row.values() if isinstance(v, str)}
    assert row["_row"] == 0


def test_a_settings_change_of_the_vendor_is_followed(tmp_path: Path) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        world.sync()
        sandbox = world.sandbox
        path = f"{sandbox.url}/management/v1/application/{GAME}/datastream/settings"
        headers = {"Authorization": f"OAuth {sandbox.scenario.write_token}"}
        with httpx.Client(headers=headers, trust_env=False) as client:
            body = client.get(path).json()
            (event,) = [e for e in body["settings"]["export_fields"] if e["data_type"] == "event"]
            event |= {"export_format": "json", "fields": ["event_name", "event_timestamp"]}
            assert client.post(path, json=body).status_code == 200
        sandbox.clock.advance(3 * 3600)
        assert world.sync().exit_code == 0
        assert len({row["schema_id"] for row in world.found()["units"]}) == 2
        world.compare()
