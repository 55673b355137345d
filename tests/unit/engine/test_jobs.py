"""Jobs: asked for once, adopted after a crash, asked for again when they failed, bounded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import (
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    NetworkError,
    QueueFullError,
    StillWaitingError,
)
from connector.jobs import Patience, Ready, Waiting, await_job
from connector.journal import Journal
from connector.units import Unit

START = datetime(2026, 1, 1, tzinfo=UTC)
READY = Ready(("part/0",))
UNIT = Unit("u1", "vendor", "events", "1", "receive", START, START + timedelta(hours=1), "")


class FakeJobs:
    """A vendor with jobs; `answers` are what polls give, one after the other; the queue is `full`
    for so many requests.
    """

    def __init__(
        self, *answers: Waiting | Ready | Exception, loses_answer: bool = False, full: int = 0
    ) -> None:
        self.answers = list(answers)
        self.full = full
        self.loses_answer = loses_answer
        self.created: list[str] = []
        self.polled: list[str] = []
        self.cancelled: list[str] = []

    def find(self, unit: Unit) -> str | None:
        assert unit is UNIT
        return self.created[-1] if self.created else None

    def create(self, unit: Unit) -> str:
        assert unit is UNIT
        if self.full:
            self.full -= 1
            raise QueueFullError("full", source="vendor")
        self.created.append(f"job{len(self.created) + 1}")
        if self.loses_answer:
            self.loses_answer = False
            raise NetworkError("the answer was lost", source="vendor")
        return self.created[-1]

    def poll(self, job_id: str) -> Waiting | Ready:
        self.polled.append(job_id)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.db")
    yield journal
    journal.close()


def wait_for(api: FakeJobs, journal: Journal, clock: SimulatedClock, **patience: object) -> Ready:
    return await_job(api, UNIT, ApiContext(journal, clock), Patience(**patience))  # type: ignore[arg-type]


def test_pauses_grow_to_the_longest_and_hints_are_honoured(journal: Journal) -> None:
    clock = SimulatedClock(START)
    api = FakeJobs(Waiting(0.1), Waiting(0.5, retry_after_s=45), Waiting(), Waiting(), READY)
    assert wait_for(api, journal, clock, first_s=10, most_s=20, growth=1.5) == READY
    assert clock.slept_s == [10, 45, 20, 20]


def test_a_job_asked_for_before_a_crash_is_adopted(journal: Journal) -> None:
    clock = SimulatedClock(START)
    journal.add_job(UNIT, "job-of-the-killed-run", START)
    api = FakeJobs(READY)
    assert wait_for(api, journal, clock) == READY
    assert (api.created, api.polled) == ([], ["job-of-the-killed-run"])


def test_a_request_whose_answer_was_lost_is_not_sent_again(journal: Journal) -> None:
    clock = SimulatedClock(START)
    api = FakeJobs(READY, loses_answer=True)
    with pytest.raises(NetworkError):
        wait_for(api, journal, clock)
    assert wait_for(api, journal, clock) == READY
    assert api.created == ["job1"]


def test_a_failed_or_expired_job_is_asked_for_again(journal: Journal) -> None:
    clock = SimulatedClock(START)
    failed, expired = JobFailedError("failed", job_id="1"), JobExpiredError("gone", job_id="2")
    api = FakeJobs(failed, expired, READY)
    assert wait_for(api, journal, clock) == READY
    assert api.created == ["job1", "job2", "job3"]


def test_a_job_that_keeps_failing_fails_by_name(journal: Journal) -> None:
    api = FakeJobs(*[JobFailedError("failed", job_id="x")] * 3)
    with pytest.raises(JobFailedError):
        wait_for(api, journal, SimulatedClock(START), creations=3)
    assert len(api.created) == 3
    assert journal.job(UNIT.id) is None


@pytest.mark.parametrize("wait_s", [0, 600])
def test_when_the_runs_time_is_over_the_job_stays_for_the_next_run(
    journal: Journal, wait_s: int
) -> None:
    clock = SimulatedClock(START)
    api = FakeJobs(*[Waiting()] * 100)
    context = ApiContext(journal, clock, wait_until=START + timedelta(seconds=wait_s))
    with pytest.raises(StillWaitingError, match="the next run takes it up"):
        await_job(api, UNIT, context, Patience(first_s=60))
    assert clock.now() <= START + timedelta(seconds=wait_s)
    api.answers = [READY]
    assert wait_for(api, journal, clock) == READY
    assert (api.created, api.cancelled) == (["job1"], [])


def test_a_run_that_is_stopped_waits_no_more(journal: Journal) -> None:
    context = ApiContext(journal, SimulatedClock(START))
    context.stop.set()
    with pytest.raises(StillWaitingError):
        await_job(FakeJobs(Waiting()), UNIT, context, Patience())
    assert journal.jobs("vendor") == {"u1": "job1"}


def test_a_job_is_taken_back_at_its_own_deadline_counted_from_when_it_was_asked_for(
    journal: Journal,
) -> None:
    journal.add_job(UNIT, "job-of-yesterday", START - timedelta(hours=5))
    clock, api = SimulatedClock(START), FakeJobs(*[Waiting()] * 1000)
    warned: list[str] = []
    context = ApiContext(journal, clock, warn=warned.append)
    with pytest.raises(JobTimeoutError, match="the next run asks anew"):
        await_job(api, UNIT, context, Patience(deadline=timedelta(hours=6)))
    assert START + timedelta(minutes=59) < clock.now() < START + timedelta(minutes=62)
    assert (api.cancelled, journal.jobs("vendor")) == (["job-of-yesterday"], {})
    assert len(warned) == 1


def test_a_job_whose_progress_stands_still_is_taken_back(journal: Journal) -> None:
    clock = SimulatedClock(START)
    moving = [Waiting(progress / 100) for progress in (10, 50, 40, 97)]
    api = FakeJobs(*moving, *[Waiting(0.97)] * 1000)
    with pytest.raises(JobTimeoutError, match="stands still"):
        wait_for(api, journal, clock, stuck=timedelta(minutes=30))
    assert api.cancelled == ["job1"]
    assert clock.now() < START + timedelta(minutes=35)


def test_a_full_queue_is_waited_for_and_is_no_failure(journal: Journal) -> None:
    clock, api = SimulatedClock(START), FakeJobs(READY, full=3)
    assert wait_for(api, journal, clock, queue_full_s=60) == READY
    assert (clock.slept_s, api.created) == ([60, 60, 60], ["job1"])


def test_a_full_queue_is_left_to_the_next_run_when_the_time_is_over(journal: Journal) -> None:
    context = ApiContext(journal, SimulatedClock(START), wait_until=START)
    with pytest.raises(StillWaitingError, match="queue is full"):
        await_job(FakeJobs(full=1), UNIT, context, Patience())
    assert journal.jobs("vendor") == {}


def test_ten_minutes_of_waiting_are_few_polls(journal: Journal) -> None:
    clock, api = SimulatedClock(START), FakeJobs(*[Waiting()] * 100)
    context = ApiContext(journal, clock, wait_until=START + timedelta(minutes=10))
    with pytest.raises(StillWaitingError):
        await_job(api, UNIT, context, Patience())
    assert len(api.polled) <= 45


def test_progress_is_reported(journal: Journal) -> None:
    seen: list[tuple[str, str]] = []
    api = FakeJobs(Waiting(0.25), Waiting(), Waiting(0.94), READY)
    context = ApiContext(
        journal, SimulatedClock(START), report=lambda unit, text: seen.append((unit, text))
    )
    await_job(api, UNIT, context, Patience())
    assert seen == [("u1", "25%"), ("u1", ""), ("u1", "94%")]
