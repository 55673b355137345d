"""What was asked of the exports, by key: the numbers that tell a good client from a bad one."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from connector.sandbox.appmetrica_logs.asks import Ask, CacheRule


@dataclass(slots=True)
class ExportCounts:
    """Requests of one key. `asks` counts all, `polls` those that met the query in the queue."""

    app: int
    resource: str
    export_format: str
    query: str
    asks: int = 0
    polls: int = 0
    no_cache: int = 0
    max_age: int = 0
    builds: int = 0
    downloads: int = 0


class Statistics:
    """Counts since the start or the last reset."""

    def __init__(self) -> None:
        self._counts: dict[str, ExportCounts] = {}

    def of(self, ask: Ask) -> ExportCounts:
        """The counts of a request's key."""
        fresh = ExportCounts(ask.app, ask.resource.name, ask.export_format, ask.query)
        return self._counts.setdefault(ask.key, fresh)

    def count_ask(self, ask: Ask, rule: CacheRule) -> None:
        """Count a request."""
        counts = self.of(ask)
        counts.asks += 1
        counts.no_cache += rule.is_no_cache
        counts.max_age += rule.max_age_s is not None

    def reset(self) -> None:
        """Forget everything."""
        self._counts.clear()

    def describe(self, most: Iterable[tuple[int, int]]) -> dict[str, Any]:
        """`{"exports": [counts by key, in the order of asking], "most_queued": {app: number}}`."""
        return {
            "exports": [asdict(counts) for counts in self._counts.values()],
            "most_queued": {str(app): number for app, number in most},
        }
