"""Jobs: one for each window, whatever becomes of the answers, and no more of them than a day has."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import (
    AuthError,
    ConnectorError,
    JobExpiredError,
    JobFailedError,
    NetworkError,
    QueueFullError,
    QuotaError,
    RequestError,
    ServerError,
)
from connector.jobs import SENT, Ready, Waiting, await_job
from connector.journal import Journal
from connector.sources.shortkit.agenda import Window, to_unit
from connector.sources.shortkit.calls import Calls, make_client
from connector.sources.shortkit.job import JOB_KIND, ExportJob, JobCancelledError, cancel_job
from connector.sources.shortkit.shortkit_settings import SOURCE, Group
from tests.unit.sources.test_shortkit_settings import ADS, VIDEOS, make_settings
from tests.unit.sources.video_vendor import LOST, Answer, VideoVendor, refuse, say, serve, show

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
FIRST, LAST = "2026-03-01", "2026-03-09"
CREATE = "POST /v1/analytics/export"
PAGE: Answer = (502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>")
NO_ANSWER = (NetworkError, ServerError)
LINK = "https://exports.shortkit.dev/exp_1/data.jsonl.gz"


@dataclass
class Desk:
    """One window's job at a vendor on loopback."""

    vendor: VideoVendor
    clock: SimulatedClock
    changes: dict[str, Any] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    warnings: list[str] = field(default_factory=list)
    asking: threading.Lock = field(default_factory=threading.Lock)
    wait_until: datetime | None = None

    def job(self, group: Group = VIDEOS) -> ExportJob:
        settings = make_settings(base_url=f"{self.vendor.url}/v1", retries=3, **self.changes)
        window = Window(date.fromisoformat(FIRST), date.fromisoformat(LAST))
        context = ApiContext(
            self.journal, self.clock, warn=self.warnings.append, wait_until=self.wait_until
        )
        calls = Calls(make_client(settings, connections=2), context, settings.retries)
        unit = to_unit(group, window, settings)
        return ExportJob(unit, calls, settings, context, self.asking)

    def create(self, group: Group = VIDEOS) -> str:
        job = self.job(group)
        return job.create(job.unit)

    def find(self, group: Group = VIDEOS) -> str | None:
        job = self.job(group)
        return job.find(job.unit)

    def wait(self, group: Group = VIDEOS) -> Ready:
        """As the engine waits for it."""
        job = self.job(group)
        return await_job(job, job.unit, job.context, job.settings.patience)

    def send_and_die(self, group: Group = VIDEOS, at: datetime | None = None) -> None:
        """A run that was killed before the answer to its request came."""
        self.journal.add_job(self.job(group).unit, SENT, at or self.clock.now())

    def known(self, group: Group = VIDEOS) -> str:
        known = self.journal.job(self.job(group).unit.id)
        return known[0] if known else ""

    @property
    def used(self) -> int:
        return self.journal.requests_used(SOURCE, self.clock.now()).get(JOB_KIND, 0)

    @property
    def waited_s(self) -> float:
        return (self.clock.now() - NOW).total_seconds()


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = SimulatedClock(NOW)
    with serve(clock) as vendor:
        yield Desk(vendor, clock)


def test_a_job_is_asked_for_once_and_known(desk: Desk) -> None:
    assert desk.create() == "exp_1"
    assert desk.known() == "exp_1"
    assert desk.used == 1
    (asked,) = desk.vendor.asked
    assert (asked.method, asked.path) == ("POST", "/v1/analytics/export")
    assert asked.body == {
        "startDate": FIRST,
        "endDate": LAST,
        "dataTypes": ["events", "quality"],
        "format": "jsonl",
        "compression": "gzip",
    }
    assert len(asked.headers["idempotency-key"]) == 64
    assert desk.find() is None  # nothing is open


def test_every_intent_has_a_key_of_its_own(desk: Desk) -> None:
    desk.create()
    desk.journal.forget_job(desk.job().unit.id)
    desk.clock.advance(1)
    desk.create()
    desk.create(ADS)
    assert len({asked.headers["idempotency-key"] for asked in desk.vendor.asked}) == 3
    assert len(desk.vendor.jobs) == 3


@pytest.mark.parametrize("is_idempotent", [True, False])
@pytest.mark.parametrize("answer", [LOST, PAGE, (200, {}, b"")], ids=["lost", "page", "empty"])
def test_a_lost_answer_makes_one_job(desk: Desk, answer: Answer, is_idempotent: bool) -> None:
    desk.vendor.is_idempotent = is_idempotent
    desk.vendor.spoil(CREATE, answer, is_done=True)
    if answer[0] == 200:  # an answer that names no job is wrong for good
        with pytest.raises(RequestError, match="names no job"):
            desk.create()
        return
    assert desk.create() == "exp_1"
    assert list(desk.vendor.jobs) == ["exp_1"]
    assert (desk.known(), desk.used) == ("exp_1", 1)
    assert desk.warnings == [
        f"unit events+quality/{FIRST}..{LAST}: the answer to the request for it was lost; job exp_1 is it"
    ]


@pytest.mark.parametrize("answer", [LOST, PAGE])
def test_a_request_that_was_lost_is_sent_again_under_the_same_key(
    desk: Desk, answer: Answer
) -> None:
    desk.vendor.spoil(CREATE, answer, answer)
    assert desk.create() == "exp_1"
    keys = {asked.headers["idempotency-key"] for asked in desk.vendor.find("POST")}
    assert (desk.vendor.count("POST"), len(keys)) == (3, 1)
    assert desk.used == 1
    assert desk.warnings == []


@pytest.mark.parametrize("answer", [LOST, PAGE])
def test_a_vendor_that_never_answers_leaves_an_intent_that_the_next_run_finds(
    desk: Desk, answer: Answer
) -> None:
    desk.vendor.spoil(CREATE, *[answer] * 4, is_done=True)
    desk.vendor.spoil("GET /v1/analytics/exports", *[PAGE] * 20)
    with pytest.raises(NO_ANSWER):
        desk.create()
    assert desk.known() == SENT
    desk.vendor.faults.clear()
    desk.vendor.is_idempotent = False
    assert desk.find() == "exp_1"
    assert (list(desk.vendor.jobs), desk.known(), desk.used) == (["exp_1"], "exp_1", 1)


def test_an_intent_that_never_reached_the_vendor_is_sent_again(desk: Desk) -> None:
    desk.send_and_die()
    desk.clock.advance(3600)
    assert desk.find() == "exp_1"
    assert (len(desk.vendor.jobs), desk.used) == (1, 1)


def test_the_key_of_an_intent_outlives_the_run(desk: Desk) -> None:
    desk.vendor.spoil(CREATE, *[LOST] * 4, is_done=True)
    desk.vendor.spoil("GET /v1/analytics/exports", *[PAGE] * 99)
    with pytest.raises(NO_ANSWER):
        desk.create()
    desk.vendor.faults = {"GET /v1/analytics/exports": [(say(200, {"data": []}), False)] * 9}
    desk.clock.advance(600)
    assert desk.find() == "exp_1"  # by its key: the list has it not yet
    assert len(desk.vendor.jobs) == 1


def test_jobs_of_others_are_never_taken_for_a_lost_one(desk: Desk) -> None:
    vendor = desk.vendor
    old = NOW - timedelta(hours=1)
    vendor.add(FIRST, LAST, createdAt=show(old))
    vendor.add(FIRST, "2026-03-08")
    vendor.add("2026-03-02", LAST)
    vendor.add(FIRST, LAST, format="csv")
    for status in ("failed", "cancelled", "expired", "paused"):
        vendor.add(FIRST, LAST, status=status)
    desk.send_and_die()
    assert desk.find() == "exp_9"


def test_two_that_could_be_it_are_not_told_apart(desk: Desk) -> None:
    desk.vendor.add(FIRST, LAST)
    desk.vendor.add(FIRST, LAST)
    desk.send_and_die()
    assert desk.find() == "exp_3"


def test_a_job_of_other_types_of_ours_is_never_taken(desk: Desk) -> None:
    assert desk.create(ADS) == "exp_1"
    desk.vendor.spoil(CREATE, LOST)
    assert desk.create() == "exp_2"
    assert (desk.known(ADS), desk.known()) == ("exp_1", "exp_2")
    desk.journal.forget_job(desk.job(ADS).unit.id)  # it is over, and still in the list
    desk.journal.forget_job(desk.job().unit.id)
    desk.vendor.spoil(CREATE, LOST)
    assert desk.create() == "exp_3"


def test_the_vendors_clock_may_differ_a_little(desk: Desk) -> None:
    desk.vendor.spoil(CREATE, LOST, is_done=True)
    desk.vendor.make = lambda _body: {"createdAt": show(NOW - timedelta(minutes=4))}
    desk.vendor.is_idempotent = False
    assert desk.create() == "exp_1"


def test_the_list_is_read_page_by_page_in_whichever_order_it_is(desk: Desk) -> None:
    vendor = desk.vendor
    ours = vendor.add(FIRST, LAST)
    for _ in range(250):
        vendor.add("2025-01-01", "2025-01-02", createdAt=show(NOW - timedelta(days=1)))
    desk.send_and_die()
    assert desk.find() == ours
    lists = vendor.find("GET", "/v1/analytics/exports")
    assert [asked.path.partition("?")[2] for asked in lists] == [
        "limit=100",
        "limit=100&cursor=100",
        "limit=100&cursor=200",
    ]


def test_a_list_without_end_is_not_read_to_it(desk: Desk) -> None:
    endless = say(200, {"data": [], "meta": {"nextCursor": "again"}})
    desk.vendor.spoil("GET /v1/analytics/exports", *[endless] * 99)
    desk.send_and_die()
    assert desk.find() == "exp_1"
    assert desk.vendor.count("GET") < 20


def test_a_vendor_without_a_list_is_asked_by_key_alone(desk: Desk) -> None:
    desk.vendor.spoil("GET /v1/analytics/exports", *[refuse(404, "NOT_FOUND")] * 9)
    desk.vendor.spoil(CREATE, LOST, is_done=True)
    assert desk.create() == "exp_1"
    assert len(desk.vendor.jobs) == 1


@pytest.mark.parametrize("body", [{"data": None}, {"data": "x"}, {"data": ["x"]}, {}])
def test_a_list_that_is_none_has_no_jobs(desk: Desk, body: Any) -> None:
    desk.vendor.spoil("GET /v1/analytics/exports", say(200, body))
    desk.send_and_die()
    assert desk.find() == "exp_1"


CONFLICTS = [refuse(409, "ALREADY_EXISTS"), refuse(409, "CONFLICT")]


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_a_conflict_with_a_job_of_ours_adopts_it(desk: Desk, conflict: Answer) -> None:
    desk.vendor.spoil(CREATE, conflict, is_done=True)
    assert desk.create() == "exp_1"
    assert (desk.known(), desk.used, desk.vendor.count("POST")) == ("exp_1", 1, 1)


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_a_conflict_with_others_is_waited_out(desk: Desk, conflict: Answer) -> None:
    desk.vendor.add(FIRST, LAST, createdAt=show(NOW - timedelta(days=1)))
    desk.vendor.spoil(CREATE, conflict)
    with pytest.raises(QueueFullError):
        desk.create()
    assert desk.used == 0
    desk.vendor.make = lambda _body: {"status": "complete", "downloadUrl": LINK}
    desk.vendor.spoil(CREATE, conflict, conflict)
    assert desk.wait() == Ready((LINK,))
    assert desk.waited_s >= 10
    assert desk.used == 1


@pytest.mark.parametrize(
    ("headers", "least_s"), [({"Retry_After": "45"}, 45 + 45), ({}, 10 + 10), (None, 10 + 10)]
)
def test_a_full_queue_is_waited_for(
    desk: Desk, headers: dict[str, str] | None, least_s: float
) -> None:
    full = (429, {}, b"") if headers is None else refuse(429, "RATE_LIMITED", **headers)
    desk.vendor.spoil(CREATE, full, full)
    desk.vendor.make = lambda _body: {"status": "complete", "downloadUrl": LINK}
    assert desk.wait() == Ready((LINK,))
    assert desk.waited_s >= least_s
    assert (desk.vendor.count("POST"), desk.used) == (3, 1)  # refused requests are no jobs


def test_the_quota_of_a_month_is_nothing_to_look_for(desk: Desk) -> None:
    desk.vendor.spoil(CREATE, refuse(429, "QUOTA_EXCEEDED", Retry_After="86400"))
    with pytest.raises(QuotaError):
        desk.create()
    assert (desk.known(), desk.used, desk.vendor.count("POST")) == ("", 0, 1)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "VALIDATION_ERROR", RequestError),
        (401, "KEY_REVOKED", AuthError),
        (403, "FORBIDDEN", AuthError),
    ],
)
def test_what_is_refused_for_good_leaves_nothing_behind(
    desk: Desk, status: int, code: str, kind: type[ConnectorError]
) -> None:
    desk.vendor.spoil(CREATE, refuse(status, code))
    with pytest.raises(kind):
        desk.create()
    assert (desk.known(), desk.used, desk.vendor.count("POST")) == ("", 0, 1)


def use(desk: Desk, jobs: int) -> None:
    for _ in range(jobs):
        desk.journal.count_request(SOURCE, JOB_KIND, NOW)


def test_some_jobs_of_the_day_are_kept_for_retries(desk: Desk) -> None:
    use(desk, 17)
    desk.create()
    job = desk.job(ADS)
    with pytest.raises(QuotaError) as caught:
        job.create(job.unit)
    assert "18 jobs of this UTC day are used" in str(caught.value)
    assert "of which 2 are kept for retries" in str(caught.value)
    assert caught.value.exit_code == 4
    assert desk.known(ADS) == ""
    job.is_retry = True
    job.create(job.unit)
    job.create(job.unit)
    with pytest.raises(QuotaError, match="20 jobs"):
        job.create(job.unit)
    desk.clock.advance(12 * 3600)  # another day
    assert desk.create(ADS)


def test_a_failed_job_is_asked_for_once_more_of_what_is_kept(desk: Desk) -> None:
    use(desk, 17)
    states = iter([{"status": "failed"}, {"status": "complete", "downloadUrl": LINK}])
    desk.vendor.make = lambda _body: next(states)
    assert desk.wait() == Ready((LINK,))
    assert (desk.used, len(desk.vendor.jobs)) == (19, 2)
    assert desk.waited_s >= 600


def test_a_job_that_fails_twice_has_failed(desk: Desk) -> None:
    desk.vendor.make = lambda _body: {"status": "failed"}
    with pytest.raises(JobFailedError, match="exp_2 has the status 'failed'"):
        desk.wait()
    assert len(desk.vendor.jobs) == 2


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"status": "queued"}, Waiting()),
        ({"status": "processing", "progress": 45}, Waiting(0.45)),
        ({"status": "paused"}, Waiting(strange="paused")),
        ({}, Waiting(strange="(none)")),
        ({"status": "complete", "downloadUrl": LINK}, Ready((LINK,))),
        ({"status": "completed", "rowCount": 0}, Ready(())),
    ],
)
def test_states_on_the_way(desk: Desk, data: dict[str, Any], state: Waiting | Ready) -> None:
    desk.vendor.jobs["exp_7"] = {"jobId": "exp_7", **data}
    assert desk.job().poll("exp_7") == state


@pytest.mark.parametrize(
    ("status", "kind"),
    [("failed", JobFailedError), ("expired", JobExpiredError), ("canceled", JobCancelledError)],
)
def test_states_at_the_end(desk: Desk, status: str, kind: type[ConnectorError]) -> None:
    desk.vendor.jobs["exp_7"] = {"jobId": "exp_7", "status": status}
    with pytest.raises(kind) as caught:
        desk.job().poll("exp_7")
    assert type(caught.value) is kind


@pytest.mark.parametrize("answer", [refuse(404, "NOT_FOUND"), refuse(410, "GONE")])
def test_a_job_the_vendor_has_no_more_is_over(desk: Desk, answer: Answer) -> None:
    desk.vendor.spoil("GET /v1/analytics/export/exp_7", answer)
    with pytest.raises(JobExpiredError):
        desk.job().poll("exp_7")


def test_progress_may_stand_and_go_back(desk: Desk) -> None:
    steps = [0, 50, 20, 20, None, 90]
    desk.vendor.make = lambda _body: {"status": "queued"}
    desk.vendor.states["exp_1"] = [
        *[{"status": "processing", "progress": step} for step in steps],
        *[{"status": "processing", "progress": 90}] * 100,
        {"status": "complete", "downloadUrl": LINK},
    ]
    assert desk.wait() == Ready((LINK,))
    assert len(desk.vendor.jobs) == 1


def test_a_status_nobody_knows_is_waited_for_to_the_deadline_and_named(desk: Desk) -> None:
    desk.vendor.make = lambda _body: {"status": "thinking"}
    desk.changes = {"deadline_hours": 0.1}
    with pytest.raises(ConnectorError, match="its status is 'thinking'"):
        desk.wait()
    assert 360 <= desk.waited_s < 450
    assert desk.vendor.count("DELETE") == 1
    assert desk.known() == ""


def test_a_job_is_taken_back_where_it_can_be(desk: Desk) -> None:
    job = desk.job()
    running = desk.create()
    assert cancel_job(job.calls, job.settings, running)
    assert desk.vendor.jobs[running]["status"] == "cancelled"
    assert not cancel_job(job.calls, job.settings, "exp_99")
    desk.vendor.spoil("DELETE", refuse(409, "CONFLICT"), refuse(403, "FORBIDDEN"), PAGE)
    assert not cancel_job(job.calls, job.settings, running)
    assert not cancel_job(job.calls, job.settings, running)
    assert cancel_job(job.calls, job.settings, running)  # after one more try
