"""How ShortKit is asked: what is due, jobs, files, scheduled exports. Knows no dlt.

Source: the vendor's guide to the data export, February 2026; the pages are withdrawn, see README.md.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

from connector.context import ApiContext
from connector.errors import (
    ApiError,
    ConfigError,
    DownloadError,
    JobExpiredError,
    JobFailedError,
    RequestError,
    StillWaitingError,
    TooLargeError,
)
from connector.fields import Table
from connector.http import ApiClient, Retry
from connector.jobs import SENT, Patience, RemoteJob, await_job
from connector.sources.shortkit.agenda import (
    NO_UNIT,
    halve,
    is_past_edge,
    parse_unit,
    to_unit,
    window_of,
)
from connector.sources.shortkit.calls import Calls, make_client
from connector.sources.shortkit.export import ExportState
from connector.sources.shortkit.files import Files, is_usable
from connector.sources.shortkit.job import (
    JOB_KIND,
    ExportJob,
    JobCancelledError,
    cancel_job,
)
from connector.sources.shortkit.planner import SCHEDULED, Planner, name_size
from connector.sources.shortkit.shortkit_settings import SOURCE, ShortkitSettings
from connector.spool import Spool
from connector.units import LoadedUnit, Plan, Scope, Unit


class ShortkitApi:
    """The API with one secret key; thread-safe."""

    source = SOURCE

    def __init__(
        self, settings: ShortkitSettings, schemas: Mapping[str, Table], context: ApiContext
    ) -> None:
        self.settings, self._context = settings, context
        self.parallel, self.schemas, self.tables = settings.max_jobs, schemas, tuple(schemas)
        self.application_ids = (settings.application_id,)
        self._client = make_client(settings, connections=settings.max_jobs)
        self._keyless = ApiClient(
            source=SOURCE,
            base_url=settings.base_url,
            headers={},
            secrets=(settings.token,),
            connections=settings.max_jobs,
            timeout_s=settings.timeout_s,
            follows_redirects=False,
            retry=Retry(settings.retries + 1),
        )
        self._calls = Calls(self._client, context, settings.retries)
        self._files = Files(self._keyless, settings)
        self._asking = threading.Lock()
        self._pieces: set[str] = set()  # units that were cut from larger ones

    def redact(self, text: str) -> str:
        """The text without the key."""
        return self._client.redact(text)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._keyless.close()

    def describe_access(self) -> str:
        """What the vendor says to this key, by a request that costs nothing."""
        self._calls.read(self.settings.path("list"), limit="1")
        used = self._context.journal.requests_used(SOURCE, self._context.clock.now())
        return f"the key is taken; jobs of this day: {used.get(JOB_KIND, 0)} of {self.settings.daily_jobs}"

    def plan(self, loaded: Mapping[str, LoadedUnit], now: datetime, scope: Scope = Scope()) -> Plan:
        """Windows of days that nobody loaded, and the newest days once more. Nothing is asked of the
        vendor for it.
        """
        return Planner(self.settings, self._context).plan(loaded, now, scope)

    def queue_of(self, unit: Unit) -> str:  # noqa: ARG002 - all jobs of an organisation share one
        """The organisation's one queue."""
        return SOURCE

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The unit's verified file, once the vendor has made it."""
        if unit.schema_id == SCHEDULED:
            try:
                return self._download_scheduled(unit, spool)
            except (JobExpiredError, DownloadError, ConfigError, RequestError) as error:
                self._context.warn(
                    f"the scheduled export of {unit.id} cannot be had, a job is asked for: {error}"
                )
            self._context.inbox.finish([unit.remote_id])
            unit = replace(unit, schema_id="", remote_id="", vendor_updated_at=None)
        return self._download_job(unit, spool)

    def _download_job(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        job = self._make_job(unit)
        journal, patience = self._context.journal, self.settings.patience
        if unit.remote_id and journal.job(unit.id) is None:  # its file is fetched once more
            journal.add_job(unit, unit.remote_id, self._context.clock.now())
        again = self._resume_failed(unit)
        for attempt in range(1, patience.creations + 1):
            try:
                await_job(job, unit, self._context, again)
                known = journal.job(unit.id)
                return self._fetch(job, known[0] if known else "", spool)
            except JobExpiredError:
                journal.forget_job(unit.id)
                if attempt == patience.creations:
                    raise
            except JobCancelledError:
                journal.forget_job(unit.id)
                raise
            except (JobFailedError, RequestError) as error:
                self._split_or_raise(unit, error)
            except DownloadError:
                journal.forget_job(unit.id)
                raise
            except StillWaitingError as error:
                self._give_up(job, error)
                raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _split_or_raise(self, unit: Unit, error: JobFailedError | RequestError) -> NoReturn:
        """A job that failed is tried with fewer days, and one that is refused where that may be for
        the one day that the vendor is deleting.
        """
        is_failed = isinstance(error, JobFailedError) and len(window_of(unit)) > 1
        if is_failed or is_past_edge(unit, self.settings, self._context.clock.now()):
            raise TooLargeError(str(error), source=SOURCE) from error
        raise error

    def _resume_failed(self, unit: Unit) -> Patience:
        """How to wait for the unit's job: one that failed in a former run is asked for once more, as
        long after as it would have been in that run.
        """
        patience, context = self.settings.patience, self._context
        failed = context.journal.last_print(_name_failure(unit))
        if failed is None:
            return patience
        left_s = patience.again_s - (context.clock.now() - failed[1]).total_seconds()
        if context.journal.job(unit.id) is None and left_s > 0 and not context.pause(left_s):
            raise StillWaitingError(
                f"unit {unit.id}: its job failed; it is asked for again in {left_s:.0f} s",
                job_id="",
            )
        return replace(patience, creations=1)

    def _make_job(self, unit: Unit) -> ExportJob:
        return ExportJob(unit, self._calls, self.settings, self._context, self._asking)

    def _fetch(self, job: ExportJob, job_id: str, spool: Spool) -> tuple[Unit, Path]:
        """The file by the link at hand; once more by a new link where that has died."""
        state, unit = job.state or job.look(job_id), job.unit
        try:
            path = self._fetch_links(unit, state, spool, job_id)
        except JobExpiredError:
            job.poll(job_id)
            newer = job.state or state
            if newer.links == state.links:
                raise
            state = newer
            path = self._fetch_links(unit, state, spool, job_id)
        if unit.id in self._pieces:
            self._remember(unit)
        return replace(unit, remote_id=job_id, declared_rows=state.rows), path

    def _fetch_links(self, unit: Unit, state: ExportState, spool: Spool, job_id: str) -> Path:
        if not state.rows and not state.links:
            return spool.store_nothing(unit.id)
        if not state.links:
            raise JobExpiredError(
                f"unit {unit.id}: job {job_id} has {state.rows} rows and no link", job_id=job_id
            )
        try:
            return self._files.fetch(unit.id, state.links, spool, job_id)
        except JobExpiredError:
            if state.rows == 0:  # nothing was lost with it
                return spool.store_nothing(unit.id)
            raise

    def _download_scheduled(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The file that the vendor announced: by the link that came, else by one it gives now."""
        export_id = unit.remote_id
        found = [item for item in self._context.inbox.pending() if item.export_id == export_id]
        link, state, path = found[0].url if found else "", ExportState("done", ""), None
        if link and is_usable(link, self.settings):
            with suppress(JobExpiredError):
                path = self._files.fetch(unit.id, [link], spool, export_id)
        if path is None:
            state = self._make_job(unit).look(export_id)
            if state.state != "done":
                raise JobExpiredError(
                    f"{unit.id}: the export {export_id} has the status {state.status!r}",
                    job_id=export_id,
                )
            path = self._fetch_links(unit, state, spool, export_id)
        self._context.inbox.finish([export_id])
        return replace(unit, declared_rows=state.rows), path

    def _give_up(self, job: ExportJob, error: StillWaitingError) -> None:
        """Somebody stops the run: take back what can be, so that it holds no place in the queue. A run
        whose time is over leaves it to the next one, and that it failed.
        """
        journal = self._context.journal
        if isinstance(error.__cause__, JobFailedError):
            journal.note_print(_name_failure(job.unit), "failed", self._context.clock.now())
        known = journal.job(job.unit.id)
        is_ours = known is not None and known[0] not in {"", SENT}
        if known and is_ours and self._context.stop.is_set():
            cancel_job(self._calls, self.settings, known[0])
            journal.forget_job(job.unit.id)

    def split(self, unit: Unit) -> list[Unit]:
        """The unit's days in two halves; none where it is one day."""
        group, window = parse_unit(unit.id)
        self._context.journal.forget_job(unit.id)
        pieces = [to_unit(group, half, self.settings) for half in halve(window)]
        self._pieces |= {piece.id for piece in pieces}
        return pieces

    def _remember(self, unit: Unit) -> None:
        """A piece of a window that failed came: so many days a job are not too many."""
        group, window = parse_unit(unit.id)
        scope, journal = name_size(group, self._context.clock.now()), self._context.journal
        journal.remember_size(scope, max(len(window), journal.size(scope) or 0))

    def refresh(self, unit: Unit) -> Unit:
        """The unit with the number of rows that the vendor gives for its job now."""
        if unit.schema_id == SCHEDULED or not unit.remote_id:
            return unit
        with suppress(ApiError, JobExpiredError):
            return replace(unit, declared_rows=self._make_job(unit).look(unit.remote_id).rows)
        return unit

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:  # noqa: ARG002 - nobody can tell
        """None: an export is as of the moment it was made."""
        return []

    def distrust(self, unit: Unit) -> None:
        """The content of a file is wrong: nothing but to fetch it again."""

    def list_jobs(self) -> list[RemoteJob]:
        """The jobs the vendor lists and has not ended; those of the journal with their units."""
        journal = self._context.journal
        units = {job_id: unit for unit, job_id in journal.jobs(SOURCE).items()}
        listed = {job.id: job for job in self._make_job(NO_UNIT).list_recent(None)}
        running = [job for job in listed.values() if job.state == "running" or job.id in units]
        found = [
            self._to_job(units.pop(job.id, ""), job.id, job.created_at, job.first)
            for job in running
        ]
        return found + [self._to_job(unit, job_id, None, None) for job_id, unit in units.items()]

    def _to_job(
        self, unit_id: str, job_id: str, created_at: datetime | None, first: date | None
    ) -> RemoteJob:
        table = parse_unit(unit_id)[0].tables[0] if unit_id else ""
        return RemoteJob(
            id="" if job_id == SENT else job_id,
            source=SOURCE,
            application_id=self.settings.application_id,
            table=table or (f"from {first}" if first else ""),
            unit=unit_id,
            asked_at=created_at,
        )

    def cancel_job(self, job: RemoteJob) -> bool:
        """Take a job back, and forget it; False where the vendor no longer has it."""
        is_gone = not job.id or not cancel_job(self._calls, self.settings, job.id)
        if job.unit:
            self._context.journal.forget_job(job.unit)
        return not is_gone


def _name_failure(unit: Unit) -> str:
    """Under which name the journal keeps that a unit's job failed, for a week."""
    return f"{SOURCE}/failed/{unit.id}"
