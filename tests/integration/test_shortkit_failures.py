"""Refusals, quotas, keys and broken answers: what is waited for, what ends the run, how it heals."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.warehouse.run_report import ProgressEvent
from tests.integration.shortkit_world import (
    ALONE,
    START,
    ShortkitWorld,
    open_days,
    open_single_days,
    show_day,
    with_shortkit,
)

SIGNATURE = re.compile(rb"Signature=[0-9a-f]{8}")
NOT_THIS_KEY = ("sources.shortkit.token", "sk_live_", "not pk_")


@pytest.fixture
def days(tmp_path: Path) -> Iterator[ShortkitWorld]:
    with open_days(tmp_path, 3, max_jobs="1") as world:
        yield world


@pytest.mark.parametrize(
    ("hint", "waits"), [("30", [30.0]), ("", [1.0, 2.0, 4.0])], ids=["told", "untold"]
)
def test_throttling_is_waited_out_as_long_as_it_says(
    tmp_path: Path, hint: str, waits: list[float]
) -> None:
    with open_days(tmp_path, 1, with_shortkit(ALONE, prepare_s=0), data_types="ads") as world:
        throttle = {"retry_after": hint, "times": len(waits)}
        world.sandbox.add_fault("video_throttled", endpoint="video_status", **throttle)
        world.quietly()
        assert (world.sandbox.clock.now() - START).total_seconds() == sum(waits)
        world.check()


def test_a_create_that_is_throttled_is_sent_again_and_counts_as_no_job(
    days: ShortkitWorld,
) -> None:
    days.set(daily_jobs="4", reserve_jobs="2")
    days.sandbox.add_fault("video_throttled", endpoint="video_create", times=5)
    days.quietly()
    assert len(days.creates()) == 2
    days.check()


def test_the_quota_of_the_month_ends_the_run_and_the_next_month_goes_on(
    days: ShortkitWorld,
) -> None:
    days.sandbox.add_fault("video_quota", endpoint="video_create", nth=2)
    report = days.sync()
    assert report.exit_code == 4
    assert report.units_loaded == 1
    assert "Monthly quota exceeded" in report.errors[0]
    asked = sum(days.sandbox.shortkit_requests()["counts"].values())
    assert days.sync().exit_code == 4
    assert sum(days.sandbox.shortkit_requests()["counts"].values()) <= asked + 3
    days.sandbox.clock.set(datetime(2026, 4, 1, 6, 0, tzinfo=UTC))
    assert days.quietly().units_pending == 0
    assert len(days.units()) == 3 * 25
    days.check()


@pytest.mark.parametrize("error", ["KEY_REVOKED", "ENVIRONMENT_MISMATCH"])
def test_a_key_that_is_revoked_mid_run_stops_it_and_loses_nothing(
    tmp_path: Path, error: str
) -> None:
    with open_single_days(tmp_path, 6, max_jobs="1") as world:
        world.sandbox.add_fault("video_denied", nth=8, error=error, times=-1)
        report = world.sync()
        assert report.exit_code == 3
        assert 1 <= report.units_loaded <= 4
        assert report.units_loaded + report.units_failed + report.units_pending == 6
        said = " ".join([*report.errors, *world.notes()])
        assert all(part in said for part in NOT_THIS_KEY)
        assert world.sandbox.scenario.live_key not in said
        assert len(world.units()) == report.units_loaded
        asked = {made["id"] for made in world.creates()}
        world.heal()
        assert asked <= {made["id"] for made in world.creates()}
        loaded_once = [first for first, _ in world.windows()]
        assert len([day for day in set(loaded_once) if loaded_once.count(day) > 1]) <= 3


@pytest.mark.parametrize("key", ["pk_live_invented", "the other environment", "sk_live_unknown"])
def test_a_wrong_key_ends_the_run_before_anything_is_asked_for(tmp_path: Path, key: str) -> None:
    with open_days(tmp_path, 3) as world:
        token = world.sandbox.scenario.test_key if key.startswith("the other") else key
        world.set(token=token)
        report = world.sync()
        assert report.exit_code == 3
        assert "sources.shortkit.token" in report.errors[0]
        assert token not in str(report.errors)
        assert world.creates() == []
        assert world.count("video_create") <= 3
        assert not world.found().get("events")
        world.set(token=world.sandbox.scenario.live_key)
        world.heal()


def test_both_envelopes_of_errors_are_read(tmp_path: Path) -> None:
    for envelope in ("v1", "v2"):
        scenario = with_shortkit(ALONE, envelope=envelope)
        with open_days(
            tmp_path / envelope, 1, scenario, max_days="31", start="2025-12-12"
        ) as world:
            report = world.sync()
            assert (report.exit_code, report.units_loaded) == (3, 2)
            assert "Maximum range is 30 days" in str(report.errors)
            assert "endDate" in str(report.errors)


ONCE: dict[str, dict[str, Any]] = {
    "status 503": {"kind": "status", "endpoint": "video_status", "code": 503},
    "status page": {"kind": "status", "endpoint": "video_status", "code": 502, "body": "html"},
    "status 500 empty": {
        "kind": "status",
        "endpoint": "video_status",
        "code": 500,
        "body": "empty",
    },
    "status 200 page": {"kind": "status", "endpoint": "video_status", "code": 200, "body": "html"},
    "status half": {"kind": "status", "endpoint": "video_status", "code": 200, "text": '{"data":{'},
    "status dropped": {"kind": "reset", "endpoint": "video_status"},
    "create 503": {"kind": "status", "endpoint": "video_create", "code": 503},
    "create page": {"kind": "status", "endpoint": "video_create", "code": 200, "body": "html"},
    "create dropped": {"kind": "reset", "endpoint": "video_create"},
    "file 503": {"kind": "status", "endpoint": "video_file", "code": 503},
    "file dropped": {"kind": "reset", "endpoint": "video_file"},
    "file page": {"kind": "status", "endpoint": "video_file", "code": 200, "body": "html"},
    "file cut": {"kind": "cut", "endpoint": "video_file", "at_bytes": 40},
}


def test_what_goes_wrong_once_is_tried_again(tmp_path: Path) -> None:
    with open_single_days(tmp_path, len(ONCE)) as world:
        for number, fault in enumerate(ONCE.values()):
            world.spoil(-number, **fault)
        world.quietly()
        assert [f for f in world.sandbox.faults() if not f["used"]] == []
        assert len(world.creates()) == len(ONCE)
        world.check()


def test_a_vendor_that_is_down_is_not_asked_for_every_day(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 12, retries="0") as world:
        world.sandbox.add_fault("status", endpoint="shortkit", code=503, times=-1)
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 0)
        assert report.units_failed + report.units_pending == 12
        assert report.units_pending > 0
        world.heal()


def test_the_key_and_links_are_in_no_file_no_log_no_error_and_no_warehouse(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with open_single_days(tmp_path, 4, retries="1") as world:
        secret = world.sandbox.scenario.live_key
        for place, code in ((0, 400), (-1, 500), (-2, 200)):
            echo = {"code": code, "text": f"no {secret} for you"}
            world.spoil(place, "status", endpoint="video_status", times=-1, **echo)
        world.spoil(-3, "video_link_dead", times=-1, on_get="same")
        report = world.sync()
        assert report.exit_code != 0
        said = [str(report.to_json()), *(event.text for event in world.said)]
        said += [r.getMessage() for r in caplog.records if not r.name.startswith("http")]
        assert [text for text in said if secret in text or SIGNATURE.search(text.encode())] == []
        assert secret not in caplog.text
        world.heal()
        with duckdb.connect(str(world.settings.warehouse)) as connection:
            connection.execute("CHECKPOINT")
    texts = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert [p for p, text in texts.items() if secret.encode() in text] == []
    assert [p for p, text in texts.items() if SIGNATURE.search(text)] == []


def test_a_run_without_time_for_a_throttled_vendor_leaves_the_rest_to_the_next(
    days: ShortkitWorld,
) -> None:
    days.sandbox.add_fault("video_throttled", endpoint="video_status", times=-1, retry_after="60")
    report = days.sync(max_wait_s=100)
    assert (report.exit_code, report.units_loaded, report.units_pending) == (0, 0, 2)
    days.heal()


def test_a_run_that_is_interrupted_between_loads_goes_on(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 5, max_jobs="1") as world:
        whole = world.settings
        world.settings = replace(whole, max_run_bytes=100)

        def stop(event: ProgressEvent) -> None:
            if event.kind == "loaded":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            world.run(progress=stop)
        world.settings = whole
        assert len(world.units()) == 1
        world.heal()
        assert {show_day(-n) for n in range(5)} == {first for first, _ in world.windows()}
