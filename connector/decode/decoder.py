"""The decoding of one file: records -> typed batches for their units, rejects -> quarantine."""

from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.cast import cast_column, to_text
from connector.decode.cut import Cut
from connector.decode.day_rows import DayDealer, Tally
from connector.decode.decoded import Decoded
from connector.decode.drift import DriftNames
from connector.decode.literals import cast_literals
from connector.decode.names import check_header, check_names
from connector.decode.parts import Part, first_with_names
from connector.decode.quarantine import Package, Quarantine
from connector.decode.records import Position, Records, Reject
from connector.decode.spill import Spill
from connector.fields import Field, Table, arrow_schema
from connector.units import Unit


@cache
def stamped_schema(table: Table, drifted: tuple[str, ...] = ()) -> pa.Schema:
    """Arrow schema of the raw table with the load id."""
    return arrow_schema(table, drifted).append(pa.field("_dlt_load_id", pa.string()))


class Decoder:
    """The state of one decoding."""

    def __init__(
        self,
        parts: list[Part],
        spill: Path,
        unit: Unit,
        table: Table,
        package: Package,
    ) -> None:
        self._parts, self._part = parts, parts[0]
        self._unit, self._table, self._package = unit, table, package
        self._names: dict[str, None] = {}
        self._drift = DriftNames(table)
        self._cut = Cut(unit, table)
        self._rejects: list[Reject] = []  # cells of the batch at hand
        options = parts[0].options.day_rows
        self._dealer = DayDealer(unit, table, options) if unit.feeds and options else None
        self._tally = Tally(unit)
        self.decoded = Decoded(
            unit,
            first_with_names(parts).format,
            Spill(spill.with_name(f"{spill.name}-data")),
            Spill(spill.with_name(f"{spill.name}-quarantine")),
            self._dealer.tallies if self._dealer else [self._tally],
            {name: Spill(spill.with_name(f"{spill.name}-{name}")) for name in unit.feeds[1:]},
        )
        self._quarantine = Quarantine(unit.id, table.name, package, self.decoded.quarantine)

    def run(self) -> None:
        """Decode everything."""
        self._note_missing(check_header(first_with_names(self._parts), self._unit, self._table))
        for part in self._parts:
            self._read_part(part)
        if self.decoded.format == "json" and self._names:
            check_names(tuple(self._names), self._unit, self._table)
            self._note_missing(tuple(self._names))
        self._cut.check()
        if self._dealer:
            self._dealer.check()
        self._quarantine.finish(self._locate)
        for rows in (self.decoded.data, *self.decoded.others.values()):
            rows.finish()
        if self.decoded.data.files:  # Arrow keeps what it freed, and the load needs it next
            pa.default_memory_pool().release_unused()

    def _note_missing(self, names: tuple[str, ...]) -> None:
        """What was asked for and is not there; nothing where the file has no columns at all."""
        if names:
            self.decoded.missing.update(set(self._unit.field_names) - set(names))

    def _read_part(self, part: Part) -> None:
        self._part = part
        for found in part.read(self.decoded.file_rows + self.decoded.cut_rows):
            if isinstance(found, Reject):
                self._quarantine.add_record(self._count_reject(found))
                continue
            records = self._cut.keep(found)
            self.decoded.cut_rows = self._cut.rows
            if len(records.rows):
                self._keep(self._to_batch(records))

    def _count_reject(self, reject: Reject) -> Reject:
        """A record that cannot be read, counted for its unit."""
        if self._dealer:
            return self._dealer.place_record(reject)
        self._tally.rejected_rows += 1
        return reject

    def _keep(self, batch: pa.RecordBatch) -> None:
        """Keep the rows for their units, and the cells that did not fit; nothing of erased people."""
        rejects, self._rejects = self._rejects, []
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        is_timeless = not (self._table.event_time or self._table.receive_time)
        as_of = self._unit.upper_at if is_timeless else None  # of a snapshot: when it was taken
        is_erased = self._package.erased.find(self._table, columns, as_of)
        if self._dealer:
            dealt, rejects = self._dealer.deal(batch, rejects, is_erased)
        else:
            batch, rejects = self._leave_out(batch, rejects, is_erased)
            dealt = [(self._table.name, batch)]
        for table, rows in dealt:
            if rows.num_rows:
                self.decoded.rows_of(table).add(rows)
        cells = [self._part.name_in(reject) for reject in rejects if reject.kind == "cell"]
        self.decoded.rejected_cells += len(cells)
        self._quarantine.add_cells(cells)
        self._quarantine.add_found([reject for reject in rejects if reject.kind == "row"])

    def _leave_out(
        self, batch: pa.RecordBatch, rejects: list[Reject], is_erased: pa.Array | None
    ) -> tuple[pa.RecordBatch, list[Reject]]:
        """The rows and rejects of people who were not erased, counted."""
        tally = self._tally
        if is_erased is not None:
            gone = set(batch.column("_row").filter(is_erased).to_pylist())
            batch = batch.filter(pc.invert(is_erased))
            rejects = [reject for reject in rejects if reject.row not in gone]
            tally.erased_rows += len(gone)
        tally.rows += batch.num_rows
        self._note_event_time(batch)
        return batch, rejects

    def _to_batch(self, records: Records) -> pa.RecordBatch:
        """The typed batch with every column of the table, drifted ones, and system columns."""
        self._names |= dict.fromkeys(records.names)
        given = dict(zip(records.names, records.columns, strict=True))
        columns: dict[str, pa.Array] = {}
        literals: dict[Field, pa.Array] = {}
        for known in self._table.fields:
            if (column := _take_known(given, known)) is None:
                continue
            if known.type == "array_literal":
                literals[known] = column
            else:
                columns[known.column] = self._cast(column, known, records.rows)
        if literals:
            lists, rejects = cast_literals(literals, records.rows)
            columns |= lists
            self._rejects += rejects
        drifted = self._drift.name_columns(given)
        self.decoded.drift.update(given)
        for column, name in drifted.items():
            columns[column], rejects = to_text(given[name], name, records.rows)
            self._rejects += rejects
        schema = stamped_schema(self._table, tuple(drifted))
        count = len(records.rows)
        columns |= self._system_columns(records.rows, count)
        absent = cache(lambda kind: pa.nulls(count, kind))
        arrays = [
            columns[item.name] if item.name in columns else absent(item.type) for item in schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _cast(self, column: pa.Array, known: Field, rows: pa.Array) -> pa.Array:
        typed, rejects = cast_column(column, known, rows)
        self._rejects += rejects
        return typed

    def _system_columns(self, rows: pa.Array, count: int) -> dict[str, pa.Array]:
        values = {
            "_application_id": self._unit.application_id or None,
            "_unit": self._unit.id,
            "_received_from": self._part.received_from,
            "_dlt_load_id": self._package.load_id,
        }
        columns = {
            name: pa.repeat(pa.scalar(value, pa.string()), count) for name, value in values.items()
        }
        return {"_row": rows, **columns}

    def _note_event_time(self, batch: pa.RecordBatch) -> None:
        """Widen the unit's range of event times, and its days, by this batch."""
        if not self._table.event_time:
            return
        times = batch.column(self._table.field(self._table.event_time).column)
        if times.null_count == len(times):
            return
        bounds = pc.min_max(times).as_py()
        self._tally.widen(bounds["min"], bounds["max"])
        days = self._tally.event_days
        if bounds["min"].date() == bounds["max"].date():
            days.add(bounds["min"].date().isoformat())
            return
        found = pc.unique(times.cast(pa.timestamp("us")).cast(pa.date32())).drop_null()
        days.update(day.isoformat() for day in found.to_pylist())

    def _locate(self, wanted: set[int]) -> dict[int, Position]:
        """Where the records with these ordinals lie, each in its part."""
        found: dict[int, Position] = {}
        for part in self._parts:
            found |= part.locate(wanted)
        return found


def _take_known(given: dict[str, pa.Array], known: Field) -> pa.Array | None:
    """The field's column, out of those given: where it has several spellings, by row the first that
    has a value.
    """
    found = [given.pop(name) for name in (known.name, *known.aliases) if name in given]
    filled = [column for column in found if column.null_count < len(column)]
    if len(filled) < 2:
        return (filled or found or [None])[0]
    return pc.coalesce(*(column.cast(pa.binary()) for column in filled))
