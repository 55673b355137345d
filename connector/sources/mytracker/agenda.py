"""What one event's table asks for: its units, the export of each, and smaller ones."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.errors import ConfigError
from connector.fields import Table
from connector.sources.mytracker.boxes import (
    Box,
    find_missing,
    halve_availability,
    halve_event_time,
    parse_box,
)
from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.export import Export
from connector.sources.mytracker.filters import LISTS, MOST_VALUES, Filters
from connector.sources.mytracker.tracker_settings import TrackerSettings
from connector.sources.mytracker.windows import (
    DAY_S,
    LEAST,
    Rules,
    Span,
    cut,
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
        under_way = [
            box for box in map(parse_unit, asked) if list(find_missing(box, held)) == [box]
        ]
        by_span: dict[Span, list[Box]] = defaultdict(list)
        for box in (*held, *under_way):
            by_span[Span(box.lower_at, box.upper_at)].append(box)
        missing = {span: self._find_rest(span, boxes) for span, boxes in by_span.items()}
        due = [*under_way, *(box for boxes in missing.values() for box in boxes)]
        due += self._find_new(by_span, scope.since or start, now, scope)
        complete = {
            span: [held[box] for box in boxes]
            for span, boxes in by_span.items()
            if not missing[span] and held.keys() >= set(boxes)
        }
        again = [self.to_unit(box, self._last_look(box, now)) for box in _find_marked(held, scope)]
        if scope == Scope():
            again += self._find_old(complete, now)
        return [self.to_unit(box, self._last_look(box, now)) for box in due], again

    def _find_rest(self, span: Span, boxes: Sequence[Box]) -> list[Box]:
        """What is missing of an interval that was asked for in pieces."""
        if any(box.is_whole for box in boxes):
            return []
        return [piece for box in find_missing(_to_box(span), boxes) for piece in self._deal(box)]

    def _find_new(
        self, spans: Collection[Span], begin: datetime, now: datetime, scope: Scope
    ) -> Iterator[Box]:
        """Intervals that nobody asked for yet. A short rest is left to the next run."""
        barrier = find_barrier(now)
        end = min(barrier, scope.until) if scope.until else barrier
        step = min(self.rules.step, timedelta(seconds=self.step_s or DAY_S))
        for gap in find_gaps(spans, begin, end):
            for span in cut(gap, step):
                is_rest = spans and not scope.until and span.upper_at == end
                if not is_rest or span.upper_at - span.lower_at >= LEAST:
                    yield from self._deal(_to_box(span))

    def _find_old(self, complete: Mapping[Span, Sequence[LoadedUnit]], now: datetime) -> list[Unit]:
        """Days that are to be read again, each as one unit that takes over the rows of those that hold
        it now.
        """
        fresh = {
            span: units
            for span, units in complete.items()
            if not any(unit.is_to_reload for unit in units)
        }
        found = []
        for day in find_due_days(fresh, self.rules, now):
            for box in self._deal(_to_box(day.span)):
                unit = self.to_unit(box, day.as_of)
                old = tuple(known.id for known in day.units if known.id != unit.id)
                found.append(replace(unit, replaces=old))
        return found

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
            if not self.filters.get(name):
                raise ConfigError(
                    f"unit {unit.id} is one of several that were split by {name}, and no {name} is"
                    f" set any more for {self.table.endpoint}: set it as it was, or load the interval"
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
        old = [parse_unit(name) for name in unit.replaces]
        pieces = halve_availability(box, [one.lower_at for one in old])
        pieces = pieces or halve_event_time(box, now)
        for name in _SPLIT_BY:
            pieces = pieces or _halve_values(box, name, self.filters.get(name, ()))
        as_of = unit.vendor_updated_at or self._last_look(box, now)
        return [
            replace(self.to_unit(piece, as_of), replaces=_find_under(unit, piece))
            for piece in pieces
        ]


def _find_under(unit: Unit, piece: Box) -> tuple[str, ...]:
    """What a piece of a unit that may be loaded takes over: the unit, and of those that it takes
    over the ones in the piece's interval.
    """
    spans = {name: parse_unit(name) for name in unit.replaces}
    return (
        unit.id,
        *(
            name
            for name, old in spans.items()
            if old.lower_at < piece.upper_at and piece.lower_at < old.upper_at
        ),
    )


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


def _deal_values(box: Box, name: str, values: Iterable[str]) -> list[Box]:
    """The box in as many as it takes for a filter's values to fit; none of them without any."""
    chosen = box.take(name, values)
    for factor in range(1, len(chosen) + 1):
        pieces = box.deal(name, factor) if factor > 1 else [box]
        counts = [len(piece.take(name, chosen)) for piece in pieces]
        if max(counts) <= MOST_VALUES:
            return [piece for piece, size in zip(pieces, counts, strict=True) if size]
    return []


def _halve_values(box: Box, name: str, values: Sequence[str]) -> list[Box]:
    """The box in few pieces with less values of a filter each; none where it has one value."""
    chosen = box.take(name, values)
    for factor in range(2, _MOST_DEALT + 1) if len(chosen) > 1 else ():
        pieces = [piece for piece in box.deal(name, factor) if piece.take(name, chosen)]
        if len(pieces) > 1:
            return pieces
    return []
