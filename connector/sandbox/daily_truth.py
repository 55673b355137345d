"""Per-day numbers of the population, counted from its records and from nothing the product made."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.sandbox.population.records import AdView, Purchase, Record, Session, Verdict
from connector.sandbox.zones import ZoneText


@dataclass(slots=True)
class _Day:
    devices: set[int] = field(default_factory=set)
    new_devices: set[int] = field(default_factory=set)
    crashed: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    revenue: dict[str, Decimal] = field(default_factory=dict)
    invalid_revenue: dict[str, Decimal] = field(default_factory=dict)
    ad_revenue: Decimal = Decimal(0)

    def count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


def count_days(records: Iterable[Record], now: int, zone: str) -> dict[str, dict[str, Any]]:
    """`{ISO date: numbers}` of records processed by `now` (unix seconds), by day in `zone`.

    The day is that of the device's own clock, which is what the vendor sends; so broken clocks
    make days in 1970 and 2099. `dau` counts devices with a foreground session started that day;
    `revenue` is the sum of price x quantity per currency of purchases not marked `false`.
    """
    text = ZoneText(zone)
    days: dict[str, _Day] = {}
    for record in records:
        if record.processed_at <= now:
            day = days.setdefault(text.text(record.occurred_at)[:10], _Day())
            _add_record(day, record)
    return {name: _describe(day) for name, day in sorted(days.items())}


def _add_record(day: _Day, record: Record) -> None:
    payload = record.payload
    if isinstance(payload, Verdict):
        return  # the installation it is about is counted already
    day.count(record.kind)
    if record.kind == "session_start" and isinstance(payload, Session) and payload.is_foreground:
        day.count("foreground_sessions")
        day.devices.add(record.device.id)
    if record.kind == "install" and record.session and not record.session.install.is_reinstall:
        day.new_devices.add(record.device.id)
    if record.kind == "crash":
        day.crashed.add(record.device.id)
    if isinstance(payload, AdView):
        day.ad_revenue += Decimal(payload.earned)
    if isinstance(payload, Purchase):
        sums = day.invalid_revenue if payload.verified == "false" else day.revenue
        amount = Decimal(payload.price) * payload.quantity
        sums[payload.currency] = sums.get(payload.currency, Decimal(0)) + amount


def _describe(day: _Day) -> dict[str, Any]:
    return {
        "dau": len(day.devices),
        "new_devices": len(day.new_devices),
        "crashed_devices": len(day.crashed),
        "counts": dict(sorted(day.counts.items())),
        "revenue": {currency: str(total) for currency, total in sorted(day.revenue.items())},
        "invalid_revenue": {c: str(total) for c, total in sorted(day.invalid_revenue.items())},
        "ad_revenue_usd": str(day.ad_revenue),
    }
