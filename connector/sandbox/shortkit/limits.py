"""How often an organisation may ask: requests per minute, jobs per UTC day, on the sandbox's clock."""

import math
import threading
from collections import Counter

from connector.sandbox.scenario import ShortKit
from connector.sandbox.shortkit.answers import Answer, refuse
from connector.sandbox.shortkit.rows import DAY_S

_PER_MINUTE = 1000
_PER_DAY = 20
_MINUTE_S = 60


class Limits:
    """Counts what was asked; safe across threads. A limit of 0 is none."""

    def __init__(self, settings: ShortKit, *, is_simulated: bool) -> None:
        self._lock = threading.Lock()
        self._minutes: Counter[int] = Counter()
        self._days: Counter[int] = Counter()
        self._quota_until = 0.0
        self._settings = settings
        self._per_minute = _choose(settings.requests_per_minute, _PER_MINUTE, is_simulated)
        self.per_day = _choose(settings.jobs_per_day, _PER_DAY, is_simulated)

    def count(self, now: float) -> Answer | None:
        """Count a request; the refusal it gets (unix seconds), None where it may go on."""
        minute = int(now) // _MINUTE_S
        with self._lock:
            self._minutes[minute] += 1
            if now < self._quota_until:
                return refuse(429, "QUOTA_EXCEEDED", "Monthly quota exceeded")
            if self._per_minute and self._minutes[minute] > self._per_minute:
                left_s = max(1, math.ceil((minute + 1) * _MINUTE_S - now))
                return refuse(429, "RATE_LIMITED", "Too many requests", retry_after_s=left_s)
        return None

    def count_job(self, now: float) -> Answer | None:
        """Count a job of a day; the refusal where it is one too many."""
        day = int(now) // DAY_S
        with self._lock:
            if self.per_day and self._days[day] >= self.per_day:
                left_s = max(1, math.ceil((day + 1) * DAY_S - now))
                text = f"Maximum {self.per_day} export jobs per day"
                return refuse(429, "RATE_LIMITED", text, retry_after_s=left_s)
            self._days[day] += 1
        return None

    def block(self, until: float) -> None:
        """The quota of the month is used up until a moment (unix seconds)."""
        with self._lock:
            self._quota_until = until

    def headers(self, now: float) -> dict[str, str]:
        """The headers every answer tells the limits with."""
        if not self._settings.has_rate_headers:
            return {}
        minute = int(now) // _MINUTE_S
        limit = self._per_minute or _PER_MINUTE
        with self._lock:
            left = max(0, limit - self._minutes[minute])
            reset = self._quota_until if now < self._quota_until else (minute + 1) * _MINUTE_S
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(0 if now < self._quota_until else left),
            "X-RateLimit-Reset": str(math.ceil(reset)),
        }


def _choose(chosen: int, documented: int, is_simulated: bool) -> int:
    return (documented if is_simulated else 0) if chosen < 0 else chosen
