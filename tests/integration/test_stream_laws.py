"""The laws of the house: locks, secrets, files, restrictions, what may be lost without harm."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.errors import BusyError
from connector.warehouse.run_report import ProgressEvent
from tests.integration.stream_warehouse import comparable
from tests.integration.stream_world import EMPTY, PEOPLED, World, event_rows, open_world

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
sys.stdout.write("held\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def fill(world: World, places: range = range(5)) -> list[str]:
    """Windows of three rows each, the last cell of one of them no number; their units."""
    units = [world.put(place, event_rows(3, f"w{place}")) for place in places]
    rows = [*event_rows(2, "odd"), {"event_name": "odd-2", "event_timestamp": "soon"}]
    return [*units, world.put(places.stop, rows)]


@contextmanager
def held(warehouse: Path) -> Iterator[None]:
    """Another process has the warehouse open."""
    command = [sys.executable, "-c", HOLD, str(warehouse)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate()


def test_two_runs_of_one_home_at_once_are_refused(world: World) -> None:
    fill(world)
    refused: list[BusyError] = []

    def run_again(event: ProgressEvent) -> None:
        if event.kind == "planned":
            before, asked = world.found(), world.sandbox.requests()["by_endpoint"]["status"]
            with pytest.raises(BusyError) as caught:
                world.run()
            refused.append(caught.value)
            assert world.found() == before
            assert world.sandbox.requests()["by_endpoint"]["status"] == asked

    assert world.run(progress=run_again).exit_code == 0
    (error,) = refused
    assert error.exit_code == 4
    assert str(world.settings.home) in str(error)
    world.compare()


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_warehouse_that_another_process_holds_is_a_clear_error(
    world: World, is_loaded: bool
) -> None:
    fill(world)
    if is_loaded:
        world.sync()
        world.put(1, event_rows(5, "moved"), update_timestamp=world.window(6))
    with held(world.settings.warehouse):
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 0)
        (error,) = report.errors
        assert str(world.settings.warehouse) in error
        assert "another process" in error
    report = world.sync()
    assert (report.exit_code, report.errors) == (0, [])
    world.compare()


@pytest.mark.parametrize("is_spool_lost", [False, True])
def test_files_that_were_fetched_before_an_interruption_are_fetched_once_only(
    world: World, is_spool_lost: bool
) -> None:
    units = fill(world)

    def interrupt(event: ProgressEvent) -> None:
        if event.kind == "planned":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.run(progress=interrupt)
    fetched = world.downloads()
    assert len(spooled(world)) == fetched
    if is_spool_lost:
        shutil.rmtree(world.settings.home / "spool")
    assert world.sync().units_loaded == len(units)
    world.compare()
    assert world.downloads() == len(units) + (fetched if is_spool_lost else 0)


def test_a_file_that_is_no_warehouse_is_a_clear_error(world: World) -> None:
    fill(world)
    world.settings.warehouse.write_bytes(b"no database at all" * 100)
    report = world.sync()
    assert report.exit_code in {2, 4}
    assert str(world.settings.warehouse) in report.errors[0]
    world.settings.warehouse.unlink()
    assert world.sync().exit_code == 0
    world.compare()


def spooled(world: World) -> list[Path]:
    return list((world.settings.home / "spool").iterdir())


def test_a_file_is_deleted_once_its_unit_is_loaded(world: World) -> None:
    fill(world)
    world.sync()
    assert spooled(world) == []


def test_files_are_kept_where_the_setting_says_so(world: World) -> None:
    units = fill(world)
    world.settings = replace(world.settings, keep_files=True)
    world.sync()
    kept = sorted(spooled(world))
    assert len(kept) == len(units)
    world.sync()
    assert sorted(spooled(world)) == kept
    world.compare()


def test_home_journal_and_spool_are_private(world: World) -> None:
    fill(world)
    world.settings = replace(world.settings, keep_files=True)
    modes: dict[str, int] = {}

    def look(_: ProgressEvent) -> None:
        home = world.settings.home
        for path in (home, *home.glob("*"), *home.glob("spool/*")):
            with suppress(FileNotFoundError):  # a part that has become a file meanwhile
                modes[str(path.relative_to(home))] = stat.S_IMODE(path.stat().st_mode)

    before = os.umask(0o022)
    try:
        world.run(progress=look)
    finally:
        os.umask(before)
    assert (modes["."], modes["spool"], modes["journal.db"]) == (0o700, 0o700, 0o600)
    assert len(modes) > 5
    files = {name: mode for name, mode in modes.items() if name not in {".", "spool", "dlt"}}
    assert {name: oct(mode) for name, mode in files.items() if mode & 0o077} == {}


def test_the_token_is_nowhere_but_in_the_settings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    token = "y0_secret-token-that-nobody-may-see"
    with open_world(replace(EMPTY, read_token=token), tmp_path, tables="event") as world:
        world.settings = replace(world.settings, keep_files=True)
        fill(world)
        said = ""
        world.fail(0, "redirect")
        world.fail(1, "status", code=500, times=-1)
        world.fail(2, "reset", endpoint="data", times=-1)
        world.fail(3, "status", code=200, text=f"echo: {token}", times=-1)
        said += str(world.run().to_json())
        world.sandbox.add_fault("status", endpoint="status", code=403, text=f"no, {token}!")
        said += str(world.run().to_json())
        world.sandbox.remove_faults()
        said += str(world.run().to_json())
        world.compare()
    texts = [said, caplog.text, *capfd.readouterr()]
    assert [text for text in texts if token in text] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if token.encode() in path.read_bytes()] == []
    assert len(files) > 5


def test_max_units_caps_a_run_and_the_next_goes_on(world: World) -> None:
    fill(world)
    report = world.sync(max_units=2)
    assert (report.exit_code, report.units_loaded, report.units_pending) == (0, 2, 4)
    oldest = sorted(row["lower_at"] for row in world.found()["units"])
    assert [time.timestamp() for time in oldest] == [world.window(0), world.window(1)]
    assert world.sync(max_units=10).units_loaded == 4
    world.compare()


def test_max_bytes_caps_a_run_but_lets_one_unit_pass(world: World) -> None:
    fill(world)
    assert world.sync(max_bytes=1).units_loaded == 1
    assert world.sync(max_bytes=10 << 20).units_loaded == 5
    world.compare()


def test_since_and_until_are_half_open_bounds(world: World) -> None:
    fill(world)
    since, until = (datetime.fromtimestamp(world.window(place), UTC) for place in (1, 4))
    assert world.sync(since=since, until=until).units_loaded == 3
    loaded = sorted(row["lower_at"].timestamp() for row in world.found()["units"])
    assert loaded == [world.window(place) for place in (1, 2, 3)]
    assert world.sync().units_loaded == 3
    world.compare()


def test_tables_restrict_a_run(tmp_path: Path) -> None:
    with open_world(PEOPLED, tmp_path, tables="event,session_start,push_token") as world:
        report = world.sync(tables=("event", "session_start"))
        assert set(report.cursors) == {"event", "session_start"}
        loaded = {row["table_name"] for row in world.found()["units"]}
        assert loaded == {"event", "session_start"}
        assert world.sync().exit_code == 0
        world.compare()


def test_a_backfill_loads_its_range_again_and_leaves_the_live_cursor(world: World) -> None:
    fill(world)
    live = world.sync(until=datetime.fromtimestamp(world.window(3), UTC)).cursors
    loads = {row["unit"]: row["_dlt_load_id"] for row in world.found()["units"]}
    since, until = (datetime.fromtimestamp(world.window(place), UTC) for place in (2, 5))
    report = world.sync(since=since, until=until, is_backfill=True)
    assert (report.exit_code, report.units_loaded) == (0, 3)
    assert report.cursors == live
    again = {row["unit"]: row["_dlt_load_id"] for row in world.found()["units"]}
    assert {unit for unit in loads if again[unit] != loads[unit]} == {
        row["unit"] for row in world.found()["units"] if row["lower_at"] == since
    }
    assert world.sync().units_loaded == 1
    world.compare()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(EMPTY, tmp_path_factory.mktemp("loaded"), tables="event") as world:
        fill(world)
        world.sync()
        yield world


@pytest.mark.parametrize("lost", ["home", "journal.db", "dlt", "spool"])
def test_losing_what_lies_beside_the_warehouse_costs_no_row(loaded: World, lost: str) -> None:
    before = comparable(loaded.found())
    home = loaded.settings.home
    if lost == "journal.db":
        for path in home.glob("journal.db*"):
            path.unlink()
    else:
        shutil.rmtree(home if lost == "home" else home / lost)
    report = loaded.sync()
    assert (report.exit_code, report.units_loaded) == (0, 0)
    assert comparable(loaded.found()) == before
    loaded.put(2, event_rows(4, lost), update_timestamp=loaded.window(7) + len(lost))
    report = loaded.sync()
    assert (report.exit_code, report.units_loaded) == (0, 1)
    loaded.compare()


def test_losing_home_keeps_the_cursors(world: World) -> None:
    fill(world)
    cursors = world.sync().cursors
    assert cursors
    shutil.rmtree(world.settings.home)
    assert world.sync().cursors == cursors


def test_small_sweeps_give_many_packages_and_the_same_tables(tmp_path: Path, world: World) -> None:
    fill(world)
    world.sync()
    at_once = world.found()
    folder = tmp_path / "small"
    world.settings = replace(
        world.settings,
        warehouse=folder / "warehouse.duckdb",
        home=folder / "home",
        max_run_bytes=400,
    )
    report = world.sync()
    world.compare()
    found = world.found()
    assert (report.exit_code, report.units_loaded) == (0, 6)
    assert len(found["_dlt_loads"]) >= 3 > len(at_once["_dlt_loads"])
    assert comparable(found) == comparable(at_once)


def test_a_disk_without_room_for_a_file_stops_downloads_and_says_so(world: World) -> None:
    fill(world)
    unit = world.put(8, event_rows(3, "huge"), payload_bytes=1 << 60)
    report = world.sync()
    assert report.exit_code == 4
    assert any("free some space" in error for error in report.errors)
    world.put(8, event_rows(3, "huge"), update_timestamp=world.window(9))
    world.sandbox.clock.advance(3600)
    assert world.sync().exit_code == 0
    assert unit in world.compare().units
