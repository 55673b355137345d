"""What MyTracker lets one API user ask: per second, minute and hour, and how often it may refuse.

Source page: tracker.my.com/docs/api/export-api (quotas). The journal keeps every call of the last
hour, so that a restart does not begin anew. Windows are rolling, which holds wherever the vendor's
own begin.
"""

import threading
from datetime import timedelta

from connector.context import ApiContext
from connector.errors import StillWaitingError

PER_SECOND, PER_MINUTE = 8, 90  # of the vendor's 10 and 100: its clock and ours differ
ERRORS_PER_MINUTE = 50  # of 60; the block outlives its cause
SHORT_S = 2.0  # a wait for the quota of a second, not for the vendor
_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Allowance:
    """Lets requests through as fast as the quotas allow. `per_hour` is for everything together."""

    def __init__(self, source: str, per_hour: int, context: ApiContext) -> None:
        self._source, self._context = source, context
        self._limits = (
            (PER_SECOND, _SECOND, False),
            (PER_MINUTE, _MINUTE, False),
            (per_hour, _HOUR, False),
            (ERRORS_PER_MINUTE, _MINUTE, True),
        )
        self._lock = threading.Lock()
        self._blocked_until = context.clock.now()

    def take(self) -> None:
        """Wait for the right to send one request, and note it.

        Raises StillWaitingError where the run has no time for that.
        """
        while (wait_s := self._take_now()) > 0:
            if not self._pause(wait_s):
                raise StillWaitingError(
                    f"{self._source}: the vendor's quota leaves room for another request in"
                    f" {wait_s:.0f} s; the next run goes on",
                    job_id="",
                )

    def _pause(self, seconds: float) -> bool:
        """Wait; a moment also where the run's time for the vendor's queues is over."""
        if seconds > SHORT_S or self._context.stop.is_set():
            return self._context.pause(seconds)
        self._context.clock.sleep(seconds, self._context.stop)
        return True

    def _take_now(self) -> float:
        """0 where the request may go, and is noted; else the seconds until it may be tried."""
        with self._lock:
            now = self._context.clock.now()
            free_at = self._blocked_until
            for limit, window, is_error in self._limits:
                oldest = self._context.journal.nth_call(self._source, limit, is_error=is_error)
                free_at = max(free_at, oldest + window) if oldest else free_at
            if free_at > now:
                return (free_at - now).total_seconds()
            self._context.journal.add_call(self._source, now)
            return 0.0

    def note_error(self) -> None:
        """The vendor refused a request: that counts for itself."""
        self._context.journal.add_call(self._source, self._context.clock.now(), is_error=True)

    def block(self, seconds: float) -> None:
        """Send nothing for so long: the vendor says that a quota is used up."""
        until = self._context.clock.now() + timedelta(seconds=seconds)
        with self._lock:
            self._blocked_until = max(self._blocked_until, until)
