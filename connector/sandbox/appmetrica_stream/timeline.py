"""Rows of one app by data type and window: cut by processing time, visible a little later."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter

from connector.sandbox.population.conversions import is_conversion
from connector.sandbox.population.records import Record

WINDOW_S = 300
_SHOW_STEP_S = 30
_SHOW_SPREAD_S = 229

DATA_TYPES = (
    "installation",
    "event",
    "session_start",
    "session_end",
    "push_token",
    "crash",
    "error",
    "click",
    "revenue",
    "ecommerce",
    "ad_revenue",
    "deeplink",
    "attributed_event",
)
"""The 13 data types of the stream, in the order of the vendor's list."""

_TYPE_OF_KIND = {
    "install": "installation",
    "verdict": "installation",
    "purchase": "revenue",
    "shopping": "ecommerce",
    "ad_view": "ad_revenue",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to be. It is in the file from `shown_at` (unix seconds) on; `rank` orders rows."""

    shown_at: int
    rank: tuple[int, int, int]
    record: Record
    variant: int


class Timeline:
    """The rows of one app; a window holds what was processed in its 300 s.

    Rows show up between 20 s and 277 s after processing, so the newest two windows grow and all
    older ones are settled (appmetrica.yandex.com/docs/en/mobile-api/datastream, real-time data).
    """

    def __init__(self, offset_s: int) -> None:
        self.offset_s = offset_s % WINDOW_S
        self._slots: dict[str, dict[int, list[Entry]]] = {
            data_type: defaultdict(list) for data_type in DATA_TYPES
        }
        self._sorted: set[tuple[str, int]] = set()

    def slot_of(self, moment: float) -> int:
        """The timestamp of the window a moment (unix seconds) belongs to."""
        return int(moment - self.offset_s) // WINDOW_S * WINDOW_S + self.offset_s

    def take(self, record: Record) -> None:
        """File a record of the population under every data type that shows it."""
        data_type = _TYPE_OF_KIND.get(record.kind, record.kind)
        variants = ((0, 0),) if record.kind != "verdict" else ((1, 0), (2, 0))
        for variant, lag_s in variants:
            self._file(data_type, record, variant, lag_s)
        if is_conversion(record):
            restated = ((0, 0), (1, 5400), (2, 5400)) if record.order % 40 == 0 else ((0, 0),)
            for variant, lag_s in restated:
                self._file("attributed_event", record, variant, lag_s)

    def entries(self, data_type: str, slot: int) -> list[Entry]:
        """All rows a window will ever hold by itself, in the order they show up."""
        entries = self._slots[data_type].get(slot)
        if entries is None:
            return []
        if (data_type, slot) not in self._sorted:
            entries.sort(key=attrgetter("shown_at", "rank"))
            self._sorted.add((data_type, slot))
        return entries

    def count_shown(self, data_type: str, slot: int, now: int) -> int:
        """How many of `entries` are in the file at `now` (unix seconds)."""
        entries = self.entries(data_type, slot)
        if now >= slot + 2 * WINDOW_S:
            return len(entries)
        return bisect_right(entries, now, key=attrgetter("shown_at"))

    def slots(self, data_type: str) -> list[int]:
        """Timestamps of the windows that hold, or will hold, a row; in order."""
        return sorted(self._slots[data_type])

    def shown_between(self, data_type: str, low: int, high: int) -> list[int]:
        """When rows showed up, for those that did from `low` to `high` (unix seconds)."""
        return [
            entry.shown_at
            for entries in self._slots[data_type].values()
            for entry in entries
            if low <= entry.shown_at <= high
        ]

    def _file(self, data_type: str, record: Record, variant: int, lag_s: int) -> None:
        processed_at = record.processed_at + lag_s
        slot = self.slot_of(processed_at)
        spread = (record.device.index * 31 + record.order * 17) % _SHOW_SPREAD_S
        shown_at = -(-(processed_at + 20 + spread) // _SHOW_STEP_S) * _SHOW_STEP_S
        rank = (record.device.index, record.order, variant)
        self._slots[data_type][slot].append(Entry(shown_at, rank, record, variant))
        self._sorted.discard((data_type, slot))
