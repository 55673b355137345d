"""What was asked of this API: the lists and numbers that tell a good client from a bad one."""

import threading
from collections import Counter
from typing import Any, Literal

Heard = Literal[
    "creates", "refused", "lists", "cancels", "downloads", "erasures", "person_exports", "webhooks"
]
_LISTS: tuple[Heard, ...] = (
    *("creates", "refused", "lists", "cancels", "downloads", "erasures"),
    *("person_exports", "webhooks"),
)


class RequestLog:
    """Requests since the start or the last reset; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._lists: dict[Heard, list[dict[str, Any]]] = {name: [] for name in _LISTS}
        self._polls: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._days: Counter[str] = Counter()
        self._most = 0

    def count(self, endpoint: str) -> None:
        """Count a request."""
        with self._lock:
            self._counts[endpoint] += 1

    def count_code(self, endpoint: str, code: int) -> None:
        """Count an answer's HTTP code; 0 for one that never left."""
        with self._lock:
            self._codes[f"{endpoint} {code}"] += 1

    def add(self, name: Heard, **facts: Any) -> None:
        """Keep one request in the list of its kind."""
        with self._lock:
            self._lists[name].append(facts)

    def add_poll(self, number: str) -> None:
        """Keep a look at an export, of one there is or of none."""
        with self._lock:
            self._polls[number] += 1

    def see_job(self, day: str, running: int) -> None:
        """Count a job of a day (ISO date), and remember the most there ever were at once."""
        with self._lock:
            self._days[day] += 1
            self._most = max(self._most, running)

    def describe(self) -> dict[str, Any]:
        """The requests as `GET /_sandbox/shortkit_requests` shows them."""
        with self._lock:
            throttled = sum(n for name, n in self._codes.items() if name.endswith(" 429"))
            return {
                **{name: list(items) for name, items in self._lists.items()},
                "polls": dict(self._polls),
                "counts": dict(self._counts),
                "by_code": dict(self._codes),
                "throttled": throttled,
                "jobs_by_day": dict(self._days),
                "most_running": self._most,
            }
