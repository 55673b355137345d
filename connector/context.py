"""What a vendor's API may use of the run it works for: journal, clock, patience, a voice."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.clock import Clock, RealClock
from connector.inbox import Inbox
from connector.journal import Journal


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The run as an API sees it. Without arguments: a run of its own that remembers nothing.

    `inbox` has what a vendor announced by itself. `count` is told the kind of every request before it is sent, and the daily limit it counts
    against. `wait_until` ends all waiting for a vendor's queue (aware UTC; None: no end), as `stop`
    does at once. `report` is told what a unit waits for (its id, how far it is) and `warn` what
    somebody should know.
    """

    journal: Journal = field(default_factory=Journal)
    clock: Clock = field(default_factory=RealClock)
    count: Callable[[str, int], None] = lambda _kind, _limit: None
    wait_until: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    report: Callable[[str, str], None] = lambda _unit, _text: None
    warn: Callable[[str], None] = lambda _text: None
    inbox: Inbox = field(default_factory=Inbox)

    def pause(self, seconds: float) -> bool:
        """Wait; False, at once, where the run has no time left for it or is being stopped."""
        ends_at = self.clock.now() + timedelta(seconds=seconds)
        if self.stop.is_set() or (self.wait_until is not None and ends_at > self.wait_until):
            return False
        self.clock.sleep(seconds, self.stop)
        return not self.stop.is_set()
