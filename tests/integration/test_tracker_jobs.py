"""Exports as jobs: few requests, none lost, none asked for twice, none left behind."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli.app import app
from connector.journal import Journal
from connector.warehouse.run_report import ProgressEvent
from tests.integration.stream_world import environment
from tests.integration.tracker_world import (
    ALONE,
    FEW,
    HOUR_S,
    START,
    TrackerWorld,
    open_hours,
    tracker_rows,
    with_tracker,
)

SLOW = with_tracker(ALONE, prepare_s=600)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[TrackerWorld]:
    """Two hours, each of which takes the vendor ten minutes."""
    with open_hours(tmp_path, 2, SLOW) as world:
        yield world


@pytest.fixture
def hours(tmp_path: Path) -> Iterator[TrackerWorld]:
    with open_hours(tmp_path, 3) as world:
        yield world


def queue(world: TrackerWorld) -> list[dict[str, Any]]:
    """The exports that the vendor works on."""
    found: list[dict[str, Any]] = world.sandbox.mytracker_queue()["exports"]
    return found


def journal_jobs(world: TrackerWorld) -> dict[str, str]:
    journal = Journal(world.settings.journal)
    try:
        return journal.jobs("mytracker")
    finally:
        journal.close()


def forget_answers(world: TrackerWorld) -> None:
    """The journal as a kill leaves it between a request and its answer."""
    journal = Journal(world.settings.journal)
    journal._run("UPDATE jobs SET remote_id = ''")
    journal.close()


def heal(world: TrackerWorld) -> None:
    """Take all faults back: the next run ends well, and everything is there."""
    world.sandbox.remove_faults()
    assert world.quietly().units_pending == 0
    world.check()


def test_ten_minutes_of_the_vendors_work_are_few_polls(slow: TrackerWorld) -> None:
    slow.quietly()
    slow.check()
    assert slow.count("create") == slow.count("storage") == 2
    assert slow.count("get") <= 2 * 25
    assert slow.sandbox.mytracker_requests()["throttled"] == 0


def test_told_not_to_wait_it_asks_and_the_next_runs_take_the_exports_up(tmp_path: Path) -> None:
    with open_hours(tmp_path, 5, with_tracker(ALONE, prepare_s=240)) as world:
        pending = []
        for _ in range(4):
            report = world.sync(max_wait_s=0)
            assert (report.exit_code, report.errors, report.units_failed) == (0, [], 0)
            pending.append(report.units_pending)
            world.sandbox.clock.advance(250)
        assert pending == [5, 3, 1, 0]
        assert {made["times"] for made in world.creates()} == {1}
        assert len(world.creates()) == 5
        assert world.sandbox.mytracker_requests()["most_queued"] == 2
        assert journal_jobs(world) == {}
        world.check()


def test_an_export_for_other_selectors_is_not_taken_up(slow: TrackerWorld) -> None:
    slow.quietly(max_wait_s=0)
    slow.set(selectors=json.dumps({"customEvents": [*FEW, "idCountry"]}))
    slow.sandbox.clock.advance(700)
    slow.quietly()
    assert len(slow.creates()) == 4
    slow.check()


def test_an_export_asked_for_too_long_ago_is_asked_for_anew(slow: TrackerWorld) -> None:
    slow.quietly(max_wait_s=0)
    slow.sandbox.clock.advance(30 * HOUR_S)
    slow.quietly()
    assert [made["window_times"] for made in slow.creates()].count(2) == 2
    slow.check()


def test_a_queue_full_of_others_is_waited_for_and_they_are_left_alone(
    hours: TrackerWorld,
) -> None:
    hours.sandbox.add_foreign_exports(3, 900)
    others = {export["id"] for export in queue(hours)}
    hours.quietly()
    hours.check()
    made = hours.sandbox.mytracker_requests()
    assert hours.sandbox.clock.now() - START > timedelta(seconds=900)
    assert others & set(made["polls"]) == set()
    assert made["cancels"] == []
    assert len(made["refused"]) < 40
    assert len(made["creates"]) == 3


def test_exports_whose_answers_were_lost_are_found_in_the_full_queue(tmp_path: Path) -> None:
    with open_hours(tmp_path, 4, with_tracker(ALONE, places=2, prepare_s=600)) as world:
        world.set(max_jobs="1")
        world.sandbox.add_foreign_exports(1, 7_200)
        world.sandbox.add_fault("create_lost", how="reset", nth=2)
        world.sandbox.add_fault("create_lost", how="html", nth=5)
        world.quietly()
        assert len(world.creates()) == 4
        assert sum("taken for its own" in note for note in world.notes()) == 2
        world.check()


def test_where_the_queue_has_room_a_lost_export_is_asked_for_once_more(
    hours: TrackerWorld,
) -> None:
    hours.sandbox.add_fault("create_lost", times=2)
    hours.quietly()
    assert len(hours.creates()) == 5
    hours.check()


@pytest.mark.parametrize("places", [1, 3])
def test_a_run_killed_before_the_answer_came_doubles_no_row(tmp_path: Path, places: int) -> None:
    with open_hours(tmp_path, 2, with_tracker(SLOW, places=places), max_jobs="1") as world:
        world.quietly(max_wait_s=0)
        forget_answers(world)
        world.sandbox.clock.advance(60)
        world.quietly()
        assert len(world.creates()) == (2 if places == 1 else 3)
        world.check()


ODD: dict[str, dict[str, Any]] = {
    "failed once": {"kind": "raw_error"},
    "cancelled by somebody": {"kind": "raw_cancelled"},
    "forgotten": {"kind": "raw_forgotten"},
    "odd for a while": {"kind": "raw_status", "polls": 4},
    "upper": {"kind": "raw_status_case", "form": "upper"},
    "lower": {"kind": "raw_status_case", "form": "lower"},
    "bare": {"kind": "raw_status_case", "form": "bare"},
    "backwards": {"kind": "progress_backwards", "endpoint": "create", "polls": 4},
    "slow": {"kind": "never_ready", "endpoint": "create", "polls": 30},
}


def test_odd_states_end_well(tmp_path: Path) -> None:
    with open_hours(tmp_path, len(ODD)) as world:
        for number, fault in enumerate(ODD.values()):
            world.spoil(-number, **fault)
        world.quietly()
        assert [f["kind"] for f in world.sandbox.faults() if not f["used"]] == []
        again = {"raw_error", "raw_cancelled", "raw_forgotten"}
        assert len(world.creates()) == len(ODD) + len(again)
        world.check()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "always fails": ({"kind": "raw_error"}, "Error occurred"),
    "always cancelled": ({"kind": "raw_cancelled"}, "Canceled by user"),
    "odd for ever": ({"kind": "raw_status", "status": "Waiting for Godot"}, "Waiting for Godot"),
    "never ends": ({"kind": "never_ready", "endpoint": "create"}, "is not ready 0:30:00 after"),
    "stands": ({"kind": "stuck", "endpoint": "create"}, "is not ready 0:30:00 after"),
    "refused": ({"kind": "raw_user_error", "text": "Wrong moon"}, "Wrong moon"),
}


def test_exports_that_never_come_fail_by_name_and_stop_no_other(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2 + len(BAD), deadline_hours="0.5") as world:
        units = {}
        for number, (name, (fault, _)) in enumerate(BAD.items()):
            units[name] = world.put_rows(-2 - number, tracker_rows(world, -2 - number, 3))
            world.spoil(-2 - number, **fault, times=-1)
        report = world.sync(max_wait_s=4 * HOUR_S)
        assert (report.units_loaded, report.units_failed, report.units_pending) == (2, len(BAD), 0)
        for name, (_, said) in BAD.items():
            (error,) = [text for text in report.errors if text.startswith(units[name])]
            assert said in error
        assert [made["window_times"] for made in world.creates()].count(5) == 2
        assert queue(world) == []
        assert len(world.sandbox.mytracker_requests()["cancels"]) == 3
        assert world.sandbox.mytracker_requests()["throttled"] == 0
        world.check()
        heal(world)


def test_ctrl_c_takes_back_what_can_be(hours: TrackerWorld) -> None:
    hours.sandbox.add_fault("never_ready", endpoint="create", times=-1)

    waiting: set[str] = set()
    both = threading.Event()

    def interrupt(event: ProgressEvent) -> None:
        """What the terminal does once two exports are in work."""
        if event.kind == "waiting":
            waiting.add(event.text.partition(" ")[0])
        if len(waiting) == 2:
            both.set()
        if event.kind == "planned":
            assert both.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hours.run(progress=interrupt)
    assert queue(hours) == []
    assert [c["code"] for c in hours.sandbox.mytracker_requests()["cancels"]] == [200, 200]
    assert journal_jobs(hours) == {}
    heal(hours)


def connector(world: TrackerWorld, *words: str) -> dict[str, Any]:
    """What the command line answers, as JSON."""
    places = {
        "CONNECTOR__HOME": str(world.settings.home),
        "CONNECTOR__WAREHOUSE": str(world.settings.warehouse),
    }
    with environment(world.sandbox.env | world.env | places):
        result = CliRunner().invoke(app, [*words, "--json"], prog_name="connector")
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["exit_code"] == result.exit_code == 0
    return answer


def test_jobs_lists_exports_and_takes_them_back(slow: TrackerWorld) -> None:
    slow.quietly(max_wait_s=0)
    slow.sandbox.clock.advance(120)
    listed = connector(slow, "jobs", "list", "mytracker")["jobs"]
    assert {job["unit"]: job["id"] for job in listed} == {
        unit: job.partition(":")[0] for unit, job in journal_jobs(slow).items()
    }
    assert [job["progress"] for job in listed] == [0.2, 0.2]
    (one,) = connector(slow, "jobs", "cancel", listed[0]["id"])["cancelled"]
    assert one["was_there"] is True
    assert [export["id"] for export in queue(slow)] == [listed[1]["id"]]
    slow.sandbox.clock.advance(300)
    (two,) = connector(slow, "jobs", "cancel", "--all")["cancelled"]
    assert two["was_there"] is False  # too far to be taken back
    assert journal_jobs(slow) == {}
    slow.quietly()
    slow.check()


def test_exports_of_an_event_that_is_loaded_no_more_are_taken_back(slow: TrackerWorld) -> None:
    slow.quietly(max_wait_s=0)
    slow.sandbox.clock.advance(60)
    slow.set(events="sessions", selectors='{"sessions": ["tsEvent", "tsInsert"]}')
    slow.quietly(max_wait_s=0)
    assert {export["event"] for export in queue(slow)} == {"sessions"}
    assert sum("taken back" in note for note in slow.notes()) == 2


def test_long_histories_stay_within_the_quotas(tmp_path: Path) -> None:
    scenario = with_tracker(ALONE, requests_per_hour=70, has_download_quota=True)
    with open_hours(tmp_path, 40, scenario, hourly_request_cap="60") as world:
        world.quietly(max_wait_s=6 * HOUR_S)
        assert world.sandbox.mytracker_requests()["throttled"] == 0
        assert world.sandbox.clock.now() - START > timedelta(hours=2)
        world.check()


def test_a_run_without_time_for_the_quota_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    with open_hours(tmp_path, 10, hourly_request_cap="12") as world:
        report = world.sync(max_wait_s=600)
        assert (report.exit_code, report.units_failed) == (0, 0)
        assert report.units_loaded + report.units_pending == 10
        assert 0 < report.units_loaded < 5
        world.sandbox.clock.advance(HOUR_S)
        assert world.quietly(max_wait_s=6 * HOUR_S).units_pending == 0
        assert len(world.creates()) == len({made["span"][0] for made in world.creates()})
        world.check()
