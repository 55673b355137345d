"""Scheduled exports: announced by webhook, downloaded by the next run without a job, each once."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.inbox import Delivery, Inbox
from tests.integration import receiver_process
from tests.integration.shortkit_world import (
    NEWEST,
    ShortkitWorld,
    day_number,
    fill_day,
    open_days,
    show_day,
    video_rows,
)
from tests.integration.stream_world import environment


@pytest.fixture
def days(tmp_path: Path) -> Iterator[ShortkitWorld]:
    """Three days, of which the vendor's schedule exports events and quality."""
    with open_days(tmp_path, 3) as world:
        yield world


def announce(world: ShortkitWorld, url: str, place: int, **more: Any) -> dict[str, Any]:
    """One webhook about a day, signed by the machine's clock; the sandbox's note of it."""
    off_s = world.sandbox.clock.timestamp() - time.time()
    given: dict[str, Any] = {"start": show_day(place), "stale_s": off_s, **more}
    return dict(world.sandbox.send_webhook(url, **given))


def put(world: ShortkitWorld, first: int, last: int | None = None) -> str:
    """A scheduled export of some days that was announced; its id."""
    last = first if last is None else last
    job = world.sandbox._webhooks.make(day_number(first), day_number(last))
    link = world.sandbox.shortkit.describer.link(job, "data.jsonl.gz")
    record(world, job.id, first, last, link)
    return str(job.id)


def record(world: ShortkitWorld, export_id: str, first: int, last: int, url: str) -> None:
    """Write a delivery into the inbox, as the receiver does."""
    now = world.sandbox.clock.now()
    start, end = (NEWEST + timedelta(days=place) for place in (first, last))
    with closing(Inbox(world.settings.home / "inbox.db")) as inbox:
        inbox.put([Delivery(export_id, "", start, end, url, now + timedelta(days=7), now)])


def waiting(world: ShortkitWorld) -> list[str]:
    """The exports in the inbox that nobody has loaded."""
    with closing(Inbox(world.settings.home / "inbox.db")) as inbox:
        return [delivery.export_id for delivery in inbox.pending()]


def test_what_a_real_receiver_recorded_is_loaded_without_a_job(days: ShortkitWorld) -> None:
    home, secret = days.settings.home, days.sandbox.scenario.webhook_secret
    with (
        environment(days.sandbox.env),
        receiver_process.running(home, secret=secret) as receiver,
    ):
        sent = [announce(days, receiver.url, place) for place in (0, -1)]  # the newest first
        again = [announce(days, receiver.url, 0, export_id=sent[0]["export_id"])]
        again.append(
            days.sandbox.send_webhook(receiver.url, export_id=sent[1]["export_id"], replay=True)
        )
        bad = announce(days, receiver.url, -2, bad_signature=True)
        assert [item["status"] for item in (*sent, *again, bad)] == [200] * 4 + [401]
        assert days.quietly().units_loaded == 4  # the receiver goes on meanwhile
        days.check()
        assert days.windows("events", "quality") == [(show_day(-2), show_day(-2))]
        assert days.windows("ads") == [(show_day(-2), show_day(0))]
        ids = {row["remote_id"] for row in days.units().values()}
        assert {item["export_id"] for item in sent} < ids
        assert waiting(days) == []
        again = [announce(days, receiver.url, -1, export_id=sent[1]["export_id"])]
        assert [item["status"] for item in again] == [200]
        assert waiting(days) == []
    assert days.sandbox.shortkit_requests()["downloads"][0]["has_authorization"] is False


def test_without_a_signature_the_export_is_confirmed_by_asking_for_it(days: ShortkitWorld) -> None:
    home, secret = days.settings.home, days.sandbox.scenario.webhook_secret
    days.set(signature="D")
    with (
        environment(days.sandbox.env | days.env),
        receiver_process.running(home, secret=secret) as receiver,
    ):
        told = {"recipe": "D", "forged_host": "https://evil.example"}
        sent = announce(days, receiver.url, 0, **told)
        assert sent["status"] == 200
    record(days, "exp_nobody_made", -1, -1, "")
    days.quietly()
    days.check()
    assert days.units()[f"events/{show_day(0)}"]["remote_id"] == sent["export_id"]
    assert days.sandbox.shortkit_requests()["polls"][sent["export_id"]] == 1
    assert (
        days.windows("events", "quality")
        == [
            (show_day(-2), show_day(-2)),
            (show_day(-1), show_day(-1)),
        ]
        or len(days.windows("events", "quality")) == 2
    )
    assert any("cannot be had, a job is asked for" in note for note in days.notes())
    assert waiting(days) == []


def test_a_link_that_died_is_replaced_by_a_new_one_or_by_a_job(days: ShortkitWorld) -> None:
    first, second = put(days, -1), put(days, 0)
    jobs = days.sandbox.shortkit.jobs
    jobs[first].link_number = 1  # the link that was announced is good no more
    jobs[second].status = "expired"
    jobs[second].done_at -= 8 * 86_400
    days.quietly()
    days.check()
    assert days.units()[f"events/{show_day(-1)}"]["remote_id"] == first
    assert days.units()[f"events/{show_day(0)}"]["remote_id"] not in {first, second}
    assert sorted(days.windows("events", "quality")) == [
        (show_day(-2), show_day(-2)),
        (show_day(0), show_day(0)),
    ]
    assert waiting(days) == []
    assert any("cannot be had, a job is asked for" in note for note in days.notes())


def test_exports_that_overlap_are_loaded_once_and_the_newest_counts(days: ShortkitWorld) -> None:
    days.set(lookback_days="0")
    put(days, -1)
    put(days, 0)
    days.sandbox.clock.advance(60)
    days.put_rows(-1, video_rows(-1, 5, mark="newer"))
    put(days, -2, 0)  # a weekly export that has the days, too
    days.sandbox.clock.advance(60)
    days.put_rows(0, video_rows(0, 5, mark="newest"))
    put(days, 0)  # made once more
    for _ in range(2):
        days.quietly()
        days.check_exports()
        names = days.names()
        assert {
            mark: sum(n.startswith(mark) for n in names) for mark in ("newer", "newest", "c")
        } == {"newer": 5, "newest": 5, "c": 4}
    assert waiting(days) == []


def test_an_older_export_that_is_announced_late_replaces_nothing_newer(
    days: ShortkitWorld,
) -> None:
    days.set(lookback_days="0")
    older = days.sandbox._webhooks.make(day_number(0), day_number(0))
    days.sandbox.clock.advance(60)
    days.put_rows(0, video_rows(0, 5, mark="newest"))
    put(days, 0)
    days.quietly()
    link = days.sandbox.shortkit.describer.link(older, "data.jsonl.gz")
    record(days, older.id, 0, 0, link)
    days.quietly()
    assert sum(name.startswith("newest") for name in days.names()) == 5
    assert waiting(days) == []


def test_announcements_nobody_can_use_are_passed_over_with_a_note(days: ShortkitWorld) -> None:
    record(days, "exp_future", 3, 3, "http://127.0.0.1:1/x")
    record(days, "exp_forged", -1, -1, "http://10.0.0.1/x")
    days.quietly()
    days.check()
    assert any("exp_future is passed over" in note for note in days.notes())
    assert waiting(days) == []
    assert {item["host"] for item in days.sandbox.shortkit_requests()["downloads"]} == {
        days.sandbox.storage_url.removeprefix("http://")
    }
    days.set(data_types="ads")
    put(days, 0)
    days.quietly()
    assert any("events+quality is not loaded" in note for note in days.notes())


def test_a_schedule_that_works_leaves_only_ads_to_jobs(days: ShortkitWorld) -> None:
    days.set(lookback_days="0")
    days.quietly()
    days.sandbox.reset_requests()
    for place in (1, 2):
        fill_day(days, place, 4)
        days.next_day()
        put(days, place)
        days.quietly()
    days.check()
    assert days.windows("events", "quality") == []
    assert len(days.windows("ads")) == 2
