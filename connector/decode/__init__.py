"""A verified file and its field table -> typed Arrow batches, rejects, and what was counted."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode import csv, json
from connector.decode.cast import cast_column, to_text
from connector.decode.drift import DriftNames
from connector.decode.records import Position, Records, Reject, escape_bytes
from connector.decode.spill import Spill
from connector.decode.unpack import UnpackError, read_opening
from connector.errors import ConnectorError, DownloadError
from connector.fields import Field, Table, arrow_schema
from connector.units import Unit

FileFormat = Literal["csv", "json"]
LOCATED_REJECTS = 10_000  # cell rejects of one file whose line and bytes are looked up

QUARANTINE_SCHEMA = pa.schema(
    [
        ("unit", pa.string()),
        ("_row", pa.int64()),
        ("table_name", pa.string()),
        ("kind", pa.string()),
        ("file_line", pa.int64()),
        ("byte_offset", pa.int64()),
        ("field_name", pa.string()),
        ("value", pa.string()),
        ("raw", pa.string()),
        ("reason", pa.string()),
        ("quarantined_at", pa.timestamp("us", tz="UTC")),
        ("_dlt_load_id", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a source that change how its files are read.

    `json_layout` forces a JSON layout; `keep_empty` keeps empty texts apart from NULL.
    """

    json_layout: Literal["auto", "lines", "object", "array"] = "auto"
    keep_empty: bool = False


@dataclass(slots=True)
class Decoded:
    """One unit, typed. `rows` are loadable records, `rejected_rows` unreadable ones,
    `rejected_cells` cells that became NULL or text. Close it when its batches were taken.
    """

    unit: Unit
    format: FileFormat
    data: Spill
    quarantine: Spill
    rejected_rows: int = 0
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
        """Records in the file, readable or not."""
        return self.data.rows + self.rejected_rows

    def close(self) -> None:
        """Drop the batches."""
        self.data.close()
        self.quarantine.close()


@dataclass(frozen=True, slots=True)
class Package:
    """What is being made of the rows: `load_id` is stamped on each, `spill_folder` takes large
    units, `now` (aware UTC) is when they are decoded.
    """

    load_id: str
    spill_folder: Path
    now: datetime


def decode_file(
    path: Path, unit: Unit, table: Table, options: Options, package: Package
) -> Decoded:
    """Read the whole file of `unit`.

    Raises DownloadError when the file is no data file of this table or is not whole, and
    ConnectorError when the disk is full.
    """
    decoder = _Decoder(path, unit, table, options, package)
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
    """The column names of a CSV file; none where it is JSON or empty. Raises DownloadError."""
    try:
        header = csv.read_header(path) if read_opening(path) not in (b"", b"{", b"[") else None
    except UnpackError as error:
        raise DownloadError(f"{path.name} cannot be unpacked: {error}") from error
    return header.names if header else ()


class _Decoder:
    """The state of one decoding."""

    def __init__(
        self, path: Path, unit: Unit, table: Table, options: Options, package: Package
    ) -> None:
        self._path, self._unit, self._table, self._options = path, unit, table, options
        self._package = package
        spill = package.spill_folder / path.stem
        self._header: csv.Header | None = None
        self._cells: list[Reject] = []
        self._names: dict[str, None] = {}
        self._drift = DriftNames(table)
        self.decoded = Decoded(
            unit,
            "csv",
            Spill(spill.with_name(f"{spill.name}-data")),
            Spill(spill.with_name(f"{spill.name}-quarantine")),
        )

    def run(self) -> None:
        """Decode everything."""
        for records in self._read():
            if isinstance(records, Reject):
                self.decoded.rejected_rows += 1
                self._quarantine([records])
            elif len(records.rows):
                self.decoded.data.add(self._to_batch(records))
        if self.decoded.format == "json" and self._names:
            self._check_names(tuple(self._names))
        self._quarantine_cells()
        self.decoded.data.finish()
        self.decoded.quarantine.finish()

    def _read(self) -> Iterator[Records | Reject]:
        """CSV unless the first byte opens a JSON value; an empty file is an empty CSV."""
        keep = self._options.keep_empty
        opening = read_opening(self._path)
        if opening in (b"{", b"["):
            self.decoded.format = "json"
            return json.read_json(self._path, self._options.json_layout, keep_empty=keep)
        self._header = csv.read_header(self._path) if opening else None
        if self._header is None:
            return iter(())
        self._check_names(self._header.names)
        return csv.read_csv(self._path, self._header, keep_empty=keep)

    def _check_names(self, names: tuple[str, ...]) -> None:
        """Raise DownloadError when none of `names` is a field: an error text is no data."""
        known = self._table.by_name.keys() | set(self._unit.field_names)
        if not known & set(names):
            raise DownloadError(
                f"unit {self._unit.id}: none of the columns {list(names)[:5]} is a field of"
                f" {self._table.name}: what came is not its file"
            )
        expected = set(self._unit.field_names) or names
        self.decoded.missing.update(set(expected) - set(names))

    def _to_batch(self, records: Records) -> pa.RecordBatch:
        """The typed batch with every column of the table, drifted ones, and system columns."""
        self._names |= dict.fromkeys(records.names)
        given = dict(zip(records.names, records.columns, strict=True))
        columns: dict[str, pa.Array] = {}
        for known in self._table.fields:
            if known.name in given:
                columns[known.column] = self._cast(given.pop(known.name), known, records.rows)
        drifted = self._drift.name_columns(given)
        self.decoded.drift.update(given)
        for column, name in drifted.items():
            columns[column], rejects = to_text(given[name], name, records.rows)
            self._reject_cells(rejects)
        schema = stamped_schema(self._table, tuple(drifted))
        count = len(records.rows)
        columns |= self._system_columns(records.rows, count)
        self._note_event_time(columns)
        arrays = [
            columns[item.name] if item.name in columns else pa.nulls(count, item.type)
            for item in schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _cast(self, column: pa.Array, known: Field, rows: pa.Array) -> pa.Array:
        typed, rejects = cast_column(column, known, rows)
        self._reject_cells(rejects)
        return typed

    def _system_columns(self, rows: pa.Array, count: int) -> dict[str, pa.Array]:
        values = {
            "_application_id": self._unit.application_id,
            "_unit": self._unit.id,
            "_received_from": self.decoded.format,
            "_dlt_load_id": self._package.load_id,
        }
        columns = {name: pa.repeat(pa.scalar(value), count) for name, value in values.items()}
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
        days = pc.unique(times.cast(pa.timestamp("us")).cast(pa.date32())).drop_null()
        decoded.event_days.update(day.isoformat() for day in days.to_pylist())

    def _reject_cells(self, rejects: list[Reject]) -> None:
        if not rejects:
            return
        self.decoded.rejected_cells += len(rejects)
        room = LOCATED_REJECTS - len(self._cells)
        self._cells.extend(rejects[:room])
        self._quarantine(rejects[room:])

    def _quarantine_cells(self) -> None:
        """Look up where the rejected cells' records lie, and put them into quarantine."""
        if not self._cells:
            return
        wanted = {reject.row for reject in self._cells if reject.row is not None}
        if self._header is not None:
            found = csv.locate_records(self._path, self._header, wanted)
        else:
            found = json.locate_elements(self._path, self._options.json_layout, wanted)
        self._quarantine(self._cells, found)

    def _quarantine(self, rejects: list[Reject], found: dict[int, Position] | None = None) -> None:
        if not rejects:
            return
        rows = [self._describe(reject, found or {}) for reject in rejects]
        batch = pa.RecordBatch.from_pylist(rows, schema=QUARANTINE_SCHEMA)
        self.decoded.quarantine.add(batch)

    def _describe(self, reject: Reject, found: dict[int, Position]) -> dict[str, object]:
        position = reject.position or found.get(reject.row if reject.row is not None else -1)
        return {
            "unit": self._unit.id,
            "_row": reject.row,
            "table_name": self._table.name,
            "kind": reject.kind,
            "file_line": position.line if position else None,
            "byte_offset": position.offset if position else None,
            "field_name": reject.field or None,
            "value": escape_bytes(reject.value) if reject.kind == "cell" else None,
            "raw": escape_bytes(position.raw) if position else None,
            "reason": reject.reason,
            "_dlt_load_id": self._package.load_id,
            "quarantined_at": self._package.now.astimezone(UTC),
        }


def remove_spills(folder: Path) -> None:
    """Delete what a killed process left of its spilled tables."""
    for path in folder.glob("*.parquet"):
        with suppress(FileNotFoundError):
            path.unlink()
