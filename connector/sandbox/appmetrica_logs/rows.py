"""The rows of one app by resource: the same facts as the stream's, on the clocks of this API."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import attrgetter

from connector.sandbox.appmetrica_logs.asks import Range
from connector.sandbox.appmetrica_logs.postbacks import Attempt, list_attempts
from connector.sandbox.appmetrica_logs.profiles import Profile, gather_profiles
from connector.sandbox.appmetrica_logs.resources import RESOURCE_OF_KIND, RESOURCES
from connector.sandbox.population.records import Record
from connector.sandbox.zones import ZoneText

_SLACK_S = 4 * 3600


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row to be, in unix seconds; a file holds it if it is made at `ready_at` or later.

    `received_at` is what `date_dimension=receive` goes by (of a click, which has no receipt, its
    own time; of a postback when it was sent), `occurred_at` the device's clock.
    """

    received_at: int
    occurred_at: int
    ready_at: int
    rank: tuple[int, int, int]
    record: Record
    attempt: Attempt | None = None
    profile: Profile | None = None


class AppRows:
    """Files the records of one app under the resources that show them."""

    def __init__(self) -> None:
        self._rows: dict[str, list[LogRow]] = {name: [] for name in RESOURCES}
        self._unsorted: set[str] = set()

    def take(self, record: Record) -> None:
        """File a record of the population."""
        name = RESOURCE_OF_KIND.get(record.kind)
        rank = (record.device.index, record.order, 0)
        if name is not None:
            received_at = record.happened_at if record.kind == "click" else record.received_at
            row = LogRow(received_at, record.occurred_at, record.received_at, rank, record)
            self._add(name, row)
        for attempt in list_attempts(record):
            at = attempt.sent_at
            rank = (record.device.index, record.order, attempt.number)
            self._add("postbacks", LogRow(at, at, at, rank, record, attempt))

    def _add(self, name: str, row: LogRow) -> None:
        self._rows[name].append(row)
        self._unsorted.add(name)

    def all(self, name: str, as_of: float) -> list[LogRow]:
        """Every row of a resource a file made at `as_of` (unix seconds) can hold, by receipt."""
        if name == "profiles_v2":
            return [_profile_row(p) for p in gather_profiles(self._records, as_of)]
        rows = [row for row in self._sorted(name) if row.ready_at <= as_of]
        if name != "push_tokens":
            return rows
        newest = {row.record.device.index: row for row in rows}
        return sorted(newest.values(), key=attrgetter("rank"))

    def within(
        self, name: str, wanted: Range, zone: ZoneText, as_of: float, *, is_by_receipt: bool
    ) -> list[LogRow]:
        """The rows of a range, in the order of the clock it is about."""
        rows = self._sorted(name)
        if is_by_receipt:
            low = bisect_left(rows, wanted.low - _SLACK_S, key=attrgetter("received_at"))
            high = bisect_right(rows, wanted.high + _SLACK_S, key=attrgetter("received_at"))
            rows = rows[low:high]
        clock = attrgetter("received_at" if is_by_receipt else "occurred_at")
        found = [
            row for row in rows if row.ready_at <= as_of and wanted.holds(zone.text(clock(row)))
        ]
        return sorted(found, key=lambda row: (clock(row), row.rank))

    def _sorted(self, name: str) -> list[LogRow]:
        rows = self._rows[name]
        if name in self._unsorted:
            rows.sort(key=attrgetter("received_at", "rank"))
            self._unsorted.discard(name)
        return rows

    def _records(self, name: str, as_of: float) -> list[Record]:
        return [row.record for row in self._sorted(name) if row.ready_at <= as_of]


def _profile_row(profile: Profile) -> LogRow:
    last = profile.last
    rank = (last.device.index, 0, 0)
    return LogRow(last.received_at, last.occurred_at, last.received_at, rank, last, None, profile)
