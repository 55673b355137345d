"""Which ranges of availability are due: what no export covers yet, and days to be read again.

Rows become available up to hours after they happened, and the vendor answers for what has been
available for three hours. A day that is over is read again as a whole, now and then: rows whose
device clock runs ahead cannot be asked for before their time has come, and some rows change.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from connector.spans import Span
from connector.units import LoadedUnit

DAY = timedelta(days=1)
DAY_S = 86_400
DELAY = timedelta(hours=3, minutes=10)  # the vendor's three hours, and a margin for two clocks
LEAST = timedelta(minutes=15)  # a shorter rest of an interval is left to the next run
FIRST_LOOK = timedelta(days=7)  # how far back to begin where no `start` is set


@dataclass(frozen=True, slots=True)
class Rules:
    """`step` is the length of an interval; a day is read again at each of `later` after its end."""

    step: timedelta
    later: tuple[timedelta, ...] = ()

    def last_look(self, upper_at: datetime, now: datetime) -> datetime:
        """The newest moment that has passed at which what ends at `upper_at` is to be read: some
        hours after its end, then after the end of its day.
        """
        first = upper_at + DELAY
        later = [end_of_day(upper_at) + DELAY + look for look in self.later]
        return max([first, *(look for look in later if look <= now)])


def end_of_day(upper_at: datetime) -> datetime:
    """The midnight (UTC) that a range which ends at `upper_at` lies before."""
    midnight = datetime.combine(upper_at.astimezone(UTC).date(), time(), UTC)
    return midnight if midnight == upper_at else midnight + DAY


def find_barrier(now: datetime) -> datetime:
    """Up to here availability may be asked for; a whole second."""
    return (now - DELAY).replace(microsecond=0)


def cut(gap: Span, step: timedelta) -> Iterator[Span]:
    """The intervals of a gap, none of them over midnight (UTC)."""
    reached = gap.lower_at
    while reached < gap.upper_at:
        midnight = end_of_day(reached + timedelta(microseconds=1))
        upper = min(reached + step, midnight, gap.upper_at)
        yield Span(reached, upper)
        reached = upper


Units = Sequence[LoadedUnit]


@dataclass(frozen=True, slots=True)
class DueDay:
    """A day to be read again, as far as it is loaded: its content must be that of `as_of` or later.
    `units` are those that hold it now.
    """

    span: Span
    as_of: datetime
    units: tuple[LoadedUnit, ...]


def find_due_days(held: Mapping[Span, Units], rules: Rules, now: datetime) -> Iterator[DueDay]:
    """Days, as far as they are loaded by units that are older than the newest look at them; `held` are
    the units that hold all of a range.
    """
    by_day: dict[datetime, list[Span]] = defaultdict(list)
    for span in sorted(held, key=lambda span: span.lower_at):
        by_day[end_of_day(span.upper_at)].append(span)
    for end, spans in by_day.items():
        looks = [end + DELAY + look for look in rules.later]
        if not (passed := [look for look in looks if look <= now]):
            continue
        old: dict[Span, list[LoadedUnit]] = {}
        for heap in _join(spans, touching=False):
            units = [unit for span in heap for unit in held[span]]
            if any(_is_older(unit, max(passed)) for unit in units):
                old[_span_all(heap)] = units
        for run in _join(list(old), touching=True):
            found = tuple(unit for span in run for unit in old[span])
            yield DueDay(_span_all(run), max(passed), found)


def _is_older(unit: LoadedUnit, moment: datetime) -> bool:
    return unit.vendor_updated_at is None or unit.vendor_updated_at < moment


def _span_all(spans: Sequence[Span]) -> Span:
    return Span(spans[0].lower_at, max(span.upper_at for span in spans))


def _join(spans: Sequence[Span], *, touching: bool) -> Iterator[list[Span]]:
    """Those that overlap, or also those that lie end to end (`touching`), together."""
    run: list[Span] = []
    for span in spans:
        end = max((known.upper_at for known in run), default=span.lower_at)
        if run and (span.lower_at > end or (span.lower_at == end and not touching)):
            yield run
            run = []
        run.append(span)
    if run:
        yield run
