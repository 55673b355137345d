"""Rows of one file dealt out to units of a table and a day each.

The file is what the vendor hands out in one piece; what is replaced later is a day. Every row goes to
the day of its own time, so that two files whose days overlap never hold a row twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from connector.day_units import list_day_units, list_days
from connector.decode.records import Reject
from connector.errors import DownloadError
from connector.fields import Table
from connector.units import Unit

MOST_OUTSIDE = 10_000  # rows of other days than were asked for that are put into quarantine
_DAY_US = 86_400_000_000
_DATE = re.compile(rb"(\d{4}-\d\d-\d\d)[T ]\d\d:")
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class DayRows:
    """How rows find their unit. `tables` is the table of an event's rows where that is not the first
    one of the file; `trusts_window`: rows are of the one day that was asked for, whatever their time;
    a day that comes with less than `least_share` of the rows it had is not loaded.
    """

    tables: Mapping[str, str]
    trusts_window: bool = False
    least_share: float = 0.0


@dataclass(slots=True)
class Tally:
    """What was counted of one unit: loadable rows, unreadable records, rows of erased people; the
    range of its event times, and their UTC days.
    """

    unit: Unit
    rows: int = 0
    rejected_rows: int = 0
    erased_rows: int = 0
    min_event_at: datetime | None = None
    max_event_at: datetime | None = None
    event_days: set[str] = field(default_factory=set)

    @property
    def file_rows(self) -> int:
        """Records of the unit in the file, readable or not."""
        return self.rows + self.rejected_rows + self.erased_rows

    def widen(self, least: datetime, most: datetime) -> None:
        """Widen the range of event times."""
        self.min_event_at = min(self.min_event_at or least, least)
        self.max_event_at = max(self.max_event_at or most, most)


class DayDealer:
    """Deals out the rows of one file, batch by batch, in the file's order."""

    def __init__(self, unit: Unit, table: Table, options: DayRows) -> None:
        self._unit, self._options = unit, options
        self._event, self._time = _find_columns(table)
        units = list_day_units(unit)
        self.tallies = [Tally(one) for one in units]
        self._ids = pa.array([one.id for one in units], pa.string())
        self._days = list_days(unit)
        self._zone = ZoneInfo(unit.zone)
        self._last = 0  # the day of the row before, among the unit's
        self._outside = 0
        others = [name for name in unit.feeds[1:] if name in options.tables.values()]
        self._others = [
            (number + 1, pa.array([key for key, at in options.tables.items() if at == name]))
            for number, name in enumerate(others)
        ]

    def deal(
        self, batch: pa.RecordBatch, rejects: Iterable[Reject], is_erased: pa.Array | None
    ) -> tuple[list[tuple[str, pa.RecordBatch]], list[Reject]]:
        """The batch by tables, each row with its unit and its ordinal there, and its rejects with
        theirs; rows of other days than the unit's are rejects, too.
        """
        codes, is_inside = self._find_units(batch)
        is_kept = is_inside
        if is_erased is not None:  # nothing of erased people goes into quarantine either
            is_inside = pc.or_(is_inside, is_erased)
            is_kept = pc.and_not(is_inside, is_erased)
        rows = batch.column("_row")
        if not _is_true(is_kept):
            for code, count in _count_values(codes.filter(pc.invert(is_inside))):
                self.tallies[code].rejected_rows += count
            for code, count in _count_values(codes.filter(pc.and_not(is_inside, is_kept))):
                self.tallies[code].erased_rows += count
            outside = self._reject_outside(rows, codes, is_inside)
            batch, codes = batch.filter(is_kept), codes.filter(is_kept)
        else:
            outside = []
        ordinals = self._count(batch, codes)
        placed = self._place_cells(rejects, batch.column("_row"), codes, ordinals)
        batch = _put(batch, "_unit", self._ids.take(codes))
        batch = _put(batch, "_row", ordinals)
        return list(self._split(batch, codes)), [*placed, *outside]

    def _find_units(self, batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        """The unit of each row, as its place among the tallies, and whether the row's day is one of
        the file's; rows without a time are of the day of the row before. Where the window is trusted
        rows of other days are of the nearest one.
        """
        count, most = batch.num_rows, len(self._days) - 1
        tables = self._find_tables(batch)
        times = batch.column(self._time)
        if self._zone.key == "UTC":
            local = times.cast(pa.timestamp("us"))
        else:
            local = pc.local_timestamp(times.cast(pa.timestamp("us", tz=self._zone.key)))
        first = (self._days[0] - date(1970, 1, 1)).days
        days = pc.subtract(local.cast(pa.date32()).cast(pa.int32()), first)
        is_inside = pc.and_(pc.greater_equal(days, 0), pc.less_equal(days, most))
        is_inside = pc.fill_null(is_inside, fill_value=True)
        if not _is_true(is_inside):
            days = pc.max_element_wise(days, 0, skip_nulls=False)
            days = pc.min_element_wise(days, most, skip_nulls=False)
        if days.null_count:
            days = pc.fill_null(pc.fill_null_forward(days), self._last)
        self._last = days[-1].as_py() if count else self._last
        if self._options.trusts_window:
            is_inside = pa.repeat(pa.scalar(value=True), count)
        return pc.add(pc.multiply(tables, most + 1), days), is_inside

    def _find_tables(self, batch: pa.RecordBatch) -> pa.Array:
        """The table of each row, as a place among those the file feeds."""
        tables = pa.repeat(pa.scalar(0, pa.int32()), batch.num_rows)
        for place, names in self._others:
            is_own = pc.is_in(batch.column(self._event), value_set=names)
            tables = pc.if_else(is_own, pa.scalar(place, pa.int32()), tables)
        return tables

    def _count(self, batch: pa.RecordBatch, codes: pa.Array) -> pa.Array:
        """Count the rows of each unit; their ordinals there."""
        found = _count_values(codes)
        times = batch.column(self._time)
        places, ordinals = [], []
        for code, count in found:
            own = pc.indices_nonzero(pc.equal(codes, code)) if len(found) > 1 else None
            start = self.tallies[code].rows
            self.tallies[code].rows += count
            self._widen(self.tallies[code], times if own is None else times.take(own))
            ordinals.append(pa.array(range(start, start + count), pa.int64()))
            places.append(own)
        if len(found) < 2:
            return ordinals[0] if ordinals else pa.array([], pa.int64())
        order = pc.array_sort_indices(pa.concat_arrays(places))
        return pa.concat_arrays(ordinals).take(order)

    def _widen(self, tally: Tally, times: pa.Array) -> None:
        bounds = pc.min_max(times).as_py()
        if bounds["min"] is None:
            return
        tally.widen(bounds["min"], bounds["max"])
        for moment in bounds.values():  # a local day has two UTC days at most
            tally.event_days.add(moment.astimezone(UTC).date().isoformat())
        if self._options.trusts_window:  # or any
            found = pc.unique(times.cast(pa.timestamp("us")).cast(pa.date32())).drop_null()
            tally.event_days.update(day.isoformat() for day in found.to_pylist())

    def _reject_outside(self, rows: pa.Array, codes: pa.Array, is_inside: pa.Array) -> list[Reject]:
        """Rows of other days; they are kept with the nearest day of the file's."""
        is_outside = pc.invert(is_inside)
        places = codes.filter(is_outside).to_pylist()
        room = max(0, MOST_OUTSIDE - self._outside)
        self._outside += len(places)
        reason = f"its day is none of those asked for, {self._days[0]} to {self._days[-1]}"
        units = [self.tallies[place].unit for place in places]
        return [
            Reject("row", reason, row).move(unit.id, unit.table, None)
            for row, unit in zip(rows.filter(is_outside).to_pylist(), units, strict=True)
        ][:room]

    def _place_cells(
        self, rejects: Iterable[Reject], rows: pa.Array, codes: pa.Array, ordinals: pa.Array
    ) -> Iterator[Reject]:
        """The cells with the unit, table and ordinal of their rows, of those rows that are kept."""
        for reject in rejects:
            at = pc.index(rows, pa.scalar(reject.row, pa.int64())).as_py()
            if at >= 0:
                unit = self.tallies[codes[at].as_py()].unit
                yield reject.move(unit.id, unit.table, ordinals[at].as_py())

    def _split(
        self, batch: pa.RecordBatch, codes: pa.Array
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        tables = pc.divide(codes, len(self._days))
        places = [place for place, _ in _count_values(tables)]
        for place in places:
            own = batch if len(places) == 1 else batch.filter(pc.equal(tables, place))
            yield self._unit.feeds[place], own

    def place_record(self, reject: Reject) -> Reject:
        """A record that cannot be read, with its unit: it is of the day that its bytes name, else of
        that of the row before, and of the first table.
        """
        raw = reject.position.raw if reject.position else b""
        found = _DATE.search(raw)
        day = _NOBODY if found is None else self._place_of(found[1].decode())
        tally = self.tallies[self._last if day == _NOBODY else day]
        tally.rejected_rows += 1
        return reject.move(tally.unit.id, tally.unit.table, None)

    def _place_of(self, text: str) -> int:
        try:
            return self._days.index(date.fromisoformat(text))
        except ValueError:
            return _NOBODY

    def check(self) -> None:
        """Raise DownloadError where too many rows are of days nobody asked for."""
        if self._outside > MOST_OUTSIDE:
            rows = sum(tally.file_rows for tally in self.tallies)
            raise DownloadError(
                f"unit {self._unit.id}: {self._outside} of {rows} rows are of other days than"
                f" {self._days[0]} to {self._days[-1]}, so its days cannot be told apart. Does the vendor"
                f" count days in another zone than {self._zone.key}, or by the time it got a row? See the"
                f" settings zone and window_clock of sources.{self._unit.source}."
            )


def _find_columns(table: Table) -> tuple[str, str]:
    """The raw columns of the event's name and time."""
    return table.fields[0].column, table.field(table.event_time).column


def _is_true(mask: pa.Array) -> bool:
    return bool(pc.all(mask, min_count=0).as_py())


def _count_values(values: pa.Array) -> list[tuple[int, int]]:
    """Each value there is, and how often, in the values' order."""
    counts = pc.value_counts(values)
    return sorted((item["values"].as_py(), item["counts"].as_py()) for item in counts)


def _put(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    place = batch.schema.get_field_index(name)
    columns = [column if at == place else old for at, old in enumerate(batch.columns)]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
