"""From a unit to its file: links that die, exports without rows, windows that fail, jobs in a list."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import (
    AuthError,
    ConfigError,
    JobError,
    JobExpiredError,
    JobFailedError,
    RequestError,
    StillWaitingError,
    TooLargeError,
)
from connector.inbox import Delivery
from connector.jobs import SENT
from connector.sources.shortkit import make_api
from connector.sources.shortkit.agenda import Window, to_unit
from connector.sources.shortkit.api import ShortkitApi
from connector.sources.shortkit.planner import SCHEDULED, name_size
from connector.sources.shortkit.shortkit_settings import SOURCE
from connector.spool import Spool
from connector.units import Unit
from connector.unpack import list_parts, open_unpacked
from tests.unit.sources.test_shortkit_settings import ADS, GIVEN, TOKEN, VIDEOS
from tests.unit.sources.video_vendor import Answer, VideoVendor, refuse, serve

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = Window(date(2026, 3, 1), date(2026, 3, 8))
GONE: Answer = (403, {}, b"expired")


@dataclass
class Desk:
    """The API against a vendor on loopback."""

    vendor: VideoVendor
    clock: SimulatedClock
    spool: Spool
    context: ApiContext
    warnings: list[str]
    changes: dict[str, Any] = field(default_factory=dict)
    _api: ShortkitApi | None = None

    @property
    def api(self) -> ShortkitApi:
        if self._api is None:
            host = self.vendor.url.removeprefix("http://")
            given = {"base_url": f"{self.vendor.url}/v1", "download_hosts": host}
            self._api = make_api({**GIVEN, **given, **self.changes}, self.context)
        return self._api

    def unit(self, window: Window = WINDOW, **more: Any) -> Unit:
        return replace(to_unit(VIDEOS, window, self.api.settings), **more)

    def finish(self, *names: str, **state: Any) -> None:
        """From now on jobs are done, with files of these names."""
        links = [self.vendor.put(name, name.encode()) for name in names]
        done = {"status": "complete", "downloadUrls": links, **state}
        self.vendor.make = lambda _body: done

    def download(self, unit: Unit | None = None) -> tuple[Unit, str]:
        """The unit as it is known after, and what its files hold."""
        unit, path = self.api.download(unit or self.unit(), self.spool)
        text = b""
        for part in list_parts(path):
            with open_unpacked(part) as stream:
                text += stream.read()
        return unit, text.decode()

    def deliver(self, url: str) -> Unit:
        at = self.clock.now()
        self.context.inbox.put([Delivery("s1", "d1", WINDOW.first, WINDOW.last, url, None, at)])
        return self.unit(remote_id="s1", schema_id=SCHEDULED, vendor_updated_at=at)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = SimulatedClock(NOW)
    warnings: list[str] = []
    with serve(clock) as vendor:
        context = ApiContext(clock=clock, warn=warnings.append)
        found = Desk(vendor, clock, Spool(tmp_path / "spool"), context, warnings)
        yield found
        found.api.close()


def test_a_units_file_says_how_many_rows_it_has(desk: Desk) -> None:
    desk.finish("a", rowCount=7)
    unit, text = desk.download()
    assert (unit.id, unit.remote_id, unit.declared_rows) == (desk.unit().id, "exp_1", 7)
    assert text == "a"


def test_several_files_are_one_units(desk: Desk) -> None:
    desk.finish("b", "a", rowCount=2)
    assert desk.download()[1] == "ba"


@pytest.mark.parametrize(
    ("state", "files"),
    [
        ({"rowCount": 0}, 1),
        ({"rowCount": 0, "downloadUrls": [], "downloadUrl": None}, 0),
        ({"downloadUrls": []}, 0),
        ({"rowCount": 0, "is_gone": True}, 1),
        ({"rowCount": None}, 1),
    ],
)
def test_an_export_without_rows_in_any_spelling(
    desk: Desk, state: dict[str, Any], files: int
) -> None:
    desk.finish("a", **state)
    desk.vendor.put("a", b"", is_packed=False)
    if state.get("is_gone"):
        desk.vendor.files.clear()
    unit, text = desk.download()
    assert (unit.declared_rows, text) == (state.get("rowCount"), "")
    assert desk.vendor.count("GET", "/files") == files


def test_rows_without_a_link_are_no_empty_export(desk: Desk) -> None:
    desk.finish(rowCount=5)
    with pytest.raises(JobExpiredError, match="5 rows and no link"):
        desk.download()


def test_a_link_that_died_is_asked_for_once_more(desk: Desk) -> None:
    desk.finish("old")
    new = desk.vendor.put("new", b"new")
    desk.vendor.states["exp_1"] = [{}, {"downloadUrls": [new]}]
    desk.vendor.spoil("GET /files/old", GONE)
    assert desk.download()[1] == "new"
    assert len(desk.vendor.jobs) == 1


@pytest.mark.parametrize("status", ["complete", "expired"])
def test_where_there_is_no_new_link_the_export_is_asked_for_again_once(
    desk: Desk, status: str
) -> None:
    desk.finish("file")
    desk.vendor.is_idempotent = False  # no time passes here, which its keys go by
    desk.vendor.states["exp_1"] = [{}, {"status": status}]
    desk.vendor.spoil("GET /files", GONE)
    unit, text = desk.download()
    assert (unit.remote_id, text) == ("exp_2", "file")
    desk.vendor.spoil("GET /files", *[GONE] * 9)
    with pytest.raises(JobExpiredError):
        desk.download(desk.unit(Window(date(2026, 2, 1), date(2026, 2, 2))))
    assert len(desk.vendor.jobs) == 4


def test_a_unit_whose_file_was_wrong_is_fetched_from_the_job_it_has(desk: Desk) -> None:
    desk.finish("a")
    unit, _ = desk.download()
    desk.context.journal.forget_job(unit.id)
    assert desk.download(unit)[0].remote_id == "exp_1"
    assert len(desk.vendor.jobs) == 1


def test_a_link_to_a_host_nobody_allowed_is_not_followed(desk: Desk) -> None:
    desk.finish(downloadUrls=["http://169.254.169.254/latest"], rowCount=1)
    with pytest.raises(ConfigError, match=r"169\.254\.169\.254"):
        desk.download()
    assert len(desk.vendor.jobs) == 1


def test_a_window_that_fails_twice_is_too_large_and_is_halved(desk: Desk) -> None:
    desk.vendor.make = lambda _body: {"status": "failed"}
    with pytest.raises(TooLargeError):
        desk.download()
    pieces = desk.api.split(desk.unit())
    assert [piece.id for piece in pieces] == [
        "events+quality/2026-03-01..2026-03-04",
        "events+quality/2026-03-05..2026-03-08",
    ]
    assert desk.context.journal.jobs(SOURCE) == {}
    desk.finish("a")
    scope = name_size(VIDEOS, NOW)
    assert desk.context.journal.size(scope) is None
    desk.download(pieces[0])
    assert desk.context.journal.size(scope) == 4
    (small, _) = desk.api.split(pieces[1])
    desk.download(small)
    assert desk.context.journal.size(scope) == 4  # what worked once is not too many
    assert desk.context.journal.size(name_size(ADS, NOW)) is None


def test_one_day_that_fails_has_failed(desk: Desk) -> None:
    desk.vendor.make = lambda _body: {"status": "failed"}
    day = desk.unit(Window(WINDOW.first, WINDOW.first))
    with pytest.raises(JobFailedError):
        desk.download(day)
    assert desk.api.split(day) == []


def test_a_job_that_somebody_takes_back_fails_with_a_note(desk: Desk) -> None:
    desk.vendor.make = lambda _body: {"status": "cancelled"}
    with pytest.raises(JobError, match="somebody took it back"):
        desk.download()
    assert len(desk.vendor.jobs) == 1
    assert desk.context.journal.jobs(SOURCE) == {}


@pytest.mark.parametrize("is_stopped", [False, True])
def test_what_takes_longer_than_the_run_is_left_or_taken_back(desk: Desk, is_stopped: bool) -> None:
    desk.vendor.make = lambda _body: {"status": "queued"}
    context = replace(desk.context, wait_until=NOW)
    desk.context = context
    if is_stopped:
        context.stop.set()
    with pytest.raises(StillWaitingError):
        desk.download()
    assert desk.vendor.count("DELETE") == is_stopped
    assert list(context.journal.jobs(SOURCE).values()) == ([] if is_stopped else ["exp_1"])


def test_an_announced_export_costs_no_job(desk: Desk) -> None:
    unit, text = desk.download(desk.deliver(desk.vendor.put("sent", b"sent")))
    assert (unit.remote_id, unit.schema_id, text) == ("s1", SCHEDULED, "sent")
    assert desk.vendor.count("POST") == 0
    assert desk.context.inbox.pending() == []


@pytest.mark.parametrize("url", ["", "http://10.0.0.1/x", "dead"])
def test_an_announced_export_whose_link_is_of_no_use_is_asked_for_by_its_id(
    desk: Desk, url: str
) -> None:
    if url == "dead":
        url = desk.vendor.put("dead", b"")
        desk.vendor.spoil("GET /files/dead", GONE)
    link = desk.vendor.put("sent", b"sent")
    desk.vendor.jobs["s1"] = {
        "exportId": "s1",
        "status": "complete",
        "rowCount": 3,
        "downloadUrl": link,
    }
    unit, text = desk.download(desk.deliver(url))
    assert (unit.declared_rows, text) == (3, "sent")
    assert desk.vendor.count("POST") == 0


def test_an_announced_export_that_is_gone_becomes_a_job(desk: Desk) -> None:
    desk.finish("made")
    unit, text = desk.download(desk.deliver(""))
    assert (unit.remote_id, unit.schema_id, text) == ("exp_1", "", "made")
    assert unit.vendor_updated_at is None
    assert "the scheduled export of events+quality/" in desk.warnings[0]
    assert "a job is asked for" in desk.warnings[0]
    assert desk.context.inbox.pending() == []


def test_a_unit_is_refreshed_with_the_rows_the_vendor_gives_now(desk: Desk) -> None:
    desk.finish("a", rowCount=7)
    unit, _ = desk.download()
    desk.vendor.jobs["exp_1"]["rowCount"] = 8
    assert desk.api.refresh(unit).declared_rows == 8
    assert desk.api.refresh(replace(unit, schema_id=SCHEDULED)).declared_rows == 7
    desk.vendor.jobs.clear()
    assert desk.api.refresh(unit) == unit


def test_jobs_are_listed_with_their_units_and_taken_back(desk: Desk) -> None:
    desk.vendor.add("2026-02-01", "2026-02-02")
    desk.vendor.add("2026-02-01", "2026-02-02", status="complete")
    ours = desk.vendor.add("2026-03-01", "2026-03-08")
    journal = desk.context.journal
    journal.add_job(desk.unit(), ours, NOW)
    sent = replace(to_unit(ADS, WINDOW, desk.api.settings))
    journal.add_job(sent, SENT, NOW)
    jobs = {job.id: job for job in desk.api.list_jobs()}
    assert {job_id: (job.unit, job.table) for job_id, job in jobs.items()} == {
        ours: (desk.unit().id, "events"),
        "exp_1": ("", "from 2026-02-01"),
        "": (sent.id, "ads"),
    }
    assert desk.api.cancel_job(jobs[ours])
    assert not desk.api.cancel_job(jobs[""])
    assert journal.jobs(SOURCE) == {}
    assert desk.vendor.jobs[ours]["status"] == "cancelled"


def test_access_is_tried_at_no_cost(desk: Desk) -> None:
    desk.finish("a")
    desk.download()
    assert desk.api.describe_access() == "the key is taken; jobs of this day: 1 of 20"
    desk.vendor.spoil("GET", refuse(401, "KEY_REVOKED", f"no {TOKEN}"))
    with pytest.raises(AuthError) as caught:
        desk.api.describe_access()
    assert TOKEN not in str(caught.value)
    assert desk.vendor.count("POST") == 1


def test_nothing_of_the_key_or_a_link_is_in_the_journal(desk: Desk) -> None:
    desk.finish("a")
    unit, _ = desk.download()
    text = json.dumps([unit.to_json(), desk.context.journal.jobs(SOURCE)])
    assert TOKEN not in text
    assert "sig=secret" not in text


def test_a_window_whose_oldest_day_the_vendor_refuses_is_asked_for_without_it(desk: Desk) -> None:
    refused = refuse(400, "VALIDATION_ERROR", "startDate too early")
    oldest = NOW.date() - timedelta(days=90)
    edge = desk.unit(Window(oldest, oldest + timedelta(days=3)))
    desk.vendor.spoil("POST /v1/analytics/export", refused)
    with pytest.raises(TooLargeError, match="too early"):
        desk.download(edge)
    assert [piece.lower_at.date() - oldest for piece in desk.api.split(edge)] == [
        timedelta(0),
        timedelta(days=2),
    ]
    for window in (Window(oldest, oldest), WINDOW):
        desk.vendor.spoil("POST /v1/analytics/export", refused)
        with pytest.raises(RequestError, match="too early"):
            desk.download(desk.unit(window))
