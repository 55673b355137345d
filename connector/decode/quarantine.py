"""Rejects of one unit -> rows of the `quarantine` table, each with where its record lies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from connector.decode.erased import NOBODY, Erased
from connector.decode.records import Position, Reject, escape_bytes
from connector.decode.spill import Spill

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
class Package:
    """What is being made of the rows: `load_id` is stamped on each, `spill_folder` takes large
    units, `now` (aware UTC) is when they are decoded; rows of `erased` people are left out.
    """

    load_id: str
    spill_folder: Path
    now: datetime
    erased: Erased = NOBODY


@dataclass(slots=True)
class Quarantine:
    """The rejects of one unit. Cells are held back until the end, so that one more pass over the
    file finds all their records.
    """

    unit_id: str
    table_name: str
    package: Package
    rows: Spill
    cells: list[Reject] = field(default_factory=list)

    def add_record(self, reject: Reject) -> None:
        """A record that cannot be read; its reject says where it lies."""
        self._write([reject], {})

    def add_found(self, rejects: list[Reject]) -> None:
        """Records that were read and are not to be loaded: they are looked up like cells, all of
        them, because nothing else is left of them.
        """
        self.cells.extend(rejects)

    def add_cells(self, rejects: list[Reject]) -> None:
        """Cells of loaded rows; beyond 10,000 of one file they are kept without their place."""
        room = max(0, LOCATED_REJECTS - len(self.cells))
        self.cells.extend(rejects[:room])
        self._write(rejects[room:], {})

    def finish(self, locate: Callable[[set[int]], dict[int, Position]]) -> None:
        """Everything was added; `locate` finds records by their ordinals."""
        if self.cells:
            wanted = {reject.row for reject in self.cells if reject.row is not None}
            self._write(self.cells, locate(wanted))
            self.cells = []
        self.rows.finish()

    def _write(self, rejects: list[Reject], found: dict[int, Position]) -> None:
        if rejects:
            rows = [self._describe(reject, found) for reject in rejects]
            self.rows.add(pa.RecordBatch.from_pylist(rows, schema=QUARANTINE_SCHEMA))

    def _describe(self, reject: Reject, found: dict[int, Position]) -> dict[str, object]:
        position = reject.position or found.get(-1 if reject.row is None else reject.row)
        unit, table, row = reject.home or (self.unit_id, self.table_name, reject.row)
        return {
            "unit": unit,
            "_row": row,
            "table_name": table,
            "kind": reject.kind,
            "file_line": position.line if position else None,
            "byte_offset": position.offset if position else None,
            "field_name": reject.field or None,
            "value": escape_bytes(reject.value) if reject.kind == "cell" else None,
            "raw": escape_bytes(position.raw) if position else None,
            "reason": reject.reason,
            "quarantined_at": self.package.now.astimezone(UTC),
            "_dlt_load_id": self.package.load_id,
        }
