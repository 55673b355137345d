"""Exports cut smaller, and the bounds between them: every row is in exactly one."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.sandbox import Population
from connector.warehouse.run_report import ProgressEvent
from tests.integration.tracker_world import (
    ALONE,
    FEW,
    GAME_ID,
    HOUR_S,
    SHOP_ID,
    START,
    TWO_APPS,
    TrackerWorld,
    open_hours,
    open_tracker,
    tracker_rows,
    with_tracker,
)

COUNTRIES = ("188", "200", "81", "31")
SMALL = with_tracker(ALONE, max_rows=4)
TOO_MUCH = ("Too many lines in export", "Too many lines in one export", "Too much export data")


def lengths(world: TrackerWorld) -> list[int]:
    """How many seconds of availability each export was for, without its margin."""
    return [made["span"][1] - made["span"][0] - 1 for made in world.creates()]


def test_an_export_that_is_too_large_is_cut_in_halves_and_the_length_is_remembered(
    tmp_path: Path,
) -> None:
    with open_hours(tmp_path, len(TOO_MUCH), rows=24) as world:
        for number, text in enumerate(TOO_MUCH):
            world.spoil(-number, "raw_user_error", text=text, above_rows=13, times=-1)
        world.quietly()
        world.check()
        assert sorted(lengths(world)) == [1800] * 6 + [3600] * 3
        assert len(world.units()) == 6
        world.sandbox.reset_requests()
        world.put_rows(1, tracker_rows(world, 1, 24))
        world.sandbox.clock.set(START + timedelta(hours=1))
        assert world.quietly().units_loaded == 2
        assert set(lengths(world)) == {1800}
        assert len(world.found()["custom_events"]) == 4 * 24


def crowd(world: TrackerWorld, place: int) -> list[dict[str, str]]:
    """Rows that no clock tells apart, of two apps and four countries."""
    (row,) = tracker_rows(world, place, 1)
    return [
        row | {"idApp": str(app), "idCountry": country, "eventName": f"crowd-{number}"}
        for app in (GAME_ID, SHOP_ID)
        for country in COUNTRIES
        for number in range(3)
    ]


def test_what_no_interval_tells_apart_is_cut_by_event_time_app_and_country(
    tmp_path: Path,
) -> None:
    filters = json.dumps({"idCountry": COUNTRIES})
    with open_hours(tmp_path, 2, with_tracker(TWO_APPS, max_rows=4), filters=filters) as world:
        world.set(selectors=json.dumps({"customEvents": [*FEW, "idCountry"]}))
        (row,) = tracker_rows(world, -1, 1)
        at_once = [
            row | {"tsEvent": str(world.hour(-1) - 86_400 * number), "idCountry": "81"}
            for number in range(12)
        ]
        world.put_rows(-1, at_once)
        world.put_rows(0, crowd(world, 0))
        world.quietly(max_wait_s=10 * HOUR_S)
        world.check()
        units = " ".join(world.units())
        assert all(part in units for part in ("~event:", "~idApp:", "~idCountry:"))
        assert min(lengths(world)) >= 55
        world.quietly(max_wait_s=10 * HOUR_S)
        world.check()
        assert len(world.found()["custom_events"]) == 36
        assert world.sandbox.mytracker_requests()["throttled"] == 0


def test_a_unit_that_cannot_be_cut_fails_by_name_and_stops_no_other(tmp_path: Path) -> None:
    with open_hours(tmp_path, 3, SMALL) as world:
        (row,) = tracker_rows(world, -1, 1)
        world.put_rows(-1, [row | {"tsInsert": str(world.hour(-1) + 1_000)}] * 9)
        report = world.sync(max_wait_s=10 * HOUR_S)
        assert report.exit_code == 3
        (error,) = report.errors
        assert error.startswith("custom_events/20260310T071")
        assert "Too many lines in export" in error
        names = {row["event_name"] for row in world.found()["custom_events"]}
        assert names == {f"e{place}-{number}" for place in (-2, 0) for number in range(3)}
        world.check()


@pytest.mark.parametrize("kind", ["loaded", "fetched"])
def test_a_run_that_ends_between_pieces_is_completed_by_the_next(tmp_path: Path, kind: str) -> None:
    with open_hours(tmp_path, 1, SMALL, rows=24) as world:
        told: list[ProgressEvent] = []

        def end(event: ProgressEvent) -> None:
            told.append(event)
            if kind == "loaded" and event.kind == kind:
                raise KeyboardInterrupt

        if kind == "loaded":
            with pytest.raises(KeyboardInterrupt):
                world.run(progress=end)
        else:
            assert world.sync(max_wait_s=100).units_pending > 0
        world.sandbox.clock.advance(HOUR_S)  # a rest of an interval is asked for once it is longer
        world.quietly()
        world.check()
        assert len(world.found()["custom_events"]) == 24
        assert world.quietly().rows_loaded == 0


def test_a_day_of_people_is_cut_exactly(tmp_path: Path) -> None:
    people = Population(devices=150, warmup_days=5)
    scenario = with_tracker(replace(TWO_APPS, population=people), max_rows=40)
    env = {"events": "sessions", "slice_hours": "24"}
    with open_tracker(scenario, tmp_path, start="2026-03-09", **env) as world:
        world.quietly(max_wait_s=20 * HOUR_S)
        world.check()
        assert len(world.found()["sessions"]) > 150
        assert {made["window_times"] for made in world.creates()} == {1}


def test_a_filter_that_is_too_long_goes_into_exports_that_share_no_row(tmp_path: Path) -> None:
    wanted = {str(number) for number in range(10_000, 12_500)}
    filters = json.dumps({"idCampaign": sorted(wanted)})
    with open_hours(tmp_path, 1, filters=filters) as world:
        world.set(selectors=json.dumps({"customEvents": [*FEW, "idCampaign"]}))
        (row,) = tracker_rows(world, 0, 1)
        world.put_rows(0, [row | {"idCampaign": str(n)} for n in range(9_900, 12_600)])
        world.quietly()
        asked = [made["params"]["idCampaign"].split(",") for made in world.creates()]
        assert len(asked) > 2
        assert max(map(len, asked)) <= 999
        assert sorted(value for values in asked for value in values) == sorted(wanted)
        world.check(keep=lambda _, values: values["idCampaign"] in wanted)
        assert len(world.found()["custom_events"]) == 2_500
        assert world.quietly().units_loaded == 0


@pytest.mark.parametrize(
    ("vendor", "way"),
    [
        ("exclusive", "margin"),
        ("inclusive", "believed"),
        ("exclusive", "believed"),
        ("exclusive", "not selected"),
    ],
)
def test_no_row_is_lost_or_doubled_at_the_bounds(tmp_path: Path, vendor: str, way: str) -> None:
    with open_hours(tmp_path, 4, with_tracker(ALONE, bounds=vendor)) as world:
        if way != "margin":
            world.set(bounds=vendor, cut_by_tsinsert="never" if way == "believed" else "auto")
        if way == "not selected":
            names = [name for name in FEW if name != "tsInsert"]
            world.set(selectors=json.dumps({"customEvents": names}))
        world.quietly()
        world.check()
        assert len(world.found()["custom_events"]) == 12
