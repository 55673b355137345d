"""Windows that grow, change, vanish, are skipped, or are declared wrongly."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.warehouse.run_report import ProgressEvent
from tests.integration.stream_truth import expected_rows, unit_id
from tests.integration.stream_world import EMPTY, GAME, PEOPLED, World, event_rows, open_world


def test_a_window_that_grows_while_it_is_fetched_is_loaded_again_in_the_same_run(
    tmp_path: Path,
) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        window = world.sandbox.window_at(3, GAME, "event")
        fault = {"app": GAME, "data_type": "event", "window": window}
        struck = world.sandbox.add_fault("grow_after_download", **fault, rows=2)
        report = world.sync()
        assert (report.exit_code, report.errors) == (0, [])
        assert world.seen(struck) == 2
        world.sandbox.clock.advance(900)
        world.sync()
        world.compare()


@pytest.mark.parametrize(
    "change", [{"add": 2}, {"edit": 1}, {"remove": 1}], ids=lambda change: next(iter(change))
)
def test_a_settled_window_that_changes_later_is_replaced(
    tmp_path: Path, change: dict[str, int]
) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        world.sync()
        listed = max(world.sandbox.windows(GAME, "event")[:-4], key=lambda w: w["event_count"])
        world.sandbox.change_window(GAME, "event", listed["stream_window_timestamp"], **change)
        assert world.sync().units_loaded == 0, "it has not settled"
        world.sandbox.clock.advance(601)
        before = world.downloads()
        report = world.sync()
        assert report.exit_code == 0
        assert world.downloads() - before == report.units_loaded
        world.compare()


def test_a_change_hours_after_the_end_is_noticed(tmp_path: Path) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        world.sandbox.add_fault(
            "window_change", window_index=4, app=GAME, data_type="event", hours=2.5, add=3
        )
        world.sync()
        world.sandbox.clock.advance(2.5 * 3600)
        assert world.sync().exit_code == 0
        world.compare()


def test_a_window_that_is_emptied_leaves_no_row_and_no_quarantine(world: World) -> None:
    world.sandbox.add_fault("empty_windows", mode="listed")
    world.put(0, event_rows(2, "other"))
    bad = [*event_rows(2), {"event_name": "bad", "event_timestamp": "yesterday"}]
    unit = world.put(2, bad)
    world.sync()
    assert {row["unit"] for row in world.found()["quarantine"]} == {unit}
    world.put(2, [], update_timestamp=world.window(4))
    assert world.sync().units_loaded == 1
    found = world.found()
    assert [row for row in found["event"] if row["_unit"] == unit] == []
    assert found["quarantine"] == []
    world.compare()
    world.put(2, event_rows(1, "back"), update_timestamp=world.window(5))
    assert world.sync().units_loaded == 1
    world.compare()


def test_a_resent_window_without_rejects_takes_its_old_rejects_out_of_quarantine(
    world: World,
) -> None:
    world.put(1, [{"event_name": "a", "event_timestamp": "never"}])
    world.sync()
    assert len(world.found()["quarantine"]) == 1
    world.put(1, event_rows(1), update_timestamp=world.window(4))
    world.sync()
    assert world.found()["quarantine"] == []
    world.compare()


def test_a_body_with_broken_records_replaces_and_is_replaced(world: World) -> None:
    names = {"field_names": ["event_name", "city"], "event_count": 3}
    sandbox, window = world.sandbox, world.window(1)
    first = {"body": "event_name,city\na,b\nonly one\nc,d\n", "update_timestamp": window + 360}
    sandbox.add_window(GAME, "event", window, **names, **first)
    report = world.sync()
    assert (report.exit_code, report.rows_loaded, report.rows_quarantined) == (0, 2, 1)
    (unit,) = world.found()["units"]
    assert (unit["loaded_rows"], unit["quarantined_rows"], unit["declared_rows"]) == (2, 1, 3)
    second = {"body": "event_name,city\na,b\n1,2\nc,d\n", "update_timestamp": window + 900}
    sandbox.add_window(GAME, "event", window, **names, **second)
    assert world.sync().rows_loaded == 3
    assert world.found()["quarantine"] == []
    assert sorted(row["_row"] for row in world.found()["event"]) == [0, 1, 2]


@pytest.mark.parametrize("off_by", [1, -1])
def test_a_window_whose_row_count_stays_wrong_fails_after_three_tries(
    world: World, off_by: int
) -> None:
    units = [world.put(place, event_rows(3, f"w{place}")) for place in range(3)]
    world.fail(1, "event_count", off_by=off_by)
    watched = world.fail(1, "slow", endpoint="data", times=0)
    report = world.sync()
    assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 2, 1)
    assert units[1] in report.errors[0]
    assert world.seen(watched) == 3
    world.sandbox.remove_faults()
    world.compare(without=(units[1],))
    assert (world.sync().units_loaded, world.sync().units_loaded) == (1, 0)
    world.compare()


@pytest.mark.parametrize("heals_after", [1, 2])
def test_a_row_count_that_is_put_right_is_committed_in_the_same_run(
    world: World, heals_after: int
) -> None:
    world.put(1, event_rows(3))
    world.fail(1, "event_count", off_by=2, heals_after=heals_after)
    report = world.sync()
    assert (report.exit_code, report.errors, report.units_loaded) == (0, [], 1)
    world.compare()
    assert world.sync().units_loaded == 0


def test_skipped_windows_and_the_fat_one_after_them_are_no_gap(tmp_path: Path) -> None:
    with open_world(PEOPLED, tmp_path, tables="event") as world:
        world.sandbox.add_fault("skip_windows", window_index=3, count=4)
        assert world.sync().exit_code == 0
        following = int(world.sandbox.clock.timestamp()) // 300 * 300 + 310
        world.sandbox.add_fault("skip_windows", window=following, count=5)
        for _ in range(3):
            world.sandbox.clock.advance(1100)
            report = world.sync()
            assert (report.exit_code, report.errors) == (0, [])
        assert any(expected_rows(world.compare(), "event"))


def test_a_window_that_vanished_unloaded_is_reported_once_by_name(world: World) -> None:
    world.put(0, event_rows(2))
    unit = world.put(11, event_rows(7, "young"))
    assert world.sync().units_pending == 1
    world.fail(11, "vanish")
    report = world.sync()
    assert report.exit_code == 7
    (error,) = report.errors
    assert unit in error
    assert "7" in error
    calm = world.sync()
    assert (calm.exit_code, calm.errors) == (0, [])
    world.compare()


def test_a_window_that_expired_unloaded_is_a_loss(world: World) -> None:
    unit = world.put(0, event_rows(2))
    world.fail(0, "status", code=500, times=-1)
    assert world.sync().exit_code == 4
    world.sandbox.clock.advance(7 * 86_400)
    report = world.sync()
    assert report.exit_code == 7
    assert unit in report.errors[0]
    assert world.sync().exit_code == 0


def test_a_window_that_vanishes_between_plan_and_download_is_a_loss(world: World) -> None:
    units = [world.put(place, event_rows(2, f"w{place}")) for place in range(3)]
    world.fail(1, "slow", endpoint="data", seconds=0.3, times=-1)
    world.fail(1, "status", endpoint="data", code=404, times=-1)

    def vanish(event: ProgressEvent) -> None:
        if event.kind == "planned":
            world.fail(1, "vanish")

    report = world.run(progress=vanish).sources["appmetrica_stream"]
    assert (report.exit_code, report.units_loaded, report.units_failed) == (7, 2, 1)
    assert units[1] in report.errors[0]
    world.compare()
    assert world.sync().exit_code == 0


def test_a_loaded_window_that_is_gone_from_the_vendor_keeps_its_rows(world: World) -> None:
    for place in range(3):
        world.put(place, event_rows(2, f"w{place}"))
    world.sync()
    expected = world.compare()
    world.fail(1, "vanish")
    assert world.sync().exit_code == 0
    world.compare(expected=expected)
    world.sandbox.clock.advance(8 * 86_400)
    assert world.sync().exit_code == 0
    world.compare(expected=expected)


def test_the_monthly_limit_lasts_until_the_first_of_the_month(tmp_path: Path) -> None:
    march = replace(EMPTY, start=datetime(2026, 3, 31, 20, tzinfo=UTC))
    with open_world(march, tmp_path, tables="event") as world:
        for place in range(4):
            world.put(place, event_rows(2, f"w{place}"))
        world.sandbox.add_fault("monthly_limit")
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 0)
        world.sandbox.clock.advance(5 * 3600)
        assert (world.sync().exit_code, world.sync().units_loaded) == (0, 0)
        world.compare()


def test_a_unit_is_named_after_app_type_window_and_schema(world: World) -> None:
    assert world.put(1, event_rows(1), schema_id=77) == unit_id(GAME, "event", world.window(1), 77)
    world.sync()
    world.compare()
