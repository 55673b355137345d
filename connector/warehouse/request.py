"""What a run is asked to do, and what its sources share."""

from dataclasses import dataclass
from datetime import datetime

from connector.clock import Clock
from connector.fetch import Fetcher
from connector.inbox import Inbox
from connector.journal import Journal
from connector.spool import Spool
from connector.units import Scope, Unit
from connector.warehouse.run_report import Progress
from connector.warehouse.settings import Settings


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync. `since` and `until` are half-open bounds on the units' own axis (aware UTC);
    `max_units` and `max_bytes` cap the run; `is_backfill` loads again what the range holds and
    leaves the live cursor alone. `max_wait_s` is how long to wait for a vendor's queue.
    """

    tables: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    max_units: int | None = None
    max_bytes: int | None = None
    max_wait_s: float = 3600.0
    is_backfill: bool = False

    @property
    def scope(self) -> Scope:
        """The range asked for."""
        return Scope(self.since, self.until, is_reload=self.is_backfill)

    def covers(self, unit: Unit) -> bool:
        """True when the unit's table and some of its range are asked for."""
        is_wanted = not self.tables or not {unit.table, *unit.feeds}.isdisjoint(self.tables)
        return is_wanted and self.scope.touches(unit.lower_at, unit.upper_at)


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the sources of one run share."""

    settings: Settings
    request: SyncRequest
    journal: Journal
    inbox: Inbox
    fetcher: Fetcher
    spool: Spool
    clock: Clock
    progress: Progress
