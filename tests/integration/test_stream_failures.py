"""Faults that outlast a run: what it ends with, what is kept, and how the next run heals it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connector.journal import Journal
from connector.warehouse.run_report import SourceReport
from tests.integration.stream_world import EMPTY, START, World, event_rows, open_world

PLACES = range(5)


def fill(world: World) -> list[str]:
    """Five windows of three rows each; the ids of their units."""
    return [world.put(place, event_rows(3, f"w{place}")) for place in PLACES]


def heal(world: World) -> None:
    """Take all faults back: the next run ends well, and everything is there."""
    world.sandbox.remove_faults()
    report = world.sync()
    assert (report.exit_code, report.errors, report.units_pending) == (0, [], 0)
    world.compare()
    assert world.sync().units_loaded == 0


UNANSWERED: dict[str, dict[str, Any]] = {
    "503": {"kind": "status", "code": 503},
    "reset": {"kind": "reset", "endpoint": "data"},
}
NO_FILE: dict[str, tuple[dict[str, Any], str, int]] = {
    "500": ({"kind": "status", "code": 500}, "500", 1),
    "html": ({"kind": "status", "code": 200, "body": "html"}, "page", 3),
    "text": ({"kind": "status", "code": 200, "text": "Sorry, come again later"}, "column", 3),
    "json": ({"kind": "status", "code": 200, "body": "json"}, "column", 3),
    "empty": ({"kind": "status", "code": 200, "body": "empty"}, "empty", 3),
    "truncated": ({"kind": "cut", "at_bytes": 40}, "cut off", 3),
    "no_trailer": ({"kind": "gzip_no_trailer"}, "trailer", 3),
    "404": ({"kind": "status", "code": 404}, "still lists", 3),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """A sync in which several windows could not be had, each for a reason of its own."""

    world: World
    report: SourceReport
    units: dict[str, str]
    faults: dict[str, int]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failed]:
    with open_world(EMPTY, tmp_path_factory.mktemp("failed"), tables="event") as world:
        fill(world)
        units, faults = {}, {}
        for place, (name, (fault, _, _)) in enumerate(NO_FILE.items(), start=-len(NO_FILE)):
            units[name] = world.put(place, event_rows(3, name))
            faults[name] = world.fail(place, **fault, times=-1)
        yield Failed(world, world.sync(), units, faults)


@pytest.mark.parametrize("name", NO_FILE)
def test_a_window_that_cannot_be_had_fails_by_name(failed: Failed, name: str) -> None:
    _, said, tries = NO_FILE[name]
    (error,) = [text for text in failed.report.errors if failed.units[name] in text]
    assert said in error
    assert failed.world.seen(failed.faults[name]) == tries


def test_windows_that_cannot_be_had_stop_no_other_and_heal(failed: Failed) -> None:
    report = failed.report
    assert (report.exit_code, report.units_loaded, report.units_pending) == (4, len(PLACES), 0)
    assert report.units_failed == len(report.errors) == len(NO_FILE)
    failed.world.compare(without=tuple(failed.units.values()))
    heal(failed.world)


@pytest.mark.parametrize("name", UNANSWERED)
def test_a_window_without_an_answer_fails_alone_and_heals(world: World, name: str) -> None:
    units = fill(world)
    struck = world.fail(2, **UNANSWERED[name], times=-1)
    report = world.sync()
    assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 4, 1)
    assert units[2] in report.errors[0]
    assert world.seen(struck) == 6
    world.compare(without=(units[2],))
    heal(world)


@pytest.mark.parametrize(
    ("code", "retry_after"), [(429, ""), (420, "2"), (429, "7200"), (503, ""), (503, "7200")]
)
def test_a_vendor_that_turns_everybody_away_ends_the_run_and_keeps_what_is_finished(
    world: World, code: int, retry_after: str
) -> None:
    fill(world)
    world.set(parallel="1")
    struck = world.sandbox.add_fault(
        "status", endpoint="data", code=code, retry_after=retry_after, nth=3, times=-1
    )
    report = world.sync()
    assert (report.exit_code, report.units_loaded) == (4, 2)
    assert str(code) in report.errors[0]
    asked_again = world.seen(struck) - 2
    tries = 1 if retry_after == "7200" else 6
    assert asked_again == (tries if code != 503 else 3 * tries)
    assert report.units_failed + report.units_pending == 3
    found = {row["unit"] for row in world.found()["units"]}
    expected = world.truth()
    world.compare(without=tuple(set(expected.units) - found))
    heal(world)


@pytest.fixture(scope="module")
def barred(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose vendor never gives anything."""
    with open_world(EMPTY, tmp_path_factory.mktemp("barred"), tables="event") as world:
        fill(world)
        world.set(parallel="1")
        yield world


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("endpoint", ["status", "data"])
def test_a_refused_token_ends_the_run_at_once_and_says_what_to_do(
    barred: World, code: int, endpoint: str
) -> None:
    barred.sandbox.remove_faults()
    struck = barred.sandbox.add_fault("status", endpoint=endpoint, code=code, times=-1)
    report = barred.sync()
    assert (report.exit_code, report.units_loaded) == (3, 0)
    (error,) = report.errors
    assert str(code) in error
    assert "sources.appmetrica_stream.token" in error
    assert "appmetrica:read" in error
    assert barred.sandbox.scenario.read_token not in error
    assert barred.seen(struck) == 1


@pytest.mark.parametrize("body", ["html", "empty", "text", "json"])
def test_a_status_that_is_no_status_ends_the_run(barred: World, body: str) -> None:
    barred.sandbox.remove_faults()
    barred.sandbox.add_fault("status", endpoint="status", code=200, body=body, times=-1)
    report = barred.sync()
    assert (report.exit_code, report.units_loaded) == (4, 0)
    assert len(report.errors) == 1


def test_a_status_that_does_not_come_ends_the_run(barred: World) -> None:
    barred.sandbox.remove_faults()
    struck = barred.sandbox.add_fault("status", endpoint="status", code=503, times=-1)
    report = barred.sync()
    assert (report.exit_code, report.units_loaded, barred.seen(struck)) == (4, 0, 6)


def test_after_refusals_everything_is_loaded(barred: World) -> None:
    heal(barred)


def test_a_wrong_token_is_refused(world: World) -> None:
    fill(world)
    world.set(token="wrong-token-0123456789")
    report = world.sync()
    assert report.exit_code == 3
    assert "wrong-token-0123456789" not in str(report)
    del world.env["SOURCES__APPMETRICA_STREAM__TOKEN"]
    heal(world)


def test_the_vendor_being_down_ends_the_run_before_every_window_was_tried(world: World) -> None:
    for place in range(-20, 0):
        world.put(place, event_rows(1, f"w{place}"))
    world.set(parallel="2")
    struck = world.sandbox.add_fault("reset", endpoint="data", times=-1)
    report = world.sync()
    assert (report.exit_code, report.units_loaded) == (4, 0)
    assert report.units_pending > 10
    assert world.seen(struck) < 60
    heal(world)


def test_the_monthly_limit_stops_downloads_and_keeps_what_is_finished(world: World) -> None:
    fill(world)
    world.set(parallel="1")
    struck = world.sandbox.add_fault("status", endpoint="data", code=400, nth=3, times=-1)
    report = world.sync()
    assert (report.exit_code, report.units_loaded, world.seen(struck)) == (4, 2, 3)
    assert any("monthly" in error and "1st" in error for error in report.errors)
    assert report.units_failed + report.units_pending == 3
    heal(world)


def test_the_days_requests_are_never_exceeded(world: World) -> None:
    fill(world)
    world.set(parallel="1")
    use_quota(world, 50_000)
    report = world.sync()
    assert (report.exit_code, world.sandbox.requests()["total"]) == (4, 0)
    assert "50000" in report.errors[0].replace(",", "")
    use_quota(world, 49_997)
    report = world.sync()
    assert (report.exit_code, report.units_loaded) == (4, 2)
    assert world.sandbox.requests()["total"] == 3
    world.sandbox.clock.advance(12 * 3600)
    heal(world)


def use_quota(world: World, requests: int) -> None:
    """As if this many requests had been sent today."""
    world.settings.home.mkdir(mode=0o700, exist_ok=True)
    journal = Journal(world.settings.journal)
    day = START.date().isoformat()
    journal._run("DELETE FROM quota")
    journal._run("INSERT INTO quota VALUES ('appmetrica_stream', 'data', ?, ?)", day, requests)
    journal.close()
