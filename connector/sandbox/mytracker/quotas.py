"""How often one user may ask: calendar-like intervals on the sandbox's clock.

Limits: tracker.my.com/docs/api/export-api/limits. A block lasts to the end of its interval.
"""

import math
import threading
from collections import Counter
from typing import Any, NamedTuple

from connector.sandbox.mytracker.answers import Answer
from connector.sandbox.scenario import MyTracker

ERRORS = "ErrorsByUserPerMinute"
_DOCUMENTED = (
    ("RequestsByUserPerSecond", "requests_per_second", 1, 10),
    ("RequestsByUserPerMinute", "requests_per_minute", 60, 100),
    ("RequestsByUserPerHour", "requests_per_hour", 3600, 1000),
    (ERRORS, "errors_per_minute", 60, 60),
)


class _Quota(NamedTuple):
    name: str
    interval_s: int
    limit: int


class Quotas:
    """Counts the requests of the one user there is; safe across threads. A limit of 0 is none."""

    def __init__(self, settings: MyTracker, *, is_simulated: bool) -> None:
        self._lock = threading.RLock()
        self._counts: Counter[tuple[str, int]] = Counter()
        self._blocked_until = 0.0
        self._quotas = []
        for name, key, interval_s, documented in _DOCUMENTED:
            chosen = getattr(settings, key)
            limit = (documented if is_simulated else 0) if chosen < 0 else chosen
            if limit:
                self._quotas.append(_Quota(name, interval_s, limit))

    def count(self, now: float) -> Answer | None:
        """Count a request; the refusal it gets (unix seconds), None where it may go on."""
        with self._lock:
            for quota in self._quotas:
                if quota.name != ERRORS:
                    self._counts[self._slot(quota, now)] += 1
            return throttle(self.describe(now)) if self._is_blocked(now) else None

    def count_error(self, now: float) -> None:
        """Count an answer that was an error."""
        with self._lock:
            for quota in self._quotas:
                if quota.name == ERRORS:
                    self._counts[self._slot(quota, now)] += 1

    def block(self, until: float) -> None:
        """Refuse everything until a moment (unix seconds), as after too many errors."""
        with self._lock:
            self._blocked_until = until

    def describe(self, now: float) -> list[dict[str, Any]]:
        """The state of every limit, as `quotas/get.json` and a refusal show it."""
        with self._lock:
            found = []
            for quota in self._quotas:
                count = self._counts[self._slot(quota, now)]
                ends = (int(now) // quota.interval_s + 1) * quota.interval_s
                found.append(describe_quota(quota.name, count, quota.limit, ends, now))
            if now < self._blocked_until:
                found = [item for item in found if item["name"] != ERRORS]
                found.append(describe_quota(ERRORS, 61, 60, self._blocked_until, now))
            return found

    def _is_blocked(self, now: float) -> bool:
        return any(item["exceeded"] for item in self.describe(now))

    def _slot(self, quota: _Quota, now: float) -> tuple[str, int]:
        return quota.name, int(now) // quota.interval_s


def describe_quota(name: str, count: int, limit: int, ends: float, now: float) -> dict[str, Any]:
    """One limit and when it begins anew (unix seconds)."""
    return {
        "name": name,
        "count": count,
        "limit": limit,
        "resetTime": math.ceil(ends),
        "resetInSecond": max(1, math.ceil(ends - now)),
        "exceeded": count > limit,
    }


def throttle(quotas: list[dict[str, Any]]) -> Answer:
    """The refusal of a user who asks too often."""
    return Answer(429, {"error": {"info": {"quotas": quotas}}})
