"""One unit's export as a job: asked for once, then polled with the identical request."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from connector.context import ApiContext
from connector.errors import NetworkError, QueueFullError, RequestError
from connector.jobs import Ready, Waiting
from connector.sources.appmetrica_logs.exchange import Answer, Exchange
from connector.sources.appmetrica_logs.export import SOURCE, Export, find_refused
from connector.sources.appmetrica_logs.logs_settings import LogsSettings
from connector.sources.appmetrica_logs.queue import PLACES, Queue
from connector.spool import fingerprint
from connector.units import Unit

FILE_LIFE = timedelta(hours=24)
CLOCK_MARGIN = timedelta(hours=1)  # between the vendor's clock and ours
DOUBTS = 3  # so often a file that may be an old one is passed over where nothing else can tell


@dataclass(slots=True)
class ExportJob:
    """The export of one unit, as `await_job` asks for it. The job's id is the request's URL.

    `is_asked`: this run has asked for it already, and only its file is to be had once more.
    `must_rebuild`: the file the vendor has is known to be wrong. `rows` is what the vendor says
    each file has, by URL.
    """

    unit: Unit
    export: Export
    exchange: Exchange
    queue: Queue
    settings: LogsSettings
    context: ApiContext
    is_asked: bool = False
    must_rebuild: bool = False
    rows: dict[str, int | None] = field(default_factory=dict)
    _files: dict[str, Path] = field(
        default_factory=dict
    )  # that came at once when they were asked for
    _has_waited: bool = False
    _doubts: int = 0

    @property
    def as_of(self) -> datetime:
        """The file must have all that was there at this moment."""
        return self.unit.vendor_updated_at or self.unit.upper_at

    def is_asked_by(self, url: str, asked_at: datetime) -> bool:
        """True when a request of a former run counts: it asked for the same, not too early, and
        not so long ago that its file is gone.
        """
        is_alive = self.context.clock.now() - asked_at < FILE_LIFE
        is_same = url == self.export.url and asked_at >= self.as_of
        return is_same and is_alive and not self.must_rebuild

    def find(self, unit: Unit) -> str | None:  # noqa: ARG002 - it is this job's own
        """The request, if the vendor has it in work."""
        query = self.queue.find(self.export.url)
        return self.export.url if query and query.is_as_of(self.as_of) else None

    def create(self, unit: Unit) -> str:
        """Ask for the export, unless it is asked for already."""
        with self.queue.hold(unit.application_id):
            active = self.queue.read(unit.application_id)
            same = [query for query in active or () if query.is_of(self.export.url)]
            if any(query.is_as_of(self.as_of) for query in same):
                return self.export.url
            if active is not None and len(active) - len(same) >= PLACES:
                raise QueueFullError(
                    f"{SOURCE}: the queue of application {unit.application_id} is full",
                    source=SOURCE,
                )
            while refused := self._ask():
                self._drop_fields(refused)
        return self.export.url

    def _ask(self) -> list[str]:
        """Send the request; the fields it was refused for, where those may be dropped."""
        try:
            self._send_once()
        except RequestError as error:
            said = str(error).partition(" answered ")[2]
            refused = find_refused(said, self.export.fields)
            if not refused:
                raise
            if self.settings.drops_unknown_fields:
                return refused
            raise RequestError(
                f"{error}. Leave {', '.join(refused)} out of {self.unit.table} with the setting"
                f" sources.{SOURCE}.fields, or set drop_unknown_fields = true.",
                source=SOURCE,
                status=error.status,
                url=error.url,
            ) from error
        return []

    def _send_once(self) -> None:
        """The first request of the job. Where its answer was lost it is sent again only if the vendor
        does not have it: a second `no-cache` would send it to the end of the queue.
        """
        url, headers = self.export.url, self._cache_control()
        is_lost = False
        for attempt in self.exchange.client.attempts():
            with attempt:
                if is_lost and self.find(self.unit):
                    return
                is_lost = False
                try:
                    answer = self._send(url, "ask", headers)
                except NetworkError:
                    is_lost = True
                    raise
                if answer.path:
                    self._files[url] = answer.path

    def _drop_fields(self, refused: list[str]) -> None:
        kept = tuple(name for name in self.export.fields if name not in refused)
        self.context.warn(
            f"{self.unit.table}: the vendor does not know {', '.join(refused)}: asked for without"
        )
        self.export = replace(self.export, fields=kept)

    def _cache_control(self) -> dict[str, str]:
        """The header of the first request: none where any file the vendor may have is new enough."""
        age = self.context.clock.now() - self.as_of
        if self.must_rebuild:
            return {"Cache-Control": "no-cache"}
        if self.settings.freshness == "none" or age >= FILE_LIFE + CLOCK_MARGIN:
            return {}
        if self.settings.freshness == "max_age":
            return {"Cache-Control": f"max-age={max(0, int(age.total_seconds()))}"}
        return {"Cache-Control": "no-cache"}

    def poll(self, job_id: str) -> Waiting | Ready:
        """The identical request once more, plainly."""
        path = self._files.pop(job_id, None)
        if path is None:
            answer = self._ask_again(job_id)
            if answer.path is None:
                self._has_waited = True
                return answer.waiting or Waiting()
            path = answer.path
        if self._may_be_old(path):
            path.unlink()
            return Waiting()
        return Ready((str(path),))

    def _ask_again(self, url: str) -> Answer:
        for attempt in self.exchange.client.attempts():
            with attempt:
                try:
                    return self._send(url, "poll", {})
                except QueueFullError as error:  # the file has expired, and others came first
                    return Answer(waiting=Waiting(retry_after_s=error.retry_after_s))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(self, url: str, kind: str, headers: dict[str, str]) -> Answer:
        answer = self.exchange.send(self.unit.id, url, kind, headers)
        self.rows[url] = answer.rows
        return answer

    def _may_be_old(self, path: Path) -> bool:
        """True when the file is the one that was there before this was asked for: the same content,
        handed out without any waiting, while the vendor still works on the new one.
        """
        known = self.context.journal.last_print(self.unit.id)
        if self._has_waited or known is None or self.export.parts > 1:
            return False
        is_recent = self.context.clock.now() - known[1] < FILE_LIFE
        if not is_recent or known[0] != fingerprint(path):
            return False
        active = self.queue.read(self.unit.application_id)
        if active is not None:
            is_old = any(query.is_of(self.export.url) for query in active)
        else:
            self._doubts += 1
            is_old = self._doubts <= DOUBTS
        if not is_old:
            self.context.warn(
                f"unit {self.unit.id}: its file is unchanged since {known[1]}, or stale"
            )
        return is_old

    def cancel(self, job_id: str) -> None:
        """Take the request back, where the vendor lets us."""
        self.queue.cancel_url(job_id)
