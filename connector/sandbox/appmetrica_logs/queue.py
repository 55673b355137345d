"""The queue of one app: queries are worked off strictly one after another.

Rules: appmetrica.yandex.com/docs/en/mobile-api/logs, request flow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.appmetrica_logs.asks import Ask
from connector.sandbox.faults import Fault
from connector.sandbox.scenario import Logs

ADDED = "Your query is added to the queue."
WAIT = "Wait for result"
MOVED = "Your query is moved to the end of the queue due to provided Cache-Control restriction."
FULL = (
    "There are already 3 enqueued queries for given application_id. Wait until they are completed."
)
_HOLDS = ("never_ready", "stuck", "progress_backwards")
_FORGOTTEN_S = 3600.0


@dataclass(slots=True)
class Query:
    """One query that is waiting or worked on; `ask` is None for another client's.

    Unix seconds of the sandbox's clock; `polls` counts the asks after the first one.
    """

    id: str
    queued_at: float
    ask: Ask | None = None
    takes_s: float = 0.0
    is_no_cache: bool = False
    faults: Sequence[Fault] = ()
    shift: int = 0
    started_at: float | None = None
    polls: int = 0

    def hold(self) -> Fault | None:
        """The fault that keeps the query from being done, while it does."""
        for fault in self.faults:
            if fault.kind in _HOLDS:
                polls = int(fault.params["polls"])
                if self.polls < polls or (not polls and fault.kind != "progress_backwards"):
                    return fault
        return None


@dataclass(slots=True)
class AppQueue:
    """Queries of one app in order; the first is the one worked on. `most` is the most there were."""

    logs: Logs
    queries: list[Query] = field(default_factory=list)
    free_at: float = 0.0
    most: int = 0

    def add(self, query: Query) -> None:
        """Put a query at the end."""
        self.queries.append(query)
        self.most = max(self.most, len(self.queries))

    def find(self, key: str) -> Query | None:
        """The query of a request, while it is not done."""
        return next((q for q in self.queries if q.ask is not None and q.ask.key == key), None)

    def advance(self, now: float, finish: Callable[[Query, float], None]) -> None:
        """Work until `now`; `finish` gets each query with the moment it was done."""
        while self.queries:
            head = self.queries[0]
            if head.started_at is None:
                head.started_at = max(self.free_at, head.queued_at)
            done_at = self._done_at(head, head.started_at, now)
            if done_at is None or done_at > now:
                return
            self.remove(head, done_at)
            finish(head, done_at)

    def remove(self, query: Query, now: float) -> None:
        """Take a query out, done or not; the next one may start."""
        if self.queries[0] is query:
            self.free_at = now
        self.queries.remove(query)

    def move_to_end(self, query: Query, now: float) -> None:
        """Put a query behind the others, to be begun anew; alone it stays what it is."""
        if self.queries[-1] is not query:
            self.remove(query, now)
            query.queued_at, query.started_at = now, None
            self.queries.append(query)

    def progress(self, query: Query, now: float) -> float:
        """How much is done, from 0 to 1; 0 for one that waits."""
        if query.started_at is None or self.queries[0] is not query:
            return 0.0
        hold = query.hold()
        if hold is not None and hold.kind == "stuck":
            return float(hold.params["progress"]) / 100
        if hold is not None and hold.kind == "progress_backwards":
            return max(5.0, 90.0 - 20.0 * query.polls) / 100
        if self.logs.prepare_polls and not query.takes_s:
            return min(0.99, query.polls / self.logs.prepare_polls)
        takes_s = query.takes_s or self.logs.prepare_s or 1.0
        return max(0.0, min(0.99, (now - query.started_at) / takes_s))

    def text(self, query: Query, now: float) -> str:
        """What a poll is told."""
        percent = int(100 * self.progress(query, now) + 0.5)
        return f"{WAIT}. Progress is {percent}%." if percent else WAIT

    def describe(self, now: float) -> list[dict[str, Any]]:
        """The queries as `GET /_sandbox/queue/{app}` shows them."""
        return [
            {
                "request_id": query.id,
                "resource": query.ask.resource.name if query.ask else "",
                "query": query.ask.query if query.ask else "",
                "is_foreign": query.ask is None,
                "is_running": query is self.queries[0],
                "progress": self.progress(query, now),
                "polls": query.polls,
                "queued_at": query.queued_at,
            }
            for query in self.queries
        ]

    def _done_at(self, query: Query, started_at: float, now: float) -> float | None:
        if query.takes_s:
            return started_at + query.takes_s
        if any(fault.kind in _HOLDS for fault in query.faults):
            return None if query.hold() else now
        if not self.logs.prepare_polls:
            return started_at + self.logs.prepare_s
        # Nobody polls it any more: it must not hold up the others for ever.
        is_forgotten = now - started_at >= _FORGOTTEN_S
        return now if query.polls >= self.logs.prepare_polls or is_forgotten else None
