"""One unit's export as a job: asked for once, polled, taken back.

Source pages: tracker.my.com/docs/api/export-api/raw (create, get, cancel).
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from connector.context import ApiContext
from connector.errors import (
    AuthError,
    ConnectorError,
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    NetworkError,
    NotFoundError,
    RequestError,
    ServerError,
    StillWaitingError,
    TooLargeError,
)
from connector.jobs import Ready, Waiting
from connector.sources.mytracker.calls import FIRST_PAUSE_S, PATH, SOURCE, Calls, FullQueueError
from connector.sources.mytracker.export import (
    LONGEST_QUERY,
    Export,
    ExportState,
    encode,
    read_state,
)
from connector.sources.mytracker.tracker_settings import TrackerSettings
from connector.units import Unit

STRANGE_POLLS = 20  # so often a status nobody knows is waited for
_MOST_QUEUE_PAUSE_S = 300.0
_GROWTH = 1.5


class Strays:
    """Units whose request for an export was sent and never answered: the vendor may have it."""

    def __init__(self) -> None:
        self._units: set[str] = set()
        self._lock = threading.Lock()

    def add(self, unit_id: str) -> None:
        """No answer came for this unit."""
        with self._lock:
            self._units.add(unit_id)

    def discard(self, unit_id: str) -> None:
        """Its export is known, or asked for once more."""
        with self._lock:
            self._units.discard(unit_id)

    def has(self, unit_id: str) -> bool:
        """True when the vendor may have an export of this unit."""
        with self._lock:
            return unit_id in self._units

    def is_only(self, unit_id: str) -> bool:
        """True where no other unit could be meant by an export that nobody knows."""
        with self._lock:
            return self._units == {unit_id}


@dataclass(slots=True)
class ExportJob:
    """The export of one unit, as `await_job` asks for it. The job's id is the vendor's id of the
    export and, after a colon, what it was asked for: settings may change before it is adopted.
    """

    unit: Unit
    export: Export
    calls: Calls
    settings: TrackerSettings
    context: ApiContext
    strays: Strays
    state: ExportState | None = None
    is_refused: bool = False  # the vendor does not take such a request
    is_adopted: bool = False  # found in the queue: what it holds is not certain
    _strange: int = 0
    _fulls: Iterator[float] = field(init=False)

    def __post_init__(self) -> None:
        self._fulls = _growing(self.settings.patience.queue_full_s)

    @property
    def _asked_for(self) -> str:
        return f"{self.unit.schema_id}{'+' if self.export.has_margin else ''}"

    def is_usable(self, job_id: str, asked_at: datetime) -> bool:
        """True when a job of a former run is for just this export, and not asked for too early."""
        is_late = self.unit.vendor_updated_at is None or asked_at >= self.unit.vendor_updated_at
        return not job_id or (is_late and job_id.partition(":")[2] == self._asked_for)

    def find(self, unit: Unit) -> str | None:
        """None: the vendor lists no exports. One that it may have shows when its queue is full."""
        self.strays.add(unit.id)
        return None

    def create(self, unit: Unit) -> str:
        """Ask for the export. Where no answer comes the vendor may have it all the same: it is asked
        for again, and taken from the vendor's queue where it shows up there.
        """
        try:
            export_id = self._ask_until_answered(unit)
        except StillWaitingError:
            if not self.strays.has(unit.id):
                self.context.journal.forget_job(unit.id)  # nothing was sent
            raise
        except RequestError as error:
            self.is_refused = True
            raise RequestError(
                f"{error}. No export of {self.export.event} is asked for again in this run: compare"
                f" sources.{SOURCE}.selectors.{self.export.event} and the filters with the vendor's"
                " dictionary.",
                source=SOURCE,
                status=error.status,
            ) from error
        return f"{export_id}:{self._asked_for}"

    def _ask_until_answered(self, unit: Unit) -> str:
        for attempt, pause_s in enumerate(_growing(FIRST_PAUSE_S)):
            try:
                answer = self._send()
            except FullQueueError as error:
                if found := self._find_stray(error):
                    return found
                error.retry_after_s = next(self._fulls)
                raise
            except (NetworkError, ServerError) as error:
                self.strays.add(unit.id)
                if attempt >= self.settings.retries or not self.context.pause(pause_s):
                    raise
                self.context.warn(f"unit {unit.id}: no answer to the request for it: {error}")
                continue
            self.strays.discard(unit.id)
            return str(answer["idRawExport"])
        raise AssertionError("unreachable: pauses never end")

    def _send(self) -> dict[str, object]:
        """One request for the export; a long one goes into the body."""
        parameters = self.export.list_parameters(self.context.clock.now())
        query = encode(parameters)
        path = f"{PATH}/create.json"
        is_long = len(query) > LONGEST_QUERY or self.settings.create_form == "body"
        if not is_long:
            answer = self.calls.send("POST", f"{path}?{query}", "create")
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self.calls.send("POST", path, "create", content=query, headers=headers)
        if "idRawExport" not in answer:
            raise RequestError(f"{SOURCE}: the answer to a request names no export", source=SOURCE)
        return answer

    def _find_stray(self, error: FullQueueError) -> str | None:
        """The export in a full queue that must be this unit's: it was asked for without an answer,
        no other unit was, and the journal knows nothing of this id.
        """
        if not self.strays.is_only(self.unit.id):
            return None
        jobs = self.context.journal.jobs(SOURCE).values()
        known = {job_id.partition(":")[0] for job_id in jobs if job_id}
        for export_id in error.exports:
            if export_id in known or not export_id.isdigit():
                continue
            if known and int(export_id) < max(map(int, known)):
                continue  # older than what was asked for before it
            with suppress(AuthError, NotFoundError):  # somebody else's
                self.calls.get("get", idRawExport=export_id)
                self.strays.discard(self.unit.id)
                self.is_adopted = True
                self.context.warn(f"unit {self.unit.id}: export {export_id} is taken for its own")
                return export_id
        return None

    def poll(self, job_id: str) -> Waiting | Ready:
        """The export's state; see `JobApi.poll`."""
        try:
            data = self.calls.get("get", "poll", idRawExport=job_id.partition(":")[0])
        except NotFoundError as error:
            raise JobExpiredError(str(error), job_id=job_id) from error
        self.state = state = read_state(data)
        match state.state:
            case "running":
                return Waiting(state.progress)
            case "done":
                return Ready(tuple(link for link, _ in state.links))
            case "unknown":
                return self._wait_for_sense(job_id)
            case _:
                raise self._to_error(job_id, state)

    def _wait_for_sense(self, job_id: str) -> Waiting:
        self._strange += 1
        if self._strange > STRANGE_POLLS:
            self.cancel(job_id)
            self.context.journal.forget_job(self.unit.id)
            raise JobTimeoutError(f"{self._name(job_id)}, which nobody knows", job_id=job_id)
        return Waiting()

    def _to_error(self, job_id: str, state: ExportState) -> ConnectorError:
        """What an export that ended without a file means."""
        if state.state != "refused":
            return JobFailedError(self._name(job_id), job_id=job_id)
        text = f"{self._name(job_id)}: {state.message}"
        kind = TooLargeError if state.is_too_large else RequestError
        return kind(text, source=SOURCE)

    def _name(self, job_id: str) -> str:
        status = self.state.status if self.state else ""
        export_id = job_id.partition(":")[0]
        return f"unit {self.unit.id}: export {export_id} has the status {status!r}"

    def cancel(self, job_id: str) -> None:
        """Take the export back, where the vendor lets us."""
        cancel_export(self.calls, job_id)


def cancel_export(calls: Calls, job_id: str) -> bool:
    """Take an export back; False where it is gone, done, or cannot be cancelled now."""
    try:
        calls.get("cancel", idRawExport=job_id.partition(":")[0])
    except (RequestError, AuthError):
        return False
    return True


def _growing(pause_s: float) -> Iterator[float]:
    while True:
        yield pause_s
        pause_s = min(pause_s * _GROWTH, _MOST_QUEUE_PAUSE_S)
