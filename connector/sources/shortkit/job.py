"""One unit's export as a job: asked for once, polled, taken back.

A request whose answer was lost is not repeated blindly: the vendor's list is looked through first,
then the same request is sent under the same `Idempotency-Key`, so that it makes one job whether the
vendor knows such keys or not.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from urllib.parse import quote

from connector.context import ApiContext
from connector.errors import (
    AuthError,
    JobError,
    JobExpiredError,
    JobFailedError,
    NetworkError,
    NotFoundError,
    QueueFullError,
    QuotaError,
    RateLimitError,
    RequestError,
    ServerError,
)
from connector.jobs import SENT, Ready, Waiting
from connector.sources.shortkit.agenda import parse_unit
from connector.sources.shortkit.calls import Calls, ConflictError, GoneError, data_of, growing
from connector.sources.shortkit.export import (
    ExportState,
    ListedJob,
    read_job_id,
    read_listed,
    read_state,
    write_request,
)
from connector.sources.shortkit.shortkit_settings import SOURCE, ShortkitSettings
from connector.units import Unit

JOB_KIND = "job"  # under which a job counts against the quota of its day
_CLOCKS_DIFFER = timedelta(minutes=5)  # the vendor's and ours
_PAGE = 100
_MOST_PAGES = 10
_LIVE = ("running", "done")


@dataclass(slots=True)
class ExportJob:
    """The export of one unit, as `await_job` asks for it. `asking` is held while a request is under
    way: so that at most one job of ours is unknown to us, and can be told from the others.
    """

    unit: Unit
    calls: Calls
    settings: ShortkitSettings
    context: ApiContext
    asking: threading.Lock
    is_retry: bool = False  # may take of what is kept for retries
    state: ExportState | None = None

    def find(self, unit: Unit) -> str | None:
        """The job of a request that went out and was never answered, if the vendor has it."""
        known = self.context.journal.job(unit.id)
        if known is None or known[0] != SENT:
            return None
        with self.asking, suppress(QueueFullError):  # refused: then it made no job
            job_id = self._find_listed(known[1]) or self._send(known[1])
            self._count(job_id, known[1])
            return job_id
        return None

    def create(self, unit: Unit) -> str:
        """Ask for the export. QuotaError where the day's jobs are used up."""
        with self.asking:
            self._check_quota()
            asked_at = self.context.clock.now()
            self.context.journal.add_job(unit, SENT, asked_at)
            job_id = self._ask_until_answered(asked_at)
            self._count(job_id, asked_at)
        self.is_retry = True
        return job_id

    def _count(self, job_id: str, asked_at: datetime) -> None:
        """Note a job there is now: a request that was refused made none, and used up nothing. For a
        week it is known whose it is: the vendor's list does not tell what types a job is of.
        """
        journal, now = self.context.journal, self.context.clock.now()
        journal.add_job(self.unit, job_id, asked_at)
        journal.note_print(_name_job(job_id), self.unit.id, now)
        journal.count_request(SOURCE, JOB_KIND, now)

    def _check_quota(self) -> None:
        now, settings = self.context.clock.now(), self.settings
        used = self.context.journal.requests_used(SOURCE, now).get(JOB_KIND, 0)
        kept = 0 if self.is_retry else settings.reserve_jobs
        if used >= settings.daily_jobs - kept:
            self.context.journal.forget_job(self.unit.id)
            raise QuotaError(
                f"{SOURCE}: {used} jobs of this UTC day are used; the vendor takes"
                f" {settings.daily_jobs}, of which {settings.reserve_jobs} are kept for retries. What"
                " is finished is kept; a run after 00:00 UTC goes on.",
                source=SOURCE,
            )

    def _ask_until_answered(self, asked_at: datetime) -> str:
        """The new job's id; it is looked for in the vendor's list where no answer came."""
        patience_s = iter(growing())
        for attempt in range(self.settings.retries + 1):
            try:
                return self._send(asked_at)
            except (NetworkError, ServerError):
                is_over = attempt == self.settings.retries
                if is_over or not self.context.pause(next(patience_s)):
                    raise
                if found := self._find_listed(asked_at):
                    self.context.warn(
                        f"unit {self.unit.id}: the answer to the request for it was lost; job {found}"
                        " is it"
                    )
                    return found
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(self, asked_at: datetime) -> str:
        """One request for the job, under the key of this intent; the id of the job it made."""
        body = write_request(self.unit.id, self.settings)
        key = sha256(f"{dumps(body, sort_keys=True)}/{asked_at.isoformat()}".encode()).hexdigest()
        try:
            answer = self.calls.send(
                "POST", self.settings.path("create"), json=body, headers={"Idempotency-Key": key}
            )
        except ConflictError as error:
            return self._adopt_or_wait(error, asked_at)
        except RateLimitError as error:
            raise QueueFullError(
                str(error), source=SOURCE, status=error.status, retry_after_s=error.retry_after_s
            ) from error
        except (AuthError, QuotaError, RequestError):
            self.context.journal.forget_job(self.unit.id)  # refused: there is nothing to look for
            raise
        if job_id := read_job_id(data_of(answer), self.settings):
            return job_id
        raise RequestError(
            f"{SOURCE}: the answer to a request for {self.unit.id} names no job", source=SOURCE
        )

    def _adopt_or_wait(self, error: ConflictError, asked_at: datetime) -> str:
        """The job that is there already, or the sign to wait until there is a place."""
        if found := self._find_listed(asked_at):
            return found
        raise QueueFullError(str(error), source=SOURCE, status=error.status) from error

    def _find_listed(self, since: datetime) -> str | None:
        """The one live job of the vendor's list that has just this range and format, was created
        since, and is none of those we know; None where there is none, or no telling.
        """
        _, window = parse_unit(self.unit.id)
        listed: list[ListedJob] = []
        with suppress(RequestError):  # a vendor that keeps no list: the key of the intent has to do
            listed = list(self.list_recent(since))
        found = [
            job.id
            for job in listed
            if (job.first, job.last) == (window.first, window.last)
            and job.format in ("", self.settings.format)
            and job.state in _LIVE
            and self.context.journal.last_print(_name_job(job.id)) is None
        ]
        return found[0] if len(found) == 1 else None

    def list_recent(self, since: datetime | None) -> Iterator[ListedJob]:
        """Jobs of the vendor's list, those made since that moment; in which order they are listed is
        told nowhere.
        """
        cursor = ""
        for _ in range(_MOST_PAGES):
            params = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            body = self.calls.read(self.settings.path("list"), **params)
            items = body.get("data")
            jobs = [
                read_listed(item, self.settings)
                for item in (items if isinstance(items, list) else ())
                if isinstance(item, dict)
            ]
            fresh = [job for job in jobs if since is None or _is_since(job, since)]
            yield from fresh
            meta = body.get("meta")
            cursor = str(meta.get("nextCursor") or "") if isinstance(meta, dict) else ""
            if not cursor:
                return

    def poll(self, job_id: str) -> Waiting | Ready:
        """The export's state; see `JobApi.poll`."""
        state = self.look(job_id)
        match state.state:
            case "running":
                return Waiting(state.progress)
            case "unknown":
                return Waiting(state.progress, strange=state.status or "(none)")
            case "done":
                return Ready(state.links)
            case "expired":
                raise JobExpiredError(self._name(job_id), job_id=job_id)
            case "cancelled":
                raise JobCancelledError(
                    f"{self._name(job_id)}: somebody took it back", job_id=job_id
                )
            case _:
                raise JobFailedError(self._name(job_id), job_id=job_id)

    def look(self, job_id: str) -> ExportState:
        """What the vendor says of the job now. Raises JobExpiredError where it knows none."""
        try:
            answer = self.calls.read(self.settings.path("status", job=quote(job_id, safe="")))
        except (NotFoundError, GoneError) as error:
            raise JobExpiredError(str(error), job_id=job_id) from error
        self.state = read_state(data_of(answer))
        return self.state

    def _name(self, job_id: str) -> str:
        status = self.state.status if self.state else ""
        return f"unit {self.unit.id}: job {job_id} has the status {status!r}"

    def cancel(self, job_id: str) -> None:
        """Take the export back, where it can be."""
        cancel_job(self.calls, self.settings, job_id)


class JobCancelledError(JobError):
    """Somebody took the job back: it is not asked for again before the next run."""


def cancel_job(calls: Calls, settings: ShortkitSettings, job_id: str) -> bool:
    """Take a job back; False where it is gone, done, or may not be cancelled."""
    with suppress(RequestError, AuthError):
        path = settings.path("cancel", job=quote(job_id, safe=""))
        calls.repeat(lambda: calls.send("DELETE", path, is_told=False))
        return True
    return False


def _name_job(job_id: str) -> str:
    """Under which name the journal keeps whose job it is."""
    return f"{SOURCE}/job/{job_id}"


def _is_since(job: ListedJob, since: datetime) -> bool:
    return job.created_at is None or job.created_at >= since - _CLOCKS_DIFFER
