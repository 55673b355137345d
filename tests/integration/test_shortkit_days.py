"""Days that are exported again, come short, come empty, or are counted otherwise by the vendor."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from connector.warehouse.upkeep import reset_units
from tests.integration.shortkit_world import (
    ALONE,
    PEOPLE,
    START,
    fill_day,
    midnight,
    open_days,
    open_shortkit,
    open_single_days,
    show_day,
    video_rows,
    with_shortkit,
)

MARKS = ("short", "c0-", "new-1-", "c1-", "c2-")


def test_late_rows_are_caught_by_the_look_back_and_reported(tmp_path: Path) -> None:
    with open_days(tmp_path, 4) as world:
        world.quietly()
        for place in (-2, -1):
            world.put_rows(place, video_rows(place, 6, mark="late"))
        fill_day(world, 1, 4)
        world.next_day()
        world.sandbox.reset_requests()
        assert world.quietly().units_loaded == 2
        assert world.windows("ads") == [(show_day(-1), show_day(1))]
        noted = [note for note in world.notes() if "was loaded again" in note]
        assert noted == [f"events/{show_day(-1)} was loaded again: +2 rows against last time"]
        names = world.names()
        assert sum(name.startswith("late-1-") for name in names) == 6
        assert sum(name.startswith("late-2-") for name in names) == 0  # no look-back goes there
        assert sum(name.startswith("c-2-") for name in names) == 4
        world.check_exports()


def test_rows_of_people_that_come_late_are_all_there_in_the_end(tmp_path: Path) -> None:
    with open_shortkit(PEOPLE, tmp_path, start=show_day(-1)) as world:
        world.sandbox.add_fault("video_late", every=3, hours=20.0)
        world.sandbox.add_fault("video_future", every=11, hours=2.0)
        world.quietly()
        world.check()
        before = sum(world.units()[f"{t}/{show_day(0)}"]["loaded_rows"] for t in ("events", "ads"))
        world.next_day(2)
        world.quietly()
        world.check()
        after = sum(world.units()[f"{t}/{show_day(0)}"]["loaded_rows"] for t in ("events", "ads"))
        truth = [r for t in ("events", "ads") for r in world.sandbox.shortkit_truth(t)["rows"]]
        assert before < after
        rows = [row for t in ("events", "ads") for row in world.found()[t]]
        assert after == sum(row["_unit"].endswith(show_day(0)) for row in rows)
        quality = {u: v for u, v in world.units().items() if u.startswith("quality")}
        assert sum(r["day"] == show_day(0) for r in truth) == after
        assert len(quality) == 4


def test_a_day_that_comes_short_is_held_and_a_backfill_takes_it(tmp_path: Path) -> None:
    with open_days(tmp_path, 3, rows=6) as world:
        world.quietly()
        world.put_rows(0, video_rows(0, 2, mark="short"))
        world.put_rows(-1, video_rows(-1, 6, mark="new"))
        for place in (1, 2):
            fill_day(world, place, 4)
            world.next_day()
            report = world.sync()  # it stays held, and the days around it are loaded
            assert report.exit_code == 4
            (error,) = report.errors
            assert f"{show_day(0)} is held: 7 rows came where 11 are loaded" in error
            assert "connector backfill shortkit --since 2026-03-09T00:00:00Z" in error
        counts = {mark: sum(n.startswith(mark) for n in world.names()) for mark in MARKS}
        assert counts == {"short": 0, "c0-": 6, "new-1-": 6, "c1-": 4, "c2-": 4}
        assert world.backfill(0, 0).exit_code == 0
        assert [n for n in world.names() if n.startswith(("short", "c0-"))] == [
            *("short0-0", "short0-1")
        ]
        world.check_exports()
        assert world.quietly().errors == []


def test_how_much_shorter_a_day_may_come_is_a_setting(tmp_path: Path) -> None:
    with open_days(tmp_path, 2, rows=6, data_types="events", least_share="0.5") as world:
        world.quietly()
        world.put_rows(0, video_rows(0, 3))
        world.put_rows(-1, video_rows(-1, 2))
        world.next_day()
        (error,) = world.sync().errors
        assert f"{show_day(-1)} is held: 2 rows came where 6 are loaded" in error
        assert len(world.names()) == 9


def test_a_wrong_row_count_fails_by_name_after_three_tries_and_burns_no_jobs(
    tmp_path: Path,
) -> None:
    with open_single_days(tmp_path, 4) as world:
        world.spoil(-1, "video_row_count", off_by=1, times=-1)
        world.spoil(-2, "video_row_count", off_by=-1, times=-1)
        world.spoil(0, "video_row_count", absent=True)
        report = world.sync()
        assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 2, 2)
        for place, rows in ((-1, 5), (-2, 3)):
            day = f"events/{show_day(place)}..{show_day(place)}"
            (error,) = [text for text in report.errors if text.startswith(day)]
            assert f"has 4 rows and the vendor declares {rows} (tried 3 times)" in error
        assert (len(world.creates()), world.downloads()) == (4, 2 + 2 * 3)
        world.heal()
        assert len(world.names()) == 16


def test_a_row_count_that_is_right_the_second_time_loses_nothing(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 2) as world:
        world.sandbox.add_fault("cut", endpoint="video_file", at_bytes=30, times=1)
        world.quietly()
        world.check()
        assert len(world.creates()) == 2


EMPTY_FORMS = ("file", "no_url", "404")


def test_an_empty_day_is_one_in_every_spelling(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 4) as world:
        for number, form in enumerate(EMPTY_FORMS):
            world.put_rows(-number, [])
            world.spoil(-number, "video_empty", form=form, times=-1)
        world.quietly()
        units = {unit: row["loaded_rows"] for unit, row in world.units().items()}
        assert units == {
            f"events/{show_day(-number)}": 0 if number < len(EMPTY_FORMS) else 4
            for number in range(4)
        }
        world.check()
        world.sandbox.reset_requests()
        world.set(lookback_days="0")
        world.quietly()
        assert len(world.creates()) <= 1  # days without rows are done


def test_a_day_that_is_emptied_is_held_and_a_backfill_empties_it(tmp_path: Path) -> None:
    with open_days(tmp_path, 2, data_types="ads") as world:
        world.quietly()
        world.put_rows(0, [], "ads")
        world.next_day()
        assert world.sync().exit_code == 4
        assert len(world.names("ads")) == 4
        assert world.backfill(0, 0).exit_code == 0
        assert len(world.names("ads")) == 2
        world.check_exports()


def test_end_dates_that_are_exclusive_are_asked_for_as_such(tmp_path: Path) -> None:
    scenario = with_shortkit(ALONE, end_date="exclusive", max_days=31)
    with open_days(tmp_path, 3, scenario, end_date="exclusive") as world:
        world.quietly()
        assert set(world.windows()) == {(show_day(-2), show_day(1))}
        world.check()
        assert len(world.names()) == 12


def test_rows_of_days_nobody_asked_for_are_put_aside(tmp_path: Path) -> None:
    with open_days(tmp_path, 4, data_types="events", start=show_day(-2)) as world:
        world.spoil(0, "video_outside", days=1)
        report = world.quietly()
        assert report.rows_quarantined == 4  # of the day before; tomorrow has none
        world.check()
        rows = world.found()["quarantine"]
        assert {(row["kind"], row["unit"]) for row in rows} == {("row", f"events/{show_day(-2)}")}
        kept = [json.loads(row["raw"])["contentId"] for row in rows]
        assert sorted(kept) == [f"c-3-{number}" for number in range(4)]
        assert {row["reason"].partition(",")[0] for row in rows} == {
            "its day is none of those asked for"
        }
        world.sandbox.remove_faults()
        assert world.backfill(-2, 0).exit_code == 0
        assert world.found()["quarantine"] == []
        assert len(world.names()) == 12


def test_days_may_be_those_of_another_zone(tmp_path: Path) -> None:
    with open_days(tmp_path, 1, data_types="events", zone="Asia/Kolkata", max_days="1") as world:
        offset = timedelta(hours=5.5)
        moments = [midnight(0) - offset, midnight(1) - offset - timedelta(seconds=1)]
        (row,) = video_rows(0, 1)
        rows = [row | {"timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"} for at in moments]
        stray = row | {"timestamp": f"{midnight(1) - offset:%Y-%m-%dT%H:%M:%SZ}"}
        body = "".join(json.dumps(item) + "\n" for item in (*rows, stray))
        world.put_body(0, body, row_count=3)
        world.quietly()
        (unit,) = world.units().values()
        assert (unit["unit"], unit["loaded_rows"]) == (f"events/{show_day(0)}", 2)
        assert unit["lower_at"] == moments[0]
        assert json.loads(unit["event_days"]) == [show_day(-1), show_day(0)]
        assert unit["quarantined_rows"] == 1


def test_where_days_are_those_of_receipt_rows_stay_where_they_came(tmp_path: Path) -> None:
    scenario = with_shortkit(PEOPLE, window_clock="received")
    env = {"window_clock": "received", "start": show_day(-1), "data_types": "events"}
    with open_shortkit(scenario, tmp_path, **env) as world:
        world.sandbox.add_fault("video_late", every=3, hours=20.0)
        world.quietly()
        assert sorted(world.windows()) == [(show_day(p), show_day(p)) for p in (-1, 0)]
        truth = world.sandbox.shortkit_truth("events")["rows"]
        wanted: dict[str, int] = {}
        for item in truth:
            for place in (-1, 0):
                at = midnight(place).timestamp()
                is_own = at <= item["received_at"] < at + 86_400
                unit = f"events/{show_day(place)}"
                wanted[unit] = wanted.get(unit, 0) + is_own
        assert {u: row["loaded_rows"] for u, row in world.units().items()} == wanted
        assert world.found()["quarantine"] == []
        assert any(len(json.loads(u["event_days"])) > 1 for u in world.units().values())


def test_a_reset_loads_everything_again_and_doubles_nothing(tmp_path: Path) -> None:
    with open_days(tmp_path, 5) as world:
        world.quietly()
        before = world.found()
        with closing(duckdb.connect(str(world.settings.warehouse))) as connection:
            reset_units(connection, "shortkit")
        world.sandbox.reset_requests()
        world.quietly()
        assert set(world.windows()) == {(show_day(-4), show_day(0))}
        world.check()
        assert len(world.found()["events"]) == len(before["events"])
        assert len(world.found()["units"]) == len(before["units"])


def test_a_backfill_loads_a_range_again_and_leaves_the_cursor(tmp_path: Path) -> None:
    with open_days(tmp_path, 6, start=show_day(-2)) as world:
        cursors = world.quietly().cursors
        assert set(cursors.values()) == {midnight(1).isoformat()}
        world.put_rows(-1, video_rows(-1, 3, mark="fewer"))
        world.sandbox.reset_requests()
        report = world.backfill(-4, -1)
        assert (report.exit_code, report.cursors) == (0, cursors)
        assert set(world.windows()) == {(show_day(-4), show_day(-1))}
        world.check()
        assert len(world.names()) == 4 * 4 + 3


@pytest.mark.parametrize(("hour", "newest"), [(1, -1), (3, 0)])
def test_yesterday_is_asked_for_once_it_is_settled(tmp_path: Path, hour: int, newest: int) -> None:
    with open_days(tmp_path, 3) as world:
        world.sandbox.clock.set(START.replace(hour=hour))
        assert {unit.upper_at for unit in world.plan().due} == {midnight(newest + 1)}
