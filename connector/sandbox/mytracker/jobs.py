"""One export from create to its dead links, and the places there are for those at work."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.sandbox.faults import Fault
from connector.sandbox.mytracker.asks import Ask
from connector.sandbox.mytracker.building import Build
from connector.sandbox.scenario import MyTracker

HOLDS = ("never_ready", "stuck", "progress_backwards", "raw_status")
_FORGOTTEN_S = 3600.0
_CANCELLABLE = 0.5


@dataclass(slots=True)
class Job:
    """One export. `ask` is None for another client's; unix seconds of the sandbox's clock.

    `status` is "" while it is at work, `build` what its links lead to.
    """

    id: str
    created_at: float
    ask: Ask | None = None
    takes_s: float = 0.0
    faults: Sequence[Fault] = ()
    polls: int = 0
    status: str = ""
    message: str = ""
    done_at: float = 0.0
    build: Build | None = None
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def is_foreign(self) -> bool:
        """True for an export of another client."""
        return self.ask is None

    def fault(self, kind: str) -> Fault | None:
        """The fault of a kind that goes with this export."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def hold(self) -> Fault | None:
        """The fault that keeps it from being done, while it does."""
        for fault in self.faults:
            if fault.kind in HOLDS:
                polls = int(fault.params["polls"])
                if self.polls <= polls or (not polls and fault.kind != "progress_backwards"):
                    return fault
        return None

    def ready_at(self, settings: MyTracker, now: float) -> float | None:
        """When it is done, as far as that is known by now."""
        if self.takes_s:
            return self.created_at + self.takes_s
        if any(fault.kind in HOLDS for fault in self.faults):
            return None if self.hold() else now
        if not settings.prepare_polls:
            return self.created_at + settings.prepare_s
        is_forgotten = now - self.created_at >= _FORGOTTEN_S
        return now if self.polls > settings.prepare_polls or is_forgotten else None

    def progress(self, settings: MyTracker, now: float) -> float:
        """How much is done, from 0 to 0.99."""
        hold = self.hold()
        if hold is not None and hold.kind == "stuck":
            return float(hold.params["progress"]) / 100
        if hold is not None and hold.kind == "progress_backwards":
            return max(5.0, 90.0 - 20.0 * self.polls) / 100
        if hold is not None:
            return 0.1
        if settings.prepare_polls and not self.takes_s:
            return min(0.99, self.polls / (settings.prepare_polls + 1))
        takes_s = self.takes_s or settings.prepare_s or 1.0
        return max(0.0, min(0.99, (now - self.created_at) / takes_s))

    def is_cancellable(self, settings: MyTracker, now: float) -> bool:
        """True for the first half of the work, and for what does not come to an end."""
        return self.hold() is not None or self.progress(settings, now) < _CANCELLABLE
