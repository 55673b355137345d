"""What the next sync would do, what it costs of each quota, and what would be lost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from connector.api import ApiContext, SourceApi
from connector.clock import Clock, RealClock
from connector.errors import ApiError, LossError, QuotaError, worst_exit_code
from connector.inbox import Inbox
from connector.journal import Journal
from connector.units import Plan, Unit, units_at_risk
from connector.warehouse.home import hold_home, open_inbox
from connector.warehouse.settings import Settings, open_api
from connector.warehouse.store import explain_load_errors, open_pipeline, read_ledger


@dataclass(slots=True)
class SourcePlan:
    """What the next sync of a source would do.

    `gone` units were listed once, never loaded, and are no longer to be had; `at_risk` ones expire
    before the daily quota reaches them.
    """

    source: str
    due: list[Unit]
    growing: list[Unit]
    gone: list[Unit] = field(default_factory=list)
    at_risk: list[Unit] = field(default_factory=list)
    refusals: Mapping[str, ApiError] = field(default_factory=dict)
    requests: int = 0
    requests_daily: int | None = None
    quota_used: int = 0
    quota_per_day: int | None = None
    quota_per_hour: int | None = None

    @property
    def exit_code(self) -> int:
        """7 when data is lost for certain, else what the vendor's refusals mean."""
        if self.gone or self.at_risk:
            return LossError.exit_code
        return worst_exit_code([error.exit_code for error in self.refusals.values()])

    def to_json(self) -> dict[str, Any]:
        """Counts, and the units of each kind by id."""
        return {
            "source": self.source,
            "units_due": len(self.due),
            "rows_due": _total(unit.declared_rows for unit in self.due),
            "bytes_due": _total(unit.declared_bytes for unit in self.due),
            "units_growing": len(self.growing),
            "requests": self.requests,
            "requests_daily": self.requests_daily,
            "quota_used": self.quota_used,
            "quota_per_day": self.quota_per_day,
            "quota_per_hour": self.quota_per_hour,
            "next_expiry_at": _first_expiry(self.due),
            "gone": [unit.id for unit in self.gone],
            "at_risk": [unit.id for unit in self.at_risk],
            "refusals": {app: str(error) for app, error in self.refusals.items()},
            "tables": [
                _summarise(table, self.due) for table in sorted({u.table for u in self.due})
            ],
        }


def _first_expiry(units: Iterable[Unit]) -> str | None:
    expiries = [unit.expires_at for unit in units if unit.expires_at]
    return min(expiries).isoformat() if expiries else None


def _total(declared: Iterable[int | None]) -> int | None:
    """The sum of what is declared; None where the vendor declares nothing beforehand."""
    known = [number for number in declared if number is not None]
    return sum(known) if known else None


def _summarise(table: str, due: Sequence[Unit]) -> dict[str, Any]:
    units = [unit for unit in due if unit.table == table]
    return {
        "table": table,
        "units": len(units),
        "applications": len({unit.application_id for unit in units}),
        "rows": _total(unit.declared_rows for unit in units),
        "bytes": _total(unit.declared_bytes for unit in units),
        "columns": list(dict.fromkeys(name for unit in units for name in unit.field_names)),
        "oldest_at": min(unit.lower_at for unit in units).isoformat(),
        "next_expiry_at": _first_expiry(units),
    }


def plan(
    settings: Settings, names: Sequence[str], *, clock: Clock | None = None
) -> list[SourcePlan]:
    """What the next sync would fetch: asks the vendors for what they have, and loads nothing."""
    clock = clock or RealClock()
    with hold_home(settings) as journal:
        return [_plan_source(settings, name, journal, clock) for name in names]


def _plan_source(settings: Settings, name: str, journal: Journal, clock: Clock) -> SourcePlan:
    with (
        closing(open_inbox(settings)) as inbox,
        closing(open_counted_api(name, journal, clock, inbox)) as api,
    ):
        with explain_load_errors(settings):
            loaded = read_ledger(open_pipeline(settings, name))
        made = api.plan(loaded, clock.now())
        used = sum(journal.requests_used(name, clock.now()).values())
        return SourcePlan(
            source=name,
            due=made.due,
            growing=made.growing,
            gone=find_gone(journal, api, made),
            at_risk=units_at_risk(made, used, clock.now()),
            refusals=made.refusals,
            requests=made.requests,
            requests_daily=made.requests_daily,
            quota_used=used,
            quota_per_day=made.quota_per_day,
            quota_per_hour=made.quota_per_hour,
        )


def find_gone(journal: Journal, api: SourceApi, made: Plan) -> list[Unit]:
    """Units that were listed once, were never loaded, and are listed no more."""
    if made.listed is None:
        return []
    return [
        unit
        for unit in journal.seen(api.source)
        if unit.id not in made.listed
        and unit.table in api.tables
        and unit.application_id in api.application_ids
        and unit.application_id not in made.refusals
    ]


def open_counted_api(
    name: str, journal: Journal, clock: Clock, inbox: Inbox | None = None
) -> SourceApi:
    """The API of a configured source, outside of a run; its requests count against the quota."""
    count = quota_counter(journal, name, clock)
    return open_api(name, ApiContext(journal, clock, count, inbox=inbox or Inbox()))[0]


def quota_counter(journal: Journal, source: str, clock: Clock) -> Callable[[str, int], None]:
    """Counts each request against its UTC day, across runs; raises QuotaError at the limit."""

    def count(kind: str, limit: int) -> None:
        now = clock.now()
        if sum(journal.requests_used(source, now).values()) >= limit:
            raise QuotaError(
                f"{source}: the {limit} requests of this day are used up; the vendor counts anew"
                " at 00:00 GMT. Finished units are kept and the rest is loaded by a later run.",
                source=source,
            )
        journal.count_request(source, kind, now)

    return count
