"""The state of the emulated raw export: exports at work and done, their files, quotas, payments."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.faults import Fault, FaultBook, Request
from connector.sandbox.mytracker.answers import (
    CANCELLED,
    FAILED,
    FULL,
    NOT_FOUND,
    PROGRESS,
    REFUSED,
    SUCCESS,
    TOO_MANY,
    Answer,
    accept,
    list_foreign,
    refuse,
)
from connector.sandbox.mytracker.asks import Ask, Reader
from connector.sandbox.mytracker.building import Build, Part
from connector.sandbox.mytracker.dictionary import sdk_key, tracker_app_id
from connector.sandbox.mytracker.jobs import Job
from connector.sandbox.mytracker.making import Maker
from connector.sandbox.mytracker.quotas import Quotas
from connector.sandbox.mytracker.statistics import RequestLog
from connector.sandbox.world import World

_FIRST_ID = 11_040_582
_KNOWN_S = 7 * 86_400
_ROW_FAULTS = frozenset({"raw_late", "future_clock", "verification_change"})


class TrackerService:
    """State of the emulated service. Callers hold `world.lock`; times are unix seconds."""

    def __init__(self, world: World, faults: FaultBook) -> None:
        self.world = world
        self.settings = world.scenario.mytracker
        self.secret = world.scenario.secret_key
        self.quotas = Quotas(self.settings, is_simulated=world.scenario.clock == "simulated")
        self.log = RequestLog()
        self.maker = Maker(world)
        self.jobs: dict[str, Job] = {}
        self._faults = faults
        self._files: dict[str, tuple[Job, int]] = {}
        self._next_id = _FIRST_ID

    def reader(self, now: float) -> Reader:
        """How requests are read at a moment."""
        own = [tracker_app_id(a.id) for a in self.world.scenario.apps if a.access != "none"]
        return Reader(
            now=now,
            is_inclusive=self.settings.bounds == "inclusive",
            apps=frozenset(map(str, own)),
            keys=frozenset(map(sdk_key, own)),
            made=self.maker.made_selectors(),
        )

    def create(self, ask: Ask) -> Answer:
        """Make an export; refused where all places are taken."""
        now = self.advance()
        self._add_fault_exports(ask, now)
        running = self.running()
        if len(running) >= self.settings.places:
            self.log.add_refused(ask.pairs, FULL, now)
            return list_foreign([job.id for job in running])
        faults = self._faults.strike(self.address("create", ask), now, "export")
        job = Job(self._new_id(), now, ask, faults=faults)
        self.jobs[job.id] = job
        self.log.add_create(ask, job.id, now)
        self.log.see_queue(len(running) + 1)
        return accept(idRawExport=job.id)

    def get(self, number: str) -> Answer:
        """The state of an export."""
        self.advance()
        job = self.jobs.get(number)
        self.log.add_poll(number)
        if job is None:
            return NOT_FOUND
        job.polls += 1
        now = self.advance()
        if self._is_forgotten(job, now):
            return NOT_FOUND
        if job.is_foreign:
            return Answer(403, None)
        return accept(idRawExport=job.id, **self._describe_state(job, now))

    def cancel(self, number: str) -> Answer:
        """Take an export back while that can be done."""
        now, job = self.advance(), self.jobs.get(number)
        if job is None or self._is_forgotten(job, now):
            answer = NOT_FOUND
        elif job.is_foreign:
            answer = Answer(403, None)
        elif job.status:
            answer = refuse(400, "This RawExport can not be cancel (it's completed)")
        elif not job.is_cancellable(self.settings, now):
            answer = refuse(400, "This RawExport can not be cancel")
        else:
            job.status, job.done_at = CANCELLED, now
            answer = accept(idRawExport=job.id, info="Canceled")
        self.log.add_cancel(number, answer.code, now)
        return answer

    def find_file(self, name: str) -> Part | None:
        """A part by its name, counted as a download; None where there is none any more."""
        now = self.advance()
        job, number = self._files.get(name, (None, 0))
        if job is None or job.build is None or now >= self._expires_at(job, is_told=False):
            return None
        expired, missing = job.fault("file_expired"), job.fault("raw_part_missing")
        if expired is not None and job.build.downloads >= int(expired.params["downloads"]):
            return None
        is_gone = missing is not None and missing.params["how"] == "404"
        if missing is not None and is_gone and number == int(missing.params["part"]):
            return None
        job.build.downloads += 1
        self.log.add_download(name)
        return job.build.part(number)

    def running(self) -> list[Job]:
        """The exports at work, oldest first, those of other clients included."""
        return [job for job in self.jobs.values() if not job.status]

    def advance(self) -> float:
        """Work until now; the present moment."""
        self.world.live()
        now = self.world.clock.timestamp()
        for job in self.running():
            done_at = job.ready_at(self.settings, now)
            if done_at is not None and done_at <= now:
                self._finish(job, done_at)
        for number, job in list(self.jobs.items()):
            if job.status and now - job.done_at >= max(_KNOWN_S, self.settings.link_hours * 3600):
                del self.jobs[number]
                self._files = {n: f for n, f in self._files.items() if f[0] is not job}
        return now

    def add_foreign(self, count: int, seconds: float) -> None:
        """Put exports of another client into the queue, as far as there are places."""
        now = self.advance()
        for _ in range(min(count, self.settings.places - len(self.running()))):
            job = Job(self._new_id(), now, takes_s=max(seconds, 0.001))
            self.jobs[job.id] = job
        self.log.see_queue(len(self.running()))

    def describe_queue(self) -> list[dict[str, Any]]:
        """The exports at work as `GET /_sandbox/mytracker_queue` shows them."""
        now = self.advance()
        return [
            {
                "id": job.id,
                "event": job.ask.event if job.ask else "",
                "params": [list(pair) for pair in job.ask.pairs] if job.ask else [],
                "is_foreign": job.is_foreign,
                "progress": job.progress(self.settings, now),
                "polls": job.polls,
                "created_at": job.created_at,
            }
            for job in self.running()
        ]

    def change_secret(self, secret: str) -> None:
        """From now on only requests signed with this key are accepted."""
        if not secret:
            raise ConfigError("mytracker: the secret key must not be empty")
        self.secret = secret

    def row_faults(self, now: float) -> list[Fault]:
        """The faults that are facts about rows, at a moment."""
        return [
            fault
            for fault in self._faults.of_stage("listing")
            if fault.kind in _ROW_FAULTS and fault.since <= now < fault.until
        ]

    def address(self, endpoint: str, ask: Ask | None = None) -> Request:
        """Where a request stands, for faults to be matched with."""
        if ask is None:
            return Request(endpoint, phase="mytracker")
        apps = [a.id for a in self.world.scenario.apps if str(tracker_app_id(a.id)) in ask.apps]
        app = apps[0] if len(apps) == 1 else 0
        return Request(endpoint, app, ask.event, 0, "mytracker", ask.span)

    def _add_fault_exports(self, ask: Ask, now: float) -> None:
        for fault in self._faults.of_stage("listing"):
            is_new = fault.kind == "foreign_exports" and not fault.notes
            if is_new and fault.fits(self.address("create", ask), now, any_window=True):
                fault.notes["done"] = 1
                self.add_foreign(int(fault.params["count"]), float(fault.params["seconds"]))

    def _finish(self, job: Job, done_at: float) -> None:
        job.done_at, job.status = done_at, SUCCESS
        if job.ask is None:
            return
        content = self._faults.strike(self.address("create", job.ask), done_at, "window")
        faults = [*content, *job.faults]
        build = self.maker.build(job.id, job.ask, done_at, faults, self.row_faults(done_at))
        refusal = self._refuse_size(job, build.rows)
        if job.fault("raw_error") is not None:
            job.status = FAILED
        elif job.fault("raw_cancelled") is not None:
            job.status = CANCELLED
        elif refusal:
            job.status, job.message = REFUSED, refusal
        else:
            job.build = build
            self._files |= {name: (job, number) for number, name in enumerate(build.names)}

    def _refuse_size(self, job: Job, rows: int) -> str:
        """The vendor's text where an export is too large."""
        fault = job.fault("raw_user_error")
        if fault is not None and rows > int(fault.params["above_rows"]):
            return str(fault.params["text"])
        return TOO_MANY if self.settings.max_rows and rows > self.settings.max_rows else ""

    def _describe_state(self, job: Job, now: float) -> Mapping[str, Any]:
        hold = job.hold() if not job.status else None
        if not job.status:
            odd = hold is not None and hold.kind == "raw_status"
            percent = int(100 * job.progress(self.settings, now) + 0.5)
            return {
                "status": str(hold.params["status"]) if hold is not None and odd else PROGRESS,
                "progress": f"{percent}%",
                "isCancellable": job.is_cancellable(self.settings, now),
            }
        status = _respell(job.status, job.fault("raw_status_case"))
        if job.status == REFUSED:
            return {"status": status, "errorMessage": job.message}
        if job.build is None:
            return {"status": status}
        return {"status": status, **self._list_files(job, job.build)}

    def _list_files(self, job: Job, build: Build) -> Mapping[str, Any]:
        form = self.settings.zero_rows
        if (fault := job.fault("raw_empty")) is not None:
            form = str(fault.params["form"])  # type: ignore[assignment]
        if not build.rows and form != "header":
            return {"files": [] if form == "list" else None} if form != "missing" else {}
        missing = job.fault("raw_part_missing")
        names: Sequence[str] = build.names
        if missing is not None and missing.params["how"] == "unlisted":
            names = [n for at, n in enumerate(names) if at != int(missing.params["part"])]
        expires = str(int(self._expires_at(job, is_told=True)))
        return {"files": [{"link": name, "timestampExpires": expires} for name in names]}

    def _expires_at(self, job: Job, *, is_told: bool) -> float:
        life_s = self.settings.link_hours * 3600
        fault = job.fault("raw_link_expired")
        if fault is not None and (fault.params["is_told"] or not is_told):
            life_s = float(fault.params["seconds"])
        return job.done_at + life_s

    def _is_forgotten(self, job: Job, now: float) -> bool:
        """True once an export is unknown by a fault; its place is free then."""
        fault = job.fault("raw_forgotten")
        if fault is None or job.polls <= int(fault.params["polls"]):
            return False
        if not job.status:
            job.status, job.done_at = CANCELLED, now
        return True

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id - 1)


def _respell(status: str, fault: Fault | None) -> str:
    """The status in another case, or without its punctuation, as a fault asks for."""
    if fault is None:
        return status
    forms = {"upper": status.upper(), "lower": status.lower(), "bare": status.rstrip("!")}
    return forms[str(fault.params["form"])]
