"""The rows of one app by event: the facts AppMetrica shows too, on the clocks of this vendor.

Clocks: tsEvent is the device's, tsInsert the moment a row became available, which comes much later
and in batches, so that many rows share it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

from connector.sandbox.mytracker.attribution import ghost_of, is_seen
from connector.sandbox.mytracker.dictionary import PAYMENTS, events
from connector.sandbox.population.people import Device, Install
from connector.sandbox.population.records import Action, Kind, Link, Purchase, Record
from connector.sandbox.scenario import MyTracker

_S2S_S = 4 * 3600
_LAST_S = 1 << 40


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One row to be, in unix seconds. An export made at `shown_at` or later holds it.

    `available_at` is tsInsert, `occurred_at` tsEvent. `verified` says from when on which
    `isVerified` is shown instead of its own.
    """

    available_at: int
    shown_at: int
    occurred_at: int
    rank: tuple[int, int, int]
    device: Device
    record: Record
    verified: tuple[tuple[int, str], ...] = ()

    @property
    def dice(self) -> int:
        """A number that is the row's own in every run."""
        return self.rank[0] * 31 + self.rank[1] * 17 + self.rank[2]


class AppRows:
    """Files the records of one app under the events that show them."""

    def __init__(self, settings: MyTracker) -> None:
        self._settings = settings
        self._rows: dict[str, list[TrackRow]] = {name: [] for name in events()}
        self._unsorted: set[str] = set()
        self._versions: dict[int, str] = {}

    def take(self, record: Record) -> None:
        """File a record of the population."""
        device = record.device
        for event in self._events_of(record):
            if event in {"installs", "newDevices"} and not is_seen(device):
                continue
            self._add(event, device, record, 0)
            ghost = ghost_of(device) if event in {"installs", "newDevices"} else None
            if ghost is not None:
                self._add(event, ghost, record, 1)

    def add(self, event: str, row: TrackRow) -> None:
        """File one more row."""
        self._rows[event].append(row)
        self._unsorted.add(event)

    def all(self, event: str) -> list[TrackRow]:
        """Every row of an event, by availability, shown yet or not."""
        rows = self._rows[event]
        if event in self._unsorted:
            rows.sort(key=attrgetter("available_at", "rank"))
            self._unsorted.discard(event)
        return rows

    def between(self, event: str, low: int, high: int) -> list[TrackRow]:
        """The rows available from `low` to `high` (unix seconds, both included)."""
        rows = self.all(event)
        start = bisect_left(rows, low, key=attrgetter("available_at"))
        return rows[start : bisect_right(rows, high, key=attrgetter("available_at"))]

    def change_payment(
        self, transaction: str, state: tuple[tuple[int, str], ...], now: int, *, is_again: bool
    ) -> int:
        """Let a payment be verified otherwise from `now` on (unix seconds); how many rows it has.

        `is_again`: its rows stay and come once more, available now.
        """
        found = 0
        for event in sorted(PAYMENTS):
            for place, row in enumerate(list(self.all(event))):
                if getattr(row.record.payload, "order_id", "") != transaction:
                    continue
                found += 1
                changed = replace(row, verified=row.verified + state)
                if is_again:
                    rank = (*row.rank[:2], row.rank[2] + 100)
                    self.add(event, replace(changed, available_at=now, shown_at=now, rank=rank))
                else:
                    self._rows[event][place] = changed
        return found

    def available_at(self, processed_at: int, *, is_sent_by_server: bool = False) -> int:
        """When a row processed at a moment becomes available (unix seconds)."""
        known = self._settings
        step = max(1, known.insert_step_s)
        slot = -(-processed_at // step)
        spread = max(1, known.delay_max_s - known.delay_min_s - step + 1)
        delay_s = known.delay_min_s + (slot * 2_654_435_761 % (1 << 32) >> 9) % spread
        late_s = slot * 977 % _S2S_S if is_sent_by_server else 0
        return slot * step + delay_s + late_s

    def _add(self, event: str, device: Device, record: Record, variant: int) -> None:
        payload = record.payload
        by_server = isinstance(payload, Action) and payload.origin == "import_api"
        at = self.available_at(record.processed_at, is_sent_by_server=by_server)
        rank = (device.index, record.order, variant)
        self.add(event, TrackRow(at, at, record.occurred_at, rank, device, record))

    def _events_of(self, record: Record) -> Iterator[str]:
        for event in (*_EVENTS.get(record.kind, ()), *self._more_events(record)):
            yield event
            if record.device.profile_id and (twin := _USER_EVENTS.get(event)):
                yield twin

    def _more_events(self, record: Record) -> Iterator[str]:
        payload, session = record.payload, record.session
        if isinstance(payload, Install):
            yield "reinstalls" if payload.is_reinstall else "installs"
            if not payload.is_reinstall:
                yield "newDevices"
            if record.device.profile_id:
                first = not payload.is_reinstall
                yield "deviceRegistrations" if first else "deviceAuthorisations"
        elif isinstance(payload, Link) and payload.source is not None:
            yield "reengagements"
        elif isinstance(payload, Purchase):
            if record.order % 25 == 0:
                yield "testPayments"
            if payload.subtype == "subscription_started":
                yield "trialPayments"
        if record.kind == "session_start" and session is not None:
            known = self._versions.get(record.device.index)
            self._versions[record.device.index] = session.app_version
            if known not in {None, session.app_version}:
                yield "appUpdates"


_EVENTS: dict[Kind, tuple[str, ...]] = {
    "session_start": ("sessions", "activities"),
    "event": ("customEvents",),
    "purchase": ("payments",),
    "ad_view": ("adMonetization",),
    "deeplink": ("deeplinks",),
}
_USER_EVENTS = {
    "activities": "userActivities",
    "adMonetization": "userAdMonetization",
    "newDevices": "newUsers",
    "deviceAuthorisations": "userAuthorisations",
    "deviceRegistrations": "userRegistrations",
    "customEvents": "userCustomEvents",
    "deeplinks": "userDeeplinks",
    "payments": "userPayments",
    "reengagements": "userReengagements",
    "sessions": "userSessions",
    "trialPayments": "userTrialPayments",
}
"""What is also shown per user, of devices with a profile."""
