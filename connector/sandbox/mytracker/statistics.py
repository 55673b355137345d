"""What was asked of this API: the lists and numbers that tell a good client from a bad one."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from connector.sandbox.mytracker.asks import Ask, Pairs


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
        self._creates: list[dict[str, Any]] = []
        self._refused: list[dict[str, Any]] = []
        self._cancels: list[dict[str, Any]] = []
        self._storage: list[dict[str, Any]] = []
        self._polls: Counter[str] = Counter()
        self._downloads: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._asked: Counter[tuple[Any, ...]] = Counter()
        self._most = 0

    def count(self, endpoint: str) -> None:
        """Count a request."""
        with self._lock:
            self._counts[endpoint] += 1

    def count_code(self, endpoint: str, code: int) -> None:
        """Count the code of an answer's body; 0 for one that never left."""
        with self._lock:
            self._codes[f"{endpoint} {code}"] += 1

    def add_create(self, ask: Ask, number: str, now: float) -> None:
        """Keep a create that made an export, with how often the same was asked for so far."""
        with self._lock:
            exact, window = ("exact", *ask.pairs), ("window", *ask.window)
            self._asked[exact] += 1
            self._asked[window] += 1
            self._creates.append(
                {
                    "id": number,
                    "event": ask.event,
                    "params": [list(pair) for pair in ask.pairs],
                    "span": list(ask.span),
                    "at": now,
                    "times": self._asked[exact],
                    "window_times": self._asked[window],
                }
            )

    def add_refused(self, pairs: Pairs, detail: str, now: float) -> None:
        """Keep a create that made no export."""
        with self._lock:
            params = [list(pair) for pair in pairs]
            self._refused.append({"params": params, "detail": detail, "at": now})

    def add_poll(self, number: str) -> None:
        """Keep a get, of an export there is or of none."""
        with self._lock:
            self._polls[number] += 1

    def add_cancel(self, number: str, code: int, now: float) -> None:
        """Keep a cancel and what it got."""
        with self._lock:
            self._cancels.append({"id": number, "code": code, "at": now})

    def add_download(self, name: str) -> None:
        """Keep a file that is about to be sent."""
        with self._lock:
            self._downloads[name] += 1

    def add_storage(self, path: str, headers: Mapping[str, str]) -> None:
        """Keep what the other host was sent; names in small letters."""
        with self._lock:
            kept = {name.lower(): value for name, value in headers.items()}
            self._storage.append({"path": path, "headers": kept})

    def see_queue(self, length: int) -> None:
        """Remember the most exports there ever were at once, foreign ones included."""
        with self._lock:
            self._most = max(self._most, length)

    def describe(self) -> dict[str, Any]:
        """The requests as `GET /_sandbox/mytracker_requests` shows them."""
        with self._lock:
            throttled = sum(n for name, n in self._codes.items() if name.endswith(" 429"))
            return {
                "creates": list(self._creates),
                "refused": list(self._refused),
                "polls": dict(self._polls),
                "cancels": list(self._cancels),
                "downloads": dict(self._downloads),
                "counts": dict(self._counts),
                "by_code": dict(self._codes),
                "throttled": throttled,
                "most_queued": self._most,
                "storage": list(self._storage),
            }
