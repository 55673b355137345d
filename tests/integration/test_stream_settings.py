"""What the settings of the source change in a sync."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from connector.clock import SimulatedClock
from connector.warehouse.pipeline import sync
from tests.integration.stream_world import (
    GAME,
    PEOPLED,
    SHOP,
    SOURCE,
    START,
    World,
    environment,
    event_rows,
    open_world,
)


def test_empty_texts_are_null_or_kept_as_the_setting_says(world: World) -> None:
    row = {"event_name": "a", "event_json": "", "event_timestamp": ""}
    world.put(0, [row])
    world.sync()
    world.set(empty_text="keep")
    world.put(1, [row])
    assert world.sync().exit_code == 0
    rows = sorted(world.found()["event"], key=lambda found: str(found["_unit"]))
    assert [found["event_json"] for found in rows] == [None, ""]
    assert [found["event_timestamp"] for found in rows] == [None, None]


def test_empty_windows_are_passed_over_where_the_setting_says_so(world: World) -> None:
    world.sandbox.add_fault("empty_windows", mode="listed")
    world.set(download_empty="false")
    world.put(0, event_rows(2))
    report = world.sync()
    assert (report.exit_code, report.units_loaded, world.downloads()) == (0, 1, 1)


def test_a_loaded_window_that_is_emptied_is_emptied_even_where_empty_ones_are_passed_over(
    world: World,
) -> None:
    world.sandbox.add_fault("empty_windows", mode="listed")
    world.set(download_empty="false")
    world.put(0, event_rows(2))
    world.sync()
    world.put(0, [], update_timestamp=world.window(4))
    assert world.sync().exit_code == 0
    assert world.found()["event"] == []


def test_windows_settle_after_as_many_minutes_as_are_set(world: World) -> None:
    for place in range(4, 12):
        world.put(place, event_rows(1, f"w{place}"))
    world.set(settle_minutes="20")
    late = [place for place in range(4, 12) if world.window(place) + 360 + 1200 > START.timestamp()]
    report = world.sync()
    assert report.units_pending == len(late) > 2
    assert report.units_loaded == 8 - len(late) > 2
    world.set(settle_minutes="10")
    world.sync()
    world.compare()


def test_only_the_applications_named_are_loaded(tmp_path: Path) -> None:
    with open_world(PEOPLED, tmp_path, tables="event", application_ids=str(SHOP)) as world:
        assert world.sync().exit_code == 0
        assert {row["application_id"] for row in world.found()["units"]} == {str(SHOP)}
        assert {download["app"] for download in world.sandbox.requests()["downloads"]} == {SHOP}
        world.set(application_ids=f"{GAME},{SHOP}")
        assert world.sync().exit_code == 0
        world.compare()


def test_a_clock_that_is_behind_the_vendors_does_not_stop_loading(world: World) -> None:
    for place in range(5):
        world.put(place, event_rows(1, f"w{place}"))
    behind = SimulatedClock(START - timedelta(days=1))
    with environment(world.sandbox.env | world.env):
        report = sync(world.settings, [SOURCE], clock=behind)
    assert (report.exit_code, report.sources[SOURCE].units_loaded) == (0, 3)
    assert world.sync().units_loaded == 2
    world.compare()


def test_a_wrong_setting_is_named_and_nothing_is_asked(world: World) -> None:
    world.put(0, event_rows(1))
    for key, value in {"tables": "evnt", "parallel": "11", "application_ids": "my-app"}.items():
        broken = replace(world, env=dict(world.env))
        broken.set(**{key: value})
        report = broken.sync()
        assert report.exit_code == 2
        assert key in report.errors[0]
    assert world.sandbox.requests()["total"] == 0


def test_plain_http_to_another_host_is_refused_before_the_token_is_sent(world: World) -> None:
    world.put(0, event_rows(1))
    world.set(base_url="http://api.example.com")
    report = world.sync()
    assert report.exit_code == 2
    assert "https" in report.errors[0]
