"""Vendors that answer otherwise than the emulator does, within what the published pages leave open."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import JobError, JobExpiredError, StillWaitingError, TooLargeError
from connector.inbox import Delivery
from connector.journal import Journal
from connector.sources.shortkit import make_api
from connector.sources.shortkit.agenda import Window, to_unit
from connector.sources.shortkit.api import ShortkitApi
from connector.sources.shortkit.people import make_people
from connector.sources.shortkit.planner import SCHEDULED
from connector.spool import Spool
from connector.units import Unit
from tests.unit.sources.test_shortkit_settings import GIVEN, VIDEOS
from tests.unit.sources.video_vendor import Answer, VideoVendor, refuse, say, serve

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = Window(date(2026, 3, 1), date(2026, 3, 8))
LINE = b'{"event":"like","timestamp":"2026-03-01T10:00:00Z"}\n'
CREATE = "POST /v1/analytics/export"


@dataclass
class Desk:
    """The API against a vendor on loopback, each call with the time that a run has."""

    vendor: VideoVendor
    clock: SimulatedClock
    spool: Spool
    journal: Journal
    warnings: list[str]
    wait_s: float = 3600.0

    @property
    def context(self) -> ApiContext:
        until = self.clock.now() + timedelta(seconds=self.wait_s)
        return ApiContext(
            self.journal, self.clock, wait_until=until, warn=self.warnings.append, inbox=self.inbox
        )

    def __post_init__(self) -> None:
        self.inbox = ApiContext().inbox

    @property
    def given(self) -> dict[str, Any]:
        host = self.vendor.url.removeprefix("http://")
        return {**GIVEN, "base_url": f"{self.vendor.url}/v1", "download_hosts": host}

    @property
    def api(self) -> ShortkitApi:
        return make_api(self.given, self.context)

    def unit(self) -> Unit:
        return to_unit(VIDEOS, WINDOW, self.api.settings)

    def download(self, unit: Unit | None = None) -> Unit:
        found, path = self.api.download(unit or self.unit(), self.spool)
        assert path.exists()
        return found

    def finish(self, body: bytes = LINE, **state: Any) -> None:
        """New jobs are complete, and have this file."""
        link = self.vendor.put("a.gz", body)
        self.vendor.make = lambda _body: {"status": "complete", "downloadUrl": link, **state}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = SimulatedClock(NOW)
    with serve(clock) as vendor:
        vendor.is_idempotent = False  # the clock stands: two requests have the same key
        yield Desk(vendor, clock, Spool(tmp_path / "spool"), Journal(), [])


def test_a_file_with_rows_is_fetched_where_none_are_declared(desk: Desk) -> None:
    desk.finish(rowCount=0)
    assert desk.download().declared_rows == 0
    assert desk.vendor.count("GET", "/files/") == 1  # whoever counts its rows finds the difference


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_store_may_say_in_its_own_way_that_a_link_has_died(desk: Desk, status: int) -> None:
    desk.finish()
    gone: Answer = (status, {}, b"<Error><Code>ExpiredToken</Code></Error>")
    desk.vendor.spoil("GET /files", gone)
    assert desk.download().remote_id == "exp_2"


@pytest.mark.parametrize("body", [LINE, b""])
def test_an_encoding_that_is_told_and_not_there_is_none(desk: Desk, body: bytes) -> None:
    desk.finish()
    desk.vendor.spoil("GET /files", (200, {"Content-Encoding": "gzip"}, body))
    _, path = desk.api.download(desk.unit(), desk.spool)
    assert path.read_bytes() == body


@pytest.mark.parametrize("rows", ["1", 1, 1.0])
def test_a_count_may_be_a_text(desk: Desk, rows: object) -> None:
    desk.finish(rowCount=rows)
    assert desk.download().declared_rows == 1


@pytest.mark.parametrize("rows", ["NaN", "Infinity", "many", None, [1]])
def test_a_count_that_is_none_is_not_told(desk: Desk, rows: object) -> None:
    desk.finish(rowCount=rows)
    assert desk.download().declared_rows is None


def test_a_job_that_somebody_took_back_is_asked_for_by_the_next_run_only(desk: Desk) -> None:
    desk.vendor.make = lambda _body: {"status": "cancelled"}
    with pytest.raises(JobError, match="took it back"):
        desk.download()
    assert desk.vendor.count("POST") == 1
    assert desk.clock.now() == NOW
    desk.finish()
    assert desk.download().remote_id == "exp_2"


def test_a_job_that_failed_is_asked_for_once_more_by_runs_that_have_no_time(desk: Desk) -> None:
    desk.wait_s = 0.0
    desk.vendor.make = lambda _body: {"status": "failed"}
    for _ in range(3):
        with pytest.raises(StillWaitingError):
            desk.download()
    assert desk.vendor.count("POST") == 1
    desk.clock.sleep(600.0)
    with pytest.raises(TooLargeError):  # and then in halves
        desk.download()
    assert desk.vendor.count("POST") == 2


def schedule(desk: Desk, link: str) -> Unit:
    """The unit of an export that was announced with this link."""
    delivery = Delivery("exp_day", "", WINDOW.first, WINDOW.last, link, None, NOW)
    desk.inbox.put([delivery])
    return replace(desk.unit(), remote_id="exp_day", schema_id=SCHEDULED)


PAGE = (200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")
BAD: dict[str, tuple[Answer, ...]] = {
    "page": (PAGE, PAGE, PAGE),
    "leads away": ((302, {"Location": "http://169.254.169.254/x"}, b""),),
    "refused": ((416, {}, b"range"),),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_an_announced_file_that_is_none_becomes_a_job(desk: Desk, bad: tuple[Answer, ...]) -> None:
    desk.finish()
    unit = schedule(desk, desk.vendor.put("announced.gz", LINE))
    desk.vendor.spoil("GET /files/announced.gz", *bad)
    assert desk.download(unit).remote_id == "exp_1"
    assert desk.inbox.pending() == []
    (warning,) = desk.warnings
    assert "a job is asked for" in warning


ERASED: list[Answer] = [
    say(200, {}),
    say(200, []),
    say(202, {"data": {"status": "deleting"}}),
    (200, {"Content-Type": "text/plain"}, b"deleted"),
    (204, {}, b""),
]


@pytest.mark.parametrize("answer", ERASED)
def test_a_person_is_erased_whatever_the_success_says(desk: Desk, answer: Answer) -> None:
    desk.vendor.spoil("DELETE /v1/users/u1", answer)
    people = make_people(desk.given, desk.context, desk.spool)
    assert people.erase_person("u1") == "erased"
    assert desk.vendor.count("DELETE") == 1
    people.close()


@pytest.mark.parametrize("answer", [refuse(404, "NOT_FOUND"), (404, {}, b""), (410, {}, b"gone")])
def test_a_person_who_is_gone_is_erased(desk: Desk, answer: Answer) -> None:
    desk.vendor.spoil("DELETE /v1/users/u1", answer)
    people = make_people(desk.given, desk.context, desk.spool)
    assert people.erase_person("u1").startswith("already gone")
    people.close()


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_persons_job_is_looked_at_by_the_other_path_where_the_first_is_none(
    desk: Desk, status: int
) -> None:
    desk.vendor.spoil("POST /v1/users/u1/export", say(202, {"data": {"jobId": 7}}))
    desk.vendor.spoil("GET /v1/users/u1/export/7", (status, {}, b""))
    link = desk.vendor.put("u1.json.gz", b'{"linkedDeviceIds":["d1"]}')
    done = {"status": "complete", "downloadUrl": link}
    desk.vendor.spoil("GET /v1/analytics/export/7", say(200, {"data": done}))
    people = make_people(desk.given, desk.context, desk.spool)
    path = people.export_person("u1")
    assert path is not None
    assert path.stat().st_size > 0
    people.close()


def test_an_id_with_marks_of_a_path_stays_one_part_of_it(desk: Desk) -> None:
    job = desk.api._make_job(desk.unit())
    with pytest.raises(JobExpiredError):
        job.look("a/../b?c")
    assert desk.vendor.asked[-1].path == "/v1/analytics/export/a%2F..%2Fb%3Fc"
