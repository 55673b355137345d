"""What one event's table asks for: its units, the export of each, and smaller ones."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.errors import ConfigError
from connector.fields import Table
from connector.sources.mytracker.boxes import (
    SHORTEST,
    Box,
    find_missing,
    halve_availability,
    halve_event_time,
    parse_box,
)
from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.dealing import deal_values, halve_values
from connector.sources.mytracker.export import Export
from connector.sources.mytracker.filters import LISTS, Filters
from connector.sources.mytracker.tracker_settings import TrackerSettings
from connector.sources.mytracker.windows import (
    DAY_S,
    LEAST,
    DueDay,
    Rules,
    cut,
    end_of_day,
    find_barrier,
    find_due_days,
)
from connector.spans import Span, find_gaps
from connector.units import LoadedUnit, Scope, Unit

AXIS = "availability"
INSERTED = "tsInsert"  # the selector that shows when a row became available
FILTERED = "filtered-"  # before the schema id of a unit without all rows
_SPLIT_BY = ("idApp", "SDKKey", "idCountry")  # filters by whose values an export is split


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
        asked: Iterable[str],
        start: datetime,
        now: datetime,
        scope: Scope,
    ) -> tuple[list[Unit], list[Unit]]:
        """Units that are due, and those that are to be read again. `known` is what is loaded, `asked`
        are ids of units that the vendor already prepares, or whose files are here: they stay as they
        are, and the rest is cut around them.
        """
        held = {parse_unit(unit.id): unit for unit in known}
        wanted = {box for box, unit in held.items() if self._is_old(box, unit, now, scope)}
        under_way, retaken = _tell_apart(held, wanted, asked)
        by_span: dict[Span, list[Box]] = defaultdict(list)
        for box in (*held, *under_way, *retaken):
            by_span[Span(box.lower_at, box.upper_at)].append(box)
        unready = [*under_way, *self._find_rest(by_span)]
        new = self._find_new(by_span, scope.since or start, now, scope)
        due = [self.to_unit(box, self._last_look(box, now)) for box in (*unready, *new)]
        days = self._find_days(held, now) if scope == Scope() else []
        taken = [*retaken, *(_to_box(day.span) for day in days)]
        marked = [
            box
            for box, unit in held.items()
            if _is_marked(unit, scope) and not any(map(box.overlaps, taken))
        ]
        again = [(box, self._last_look(box, now)) for box in (*retaken, *marked)]
        for day in days:
            rest = find_missing(_to_box(day.span), [*unready, *retaken])
            again += [(piece, day.as_of) for box in rest for piece in self._cut_day(box)]
        old = _group_by_day(held)
        return due, [self._read_again(box, as_of, old) for box, as_of in again]

    def _cut_day(self, box: Box) -> Iterator[Box]:
        """A day, or a rest of it: in one piece, unless intervals were too large lately."""
        spans = [Span(box.lower_at, box.upper_at)]
        for span in cut(spans[0], self._step) if self.step_s else spans:
            yield from self._deal(replace(box, lower_at=span.lower_at, upper_at=span.upper_at))

    def _read_again(
        self, box: Box, as_of: datetime, old: Mapping[datetime, Mapping[str, Box]]
    ) -> Unit:
        """A unit that takes over the rows of those that hold some of it now."""
        near = old.get(end_of_day(box.upper_at), {})
        return replace(self.to_unit(box, as_of), replaces=_list_under(box, near))

    def _is_old(self, box: Box, unit: LoadedUnit, now: datetime, scope: Scope) -> bool:
        """True for a loaded unit that is to be read again."""
        look = unit.vendor_updated_at
        return _is_marked(unit, scope) or look is None or look < self._last_look(box, now)

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

    def _find_days(self, held: Mapping[Box, LoadedUnit], now: datetime) -> list[DueDay]:
        """Days that are to be read again."""
        by_span: dict[Span, list[LoadedUnit]] = defaultdict(list)
        for box, unit in held.items():
            by_span[Span(box.lower_at, box.upper_at)].append(unit)
        return list(find_due_days(by_span, self.rules, now))

    def _last_look(self, box: Box, now: datetime) -> datetime:
        return self.rules.last_look(box.upper_at, now)

    def _deal(self, box: Box) -> list[Box]:
        """The box, in as many as it takes for no filter to have too many values; those without any
        value of a filter are left out.
        """
        boxes = [box]
        for name in LISTS:
            if values := self.filters.get(name, ()):
                boxes = [piece for one in boxes for piece in deal_values(one, name, values)]
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
            pieces = pieces or halve_values(box, name, self.filters[name])
        old[unit.id] = box
        return [
            replace(
                self.to_unit(piece, self._last_look(piece, now)), replaces=_list_under(piece, old)
            )
            for piece in pieces
        ]

    def _list_splitters(self) -> list[str]:
        """Filters by whose values an export may be split: the vendor gives rows of either an app or
        an SDK key, so that where both are set the pieces would overlap.
        """
        either = {"idApp", "SDKKey"}
        taken = either if either <= self.filters.keys() else set()
        return [name for name in _SPLIT_BY if name in self.filters and name not in taken]


def _tell_apart(
    held: Collection[Box], wanted: Collection[Box], asked: Iterable[str]
) -> tuple[list[Box], list[Box]]:
    """What was asked for already: of that which is not there yet, and, of what is there and wanted
    once more.
    """
    new, again = list[Box](), list[Box]()
    for box in map(parse_unit, asked):
        if any(map(box.overlaps, (*new, *again))):
            continue
        under = [other for other in held if box.overlaps(other)]
        if not under:
            new.append(box)
        elif any(other in wanted for other in under):
            again.append(box)
    return new, again


def _group_by_day(held: Mapping[Box, LoadedUnit]) -> Mapping[datetime, Mapping[str, Box]]:
    """The boxes of loaded units by their ids, by the end of their day: none crosses it."""
    by_day: dict[datetime, dict[str, Box]] = defaultdict(dict)
    for box, unit in held.items():
        by_day[end_of_day(box.upper_at)][unit.id] = box
    return by_day


def _list_under(box: Box, old: Mapping[str, Box]) -> tuple[str, ...]:
    """The ids of those units, other than the box's own, that hold some of it."""
    return tuple(name for name, other in old.items() if other != box and other.overlaps(box))


def parse_unit(unit_id: str) -> Box:
    """The box of a unit."""
    return parse_box(unit_id.partition("/")[2])


def _is_marked(unit: LoadedUnit, scope: Scope) -> bool:
    """True for a unit that somebody asked for once more."""
    is_asked_for = scope.is_reload and scope.touches(unit.lower_at, unit.upper_at)
    return unit.is_to_reload or is_asked_for


def _to_box(span: Span) -> Box:
    return Box(span.lower_at, span.upper_at)
