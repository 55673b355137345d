"""Refusals, quotas and broken answers: what the run waits for, what it ends with, how it heals."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.warehouse.run_report import ProgressEvent
from tests.integration.tracker_truth import Wanted
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

POLL_S = 15  # what an export takes by itself here
BOTH = {"customEvents": FEW, "sessions": ("tsEvent", "tsInsert", "idNonsense")}


@pytest.fixture
def hours(tmp_path: Path) -> Iterator[TrackerWorld]:
    with open_hours(tmp_path, 3) as world:
        yield world


def heal(world: TrackerWorld) -> None:
    """Take all faults back: the next run ends well, and everything is there."""
    world.sandbox.remove_faults()
    assert world.quietly().units_pending == 0
    world.check()


THROTTLED = (
    ({"hint": "resetInSecond"}, 101),
    ({"hint": "resetIn"}, 101),
    ({"hint": ""}, 60),
    ({"hint": "resetIn", "code_in": "body"}, 101),
    ({"code_in": "html"}, 60),
)


def test_a_refusal_for_quota_is_waited_out_as_long_as_it_says(tmp_path: Path) -> None:
    with open_hours(tmp_path, len(THROTTLED), max_jobs="1") as world:
        for number, (fault, _) in enumerate(THROTTLED):
            nth = 2 * number + 1
            world.sandbox.add_fault("raw_quota", endpoint="create", seconds=100, nth=nth, **fault)
        world.quietly()
        moments = [START.timestamp() - POLL_S, *(made["at"] for made in world.creates())]
        waits = [later - before - POLL_S for before, later in pairwise(moments)]
        assert waits == [wait_s for _, wait_s in THROTTLED]
        world.check()


def test_all_requests_wait_out_a_refusal_and_a_block(hours: TrackerWorld) -> None:
    for endpoint in ("get", "storage"):
        hours.sandbox.add_fault("raw_quota", endpoint=endpoint, seconds=40)
    hours.sandbox.add_fault("error_block", endpoint="get", nth=3, seconds=120)
    hours.quietly()
    assert [fault["used"] for fault in hours.sandbox.faults()] == [1, 1, 1]
    assert hours.sandbox.mytracker_requests()["throttled"] <= 6
    assert hours.sandbox.clock.timestamp() - START.timestamp() > 150
    hours.check()


def test_a_quota_that_does_not_clear_leaves_the_rest_to_the_next_run(hours: TrackerWorld) -> None:
    assert hours.quietly(max_units=1).units_loaded == 1
    hours.sandbox.add_fault("raw_quota", endpoint="create", times=-1, seconds=600)
    report = hours.sync(max_wait_s=3_000)
    assert (report.exit_code, report.units_loaded, report.units_pending) == (0, 0, 2)
    assert hours.sandbox.mytracker_requests()["by_code"]["create 429"] < 15
    hours.check()
    heal(hours)


def test_a_key_that_is_renewed_mid_run_stops_it_and_the_settings_are_named(
    tmp_path: Path,
) -> None:
    with open_hours(tmp_path, 6) as world:
        secret = world.sandbox.scenario.secret_key

        def renew(event: ProgressEvent) -> None:
            world.said.append(event)
            if event.kind == "fetched":
                world.sandbox.change_secret("a new one")

        report = world.run(progress=renew).sources["mytracker"]
        assert report.exit_code == 3
        assert 1 <= report.units_loaded <= 2
        assert report.units_loaded + report.units_failed + report.units_pending == 6
        said = " ".join([*report.errors, *(event.text for event in world.said)])
        assert "sources.mytracker.api_user_id and secret_key" in said
        assert secret not in said
        refused = world.sandbox.mytracker_requests()["by_code"]
        assert sum(count for code, count in refused.items() if code.endswith(" 403")) <= 4
        world.check()
        world.set(secret_key="a new one")
        heal(world)


def test_a_refused_event_is_asked_for_once_and_stops_no_other(hours: TrackerWorld) -> None:
    hours.set(events="customEvents,sessions", selectors=json.dumps(BOTH), max_jobs="1")
    report = hours.sync()
    assert (report.exit_code, report.units_loaded, report.units_failed) == (3, 3, 3)
    assert all("Argument 'selectors' is invalid" in text for text in report.errors)
    (refused,) = hours.sandbox.mytracker_requests()["refused"]
    assert dict(refused["params"])["event"] == "sessions"
    assert any("idNonsense" in note for note in hours.notes())
    hours.check(Wanted({"customEvents": FEW}))
    hours.set(selectors=json.dumps(BOTH | {"sessions": ("tsEvent", "tsInsert")}))
    heal(hours)


def test_an_app_of_somebody_else_is_refused_by_name(hours: TrackerWorld) -> None:
    hours.set(id_apps="100001,999")
    report = hours.sync()
    assert (report.exit_code, report.units_loaded) == (3, 0)
    assert "Export permissions required" in report.errors[0]


def test_a_full_queue_that_says_so_with_status_200_is_one(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2, with_tracker(ALONE, code_in="body")) as world:
        world.sandbox.add_foreign_exports(3, 300)
        world.quietly()
        world.check()


ONCE: dict[str, dict[str, Any]] = {
    "get 503": {"kind": "status", "endpoint": "get", "code": 503},
    "get page": {"kind": "status", "endpoint": "get", "code": 502, "body": "html"},
    "get 500 empty": {"kind": "status", "endpoint": "get", "code": 500, "body": "empty"},
    "get 200 page": {"kind": "status", "endpoint": "get", "code": 200, "body": "html"},
    "get 200 empty": {"kind": "status", "endpoint": "get", "code": 200, "body": "empty"},
    "get dropped": {"kind": "reset", "endpoint": "get"},
    "create 503": {"kind": "status", "endpoint": "create", "code": 503, "nth": 2},
    "create page": {"kind": "status", "endpoint": "create", "code": 200, "body": "html", "nth": 5},
    "create dropped": {"kind": "reset", "endpoint": "create", "nth": 9},
    "storage 503": {"kind": "status", "endpoint": "storage", "code": 503},
    "storage dropped": {"kind": "reset", "endpoint": "storage"},
    "storage page": {"kind": "status", "endpoint": "storage", "code": 200, "body": "html"},
    "storage cut": {"kind": "cut", "endpoint": "storage", "at_bytes": 40},
    "get half": {"kind": "status", "endpoint": "get", "code": 200, "text": '{"code":200,"mes'},
    "get list": {"kind": "status", "endpoint": "get", "code": 200, "text": "[1]"},
    "get no data": {"kind": "status", "endpoint": "get", "code": 200, "text": '{"data":[]}'},
    "get later": {"kind": "slow", "endpoint": "get", "seconds": 0.05},
}


def test_what_goes_wrong_once_is_tried_again(tmp_path: Path) -> None:
    with open_hours(tmp_path, len(ONCE)) as world:
        for number, fault in enumerate(ONCE.values()):
            if fault["endpoint"] == "create":  # of what range it is nobody knows yet
                world.sandbox.add_fault(**fault)
            else:
                world.spoil(-number, **fault)
        world.quietly()
        assert [f for f in world.sandbox.faults() if not f["used"]] == []
        assert world.sandbox.mytracker_requests()["throttled"] == 0
        world.check()


ALWAYS: dict[str, tuple[dict[str, Any], str]] = {
    "get 500": ({"kind": "status", "endpoint": "get", "code": 500}, "500"),
    "get 400": ({"kind": "status", "endpoint": "get", "code": 400}, "400"),
    "storage 400": ({"kind": "status", "endpoint": "storage", "code": 400}, "400"),
    "storage 404": ({"kind": "status", "endpoint": "storage", "code": 404}, "404"),
}


def test_what_stays_wrong_fails_by_name_stops_no_other_and_heals(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2 + len(ALWAYS), retries="1") as world:
        units = {}
        for number, (name, (fault, _)) in enumerate(ALWAYS.items()):
            units[name] = world.put_rows(-1 - number, tracker_rows(world, -1 - number, 2))
            world.spoil(-1 - number, **fault, times=-1)
        report = world.sync(max_wait_s=4 * HOUR_S)
        assert (report.units_loaded, report.units_failed) == (2, len(ALWAYS))
        for name, (_, said) in ALWAYS.items():
            (error,) = [text for text in report.errors if text.startswith(units[name])]
            assert said in error
        world.check()
        heal(world)


def test_a_vendor_that_is_down_is_not_asked_for_every_interval(tmp_path: Path) -> None:
    with open_hours(tmp_path, 12, retries="0") as world:
        world.sandbox.add_fault("status", endpoint="mytracker", code=503, times=-1)
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 0)
        assert report.units_failed + report.units_pending == 12
        assert report.units_pending > 0
        heal(world)


def test_the_key_is_in_no_file_no_log_no_error_and_no_warehouse(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with open_hours(tmp_path, 3, retries="1") as world:
        secret = world.sandbox.scenario.secret_key
        for place, code in ((0, 400), (-1, 500), (-2, 200)):
            echo = {"code": code, "text": f"no {secret} for you"}
            world.spoil(place, "status", endpoint="get", times=-1, **echo)
        report = world.sync()
        assert report.exit_code != 0
        said = [str(report.to_json()), caplog.text, *(event.text for event in world.said)]
        assert [text for text in said if secret in text] == []
        heal(world)
        with duckdb.connect(str(world.settings.warehouse)) as connection:
            connection.execute("CHECKPOINT")
    holders = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]
    assert holders == []
