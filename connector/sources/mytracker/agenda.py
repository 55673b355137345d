"""What one event's table asks for: its units, the export of each, and smaller ones."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from connector.errors import ConfigError
from connector.fields import Table
from connector.sources.mytracker.boxes import (
    SHORTEST,
    Box,
    find_missing,
    halve_availability,
    halve_event_time,
    parse_box,
    take,
)
from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.export import Export
from connector.sources.mytracker.filters import LISTS, MOST_VALUES, Filters
from connector.sources.mytracker.tracker_settings import TrackerSettings
from connector.sources.mytracker.windows import (
    DAY_S,
    LEAST,
    DueDay,
    Rules,
    Span,
    cut,
    end_of_day,
    find_barrier,
    find_due_days,
    find_gaps,
)
from connector.units import LoadedUnit, Scope, Unit

AXIS = "availability"
INSERTED = "tsInsert"  # the selector that shows when a row became available
FILTERED = "filtered-"  # before the schema id of a unit without all rows
_SPLIT_BY = ("idApp", "SDKKey", "idCountry")  # filters by whose values an export is split
_MOST_DEALT = 64


@dataclass(frozen=True, slots=True)
class Agenda:
    """One table. `step_s` is the longest interval that was not too large lately, in seconds."""

    settings: TrackerSettings
    table: Table
    step_s: int | None = None

    @property
    def filters(self) -> Filters:
        """The event's filters."""
        return self.settings.filters[self.table.name]

    @property
    def rules(self) -> Rules:
        """When its intervals are read."""
        return self.settings.rules[self.table.name]

    def find_units(
        self,
        known: Sequence[LoadedUnit],
        asked: Sequence[str],
        start: datetime,
        now: datetime,
        scope: Scope,
    ) -> tuple[list[Unit], list[Unit]]:
        """Units that are due, and those that are to be read again. `known` is what is loaded, `asked`
        are ids of units that the vendor already prepares.
        """
        held = {parse_unit(unit.id): unit for unit in known}
        under_way = _find_under_way(held, asked)
        by_span: dict[Span, list[Box]] = defaultdict(list)
        for box in (*held, *under_way):
            by_span[Span(box.lower_at, box.upper_at)].append(box)
        unready = [*under_way, *self._find_rest(by_span)]
        new = self._find_new(by_span, scope.since or start, now, scope)
        due = [self.to_unit(box, self._last_look(box, now)) for box in (*unready, *new)]
        days = self._find_days(held, unready, now) if scope == Scope() else []
        taken = {unit.id for day in days for unit in day.units}
        again = [
            self.to_unit(box, self._last_look(box, now))
            for box in _find_marked(held, scope)
            if held[box].id not in taken
        ]
        return due, [*again, *(unit for day in days for unit in self._read_again(day))]

    def _find_rest(self, by_span: Mapping[Span, Sequence[Box]]) -> Iterator[Box]:
        """What is missing of intervals that were asked for in pieces."""
        by_day: dict[datetime, list[Box]] = defaultdict(list)
        for span, boxes in by_span.items():
            by_day[end_of_day(span.upper_at)] += boxes
        for span, boxes in by_span.items():
            if not any(box.is_whole for box in boxes):
                near = by_day[end_of_day(span.upper_at)]
                pieces = list(find_missing(_to_box(span), near))
                near += pieces
                for piece in pieces:
                    yield from self._deal(piece)

    def _find_new(
        self, spans: Collection[Span], begin: datetime, now: datetime, scope: Scope
    ) -> Iterator[Box]:
        """Intervals that nobody asked for yet. A short rest is left to the next run."""
        barrier = find_barrier(now)
        end = min(barrier, scope.until) if scope.until else barrier
        begin, end = begin.replace(microsecond=0), end.replace(microsecond=0)
        for gap in find_gaps(spans, begin, end):
            for span in cut(gap, self._step):
                is_rest = spans and not scope.until and span.upper_at == end
                if not is_rest or span.upper_at - span.lower_at >= LEAST:
                    yield from self._deal(_to_box(span))

    @property
    def _step(self) -> timedelta:
        """The length of an interval; whole seconds, as the vendor counts them."""
        step = min(self.rules.step, timedelta(seconds=self.step_s or DAY_S))
        return max(timedelta(seconds=int(step.total_seconds())), SHORTEST)

    def _find_days(
        self, held: Mapping[Box, LoadedUnit], unready: Iterable[Box], now: datetime
    ) -> list[DueDay]:
        """Days that are to be read again; those that are not even read as a whole have to wait."""
        waiting = {end_of_day(box.upper_at) for box in unready}
        by_span: dict[Span, list[LoadedUnit]] = defaultdict(list)
        for box, unit in held.items():
            if end_of_day(box.upper_at) not in waiting:
                by_span[Span(box.lower_at, box.upper_at)].append(unit)
        return list(find_due_days(by_span, self.rules, now))

    def _read_again(self, day: DueDay) -> Iterator[Unit]:
        """Units of a day, each of which takes over the rows of those that hold some of it now."""
        units = {box: self.to_unit(box, day.as_of) for box in self._deal(_to_box(day.span))}
        own = {unit.id for unit in units.values()}
        old = {known.id: parse_unit(known.id) for known in day.units if known.id not in own}
        for box, unit in units.items():
            yield replace(unit, replaces=_list_under(box, old))

    def _last_look(self, box: Box, now: datetime) -> datetime:
        return self.rules.last_look(box.upper_at, now)

    def _deal(self, box: Box) -> list[Box]:
        """The box, in as many as it takes for no filter to have too many values; those without any
        value of a filter are left out.
        """
        boxes = [box]
        for name in LISTS:
            if values := self.filters.get(name, ()):
                boxes = [piece for one in boxes for piece in _deal_values(one, name, values)]
        return boxes

    def to_unit(self, box: Box, as_of: datetime) -> Unit:
        """The unit of a box whose content must be that of `as_of` or later."""
        selectors = tuple(field.name for field in self.table.fields)
        pairs = [f"{name}={','.join(values)}" for name, values in self.filters.items()]
        digest = hashlib.sha256("\n".join((*selectors, *pairs)).encode()).hexdigest()[:12]
        is_narrow = any(name not in ("idApp", "SDKKey") for name in self.filters)
        return Unit(
            id=f"{self.table.name}/{box.name}",
            source=SOURCE,
            table=self.table.name,
            application_id=self.settings.name_app(self.table.name),
            axis=AXIS,
            lower_at=box.lower_at,
            upper_at=box.upper_at,
            remote_id="",
            schema_id=(FILTERED if is_narrow else "") + digest,
            vendor_updated_at=as_of,
            field_names=selectors,
        )

    def to_export(self, unit: Unit, *, is_trusted: bool) -> Export:
        """How the unit is asked for; with a margin to cut off, unless the vendor's bounds are
        trusted or nothing shows when a row became available.

        Raises ConfigError where it was split by a filter that is no longer set.
        """
        box = parse_unit(unit.id)
        for name, _, _ in box.shares:
            if not box.take(name, self.filters.get(name, ())):
                raise ConfigError(
                    f"unit {unit.id} is one of several that were split by {name}, and no {name} of it"
                    f" is set any more for {self.table.endpoint}: set it as it was, or load the interval"
                    f" anew with `connector backfill {SOURCE} --table {self.table.name}`."
                )
        return Export(
            event=self.table.endpoint,
            selectors=unit.field_names,
            box=box,
            filters=self.filters,
            timezone=self.settings.timezone,
            event_floor=self.settings.event_floor,
            has_inclusive_bounds=self.settings.has_inclusive_bounds,
            has_margin=not is_trusted and self.can_cut,
        )

    @property
    def can_cut(self) -> bool:
        """True where rows show when they became available."""
        return self.settings.cut_by_insert == "auto" and INSERTED in self.table.by_name

    def split(self, unit: Unit, now: datetime) -> list[Unit]:
        """Smaller units that are the unit together: halves of its interval, of event time, of its
        apps, of its countries. None where nothing is left to cut.
        """
        box = parse_unit(unit.id)
        old = {name: parse_unit(name) for name in unit.replaces}
        pieces = halve_availability(box, [one.lower_at for one in old.values()])
        pieces = pieces or halve_event_time(box, now, self.settings.event_floor)
        for name in self._list_splitters():
            pieces = pieces or _halve_values(box, name, self.filters[name])
        as_of = unit.vendor_updated_at or self._last_look(box, now)
        old[unit.id] = box
        return [
            replace(self.to_unit(piece, as_of), replaces=_list_under(piece, old))
            for piece in pieces
        ]

    def _list_splitters(self) -> list[str]:
        """Filters by whose values an export may be split: the vendor gives rows of either an app or
        an SDK key, so that where both are set the pieces would overlap.
        """
        either = {"idApp", "SDKKey"}
        taken = either if either <= self.filters.keys() else set()
        return [name for name in _SPLIT_BY if name in self.filters and name not in taken]


def _find_under_way(held: Iterable[Box], asked: Iterable[str]) -> list[Box]:
    """What the vendor already prepares, of that which is not there yet."""
    boxes = list(held)
    count = len(boxes)
    for box in map(parse_unit, asked):
        if not any(box.overlaps(other) for other in boxes):
            boxes.append(box)
    return boxes[count:]


def _list_under(box: Box, old: Mapping[str, Box]) -> tuple[str, ...]:
    """The ids of those units, other than the box's own, that hold some of it."""
    return tuple(name for name, other in old.items() if other != box and other.overlaps(box))


def parse_unit(unit_id: str) -> Box:
    """The box of a unit."""
    return parse_box(unit_id.partition("/")[2])


def _find_marked(held: Mapping[Box, LoadedUnit], scope: Scope) -> list[Box]:
    """Units that somebody asked for once more."""
    return [
        box
        for box, unit in held.items()
        if unit.is_to_reload or (scope.is_reload and scope.touches(box.lower_at, box.upper_at))
    ]


def _to_box(span: Span) -> Box:
    return Box(span.lower_at, span.upper_at)


def _deal_values(box: Box, name: str, values: tuple[str, ...]) -> list[Box]:
    """The box in as many as it takes for a filter's values to fit; none of them without any."""
    counts = _count_values(box.share(name), values)
    pieces = box.deal(name, len(counts)) if len(counts) > 1 else [box]
    return [piece for piece, count in zip(pieces, counts, strict=True) if count]


@lru_cache(maxsize=64)  # all intervals of a table ask for the same
def _count_values(share: tuple[int, int], values: tuple[str, ...]) -> list[int]:
    """How many values fall into each part of a share, cut into as few as it takes."""
    (k, n), chosen = share, take(share, values)
    for factor in range(1, len(chosen) + 1):
        counts = [len(take((k + part * n, n * factor), chosen)) for part in range(factor)]
        if max(counts) <= MOST_VALUES:
            return counts
    return [0]


def _halve_values(box: Box, name: str, values: Sequence[str]) -> list[Box]:
    """The box in few pieces with less values of a filter each; none where it has one value."""
    chosen = box.take(name, values)
    for factor in range(2, _MOST_DEALT + 1) if len(chosen) > 1 else ():
        pieces = [piece for piece in box.deal(name, factor) if piece.take(name, chosen)]
        if len(pieces) > 1:
            return pieces
    return []
