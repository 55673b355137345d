"""Jobs: asked for once, adopted after a crash, asked for again when they failed, bounded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.clock import SimulatedClock
from connector.errors import JobExpiredError, JobFailedError, JobTimeoutError, NetworkError
from connector.jobs import Patience, Ready, Waiting, await_job, cancel_orphans
from connector.journal import Journal
from connector.units import Unit

START = datetime(2026, 1, 1, tzinfo=UTC)
READY = Ready(("part/0",))
UNIT = Unit("u1", "vendor", "events", "1", "receive", START, START + timedelta(hours=1), "")


class FakeJobs:
    """A vendor with jobs; `answers` are what polls give, one after the other."""

    def __init__(self, *answers: Waiting | Ready | Exception, loses_answer: bool = False) -> None:
        self.answers = list(answers)
        self.loses_answer = loses_answer
        self.created: list[str] = []
        self.polled: list[str] = []
        self.cancelled: list[str] = []

    def find(self, unit: Unit) -> str | None:
        assert unit is UNIT
        return self.created[-1] if self.created else None

    def create(self, unit: Unit) -> str:
        assert unit is UNIT
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
    return await_job(api, UNIT, journal, clock, Patience(**patience))  # type: ignore[arg-type]


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


def test_at_the_deadline_the_job_stays_for_the_next_run(journal: Journal) -> None:
    clock = SimulatedClock(START)
    api = FakeJobs(*[Waiting()] * 100)
    with pytest.raises(JobTimeoutError, match="the next run takes it up"):
        wait_for(api, journal, clock, first_s=60, deadline=timedelta(minutes=10))
    assert clock.now() <= START + timedelta(minutes=10)
    api.answers = [READY]
    assert wait_for(api, journal, clock) == READY
    assert api.created == ["job1"]


def test_orphans_are_cancelled(journal: Journal) -> None:
    journal.add_job(UNIT, "job9", START)
    api = FakeJobs()
    assert cancel_orphans(api, "vendor", journal, wanted={"other"}) == ["u1"]
    assert (api.cancelled, journal.jobs("vendor")) == (["job9"], {})


def test_progress_is_reported(journal: Journal) -> None:
    seen: list[float | None] = []
    api = FakeJobs(Waiting(0.25), Waiting(0.94), READY)
    await_job(
        api,
        UNIT,
        journal,
        SimulatedClock(START),
        Patience(),
        report=lambda _unit, waiting: seen.append(waiting.progress),
    )
    assert seen == [0.25, 0.94]
