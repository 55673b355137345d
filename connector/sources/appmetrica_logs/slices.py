"""What is due of one table of one app: gaps in what is loaded, cut into slices, and reloads.

A slice is a half-open range of receive time whose bounds are moments the app's zone writes once:
midnights, or whole hours that no clock change repeats. What is loaded keeps the bounds it has, so
that another `slice_hours`, another zone or a split never make two units overlap.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from connector.spans import Span, find_gaps
from connector.units import LoadedUnit, Scope

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # where a snapshot, which has no range, begins
FIRST_LOOK = timedelta(
    days=7
)  # how far back to begin where no `start` is set and nothing is loaded
BOUND_STEP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Rules:
    """When a slice is loaded, and when again: `settle` after its end, once more at `close` when it
    was asked for sooner, then at each of `later`.
    """

    slice_hours: int = 24
    settle: timedelta = timedelta(minutes=10)
    close: timedelta = timedelta(hours=24)
    later: tuple[timedelta, ...] = ()

    def looks(self, upper_at: datetime) -> list[datetime]:
        """The moments from which on a slice that ends at `upper_at` is to be looked at, in order."""
        first = upper_at + self.settle
        more = {upper_at + self.close, *(upper_at + late for late in self.later)}
        return [first, *sorted(moment for moment in more if moment > first)]

    def last_look(self, upper_at: datetime, now: datetime) -> datetime | None:
        """The newest of those moments that has passed; None before the first."""
        return max((look for look in self.looks(upper_at) if look <= now), default=None)


@dataclass(frozen=True, slots=True)
class DueSlice:
    """A range to ask for; its content must be that of `as_of` or later."""

    span: Span
    as_of: datetime


def find_due(
    loaded: Iterable[LoadedUnit],
    now: datetime,
    zone: tzinfo,
    rules: Rules,
    *,
    start: datetime,
    scope: Scope = Scope(),
) -> tuple[list[DueSlice], list[Span]]:
    """Slices that are due now, and those that have ended and not settled."""
    known = sorted(loaded, key=lambda unit: unit.lower_at)
    begin = to_bound(scope.since or start, zone, -BOUND_STEP)
    until = to_bound(scope.until, zone, BOUND_STEP) if scope.until else now
    end = min(until, now)
    due: list[DueSlice] = []
    for unit in known:
        look = rules.last_look(unit.upper_at, now) or unit.upper_at
        is_stale = unit.vendor_updated_at is None or unit.vendor_updated_at < look
        is_asked_for = scope.is_reload and scope.touches(unit.lower_at, unit.upper_at)
        if is_stale or unit.is_to_reload or is_asked_for:
            due.append(DueSlice(Span(unit.lower_at, unit.upper_at), look))
    settling: list[Span] = []
    is_past = scope.until is not None and until <= now
    for gap in find_gaps(known, begin, end):
        is_closed = is_past or gap.upper_at < end  # a unit that is loaded follows
        for span in cut(gap, zone, rules.slice_hours, is_closed=is_closed):
            if newest := rules.last_look(span.upper_at, now):
                due.append(DueSlice(span, newest))
            else:
                settling.append(span)
    return due, settling


def first_day(known: Iterable[LoadedUnit], now: datetime, zone: tzinfo) -> datetime:
    """Where to begin when nobody says: with what is loaded, so that no gap is ever passed over."""
    if lowers := [unit.lower_at for unit in known]:
        return min(lowers)
    return to_utc(datetime.combine((now - FIRST_LOOK).astimezone(zone), time(), zone))


def cut(gap: Span, zone: tzinfo, slice_hours: int, *, is_closed: bool = False) -> Iterator[Span]:
    """The slices of a gap. The last one, which has not ended, is left out unless `is_closed`."""
    reached = gap.lower_at
    for edge in edges(gap, zone, slice_hours):
        yield Span(reached, edge)
        reached = edge
    if is_closed and reached < gap.upper_at:
        yield Span(reached, gap.upper_at)


def edges(gap: Span, zone: tzinfo, slice_hours: int) -> Iterator[datetime]:
    """Bounds of slices within the gap, its start left out and its end not."""
    day = gap.lower_at.astimezone(zone).date() - DAY
    last = gap.upper_at.astimezone(zone).date() + DAY
    while day <= last:
        for hour in _hours(day, slice_hours):
            local = datetime.combine(day, time(hour), zone)
            if hour and is_repeated(local):
                continue  # the vendor could not tell which of the two hours is meant
            if gap.lower_at < (edge := to_utc(local)) <= gap.upper_at:
                yield edge
        day += DAY


def _hours(day: date, slice_hours: int) -> Iterable[int]:
    """Hours of a local day at which slices begin."""
    if slice_hours < 24:
        return range(0, 24, slice_hours)
    return (0,) if day.toordinal() % (slice_hours // 24) == 0 else ()


def is_repeated(local: datetime) -> bool:
    """True where the zone's clocks show this hour twice, or never."""
    return local.utcoffset() != local.replace(fold=1).utcoffset()


def to_bound(moment: datetime, zone: tzinfo, step: timedelta) -> datetime:
    """The moment, or, by steps, the next one that the zone's clocks do not show twice."""
    while is_repeated(moment.astimezone(zone).replace(fold=0)):
        moment += step
    return moment


def to_utc(local: datetime) -> datetime:
    """The moment, in UTC, of a time in a zone; the first one where clocks show it twice."""
    return local.astimezone(UTC)


def halve(span: Span, zone: tzinfo) -> list[Span]:
    """Two slices that are the span together, or none where it is too short to be cut."""
    hours = int((span.upper_at - span.lower_at) / timedelta(hours=1))
    for hour in sorted(range(1, hours), key=lambda hour: abs(2 * hour - hours)):
        middle = span.lower_at + timedelta(hours=hour)
        if not is_repeated(middle.astimezone(zone).replace(fold=0)):
            return [Span(span.lower_at, middle), Span(middle, span.upper_at)]
    return []


def find_due_snapshot(
    loaded: LoadedUnit | None, now: datetime, zone: tzinfo, rules: Rules, scope: Scope
) -> list[DueSlice]:
    """A whole table as it is now, once per slice of time."""
    settled = now - rules.settle
    recent = Span(settled - DAY * (rules.slice_hours // 24 + 2), settled)
    boundary = max(edges(recent, zone, rules.slice_hours))
    due = DueSlice(Span(EPOCH, boundary), boundary + rules.settle)
    if loaded is None or loaded.is_to_reload or scope.is_reload:
        return [due]
    taken_at = loaded.vendor_updated_at
    return [due] if taken_at is None or taken_at < due.as_of else []
