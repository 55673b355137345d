"""Broken answers and files: what the run ends with, what is kept, and how the next run heals it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.warehouse.run_report import SourceReport
from tests.integration.logs_world import (
    ALONE,
    TWO_APPS,
    LogsWorld,
    log_rows,
    open_days,
    open_logs,
    with_logs,
)
from tests.integration.stream_world import GAME, SHOP


@pytest.fixture
def days(tmp_path: Path) -> Iterator[LogsWorld]:
    with open_days(tmp_path, 3) as world:
        yield world


def heal(world: LogsWorld) -> None:
    """Take all faults back: the next run ends well, and everything is there."""
    world.sandbox.remove_faults()
    report = world.quietly()
    assert report.units_pending == 0
    world.check()
    assert world.quietly().units_loaded == 0


def download(kind: str, **params: Any) -> dict[str, Any]:
    return {"kind": kind, "endpoint": "download", **params}


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "truncated": (download("cut", at_bytes=40), "cut off"),
    "cut in chunks": (download("cut", at_bytes=40, framing="chunked"), "cut off"),
    "cut and closed": (download("cut", at_bytes=40, framing="clean"), "trailer"),
    "no trailer": (download("gzip_no_trailer"), "trailer"),
    "cut in quotes": (download("csv_cut_in_quotes"), "quote"),
    "more rows": (download("rows_number", off_by=1), "declares"),
    "fewer rows": (download("rows_number", off_by=-1), "declares"),
    "html": (download("status", code=200, body="html"), "page"),
    "text": (download("status", code=200, text="Sorry, come again later"), "column"),
    "json": (download("status", code=200, body="json"), "column"),
    "empty": (download("status", code=200, body="empty"), "empty"),
    "400": (download("status", code=400, text="Wrong date"), "Wrong date"),
    "404": (download("status", code=404), "404"),
    "400 at once": ({"kind": "status", "endpoint": "prepare", "code": 400}, "400"),
    "404 at once": ({"kind": "status", "endpoint": "prepare", "code": 404}, "404"),
    "500": ({"kind": "status", "endpoint": "prepare", "code": 500}, "500"),
    "unknown field": ({"kind": "unknown_field", "field": "event_json"}, "event_json"),
    "other header": ({"kind": "schema_change", "reverse": True}, "header"),
    "missing column": ({"kind": "schema_change", "remove": ["event_json"]}, "header"),
    "extra column": ({"kind": "schema_change", "unknown": ["surprise"]}, "header"),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """A sync in which several days could not be had, each for a reason of its own."""

    world: LogsWorld
    report: SourceReport
    units: dict[str, str]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failed]:
    folder = tmp_path_factory.mktemp("failed")
    with open_days(folder, 2 + len(BROKEN), retries="1") as world:
        units = {}
        for number, (name, (fault, _)) in enumerate(BROKEN.items()):
            place = -2 - number
            units[name] = world.put_rows(place, log_rows(world, place, 3, name))
            world.spoil(place, **fault, times=-1)
        yield Failed(world, world.sync(), units)


@pytest.mark.parametrize("name", BROKEN)
def test_an_export_that_cannot_be_had_fails_by_name(failed: Failed, name: str) -> None:
    said = BROKEN[name][1]
    (error,) = [text for text in failed.report.errors if failed.units[name] in text]
    assert said in error


def test_exports_that_cannot_be_had_stop_no_other_and_heal(failed: Failed) -> None:
    report = failed.report
    assert (report.exit_code, report.units_loaded, report.units_pending) == (3, 2, 0)
    assert report.units_failed == len(report.errors) == len(BROKEN)
    failed.world.check(without=list(failed.units.values()))
    heal(failed.world)


JSON_BROKEN: dict[str, dict[str, Any]] = {
    "unclosed": download("json_unclosed"),
    "cut": download("cut", at_bytes=60, framing="clean"),
    "more rows": download("rows_number", off_by=1),
    "html": download("status", code=200, body="html"),
    "sentence": download("status", code=200, text="Sorry, come again later"),
}


def test_json_that_is_no_whole_file_is_never_loaded(tmp_path: Path) -> None:
    with open_days(tmp_path, 1 + len(JSON_BROKEN), format="json", retries="1") as world:
        for number, fault in enumerate(JSON_BROKEN.values()):
            world.spoil(-1 - number, **fault, times=-1)
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 1)
        assert report.units_failed == len(JSON_BROKEN)
        world.check()
        heal(world)


ONCE: dict[str, dict[str, Any]] = {
    "cut": download("cut", at_bytes=40),
    "no trailer": download("gzip_no_trailer"),
    "in quotes": download("csv_cut_in_quotes"),
    "rows": download("rows_number", off_by=1),
    "html": download("status", code=200, body="html"),
    "empty": download("status", code=200, body="empty"),
    "sentence": download("body202_as_200"),
    "progress": download("body202_as_200", text="Wait for result. Progress is 94%."),
    "added": {"kind": "body202_as_200", "text": "Your query is added to the queue."},
    "500": {"kind": "status", "endpoint": "prepare", "code": 500},
    "503": {"kind": "status", "endpoint": "prepare", "code": 503, "retry_after": "3"},
    "503 later": download("status", code=503),
    "reset": {"kind": "reset", "endpoint": "prepare"},
    "reset later": download("reset"),
    "420": {"kind": "quota", "code": 420, "endpoint": "prepare"},
    "429": {"kind": "quota", "code": 429, "retry_after": "7", "endpoint": "prepare"},
    "429 later": download("quota", code=429),
    "full": {"kind": "queue_full", "endpoint": "prepare"},
    "expired": {"kind": "file_expired", "downloads": 1},
}


def test_what_goes_wrong_once_is_tried_again(tmp_path: Path) -> None:
    with open_days(tmp_path, len(ONCE)) as world:
        for number, fault in enumerate(ONCE.values()):
            world.spoil(-number, **fault)
        world.quietly()
        assert [f for f in world.sandbox.faults() if not f["used"]] == []
        world.check()


def test_no_rows_number_is_no_reason_to_fail(tmp_path: Path) -> None:
    with open_days(tmp_path, 2, with_logs(ALONE, rows_number=False)) as world:
        world.quietly()
        world.check()
        assert {row["declared_rows"] for row in world.found()["units"]} == {None}


def test_a_rows_number_that_is_not_to_count_is_not_counted(days: LogsWorld) -> None:
    days.set(check_rows_number="false")
    days.spoil(0, "rows_number", off_by=5, endpoint="download", times=-1)
    days.quietly()
    days.check()


def test_an_unknown_field_is_left_out_with_a_warning_where_that_is_allowed(
    days: LogsWorld,
) -> None:
    days.set(drop_unknown_fields="true")
    days.sandbox.add_fault("unknown_field", endpoint="export", field="event_json", times=-1)
    days.quietly()
    assert any("event_json" in note for note in days.notes())
    rows = days.found()["events"]
    assert len(rows) == 9
    assert {row.get("event_json") for row in rows} == {None}
    assert None not in {row["event_name"] for row in rows}


def test_an_unknown_field_is_named_together_with_the_setting(days: LogsWorld) -> None:
    days.spoil(0, "unknown_field", field="event_json", times=-1)
    (error,) = days.sync().errors
    assert "event_json" in error
    assert "sources.appmetrica_logs.fields" in error
    assert "drop_unknown_fields" in error


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("endpoint", ["prepare", "download"])
def test_a_refusal_is_not_tried_again_and_names_the_setting(
    tmp_path: Path, code: int, endpoint: str
) -> None:
    with open_days(tmp_path, 2, TWO_APPS) as world:
        fault = world.sandbox.add_fault("status", endpoint=endpoint, code=code, app=GAME, times=-1)
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (3, 2)
        assert "sources.appmetrica_logs.token" in report.errors[0]
        assert "appmetrica:read" in report.errors[0]
        (seen,) = [f["used"] for f in world.sandbox.faults() if f["id"] == fault]
        assert seen <= 2
        assert {u["application_id"] for u in world.found()["units"]} == {str(SHOP)}
        heal(world)


@pytest.mark.parametrize("fault", [{"code": 429}, {"code": 420}])
def test_a_quota_that_does_not_clear_ends_with_exit_4_and_keeps_what_is_there(
    days: LogsWorld, fault: dict[str, Any]
) -> None:
    days.set(retries="1", application_ids=str(GAME))
    assert days.quietly(max_units=1).units_loaded == 1
    days.sandbox.add_fault("quota", endpoint="prepare", **fault, times=-1)
    report = days.sync()
    assert (report.exit_code, report.units_loaded) == (4, 0)
    assert report.units_failed + report.units_pending == 2
    days.check()
    heal(days)


def test_our_own_cap_of_requests_keeps_finished_units(days: LogsWorld) -> None:
    days.set(daily_request_cap="14")
    report = days.sync()
    assert report.exit_code == 4
    assert 1 <= report.units_loaded <= 2
    assert any("requests of this day are used up" in text for text in report.errors)
    days.check()
    days.sandbox.clock.advance(12.1 * 3600)
    days.set(daily_request_cap="2500")
    days.put_rows(1, log_rows(days, 1, 2))
    days.quietly()
    days.check()


def test_an_application_the_token_does_not_see_stops_no_other(days: LogsWorld) -> None:
    days.set(application_ids=f"{GAME},999")
    report = days.sync()
    assert (report.exit_code, report.units_loaded) == (3, 3)
    assert "999" in report.errors[0]
    days.check()


def test_the_token_is_in_no_file_no_log_no_error_and_no_warehouse(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with open_logs(ALONE, tmp_path, tables="events", retries="1") as world:
        token = world.sandbox.scenario.read_token
        world.set(start="2026-03-07")
        echo = f"no {token} for you"
        for place, code in ((0, 400), (-1, 500), (-2, 200)):
            world.spoil(place, "status", endpoint="prepare", code=code, text=echo, times=-1)
        report = world.sync()
        assert report.exit_code != 0
        said = [str(report.to_json()), caplog.text, *(event.text for event in world.said)]
        assert [text for text in said if token in text] == []
        world.sandbox.remove_faults()
        world.quietly()
        with duckdb.connect(str(world.settings.warehouse)) as connection:
            connection.execute("CHECKPOINT")
    holders = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and token.encode() in path.read_bytes()
    ]
    assert holders == []
