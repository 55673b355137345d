"""Days that are read again, hour by hour histories, backfills and resets: each row stays there once."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from connector.sandbox import Population
from connector.warehouse.upkeep import reset_units
from tests.integration.test_tracker_content import MONEY, PEOPLE
from tests.integration.tracker_truth import check_laws
from tests.integration.tracker_world import (
    ALONE,
    DAY_S,
    FEW,
    START,
    TrackerWorld,
    open_hours,
    open_tracker,
    show_span,
    tracker_rows,
)

FIRST, LAST = -14, -9  # the hours of yesterday that are loaded
WEEK = timedelta(days=7)


def yesterday(world: TrackerWorld) -> str:
    """The unit that takes the hours of yesterday over."""
    return f"custom_events/{show_span(world.hour(FIRST), world.hour(LAST + 1))}"


def merged(world: TrackerWorld) -> list[str]:
    """What the ledger says of units whose rows another one has now."""
    units = world.found()["units"]
    return [u["schema_id"] for u in units if u["schema_id"].startswith("merged:")]


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[TrackerWorld]:
    """Six hours of yesterday and nine of today are loaded; then yesterday has two rows more: one
    whose device clock was five days ahead, and one that could not be had so early.
    """
    with open_hours(tmp_path, -FIRST + 1) as world:
        rows = tracker_rows(world, -10, 3)
        ahead = rows[0] | {"tsEvent": str(world.hour(-10) + 5 * DAY_S), "eventName": "ahead"}
        world.put_rows(-10, [*rows, ahead])
        assert world.quietly().units_loaded == 15
        world.check()
        assert "ahead" not in {row["event_name"] for row in world.found()["custom_events"]}
        late = rows[1] | {"eventName": "late"}
        world.put_rows(-10, [*rows, ahead, late])
        world.set(slice_hours="24")
        yield world


def test_after_a_week_a_day_is_read_again_as_one_and_takes_its_hours_over(
    loaded: TrackerWorld,
) -> None:
    loaded.sandbox.clock.set(START + WEEK)
    loaded.quietly()
    loaded.check()
    assert merged(loaded) == [f"merged:{yesterday(loaded)}"] * 6
    assert loaded.units()[yesterday(loaded)]["loaded_rows"] == 6 * 3 + 2
    rows = loaded.found()["custom_events"]
    assert {"ahead", "late"} <= {row["event_name"] for row in rows}
    assert any("was loaded again: +2 rows" in note for note in loaded.notes())
    (staged,) = loaded.stage("customEvents")
    assert len(staged) == len(rows) == 15 * 3 + 2
    assert loaded.quietly().units_loaded == 0
    loaded.sandbox.clock.set(START + 2 * WEEK)
    loaded.quietly()
    loaded.check()
    assert len(loaded.found()["custom_events"]) == len(rows)


def test_a_day_that_is_too_large_to_be_read_again_is_cut(loaded: TrackerWorld) -> None:
    loaded.sandbox.add_fault("raw_user_error", above_rows=8, times=-1)
    loaded.sandbox.clock.set(START + WEEK)
    loaded.quietly()
    loaded.check()
    assert yesterday(loaded) not in loaded.units()
    assert {"ahead", "late"} <= {row["event_name"] for row in loaded.found()["custom_events"]}
    loaded.quietly()
    loaded.check()


def test_a_day_read_again_in_many_runs_is_whole_in_the_end(loaded: TrackerWorld) -> None:
    loaded.sandbox.add_fault("raw_user_error", above_rows=8, times=-1)
    loaded.sandbox.clock.set(START + WEEK)
    loaded.quietly(max_wait_s=90)
    runs = 1
    while loaded.quietly(max_wait_s=45).units_pending:
        check_laws(loaded.found(), loaded.settings.warehouse)
        runs += 1
    assert runs in range(2, 12)
    loaded.check()
    assert {"ahead", "late"} <= {row["event_name"] for row in loaded.found()["custom_events"]}


def test_without_a_sweep_no_day_is_read_again(loaded: TrackerWorld) -> None:
    loaded.set(future_sweep_days="0")
    loaded.sandbox.clock.set(START + WEEK)
    loaded.quietly()
    assert merged(loaded) == []
    assert "late" not in {row["event_name"] for row in loaded.found()["custom_events"]}


def test_a_reset_loads_everything_again_and_doubles_nothing(loaded: TrackerWorld) -> None:
    loaded.sandbox.clock.set(START + WEEK)
    loaded.quietly()
    rows = loaded.found()["custom_events"]
    before = set(loaded.units())
    with closing(duckdb.connect(str(loaded.settings.warehouse))) as connection:
        reset_units(connection, "mytracker")
    assert loaded.quietly().units_loaded == len(before)
    loaded.check()
    assert set(loaded.units()) == before
    assert len(loaded.found()["custom_events"]) == len(rows)
    assert loaded.quietly().units_loaded == 0


def test_a_backfill_loads_a_range_again_and_what_is_missing_of_it(loaded: TrackerWorld) -> None:
    loaded.set(slice_hours="1")
    loaded.put_rows(FIRST - 1, tracker_rows(loaded, FIRST - 1, 3))
    cursors = loaded.quietly().cursors
    loaded.sandbox.reset_requests()
    asked = [datetime.fromtimestamp(loaded.hour(place), UTC) for place in (FIRST - 1, FIRST + 1)]
    report = loaded.quietly(is_backfill=True, since=asked[0], until=asked[1])
    assert report.units_loaded == 2
    assert report.cursors == cursors
    spans = sorted(made["span"][0] + 1 for made in loaded.creates())
    assert spans == [loaded.hour(FIRST - 1), loaded.hour(FIRST)]
    names = {row["event_name"] for row in loaded.found()["custom_events"]}
    assert f"e{FIRST - 1}-0" in names
    start = datetime.fromtimestamp(loaded.hour(-10), UTC)
    loaded.quietly(is_backfill=True, since=start, until=start + timedelta(hours=1))
    assert "late" in {row["event_name"] for row in loaded.found()["custom_events"]}
    assert len(loaded.found()["custom_events"]) == 16 * 3 + 1


def test_rows_of_people_that_come_late_are_all_there_in_the_end(tmp_path: Path) -> None:
    scenario = replace(ALONE, population=Population(devices=100, warmup_days=5))
    env = {"events": "sessions", "slice_hours": "24", "start": "2026-03-09"}
    with open_tracker(scenario, tmp_path, **env) as world:
        world.sandbox.add_fault("raw_late", every=7, hours=6.0)
        world.sandbox.add_fault("future_clock", every=5, hours=48.0)
        world.quietly()
        world.check()
        before = len(world.found()["sessions"])
        world.sandbox.clock.advance(WEEK.total_seconds())
        world.quietly()
        world.check()
        day = datetime(2026, 3, 10, tzinfo=UTC)
        of_day = [row for row in world.found()["sessions"] if row["ts_insert"] < day]
        assert len(of_day) > before * 0.5
        truth = world.sandbox.mytracker_truth("sessions")["rows"]
        wanted = [r for r in truth if 1773014400 <= r["available_at"] < day.timestamp()]
        assert len(of_day) == len(wanted)
        assert any("was loaded again: +" in note for note in world.notes())


def test_payments_that_are_verified_later_are_shown_by_the_reload(tmp_path: Path) -> None:
    env = {"events": "payments", "slice_hours": "24", "start": "2026-03-09"}
    with open_tracker(PEOPLE, tmp_path, **env, payments_reload_days="2") as world:
        world.quietly()
        first, second, *_ = world.found()["payments"]
        for row, how in ((first, "in_place"), (second, "reemitted")):
            is_verified = not row["is_verified"]
            transaction = row["invented_transaction"]
            world.sandbox.change_verification(transaction, is_verified=is_verified, how=how)
        world.sandbox.clock.advance(2.2 * DAY_S)
        world.quietly()
        world.check(types=MONEY)
        states: dict[str, list[int]] = {}
        for row in world.found()["payments"]:
            states.setdefault(row["invented_transaction"], []).append(row["is_verified"])
        assert states[first["invented_transaction"]] == [1 - first["is_verified"]]
        assert sorted(states[second["invented_transaction"]]) == [0, 1]


def test_installs_are_read_again_as_long_as_they_change(tmp_path: Path) -> None:
    with open_hours(tmp_path, 1, events="installs", installs_reload_days="1") as world:
        world.set(selectors=json.dumps({"installs": FEW[:4]}), slice_hours="24")
        rows = tracker_rows(world, 0, 3)
        world.put_rows(0, rows, "installs")
        world.quietly()
        world.put_rows(0, [*rows[1:], rows[0] | {"idDevice": "7"}], "installs")
        world.sandbox.clock.set(START + timedelta(hours=20))
        world.quietly()
        assert "7" not in {row["id_device"] for row in world.found()["installs"]}
        world.sandbox.clock.set(START + timedelta(hours=40))
        world.quietly()
        assert "7" in {row["id_device"] for row in world.found()["installs"]}
        world.check()


def snapshot(world: TrackerWorld) -> list[str]:
    """Rows and units as they are to be after any history."""
    found = world.found()
    passing = {"_dlt_load_id", "attempts", "fetched_at", "remote_id", "bytes"}
    return sorted(
        str({name: row[name] for name in sorted(row) if name not in passing})
        for table in ("custom_events", "units")
        for row in found[table]
    )


def test_hour_by_hour_gives_what_one_run_at_the_end_gives(tmp_path: Path) -> None:
    found: list[list[str]] = []
    for hours in (range(13, 18), [17]):  # over midnight
        with open_hours(tmp_path / str(len(found)), 4) as world:
            for place in range(9, 19):
                world.put_rows(place, tracker_rows(world, place, 3))
            for hour in hours:
                world.sandbox.clock.set(START + timedelta(hours=hour))
                assert world.quietly().units_loaded == (1 if hour > hours[0] else 4 + hours[0])
            world.check()
            found.append(snapshot(world))
    assert found[0] == found[1]


def test_a_run_every_five_minutes_asks_for_no_tiny_intervals(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2) as world:
        world.quietly()
        loaded = 0
        for place in range(1, 9):
            world.sandbox.clock.set(START + timedelta(minutes=5 * place, seconds=place))
            due = world.plan().due
            loaded += world.quietly().units_loaded if due else 0
            assert all(unit.upper_at - unit.lower_at >= timedelta(minutes=15) for unit in due)
        assert loaded in (1, 2)
        world.check()
