"""The Logs API of all apps: queues, prepared files, and what a request is answered."""

from dataclasses import dataclass
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.appmetrica_logs.asks import Ask, CacheRule
from connector.sandbox.appmetrica_logs.cells import LogCells
from connector.sandbox.appmetrica_logs.injection import MadeExport, make_export
from connector.sandbox.appmetrica_logs.making import Maker
from connector.sandbox.appmetrica_logs.prepared import LogFile
from connector.sandbox.appmetrica_logs.queue import ADDED, FULL, MOVED, AppQueue, Query
from connector.sandbox.appmetrica_logs.rows import AppRows
from connector.sandbox.appmetrica_logs.statistics import Statistics
from connector.sandbox.appmetrica_stream.content import CELL_FAULTS, Content
from connector.sandbox.faults import Fault, FaultBook, Request
from connector.sandbox.world import World

MORE_PARTS = "Too much data is requested. Try to use more parts."
_CONTENT_KINDS = frozenset({*CELL_FAULTS, "file_shape", "schema_change", "clocks"})
_FIRST_ID = 100_000_000_000_000_001


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: a file, or a code and a text."""

    code: int
    text: str = ""
    file: LogFile | None = None


class LogsService:
    """State of the emulated service. Callers hold `world.lock`; times are unix seconds."""

    def __init__(self, world: World, faults: FaultBook) -> None:
        self.world = world
        self.logs = world.scenario.logs
        self.statistics = Statistics()
        self.queues = {app.id: AppQueue(self.logs) for app in world.scenario.apps}
        self.makers = {
            app.id: Maker(AppRows(), LogCells(app), self.logs.shape) for app in world.scenario.apps
        }
        self.made: list[MadeExport] = []
        self._faults = faults
        self._files: dict[str, LogFile] = {}
        self._next_id = _FIRST_ID
        for app_id, maker in self.makers.items():
            world.subscribe(app_id, maker.rows.take)

    def touch(self, ask: Ask, rule: CacheRule) -> Request:
        """Count a request and work until now; where it stands, for faults to be matched with."""
        self.statistics.count_ask(ask, rule)
        query = self.queues[ask.app].find(ask.key)
        if query is not None:
            query.polls += 1
            self.statistics.of(ask).polls += 1
        now = self.advance(ask.app)
        waits = self.queues[ask.app].find(ask.key)
        file = self._find_file(ask, now)
        if waits is not None:
            is_download = self._old_file(waits, file) is not None
        else:
            is_download = file is not None and file.answers(rule, now)
        return self._address(ask, "download" if is_download else "prepare")

    def answer(self, ask: Ask, rule: CacheRule) -> Answer:
        """What a request gets that was counted by `touch` just before."""
        now, queue = self.world.clock.timestamp(), self.queues[ask.app]
        query, file = queue.find(ask.key), self._find_file(ask, now)
        if query is not None:
            return self._answer_poll(ask, rule, query, file)
        if file is not None and file.answers(rule, now):
            fault = file.fault("more_parts")
            is_large = fault is not None and ask.parts < int(fault.params["parts"])
            return Answer(400, MORE_PARTS) if is_large else self._serve(ask, file)
        if len(queue.queries) >= self.logs.queue_places:
            return Answer(429, FULL)
        return self._enqueue(ask, rule, now)

    def file_of(self, ask: Ask) -> LogFile | None:
        """The file of a request, if there is one; nothing is counted."""
        return self._find_file(ask, self.world.clock.timestamp())

    def advance(self, app_id: int) -> float:
        """Work off the queue of an app; the present moment."""
        self.world.live()
        now = self.world.clock.timestamp()
        for fault in self._faults.of_stage("listing"):
            is_new = fault.kind == "foreign_queries" and app_id not in fault.notes
            if is_new and fault.fits(Request("export", app_id), now, any_window=True):
                fault.notes[app_id] = 1
                self.add_foreign(app_id, int(fault.params["count"]), float(fault.params["seconds"]))
        self.queues[app_id].advance(now, self._finish)
        return now

    def add_foreign(self, app_id: int, count: int, seconds: float) -> None:
        """Put queries of another client into the queue, as far as there are places."""
        queue = self.queues[app_id]
        for _ in range(min(count, self.logs.queue_places - len(queue.queries))):
            now = self.world.clock.timestamp()
            queue.add(Query(self._new_id(), now, takes_s=max(seconds, 0.001)))

    def cancel(self, app_id: int, request_id: str) -> bool | None:
        """Take a query out; False if it was done already, None if there never was one."""
        now = self.advance(app_id)
        for query in self.queues[app_id].queries:
            if query.id == request_id:
                self.queues[app_id].remove(query, now)
                return True
        is_known = request_id.isdecimal() and _FIRST_ID <= int(request_id) < self._next_id
        return False if is_known else None

    def inject(self, declared: dict[str, Any]) -> MadeExport:
        """Put a made-up export in place; ConfigError names what is wrong with it."""
        export = make_export(declared)
        self.queue_of(export.app)
        self.made.insert(0, export)
        # A file that was prepared before would hide it.
        self._files = {
            key: file for key, file in self._files.items() if not self._is_about(export, file.ask)
        }
        return export

    def made_for(self, ask: Ask) -> list[MadeExport]:
        """The made-up exports behind a request: bytes come alone, rows of several together."""
        found = [export for export in self.made if self._is_about(export, ask)]
        if found and found[0].rows is None:
            return found[:1]
        return [export for export in found if export.rows is not None]

    def queue_of(self, app_id: int) -> AppQueue:
        """The queue of an app; ConfigError for an unknown one."""
        if app_id not in self.queues:
            raise ConfigError(f"app {app_id} is none of {sorted(self.queues)}")
        return self.queues[app_id]

    def _answer_poll(self, ask: Ask, rule: CacheRule, query: Query, file: LogFile | None) -> Answer:
        now, queue = self.world.clock.timestamp(), self.queues[ask.app]
        old = self._old_file(query, file)
        if old is not None:
            return self._serve(ask, old)
        if rule.is_no_cache:
            queue.move_to_end(query, now)
            return Answer(202, MOVED)
        return Answer(202, queue.text(query, now))

    def _enqueue(self, ask: Ask, rule: CacheRule, now: float) -> Answer:
        faults = self._faults.strike(self._address(ask, "prepare"), now, "export")
        for fault in faults:
            if fault.kind == "unknown_field" and fault.params["field"] in ask.fields:
                return Answer(400, f"Unknown field: {fault.params['field']}")
            is_now = fault.kind == "more_parts" and fault.params["at"] == "ask"
            if is_now and ask.parts < int(fault.params["parts"]):
                return Answer(400, MORE_PARTS)
        query = Query(self._new_id(), now, ask, is_no_cache=rule.is_no_cache, faults=faults)
        self.queues[ask.app].add(query)
        return Answer(202, ADDED)

    def _finish(self, query: Query, done_at: float) -> None:
        if query.ask is None:
            return
        self.statistics.of(query.ask).builds += 1
        life_s = self.logs.file_hours * 3600
        self._files = {k: f for k, f in self._files.items() if f.is_alive(done_at, life_s)}
        self._files[query.ask.key] = self._build(query, query.ask, done_at)

    def _build(self, query: Query, ask: Ask, made_at: float) -> LogFile:
        # Content faults strike when the file is made, so that `nth` and `times` count files.
        address = self._address(ask, "prepare")
        content = self._faults.strike(address, made_at, "window")
        faults = [f for f in content if f.kind in _CONTENT_KINDS]
        faults += [f for f in query.faults if f.kind == "thin"]
        made, maker = self.made_for(ask), self.makers[ask.app]
        as_of = made_at - sum(
            float(f.params["age_s"]) for f in query.faults if f.kind == "stale_file"
        )

        def make() -> Content:
            return maker.make(ask, maker.cells_of(ask, as_of, made), faults, query.shift)

        return LogFile(ask, made_at, query.is_no_cache, query.faults, make, made, query.shift)

    def _serve(self, ask: Ask, file: LogFile) -> Answer:
        file.downloads += 1
        self.statistics.of(ask).downloads += 1
        fault = file.fault("rebuild_between_parts")
        if fault is not None and not file.shift and ask.parts > 1 and not ask.part:
            self._rebuild(file, fault)
        return Answer(200, file=file)

    def _rebuild(self, file: LogFile, fault: Fault) -> None:
        """Build the file anew behind the client's back."""
        now, rows = self.world.clock.timestamp(), int(fault.params["rows"])
        query = Query(self._new_id(), now, file.ask, faults=file.faults, shift=rows)
        if fault.params["waits"]:
            self.queues[file.ask.app].add(query)
        else:
            self._finish(query, now)

    def _find_file(self, ask: Ask, now: float) -> LogFile | None:
        file = self._files.get(ask.key)
        if file is not None and not file.is_alive(now, self.logs.file_hours * 3600):
            del self._files[ask.key]
            return None
        return file

    def _old_file(self, query: Query, file: LogFile | None) -> LogFile | None:
        """The file from before that a fault gives to a poll."""
        for fault in query.faults:
            if fault.kind == "old_after_no_cache" and query.is_no_cache:
                polls = int(fault.params["polls"])
                return file if not polls or query.polls <= polls else None
        return None

    def _address(self, ask: Ask, phase: str) -> Request:
        return Request("export", ask.app, ask.resource.name, 0, phase, ask.span)

    def _is_about(self, export: MadeExport, ask: Ask) -> bool:
        return (export.app, export.resource) == (ask.app, ask.resource) and export.meets(ask.span)

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id - 1)
