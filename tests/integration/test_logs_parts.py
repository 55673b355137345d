"""Exports that are too large, made anew behind our back, or old: never mixed, never stale."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from connector.journal import Journal
from tests.integration.logs_truth import covered
from tests.integration.logs_world import (
    ALONE,
    DAY_S,
    LogsWorld,
    log_rows,
    open_days,
    with_logs,
)
from tests.integration.stream_world import GAME


@pytest.fixture
def days(tmp_path: Path) -> Iterator[LogsWorld]:
    with open_days(tmp_path, 2) as world:
        world.put_rows(0, log_rows(world, 0, 11, "many"))  # three are there already
        yield world


def parts_asked(world: LogsWorld, day: str = "2026-03-09") -> list[int]:
    """Into how many parts an export was asked for, in the order of asking."""
    found = []
    for export in world.exports():
        if f"date_since={day}" in export["query"]:
            _, _, count = export["query"].partition("parts_count=")
            found.append(int(count.partition("&")[0] or 1))
    return found


def remembered(world: LogsWorld) -> int | None:
    journal = Journal(world.settings.home / "journal.db")
    try:
        return journal.size(f"appmetrica_logs/{GAME}/events")
    finally:
        journal.close()


@pytest.mark.parametrize("at", ["ask", "ready"])
@pytest.mark.parametrize("parts", [2, 4, 8])
def test_a_too_large_export_is_asked_for_in_twice_as_many_parts(
    days: LogsWorld, parts: int, at: str
) -> None:
    days.spoil(0, "more_parts", parts=parts, at=at, times=-1)
    days.quietly()
    assert parts_asked(days)[-1] == parts
    assert remembered(days) == parts
    rows = [row["_row"] for row in days.found()["events"] if "/20260309T" in row["_unit"]]
    assert sorted(rows) == list(range(14))
    days.check()


def test_what_worked_is_remembered_by_the_next_run(days: LogsWorld) -> None:
    days.spoil(0, "more_parts", parts=4, times=-1)
    days.quietly()
    days.put_rows(1, log_rows(days, 1, 9))
    days.spoil(1, "more_parts", parts=4, times=-1)
    days.sandbox.clock.advance(DAY_S)
    days.sandbox.reset_requests()
    days.quietly()
    assert parts_asked(days, "2026-03-10") == [4]
    days.check()


def test_more_parts_than_there_may_be_halve_the_range(days: LogsWorld) -> None:
    days.set(max_parts="2")
    fault = days.spoil(0, "more_parts", parts=4, times=3)
    days.quietly()
    assert [f["used"] for f in days.sandbox.faults() if f["id"] == fault] == [3]
    units = [u for u in days.found()["units"] if u["lower_at"].timestamp() >= days.day(0)]
    assert len(units) == 3  # a half, and the other one in halves
    assert covered(days.found())[1].timestamp() == days.day(1)
    days.check()
    assert days.quietly().units_loaded == 0


def test_a_snapshot_that_is_too_large_fails_by_name(tmp_path: Path) -> None:
    with open_days(tmp_path, 1, tables="profiles_v2", fields="", max_parts="2") as world:
        world.sandbox.add_fault("more_parts", parts=64, times=-1)
        report = world.sync()
        assert (report.exit_code, report.units_failed) == (3, 1)
        assert "more parts" in report.errors[0]


@pytest.mark.parametrize("waits", [True, False])
def test_an_export_made_anew_between_its_parts_is_fetched_again(
    days: LogsWorld, waits: bool
) -> None:
    days.spoil(0, "more_parts", parts=4, times=-1)
    days.spoil(0, "rebuild_between_parts", waits=waits, times=-1)
    days.quietly()
    assert any("made anew between its parts" in note for note in days.notes())
    days.check()
    assert list((days.settings.home / "spool").iterdir()) == []


def test_an_empty_export_in_parts_is_an_empty_unit(days: LogsWorld) -> None:
    days.set(start="2026-03-06")
    days.spoil(-2, "more_parts", parts=2, times=-1)
    days.quietly()
    (unit,) = [u for u in days.found()["units"] if "/20260307T" in u["unit"]]
    assert unit["loaded_rows"] == unit["file_rows"] == 0
    days.check()


def open_closing_day(folder: Path, *, has_queue: bool = True) -> AbstractContextManager[LogsWorld]:
    """A day that is loaded now, and once more in two hours, when its file is still there."""
    scenario = with_logs(ALONE, has_active_queries=has_queue)
    return open_days(folder, 1, scenario, close_after_hours="14")


@pytest.mark.parametrize("is_changed", [True, False])
@pytest.mark.parametrize("has_queue", [True, False])
def test_the_old_file_after_no_cache_is_not_taken_for_the_new_one(
    tmp_path: Path, has_queue: bool, is_changed: bool
) -> None:
    with open_closing_day(tmp_path, has_queue=has_queue) as world:
        world.quietly()
        assert world.quietly().units_loaded == 0
        world.sandbox.clock.advance(2 * 3600)
        if is_changed:
            come_late(world)
        world.sandbox.add_fault("old_after_no_cache", polls=2, times=-1)
        assert world.quietly().units_loaded == 1
        (export,) = world.exports()
        assert (export["no_cache"], export["builds"]) == (2, 2)
        world.check()


def come_late(world: LogsWorld) -> None:
    """More rows of yesterday, which the file that was made before does not have."""
    service = world.sandbox.logs
    files = dict(service._files)
    world.put_rows(0, log_rows(world, 0, 2, "late"))
    service._files |= files


def test_a_file_of_somebody_else_is_not_taken_where_it_may_be_too_old(tmp_path: Path) -> None:
    with open_closing_day(tmp_path) as world:
        world.quietly()
        shutil.rmtree(world.settings.home)
        come_late(world)
        world.sandbox.clock.advance(2 * 3600)
        world.quietly()
        world.check()
        assert {row["loaded_rows"] for row in world.found()["units"]} == {5}


@pytest.mark.parametrize(("freshness", "builds"), [("max_age", 2), ("none", 1)])
def test_how_fresh_a_file_must_be_is_a_setting(tmp_path: Path, freshness: str, builds: int) -> None:
    with open_closing_day(tmp_path) as world:
        world.set(freshness=freshness)
        world.quietly()
        world.sandbox.clock.advance(2 * 3600)
        world.quietly()
        (export,) = world.exports()
        assert (export["no_cache"], export["builds"]) == (0, builds)
        assert export["max_age"] == (2 if freshness == "max_age" else 0)


def test_a_file_that_has_expired_before_it_was_fetched_is_prepared_again(days: LogsWorld) -> None:
    days.sync(max_wait_s=0)
    days.sandbox.clock.advance(23 * 3600)
    days.sandbox.logs._files.clear()
    days.put_rows(1, [])
    days.quietly()
    days.check()
