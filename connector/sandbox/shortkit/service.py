"""The state of the emulated video export: jobs at work and done, their files, keys of repeats."""

from collections.abc import Mapping
from random import Random
from typing import Any

from connector.sandbox.faults import Fault, FaultBook, Request
from connector.sandbox.shortkit.answers import NOT_FOUND, Answer, accept, refuse
from connector.sandbox.shortkit.asks import Ask
from connector.sandbox.shortkit.building import Part
from connector.sandbox.shortkit.describing import Describer
from connector.sandbox.shortkit.jobs import (
    CANCELLED,
    COMPLETE,
    EXPIRED,
    FAILED,
    Job,
)
from connector.sandbox.shortkit.limits import Limits
from connector.sandbox.shortkit.making import Maker
from connector.sandbox.shortkit.persons import build_person
from connector.sandbox.shortkit.rows import write_day, write_stamp
from connector.sandbox.shortkit.statistics import RequestLog
from connector.sandbox.world import World

_KEY_S = 86_400
_ROW_FACTS = frozenset({"video_late", "video_future", "video_anonymous"})


class ShortKitService:
    """State of the emulated service. Callers hold `world.lock`; times are unix seconds."""

    def __init__(self, world: World, faults: FaultBook) -> None:
        self.world = world
        self.settings = world.scenario.shortkit
        self.limits = Limits(self.settings, is_simulated=world.scenario.clock == "simulated")
        self.log = RequestLog()
        self.maker = Maker(world)
        self.jobs: dict[str, Job] = {}
        self.describer = Describer(self.settings, lambda: "")
        self._faults = faults
        self._answers: dict[str, tuple[float, Answer]] = {}
        self._ids = Random(f"shortkit {world.scenario.seed}")

    def create(self, ask: Ask, key: str, body: Mapping[str, Any], *, is_kept: bool) -> Answer:
        """Make an export, or the first answer again for a key that was used within 24 hours.

        `is_kept` is False where the key is to be forgotten.
        """
        now = self.advance()
        told = {"body": dict(body), "idempotency_key": key, "at": now}
        known = self._answers.get(key)
        if known is not None and self.settings.has_idempotency and now - known[0] < _KEY_S:
            job_id = known[1].data["jobId"]
            self.log.add("creates", id=job_id, is_repeat=True, code=known[1].status, **told)
            return known[1]
        self._add_fault_jobs(ask, now)
        refusal = self._refuse_job(now)
        if refusal is not None:
            self.log.add(
                "refused", code=refusal.status, error=refusal.code, message=refusal.message, **told
            )
            return refusal
        job = Job(
            self.new_id("exp_"),
            now,
            ask,
            faults=self._faults.strike(self.address("video_create", ask), now, "export"),
            estimate=self.maker.estimate(ask),
        )
        self.jobs[job.id] = job
        self.log.see_job(write_stamp(now)[:10], len(self.running()))
        answer = accept(self.describer.describe_new(job, now), self.settings.create_code)
        self.log.add("creates", id=job.id, is_repeat=False, code=answer.status, **told)
        if key and is_kept:
            self._answers[key] = (now, answer)
        return answer

    def get(self, number: str) -> Answer:
        """The state of an export, of a person's too."""
        self.advance()
        job = self.jobs.get(number)
        self.log.add_poll(number)
        if job is None:
            return NOT_FOUND
        job.polls += 1
        now = self.advance()
        self._renew_link(job)
        return accept(self.describer.describe(job, now))

    def export_person(self, user_id: str) -> Answer:
        """Make an export of all there is of one user."""
        now = self.advance()
        rows = self.maker.rows_of(user_id, now, self.facts(now))
        if not rows:
            self.log.add("person_exports", user=user_id, id="", code=404, at=now)
            return NOT_FOUND
        faults = self._faults.strike(self.address("video_person"), now, "export")
        job = Job(self.new_id("usr_exp_"), now, None, "person", user_id, faults=faults)
        job.estimate = len(rows)
        self.jobs[job.id] = job
        self.log.add("person_exports", user=user_id, id=job.id, code=200, at=now)
        return accept({"jobId": job.id, "status": "processing"})

    def erase(self, user_id: str) -> Answer:
        """Remove a user and all rows there are by now; what comes later is kept again."""
        rows, now = self.forget(user_id), self.advance()
        code = self.settings.erase_code if rows else 404
        self.log.add("erasures", user=user_id, code=code, rows=rows, at=now)
        return accept({"userId": user_id, "deleted": True}, code) if rows else NOT_FOUND

    def forget(self, user_id: str) -> int:
        """Remove what is known of a user by now; how many rows that was."""
        now = self.advance()
        rows = self.maker.rows_of(user_id, now, self.facts(now))
        if rows:
            self.maker.erase(user_id, now)
        return len(rows)

    def cancel(self, number: str) -> Answer:
        """Take an export back while it is queued or at work."""
        now, job = self.advance(), self.jobs.get(number)
        if job is None:
            answer = NOT_FOUND
        elif job.status:
            answer = refuse(409, "CONFLICT", f"Export is {job.status}")
        else:
            job.status, job.done_at = CANCELLED, now
            answer = accept({"jobId": job.id, "status": CANCELLED})
        self.log.add("cancels", id=number, code=answer.status, at=now)
        return answer

    def list_jobs(self, limit: int, cursor: str, status: str) -> Answer:
        """The exports of the organisation, newest first; `cursor` is the last id seen."""
        now = self.advance()
        jobs = [job for job in self.jobs.values() if job.kind != "person"]
        jobs = [job for job in reversed(jobs) if status in {"", job.state(self.settings, now)[0]}]
        ids = [job.id for job in jobs]
        start = ids.index(cursor) + 1 if cursor in ids else 0
        page = jobs[start : start + limit]
        meta: dict[str, Any] = {"total": len(jobs)}
        if start + limit < len(jobs):
            meta["nextCursor"] = page[-1].id
        return accept([self.describer.describe_listed(job, now) for job in page], **meta)

    def find_file(self, number: str, name: str, expires: str, signature: str) -> Part | int:
        """A file by its link, or the code the storage host refuses it with."""
        now, job = self.advance(), self.jobs.get(number)
        if job is None or job.build is None:
            return 404
        if expires != str(int(job.done_at + job.life_s(self.settings))) or (
            signature != job.sign(name, int(expires)) or now >= int(expires)
        ):
            return 403
        dead = job.fault("video_link_dead")
        if dead is not None and not job.link_number:
            is_late = now - job.done_at >= float(dead.params["seconds"])
            if is_late and job.begun_downloads >= int(dead.params["downloads"]):
                job.refused_downloads += 1
                return int(dead.params["code"])
        if self.describer.empty_form(job) == "404":
            return 404
        job.begun_downloads += 1
        return next((part for part in job.build.parts if part.name == name), 404)

    def running(self) -> list[Job]:
        """The exports that take a place, oldest first, those of other clients included."""
        return [job for job in self.jobs.values() if not job.status and job.is_own]

    def advance(self) -> float:
        """Work until now; the present moment."""
        self.world.live()
        now = self.world.clock.timestamp()
        for job in self.jobs.values():
            if not job.status:
                done_at = job.ready_at(self.settings, now)
                if done_at is not None and done_at <= now:
                    self._finish(job, done_at)
            elif job.status == COMPLETE and now - job.done_at >= job.life_s(self.settings):
                job.status = EXPIRED
        return now

    def add_foreign(self, count: int, seconds: float) -> None:
        """Let another client of the organisation ask for exports, as far as there are places."""
        now = self.advance()
        for _ in range(min(count, self.settings.places - len(self.running()))):
            job = Job(self.new_id("exp_"), now, kind="foreign", takes_s=max(seconds, 0.001))
            self.jobs[job.id] = job
            self.log.see_job(write_stamp(now)[:10], len(self.running()))

    def facts(self, now: float) -> list[Fault]:
        """The faults that are facts about rows, at a moment."""
        return [
            fault
            for fault in self._faults.of_stage("listing")
            if fault.kind in _ROW_FACTS and fault.since <= now < fault.until
        ]

    def address(self, endpoint: str, ask: Ask | None = None) -> Request:
        """Where a request stands, for faults to be matched with; the data type is its first."""
        if ask is None:
            return Request(endpoint, phase="shortkit")
        return Request(endpoint, 0, ask.data_types[0], 0, "shortkit", ask.span)

    def new_id(self, prefix: str) -> str:
        """An id nothing had before."""
        return f"{prefix}{self._ids.getrandbits(48):012x}"

    def describe_queue(self) -> list[dict[str, Any]]:
        """Every export as `GET /_sandbox/shortkit_jobs` shows it, oldest first."""
        now = self.advance()
        return [
            {
                "id": job.id,
                "kind": job.kind,
                "status": job.state(self.settings, now)[0],
                "data_types": list(job.ask.data_types) if job.ask else [],
                "start": write_day(job.ask.first) if job.ask else "",
                "end": write_day(job.ask.end) if job.ask else "",
                "user": job.user_id,
                "polls": job.polls,
                "downloads": job.begun_downloads,
                "created_at": job.created_at,
                "done_at": job.done_at,
                "rows": job.build.rows if job.build else None,
            }
            for job in self.jobs.values()
        ]

    def finish(self, job: Job, done_at: float) -> None:
        """Make the files of a job of the portal's schedule, which nobody waits for."""
        self._finish(job, done_at)

    def _refuse_job(self, now: float) -> Answer | None:
        """Why no export can be made now."""
        if len(self.running()) >= self.settings.places:
            text = f"Maximum {self.settings.places} concurrent exports"
            if self.settings.full_code == 409:
                return refuse(409, "CONFLICT", text)
            return refuse(429, "RATE_LIMITED", text, retry_after_s=30)
        return self.limits.count_job(now)

    def _add_fault_jobs(self, ask: Ask, now: float) -> None:
        for fault in self._faults.of_stage("listing"):
            is_new = fault.kind == "foreign_video_jobs" and not fault.notes
            if is_new and fault.fits(self.address("video_create", ask), now, any_window=True):
                fault.notes["done"] = 1
                self.add_foreign(int(fault.params["count"]), float(fault.params["seconds"]))

    def _finish(self, job: Job, done_at: float) -> None:
        job.done_at, job.status = done_at, COMPLETE
        if job.fault("video_failed") is not None:
            job.status = FAILED
        elif job.fault("video_cancelled") is not None:
            job.status = CANCELLED
        elif job.kind == "person":
            rows = self.maker.rows_of(job.user_id, done_at, self.facts(done_at))
            job.build = build_person(job.user_id, rows, self.settings)
        elif job.ask is not None:
            facts = self.facts(done_at)
            job.build = self.maker.build(job.ask, done_at, job.faults, facts, job.created_at)

    def _renew_link(self, job: Job) -> None:
        """A look at an export whose link is dead by a fault: a new one, the same, or `expired`."""
        fault = job.fault("video_link_dead")
        if fault is None or not job.refused_downloads or job.link_number:
            return
        if fault.params["on_get"] == "new":
            job.link_number = 1
        elif fault.params["on_get"] == "expired":
            job.status = EXPIRED
