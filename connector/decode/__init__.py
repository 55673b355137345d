"""The verified file or files of a unit, and its field table -> typed Arrow batches, rejects, and
what was counted.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.cast import cast_column, to_text
from connector.decode.cut import Cut
from connector.decode.drift import DriftNames
from connector.decode.literals import cast_literals
from connector.decode.names import check_header, check_names
from connector.decode.parts import (
    FileFormat,
    Options,
    Part,
    first_with_names,
    open_parts,
)
from connector.decode.quarantine import QUARANTINE_SCHEMA, Package, Quarantine
from connector.decode.records import Position, Records, Reject
from connector.decode.spill import Spill
from connector.errors import ConnectorError, DownloadError
from connector.fields import Field, Table, arrow_schema
from connector.units import Unit
from connector.unpack import UnpackError

__all__ = [
    "QUARANTINE_SCHEMA",
    "Decoded",
    "Options",
    "Package",
    "decode_file",
    "read_names",
    "remove_spills",
    "stamped_schema",
]


@dataclass(slots=True)
class Decoded:
    """One unit, typed. `rows` are loadable records, `rejected_rows` unreadable ones, `cut_rows`
    those left to the units beside it, `rejected_cells` cells that became NULL or text. Close it when
    its batches were taken.
    """

    unit: Unit
    format: FileFormat
    data: Spill
    quarantine: Spill
    rejected_rows: int = 0
    cut_rows: int = 0
    rejected_cells: int = 0
    min_event_at: datetime | None = None
    max_event_at: datetime | None = None
    event_days: set[str] = field(default_factory=set)
    drift: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """Records that can be loaded."""
        return self.data.rows

    @property
    def file_rows(self) -> int:
        """Records of the unit in the file, readable or not."""
        return self.data.rows + self.rejected_rows

    def close(self) -> None:
        """Drop the batches."""
        self.data.close()
        self.quarantine.close()


def decode_file(
    path: Path, unit: Unit, table: Table, options: Options, package: Package
) -> Decoded:
    """Read the whole file of `unit`, or the parts in its folder as one file.

    Raises DownloadError when it is no data file of this table or is not whole, and ConnectorError
    when the disk is full.
    """
    parts = _open_parts(path, options)
    spill = package.spill_folder / path.stem
    decoder = _Decoder(parts, spill, unit, table, package)
    try:
        decoder.run()
    except BaseException as error:
        decoder.decoded.close()
        if not isinstance(error, UnpackError):
            raise
        if "No space left" in str(error):
            raise ConnectorError(
                f"the disk is full: {package.spill_folder} has no room for the rows of {unit.id}."
                " Free some space and run again; nothing is lost."
            ) from error
        raise DownloadError(f"unit {unit.id}: its file cannot be unpacked: {error}") from error
    return decoder.decoded


@cache
def stamped_schema(table: Table, drifted: tuple[str, ...] = ()) -> pa.Schema:
    """Arrow schema of the raw table with the load id."""
    return arrow_schema(table, drifted).append(pa.field("_dlt_load_id", pa.string()))


def read_names(path: Path) -> tuple[str, ...]:
    """The column names of a CSV unit, by its first part that has any; none where it is JSON or empty.

    Raises DownloadError.
    """
    return first_with_names(_open_parts(path, Options())).names


def _open_parts(path: Path, options: Options) -> list[Part]:
    try:
        return open_parts(path, options)
    except UnpackError as error:
        raise DownloadError(f"{path.name} cannot be unpacked: {error}") from error


class _Decoder:
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
        self.decoded = Decoded(
            unit,
            first_with_names(parts).format,
            Spill(spill.with_name(f"{spill.name}-data")),
            Spill(spill.with_name(f"{spill.name}-quarantine")),
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
        self._quarantine.finish(self._locate)
        self.decoded.data.finish()
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
                self.decoded.rejected_rows += 1
                self._quarantine.add_record(found)
                continue
            records = self._cut.keep(found)
            self.decoded.cut_rows = self._cut.rows
            if len(records.rows):
                self.decoded.data.add(self._to_batch(records))

    def _to_batch(self, records: Records) -> pa.RecordBatch:
        """The typed batch with every column of the table, drifted ones, and system columns."""
        self._names |= dict.fromkeys(records.names)
        given = dict(zip(records.names, records.columns, strict=True))
        columns: dict[str, pa.Array] = {}
        literals: dict[Field, pa.Array] = {}
        for known in self._table.fields:
            if known.name not in given:
                continue
            if known.type == "array_literal":
                literals[known] = given.pop(known.name)
            else:
                columns[known.column] = self._cast(given.pop(known.name), known, records.rows)
        if literals:
            lists, rejects = cast_literals(literals, records.rows)
            columns |= lists
            self._reject_cells(rejects)
        drifted = self._drift.name_columns(given)
        self.decoded.drift.update(given)
        for column, name in drifted.items():
            columns[column], rejects = to_text(given[name], name, records.rows)
            self._reject_cells(rejects)
        schema = stamped_schema(self._table, tuple(drifted))
        count = len(records.rows)
        columns |= self._system_columns(records.rows, count)
        self._note_event_time(columns)
        absent = cache(lambda kind: pa.nulls(count, kind))
        arrays = [
            columns[item.name] if item.name in columns else absent(item.type) for item in schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _cast(self, column: pa.Array, known: Field, rows: pa.Array) -> pa.Array:
        typed, rejects = cast_column(column, known, rows)
        self._reject_cells(rejects)
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

    def _note_event_time(self, columns: dict[str, pa.Array]) -> None:
        """Widen the unit's range of event times, and its days, by this batch."""
        if not self._table.event_time:
            return
        times = columns.get(self._table.field(self._table.event_time).column)
        if times is None or times.null_count == len(times):
            return
        bounds = pc.min_max(times).as_py()
        decoded = self.decoded
        decoded.min_event_at = min(decoded.min_event_at or bounds["min"], bounds["min"])
        decoded.max_event_at = max(decoded.max_event_at or bounds["max"], bounds["max"])
        if bounds["min"].date() == bounds["max"].date():
            decoded.event_days.add(bounds["min"].date().isoformat())
            return
        days = pc.unique(times.cast(pa.timestamp("us")).cast(pa.date32())).drop_null()
        decoded.event_days.update(day.isoformat() for day in days.to_pylist())

    def _reject_cells(self, rejects: list[Reject]) -> None:
        if rejects:
            self.decoded.rejected_cells += len(rejects)
            self._quarantine.add_cells([self._part.name_in(reject) for reject in rejects])

    def _locate(self, wanted: set[int]) -> dict[int, Position]:
        """Where the records with these ordinals lie, each in its part."""
        found: dict[int, Position] = {}
        for part in self._parts:
            found |= part.locate(wanted)
        return found


def remove_spills(folder: Path) -> None:
    """Delete what a killed process left of its spilled tables."""
    for path in folder.glob("*.parquet"):
        with suppress(FileNotFoundError):
            path.unlink()
