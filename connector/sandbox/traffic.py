"""What was asked of the sandbox: counts by endpoint and answer, downloads, foreign requests."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any


class Traffic:
    """Counts requests; safe across threads. Days are GMT days of the sandbox's clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: Counter[tuple[str, int]] = Counter()
        self._parallel = 0
        self._clear()

    def _clear(self) -> None:
        self._endpoints: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._downloads: Counter[tuple[int, str, int]] = Counter()
        self._max_parallel = 0
        self._storage: list[dict[str, Any]] = []

    def count_request(self, endpoint: str, day: int, api: str = "appmetrica_stream") -> int:
        """Count a request; how many `api` had this day, this one included."""
        with self._lock:
            self._endpoints[endpoint] += 1
            self._days[api, day] += 1
            return self._days[api, day]

    def count_answer(self, endpoint: str, code: int) -> None:
        """Count an answer's HTTP code."""
        with self._lock:
            self._codes[f"{endpoint} {code}"] += 1

    def begin_download(self) -> int:
        """A download begins; how many are under way, this one included."""
        with self._lock:
            self._parallel += 1
            self._max_parallel = max(self._max_parallel, self._parallel)
            return self._parallel

    def end_download(self) -> None:
        """A download that began is over, whole or not."""
        with self._lock:
            self._parallel -= 1

    def count_file(self, app_id: int, data_type: str, window: int) -> None:
        """Count a file that is about to be sent."""
        with self._lock:
            self._downloads[app_id, data_type, window] += 1

    def keep_storage_request(self, path: str, headers: Mapping[str, str]) -> None:
        """Keep the headers (names in small letters) that the storage host was sent."""
        kept = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            self._storage.append({"path": path, "headers": kept})

    def reset(self) -> None:
        """Forget everything but the use of the daily quota and what is under way."""
        with self._lock:
            self._clear()

    def describe(self) -> dict[str, Any]:
        """The counts as `GET /_sandbox/requests` shows them."""
        with self._lock:
            downloads = [
                {"app": app, "data_type": data_type, "window": window, "count": count}
                for (app, data_type, window), count in sorted(self._downloads.items())
            ]
            days: Counter[int] = Counter()
            for (_, day), count in self._days.items():
                days[day] += count
            return {
                "total": sum(self._endpoints.values()),
                "by_endpoint": dict(self._endpoints),
                "by_code": dict(self._codes),
                "by_day": {str(day): count for day, count in days.items()},
                "max_parallel_downloads": self._max_parallel,
                "downloads": downloads,
                "storage": list(self._storage),
            }
