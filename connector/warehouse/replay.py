"""A replay from quarantine: a load of its own.

The units it touches move to a new load id, so that the models see the change. A cell is written
into its row. A record of JSON is decoded again and inserted under the ordinal it has in its file:
unreadable records kept their ordinals, so they are the gaps between the rows, in file order.
"""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from connector.decode import Decoded, Options, Package, decode_file
from connector.decode.cast import cast_column
from connector.errors import DownloadError
from connector.fields import Field, Table
from connector.units import Unit
from connector.warehouse.verification import raw_tables

DAY_AXIS = "event_day"
Entry = dict[str, Any]
logger = logging.getLogger(__name__)
_ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9a-f]{2})")  # how `escape_bytes` spells a byte


class ReplayLoad:
    """The statements of one replay, inside the caller's transaction; end it with `settle`."""

    def __init__(
        self, connection: DuckDBPyConnection, source: str, options: Options, now: datetime
    ) -> None:
        self._connection, self._source = connection, source
        self._options = replace(options, json_layout="array")
        self._now = now
        self._touched: dict[str, Table] = {}

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, list(values)).fetchall()

    def _columns(self, table: Table) -> dict[str, str]:
        """Columns of the raw table and their types."""
        sql = (
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = ? AND table_name = ?"
        )
        return dict(self._run(sql, self._source, table.name))

    def replay_cells(self, table: Table, entries: Sequence[Entry]) -> int:
        """Write the cells that fit into their rows; how many."""
        types, count = self._columns(table), 0
        for name, cells in groupby(sorted(entries, key=_field_name), key=_field_name):
            known = table.by_name.get(name)
            if known is not None and types.get(known.column) == known.sql_type:
                count += self._replay_field(table, known, list(cells))
        return count

    def _replay_field(self, table: Table, known: Field, cells: list[Entry]) -> int:
        """A cell whose bytes were no text cannot be told apart from one that spells them."""
        whole = [cell for cell in cells if not _ESCAPED.search((cell["value"] or "").encode())]
        places = pa.array(range(len(whole)), pa.int64())
        values = pa.array([cell["value"] for cell in whole], pa.string())
        typed, rejects = cast_column(values, known, places)
        unfit = {reject.row for reject in rejects}
        fits = [place for place in range(len(whole)) if place not in unfit]
        if not fits:
            return 0
        replayed = pa.table(
            {
                "unit": [whole[place]["unit"] for place in fits],
                "row": pa.array([whole[place]["_row"] for place in fits], pa.int64()),
                "value": typed.take(pa.array(fits, pa.int64())),
            }
        )
        return self._write_cells(table, known, replayed)

    def _write_cells(self, table: Table, known: Field, replayed: pa.Table) -> int:
        self._connection.register("replayed", replayed)
        written = self._run(
            f'UPDATE {self._source}."{table.name}" AS t SET "{known.column}" = r.value'
            f" FROM replayed AS r JOIN {self._source}.units AS u ON u.unit = r.unit"
            " WHERE t._unit = r.unit AND t._row = r.row AND t._dlt_load_id = u._dlt_load_id"
            " RETURNING t._unit, t._row"
        )
        self._connection.unregister("replayed")
        for unit, row in written:
            self._run(
                f"DELETE FROM {self._source}.quarantine WHERE kind = 'cell' AND unit = ?"
                " AND _row = ? AND field_name = ?",
                *(unit, row, known.name),
            )
            self._touched[unit] = table
        return len(written)

    def replay_rows(self, table: Table, entries: Sequence[Entry]) -> int:
        """Decode records of JSON again and insert those that can be read; how many."""
        count = 0
        for unit, records in groupby(entries, key=lambda entry: str(entry["unit"])):
            ordinals = self._find_ordinals(table, unit)
            for record in records:
                if record["byte_offset"] in ordinals:
                    count += self._insert(table, record, ordinals[record["byte_offset"]])
        return count

    def _find_ordinals(self, table: Table, unit: str) -> dict[int, int]:
        """Ordinal by byte offset of the unit's unreadable records; empty where it cannot be told,
        as in a unit of CSV: its header is not in quarantine.
        """
        rows = self._run(
            f'SELECT _row, _received_from FROM {self._source}."{table.name}" WHERE _unit = ?', unit
        )
        ledger = self._run(f"SELECT file_rows FROM {self._source}.units WHERE unit = ?", unit)
        offsets = self._run(
            f"SELECT byte_offset FROM {self._source}.quarantine WHERE unit = ? AND kind = 'row'"
            " ORDER BY byte_offset",
            unit,
        )
        taken = {row for row, _ in rows}
        gaps = [row for row in range(ledger[0][0]) if row not in taken]
        places = dict(zip((offset for (offset,) in offsets), gaps, strict=False))
        is_json = all(received == "json" for _, received in rows)
        return places if is_json and len(places) == len(gaps) == len(offsets) else {}

    def _insert(self, table: Table, record: Entry, row: int) -> bool:
        """One record: out of quarantine and into its table; False where it cannot be read yet."""
        with self._decoded(table, record) as decoded:
            data = list(decoded.data.batches()) if decoded else []
            known = self._columns(table).keys()
            if not data or not set(data[0].schema.names) <= known:
                return False
            assert decoded is not None
            rejects = list(decoded.quarantine.batches())
        unit = record["unit"]
        load_id = self._run(f"SELECT _dlt_load_id FROM {self._source}.units WHERE unit = ?", unit)
        place = {"_row": row, "_dlt_load_id": load_id[0][0]}
        self._append(table.name, data, place)
        kept = {key: record[key] for key in ("file_line", "byte_offset", "raw")}
        self._append("quarantine", rejects, place | kept)
        self._run(
            f"DELETE FROM {self._source}.quarantine WHERE kind = 'row' AND unit = ?"
            " AND byte_offset = ?",
            *(unit, record["byte_offset"]),
        )
        self._run(
            f"UPDATE {self._source}.units SET loaded_rows = loaded_rows + 1,"
            " quarantined_rows = quarantined_rows - 1 WHERE unit = ?",
            unit,
        )
        self._touched[unit] = table
        return True

    @contextmanager
    def _decoded(self, table: Table, record: Entry) -> Iterator[Decoded | None]:
        """The record as a file of its own, decoded; None unless it is one readable record."""
        raw = _unescape(record["raw"] or "")
        with TemporaryDirectory() as folder, ExitStack() as stack:
            path = Path(folder) / "record"
            path.write_bytes(b"[" + raw + b"]")
            decoded = None
            try:
                if raw.lstrip().startswith(b"{"):
                    unit = self._read_unit(record["unit"])
                    package = Package("", Path(folder), self._now)
                    decoded = decode_file(path, unit, table, self._options, package)
                    stack.callback(decoded.close)
            except DownloadError as error:
                logger.info("not replayed: %s: %s", record["unit"], error)
            yield decoded if decoded and _is_one(decoded) else None

    def _read_unit(self, unit: str) -> Unit:
        ((table, application_id, axis, lower_at, upper_at, remote_id),) = self._run(
            "SELECT table_name, application_id, axis, lower_at, upper_at, remote_id"
            f" FROM {self._source}.units WHERE unit = ?",
            unit,
        )
        return Unit(
            id=unit,
            source=self._source,
            table=table,
            application_id=application_id or "",
            axis=axis,
            lower_at=lower_at,
            upper_at=upper_at,
            remote_id=remote_id,
        )

    def _append(
        self, table: str, batches: Sequence[pa.RecordBatch], values: dict[str, Any]
    ) -> None:
        """Insert batches, with these values in these columns."""
        for batch in batches:
            rows = pa.Table.from_batches([batch])
            for name, value in values.items():
                column = pa.repeat(pa.scalar(value), rows.num_rows)
                place = rows.schema.get_field_index(name)
                rows = (
                    rows.append_column(name, column)
                    if place < 0
                    else rows.set_column(place, name, column)
                )
            self._connection.register("appended", rows)
            self._run(f'INSERT INTO {self._source}."{table}" BY NAME SELECT * FROM appended')
            self._connection.unregister("appended")

    def settle(self) -> None:
        """Count the event times anew and move the touched units to a load id of their own."""
        if not self._touched:
            return
        units = sorted(self._touched)
        for table in {table.name: table for table in self._touched.values()}.values():
            self._count_event_times(table, units)
        load_id = self._add_load()
        for name in raw_tables(self._connection, self._source):
            self._move(name, "_unit", units, load_id)
        self._move("quarantine", "unit", units, load_id)
        self._run(
            f"UPDATE {self._source}.units SET _dlt_load_id = ? WHERE unit IN (SELECT unnest(?))",
            *(load_id, units),
        )

    def _add_load(self) -> str:
        """A finished load, newer than every other, with the schema of the last one."""
        loads = f"{self._source}._dlt_loads"
        newest = float(self._run(f"SELECT max(load_id) FROM {loads}")[0][0])
        load_id = f"{max(time.time(), newest + 0.001):.6f}"
        self._run(
            f"INSERT INTO {loads} BY NAME SELECT ? AS load_id, schema_name, 0 AS status,"
            f" now() AS inserted_at, schema_version_hash FROM {loads}"
            " ORDER BY load_id DESC LIMIT 1",
            load_id,
        )
        return load_id

    def _move(self, table: str, key: str, units: Sequence[str], load_id: str) -> None:
        self._run(
            f'UPDATE {self._source}."{table}" AS t SET _dlt_load_id = ?'
            f" FROM {self._source}.units AS u WHERE u.unit IN (SELECT unnest(?))"
            f" AND t.{key} = u.unit AND t._dlt_load_id = u._dlt_load_id",
            *(load_id, list(units)),
        )

    def _count_event_times(self, table: Table, units: Sequence[str]) -> None:
        """What the ledger says of the units' event times, from the rows as they are now."""
        if not table.event_time:
            return
        at = f't."{table.field(table.event_time).column}"'
        day = f"CAST(CAST({at} AT TIME ZONE 'UTC' AS DATE) AS VARCHAR)"
        self._run(
            f"UPDATE {self._source}.units AS u SET min_event_at = c.first, max_event_at = c.last,"
            f" event_days = c.days FROM (SELECT t._unit AS unit, min({at}) AS first,"
            f" max({at}) AS last,"
            f" to_json(coalesce(list(DISTINCT {day} ORDER BY {day}) FILTER ({at} IS NOT NULL), []))"
            f' AS days FROM {self._source}."{table.name}" AS t'
            " WHERE t._unit IN (SELECT unnest(?)) GROUP BY t._unit) AS c WHERE c.unit = u.unit",
            list(units),
        )


def _is_one(decoded: Decoded) -> bool:
    """True for one readable record, of the day of its unit where units are days."""
    unit, at = decoded.unit, decoded.min_event_at
    is_there = unit.axis != DAY_AXIS or at is None or unit.lower_at <= at < unit.upper_at
    return decoded.rows == 1 and not decoded.rejected_rows and is_there


def _field_name(entry: Entry) -> str:
    return str(entry["field_name"])


def _unescape(raw: str) -> bytes:
    """The bytes `escape_bytes` made text of. In JSON a single backslash before an `x` means
    nothing, so none can have been there before.
    """
    return _ESCAPED.sub(
        lambda found: found[1] + bytes([int(found[2], 16)]), raw.encode("utf-8", "surrogatepass")
    )
