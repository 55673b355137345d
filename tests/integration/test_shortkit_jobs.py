"""Exports as jobs: few requests, none lost, none asked for twice, none left behind."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.jobs import SENT
from connector.journal import Journal
from connector.warehouse.run_report import ProgressEvent
from tests.integration.shortkit_world import (
    ALONE,
    START,
    UNLIMITED,
    ShortkitWorld,
    fill_day,
    open_days,
    open_shortkit,
    open_single_days,
    show_day,
    video_rows,
    with_shortkit,
)

SLOW = with_shortkit(ALONE, prepare_s=600)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[ShortkitWorld]:
    """Three days, an export of which takes the vendor ten minutes."""
    with open_days(tmp_path, 3, SLOW) as world:
        yield world


def by_window(world: ShortkitWorld) -> Counter[str]:
    """How many exports were made of each day, where an export is of one."""
    return Counter(first for first, _ in world.windows())


def test_ninety_days_are_six_jobs_and_a_daily_run_two(tmp_path: Path) -> None:
    with open_shortkit(ALONE, tmp_path, start="2025-01-01") as world:
        for place in (-89, -60, -30, 0, 1):
            fill_day(world, place, 4)
        planned = world.plan()
        assert (planned.requests, planned.quota_per_day, planned.requests_daily) == (6, 20, 2)
        world.quietly()
        spans = [(-89, -60), (-59, -30), (-29, 0)]
        assert Counter(world.windows()) == {(show_day(a), show_day(b)): 2 for a, b in spans}
        requests = world.sandbox.shortkit_requests()
        assert requests["most_running"] <= 3
        assert requests["throttled"] == 0
        assert len(world.units()) == 3 * 90
        world.check()
        world.next_day()
        world.sandbox.reset_requests()
        world.quietly()
        assert world.windows() == [(show_day(-1), show_day(1))] * 2
        world.check()


def test_the_jobs_of_a_day_are_counted_and_some_are_kept_for_retries(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 22, daily_jobs="20", max_jobs="1") as world:
        world.spoil(-4, "video_failed")  # that of the 18th job
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 18)
        assert report.units_failed + report.units_pending == 4
        assert "jobs of this UTC day are used" in str(report.errors)
        assert len(world.creates()) == 19  # the retry took of those that are kept
        assert world.sandbox.shortkit_requests()["throttled"] == 0
        assert world.sync().exit_code == 4  # today nothing more is asked for
        assert len(world.creates()) == 19
        world.next_day()
        world.quietly()
        assert len({first for first, _ in world.windows()}) == 23
        world.check()


def test_a_day_whose_jobs_others_used_up_ends_the_run(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 6) as world:
        world.sandbox.shortkit.limits.per_day = 4
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (4, 4)
        assert "Maximum 4 export jobs per day" in report.errors[0]
        assert world.sandbox.shortkit_requests()["throttled"] <= 3
        world.sandbox.shortkit.limits.per_day = 0
        world.heal()
        assert set(by_window(world).values()) == {1} | ({2} if len(world.creates()) > 6 else set())


def test_told_not_to_wait_it_asks_and_the_next_run_takes_the_exports_up(
    slow: ShortkitWorld,
) -> None:
    slow.spoil(0, "video_queued", polls=6)
    report = slow.quietly(max_wait_s=0)
    assert (report.units_loaded, report.units_pending) == (0, 2)
    asked = set(slow.jobs().values())
    assert asked == {made["id"] for made in slow.creates()}
    assert slow.quietly(max_wait_s=0).units_pending == 2
    slow.sandbox.clock.advance(700)
    assert slow.quietly().units_pending == 0
    assert {made["id"] for made in slow.creates()} == asked
    assert slow.jobs() == {}
    slow.check()


def test_an_export_asked_for_too_long_ago_is_asked_for_anew(slow: ShortkitWorld) -> None:
    slow.quietly(max_wait_s=0)
    slow.next_day(8)  # its file is gone
    for place in range(1, 9):
        fill_day(slow, place, 3)
    slow.sandbox.reset_requests()
    slow.quietly()
    slow.check()
    assert len(slow.units()) == 3 * 11


@pytest.mark.parametrize("full_code", [429, 409])
def test_a_queue_full_of_others_is_waited_for_and_they_are_left_alone(
    tmp_path: Path, full_code: int
) -> None:
    with open_days(tmp_path, 2, with_shortkit(ALONE, full_code=full_code)) as world:
        world.sandbox.add_foreign_video_jobs(3, 900)
        others = set(world.running())
        world.quietly()
        made = world.sandbox.shortkit_requests()
        assert world.sandbox.clock.now() - START > timedelta(seconds=890)
        assert (others & set(made["polls"]), made["cancels"]) == (set(), [])
        assert len(made["refused"]) <= 2 * 900 / 10
        assert len(world.creates()) == 2
        world.check()


LOST = [
    {"how": "reset", "is_idempotent": True},
    {"how": "html", "is_idempotent": True},
    {"how": "reset", "is_idempotent": False},
    {"how": "html", "is_idempotent": False},
]


@pytest.mark.parametrize("has_idempotency", [True, False])
def test_an_export_whose_answer_was_lost_is_made_once(
    tmp_path: Path, has_idempotency: bool
) -> None:
    with open_single_days(tmp_path, 1 + len(LOST)) as world:
        world.sandbox.shortkit.settings = with_shortkit(
            UNLIMITED, has_idempotency=has_idempotency
        ).shortkit
        for number, fault in enumerate(LOST):
            world.spoil(-number, "video_create_lost", **fault)
        world.quietly()
        assert set(by_window(world).values()) == {1}
        assert sum("was lost; job" in note for note in world.notes()) == len(LOST)
        world.check()


@pytest.mark.parametrize(("group", "has_idempotency"), [("ads", False), ("events+quality", True)])
def test_a_run_killed_before_the_answer_came_asks_for_no_second_job(
    tmp_path: Path, group: str, has_idempotency: bool
) -> None:
    scenario = with_shortkit(SLOW, has_idempotency=has_idempotency)
    with open_days(tmp_path, 2, scenario) as world:
        world.quietly(max_wait_s=0)
        with closing(Journal(world.settings.journal)) as journal:
            journal._run(f"UPDATE jobs SET remote_id = '{SENT}' WHERE unit LIKE '{group}/%'")
            journal._run(f"DELETE FROM prints WHERE print LIKE '{group}/%'")
        world.sandbox.clock.advance(60)
        world.quietly()
        assert len(world.creates()) == 2
        world.check()


def test_a_job_of_other_types_is_never_taken_for_one_whose_answer_was_lost(
    tmp_path: Path,
) -> None:
    with open_days(tmp_path, 2, max_jobs="1") as world:
        world.sandbox.add_fault("reset", endpoint="video_create", nth=2)  # and no job is made
        world.quietly()
        assert len(world.creates()) == 2
        world.check()
        world.sandbox.add_fault("reset", endpoint="video_create", nth=1)
        world.put_rows(0, video_rows(0, 6, mark="again"))
        world.backfill(-1, 0)
        assert len(world.creates()) == 4
        world.check()


def test_a_conflict_is_no_reason_to_take_an_old_export(tmp_path: Path) -> None:
    with open_days(tmp_path, 2, with_shortkit(ALONE, full_code=409)) as world:
        world.quietly()
        world.sandbox.add_foreign_video_jobs(3, 300)
        world.put_rows(0, video_rows(0, 6, mark="again"))
        assert world.backfill(-1, 0).exit_code == 0
        assert len(world.creates()) == 4
        world.check()


ODD: dict[str, dict[str, Any]] = {
    "failed once": {"kind": "video_failed"},
    "odd for a while": {"kind": "video_status", "polls": 4},
    "backwards": {"kind": "progress_backwards", "endpoint": "video_create", "polls": 4},
    "queued long": {"kind": "video_queued", "polls": 40},
    "slow": {"kind": "never_ready", "endpoint": "video_create", "polls": 30},
    "expired": {"kind": "video_link_dead", "on_get": "expired"},
    "in parts": {"kind": "video_files", "form": "urls", "files": 2},
    "in files": {"kind": "video_files", "form": "files", "files": 3},
}
AGAIN = ("failed once", "expired")


def test_odd_states_end_well(tmp_path: Path) -> None:
    with open_single_days(tmp_path, len(ODD)) as world:
        for number, fault in enumerate(ODD.values()):
            world.spoil(-number, **fault)
        world.quietly(max_wait_s=40 * 3600)
        assert [f["kind"] for f in world.sandbox.faults() if not f["used"]] == []
        assert {name: by_window(world)[show_day(-number)] for number, name in enumerate(ODD)} == {
            name: 2 if name in AGAIN else 1 for name in ODD
        }
        world.check()
        assert world.jobs() == {}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "always fails": ({"kind": "video_failed"}, "'failed'"),
    "always cancelled": ({"kind": "video_cancelled"}, "somebody took it back"),
    "odd for ever": ({"kind": "video_status", "status": "waiting_godot"}, "'waiting_godot'"),
    "never ends": ({"kind": "never_ready", "endpoint": "video_create"}, "is not ready 0:30:00"),
    "stands": ({"kind": "stuck", "endpoint": "video_create"}, "is not ready 0:30:00"),
}


def test_exports_that_never_come_fail_by_name_and_stop_no_other(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 2 + len(BAD), deadline_hours="0.5") as world:
        for number, (fault, _) in enumerate(BAD.values()):
            world.spoil(-2 - number, **fault, times=-1)
        report = world.sync(max_wait_s=40 * 3600)
        assert (report.exit_code, report.units_loaded, report.units_pending) == (4, 2, 0)
        assert report.units_failed == len(BAD)
        for number, (_, said) in enumerate(BAD.values()):
            day = show_day(-2 - number)
            (error,) = [text for text in report.errors if text.startswith(f"events/{day}..{day}")]
            assert said in error
        assert world.running() == []
        assert len(world.sandbox.shortkit_requests()["cancels"]) == 3
        assert by_window(world)[show_day(-2)] == 2  # asked for once more
        world.check()
        world.heal()


def test_a_window_that_fails_is_halved_and_the_size_is_remembered(tmp_path: Path) -> None:
    with open_days(tmp_path, 8, data_types="events") as world:
        world.spoil(-1, "video_failed", times=-1)
        report = world.sync(max_wait_s=40 * 3600)
        assert (report.exit_code, report.units_failed) == (4, 1)
        (error,) = report.errors
        assert error.startswith(f"events/{show_day(-1)}..{show_day(-1)}")
        spans = {
            (-7, 0): 2,
            (-7, -4): 1,
            (-3, 0): 2,
            (-3, -2): 1,
            (-1, 0): 2,
            (-1, -1): 2,
            (0, 0): 1,
        }
        assert Counter(world.windows()) == {
            (show_day(a), show_day(b)): times for (a, b), times in spans.items()
        }
        assert len(world.units()) == 7
        world.sandbox.remove_faults()
        world.next_day(5)
        assert max(unit.upper_at - unit.lower_at for unit in world.plan().due) == timedelta(days=4)
        world.quietly()
        world.check()
        assert len(world.units()) == 13


def test_ctrl_c_takes_back_what_can_be(slow: ShortkitWorld) -> None:
    slow.sandbox.add_fault("never_ready", endpoint="video_create", times=-1)
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
        slow.run(progress=interrupt)
    assert slow.running() == []
    assert [c["code"] for c in slow.sandbox.shortkit_requests()["cancels"]] == [200, 200]
    assert slow.jobs() == {}
    slow.heal()


def test_exports_of_types_that_are_loaded_no_more_are_taken_back(slow: ShortkitWorld) -> None:
    slow.quietly(max_wait_s=0)
    slow.set(data_types="events,quality")
    slow.quietly(max_wait_s=0)
    assert len(slow.running()) == 1
    assert sum("taken back" in note for note in slow.notes()) == 1
