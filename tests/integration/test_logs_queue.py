"""The vendor's queue: patience, few requests, one that is asked for is never lost or repeated."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.journal import Journal
from tests.integration.logs_world import (
    ALONE,
    DAY_S,
    TWO_APPS,
    LogsWorld,
    log_rows,
    open_days,
    with_logs,
)
from tests.integration.stream_world import GAME, SHOP

SLOW = with_logs(ALONE, prepare_s=600)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[LogsWorld]:
    """One day, which takes the vendor ten minutes."""
    with open_days(tmp_path, 1, SLOW) as world:
        yield world


@pytest.fixture
def days(tmp_path: Path) -> Iterator[LogsWorld]:
    with open_days(tmp_path, 3) as world:
        yield world


def requests(world: LogsWorld, kind: str) -> int:
    return int(world.sandbox.requests()["by_endpoint"].get(kind, 0))


def journal_jobs(world: LogsWorld) -> dict[str, str]:
    journal = Journal(world.settings.home / "journal.db")
    try:
        return journal.jobs("appmetrica_logs")
    finally:
        journal.close()


def test_ten_minutes_of_the_vendors_work_are_few_polls_and_one_no_cache(slow: LogsWorld) -> None:
    slow.quietly()
    (export,) = slow.exports()
    assert 0 < export["polls"] <= 45
    assert (export["no_cache"], export["builds"], export["downloads"]) == (1, 1, 1)
    slow.check()


def test_the_queue_never_holds_more_than_two_of_ours(tmp_path: Path) -> None:
    with open_days(tmp_path, 6) as world:
        world.quietly(max_wait_s=0)
        assert world.most_queued() == 2
        world.quietly()
        assert world.most_queued() == 2
        assert all(e["builds"] == 1 for e in world.exports())
        world.check()


def test_slices_that_ended_more_than_a_day_ago_need_no_header(days: LogsWorld) -> None:
    days.quietly()
    headers = {e["query"].split("date_since=")[1][:10]: e["no_cache"] for e in days.exports()}
    assert headers == {"2026-03-07": 0, "2026-03-08": 1, "2026-03-09": 1}


def test_one_apps_queue_holds_up_no_other_app(tmp_path: Path) -> None:
    with open_days(tmp_path, 2, TWO_APPS) as world:
        world.sandbox.add_fault("never_ready", endpoint="export", app=GAME, polls=0)
        world.set(deadline_hours="0.8")
        report = world.sync()
        assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 2, 2)
        kinds = [(e.kind, f"/{GAME}/" in e.text) for e in world.said]
        assert kinds.index(("fetched", False)) < kinds.index(("failed", True))
        world.sandbox.remove_faults()
        world.quietly()
        world.check()


def test_a_queue_full_of_others_is_waited_for(days: LogsWorld) -> None:
    days.sandbox.add_foreign_queries(GAME, 3, 300)
    days.quietly()
    assert days.most_queued() == 3
    assert days.sandbox.clock.now() - ALONE.start > timedelta(seconds=900)  # type: ignore[operator]
    days.check()


def test_a_queue_full_of_others_is_waited_for_where_the_vendor_does_not_show_it(
    tmp_path: Path,
) -> None:
    with open_days(tmp_path, 3, with_logs(ALONE, has_active_queries=False)) as world:
        world.sandbox.add_foreign_queries(GAME, 3, 300)
        world.quietly()
        world.check()
        assert requests(world, "active_queries") == 0


def test_told_not_to_wait_it_asks_and_leaves_the_rest_to_the_next_run(slow: LogsWorld) -> None:
    report = slow.sync(max_wait_s=0)
    assert (report.exit_code, report.errors) == (0, [])
    assert (report.units_loaded, report.units_pending, report.units_failed) == (0, 1, 0)
    assert len(journal_jobs(slow)) == 1
    slow.sandbox.clock.advance(900)
    assert slow.quietly(max_wait_s=0).units_loaded == 1
    (export,) = slow.exports()
    assert (export["builds"], export["no_cache"]) == (1, 1)
    assert journal_jobs(slow) == {}
    slow.check()


def test_runs_that_do_not_wait_load_everything_in_the_end(tmp_path: Path) -> None:
    with open_days(tmp_path, 5, with_logs(ALONE, prepare_s=400)) as world:
        pending = []
        for _ in range(9):
            report = world.sync(max_wait_s=0)
            assert (report.exit_code, report.units_failed) == (0, 0)
            pending.append(report.units_pending)
            world.sandbox.clock.advance(600)
        assert (pending[0], pending[-1]) == (5, 0)
        assert {e["builds"] for e in world.exports()} == {1}
        assert world.most_queued() <= 2
        world.check()


def forget_answer(world: LogsWorld) -> None:
    """The journal as a kill leaves it between the request and its answer."""
    journal = Journal(world.settings.home / "journal.db")
    journal._run("UPDATE jobs SET remote_id = ''")
    journal.close()


@pytest.mark.parametrize("has_moved", [False, True])
def test_a_request_of_a_killed_run_is_found_in_the_queue(slow: LogsWorld, has_moved: bool) -> None:
    slow.sync(max_wait_s=0)
    forget_answer(slow)
    slow.sandbox.clock.advance(120 if has_moved else 0)
    slow.quietly()
    (export,) = slow.exports()
    assert (export["builds"], export["no_cache"]) == (1, 1)
    slow.check()


def test_without_the_journal_a_request_in_work_is_adopted(slow: LogsWorld) -> None:
    slow.sync(max_wait_s=0)
    shutil.rmtree(slow.settings.home)
    slow.sandbox.clock.advance(120)
    slow.quietly()
    (export,) = slow.exports()
    assert (export["builds"], export["no_cache"]) == (1, 1)
    slow.check()


def test_without_the_call_of_july_2026_the_journal_alone_adopts(tmp_path: Path) -> None:
    with open_days(tmp_path, 1, with_logs(SLOW, has_active_queries=False)) as world:
        world.sync(max_wait_s=0)
        world.sandbox.clock.advance(120)
        world.quietly()
        (export,) = world.exports()
        assert (export["builds"], export["no_cache"]) == (1, 1)
        world.check()


def test_a_request_whose_file_died_long_ago_is_asked_for_anew(tmp_path: Path) -> None:
    with open_days(tmp_path, 3) as world:
        world.sync(max_wait_s=0)
        world.sandbox.clock.advance(4 * DAY_S)
        for place in range(1, 5):
            world.put_rows(place, log_rows(world, place, 2))
        world.quietly()
        world.check()


def test_a_request_nobody_wants_any_more_is_cancelled(slow: LogsWorld) -> None:
    slow.sync(max_wait_s=0)
    assert len(slow.sandbox.queue(GAME)["queries"]) == 1
    slow.set(tables="clicks")
    slow.sync(max_wait_s=0)
    waiting = [query["resource"] for query in slow.sandbox.queue(GAME)["queries"]]
    assert waiting == ["clicks"]
    assert any("taken back" in note for note in slow.notes())


def test_requests_of_others_are_left_alone(slow: LogsWorld) -> None:
    slow.sandbox.add_foreign_queries(GAME, 2, 60)
    slow.sync(max_wait_s=0)
    slow.set(tables="clicks")
    slow.sync(max_wait_s=0)
    assert [q["is_foreign"] for q in slow.sandbox.queue(GAME)["queries"]] == [True, True, False]


def test_a_backfill_leaves_the_live_request_alone(slow: LogsWorld) -> None:
    slow.sync(max_wait_s=0)
    start = ALONE.start
    assert start is not None
    slow.quietly(
        is_backfill=True, since=start - timedelta(days=9.5), until=start - timedelta(days=8.5)
    )
    assert requests(slow, "cancel") == 0
    slow.quietly()
    assert all(e["builds"] == 1 for e in slow.exports())
    assert sum(e["no_cache"] for e in slow.exports()) == 1
    slow.check()


def test_an_export_that_stands_still_is_reported_and_cancelled(days: LogsWorld) -> None:
    fault = days.spoil(-1, "stuck", progress=97)
    report = days.sync()
    assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 2, 1)
    (error,) = report.errors
    assert "stands still" in error
    assert any("stands still" in note for note in days.notes())
    assert days.sandbox.queue(GAME)["queries"] == []
    assert requests(days, "cancel") == 1
    days.sandbox.remove_faults(fault)
    assert days.quietly().units_loaded == 1
    days.check()


def test_an_export_that_is_not_ready_in_time_is_cancelled(days: LogsWorld) -> None:
    days.spoil(-2, "never_ready")
    days.set(deadline_hours="0.25")
    report = days.sync()
    assert (report.exit_code, report.units_loaded, report.units_failed) == (4, 2, 1)
    assert "is not ready 0:15:00 after" in report.errors[0]
    assert days.sandbox.queue(GAME)["queries"] == []


def test_progress_that_goes_backwards_is_no_reason_to_give_up(days: LogsWorld) -> None:
    days.spoil(-1, "progress_backwards", polls=5)
    days.quietly()
    days.check()


def test_a_stream_of_other_requests_does_not_delay_an_own_one_for_ever(slow: LogsWorld) -> None:
    slow.sandbox.add_fault("foreign_queries", count=3, seconds=1200.0)
    assert slow.sync(max_wait_s=600).units_pending == 1
    assert slow.quietly(max_wait_s=7200).units_loaded == 1
    slow.check()


def test_two_apps_have_two_queues(tmp_path: Path) -> None:
    with open_days(tmp_path, 3, TWO_APPS) as world:
        world.quietly(max_wait_s=0)
        assert [world.most_queued(app) for app in (GAME, SHOP)] == [2, 2]
        world.quietly()
        assert [world.most_queued(app) for app in (GAME, SHOP)] == [2, 2]
        world.check()


def test_without_a_start_a_backfill_of_older_times_moves_no_beginning(days: LogsWorld) -> None:
    days.set(start="")
    days.quietly()
    month_ago = days.sandbox.clock.now() - timedelta(days=30)
    older = days.quietly(since=month_ago, until=month_ago + timedelta(days=1), is_backfill=True)
    assert older.units_loaded > 0
    assert days.quietly().units_loaded == 0
