"""Ask -> poll -> ready: one loop for vendors that prepare a file before they hand it out.

What was asked for is in the journal from before the request is sent, so that a job asked for by a
killed run is adopted and not asked for again. Data Stream has no jobs: its files are ready at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from connector.clock import Clock
from connector.errors import JobExpiredError, JobFailedError, JobTimeoutError
from connector.journal import Journal
from connector.units import Unit


@dataclass(frozen=True, slots=True)
class Waiting:
    """The job is under way; `progress` is 0..1 where the vendor tells, `retry_after_s` its hint."""

    progress: float | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The file, or its parts, can be downloaded from `places` (paths or links)."""

    places: tuple[str, ...]


class JobApi(Protocol):
    """A vendor's jobs. Every method raises an `ApiError` when the vendor refuses."""

    def find(self, unit: Unit) -> str | None:
        """The id of a job for just this unit that the vendor already has, or None."""
        ...

    def create(self, unit: Unit) -> str:
        """Ask for the unit; the new job's id."""
        ...

    def poll(self, job_id: str) -> Waiting | Ready:
        """The job's state. Raises JobFailedError or JobExpiredError when it ended without a file."""
        ...

    def cancel(self, job_id: str) -> None:
        """Take the job back; one that is gone already is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait: the first pause, the longest, their growth, how long in all, and how often a
    failed job is asked for again.
    """

    first_s: float = 10.0
    most_s: float = 60.0
    growth: float = 1.5
    deadline: timedelta = timedelta(hours=1)
    creations: int = 5

    def pauses(self) -> Iterator[float]:
        """Pauses between polls, in seconds."""
        pause_s = self.first_s
        while True:
            yield pause_s
            pause_s = min(pause_s * self.growth, self.most_s)


def await_job(
    api: JobApi,
    unit: Unit,
    journal: Journal,
    clock: Clock,
    patience: Patience,
    *,
    report: Callable[[Unit, Waiting], None] = lambda _unit, _waiting: None,
) -> Ready:
    """The ready job of a unit: adopted where one exists, asked for otherwise.

    A job that failed or expired is asked for again, up to `creations` times in all. Raises
    JobTimeoutError at the deadline (the job stays in the journal for the next run), JobFailedError
    when the last one failed.
    """
    give_up_at = clock.now() + patience.deadline
    for attempt in range(1, patience.creations + 1):
        job_id = _adopt(api, unit, journal) or _ask(api, unit, journal, clock)
        try:
            for pause_s in patience.pauses():
                state = api.poll(job_id)
                if isinstance(state, Ready):
                    return state
                report(unit, state)
                wait_s = max(pause_s, state.retry_after_s or 0.0)
                if clock.now() + timedelta(seconds=wait_s) > give_up_at:
                    raise JobTimeoutError(
                        f"job {job_id} of unit {unit.id} is not ready after {patience.deadline};"
                        " it goes on at the vendor and the next run takes it up",
                        job_id=job_id,
                    )
                clock.sleep(wait_s)
        except (JobFailedError, JobExpiredError):
            journal.forget_job(unit.id)
            if attempt == patience.creations:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _adopt(api: JobApi, unit: Unit, journal: Journal) -> str | None:
    """The job a former run asked for: by its id, or, where only the intent is known, by asking
    the vendor whether the request arrived.
    """
    known = journal.job(unit.id)
    if known is None:
        return None
    return known[0] or api.find(unit)


def _ask(api: JobApi, unit: Unit, journal: Journal, clock: Clock) -> str:
    journal.add_job(unit, "", clock.now())
    job_id = api.create(unit)
    journal.add_job(unit, job_id, clock.now())
    return job_id


def cancel_orphans(api: JobApi, source: str, journal: Journal, wanted: set[str]) -> list[str]:
    """Take back jobs of units that nobody wants any more; the units' ids."""
    orphans = {unit: job for unit, job in journal.jobs(source).items() if unit not in wanted}
    for unit_id, job_id in orphans.items():
        if job_id:
            api.cancel(job_id)
        journal.forget_job(unit_id)
    return sorted(orphans)
