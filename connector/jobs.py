"""Ask -> poll -> ready: one loop for vendors that prepare a file before they hand it out.

What was asked for is in the journal from before the request is sent, so that a job asked for by a
killed run is adopted and not asked for again. Data Stream has no jobs: its files are ready at once.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

from connector.context import ApiContext
from connector.errors import (
    ConnectorError,
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    QueueFullError,
    StillWaitingError,
)
from connector.journal import Journal
from connector.units import Unit

SENT = "?"  # in place of a job's id: the request for it went out, and no answer has come


@dataclass(frozen=True, slots=True)
class Waiting:
    """The job is under way; `progress` is 0..1 where the vendor tells, `retry_after_s` its hint,
    `strange` its word for a state that nobody knows.
    """

    progress: float | None = None
    retry_after_s: float | None = None
    strange: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """The file, or its parts, can be had from `places` (paths or links)."""

    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job as the vendor lists it, or, where it lists none, as the journal has it (`id` is ""
    then). `unit` is "" where somebody else asked for it; `asked_at` aware UTC; `progress` 0..1.
    """

    id: str
    source: str
    application_id: str
    table: str
    unit: str
    asked_at: datetime | None = None
    progress: float | None = None


class JobApi(Protocol):
    """A vendor's jobs. Every method raises an `ApiError` when the vendor refuses."""

    def find(self, unit: Unit) -> str | None:
        """The id of a job for just this unit that the vendor already has, or None."""
        ...

    def create(self, unit: Unit) -> str:
        """Ask for the unit; the new job's id. QueueFullError while the vendor takes no more."""
        ...

    def poll(self, job_id: str) -> Waiting | Ready:
        """The job's state. Raises JobFailedError or JobExpiredError when it ended without a file."""
        ...

    def cancel(self, job_id: str) -> None:
        """Take the job back; one that is gone already is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait: the first pause, the longest, their growth, the pause while the queue is full;
    how long a job may take in all since it was asked for, how long its progress may stand still,
    how often a failed one is asked for again, and the pause before that, which doubles. Up to the
    share `jitter` is added to a pause between polls, so that clients do not come all at once.
    """

    first_s: float = 10.0
    most_s: float = 60.0
    growth: float = 1.5
    queue_full_s: float = 60.0
    deadline: timedelta = timedelta(hours=6)
    stuck: timedelta = timedelta(minutes=30)
    creations: int = 5
    again_s: float = 0.0
    jitter: float = 0.0

    def pauses(self) -> Iterator[float]:
        """Pauses between polls, in seconds."""
        pause_s = self.first_s
        while True:
            yield pause_s * random.uniform(1.0, 1.0 + self.jitter)  # noqa: S311 - no secret
            pause_s = min(pause_s * self.growth, self.most_s)


def await_job(api: JobApi, unit: Unit, context: ApiContext, patience: Patience) -> Ready:
    """The ready job of a unit: adopted where one exists, asked for otherwise.

    A job that failed or expired is asked for again, up to `creations` times in all. Raises
    StillWaitingError when the run's time is over (the job goes on and stays in the journal),
    JobTimeoutError when the job's own is (it is taken back), JobFailedError when the last one
    failed.
    """
    journal = context.journal
    for attempt in range(1, patience.creations + 1):
        job_id = _adopt(api, unit, journal) or _ask(api, unit, context, patience)
        try:
            return watch_job(api, unit, job_id, context, patience)
        except (JobFailedError, JobExpiredError) as error:
            journal.forget_job(unit.id)
            if attempt == patience.creations:
                raise
            _pause_after(error, unit, context, patience.again_s * 2 ** (attempt - 1))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _pause_after(error: ConnectorError, unit: Unit, context: ApiContext, pause_s: float) -> None:
    """Wait before a job that failed is asked for again."""
    if pause_s and not isinstance(error, JobExpiredError) and not context.pause(pause_s):
        raise StillWaitingError(
            f"unit {unit.id}: {error}; the next run asks for it again", job_id=""
        ) from error


def _adopt(api: JobApi, unit: Unit, journal: Journal) -> str | None:
    """The job a former run asked for: by its id, or, where only the intent is known or that the
    request went out, by asking the vendor whether it arrived.
    """
    known = journal.job(unit.id)
    if known is None:
        return None
    return api.find(unit) if known[0] in {"", SENT} else known[0]


def _ask(api: JobApi, unit: Unit, context: ApiContext, patience: Patience) -> str:
    """Ask for the unit as soon as the vendor's queue takes it."""
    while True:
        context.journal.add_job(unit, "", context.clock.now())
        try:
            job_id = api.create(unit)
        except QueueFullError as error:
            context.journal.forget_job(unit.id)
            context.report(unit.id, "the vendor's queue is full")
            if not context.pause(error.retry_after_s or patience.queue_full_s):
                raise StillWaitingError(
                    f"unit {unit.id} was not asked for: the vendor's queue is full. The next run"
                    " asks again.",
                    job_id="",
                ) from error
            continue
        context.journal.add_job(unit, job_id, context.clock.now())
        return job_id


def watch_job(
    api: JobApi, unit: Unit, job_id: str, context: ApiContext, patience: Patience
) -> Ready:
    """Poll until the job is ready; raises what `await_job` does."""
    known = context.journal.job(unit.id)
    give_up_at = (known[1] if known else context.clock.now()) + patience.deadline
    progress, moved_at = None, context.clock.now()
    for pause_s in patience.pauses():
        state = api.poll(job_id)
        if isinstance(state, Ready):
            return state
        now = context.clock.now()
        if state.progress != progress or state.progress is None:
            progress, moved_at = state.progress, now
        if now >= give_up_at:
            _take_back(
                api,
                unit,
                job_id,
                context,
                f"is not ready {patience.deadline} after it was asked for{_quote(state)}",
            )
        if now - moved_at >= patience.stuck:
            _take_back(api, unit, job_id, context, f"stands still for {now - moved_at}")
        said = "" if progress is None else f"{progress:.0%}"
        context.report(unit.id, said)
        if not context.pause(max(pause_s, state.retry_after_s or 0.0)):
            raise StillWaitingError(
                f"unit {unit.id} is being prepared by the vendor {said}; the next run takes it up",
                job_id=job_id,
            )
    raise AssertionError("unreachable: pauses never end")


def _quote(state: Waiting) -> str:
    return f", its status is {state.strange!r}, which nobody knows" if state.strange else ""


def _take_back(api: JobApi, unit: Unit, job_id: str, context: ApiContext, problem: str) -> NoReturn:
    """Cancel a job that holds up those behind it."""
    api.cancel(job_id)
    context.journal.forget_job(unit.id)
    text = f"unit {unit.id}: its job {problem}; it was cancelled, and the next run asks anew"
    context.warn(text)
    raise JobTimeoutError(text, job_id=job_id)
